"""Picking by rules: deterministic, in phase, varied, and right for what the client just said."""

from collections import Counter
from itertools import combinations
from typing import get_args

import pytest

from counseling_sessions.nodes.context import phase_of
from counseling_sessions.nodes.picking import BACK_TO_LISTENING, COMPANION, PICKED, pick_by_rules
from counseling_sessions.nodes.techniques import technique, techniques
from counseling_sessions.settings import DEFAULT_TECHNIQUES, SessionConfig
from counseling_sessions.state import CBTTechnique, CounselorView, Phase, Pick, Plan, Utterance
from tests.loopback import SmallTalk
from tests.scripted import config

TURNS = 20
ALL = tuple(techniques())
PHASES = get_args(Phase)


def settings(names: tuple[str, ...] = DEFAULT_TECHNIQUES, max_turns: int = TURNS) -> SessionConfig:
    return config(router="rules", max_turns=max_turns, techniques=names)


def at(
    turn: int, said: str, picks: tuple[Pick, ...] = (), steps: int | None = None, phase: Phase | None = None
) -> CounselorView:
    """A view in which the client has just said this; with a `phase`, the pick of the turn before says it."""
    plan = Plan(technique=CBTTechnique.PIE_CHART, goal="g", steps=[f"s{n}" for n in range(steps)]) if steps else None
    last = Utterance(turn=turn - 1, speaker="client", text=said)
    if phase:
        before = picks[-1] if picks else Pick(turn=turn - 1, phase=phase, techniques=("other",), source="rules")
        picks = (*picks[:-1], before.model_copy(update={"phase": phase}))
    return CounselorView(utterances=(last,), picks=picks, plan=plan)


def dialogue(options: SessionConfig, says: str | None = None) -> list[Pick]:
    """The picks of a session whose phases go by its length."""
    talk, picks = SmallTalk(), list[Pick]()
    for turn in range(1, options.max_turns + 1):
        phase = phase_of(turn, options.max_turns) if turn > 1 else None
        picks.append(pick_by_rules(at(turn, says or talk.text(str(turn)), tuple(picks), phase=phase), options))
    return picks


def test_the_same_state_gives_the_same_pick() -> None:
    assert dialogue(settings()) == dialogue(settings())


@pytest.mark.parametrize("says", [None, "Why does my heart race? I can't sleep.", "What can I try?", "Yes."])
@pytest.mark.parametrize("names", [DEFAULT_TECHNIQUES, ALL])
def test_every_pick_is_in_its_phase_and_never_one_pair_on_and_on(names: tuple[str, ...], says: str | None) -> None:
    picks = dialogue(settings(names), says)
    for pick in picks:
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
    called = at(10, said, tuple(picks[:9]), phase="working")
    assert pick_by_rules(called, settings()).techniques[0] == "normalizing"


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
    assert pick_by_rules(at(10, said, phase="working"), settings()).techniques[0] == leads


@pytest.mark.parametrize(
    ("plain", "typographic"), [("I don't know why it is as it is.", "I don’t know why it is as it is.")]
)
def test_either_apostrophe_counts_the_same(plain: str, typographic: str) -> None:
    one, other = (pick_by_rules(at(10, said, phase="working"), settings()) for said in (plain, typographic))
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


@pytest.mark.parametrize("names", [DEFAULT_TECHNIQUES, ALL])
def test_something_painful_is_listened_to_alone_and_asked_nothing(names: tuple[str, ...]) -> None:
    pick = pick_by_rules(at(5, "My mother died in March. I couldn't even drive there."), settings(names))
    assert pick.techniques == ("empathy" if names is ALL else "reflection",)
    assert (pick.asks, pick.act) == (False, None)
    assert "painful" in pick.reason


def test_without_a_technique_that_listens_a_painful_word_is_picked_for_as_any_other() -> None:
    pick = pick_by_rules(at(5, "My mother died in March."), settings(("solutions", "questioning")))
    assert pick.asks is True


def test_listening_alone_does_not_go_on_and_on() -> None:
    said = "My mother died in March. I couldn't even drive there."
    talk = [Utterance(turn=turn, speaker="client", text=said) for turn in range(1, 5)]
    picks: list[Pick] = []
    for turn in range(1, 6):
        view = CounselorView(utterances=tuple(talk[: turn - 1]), picks=tuple(picks))
        picks.append(pick_by_rules(view, settings()))
    assert [pick.asks for pick in picks[1:]] == [False, True, False, True]


def test_the_opening_asks_for_an_agenda_by_turn_two_and_the_closing_begins_with_a_summary() -> None:
    agenda = pick_by_rules(at(2, "It is a long story, that is all."), settings())
    assert (agenda.act, agenda.asks) == ("agenda", True)
    assert "questioning" not in agenda.techniques
    pick = pick_by_rules(at(TURNS - 1, "It is a long story, that is all."), settings())
    assert (pick.phase, pick.act, pick.techniques[0]) == ("closing", "summary", "reflection")
