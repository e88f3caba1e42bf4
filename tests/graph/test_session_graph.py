"""The state machine: which calls each method makes, in which order, and how a session ends."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from counseling_sessions.graph.session_graph import build_session_graph, recursion_limit
from counseling_sessions.models.errors import ModelError
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.progress import MOST_REVISIONS
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.settings import SessionConfig
from tests.inner import offering
from tests.scripted import PLAN, Answer, Asked, Sensible, config, profile, said, scripted_models


async def run(answer: Answer, settings: SessionConfig, **start: Any) -> tuple[dict[str, Any], list[Asked]]:
    models, asked = scripted_models(answer)
    graph = build_session_graph(method=settings.method, specialists=settings.techniques, models=models)
    state = await graph.ainvoke(
        {"profile": profile().model_dump(mode="json"), "attitude": "neutral", **start},
        {"recursion_limit": recursion_limit(settings.max_turns)},
        context=settings,
    )
    return state, asked


def speakers(state: dict[str, Any]) -> list[str]:
    return [utterance["speaker"] for utterance in state["utterances"]]


# The second turn agrees on what the hour is for: its question is the merge's.
EXPECTED = {
    "magnet": {"plan": 1, "router": 3, "reflection": 3, "questioning": 2, "merge": 3, "client": 3, "closing": 1},
    "magnet-no-plan": {"router": 3, "reflection": 3, "questioning": 2, "merge": 3, "client": 3, "closing": 1},
    "magnet-no-router": {
        **{"plan": 1, "merge": 3, "client": 3, "closing": 1},
        **dict.fromkeys(("reflection", "questioning", "solutions", "normalizing", "psychoeducation"), 3),
    },
    "magnet-no-plan-no-router": {
        **{"merge": 3, "client": 3, "closing": 1},
        **dict.fromkeys(("reflection", "questioning", "solutions", "normalizing", "psychoeducation"), 3),
    },
    "single-plan": {"plan": 1, "counselor": 3, "client": 3, "closing": 1},
    "single": {"counselor": 3, "client": 3, "closing": 1},
}


@pytest.mark.parametrize("method", METHODS)
async def test_each_method_makes_its_calls_and_no_others(method: str) -> None:
    state, asked = await run(Sensible(), config(method=method))
    assert dict(Counter(request.role for request in asked)) == EXPECTED[method]
    assert state["end_reason"] == "turn_limit"
    assert state["utterances"][-1]["closing"]


@pytest.mark.parametrize("method", METHODS)
async def test_the_speakers_alternate_strictly(method: str) -> None:
    state, _ = await run(Sensible(), config(method=method, max_turns=5))
    assert speakers(state) == ["counselor", "client"] * 6 + ["counselor"]
    assert [u["turn"] for u in state["utterances"]] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]


async def test_twenty_turns_stay_within_the_bound_of_calls() -> None:
    _, asked = await run(Sensible(), config(max_turns=20))
    assert len(asked) <= 1 + 20 * (2 + 2 + 1) + 1 + MOST_REVISIONS


async def test_without_an_opening_exchange_the_counselor_begins() -> None:
    state, asked = await run(Sensible(), config(), profile=profile(opening=None).model_dump(mode="json"))
    assert speakers(state) == ["counselor", "client"] * 3 + ["counselor"]
    assert [message.type for message in asked[0].messages] == ["system", "human"]


async def test_fan_out_all_runs_every_technique_and_merges_with_the_pick() -> None:
    _, asked = await run(Sensible(), config(fan_out="all", max_turns=1))
    roles = Counter(request.role for request in asked)
    assert {roles[name] for name in config().techniques} == {1}
    merge = next(request for request in asked if request.role == "merge")
    assert all(f"- {name}: " in merge.prompt for name in config().techniques)
    assert "Asked for now: reflection, questioning." in merge.prompt


async def test_techniques_off_by_default_are_switched_on_by_configuration() -> None:
    names = ("empathy", "cognitive_restructuring")
    _, asked = await run(Sensible(picked=names), config(techniques=names, max_turns=1))
    assert {"empathy", "cognitive_restructuring"} <= {request.role for request in asked}


@pytest.mark.parametrize("policy", ["rules", "every"])
async def test_these_policies_make_no_call_for_the_pick(policy: str) -> None:
    state, asked = await run(Sensible(), config(router=policy))
    assert "router" not in {request.role for request in asked}
    assert {pick["source"] for pick in state["picks"]} == {policy}


@pytest.mark.parametrize("method", METHODS)
async def test_who_writes_the_utterance_knows_dialogue_and_plan_in_every_method(method: str) -> None:
    _, asked = await run(Sensible(), config(method=method))
    writing = [request for request in asked if request.role in ("merge", "counselor")]
    for request in writing:
        assert "Reason for coming, in the client's words: I cannot sleep before market days." in request.prompt
        assert [m.text for m in request.messages if "With the nights, I suppose." in m.text and m.type == "human"]
        assert ("Plan for this session (behavior experiment)" in request.prompt) == METHODS[method].plan
        assert ("Drafts from your specialists" in request.prompt) == METHODS[method].specialists
        assert ("Asked for now:" in request.prompt) == (method in ("magnet", "magnet-no-plan"))


def ending(marker: str, on_turn: int) -> Answer:
    sensible = Sensible()
    replies = 0

    def answer(asked: Asked) -> Any:
        nonlocal replies
        if asked.role == "client":
            replies += 1
            if replies == on_turn:
                return f"{sensible(asked)} {marker}"
        return sensible(asked)

    return answer


@pytest.mark.parametrize(
    ("marker", "reason"), [("[END: resolved]", "resolved"), ("[END: left]", "left"), ("[end]", "resolved")]
)
async def test_the_client_ends_by_marker_and_the_counselor_closes(
    marker: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering(monkeypatch)
    state, asked = await run(ending(marker, on_turn=2), config(max_turns=6, min_turns=2))
    assert state["end_reason"] == reason
    assert speakers(state)[-2:] == ["client", "counselor"]
    assert asked[-1].role == "closing"
    assert not any("END" in u["text"].upper() and "[" in u["text"] for u in state["utterances"])


async def test_a_marker_before_min_turns_is_dropped_and_the_session_goes_on() -> None:
    state, _ = await run(ending("[END: resolved]", on_turn=1), config(max_turns=4, min_turns=3))
    assert state["end_reason"] == "turn_limit"
    assert "[" not in state["utterances"][3]["text"]


async def test_a_marker_in_the_middle_of_a_message_ends_nothing() -> None:
    def answer(asked: Asked) -> Any:
        text = Sensible.__call__(sensible, asked)
        return f"I read [END: resolved] somewhere. {text}" if asked.role == "client" else text

    sensible = Sensible()
    state, _ = await run(answer, config(max_turns=2))
    assert state["end_reason"] == "turn_limit"


async def test_a_plan_that_cannot_be_had_ends_the_session_as_failed() -> None:
    sensible = Sensible()

    def answer(asked: Asked) -> Any:
        return said('{"technique": "behavior exp', "length") if asked.role == "plan" else sensible(asked)

    state, asked = await run(answer, config(guard_attempts=3))
    assert state["failure"]["stage"] == "plan"
    assert state["failure"]["kind"] == "malformed"
    assert "plan" not in state
    assert [request.role for request in asked] == ["plan"] * 3
    assert len({request.options["seed"] for request in asked}) == 3


async def test_a_pick_that_cannot_be_had_falls_back_to_the_rules_and_says_so() -> None:
    sensible = Sensible()

    def answer(asked: Asked) -> Any:
        return (
            '{"techniques": ["hypnosis"], "step": 1, "reason": "why not"}'
            if asked.role == "router"
            else sensible(asked)
        )

    state, _ = await run(answer, config(max_turns=2, guard_attempts=2))
    assert [(pick["source"], bool(pick["fallback"])) for pick in state["picks"]] == [("rules", True)] * 2
    assert "hypnosis" in state["picks"][0]["fallback"]
    assert state["picks"][0]["call"]["attempts"] == 2
    assert state["end_reason"] == "turn_limit"


async def test_a_pick_that_the_endpoint_refuses_ends_the_session() -> None:
    sensible = Sensible()
    refusal = ModelError("refused", "the endpoint answers 404: no such model")
    state, asked = await run(lambda request: refusal if request.role == "router" else sensible(request), config())
    assert (state["failure"]["stage"], state["failure"]["kind"]) == ("router", "refused")
    assert not state.get("picks")
    assert [request.role for request in asked] == ["plan", "router"]


async def test_a_turn_goes_on_without_a_candidate_that_cannot_be_had() -> None:
    sensible = Sensible()

    def answer(asked: Asked) -> Any:
        return "" if asked.role == "questioning" else sensible(asked)

    state, asked = await run(answer, config(max_turns=1))
    lost = next(candidate for candidate in state["candidates"] if candidate["technique"] == "questioning")
    assert "empty" in lost["error"]
    assert not lost["text"]
    assert state["end_reason"] == "turn_limit"
    [draft] = [candidate["text"] for candidate in state["candidates"] if candidate["text"]]
    assert [said["text"] for said in state["utterances"] if said["speaker"] == "counselor"][1] == draft
    assert "merge" not in {request.role for request in asked}


async def test_no_candidate_at_all_ends_the_session_as_failed_and_names_the_techniques() -> None:
    sensible = Sensible()

    def answer(asked: Asked) -> Any:
        return "" if asked.role in ("questioning", "reflection") else sensible(asked)

    state, _ = await run(answer, config(max_turns=2))
    assert state["failure"]["kind"] == "no_candidate"
    assert "questioning" in state["failure"]["message"]
    assert "reflection" in state["failure"]["message"]


async def test_a_refusing_endpoint_ends_the_session_with_what_it_said() -> None:
    state, asked = await run(lambda asked: ModelError("refused", "the endpoint answers 401: bad key"), config())
    assert state["failure"]["message"] == "the endpoint answers 401: bad key" or "401" in state["failure"]["message"]
    assert len(asked) == 1


async def test_refused_specialists_end_the_session_before_the_merge_with_what_the_endpoint_said() -> None:
    sensible = Sensible()

    def answer(asked: Asked) -> Any:
        refused = asked.role in ("reflection", "questioning")
        return ModelError("refused", "the endpoint answers 404: no such model") if refused else sensible(asked)

    state, asked = await run(answer, config(max_turns=2))
    assert state["failure"]["stage"] in ("reflection", "questioning")
    assert state["failure"]["message"] == "the endpoint answers 404: no such model"
    assert "merge" not in {request.role for request in asked}


async def test_the_picked_techniques_run_at_the_same_time() -> None:
    models, _ = scripted_models(Sensible())
    running, together = 0, 0
    ask = models.ask

    async def slow_ask(role: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal running, together
        running += role in ("reflection", "questioning")
        together = max(together, running)
        for _ in range(50):
            await asyncio.sleep(0)
        try:
            return await ask(role, *args, **kwargs)
        finally:
            running -= role in ("reflection", "questioning")

    models.ask = slow_ask  # type: ignore[method-assign]
    settings = config(max_turns=1)
    graph = build_session_graph(method="magnet", models=models)
    await graph.ainvoke({"profile": profile().model_dump(mode="json")}, context=settings)
    assert together == 2


def test_every_method_draws_its_own_nodes() -> None:
    def nodes(method: Any) -> set[str]:
        drawn = build_session_graph(method=method).get_graph()
        return set(drawn.nodes) - {"__start__", "__end__"}

    specialists = {*techniques(), "notice", "protocol"}  # and the nodes of every method
    assert nodes("magnet") == {"intake", "plan", "router", "client"} | specialists
    assert nodes("magnet-no-plan") == {"intake", "router", "client"} | specialists
    assert nodes("single-plan") == {"intake", "plan", "counselor", "client", "notice", "protocol"}
    assert nodes("single") == {"intake", "counselor", "client", "notice", "protocol"}
    assert nodes(None) == {"intake", "plan", "router", "counselor", "client"} | specialists


async def test_the_graph_of_all_methods_follows_the_context() -> None:
    models, asked = scripted_models(Sensible())
    graph = build_session_graph(models=models)
    state = await graph.ainvoke(
        {"profile": profile().model_dump(mode="json")}, context=config(method="single").model_dump()
    )
    assert {request.role for request in asked} == {"counselor", "client", "closing"}
    assert state["end_reason"] == "turn_limit"


async def test_a_revised_plan_is_used_from_the_next_turn_on_and_shows_why_in_its_prompt() -> None:
    sensible = Sensible(pick={"phase": "exploring", "focus": "to sleep"})
    plans = iter([PLAN, PLAN | {"goal": "Look at the quarrel with her mother."}, PLAN])

    def answer(asked: Asked) -> Any:
        if asked.schema == "plan":
            return json.dumps(next(plans))
        why = "It is about her mother." if asked.schema == "pick" and "Turn 2 of" in asked.prompt else ""
        text = sensible(asked)
        return json.dumps(json.loads(str(text)) | {"revise": why}) if asked.schema == "pick" else text

    state, asked = await run(answer, config(max_turns=8))
    assert (state["plan"]["turn"], state["plan"]["reason"]) == (3, "It is about her mother.")
    first, revised = [request.prompt for request in asked if request.role == "plan"]
    assert "Your plan so far" not in first
    assert f"({PLAN['technique']}: {PLAN['goal']}) no longer fits: It is about her mother." in revised
    merges = [request.prompt for request in asked if request.role == "merge"]
    assert ["quarrel" in prompt for prompt in merges] == [False, False, *[True] * 6]


@pytest.mark.parametrize("method", ["magnet", "magnet-no-router", "single-plan"])
async def test_a_step_refused_twice_is_planned_anew_by_the_rules_of_every_method(method: Any) -> None:
    said = (
        *("It goes on as it does.", "I'd like to sleep through a night."),
        *("I won't write that down.", "That's pointless, all of it."),
    )
    settings = config(method=method, router="rules", max_turns=20, min_turns=20)
    state, asked = await run(Sensible(client=said), settings)
    assert state["plan"]["turn"] >= 5
    assert sum(request.role == "plan" for request in asked) >= 2


@pytest.mark.parametrize(("method", "role"), [("magnet", "closing"), ("single", "closing")])
async def test_a_closing_of_two_turns_completes_the_session(method: Any, role: str) -> None:
    said = ("It goes on as it does.", "Let's stop here.", "It was good to say it.", "The box of photographs, I think.")
    state, asked = await run(Sensible(client=said), config(method=method, router="rules", max_turns=20, min_turns=3))
    assert (state["end_reason"], state.get("failure")) == ("completed", None)
    assert (state["utterances"][-1]["closing"], state["utterances"][-1]["turn"]) == (True, 5)
    assert asked[-1].role == role
    assert "The hour comes to its end" in asked[-1].prompt


async def test_listening_alone_asks_nothing_and_makes_no_merge() -> None:
    said = ("It goes on as it does.", "My mother died in March, of all months.", "It is quiet now.")
    state, asked = await run(Sensible(client=said), config(router="rules", max_turns=3))
    [pick] = [pick for pick in state["picks"] if pick["turn"] == 3]
    assert (pick["techniques"], pick["asks"]) == (["reflection"], False)
    [text] = [item["text"] for item in state["utterances"] if item["turn"] == 3 and item["speaker"] == "counselor"]
    assert "?" not in text
    assert [request.role for request in asked if "The message asks nothing." in request.prompt] == ["reflection"]


async def test_a_question_in_a_message_that_asks_nothing_is_refused_and_mended() -> None:
    sensible = Sensible(picked=("reflection",), pick={"asks": False})

    def answer(asked: Asked) -> Any:
        return "That was long. Who was there?" if asked.role in ("reflection", "merge") else sensible(asked)

    state, asked = await run(answer, config(max_turns=1, guard_attempts=2))
    assert [item["text"] for item in state["utterances"] if item["speaker"] == "counselor"][1] == "That was long."
    assert sum(request.role == "merge" for request in asked) == 2
