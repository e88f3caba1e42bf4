"""Saying something: asks for a message, judges it by the guards, asks again with the reason, and mends at the last.

A node makes a `ModelRequest` from its view without a call. Every message that enters a dialogue, and every candidate, comes
through `speak`; every structured answer through `decide`.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from langchain_core.messages import BaseMessage

from counseling_sessions.integrity.spoken import Past, Spoken, split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.structured import AnswerSchema, Holds, read_object, taken_by
from counseling_sessions.models.thinking import advice, more_room, took_the_limit
from counseling_sessions.nodes.choosing import ENOUGH, Worth, worth_after
from counseling_sessions.nodes.context import again_in_other_words, ask_again, counselor_messages
from counseling_sessions.nodes.guards import check
from counseling_sessions.nodes.prompt_set import prompts_digest
from counseling_sessions.nodes.reading import draft_of, mended, mended_at_once, taken_off, unreadable
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.state import PROMPT_CUT, Call, CounselorView, Failure, Finding, Speaker

T = TypeVar("T")

WARMER = 0.15
"""How much the temperature rises with each refused answer: the same prompt at the same heat fails alike."""


@dataclass(frozen=True)
class ModelRequest:
    """What a role is asked in a turn (0 or more): its messages. `config` says which model is asked, how often, and the seed."""

    role: str
    turn: int
    session_id: str
    config: SessionConfig
    messages: Sequence[BaseMessage]


@dataclass(frozen=True)
class SpeechRequest(ModelRequest):
    """Asks for a message of `speaker`, which the guards judge by what the speaker has `said` and `heard`.

    With `worth`, the search goes on for up to `choices` passing answers until one is worth enough; the best one is taken.
    `names` are a client's own.
    """

    speaker: Speaker
    said: Sequence[str]
    heard: Sequence[str]
    worth: Worth | None = None
    names: frozenset[str] = frozenset()

    @cached_property
    def past(self) -> tuple[Past, Past]:
        """What the speaker and the other one have said. Made for the first answer: until then thousands of sessions only wait."""
        return Past(self.said), Past(self.heard)


@dataclass(frozen=True)
class DecisionRequest(ModelRequest, Generic[T]):
    """Asks for a structured answer: `parse` takes the JSON object out of it, of several one that `read` takes; `read` turns that
    into what is wanted.

    Both raise `ValueError` for what is wrong.
    """

    schema: AnswerSchema
    read: Callable[[dict[str, Any]], T]
    parse: Callable[[str, Holds], dict[str, Any]] = read_object


@dataclass(frozen=True)
class Usable(Generic[T]):
    """What a request came to, and the trace of all its attempts."""

    value: T
    call: Call


@dataclass(frozen=True)
class Unusable:
    """No usable answer after all attempts; `failure` says at which stage and why, and carries the trace.

    `permanent`: the endpoint refuses the request, and would refuse it in every turn to come.
    """

    failure: Failure
    permanent: bool = False


@dataclass(frozen=True)
class _Passed:
    """An answer that the guards let pass: what it is worth, and which reply it was."""

    worth: float
    text: str
    place: int


class _Attempts:
    """The answers to one request: asks, counts, and adds up what they cost."""

    def __init__(self, models: Models, request: ModelRequest) -> None:
        self.models, self.request = models, request
        self.started = time.time()
        self.clock = time.perf_counter()
        self.replies: list[Reply] = []
        self.passed: list[_Passed] = []
        self._asked: set[str] = set()
        self.findings: list[Finding] = []
        self.refused: list[set[str]] = []
        self.limit: int | None = None
        self.error: ModelError | None = None

    async def ask(self, messages: Sequence[BaseMessage], schema: AnswerSchema | None = None) -> Reply | Unusable:
        """Ask once more; where reasoning took the token limit, again with a larger one, which this role keeps from then on."""
        settings = self.request.config.model_for(self.request.role)
        place = (self.request.role, settings.base_url or "", settings.model or "")
        larger = more_room(settings)
        roomy = place in self.models.roomy
        reply = await self._ask(larger if larger and roomy else settings, messages, schema)
        if roomy or not larger or isinstance(reply, Unusable) or not took_the_limit(reply):
            return reply
        self.models.roomy.add(place)
        detail = f"reasoning took all {self.limit:,} tokens of max_tokens; asked again with {larger.max_tokens:,}"
        self.findings.append(Finding(kind="reasoning", detail=detail))
        return await self._ask(larger, messages, schema)

    async def _ask(
        self, settings: ModelSettings, messages: Sequence[BaseMessage], schema: AnswerSchema | None
    ) -> Reply | Unusable:
        request, number = self.request, len(self.replies)
        messages = self._in_other_words(messages)
        usual, refused = settings.temperature or 0.0, len(self.refused)
        self.limit = settings.max_tokens
        warmth = min(usual + WARMER * refused, max(usual, 1.3))
        try:
            reply = await self.models.ask(
                request.role,
                settings.model_copy(update={"temperature": round(warmth, 2)}),
                messages,
                seed=self._seed(number),
                schema=schema,
                session_id=request.session_id,
                turn=request.turn,
            )
        except ModelError as error:
            self.error = error
            return self.unusable(error.kind, str(error), permanent=error.permanent)
        self.replies.append(reply)
        self.findings += taken_off(reply)
        series = request.session_id, request.role, reply.endpoint, reply.model
        characters = sum(len(message.text) for message in messages) if request.session_id else 0
        if detail := self.models.growth.stands_still(series, characters, reply.prompt_tokens):
            self.findings.append(Finding(kind=PROMPT_CUT, detail=detail))
        return reply

    def refuse(self, findings: Sequence[Finding]) -> None:
        """Count an answer that cannot be used."""
        self.findings += findings
        self.refused.append({finding.kind for finding in findings})

    def given_up(self, kind: str, message: str) -> Unusable:
        """What all the refused answers come to: `kind`, unless each was a refusal or filtered, or each nothing but reasoning."""
        if all(kinds & {"refusal", "filtered"} for kinds in self.refused):
            return self.unusable("filtered", message)
        if all("reasoning" in kinds for kinds in self.refused):
            return self.unusable("reasoning", f"{message}: {self.findings[-1].detail}")
        return self.unusable(kind, message)

    def usable(self, value: T, kept: int | None = None) -> Usable[T]:
        return Usable(value, self._call(kept))

    def unusable(self, kind: str, message: str, *, permanent: bool = False) -> Unusable:
        role, turn = self.request.role, self.request.turn
        status = self.error.status if self.error else None
        failure = Failure(stage=role, kind=kind, message=message, turn=turn, status=status, call=self._call())
        return Unusable(failure, permanent)

    def _in_other_words(self, messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
        """The messages, so that no two requests are the same where the model takes no seed."""
        words = str(messages[-1].text)
        again = words in self._asked and not self.replies[-1].sent.keys() & {"seed", "random_seed"}
        self._asked.add(words)
        return again_in_other_words(messages, len(self.replies) + 1) if again else messages

    def _seed(self, number: int) -> int:
        return call_seed(self.request.config.seed, self.request.role, self.request.turn, number)

    def _call(self, kept: int | None = None) -> Call:
        """The trace of all the attempts so far; `kept` is the place of the reply that is said (default: the last)."""
        kept = len(self.replies) - 1 if kept is None else kept
        last = self.replies[kept] if self.replies else None
        error, role = self.error, self.request.role
        passed_over = max(0, len(self.passed) - 1)
        return Call(
            role=role,
            model=last.model if last else self.request.config.model_for(role).model or "",
            endpoint=last.endpoint if last else "",
            started=self.started,
            seconds=round(time.perf_counter() - self.clock, 4),
            prompt_tokens=_total(reply.prompt_tokens for reply in self.replies),
            cached_tokens=_total(reply.cached_tokens for reply in self.replies),
            completion_tokens=_total(reply.completion_tokens for reply in self.replies),
            requests=sum(reply.requests for reply in self.replies) + (error.requests if error else 0),
            attempts=len(self.replies) - passed_over,
            passed_over=passed_over,
            finish_reason=last.finish_reason if last else None,
            structured=last.structured if last else None,
            seed=self._seed(max(0, kept)),
            findings=tuple(self.findings),
            errors=tuple(error for reply in self.replies for error in reply.errors) + (error.errors if error else ()),
            prompts=prompts_digest(self.request.config),
            sent=self.replies[-1].sent if self.replies else {},
            reasoning_tokens=_total(reply.reasoning_tokens for reply in self.replies),
            reasoning_characters=sum(reply.reasoning_characters for reply in self.replies),
        )


def counselor_request(view: CounselorView, config: SessionConfig, role: str, task: str) -> SpeechRequest:
    """The request for a message of the counselor's side: every role there has the same context."""
    # Closing words look back: what they say is not new.
    worth = worth_after(view.utterances) if config.choices > 1 and not view.end_reason else None
    messages = counselor_messages(view, config, task, role)
    said, heard = view.said_by("counselor"), view.said_by("client")
    return SpeechRequest(role, view.turn, view.session_id, config, messages, "counselor", said, heard, worth)


async def speak(models: Models, request: SpeechRequest) -> Usable[str] | Unusable:
    """One message that passes every guard.

    Asks up to `guard_attempts` times, each time with what was wrong; then mends the best of the refused answers without a new
    word. The call's findings say what was refused and mended.
    """
    attempts = _Attempts(models, request)
    refused: list[Spoken] = []
    passed = attempts.passed
    choices = request.config.choices if request.worth else 1
    prompt = request.messages
    while (
        len(refused) < request.config.guard_attempts
        and len(passed) < choices
        and not any(one.worth >= ENOUGH for one in passed)
    ):
        reply = await attempts.ask(prompt)
        if isinstance(reply, Unusable):
            if not passed:
                return reply
            break
        draft = draft_of(reply, request.speaker, request.past, request.names)
        findings = check(draft)
        if not draft.words and took_the_limit(reply):
            findings = [Finding(kind="reasoning", detail=advice(attempts.limit))]
        if text := mended_at_once(draft, findings) if findings else draft.text:
            attempts.findings += [finding.model_copy(update={"repaired": True}) for finding in findings]
            worth = request.worth(split_marker(text)[0]) if request.worth else 0.0
            passed.append(_Passed(worth, text, len(attempts.replies) - 1))
            prompt = request.messages
        else:
            refused.append(draft)
            attempts.refuse(findings)
            prompt = ask_again(request.messages, findings)
    if not passed:
        return _mended_at_last(attempts, refused)
    best = max(passed, key=lambda answer: answer.worth)
    return attempts.usable(best.text, best.place)


async def decide(models: Models, request: DecisionRequest[T]) -> Usable[T] | Unusable:
    """One structured answer that the request can read."""
    attempts = _Attempts(models, request)
    prompt = request.messages
    for _ in range(request.config.guard_attempts):
        reply = await attempts.ask(prompt, request.schema)
        if isinstance(reply, Unusable):
            return reply
        finding = unreadable(reply, attempts.limit)
        if not finding:
            try:
                return attempts.usable(request.read(request.parse(reply.text, taken_by(request.read))))
            except ValueError as error:
                finding = Finding(kind="malformed", detail=" ".join(str(error).split())[:160])
        attempts.refuse([finding])
        prompt = ask_again(request.messages, [finding])
    detail = attempts.findings[-1].detail
    return attempts.given_up("malformed", f"{len(attempts.replies)} answers were malformed: {detail}")


def call_seed(seed: int, role: str, turn: int, attempt: int) -> int:
    """The seed of one request, 31 bits: the same session asks with the same seeds, no two requests with the same one."""
    digest = hashlib.sha256(f"{seed}/{role}/{turn}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _mended_at_last(attempts: _Attempts, refused: Sequence[Spoken]) -> Usable[str] | Unusable:
    """The longest of the refused answers as they are mended: it keeps the most of what the model wanted to say."""
    longest = max(map(mended, refused), key=len)
    if longest:
        attempts.findings.append(Finding(kind="repaired", detail=longest[:80], repaired=True))
        return attempts.usable(longest)
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in attempts.findings))
    return attempts.given_up("refused_by_guards", f"{len(refused)} answers were refused: {kinds}")


def _total(counts: Iterable[int | None]) -> int | None:
    reported = [count for count in counts if count is not None]
    return sum(reported) if reported else None
