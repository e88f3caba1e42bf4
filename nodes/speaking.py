"""Saying something: a message is asked for, judged by the guards, asked for again with the reason, and mended at the last.

Every message that enters a dialogue, and every candidate, comes through `speak`; every structured answer through `decide`.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage

from counseling_sessions.integrity.spoken import Past, Spoken, split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.structured import AnswerSchema, MalformedAnswer, read_object
from counseling_sessions.nodes.choosing import ENOUGH, Worth
from counseling_sessions.nodes.context import UTTERANCE_LIMIT, ask_again
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.mending import cut, repair, tidy
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, Failure, Finding, Speaker

T = TypeVar("T")

HARMLESS = frozenset({"label", "truncated"})
"""Findings that are mended at once, where most of the message stays: a speaker's own label in front, and a last sentence
that the token limit cut, or what is too long to be spoken. They are recorded."""
KEPT = 0.5
"""Share of a message's characters that must stay for such a mending."""
WARMER = 0.15
"""How much the temperature rises with each refused answer: the same prompt at the same heat fails alike."""


@dataclass(frozen=True)
class _Passed:
    """An answer that the guards let pass: what it is worth, and which reply it was."""

    worth: float
    text: str
    place: int


class NotSaid(RuntimeError):
    """No usable answer after all attempts; `failure` tells at which stage and why, and carries the trace."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Attempts:
    """The answers asked for on one occasion: asks, counts, and adds up what they cost."""

    def __init__(self, models: Models, config: SessionConfig, role: str, turn: int, session_id: str) -> None:
        self.models, self.config, self.role, self.turn, self.session_id = models, config, role, turn, session_id
        self.started = time.time()
        self.clock = time.perf_counter()
        self.replies: list[Reply] = []
        self.kept: int | None = None
        self.passed = 0
        self.findings: list[Finding] = []
        self.failed: ModelError | None = None

    async def ask(self, messages: Sequence[BaseMessage], schema: AnswerSchema | None = None) -> Reply:
        """Ask once more; raises `NotSaid` when the model cannot be had."""
        number = len(self.replies)
        settings = self.config.model_for(self.role)
        warmth = min(
            (settings.temperature or 0.0) + WARMER * (number - self.passed), max(settings.temperature or 0.0, 1.3)
        )
        try:
            reply = await self.models.ask(
                self.role,
                settings.model_copy(update={"temperature": round(warmth, 2)}),
                messages,
                seed=call_seed(self.config.seed, self.role, self.turn, number),
                schema=schema,
                session_id=self.session_id,
                turn=self.turn,
            )
        except ModelError as error:
            self.failed = error
            raise NotSaid(self.failure(error.kind, str(error))) from error
        self.replies.append(reply)
        if reply.cut_at:
            detail = f"the answer was longer than {reply.cut_at:,} characters and was cut there"
            self.findings.append(Finding(kind="cut", detail=detail, repaired=True))
        return reply

    def failure(self, kind: str, message: str) -> Failure:
        return Failure(stage=self.role, kind=kind, message=message, turn=self.turn, call=self.call())

    def call(self) -> Call:
        """The trace of all the attempts so far; of several that passed, `kept` is the place of the one that is said."""
        kept = len(self.replies) - 1 if self.kept is None else self.kept
        last = self.replies[kept] if self.replies else None
        failed = self.failed
        passed_over = max(0, self.passed - 1)
        return Call(
            role=self.role,
            model=last.model if last else self.config.model_for(self.role).model or "",
            endpoint=last.endpoint if last else "",
            started=self.started,
            seconds=round(time.perf_counter() - self.clock, 4),
            prompt_tokens=_total(reply.prompt_tokens for reply in self.replies),
            cached_tokens=_total(reply.cached_tokens for reply in self.replies),
            completion_tokens=_total(reply.completion_tokens for reply in self.replies),
            requests=sum(reply.requests for reply in self.replies) + (failed.requests if failed else 0),
            attempts=len(self.replies) - passed_over,
            passed_over=passed_over,
            finish_reason=last.finish_reason if last else None,
            structured=last.structured if last else None,
            seed=call_seed(self.config.seed, self.role, self.turn, max(0, kept)),
            findings=tuple(self.findings),
            errors=tuple(error for reply in self.replies for error in reply.errors) + (failed.errors if failed else ()),
        )


async def speak(
    attempts: Attempts,
    messages: list[BaseMessage],
    speaker: Speaker,
    own: Sequence[str],
    other: Sequence[str],
    worth: Worth | None = None,
) -> str:
    """One message that passes every guard; raises `NotSaid` when none could be had.

    Asks up to `guard_attempts` times, telling the model each time what was wrong; then the best of the refused answers is
    mended without a new word. What was refused and mended stands in the attempts' findings. With `worth`, up to `choices` answers
    that pass are asked for until one is worth enough, and the one that is worth most is kept.
    """
    before = Past(own), Past(other)
    refused: list[Spoken] = []
    passed: list[_Passed] = []
    choices = attempts.config.choices if worth else 1
    prompt = messages
    while len(refused) < attempts.config.guard_attempts:
        try:
            reply = await attempts.ask(prompt)
        except NotSaid:
            if passed:
                break
            raise
        draft = _draft(reply, speaker, *before)
        found = check(draft)
        text = _mended_at_once(draft, found) if found else draft.text
        attempts.findings += [finding.model_copy(update={"repaired": bool(text)}) for finding in found]
        if not text:
            refused.append(draft)
            prompt = ask_again(messages, found)
            continue
        value = worth(split_marker(text)[0]) if worth else 0.0
        passed.append(_Passed(value, text, len(attempts.replies) - 1))
        attempts.passed = len(passed)
        if len(passed) == choices or value >= ENOUGH:
            break
        prompt = messages
    if passed:
        best = max(passed, key=lambda answer: answer.worth)
        attempts.kept = best.place
        return best.text
    # The longest mended answer keeps the most of what the model wanted to say.
    mended = max((_mended(draft) for draft in refused), key=len)
    if mended:
        attempts.findings.append(Finding(kind="repaired", detail=mended[:80], repaired=True))
        return mended
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in attempts.findings))
    raise NotSaid(attempts.failure("refused_by_guards", f"{len(refused)} answers were refused: {kinds}"))


async def decide(
    attempts: Attempts,
    messages: list[BaseMessage],
    schema: AnswerSchema,
    read: Callable[[dict[str, Any]], T],
    *,
    parse: Callable[[str], dict[str, Any]] = read_object,
) -> T:
    """One structured answer that `read` accepts; raises `NotSaid` when none could be had.

    `parse` takes the JSON object out of the answer, `read` turns it into what is wanted; both raise `ValueError` for what is wrong.
    """
    prompt = messages
    for _ in range(attempts.config.guard_attempts):
        reply = await attempts.ask(prompt, schema)
        try:
            if reply.finish_reason == "length":
                raise MalformedAnswer("cut off at the token limit")
            return read(parse(reply.text))
        except ValueError as error:
            found = Finding(kind="malformed", detail=" ".join(str(error).split())[:160])
            attempts.findings.append(found)
            prompt = ask_again(messages, [found])
    raise NotSaid(
        attempts.failure("malformed", f"{len(attempts.replies)} answers were malformed: {attempts.findings[-1].detail}")
    )


def call_seed(seed: int, role: str, turn: int, attempt: int) -> int:
    """The seed of one request, 31 bits: the same session asks with the same seeds, no two requests with the same one."""
    digest = hashlib.sha256(f"{seed}/{role}/{turn}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _draft(reply: Reply, speaker: Speaker, own: Past, other: Past) -> Spoken:
    """What a model says, cut to what can be spoken before anything else looks at it."""
    said = tidy(reply.text, speaker)
    text = cut(said, UTTERANCE_LIMIT)
    return Spoken(text, speaker, own, other, reply.finish_reason, len(said) if len(text) < len(said) else None)


def _mended_at_once(draft: Spoken, found: Sequence[Finding]) -> str:
    """The draft with harmless findings mended, where most of it stays; else an empty string."""
    if not {finding.kind for finding in found} <= HARMLESS:
        return ""
    text = _mended(draft)
    return text if len(text) >= KEPT * len(draft.text) else ""


def _mended(draft: Spoken) -> str:
    """The draft, repaired, if that made it good; else an empty string."""
    text = repair(draft)
    fine = not check(Spoken(text, draft.speaker, draft.own, draft.other))
    return text if fine and split_marker(text)[0] else ""


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
