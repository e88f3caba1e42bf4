"""Which techniques would fit now, and why: by what the client just said, the phase, and what the person did so far.

A reason quotes the words that it rests on, or says that nothing was seen. The texts are in `hints.yaml`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from counseling_sessions.integrity.signs import sentence_with
from counseling_sessions.nodes.answers import quoted
from counseling_sessions.nodes.picking import pick_by_rules
from counseling_sessions.nodes.progress import has_signs, progress_of
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.practice.labels import LabelName, labels_of
from counseling_sessions.practice.seen import Seen, Showing, seen_in
from counseling_sessions.settings import SessionConfig, read_yaml
from counseling_sessions.state import CounselorView, FrozenData, Phase, Pick, Utterance
from counseling_sessions.texts.words import sentences

FILE = Path(__file__).with_name("hints.yaml")
IN_A_ROW = 3
"""Messages with a question and no reflection after which asking has gone on for long enough."""
REFLECTED = 2
"""Messages with a reflection and no question after which a question leads on."""
_Ground = Showing | Literal["pain", ""]
"""What a rule has to see in the client's message: what it shows, something painful that is said, or nothing."""
_EARLY: frozenset[Phase] = frozenset({"opening", "exploring"})


class Hint(FrozenData):
    """The techniques for a turn, the first one leading, and why.

    `rule` says what it rests on: a rule of `hints.yaml`, or `llm` for a model's pick. `advice` says what to do; a pick has none. `seen`
    is what the client's last message shows; `fallback` says why a model that was asked did not decide.
    """

    turn: int
    phase: Phase
    techniques: tuple[str, ...]
    rule: str
    advice: str
    reason: str
    seen: tuple[Seen, ...] = ()
    source: Literal["rules", "llm"] = "rules"
    fallback: str | None = None


def hint_by_rules(view: CounselorView, config: SessionConfig, fallback: str | None = None) -> Hint:
    """The hint for the turn in progress, without a call; `fallback` says why a model that was asked did not decide."""
    now, pick = progress_of(view, config), pick_by_rules(view, config)
    reads = has_signs(config)
    seen = seen_in(view.last_of("client"), _before_last(view.utterances)) if reads else ()
    rule, words, feeling = (
        _resting_on(view, now.phase, seen, listens=now.listens or now.turn == 1) if reads else ("unread", "", "")
    )
    if rule == "phase" and (words := _calling(view.last_of("client"), pick.techniques[0])):
        rule = "called_for"
    text = texts().rules[rule]
    fitting = tuple(name for name in text.techniques if name in config.techniques)[: 1 if text.alone else 2]
    where = texts().phases[now.phase] if rule in ("phase", "unread") else texts().still[now.phase]
    return Hint(
        turn=now.turn,
        phase=now.phase,
        techniques=fitting or pick.techniques,
        rule=rule,
        advice=text.advice,
        reason=text.reason.format(words=f"“{words}”", feeling=feeling, phase=where),
        seen=seen,
        fallback=fallback,
    )


def hint_of_pick(pick: Pick) -> Hint:
    """The hint that a model's pick makes."""
    return Hint(
        turn=pick.turn, phase=pick.phase, techniques=pick.techniques, rule="llm", advice="", reason=pick.reason, source="llm"
    )  # fmt: skip


def _resting_on(view: CounselorView, phase: Phase, seen: Sequence[Seen], *, listens: bool) -> tuple[str, str, str]:
    """The rule that decides, the client's words that it rests on, and the feeling in them; the first that holds counts."""
    by_kind: dict[_Ground, Seen] = {one.kind: one for one in reversed(seen)}
    mine = [*_own_labels(view.utterances)]
    for rule, kind in _rules(mine, phase, is_over=view.end_reason is not None):
        if kind == "":
            return rule, quoted(view.last_of("client")), ""
        if kind == "pain" and listens and (hurts := sentence_with(view.last_of("client"), "pain")):
            return rule, quoted(hurts), ""
        if one := by_kind.get(kind):
            return rule, one.words, one.feeling
    return "phase", "", ""


def _rules(mine: Sequence[frozenset[LabelName]], phase: Phase, *, is_over: bool) -> Iterator[tuple[str, _Ground]]:
    """The rules in their order, each with what it has to see in the client's message ("" where it needs nothing of that)."""
    early = phase in _EARLY
    yield "risk", "risk"
    if is_over:
        yield "farewell", ""
    yield "disclosure", "disclosure"
    yield "pain", "pain"
    yield ("pressed" if mine and "advice" in mine[-1] else "resistance"), "resistance"
    reflected = len(mine) >= REFLECTED and all(
        "reflection" in one and "question" not in one for one in mine[-REFLECTED:]
    )
    yield ("feeling_reflected" if reflected else "feeling"), "feeling"
    if len(mine) >= IN_A_ROW and all("question" in one and "reflection" not in one for one in mine[-IN_A_ROW:]):
        yield "questions", ""
    if early and mine and "advice" in mine[-1]:
        yield "advised", ""
    yield "torn", "torn"
    yield ("help_early" if early else "help"), "asks_help"
    yield ("why_early" if early else "why"), "asks_why"
    yield "self_blame", "blames_itself"
    yield "gain", "gain"
    if phase == "opening":
        yield "wish", "wish"
    else:
        yield "thought", "thought"


def _own_labels(dialogue: Sequence[Utterance]) -> Iterator[frozenset[LabelName]]:
    """The labels of each message of the person's, in their order."""
    for before, said in pairwise((None, *dialogue)):
        if said and said.speaker == "counselor" and said.author == "human":
            yield frozenset(label.name for label in labels_of(said.text, before.text if before else ""))


def _before_last(dialogue: Sequence[Utterance]) -> str:
    """The counselor's message that the client's last one answers."""
    place = next((place for place, said in reversed([*enumerate(dialogue)]) if said.speaker == "client"), 0)
    return dialogue[place - 1].text if place else ""


def _calling(said: str, name: str) -> str:
    """The client's sentence that calls for a technique by its cues; empty where none does."""
    item = technique(name)
    return next((quoted(one) for one in sentences(said.replace("’", "'")) if item.called_for(one)), "")


class _Rule(BaseModel):
    """What a hint says: techniques, at most two, or one `alone`; advice and reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: tuple[str, ...] = ()
    alone: bool = False
    advice: str
    reason: str


class _Texts(BaseModel):
    """The content of `hints.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: dict[str, _Rule]
    phases: dict[Phase, str]
    still: dict[Phase, str]
    lines: dict[str, str]


@cache
def texts() -> _Texts:
    """What hints say."""
    return _Texts.model_validate(read_yaml(FILE))
