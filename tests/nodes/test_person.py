"""The node that hands a turn to a person: what it asks for again, and what it takes into the dialogue."""

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from graph.practice_graph import PracticeGraph, build_practice_graph
from nodes.context import UTTERANCE_LIMIT
from nodes.person import spoken
from state import Speaker
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
        ("counselor", 7, "valid dictionary"),
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


async def test_a_session_without_an_opening_cannot_be_closed_before_it_has_begun() -> None:
    graph = await begun("counselor", opening=None)
    state = await give(graph, {"text": "Goodbye.", "ends": "turn_limit"})
    assert "no session to close" in state["__interrupt__"][0].value["problem"]


async def test_the_profile_without_an_opening_is_opened_by_the_counselor() -> None:
    state = await give(await begun("counselor", opening=None), "Hello, what brings you here?")
    assert [(said["turn"], said["author"]) for said in state["utterances"]] == [(1, "human"), (1, "model")]


def test_what_is_typed_loses_control_characters_and_stray_space_but_no_line() -> None:
    assert spoken("  so \x1b[A you\u200b  are \n\n here\x00 ") == "so [A you are\n\nhere"
