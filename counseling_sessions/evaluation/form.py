"""What only the client knows of its form, and what both sides know before anything is said."""

from dataclasses import dataclass

from counseling_sessions.profiles.disclosure import levels
from counseling_sessions.profiles.schema import ClientProfile, counselor_information, counselor_reason, texts_of


@dataclass(frozen=True)
class Item:
    """A text of the form that only its client sees, with its path and the level (1 to 3) from which on it may be told."""

    path: str
    level: int
    text: str


def items(profile: ClientProfile) -> list[Item]:
    """The texts of the form that only its client sees, in the form's order."""
    by_path = levels(profile)
    return [Item(path, by_path[path], text) for path, text in texts_of(profile) if path in by_path]


def open_texts(profile: ClientProfile) -> list[str]:
    """What both sides know: the first page of the form, its reason, and its opening."""
    opening = profile.opening
    both = (opening.counselor, opening.client) if opening else ()
    return [counselor_information(profile), counselor_reason(profile), *both]
