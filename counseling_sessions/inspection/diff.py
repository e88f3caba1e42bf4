"""Compares two sessions: their configurations, plans and ends, and their dialogues turn by turn and word by word.

Its use is a session and its fork, but any two sessions work."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Literal

from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.sessions.record import Fork, SessionRecord, Turn
from counseling_sessions.state import Pick, Plan, Utterance

What = Literal["plan", "counselor", "pick", "client"]

RELATED = 0.35
"""Share of common words (difflib's ratio, 0 to 1) from which two texts are compared word by word. Below it, common words are
chance."""
_WORD = re.compile(r"\S+")
_NO_TURN = Turn(turn=1, phase="opening")


@dataclass(frozen=True)
class Span:
    """A run of words that both sides have or (`changed`) only this one."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Row:
    """The plan, a pick with its reason, or an utterance of both sides; None where a side has none."""

    what: What
    a: str | None
    b: str | None

    @property
    def alike(self) -> bool:
        return self.a == self.b

    @cached_property
    def words(self) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """Both sides, word by word; all words are changed if the texts are unrelated."""
        return compare_words(self.a or "", self.b or "")


@dataclass(frozen=True)
class Pair:
    """The same place in two sessions: `name` is "plan", "opening", "turn 7" or "closing"; `turn` is its number from 1, else 0."""

    name: str
    turn: int
    rows: tuple[Row, ...]

    @property
    def alike(self) -> bool:
        return all(row.alike for row in self.rows)

    @property
    def has_one_past(self) -> bool:
        """Whether both sides are alike but for a plan that was revised there."""
        return all(row.alike for row in self.rows if row.what != "plan" or self.name == "plan")


@dataclass(frozen=True)
class Setting:
    """A setting or result that differs: its name and both values as text, empty where a side has none."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Difference:
    """Two sessions and their differences."""

    a: SessionRecord
    b: SessionRecord
    settings: tuple[Setting, ...]
    pairs: tuple[Pair, ...]

    @property
    def shared(self) -> tuple[Pair, ...]:
        """The common past: the pairs that are alike before the dialogues differ. A fork can have other plans."""
        different = (place for place, pair in enumerate(self.pairs) if pair.name != "plan" and not pair.has_one_past)
        return tuple(pair for pair in self.pairs[: next(different, len(self.pairs))] if pair.has_one_past)

    @property
    def relation(self) -> str:
        """A sentence on which session is a fork of which; empty if neither is."""
        return _relation(self.a, self.b)


def compare(a: SessionRecord, b: SessionRecord) -> Difference:
    """The differences of two sessions."""
    return Difference(a, b, tuple(_settings(a, b)), tuple(_pairs(a, b)))


def compare_words(a: str, b: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Two texts as runs of common words, and of words that only one has. White space does not count."""
    a_words, b_words = _WORD.findall(a), _WORD.findall(b)
    matcher = SequenceMatcher(None, a_words, b_words, autojunk=False)
    if matcher.ratio() < RELATED:
        return _span(a_words, True), _span(b_words, True)
    a_spans: list[Span] = []
    b_spans: list[Span] = []
    for kind, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        a_spans += _span(a_words[a_start:a_end], kind != "equal")
        b_spans += _span(b_words[b_start:b_end], kind != "equal")
    return tuple(a_spans), tuple(b_spans)


def as_json(difference: Difference, *, alike: bool = False) -> dict[str, Any]:
    """The difference as plain JSON. Pairs that are alike have their rows only with `alike`."""
    return {
        "a": _about(difference.a),
        "b": _about(difference.b),
        "relation": difference.relation or None,
        "shared": [pair.name for pair in difference.shared],
        "settings": [asdict(item) for item in difference.settings],
        "pairs": [_pair_json(pair, rows=alike or not pair.alike) for pair in difference.pairs],
    }


def _span(words: list[str], changed: bool) -> tuple[Span, ...]:
    return (Span(" ".join(words), changed),) if words else ()


def _settings(a: SessionRecord, b: SessionRecord) -> Iterator[Setting]:
    a_facts, b_facts = _facts(a), _facts(b)
    for name in dict.fromkeys([*a_facts, *b_facts]):
        if a_facts.get(name, "") != b_facts.get(name, ""):
            yield Setting(name, a_facts.get(name, ""), b_facts.get(name, ""))


def _facts(record: SessionRecord) -> dict[str, str]:
    """A session's settings, and how it ended, by name."""
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
    """The number of prompt files, and a hash of their hashes to compare."""
    hashes = record.provenance.prompt_hashes
    others = f", and {len(more)} other sets" if (more := record.provenance.other_prompts) else ""
    return f"{len(hashes)} files, {hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()[:8]}{others}"


def _pairs(a: SessionRecord, b: SessionRecord) -> Iterator[Pair]:
    yield from _pair("plan", 0, [("plan", _plan(a.plan), _plan(b.plan))])
    a_opening, b_opening = ({item.speaker: item.text for item in record.opening} for record in (a, b))
    speakers: tuple[Literal["counselor", "client"], ...] = ("counselor", "client")
    yield from _pair("opening", 0, [(speaker, a_opening.get(speaker), b_opening.get(speaker)) for speaker in speakers])
    a_turns, b_turns = ({turn.turn: turn for turn in record.turns} for record in (a, b))
    a_plans, b_plans = ({plan.turn: _plan(plan) for plan in record.revisions} for record in (a, b))
    for number in sorted(a_turns.keys() | b_turns.keys()):
        revised: list[tuple[What, str | None, str | None]] = [("plan", a_plans.get(number), b_plans.get(number))]
        rows = _rows(a_turns.get(number, _NO_TURN), b_turns.get(number, _NO_TURN))
        yield from _pair(f"turn {number}", number, revised + rows)
    yield from _pair("closing", 0, [("counselor", _text(a.closing), _text(b.closing))])


def _pair(name: str, turn: int, sides: list[tuple[What, str | None, str | None]]) -> Iterator[Pair]:
    rows = tuple(Row(what, a, b) for what, a, b in sides if a is not None or b is not None)
    if rows:
        yield Pair(name, turn, rows)


def _rows(a: Turn, b: Turn) -> list[tuple[What, str | None, str | None]]:
    return [
        ("pick", _pick(a.pick), _pick(b.pick)),
        ("counselor", _text(a.counselor), _text(b.counselor)),
        ("client", _text(a.client), _text(b.client)),
    ]


def _text(utterance: Utterance | None) -> str | None:
    return utterance.text if utterance else None


def _pick(pick: Pick | None) -> str | None:
    if pick is None:
        return None
    step = f", step {pick.step}" if pick.step else ""
    return f"{' + '.join(pick.techniques)} ({pick.source}{step}): {pick.reason}"


def _plan(plan: Plan | None) -> str | None:
    if plan is None:
        return None
    steps = " ".join(f"{number}. {step}" for number, step in enumerate(plan.steps, 1))
    said = " ".join(filter(None, (plan.formulation, plan.goal, steps)))
    return f"{plan.technique.value}: {said}"


def _relation(a: SessionRecord, b: SessionRecord) -> str:
    if a.session_id == b.session_id:
        return "A and B are the same session."
    for name, fork, parent_name, parent in (("B", b.forked_from, "A", a), ("A", a.forked_from, "B", b)):
        if fork and fork.session_id == parent.session_id:
            return f"{name} is a fork of {parent_name} at turn {fork.turn}{_edited(fork)}."
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
    document: dict[str, Any] = {"name": pair.name, "turn": pair.turn, "alike": pair.alike}
    if rows:
        document["rows"] = [
            {
                "what": row.what,
                "alike": row.alike,
                "a": row.a,
                "b": row.b,
                "words": [[asdict(span) for span in side] for side in row.words],
            }
            for row in pair.rows
        ]
    return document
