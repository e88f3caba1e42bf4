"""The attempts at one answer: asks a model, counts, and adds up what they cost, until one can be used or all have been refused."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from langchain_core.messages import BaseMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.models.thinking import more_room, took_the_limit
from counseling_sessions.nodes.context import again_in_other_words
from counseling_sessions.nodes.prompt_set import prompts_digest
from counseling_sessions.nodes.reading import taken_off
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.state import PROMPT_CUT, Call, Failure, Finding

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
class Passed:
    """An answer that the guards let pass: what it is worth, and which reply it was."""

    worth: float
    text: str
    place: int


class Attempts:
    """The answers to one request: asks, counts, and adds up what they cost."""

    def __init__(self, models: Models, request: ModelRequest) -> None:
        self.models, self.request = models, request
        self.started = time.time()
        self.clock = time.perf_counter()
        self.replies: list[Reply] = []
        self.passed: list[Passed] = []
        self._asked: set[str] = set()
        self.findings: list[Finding] = []
        self.refused: list[set[str]] = []
        self.limit: int | None = None
        self.errors: list[ModelError] = []

    async def ask(self, messages: Sequence[BaseMessage], schema: AnswerSchema | None = None) -> Reply | Unusable:
        """Ask once more; where reasoning took the token limit, again with a larger one, which this role keeps from then on.

        Where the server refuses the larger limit, the role keeps its own, and the first answer counts.
        """
        settings = self.request.config.model_for(self.request.role)
        place = (self.request.role, settings.base_url or "", settings.model or "")
        larger = None if place in self.models.tight else more_room(settings)
        roomy = larger is not None and place in self.models.roomy
        reply = None if roomy else await self._ask(settings, messages, schema)
        if reply and (not larger or isinstance(reply, Unusable) or not took_the_limit(reply)):
            return reply
        assert larger
        if not roomy:
            self.models.roomy.add(place)
            detail = f"reasoning took all {self.limit:,} tokens of max_tokens; asked again with {larger.max_tokens:,}"
            self.findings.append(Finding(kind="reasoning", detail=detail))
        second = await self._ask(larger, messages, schema)
        if not isinstance(second, Unusable) or second.failure.kind not in ("refused", "context"):
            return second
        self._tighten(place, larger.max_tokens, settings.max_tokens)
        return reply or await self._ask(settings, messages, schema)

    def _tighten(self, place: tuple[str, str, str], larger: int | None, usual: int | None) -> None:
        """A role falls back to its usual token limit, as its server refuses the larger one."""
        self.models.roomy.discard(place)
        self.models.tight.add(place)
        self.limit = usual
        detail = f"{larger:,} tokens of max_tokens were refused; {usual:,} stay"
        self.findings.append(Finding(kind="reasoning", detail=detail))

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
            self.errors.append(error)
            return self.unusable(error.kind, str(error), permanent=error.permanent, status=error.status)
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

    def unusable(self, kind: str, message: str, *, permanent: bool = False, status: int | None = None) -> Unusable:
        role, turn = self.request.role, self.request.turn
        failure = Failure(stage=role, kind=kind, message=message, turn=turn, status=status, call=self._call())
        return Unusable(failure, permanent)

    def _in_other_words(self, messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
        """The messages, so that no two requests are the same where the model takes no seed."""
        words = str(messages[-1].text)
        again = (
            bool(self.replies) and words in self._asked and not self.replies[-1].sent.keys() & {"seed", "random_seed"}
        )
        self._asked.add(words)
        return again_in_other_words(messages, len(self.replies) + 1) if again else messages

    def _seed(self, number: int) -> int:
        return call_seed(self.request.config.seed, self.request.role, self.request.turn, number)

    def _call(self, kept: int | None = None) -> Call:
        """The trace of all the attempts so far; `kept` is the place of the reply that is said (default: the last)."""
        kept = len(self.replies) - 1 if kept is None else kept
        last = self.replies[kept] if self.replies else None
        role = self.request.role
        traced: list[Reply | ModelError] = [*self.replies, *self.errors]
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
            requests=sum(one.requests for one in traced),
            attempts=len(self.replies) - passed_over,
            passed_over=passed_over,
            finish_reason=last.finish_reason if last else None,
            structured=last.structured if last else None,
            seed=self._seed(max(0, kept)),
            findings=tuple(self.findings),
            errors=tuple(error for one in traced for error in one.errors),
            prompts=prompts_digest(self.request.config),
            sent=self.replies[-1].sent if self.replies else {},
            reasoning_tokens=_total(reply.reasoning_tokens for reply in self.replies),
            reasoning_characters=sum(reply.reasoning_characters for reply in self.replies),
        )


def call_seed(seed: int, role: str, turn: int, attempt: int) -> int:
    """The seed of one request, 31 bits: the same session asks with the same seeds, no two requests with the same one."""
    digest = hashlib.sha256(f"{seed}/{role}/{turn}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _total(counts: Iterable[int | None]) -> int | None:
    reported = [count for count in counts if count is not None]
    return sum(reported) if reported else None
