"""Picking by rules: deterministic, in phase, varied, and right for what the client just said."""

from collections import Counter
from itertools import combinations, pairwise
from typing import get_args

import pytest

from counseling_sessions.nodes.context import phase_of
from counseling_sessions.nodes.picking import (
    BACK_TO_LISTENING,
    COMPANION,
    PICKED,
    lately_used,
    pick_by_rules,
    step_by_pace,
)
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.settings import DEFAULT_TECHNIQUES, SessionConfig
from counseling_sessions.state import CBTTechnique, CounselorView, Phase, Pick, Plan, Utterance
from tests.loopback import SmallTalk
from tests.scripted import PLAN, config

TURNS = 20
ALL = tuple(techniques())
PHASES = get_args(Phase)


def settings(names: tuple[str, ...] = DEFAULT_TECHNIQUES, max_turns: int = TURNS) -> SessionConfig:
    return config(router="rules", max_turns=max_turns, techniques=names)


def at(turn: int, said: str, picks: tuple[Pick, ...] = (), steps: int | None = None) -> CounselorView:
    plan = Plan(technique=CBTTechnique.PIE_CHART, goal="g", steps=[f"s{n}" for n in range(steps)]) if steps else None
    last = Utterance(turn=turn - 1, speaker="client", text=said)
    return CounselorView(utterances=(last,), picks=picks, plan=plan)


def dialogue(options: SessionConfig, says: str | None = None) -> list[Pick]:
    talk, picks = SmallTalk(), []
    for turn in range(1, options.max_turns + 1):
        picks.append(pick_by_rules(at(turn, says or talk.text(str(turn)), tuple(picks)), options))
    return picks


def test_the_same_state_gives_the_same_pick() -> None:
    assert dialogue(settings()) == dialogue(settings())


@pytest.mark.parametrize("says", [None, "Why does my heart race? I can't sleep.", "What can I try?", "Yes."])
@pytest.mark.parametrize("names", [DEFAULT_TECHNIQUES, ALL])
def test_every_pick_is_in_its_phase_and_never_one_pair_on_and_on(names: tuple[str, ...], says: str | None) -> None:
    picks = dialogue(settings(names), says)
    for pick in picks:
        assert pick.phase == phase_of(pick.turn, TURNS)
        assert all(pick.phase in technique(name).phases for name in pick.techniques)
        assert 1 <= len(pick.techniques) == len(set(pick.techniques)) <= PICKED
    working = [frozenset(pick.techniques) for pick in picks if pick.phase == "working"]
    assert all(len(set(three)) > 1 for three in zip(working, working[1:], working[2:], strict=False))
    assert Counter(working).most_common(1)[0][1] <= len(working) * (2 / 3 if says else 1 / 2)
    assert {name for pick in picks for name in pick.techniques} == set(names)


@pytest.mark.parametrize("names", [DEFAULT_TECHNIQUES, ALL, ("reflection", "solutions", "psychoeducation")])
@pytest.mark.parametrize("says", [None, "What can I do? I want to try.", "I feel so sad."])
def test_in_the_working_phase_solutions_come_with_psychoeducation(names: tuple[str, ...], says: str | None) -> None:
    offered = [
        pick for pick in dialogue(settings(names), says) if "solutions" in pick.techniques and pick.phase == "working"
    ]
    assert offered
    assert all("psychoeducation" in pick.techniques for pick in offered)


@pytest.mark.parametrize("max_turns", [10, 20])
@pytest.mark.parametrize("names", [DEFAULT_TECHNIQUES, ALL])
def test_a_question_goes_along_always_while_exploring_and_often_later(names: tuple[str, ...], max_turns: int) -> None:
    picks = dialogue(settings(names, max_turns))
    asking = {phase: [COMPANION in pick.techniques for pick in picks if pick.phase == phase] for phase in PHASES}
    assert all(asking["opening"] + asking["exploring"])
    assert 1 / 3 <= sum(asking["working"]) / len(asking["working"]) <= 9 / 10


def test_normalizing_is_held_back_but_comes_when_it_is_called_for() -> None:
    picks = dialogue(settings())
    assert 1 <= sum("normalizing" in pick.techniques for pick in picks) <= len(picks) / 3
    said = "Nobody else is so weird. There must be something wrong with me."
    assert pick_by_rules(at(10, said, tuple(picks[:9])), settings()).techniques[0] == "normalizing"


@pytest.mark.parametrize(
    "said", ["That's pointless.", "I tried that already.", "I WON’T do this.", "What can I do? It doesn't help anyway."]
)
@pytest.mark.parametrize("turn", [2, 10, 19])
def test_a_client_who_pushes_back_is_listened_to(said: str, turn: int) -> None:
    pick = pick_by_rules(at(turn, said), settings(ALL))
    assert set(pick.techniques) <= BACK_TO_LISTENING
    assert "pushes back" in pick.reason


@pytest.mark.parametrize(
    ("said", "leads"),
    [
        ("It goes on like this every day from the morning to the night. What can I do about it?", "solutions"),
        ("Why does my heart race so, I don’t understand it.", "psychoeducation"),
        ("Maybe there’s something wrong with me, that’s so weird.", "normalizing"),
        ("I feel sad and tired.", "reflection"),
    ],
)
def test_what_the_client_says_calls_for_its_technique(said: str, leads: str) -> None:
    assert pick_by_rules(at(10, said), settings()).techniques[0] == leads


@pytest.mark.parametrize(
    ("plain", "typographic"), [("I don't know why it is as it is.", "I don’t know why it is as it is.")]
)
def test_either_apostrophe_counts_the_same(plain: str, typographic: str) -> None:
    one, other = (pick_by_rules(at(10, said), settings()) for said in (plain, typographic))
    assert one == other
    assert one.techniques[0] == "reflection"


@pytest.mark.parametrize("names", [(name,) for name in ALL] + list(combinations(ALL, 2)) + list(combinations(ALL, 3)))
@pytest.mark.parametrize("says", ["", "That's pointless.", "What can I do?"])
def test_any_choice_of_techniques_gives_a_pick_at_every_turn(names: tuple[str, ...], says: str) -> None:
    for pick in dialogue(settings(names, max_turns=6), says or None):
        assert pick.techniques
        assert set(pick.techniques) <= set(names)


def test_a_session_that_begins_with_the_counselor_has_a_pick_too() -> None:
    pick = pick_by_rules(CounselorView(), settings())
    assert (pick.turn, pick.phase, pick.step, pick.source) == (1, "opening", None, "rules")


def test_the_reason_of_a_fallback_is_kept() -> None:
    assert pick_by_rules(at(3, "Yes."), settings(), fallback="no JSON object").fallback == "no JSON object"


@pytest.mark.parametrize("steps", [2, 3, 5, 8])
@pytest.mark.parametrize("max_turns", [1, 2, 3, 7, 20, 200])
def test_the_pace_rises_through_the_steps_and_stays_within_them(steps: int, max_turns: int) -> None:
    numbers = [
        step_by_pace(at(turn, "Yes.", steps=steps), settings(max_turns=max_turns)) for turn in range(1, max_turns + 2)
    ]
    assert numbers[0] == 1
    assert all(number is not None and 1 <= number <= steps for number in numbers)
    assert all(after - before >= 0 for before, after in pairwise(numbers))  # type: ignore[operator]
    if max_turns >= steps:
        assert set(numbers) == set(range(1, steps + 1))


def test_without_a_plan_there_is_no_step() -> None:
    assert step_by_pace(at(3, "Yes."), settings()) is None
    assert pick_by_rules(at(3, "Yes.", steps=len(PLAN["steps"])), settings()).step == 1


def test_lately_used_names_the_newest_first() -> None:
    picks = tuple(
        Pick(turn=n, phase="working", techniques=(name,), source="rules")
        for n, name in enumerate(("questioning", "empathy", "reflection", "solutions"), 1)
    )
    assert lately_used(at(5, "Yes.", picks)) == ["solutions", "reflection", "empathy"]
