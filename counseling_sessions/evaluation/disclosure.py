"""Disclosure: which items of its form a client has told by when, and what came too early; of sessions with a form alone.

An item is a field that only the client sees. It counts as told once the client has said half of its telling words, each by its
weight (`roots`). Words that come by chance tell little; what is told in other words is missed.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from counseling_sessions.evaluation.form import items
from counseling_sessions.evaluation.roots import roots_of, weight
from counseling_sessions.sessions import Message, Session

TOLD = 0.5
"""Share of an item's words, by their weight, from which on it is told."""
_ROUNDING = 1e-9
PAINFUL = 3
"""The level of what is told last."""
EARLY = 3
"""The first of so many parts of a session is early."""
TENTHS = 10


@dataclass(frozen=True)
class Disclosure:
    """What a client told: `turns` has the turn of each item told by its path, of so many `items`.

    `by_tenth` has the share of items (0 to 1) that were told by the end of each tenth of the client's messages. `premature` names
    those told before their level was open, or, where no level is on record, painful ones told in the first third.
    """

    items: int
    turns: Mapping[str, int]
    by_tenth: tuple[float, ...]
    premature: tuple[str, ...]

    def figures(self) -> dict[str, float]:
        """The figures by which sessions are compared."""
        return {"told": len(self.turns) / self.items, "premature": float(len(self.premature))}


def disclosure_of(session: Session) -> Disclosure | None:
    """Read a session; None without a form, or without a word of the client's. Time is linear in the text."""
    client = [message for message in session.dialogue if message.speaker == "client"]
    words = {item.path: roots_of(item.text) for item in items(session.profile)} if session.profile else {}
    levels = {item.path: item.level for item in items(session.profile)} if session.profile else {}
    left = {path: sum(map(weight, roots)) for path, roots in words.items() if roots}
    if not client or not left:
        return None
    needed = {path: (1 - TOLD) * total for path, total in left.items()}
    places: dict[str, int] = {}
    said: set[str] = set()
    for place, message in enumerate(client):
        new = roots_of(message.text) - said
        said |= new
        for path in left.keys() - places.keys():
            left[path] -= sum(map(weight, words[path] & new))
            if left[path] <= needed[path] + _ROUNDING:
                places[path] = place
    return Disclosure(
        items=len(left),
        turns={path: client[place].turn for path, place in places.items()},
        by_tenth=tuple(
            sum(TENTHS * (place + 1) <= tenth * len(client) for place in places.values()) / len(left)
            for tenth in range(1, TENTHS + 1)
        ),
        premature=tuple(path for path, place in places.items() if _too_early(client, place, levels[path])),
    )


def _too_early(client: list[Message], place: int, level: int) -> bool:
    openness = client[place].openness
    if openness is not None:
        return level > openness
    return level >= PAINFUL and place < len(client) / EARLY


@dataclass
class DisclosureCount:
    """The disclosure of a set's sessions, by attitude ("" where a session has none)."""

    by_attitude: defaultdict[str, list[Disclosure]] = field(default_factory=lambda: defaultdict(list))

    def add(self, session: Session, disclosure: Disclosure) -> None:
        """Count a session."""
        self.by_attitude[session.attitude or ""].append(disclosure)

    def curve(self, attitude: str) -> list[float]:
        """The mean share told by the end of each tenth of the client's messages."""
        sessions = self.by_attitude[attitude]
        return [sum(one.by_tenth[tenth] for one in sessions) / len(sessions) for tenth in range(TENTHS)]
