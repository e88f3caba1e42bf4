"""One question to one judge: asked until the answer is complete, or as often as is allowed; what stays wrong is unscored, with why.

Nothing is guessed: a part of an answer (an item, an aspect) counts only if it is what the question asks for.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from counseling_sessions.evaluation.aspects import Aspect
from counseling_sessions.evaluation.judging.cache import NONE, Answer, JudgeCache, Record, Tokens
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.scales import Item
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.structured import AnswerSchema, MalformedAnswer, TornAnswer, read_final
from counseling_sessions.models.thinking import advice, more_room, took_the_limit
from counseling_sessions.prompts import prompt
from counseling_sessions.texts.reasoning import without_reasoning

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from langchain_core.messages import BaseMessage

    from counseling_sessions.models.chat import Models
    from counseling_sessions.models.requests import Reply

REASON_LIMIT = 400
"""Characters of a judge's reason that are kept in results; the cache has all of it."""
EVIDENCE = {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 5}
"""Schema of the turns that a judge names; an answer with more of them counts too."""
REASON = {"type": "string", "maxLength": 300}
_TURN = re.compile(r"\D{0,8}(\d{1,5})\D{0,3}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why something has no score.

    Kinds: no_json (words instead, a refusal to rate among them), broken_json, torn (several ratings that differ, none called final),
    cut_off, missing, not_allowed (no number, out of range, none of the answers), the kinds of `ModelError` (timeout, rate_limited,
    server_error, connection, garbled, refused, filtered, context), no_intake_form and empty_session (nothing was asked),
    no_occasion (the judge sees nothing to rate).
    """

    kind: str
    detail: str = ""


NO_FAULT = frozenset({"no_intake_form", "empty_session", "no_occasion"})
"""The kinds for which a judge was asked nothing, or answered that there is nothing to rate."""


def scoreless(marks: Iterable[tuple[str, Unscored | None]]) -> dict[str, Unscored]:
    """The judges that scored nothing of what they had to, each with its commonest reason. `marks` are judges' names, each with a
    reason where there is no score."""
    reasons: dict[str, Counter[Unscored]] = defaultdict(Counter)
    scored: set[str] = set()
    for name, why in marks:
        if why is None:
            scored.add(name)
        elif why.kind not in NO_FAULT:
            reasons[name][why] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in reasons.items() if name not in scored}


@dataclass(frozen=True)
class Reading(Generic[T]):
    """The parts of an answer that count, and what is wrong with the others; how many `drafts` of it the answer holds besides."""

    parts: Mapping[str, T] = field(default_factory=dict)
    wrong: Mapping[str, Unscored] = field(default_factory=dict)
    drafts: int = 0


@dataclass(frozen=True)
class Question(Generic[T]):
    """What a judge is asked, and how one part of the answer is read.

    `schema` has a property for each part; `read` turns a part's JSON into a value, or says what is wrong. `rubric` is the
    hash of the scale or the aspects. `session_id` goes to the endpoint for its prefix cache. `refuse` says what is wrong with an
    answer as a whole, so that no part of it counts.
    """

    messages: "tuple[BaseMessage, ...]"
    schema: AnswerSchema
    read: Callable[[str, dict[str, Any]], T | Unscored]
    rubric: str
    session_id: str = ""
    refuse: Callable[[dict[str, Any]], Unscored | None] = lambda _: None


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of a question. `hit`: the cache had the answer. `record` is None where the endpoint gave no answer; `error` says why.

    `spent` is what this run used, lost attempts included: nothing for a hit.
    """

    reading: Reading[T]
    record: Record | None = None
    hit: bool = False
    spent: Tokens = NONE
    error: ModelError | None = None


def key_of(question: Question[T], judge: Judge, model: str, sample: int) -> str:
    """A question's key in the cache: 32 digits of a hash of all that shapes the answer, but not of the endpoint's address."""
    settings = judge.settings
    shape = {
        "messages": [[message.type, message.text] for message in question.messages],
        "schema": question.schema.document(),
        "rubric": question.rubric,
        "model": model,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
        "extra_body": settings.extra_body,
        "sample": sample,
    }
    # Only where they are set, so that older answers keep their keys.
    younger = {name: getattr(settings, name) for name in ("omit", "reasoning_effort", "system_role")}
    shape |= {name: value for name, value in younger.items() if value}
    text = json.dumps(shape, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def ask(
    question: Question[T],
    judge: Judge,
    model: str,
    sample: int,
    models: "Models",
    cache: JudgeCache,
    *,
    again: bool = False,
) -> Outcome[T]:
    """The answer from the cache, or from the judge: up to `judge.attempts` times, each with another seed and the faults of the last.

    A judge's answers are kept, faulty or not; `again` asks once more where they are faulty. An endpoint's failure is not kept.
    """
    key = key_of(question, judge, model, sample)
    kept = cache.get(key)
    if kept is not None:
        reading = best_reading(question, kept.answers)
        if not (again and reading.wrong):
            return Outcome(reading, kept, hit=True)
    answers: list[Answer] = []
    spent = NONE
    messages, settings = question.messages, judge.settings
    # Asking again needs new seeds: the old ones would bring the old answers.
    before = len(kept.answers) if kept else 0
    for attempt in range(judge.attempts):
        seed = seed_of(key, before + attempt)
        try:
            reply = await models.ask(
                "judge", settings, messages, seed=seed, schema=question.schema, session_id=question.session_id
            )
        except ModelError as error:
            why = Unscored(error.kind, str(error))
            spent += Tokens(requests=error.requests)
            return Outcome(Reading(wrong=dict.fromkeys(question.schema.properties, why)), spent=spent, error=error)
        spent += tokens_of(reply)
        if took_the_limit(reply):
            settings = more_room(judge.settings) or settings
        answers.append(Answer(reply.text or reply.refusal or "", reply.finish_reason, seed))
        reading = read_answer(question, answers[-1])
        if not reading.wrong:
            break
        messages = _retry(question.messages, reading)
    record = Record(key, model, (*(kept.answers if kept else ()), *answers), (kept.tokens if kept else NONE) + spent)
    cache.keep(record)
    return Outcome(best_reading(question, record.answers), record, spent=spent)


def read_answer(question: Question[T], answer: Answer) -> Reading[T]:
    """Read one answer, part by part."""
    try:
        read = read_final(answer.text, lambda values: len(_reading_of(question, values).parts))
    except TornAnswer as error:
        return Reading(wrong=dict.fromkeys(question.schema.properties, Unscored("torn", str(error))))
    except MalformedAnswer as error:
        kind = "cut_off" if answer.finish_reason == "length" else "broken_json" if "{" in answer.text else "no_json"
        detail = advice(None) if kind == "cut_off" and not without_reasoning(answer.text).strip() else str(error)
        return Reading(wrong=dict.fromkeys(question.schema.properties, Unscored(kind, detail)))
    return _reading_of(question, read.value, read.drafts)


def _reading_of(question: Question[T], values: dict[str, Any], drafts: int = 0) -> Reading[T]:
    if refused := question.refuse(values):
        return Reading(wrong=dict.fromkeys(question.schema.properties, refused), drafts=drafts)
    parts: dict[str, T] = {}
    wrong: dict[str, Unscored] = {}
    for part in question.schema.properties:
        match values.get(part):
            case dict() as value:
                read = question.read(part, value)
            case value:
                read = Unscored("missing", f"{part} is missing" if value is None else f"{part} is no object")
        if isinstance(read, Unscored):
            wrong[part] = read
        else:
            parts[part] = read
    return Reading(parts, wrong, drafts)


def best_reading(question: Question[T], answers: tuple[Answer, ...]) -> Reading[T]:
    """The reading with the most parts, of several the latest. Parts of different answers are never mixed."""
    readings = [read_answer(question, answer) for answer in reversed(answers)]
    return max(readings, key=lambda reading: len(reading.parts))


def seed_of(key: str, attempt: int) -> int:
    """The seed of one request, 31 bits."""
    return int.from_bytes(hashlib.sha256(f"{key}/{attempt}".encode()).digest()[:4], "big") >> 1


def tokens_of(reply: "Reply") -> Tokens:
    """What a reply took."""
    return Tokens(
        requests=reply.requests,
        prompt=reply.prompt_tokens or 0,
        cached=reply.cached_tokens or 0,
        completion=reply.completion_tokens or 0,
        unreported=int(reply.prompt_tokens is None),
    )


def evidence_of(value: object, turns: frozenset[int]) -> tuple[tuple[int, ...], int]:
    """The turns that a judge names and that exist, each once, and how many it names that do not exist or are no turns.

    The score stays where evidence points nowhere: a wrong number is a fault of the citation.
    """
    named = value if isinstance(value, list) else [] if value is None else [value]
    cited = [_turn(one) for one in named]
    existing = [turn for turn in cited if turn in turns]
    return tuple(dict.fromkeys(existing)), len(cited) - len(existing)


def _turn(value: object) -> int | None:
    if isinstance(value, str):
        match = _TURN.fullmatch(value.strip())
        return int(match[1]) if match else None
    return value if type(value) is int else None


def schema_of(name: str, parts: Iterable[Item | Aspect], fields: Mapping[str, object]) -> AnswerSchema:
    """The schema of an answer with an object for each part, all with these fields."""
    part = {"type": "object", "properties": dict(fields), "required": list(fields), "additionalProperties": False}
    return AnswerSchema(name, {item.id: part for item in parts})


def reason_of(value: object) -> str:
    """A judge's reason as one line; empty where there is none."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= REASON_LIMIT else text[: REASON_LIMIT - 1].rstrip() + "…"


def _retry(messages: "tuple[BaseMessage, ...]", reading: Reading[Any]) -> "tuple[BaseMessage, ...]":
    """The messages, with the faults as the last lines: the prefix stays the same."""
    details = list(dict.fromkeys(why.detail for why in reading.wrong.values()))
    problem = "; ".join(details[:4]) + ("; and more" if len(details) > 4 else "")
    from langchain_core.messages import HumanMessage

    return *messages[:-1], HumanMessage(f"{messages[-1].text}\n\n({prompt('judge/retry', problem=problem)})")
