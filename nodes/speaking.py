"""Saying something: asks for a message, judges it by the guards, asks again with the reason, and mends at the last.

A node makes a `ModelRequest` from its view without a call. Every message that enters a dialogue, and every candidate, comes
through `speak`; every structured answer through `decide`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from counseling_sessions.integrity.facts import Facts
from counseling_sessions.integrity.spoken import Listener, Past, Spoken, split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema, Holds, read_object, taken_by
from counseling_sessions.models.thinking import speechless
from counseling_sessions.nodes.attempts import Attempts, ModelRequest, Passed, Unusable, Usable
from counseling_sessions.nodes.choosing import ENOUGH, Worth, worth_after
from counseling_sessions.nodes.context import ask_again, counselor_messages
from counseling_sessions.nodes.facing import listener_of
from counseling_sessions.nodes.guards import check, facts_for
from counseling_sessions.nodes.reading import draft_of, mended, mended_at_once, mended_leniently, unreadable
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, Finding, RiskStep, Speaker

T = TypeVar("T")


@dataclass(frozen=True)
class SpeechRequest(ModelRequest):
    """Asks for a message of `speaker`, which the guards judge by what the speaker has `said` and `heard`.

    With `worth`, the search goes on for up to `choices` passing answers until one is worth enough; the best one is taken.
    `names` are a client's own. `closing`: it ends the session. `asks` False: it has to ask nothing. `facts`: of the form, for the
    strict guards. `steps`: of the protocol, where it leads. `risk`, `listener`: see `Spoken`.
    """

    speaker: Speaker
    said: Sequence[str]
    heard: Sequence[str]
    worth: Worth | None = None
    names: frozenset[str] = frozenset()
    closing: bool = False
    asks: bool | None = None
    facts: Facts | None = None
    steps: tuple[RiskStep, ...] | None = None
    risk: RiskLevel | None = None
    listener: Listener | None = None

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


def counselor_request(
    view: CounselorView, config: SessionConfig, role: str, task: str, where: str = "", *, asks: bool | None = None
) -> SpeechRequest:
    """The request for a message of the counselor's side: every role there has the same context.

    `where` is where the turn stands (`nodes.notes`).
    """
    # Closing words look back: what they say is not new.
    worth = worth_after(view.utterances) if config.choices > 1 and not view.end_reason else None
    messages = counselor_messages(view, config, task, role, where)
    said, heard = view.said_by("counselor"), view.said_by("client")
    ends = view.end_reason is not None
    request = SpeechRequest(role, view.turn, view.session_id, config, messages, "counselor", said, heard, worth)
    return replace(request, closing=ends, asks=asks, facts=facts_for(view, config), listener=listener_of(view, role))


async def speak(models: Models, request: SpeechRequest) -> Usable[str] | Unusable:
    """One message that passes every guard.

    Asks up to `guard_attempts` times, each time with what was wrong; then mends the best of the refused answers without a new
    word. The call's findings say what was refused and mended.
    """
    attempts = Attempts(models, request)
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
        draft = replace(draft, closing=request.closing, asks=request.asks, facts=request.facts)
        draft = replace(draft, steps=request.steps, risk=request.risk, listener=request.listener)
        findings = check(draft)
        if not draft.words and (why := speechless(reply, attempts.limit)):
            findings = [Finding(kind="reasoning", detail=why)]
        if text := mended_at_once(draft, findings) if findings else draft.text:
            attempts.findings += [finding.model_copy(update={"repaired": True}) for finding in findings]
            worth = request.worth(split_marker(text).text) if request.worth else 0.0
            passed.append(Passed(worth, text, len(attempts.replies) - 1))
            prompt = request.messages
        else:
            refused.append(draft)
            attempts.refuse(findings)
            prompt = ask_again(request.messages, findings)
    if not passed:
        return _mended_at_last(attempts, refused)
    best = max(passed, key=lambda answer: answer.worth)
    return attempts.usable(best.text, best.place)


async def take(models: Models, request: SpeechRequest) -> Usable[str] | Unusable:
    """One message as it comes, asked for once. What the guards would have refused is recorded; only an empty one is not taken."""
    attempts = Attempts(models, request)
    reply = await attempts.ask(request.messages)
    if isinstance(reply, Unusable):
        return reply
    draft = draft_of(reply, request.speaker, request.past, request.names)
    attempts.findings += check(draft)
    if not draft.words:
        return attempts.unusable("refused_by_guards", "the answer has no words")
    return attempts.usable(draft.text)


async def decide(models: Models, request: DecisionRequest[T]) -> Usable[T] | Unusable:
    """One structured answer that the request can read."""
    attempts = Attempts(models, request)
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


def _mended_at_last(attempts: Attempts, refused: Sequence[Spoken]) -> Usable[str] | Unusable:
    """The longest of the refused answers as they are mended: it keeps the most of what the model wanted to say."""
    longest = max(map(mended, refused), key=len) or max(map(mended_leniently, refused), key=len)
    if longest:
        attempts.findings.append(Finding(kind="repaired", detail=longest[:80], repaired=True))
        return attempts.usable(longest)
    kinds = ", ".join(dict.fromkeys(finding.kind for finding in attempts.findings))
    return attempts.given_up("refused_by_guards", f"{len(refused)} answers were refused: {kinds}")
