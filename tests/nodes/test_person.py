"""The node that hands a turn to a person: what it asks for again, and what it takes into the dialogue."""

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from counseling_sessions.graph.practice_graph import PracticeGraph, build_practice_graph
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.person import spoken
from counseling_sessions.nodes.stopping import RISK
from counseling_sessions.state import Speaker
from tests.scripted import Sensible, config, profile, scripted_models

THREAD: Any = {"configurable": {"thread_id": "t"}}


async def begun(part: Speaker, **changes: Any) -> PracticeGraph:
    models, _ = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    begin: Any = {"profile": profile(**changes).model_dump(mode="json"), "part": part}
    await graph.ainvoke(begin, THREAD, context=config(router="rules"))
    return graph


async def give(graph: PracticeGraph, answer: Any) -> dict[str, Any]:
    return await graph.ainvoke(Command(resume=answer), THREAD, context=config(router="rules"))


DEEP: Any = "x"
for _ in range(90):
    DEEP = {"text": DEEP}
ODD: list[tuple[Any, str]] = [
    ([], "an answer is a text"),
    (["Hello."], "an answer is a text"),
    (True, "an answer is a text"),
    ({"text": None}, "text: Input should be a valid string"),
    ({"text": ["Hello."]}, "text: Input should be a valid string"),
    ({"text": DEEP}, "text: Input should be a valid string"),
    ({"undo": "yes"}, "undo: Input should be a valid boolean"),
    ({"text": "Hello.", "ends": 3}, "ends: Input should be"),
    ({"text": "Hello.", "ends": {"left": DEEP}}, "ends: Input should be"),
    ({f"k\x1b[2J{'k' * 9999}": 1}, f"{'k' * 74}: Extra inputs"),
    ({str(key): key for key in range(9999)}, "0: Extra inputs are not permitted"),
    ({"text": "\x00\x00"}, "in words"),
]


@pytest.mark.parametrize(
    ("part", "answer", "problem"),
    [
        ("counselor", "", "in words"),
        ("counselor", " \n …?! ", "in words"),
        ("counselor", {"text": "x" * (UTTERANCE_LIMIT + 1)}, "are too many"),
        ("counselor", {"undo": True}, "nothing of your own"),
        ("client", {"undo": True}, "cannot be taken back"),
        ("client", {"text": "Bye.", "ends": "turn_limit"}, "resolved or left"),
        ("counselor", {"says": "Hello."}, "says: Extra inputs"),
        ("counselor", 7, "an answer is a text, or an object with text, ends, undo"),
        *((part, answer, problem) for part in ("counselor", "client") for answer, problem in ODD),
    ],
)
async def test_what_cannot_be_said_is_asked_for_again(part: Speaker, answer: Any, problem: str) -> None:
    graph = await begun(part)
    before = (await graph.aget_state(THREAD)).values["utterances"]
    state = await give(graph, answer)
    assert problem in state["__interrupt__"][0].value["problem"]
    assert state["utterances"] == before
    state = await give(graph, "Something with words.")
    assert [said["text"] for said in state["utterances"] if said["author"] == "human"] == ["Something with words."]
    assert state["__interrupt__"][0].value["problem"] is None


@pytest.mark.parametrize("text", ["I want to die. " * 300_000, " " * 5_000_000, "\u0301" * (UTTERANCE_LIMIT + 1)])
async def test_what_is_too_long_is_refused_before_it_is_looked_at_and_kept_nowhere(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looked_at(*_: Any, **__: Any) -> None:
        raise AssertionError("the text was looked at")

    graph = await begun("client")
    monkeypatch.setattr("counseling_sessions.nodes.person.check_message", looked_at)
    monkeypatch.setattr("counseling_sessions.nodes.person.spoken", looked_at)
    for answer in (text, {"text": text}, {"text": text, "ends": "left"}):
        state = await give(graph, answer)
        assert "are too many; 4,000 reach" in state["__interrupt__"][0].value["problem"]
        assert all(said["author"] == "model" for said in state["utterances"])
        assert len(str(state)) < 20_000


async def test_what_is_refused_for_its_form_is_checked_for_risk_all_the_same() -> None:
    state = await give(await begun("client"), {"text": "I want to die.", "undo": True})
    assert state["failure"]["kind"] == RISK
    assert "die" not in str(state["utterances"]) + str(state["failure"])


async def test_nothing_that_was_not_checked_goes_to_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    async def check(models: Any, config: Any, text: str, **_: Any) -> None:
        checked.append(text)

    monkeypatch.setattr("counseling_sessions.nodes.person.check_message", check)
    models, asked = scripted_models(Sensible())
    graph = build_practice_graph(InMemorySaver(), models=models)
    await graph.ainvoke(
        {"profile": profile().model_dump(mode="json"), "part": "client"}, THREAD, context=config(router="rules")
    )
    answers: list[Any] = [
        "x" * 9999,
        {"says": "canary 1"},
        {"text": "canary 2", "undo": True},
        "canary 3 \x00 is checked.",
    ]
    for answer in answers:
        await give(graph, answer)
    prompts = "\n".join(request.prompt for request in asked)
    assert "canary 3" in prompts
    assert not [word for word in ("canary 1", "canary 2", "xxx") if word in prompts]
    assert answers[-1] in checked


async def test_a_session_without_an_opening_cannot_be_closed_before_it_has_begun() -> None:
    graph = await begun("counselor", opening=None)
    state = await give(graph, {"text": "Goodbye.", "ends": "turn_limit"})
    assert "no session to close" in state["__interrupt__"][0].value["problem"]


async def test_the_profile_without_an_opening_is_opened_by_the_counselor() -> None:
    state = await give(await begun("counselor", opening=None), "Hello, what brings you here?")
    assert [(said["turn"], said["author"]) for said in state["utterances"]] == [(1, "human"), (1, "model")]


def test_what_is_typed_loses_control_characters_and_stray_space_but_no_line() -> None:
    assert spoken("a\ud800b\udcff") == "ab"
    assert spoken("  so \x1b[A you\u200b  are \n\n here\x00 ") == "so [A you are\n\nhere"
