"""The prompts that are got back from a record are those that were sent, for every role of every method."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.graph.exchanges import as_exchanges, exchanges, prompts_unchanged
from counseling_sessions.graph.session import SessionTask, resume_session, run_session
from counseling_sessions.nodes import examples
from counseling_sessions.nodes.context import as_chat
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.single import ask_single
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import CounselorView
from tests.generation.exports.sessions import run
from tests.inner import offering
from tests.scripted import PLAN, Asked, Sensible, config, profile, said, scripted_models

ROLES = {"closing": "merge"}
EVERY = tuple(techniques())


def sent(asked: list[Asked]) -> list[str]:
    return sorted(json.dumps(as_chat(request.messages)) for request in asked)


def back(record: SessionRecord) -> list[str]:
    return sorted(json.dumps(item.prompt) for item in exchanges(record))


@pytest.mark.parametrize("layout", ["shared", "separate"])
@pytest.mark.parametrize("method", METHODS)
async def test_every_prompt_of_every_method_comes_back_as_it_was_sent(method: str, layout: str) -> None:
    record, asked = await run(Sensible(), method=method, max_turns=4, prompt_layout=layout)
    assert record.status == "finished"
    assert back(record) == sent(asked)
    single = not METHODS[method].specialists
    wanted = sorted("counselor" if single and r.role == "closing" else ROLES.get(r.role, r.role) for r in asked)
    assert sorted(item.call.role for item in exchanges(record)) == wanted


@pytest.mark.parametrize("layout", ["shared", "separate"])
@pytest.mark.parametrize("method", METHODS)
async def test_prompts_with_examples_come_back_also_where_one_would_be_of_the_own_client(
    method: str, layout: str
) -> None:
    settings = {"method": method, "prompt_layout": layout, "techniques": EVERY, "few_shot": 2, "max_turns": 2}
    record, asked = await run(Sensible(), load_builtin("abdoulaye-accent"), **settings)
    assert record.status == "finished"
    assert back(record) == sent(asked)
    assert sum("other clients" in prompt for prompt in back(record)) >= len(asked) - (1 + 2) * (layout == "separate")


@pytest.mark.parametrize(
    "options",
    [
        {"router": "rules"},
        {"router": "every"},
        {"router": "rules", "fan_out": "all"},
        {"router": "rules", "appraisal": "rules", "merge": "join", "max_turns": 9},
        {"fan_out": "all"},
        {"techniques": ("solutions", "empathy", "reflection", "questioning"), "fan_out": "all"},
        {"language": "Italian", "max_turns": 9},
    ],
)
async def test_every_way_to_pick_comes_back(options: dict[str, Any]) -> None:
    record, asked = await run(Sensible(), **options)
    assert back(record) == sent(asked)


async def test_a_session_without_an_opening_comes_back() -> None:
    record, asked = await run(Sensible(), profile(opening=None))
    assert back(record) == sent(asked)


async def test_a_session_that_was_taken_up_again_comes_back(tmp_path: Path) -> None:
    down = True
    merges = 0
    sensible = Sensible()

    def answer(request: Asked) -> Any:
        nonlocal merges
        merges += request.role == "merge"
        return said("") if down and request.role == "merge" and merges > 1 else sensible(request)

    models, asked = scripted_models(answer)
    task = SessionTask(profile=profile(), attitude="negative", config=config())
    first = await run_session(task, tmp_path, models)
    assert first.status == "failed"
    down = False
    record = await resume_session(task.journal_path(tmp_path), models)
    assert (record.status, record.resumed) == ("finished", 1)
    assert set(back(record)) <= set(sent(asked))
    assert len(back(record)) == len(list(exchanges(record))) == 1 + (5 + 4 + 5) + 1


async def test_of_a_refused_answer_the_first_prompt_comes_back() -> None:
    refused: set[str] = set()
    sensible = Sensible()

    def answer(request: Asked) -> Any:
        if request.role in refused:
            return sensible(request)
        refused.add(request.role)
        return "Here is my response:" if request.schema is None else "no JSON"

    record, asked = await run(answer)
    assert record.status == "finished"
    assert {item.call.attempts for item in exchanges(record)} == {1, 2}
    assert back(record) == sent([r for r in asked if "answer could not be used" not in r.prompt])


@pytest.mark.parametrize("reason", ["resolved", "left"])
async def test_the_reply_that_ended_the_session_has_its_marker_again(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensible = Sensible()

    def answer(request: Asked) -> Any:
        text = sensible(request)
        return f"{text} [END: {reason}]" if request.role == "client" else text

    offering(monkeypatch)
    record, asked = await run(answer, min_turns=2, max_turns=5)
    assert record.end_reason == reason
    replies = [item.answer for item in exchanges(record) if item.call.role == "client"]
    assert [reply.endswith(f"[END: {reason}]") for reply in replies] == [False, True]
    assert back(record) == sent(asked)


async def test_the_answers_are_what_entered_the_session() -> None:
    record, _ = await run(Sensible(), max_turns=1)
    by_role = {item.call.role: item.answer for item in exchanges(record) if item.turn <= 1}
    turn = record.turns[0]
    assert json.loads(by_role["plan"]) == PLAN
    wanted = {"reason": "The client needs room.", "techniques": ["reflection", "questioning"], "step": 1}
    assert json.loads(by_role["router"]).items() >= wanted.items()
    assert list(json.loads(by_role["router"])) == ["reason", "phase", "act", "techniques", "focus", "step", "revise"]
    assert turn.counselor
    assert turn.client
    assert by_role["merge"] == turn.counselor.text
    assert by_role["client"] == turn.client.text
    assert {c.technique: c.text for c in turn.candidates} == {
        c.technique: by_role[c.technique] for c in turn.candidates
    }


async def test_what_no_model_gave_is_no_example() -> None:
    sensible = Sensible()

    def answer(request: Asked) -> Any:
        if request.role == "router":
            return said("no JSON")
        return said("") if request.role == "questioning" else sensible(request)

    record, _ = await run(answer)
    assert record.status == "finished"
    assert {turn.pick.source for turn in record.turns if turn.pick} == {"rules"}
    assert not {"router", "questioning"} & {item.call.role for item in exchanges(record)}


async def test_prompts_that_have_changed_are_noticed() -> None:
    record, _ = await run(Sensible(), max_turns=1)

    def with_hash(name: str) -> SessionRecord:
        hashes = record.provenance.prompt_hashes | {name: "0" * 12}
        return record.model_copy(update={"provenance": record.provenance.model_copy(update={"prompt_hashes": hashes})})

    assert prompts_unchanged(record)
    assert prompts_unchanged(with_hash("retry"))
    assert prompts_unchanged(with_hash("techniques/empathy"))  # took no part
    assert not prompts_unchanged(with_hash("techniques/reflection"))
    assert not prompts_unchanged(with_hash("counselor/merge"))


async def test_another_corpus_is_noticed_where_examples_come_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, _ = await run(Sensible(), max_turns=1)
    record, _ = await run(Sensible(), max_turns=1, few_shot=1)
    assert prompts_unchanged(record)
    hashes = record.provenance.prompt_hashes
    assert {"corpus/train", "client/examples", "counselor/examples"} == set(hashes) - set(
        without.provenance.prompt_hashes
    )
    for place in (tmp_path, Path("/nowhere")):
        monkeypatch.setattr(examples, "CORPUS", place)
        (tmp_path / "train.jsonl").write_text("another\n", encoding="utf-8")
        assert not prompts_unchanged(record)
        assert prompts_unchanged(without)


@pytest.mark.parametrize("router", ["llm", "rules"])
async def test_of_a_turn_without_a_pick_nothing_was_merged(router: str) -> None:
    record, _ = await run(Sensible(), max_turns=2)
    first = record.turns[0].model_copy(update={"pick": None, "candidates": ()})
    other = record.model_copy(
        update={"turns": (first, *record.turns[1:]), "configuration": record.configuration | {"router": router}}
    )
    for made in (exchanges(other), as_exchanges(other)):
        roles = [(item.turn, item.role) for item in made]
        assert [role for turn, role in roles if turn == 1] == ["client"]
        assert {role for turn, role in roles if turn == 2} == {"router", "reflection", "questioning", "merge", "client"}


@pytest.mark.parametrize("method", ["magnet", "single"])
async def test_the_exchanges_of_some_roles_are_theirs_of_all(method: str) -> None:
    record, _ = await run(Sensible(), max_turns=2, method=method)
    every = list(as_exchanges(record))
    made = {role: [item for item in every if item.role == role] for role in dict.fromkeys(item.role for item in every)}
    assert len(made) == (6 if method == "magnet" else 2)
    for role, theirs in made.items():
        assert list(as_exchanges(record, (role,))) == theirs


def test_a_prompt_is_made_without_a_model_and_without_an_event_loop() -> None:
    view = CounselorView.of(profile())
    asked = ask_single(view, config(method="single"))
    assert asked
    assert asked.messages == ask_single(view, config(method="single")).messages  # type: ignore[union-attr]
    with pytest.raises(FrozenInstanceError):
        asked.role = "client"  # type: ignore[misc]


async def test_a_session_that_was_taken_up_again_has_the_states_of_one_that_went_through(tmp_path: Path) -> None:
    task = SessionTask(profile=profile(), attitude="positive", config=config(max_turns=5, min_turns=5))
    down = False

    def answer(request: Asked) -> Any:
        fails = down and request.role == "client" and len(request.messages) > 6  # in the third turn
        return said("") if fails else Sensible()(request)  # the prompt alone decides

    whole = await run_session(task, tmp_path / "whole", scripted_models(answer)[0])
    down = True
    cut = await run_session(task, tmp_path / "cut", scripted_models(answer)[0])
    assert 0 < len([turn for turn in cut.turns if turn.client]) < 5
    down = False
    record = await resume_session(task.journal_path(tmp_path / "cut"), scripted_models(answer)[0])
    assert [one.text for one in record.dialogue] == [one.text for one in whole.dialogue]
    assert [turn.client_state for turn in record.turns] == [turn.client_state for turn in whole.turns]
    assert len({(one.length, one.manner, one.feeling) for turn in record.turns if (one := turn.client_state)}) > 1
