"""What only the client knows: the items of a form that no counselor sees, and the level at which each may come up."""

from dataclasses import dataclass
from functools import lru_cache

from counseling_sessions.profiles.schema import ClientProfile, counselor_information, counselor_reason, texts_of

LEVELS = {
    **{
        "presenting_problem.what": 1,
        "presenting_problem.triggers": 1,
        "functioning.work": 1,
        "functioning.daily_life": 1,
    },
    **{"presenting_problem.since": 2, "presenting_problem.tried": 2, "functioning.relationships": 2, "support": 2},
    **{"strengths": 2, "automatic_thought": 3, "history": 3, "other": 3},
}


@dataclass(frozen=True)
class Item:
    """A text of the form, with its path and the level from which on it may be told."""

    path: str
    level: int
    text: str


def level_of(profile: ClientProfile, path: str) -> int:
    """The level of a field of the form, 1 to 3."""
    return LEVELS.get(path, 1)


@lru_cache(maxsize=256)
def items(profile: ClientProfile) -> tuple[Item, ...]:
    """The texts of the form that only its client sees, in the form's order."""
    return tuple(Item(path, level_of(profile, path), text) for path, text in texts_of(profile) if path in LEVELS)


def open_texts(profile: ClientProfile) -> list[str]:
    """What both sides know before anything is said: the first page of the form, its reason, and its opening."""
    opening = profile.opening
    return [
        counselor_information(profile),
        counselor_reason(profile),
        *((opening.counselor, opening.client) if opening else ()),
    ]
