"""Saying something: how a refused answer is asked for again, mended or given up, and what the trace tells of it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.attempts import WARMER, Unusable, Usable, call_seed
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.speaking import DecisionRequest, SpeechRequest, decide, speak
from counseling_sessions.settings import ModelSettings
from counseling_sessions.state import Call, Failure, Finding
from tests.scripted import MODELS, Asked, config, said, scripted_models

MESSAGES: list[BaseMessage] = [SystemMessage("You are Ada."), HumanMessage("Counselor: How are you?\n\nAnswer.")]
SCHEMA = AnswerSchema("pick", {"color": {"type": "string", "enum": ["red", "blue"]}})
META = "As an AI, I cannot say."

Answers = Sequence[str | AIMessage | Exception]


def asks(answers: Answers) -> tuple[Models, list[Asked]]:
    left = iter(answers)
    return scripted_models(lambda request: next(left))


async def speech(answers: Answers, **options: Any) -> tuple[Usable[str] | Unusable, list[Asked]]:
    models, asked = asks(answers)
    request = SpeechRequest("client", 2, "s-1", config(**options), MESSAGES, "client", ["I ran home again."], [])
    return await speak(models, request), asked


async def speak_of(answers: Answers, **options: Any) -> tuple[str, Call, list[Asked]]:
    answer, asked = await speech(answers, **options)
    assert isinstance(answer, Usable)
    return answer.value, answer.call, asked


async def refusal_of(answers: Answers, **options: Any) -> tuple[Failure, Call]:
    answer, _ = await speech(answers, **options)
    assert isinstance(answer, Unusable)
    assert answer.failure.call
    return answer.failure, answer.failure.call


def color(answer: dict[str, object]) -> str:
    if answer.get("color") not in ("red", "blue"):
        raise ValueError(f"{answer.get('color')!r} is no color")
    return str(answer["color"])


async def decision(answers: Answers, **options: Any) -> tuple[Usable[str] | Unusable, list[Asked]]:
    models, asked = asks(answers)
    return await decide(models, DecisionRequest("router", 2, "s-1", config(**options), MESSAGES, SCHEMA, color)), asked


async def decide_of(answers: Answers, **options: Any) -> tuple[str, Call, list[Asked]]:
    answer, asked = await decision(answers, **options)
    assert isinstance(answer, Usable)
    return answer.value, answer.call, asked


async def test_a_good_answer_is_taken_as_it_is() -> None:
    text, call, asked = await speak_of(["I slept well."])
    assert text == "I slept well."
    assert asked[0].messages == MESSAGES
    assert call.findings == ()


async def test_an_answer_far_longer_than_asked_for_is_cut_and_the_record_says_so() -> None:
    long = " ".join(f"I counted sheep number {number}." for number in range(1_000))
    text, call, _ = await speak_of([long])
    assert long.startswith(text)
    assert [finding.kind for finding in call.findings] == ["cut", "truncated"]
    assert call.findings[0].detail == f"the answer was longer than {8 * 224:,} characters and was cut there"
    assert call.finish_reason == "length"


async def test_the_reason_of_a_refusal_stands_at_the_very_end_and_the_prefix_stays() -> None:
    _, _, asked = await speak_of([META, "I ran home again.", "I slept well."])
    prefix = asked[0].prompt
    assert all(request.prompt.startswith(prefix) for request in asked)
    assert "As an AI" in asked[1].prompt[len(prefix) :]
    # Only the last refusal counts, so the prompt does not grow with the attempts.
    assert "As an AI" not in asked[2].prompt
    assert "I ran home again." in asked[2].prompt[len(prefix) :]
    assert [message.type for message in asked[2].messages] == ["system", "human"]


async def test_each_attempt_is_warmer_and_has_a_seed_of_its_own() -> None:
    models = {**MODELS, "client": MODELS["default"].model_copy(update={"temperature": 0.4})}
    _, call, asked = await speak_of([META, META, META, "I slept well."], models=models)
    assert [request.options["temperature"] for request in asked] == [round(0.4 + WARMER * n, 2) for n in range(4)]
    assert [request.options["seed"] for request in asked] == [call_seed(0, "client", 2, n) for n in range(4)]
    assert len({request.options["seed"] for request in asked}) == 4
    assert call.seed == asked[-1].options["seed"]


@pytest.mark.parametrize(("configured", "hottest"), [(0.0, 1.3), (1.8, 1.8)])
async def test_the_heat_has_a_bound_and_never_falls_below_what_was_configured(
    configured: float, hottest: float
) -> None:
    models = {**MODELS, "client": MODELS["default"].model_copy(update={"temperature": configured})}
    _, _, asked = await speak_of([META] * 11 + ["I slept well."], models=models, guard_attempts=12)
    heats = [request.options["temperature"] for request in asked]
    assert heats == sorted(heats)
    assert heats[0] == configured
    assert heats[-1] == hottest


def test_no_two_requests_of_a_session_share_a_seed() -> None:
    seeds = [call_seed(7, role, turn, n) for role in ("merge", "client") for turn in range(50) for n in range(4)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert call_seed(7, "merge", 1, 0) != call_seed(8, "merge", 1, 0)


@pytest.mark.parametrize(
    ("answer", "text", "kind"),
    [
        ("Client: I slept well.", "I slept well.", "label"),
        (said("I slept well and long. And the", "length"), "I slept well and long.", "truncated"),
    ],
)
async def test_harmless_findings_are_mended_at_once_and_recorded(answer: Any, text: str, kind: str) -> None:
    got, call, asked = await speak_of([answer, "This must not be asked for."], guard_attempts=4)
    assert got == text
    assert [(finding.kind, finding.repaired) for finding in call.findings] == [(kind, True)]
    assert len(asked) == 1


LONG = {"default": ModelSettings(max_tokens=32_768)}
"""So many tokens that a long answer comes whole to whoever asked for it."""


@pytest.mark.parametrize("finish", ["error", "abort", "OTHER"])
async def test_what_an_error_broke_off_is_not_trusted_and_asked_for_again(finish: str) -> None:
    broken = said("I ran home again. It rained. And then", finish_reason=finish)
    text, call, asked = await speak_of([broken, "I slept well."])
    assert (text, len(asked)) == ("I slept well.", 2)
    assert [(finding.kind, finding.detail) for finding in call.findings] == [("truncated", f"broken off ({finish})")]
    failure, _ = await refusal_of([broken] * 3, guard_attempts=3)
    assert failure.kind == "refused_by_guards"
    picked, call, _ = await decide_of([said('{"color": "red"}', finish_reason=finish), '{"color": "blue"}'])
    assert (picked, call.findings[0].detail) == ("blue", f"broken off ({finish})")


FILTERS = [
    *("content_filtered", "guardrail_intervened", "contentFilter", "blocked", "moderation", "safety", "SAFETY"),
    *("prohibited_content", "recitation"),
]


@pytest.mark.parametrize("finish", FILTERS)
async def test_what_a_filter_stopped_is_never_said(finish: str) -> None:
    failure, call = await refusal_of([said("I slept well.", finish_reason=finish)] * 2, guard_attempts=2)
    assert failure.kind == "filtered"
    assert [(finding.kind, finding.detail) for finding in call.findings] == [("filtered", finish)] * 2


async def test_what_is_too_long_to_be_spoken_is_cut_at_a_sentence_before_it_is_judged() -> None:
    long = "".join(f"I counted plant {number}. " for number in range(4_999))
    text, call, _ = await speak_of([f"<think>{long}</think>{long} As an AI, I stop."], models=LONG)
    assert UTTERANCE_LIMIT - 30 < len(text) <= UTTERANCE_LIMIT
    assert long.startswith(text)
    assert text.endswith(".")
    length = len(long.strip()) + len("  As an AI, I stop.")
    cut = Finding(kind="truncated", detail=f"cut to {len(text):,} of {length:,} characters", repaired=True)
    assert call.findings == (cut,)


async def test_a_goodbye_at_the_end_of_too_many_words_counts() -> None:
    text, _, _ = await speak_of(
        ["".join(f"Bye, plant {number}. " for number in range(999)) + "[END: left]"], models=LONG
    )
    assert split_marker(text)[1] == "left"
    assert len(text) <= UTTERANCE_LIMIT


async def test_what_has_no_end_of_a_sentence_where_it_is_cut_is_asked_for_again() -> None:
    text, call, asked = await speak_of(["and " * 5000 + "so.", "I slept well."], models=LONG)
    assert (text, len(asked)) == ("I slept well.", 2)
    assert call.findings[0].kind == "truncated"
    assert "characters" in asked[1].prompt


async def test_where_too_little_would_stay_it_is_asked_for_again() -> None:
    text, call, asked = await speak_of([said("Yes. And then all of a sudden it was that I", "length"), "I slept well."])
    assert text == "I slept well."
    assert len(asked) == 2
    assert [(finding.kind, finding.repaired) for finding in call.findings] == [("truncated", False)]


async def test_after_all_attempts_the_answer_that_keeps_most_is_mended() -> None:
    answers = [f"{META} Yes.", f"{META} It rained on the tulips.", META]
    text, call, asked = await speak_of(answers, guard_attempts=3)
    assert text == "It rained on the tulips."
    assert len(asked) == 3
    assert [(finding.kind, finding.repaired) for finding in call.findings] == [("meta_talk", False)] * 3 + [
        ("repaired", True)
    ]


async def test_what_cannot_be_mended_is_not_said_and_all_findings_are_in_the_trace() -> None:
    failure, call = await refusal_of(["", "I ran home again.", META], guard_attempts=3)
    assert (failure.stage, failure.kind, failure.turn) == ("client", "refused_by_guards", 2)
    assert "3 answers were refused: empty, repeat, meta_talk" in failure.message
    assert [finding.kind for finding in call.findings] == ["empty", "repeat", "meta_talk"]
    assert call.attempts == 3


async def test_an_end_marker_alone_is_no_message() -> None:
    failure, _ = await refusal_of(["[END: resolved]"] * 2, guard_attempts=2)
    assert failure.kind == "refused_by_guards"


async def test_tokens_and_requests_add_up_over_the_attempts() -> None:
    _, call, _ = await speak_of([META, META, "I slept well."])
    assert (call.prompt_tokens, call.cached_tokens, call.completion_tokens) == (300, 180, 30)
    assert (call.requests, call.attempts, call.model) == (3, 3, "scripted")


async def test_tokens_that_no_server_reported_stay_unknown() -> None:
    _, call, _ = await speak_of([AIMessage("I slept well.", response_metadata={"finish_reason": "stop"})])
    assert call.prompt_tokens is None
    _, call, _ = await speak_of([AIMessage(META), "I slept well."])
    assert call.prompt_tokens == 100


@pytest.mark.parametrize("kind", ["refused", "timeout", "configuration"])
async def test_a_model_that_cannot_be_had_is_not_said_with_its_kind(kind: str) -> None:
    failure, call = await refusal_of([META, ModelError(kind, "the endpoint says no", requests=4, errors=("no", "no"))])
    assert (failure.kind, failure.message) == (kind, "the endpoint says no")
    assert (call.requests, call.attempts, call.errors) == (5, 1, ("no", "no"))
    assert [finding.kind for finding in call.findings] == ["meta_talk"]
    assert call.completion_tokens == 10


@pytest.mark.parametrize(
    "answer",
    [
        '{"color": "red"}',
        '```json\n{"color": "red"}\n```',
        'Sure: {"color": "red"} {"color": "red"}',
        '<think>{"color": "blue"}?</think>{"color": "red"}',
        '\ufeff{"color":\n"red"}',
    ],
)
async def test_json_is_read_through_fences_and_talk(answer: str) -> None:
    assert (await decide_of([answer]))[0] == "red"


async def test_two_answers_that_differ_are_asked_for_again() -> None:
    answer, call, asked = await decide_of(['{"color": "blue"} no, {"color": "red"}', '{"color": "red"}'])
    assert (answer, len(asked)) == ("red", 2)
    assert call.findings[0].kind == "malformed"
    assert "differ" in call.findings[0].detail


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("red", "no JSON object"),
        ('{"color": "re', "broken JSON"),
        (said('{"color": "red"}', "length"), "cut off"),
        ('{"color": "green"}', "'green' is no color"),
        ('{"colour": "red"}', "None is no color"),
        ('["red"]', "no JSON object"),
        ("", "no JSON object"),
        ('{"a":' * 10_000, "nested too deeply"),
        (f'{{"color": {"9" * 5000}}}', "digits"),
    ],
)
async def test_a_wrong_answer_is_asked_for_again_with_what_was_wrong(answer: Any, detail: str) -> None:
    long = {"default": MODELS["default"].model_copy(update={"max_tokens": 32_768})}
    got, call, asked = await decide_of([answer, '{"color": "blue"}'], models=long)
    assert got == "blue"
    assert [finding.kind for finding in call.findings] == ["malformed"]
    assert detail in call.findings[0].detail
    assert len(call.findings[0].detail) <= 160
    assert asked[1].prompt.startswith(asked[0].prompt)
    assert asked[1].prompt != asked[0].prompt
    assert asked[1].options["temperature"] > asked[0].options["temperature"]


async def test_decide_gives_up_after_its_attempts() -> None:
    answer, _ = await decision(["{", json.dumps({"color": "green"})], guard_attempts=2)
    assert isinstance(answer, Unusable)
    failure, call = answer.failure, answer.failure.call
    assert failure.kind == "malformed"
    assert "green" in failure.message
    assert call
    assert (call.attempts, call.prompt_tokens, len(call.findings)) == (2, 200, 2)


async def test_decide_tells_the_kind_of_a_model_error() -> None:
    answer, _ = await decision([ModelError("server_error", "500")])
    assert isinstance(answer, Unusable)
    assert (answer.failure.kind, answer.failure.stage, answer.permanent) == ("server_error", "router", False)


async def test_a_fault_of_our_own_is_not_hidden_as_a_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        await speak_of([ZeroDivisionError()])
