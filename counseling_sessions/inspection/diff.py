"""Two sessions side by side: what their configurations, plans and ends differ in, and the dialogues, turn by turn and word by
word. Meant for a session and its fork; works for any two."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Literal

from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.state import Fork, Pick, SessionRecord, Turn, Utterance

What = Literal["plan", "counselor", "pick", "client"]

RELATED = 0.35
"""Share of words in common (difflib's ratio, 0 to 1) from which two texts are told apart word by word: below it, what they
have in common is chance, and marks would only be in the way."""
_WORD = re.compile(r"\S+")
_NO_TURN = Turn(turn=1, phase="opening")


@dataclass(frozen=True)
class Span:
    """Words of one side that stand together: in the other side too, or (`changed`) in this one alone."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Row:
    """One thing compared: the plan, a pick with its reason, or what somebody said. None: that side has none."""

    what: What
    a: str | None
    b: str | None

    @property
    def alike(self) -> bool:
        return self.a == self.b

    @cached_property
    def words(self) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """Both sides, word by word; all changed where the texts are unrelated."""
        return compare_words(self.a or "", self.b or "")


@dataclass(frozen=True)
class Pair:
    """What two sessions did at the same place: `name` is "plan", "opening", "turn 7" or "closing"; `turn` is 1-based, 0 else."""

    name: str
    turn: int
    rows: tuple[Row, ...]

    @property
    def alike(self) -> bool:
        return all(row.alike for row in self.rows)


@dataclass(frozen=True)
class Setting:
    """Something on which two sessions differ, by name, with both its values as text; empty where a side has none."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Difference:
    """Two sessions compared."""

    a: SessionRecord
    b: SessionRecord
    settings: tuple[Setting, ...]
    pairs: tuple[Pair, ...]

    @property
    def shared(self) -> tuple[Pair, ...]:
        """The past that both have: what is alike before the dialogues part. A fork may have let go of its plan."""
        parts = (place for place, pair in enumerate(self.pairs) if pair.name != "plan" and not pair.alike)
        return tuple(pair for pair in self.pairs[: next(parts, len(self.pairs))] if pair.alike)

    @property
    def relation(self) -> str:
        """How the two come from each other, as a sentence; empty where they do not."""
        return _relation(self.a, self.b)


def compare(a: SessionRecord, b: SessionRecord) -> Difference:
    """What two sessions have in common and what not."""
    return Difference(a, b, tuple(_settings(a, b)), tuple(_pairs(a, b)))


def compare_words(a: str, b: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Two texts as runs of words that both have, and of words that only one has. White space does not count."""
    ours, theirs = _WORD.findall(a), _WORD.findall(b)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    if matcher.ratio() < RELATED:
        return _span(ours, True), _span(theirs, True)
    left: list[Span] = []
    right: list[Span] = []
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        left += _span(ours[start:end], kind != "equal")
        right += _span(theirs[other_start:other_end], kind != "equal")
    return tuple(left), tuple(right)


def as_json(difference: Difference, *, alike: bool = False) -> dict[str, Any]:
    """The difference as plain JSON; what both did alike is named, and shown with `alike` only."""
    return {
        "a": _about(difference.a),
        "b": _about(difference.b),
        "relation": difference.relation or None,
        "shared": [pair.name for pair in difference.shared],
        "settings": [{"name": item.name, "a": item.a, "b": item.b} for item in difference.settings],
        "pairs": [_pair_json(pair, rows=alike or not pair.alike) for pair in difference.pairs],
    }


def _span(words: list[str], changed: bool) -> tuple[Span, ...]:
    return (Span(" ".join(words), changed),) if words else ()


def _settings(a: SessionRecord, b: SessionRecord) -> Iterator[Setting]:
    ours, theirs = _facts(a), _facts(b)
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name, "") != theirs.get(name, ""):
            yield Setting(name, ours.get(name, ""), theirs.get(name, ""))


def _facts(record: SessionRecord) -> dict[str, str]:
    """What a session was asked to be, and how it ended, by name."""
    facts = {"client": record.profile_id, "attitude": record.attitude}
    facts |= dict(_flat("", record.configuration))
    facts |= {"prompts": _prompts(record), "program": record.provenance.packages.get("counseling-sessions", "")}
    return facts | {"turns": str(len(record.turns)), "end": how_it_ended(record)}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), item)
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, str(value)


def _prompts(record: SessionRecord) -> str:
    """The prompt files by a hash of their hashes: they are alike or not."""
    hashes = record.provenance.prompt_hashes
    return f"{len(hashes)} files, {hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()[:8]}"


def _pairs(a: SessionRecord, b: SessionRecord) -> Iterator[Pair]:
    yield from _pair("plan", 0, [("plan", _plan(a), _plan(b))])
    openings = [{said.speaker: said.text for said in record.opening} for record in (a, b)]
    speakers: tuple[Literal["counselor", "client"], ...] = ("counselor", "client")
    yield from _pair("opening", 0, [(who, openings[0].get(who), openings[1].get(who)) for who in speakers])
    ours, theirs = ({turn.turn: turn for turn in record.turns} for record in (a, b))
    for number in sorted(ours.keys() | theirs.keys()):
        yield from _pair(f"turn {number}", number, _rows(ours.get(number), theirs.get(number)))
    yield from _pair("closing", 0, [("counselor", _text(a.closing), _text(b.closing))])


def _pair(name: str, turn: int, found: list[tuple[What, str | None, str | None]]) -> Iterator[Pair]:
    rows = tuple(Row(what, a, b) for what, a, b in found if a is not None or b is not None)
    if rows:
        yield Pair(name, turn, rows)


def _rows(a: Turn | None, b: Turn | None) -> list[tuple[What, str | None, str | None]]:
    ours, theirs = a or _NO_TURN, b or _NO_TURN
    return [
        ("pick", _pick(ours.pick), _pick(theirs.pick)),
        ("counselor", _text(ours.counselor), _text(theirs.counselor)),
        ("client", _text(ours.client), _text(theirs.client)),
    ]


def _text(said: Utterance | None) -> str | None:
    return said.text if said else None


def _pick(pick: Pick | None) -> str | None:
    if pick is None:
        return None
    step = f", step {pick.step}" if pick.step else ""
    return f"{' + '.join(pick.techniques)} ({pick.source}{step}): {pick.reason}"


def _plan(record: SessionRecord) -> str | None:
    if record.plan is None:
        return None
    steps = " ".join(f"{number}. {step}" for number, step in enumerate(record.plan.steps, 1))
    return f"{record.plan.technique.value}: {record.plan.goal} {steps}"


def _relation(a: SessionRecord, b: SessionRecord) -> str:
    if a.session_id == b.session_id:
        return "A and B are the same session."
    for name, fork, other, parent in (("B", b.forked_from, "A", a), ("A", a.forked_from, "B", b)):
        if fork and fork.session_id == parent.session_id:
            return f"{name} is a fork of {other} at turn {fork.turn}{_edited(fork)}."
    if a.forked_from and b.forked_from and a.forked_from.session_id == b.forked_from.session_id:
        turns = f"A at turn {a.forked_from.turn}{_edited(a.forked_from)}, B at turn {b.forked_from.turn}"
        return f"A and B are forks of {a.forked_from.session_id}: {turns}{_edited(b.forked_from)}."
    return ""


def _edited(fork: Fork) -> str:
    return f" ({', '.join(fork.edits)} edited by hand)" if fork.edits else ""


def _about(record: SessionRecord) -> dict[str, Any]:
    fork = record.forked_from
    return {
        "session_id": record.session_id,
        "profile_id": record.profile_id,
        "attitude": record.attitude,
        "method": record.configuration.get("method"),
        "status": record.status,
        "end_reason": record.end_reason,
        "turns": len(record.turns),
        "forked_from": fork.model_dump(mode="json") if fork else None,
    }


def _pair_json(pair: Pair, *, rows: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": pair.name, "turn": pair.turn, "alike": pair.alike}
    if rows:
        told["rows"] = [
            {
                "what": row.what,
                "alike": row.alike,
                "a": row.a,
                "b": row.b,
                "words": [[{"text": span.text, "changed": span.changed} for span in side] for side in row.words],
            }
            for row in pair.rows
        ]
    return told
