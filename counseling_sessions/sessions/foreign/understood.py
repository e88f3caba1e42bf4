"""What was understood of others' files: sessions by the shape they were read as, and what was left out and why."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.foreign.reading import Aside
from counseling_sessions.sessions.session import Session

MOST_VALUES = 200
"""Different values of a field that are counted; of one with more, as with texts, only how often it is there."""


@dataclass
class Field:
    """A field of the files: in how many sessions or messages it is, and its values, None where there are too many."""

    count: int = 0
    values: Counter[str] | None = field(default_factory=Counter)

    def add(self, value: str) -> None:
        self.count += 1
        if self.values is not None:
            self.values[value] += 1
            if len(self.values) > MOST_VALUES:
                self.values = None


@dataclass
class Kind:
    """The sessions of one shape. `first` is one of them; `passed_over`, `assumed` and `speakers` count messages and sessions."""

    first: Session
    files: set[str] = field(default_factory=set)
    sessions: int = 0
    clients: set[str] = field(default_factory=set)
    messages: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    speakers: Counter[tuple[str, str]] = field(default_factory=Counter)
    fields: dict[str, Field] = field(default_factory=dict)
    codes: dict[str, Field] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)
    assumed: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session) -> None:
        self.sessions += 1
        self.files.add(session.source)
        self.clients.add(session.client)
        self.turns[session.turns] += 1
        self.passed_over.update(session.passed_over)
        self.assumed.update(session.assumed)
        self.speakers.update(session.speakers.items())
        for path, value in session.metadata.items():
            self.fields.setdefault(path, Field()).add(str(value))
        for message in session.dialogue:
            self.messages[message.speaker] += 1
            for name, values in message.codes.items():
                self.codes.setdefault(name, Field()).add(" / ".join(values))


@dataclass
class LeftOut:
    """Records that were left out for one reason, with the first of them; `aside` where they lie beside sessions and are none."""

    first: Problem
    reason: str
    aside: bool
    count: int = 0


@dataclass
class Understood:
    """What was understood. Sessions of the kinds and records left out are together all that there are."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    @property
    def sessions(self) -> int:
        return sum(kind.sessions for kind in self.kinds.values())

    @property
    def lost(self) -> int:
        """Records that should be sessions and could not be read as such."""
        return sum(item.count for item in self.left_out.values() if not item.aside)


def understand(items: Iterable[Session | Problem]) -> Understood:
    """Go through sessions and problems, one by one."""
    understood = Understood()
    for item in items:
        if isinstance(item, Problem):
            reason = re.sub(r"\d+", "N", f"{item.field}: {item.message}" if item.field else item.message)
            shown = f"{item.field}: {item.message}" if item.field else item.message
            understood.left_out.setdefault(reason, LeftOut(item, shown, isinstance(item, Aside))).count += 1
        else:
            shape = item.shape or "our records"
            understood.kinds.setdefault(shape, Kind(item)).add(item)
    return understood
