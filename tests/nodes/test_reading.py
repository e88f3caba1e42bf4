"""From a reply to what is said: whatever dress reasoning, refusals and errors come in, speech alone enters a dialogue."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.models.thinking import ALL_REASONING, LEAST
from counseling_sessions.nodes.attempts import Unusable, Usable
from counseling_sessions.nodes.speaking import DecisionRequest, SpeechRequest, decide, speak
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer, Request, sensible_answer
from tests.loopback.hostile import completion, http_answer
from tests.loopback.raw import Raw
from tests.scripted import config, profile

pytestmark = pytest.mark.usefixtures("no_surroundings")

THOUGHT = "zzthought"
"""A word of what nobody says: it must never be in a dialogue."""
SPEECH = st.sampled_from(
    ["I ran home and slept badly.", "No.", "It rained, and I stayed in. Then she rang!", "I can't help it.", "I need to think.", "はい。",
     "My assistant said so.", "Maybe… I just don't know?", "I'm sorry, but I can't do that tomorrow.", "Let me think about what she would say."]
)  # fmt: skip
REASONING = st.lists(
    st.sampled_from([f"{THOUGHT} he waits.", f"Keep {THOUGHT} short.", f'{{"{THOUGHT}": 1}}', f"\n\n{THOUGHT}\n", f"Or [{THOUGHT}]?"]),
    min_size=1,
    max_size=4,
).map(" ".join)  # fmt: skip

Dress = Callable[[str, str], dict[str, Any] | Raw]
"""Makes a server's answer of a thought and a speech."""


def body(text: object, finish: str = "stop", **message: Any) -> dict[str, Any]:
    made = completion(text)
    made["choices"][0]["message"] |= message
    made["choices"][0]["finish_reason"] = finish
    return made


def texts(*forms: str) -> Iterator[Dress]:
    """Answers whose content has this form, with § for the thought and ¤ for the speech."""
    for form in forms:
        yield lambda thought, said, form=form: body(form.replace("§", thought).replace("¤", said))  # type: ignore[misc]


PAIRS = [
    (f"<{name}>", f"</{name}>")
    for name in ("think", "thinking", "thought", "reasoning", "scratchpad", "seed:think", "analysis")
]
PAIRS += [("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷"), ("<|begin_of_thought|>", "<|end_of_thought|>")]
PAIRS += [
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
]
HEAD, END = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant"
FINAL = "<|channel|>final<|message|>"
TOKENS = (
    "<|im_end|>",
    "</s>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<|end|>",
    "[/INST]",
    "<|user|>",
    "<|return|>",
)

SPOKEN: dict[str, list[Dress]] = {
    "whole blocks": [*texts(*(f"{begin}§{end}¤" for begin, end in PAIRS), *(f"{begin}\n§\n{end}\n\n¤" for begin, end in PAIRS))],
    "ends alone": [*texts(*(f"§{end}¤" for _, end in PAIRS))],
    "speech first": [*texts(*(f"¤{begin}§" for begin, _ in PAIRS), *(f"¤\n{begin}§{end}" for begin, end in PAIRS))],
    "harmony": [*texts(
        *(f"{HEAD}§{END}{FINAL}¤", f"{HEAD}§{END}{FINAL}¤<|return|>", f"<|start|>assistant{HEAD}§{END}{FINAL}¤", f"§{END}{FINAL}¤"),
        *(f"{HEAD}§<|end|>¤", f"<|channel|>commentary to=functions.x <|constrain|>json<|message|>§<|call|><|start|>assistant{FINAL}¤",),
        *("analysis§.assistantfinal¤", "assistantanalysis§.assistantfinal¤", "§.assistantfinal¤"),
    )],
    "answers in a frame": [*texts("<think>§</think><answer>¤</answer>", "§<answer>¤</answer>§", "<think>§</think><response>¤</response>")],
    "tokens": [*texts(*(f"¤{token}" for token in TOKENS), *(f"¤{token}\n<|im_start|>user\n§" for token in TOKENS), *(f"¤{token} §" for token in TOKENS))],
    "headers": [*texts("<|im_start|>assistant\n¤<|im_end|>", "<|start_header_id|>assistant<|end_header_id|>\n\n¤<|eot_id|>§", "¤\nuser\n§")],
    "headings": [*texts("We need to answer as the client. §\n\nFinal answer: ¤", "Here is my thought process: §\nHere is my response: ¤")],
    "fields": [
        *(lambda thought, said, name=name: body(said, **{name: thought}) for name in ("reasoning_content", "reasoning", "thinking")),  # type: ignore[misc]
        lambda thought, said: body([{"type": "thinking", "thinking": thought}, {"type": "text", "text": said}]),
        lambda thought, said: body([{"type": "reasoning", "text": thought}, {"type": "text", "text": said}]),
        lambda thought, said: body(said, annotations=[thought], audio={"data": thought}),
    ],
}  # fmt: skip
"""Dresses that hold the speech, and which must lose it neither."""
SILENT: dict[str, list[Dress]] = {
    "cut off in thought": [*texts(*(f"{begin}§" for begin, _ in PAIRS), f"{HEAD}§", f"{HEAD}§<|end|>", "<|channel|>analysis", "analysis§")],
    "plain words": [*texts(
        *("We need to answer as the client. §", "We need to answer as the client. §\n\n¤", "Okay, the user wants a nurse. § ¤", "As the user, my next message should be §"),
        *("Let me think about what Ada would say. §", "Thinking Process:\n\n1. **Analyze the Request:** §", "So we should respond as a client. §"),
        *("We need to answer as the client. §\n\nFinal answer: ¤\n\n§", 'The user is asking for §. Final: "¤" §'),
    )],
    "refusals": [
        *texts("I'm sorry, but I can't help with that. §", "I cannot fulfill this request. §", "Als KI kann ich das nicht. §", "很抱歉，我无法满足您的请求。§"),
        lambda thought, said: body(None, refusal=thought),
        lambda thought, said: body(said, refusal=thought),
        lambda thought, said: body(f"{said} {thought}.", "refusal"),
    ],
    "filters": [lambda thought, said, reason=reason: body(f"{said} {thought}.", reason) for reason in ("content_filter", "SAFETY")],  # type: ignore[misc]
    "others' turns": [*texts("<|im_start|>user\n§", "<|user|>§", "[INST] §")],
    "calls": [lambda thought, said: body(None, tool_calls=[{"function": {"name": "say", "arguments": json.dumps({"text": thought})}}])],
    "errors": [
        *(lambda thought, said, status=status: http_answer({"error": {"message": thought}}, status) for status in (400, 403, 429, 500, 503)),  # type: ignore[misc]
        lambda thought, said: {"error": {"message": thought, "code": 500}},
        lambda thought, said: {"choices": [{"message": {"role": "user", "content": thought}}]},
        lambda thought, said: {"choices": [], "content": thought},
        lambda thought, said: http_answer(f"<html>{thought}</html>".encode()),
    ],
}  # fmt: skip
"""Dresses without a speech that is certain."""


@dataclass
class Wardrobe:
    """A server that answers with what is laid out, again and again."""

    answer: dict[str, Any] | Raw = field(default_factory=dict)

    def raw(self, request: Request) -> Raw:
        return self.answer if isinstance(self.answer, Raw) else http_answer(self.answer)


@pytest.fixture(scope="module")
def dressed() -> Iterator[tuple[Wardrobe, LoopbackServer]]:
    wardrobe = Wardrobe()
    with LoopbackServer(raw=wardrobe.raw, keep=8) as server:
        yield wardrobe, server


async def said_in(server: LoopbackServer, attempts: int = 2, limit: int | None = 256) -> Usable[str] | Unusable:
    models = Models(backoff=0.0)
    setting = {
        "default": ModelSettings(base_url=server.base_url, model="m", max_requests=1, timeout=5, max_tokens=limit)
    }
    asked = config(models=setting, guard_attempts=attempts)
    names = frozenset({"ada"})
    request = SpeechRequest(
        "client", 2, "s", asked, [HumanMessage("Say it.")], "client", ["I fell."], ["Oh?"], names=names
    )
    try:
        return await speak(models, request)
    finally:
        await models.close()


PROPERTY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", SPOKEN)
@PROPERTY
@given(thought=REASONING, said=SPEECH, data=st.data())
async def test_of_an_answer_in_any_dress_the_speech_alone_is_said(
    dressed: tuple[Wardrobe, LoopbackServer], kind: str, thought: str, said: str, data: st.DataObject
) -> None:
    wardrobe, server = dressed
    wardrobe.answer = data.draw(st.sampled_from(SPOKEN[kind]))(thought, said)
    answer = await said_in(server)
    assert isinstance(answer, Usable), (wardrobe.answer, answer)
    assert answer.value == said, wardrobe.answer
    assert answer.call.attempts == answer.call.requests == 1
    assert {finding.kind for finding in answer.call.findings} <= {"end_token"}
    assert THOUGHT not in answer.call.model_dump_json()


@pytest.mark.parametrize("kind", SILENT)
@PROPERTY
@given(thought=REASONING, said=SPEECH, data=st.data())
async def test_of_an_answer_without_certain_speech_nothing_is_said(
    dressed: tuple[Wardrobe, LoopbackServer], kind: str, thought: str, said: str, data: st.DataObject
) -> None:
    wardrobe, server = dressed
    wardrobe.answer = data.draw(st.sampled_from(SILENT[kind]))(thought, said)
    answer = await said_in(server)
    assert isinstance(answer, Unusable), (wardrobe.answer, answer)
    assert answer.failure.kind in {
        *("refused_by_guards", "filtered", "reasoning"),
        *("refused", "rate_limited", "server_error", "garbled", "connection"),
    }
    if kind in ("refusals", "filters"):
        assert answer.failure.kind == "filtered", wardrobe.answer


def test_every_dress_is_worn() -> None:
    assert sum(map(len, [*SPOKEN.values(), *SILENT.values()])) > 100


async def test_a_token_that_leaks_costs_no_request_and_no_sentence(tmp_path: Path) -> None:
    """The whole session: one request an answer, and every sentence is kept."""
    said: list[str] = []

    def answer(request: Request) -> str:
        text = sensible_answer(request).text
        said.append(text)
        return f"{text}<|im_end|>\n<|im_start|>user\n{THOUGHT}"

    with LoopbackServer(answer) as server:
        record = await finished(server, tmp_path)
        assert len(server.requests) == sum(usage.attempts for usage in record.usage.values())
    spoken = [utterance.text for utterance in record.dialogue if utterance.call]
    assert set(spoken) <= set(said)
    kinds = [finding.kind for _, call in record.calls for finding in call.findings]
    assert set(kinds) == {"end_token"}
    assert THOUGHT not in record.model_dump_json()


async def test_a_session_of_thoughts_between_marks_keeps_their_size_alone(tmp_path: Path) -> None:
    with LoopbackServer(
        lambda request: f"<think>{THOUGHT} {{or}} {THOUGHT}</think>{sensible_answer(request).text}"
    ) as server:
        record = await finished(server, tmp_path)
    assert THOUGHT not in record.model_dump_json()
    assert all(call.reasoning_characters == len(f"{THOUGHT} {{or}} {THOUGHT}") for _, call in record.calls)


async def finished(server: LoopbackServer, folder: Path) -> SessionRecord:
    models = Models(backoff=0.0)
    setting = {"default": ModelSettings(base_url=server.base_url, model="m", timeout=5)}
    task = SessionTask(profile=profile(), attitude="neutral", config=config(models=setting, max_turns=2, router="llm"))
    record = await run_session(task, folder, models)
    await models.close()
    assert record.status == "finished", record.failure
    return record


EATEN: dict[str, Dress] = {
    "null": lambda thought, said: body(None, "length"),
    "empty": lambda thought, said: body("", "length"),
    "an open block": lambda thought, said: body(f"<think>{thought}", "length"),
    "a field": lambda thought, said: body("", "length", reasoning_content=thought),
    "most of it": lambda thought, said: body("I ran and", "length", reasoning_content=thought * 9),
}


@pytest.mark.parametrize("dress", EATEN)
async def test_where_reasoning_takes_the_token_limit_it_is_raised_once_and_kept(dress: str) -> None:
    eaten = EATEN[dress](THOUGHT, "")

    def raw(request: Request) -> Raw | None:
        return http_answer(eaten if request.body["max_tokens"] < LEAST else body("I ran home."))

    with LoopbackServer(raw=raw) as server:
        models = Models(backoff=0.0)
        setting = {"default": ModelSettings(base_url=server.base_url, model="m", timeout=5, max_tokens=224)}
        asked = SpeechRequest("client", 2, "s", config(models=setting), [HumanMessage("Say it.")], "client", [], [])
        answer = await speak(models, asked)
        again = await speak(models, asked)
        limits = [request.body["max_tokens"] for request in server.requests]
        heat = [request.body["temperature"] for request in server.requests]
        await models.close()
    assert isinstance(answer, Usable)
    assert isinstance(again, Usable)
    assert answer.value == again.value == "I ran home."
    assert limits == [224, LEAST, LEAST]
    assert len(set(heat)) == 1  # nothing was wrong with the words
    assert [(finding.kind, finding.detail) for finding in answer.call.findings] == [
        ("reasoning", "reasoning took all 224 tokens of max_tokens; asked again with 2,048")
    ]
    assert again.call.findings == ()


@pytest.mark.parametrize(
    ("words", "first", "calls"),
    [
        ("max_tokens is too large: 2048. This model supports at most 1024 completion tokens", 1, [224, LEAST, 224]),
        ("This model's maximum context length is 2600 tokens", 1, [224, LEAST, 224]),
        ("This model's maximum context length is 2600 tokens", 2, [224, LEAST, LEAST, 224]),
    ],
)
async def test_a_raised_limit_that_a_server_refuses_ends_nothing_and_is_not_tried_again(
    words: str, first: int, calls: list[int]
) -> None:
    large: list[int] = []

    def raw(request: Request) -> Raw:
        if request.body["max_tokens"] < LEAST:
            return http_answer(body("I ran home." if large else None, "stop" if len(large) >= first else "length"))
        large.append(1)
        refused = http_answer({"error": {"message": words, "type": "invalid_request_error"}}, 400)
        return refused if len(large) >= first else http_answer(body("I ran home."))

    with LoopbackServer(raw=raw) as server:
        models = Models(backoff=0.0)
        setting = {"default": ModelSettings(base_url=server.base_url, model="m", timeout=5, max_tokens=224)}
        asked = SpeechRequest("client", 2, "s", config(models=setting), [HumanMessage("Say it.")], "client", [], [])
        answers = [await speak(models, asked) for _ in range(first)]
        limits = [request.body["max_tokens"] for request in server.requests]
        again = await speak(models, asked)
        last = server.requests[-1].body["max_tokens"]
        await models.close()
    assert (limits, last) == (calls, 224)
    for answer in (*answers, again):
        assert isinstance(answer, Usable)
        assert answer.value == "I ran home."
    trace = answers[-1].call if isinstance(answers[-1], Usable) else None
    assert trace
    assert "2,048 tokens of max_tokens were refused; 224 stay" in [finding.detail for finding in trace.findings]
    assert trace.requests == (3 if first == 1 else 2)
    assert len(trace.errors) == 1
    assert not models.roomy


async def test_reasoning_that_takes_the_raised_limit_too_is_a_failure_that_says_what_to_set(
    dressed: tuple[Wardrobe, LoopbackServer],
) -> None:
    wardrobe, server = dressed
    wardrobe.answer = body(None, "length")
    answer = await said_in(server)
    assert isinstance(answer, Unusable)
    assert answer.failure.kind == "reasoning"
    assert "reasoning took all 2,048 tokens of max_tokens; set a larger max_tokens" in answer.failure.message
    assert answer.failure.call
    assert answer.failure.call.requests == 3
    unlimited = await said_in(server, limit=None)
    assert isinstance(unlimited, Unusable)
    assert unlimited.failure.kind == "reasoning"


@pytest.mark.parametrize("decides", [False, True])
async def test_an_answer_that_came_as_reasoning_alone_fails_as_that_and_says_what_to_set(
    dressed: tuple[Wardrobe, LoopbackServer], decides: bool
) -> None:
    answer = body(None, reasoning_content="I ran home.")
    if decides:
        failed, _ = await decided([answer])
    else:
        wardrobe, server = dressed
        wardrobe.answer = answer
        failed = await said_in(server)
    assert isinstance(failed, Unusable)
    assert failed.failure.kind == "reasoning"
    assert ALL_REASONING in failed.failure.message
    assert failed.failure.call
    assert {finding.kind for finding in failed.failure.call.findings} == {"reasoning"}


SCHEMA = AnswerSchema("pick", {"color": {"type": "string", "enum": ["red", "blue"]}})


def color(answer: dict[str, object]) -> str:
    if answer.get("color") not in ("red", "blue"):
        raise ValueError(f"{answer.get('color')!r} is no color")
    return str(answer["color"])


async def decided(answers: list[dict[str, Any]]) -> tuple[Usable[str] | Unusable, LoopbackServer]:
    left = itertools.chain(answers, itertools.repeat(answers[-1]))
    with LoopbackServer(raw=lambda request: http_answer(next(left))) as server:
        models = Models(backoff=0.0)
        setting = {"default": ModelSettings(base_url=server.base_url, model="m", timeout=5, max_tokens=224)}
        asked = config(models=setting, guard_attempts=3)
        answer = await decide(models, DecisionRequest("router", 2, "s", asked, [HumanMessage("Pick.")], SCHEMA, color))
        await models.close()
    return answer, server


RED = '{"color": "red"}'


@pytest.mark.parametrize(
    "answer",
    [
        body(f"<think>Perhaps {{'color': 'blue'}} or {RED.replace('red', 'blue')}.</think>{RED}"),
        body(f"Options {{red, blue}}. {RED}"),
        body(f"{{}} {json.dumps(SCHEMA.document())} {RED}"),
        body(f"A draft: {RED.replace('red', 'blue')}. Final: {RED}"),
        body(f'{{"color": "green"}} {RED}'),
        body(f"analysisMaybe {RED.replace('red', 'blue')}.assistantfinal{RED}"),
        body(f"{RED}<|im_end|>\n<|im_start|>user\n{RED.replace('red', 'blue')}", "length"),
        body(None, tool_calls=[{"function": {"name": "pick", "arguments": RED}}]),
    ],
)
async def test_a_draft_is_never_picked_and_costs_nothing(answer: dict[str, Any]) -> None:
    got, server = await decided([answer])
    assert isinstance(got, Usable), got
    assert (got.value, len(server.requests)) == ("red", 1)


@pytest.mark.parametrize(
    ("answers", "kind", "findings"),
    [
        ([body(None, refusal="I'd rather not.")], "filtered", ["refusal"] * 3),
        ([body(RED, "content_filter")], "filtered", ["filtered"] * 3),
        ([body(None, "length")], "reasoning", ["reasoning"] * 4),
        ([body(RED, "content_filter"), body("red")], "malformed", ["filtered", "malformed", "malformed"]),
        ([body(f"{RED} {RED.replace('red', 'blue')}")], "malformed", ["malformed"] * 3),
    ],
)
async def test_what_is_wrong_with_a_structured_answer_has_its_kind(
    answers: list[dict[str, Any]], kind: str, findings: list[str]
) -> None:
    got, _ = await decided(answers)
    assert isinstance(got, Unusable)
    assert (got.failure.kind, got.permanent) == (kind, False)
    assert got.failure.call
    assert [finding.kind for finding in got.failure.call.findings] == findings


async def test_a_refusal_is_asked_again_with_the_reason_and_may_end_well() -> None:
    answers = iter([body("I'm sorry, but I can't help with that."), body(None, refusal="No."), body("I ran home.")])
    with LoopbackServer(raw=lambda request: http_answer(next(answers))) as server:
        answer = await said_in(server, attempts=4)
        prompts = [request.prompt for request in server.requests]
    assert isinstance(answer, Usable)
    assert answer.value == "I ran home."
    assert [finding.kind for finding in answer.call.findings] == ["refusal", "refusal"]
    assert "Stay in your part" in prompts[1]
    assert split_marker(answer.value)[1] is None
