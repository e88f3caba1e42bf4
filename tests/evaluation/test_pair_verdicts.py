"""What is said of a judge of pairs: its position with interval and test, and a verdict for every kind of judge."""

from dataclasses import replace
from itertools import product

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.judged_pairs import judged_pairs
from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.controls import ControlResult
from counseling_sessions.evaluation.judging.position import Position, positions
from counseling_sessions.evaluation.judging.preference import PairVerdict
from counseling_sessions.evaluation.pairs import PairKey, Winner
from counseling_sessions.evaluation.report.preference_verdicts import (
    JudgeFigures,
    preference_verdict,
    preference_verdicts,
    verdict_words,
)
from counseling_sessions.evaluation.statistics.intervals import share_figure

Said = list[tuple[Winner, Winner]]
"""What a judge answers forward and backward, in the pair's order; clients take turns."""


def position(said: Said, clients: int = 10) -> Position:
    rows = []
    for number, both in enumerate(said):
        for order, winner in zip(("forward", "backward"), both, strict=True):
            key = PairKey(f"client {number % clients}", "", 0)
            rows.append(PairVerdict(f"pair {number}", "x", "y", key, "safety", "j", 1, order, winner))  # type: ignore[arg-type]
    [found] = positions(rows)
    return found


def share(part: int, total: int):
    return share_figure((f"client {number % 10}", number < part) for number in range(total))


def control(kind: str, tied: int, one: int, total: int = 20) -> ControlResult:
    return ControlResult("j", kind, 10, total, share(tied, total), share(one, total), share(total - tied - one, total))  # type: ignore[arg-type]


STAYING: Said = [("first", "second")]
HONEST: Said = [("first", "first"), ("second", "second"), ("first", "first"), ("tie", "tie")]
CHANCE: Said = list(product(("first", "second"), repeat=2))  # type: ignore[arg-type]


def test_position_has_interval_test_and_what_chance_would_give() -> None:
    found = position(STAYING * 20)
    assert (found.first.value, found.consistent.value, found.expected) == (1, 0, 0)
    assert found.first.low is not None
    assert found.first.low > 0.5
    assert found.test.value == pytest.approx(2 / 2**10)
    honest = position(HONEST * 10)
    assert (honest.consistent.value, honest.undecided.value) == (1, 0.25)
    assert honest.expected == pytest.approx(0.5**2 + 0.25**2 + 0.25**2)
    assert honest.above.value == pytest.approx(1 - 0.375)
    assert honest.above.low is not None
    assert honest.above.low > 0


def test_chance_is_what_both_orders_give_independently() -> None:
    found = position(CHANCE * 20)
    assert found.consistent.value == found.expected == 0.5
    assert found.above.value == pytest.approx(0)


@pytest.mark.parametrize(
    ("said", "figures", "kinds"),
    [
        (STAYING * 20, {}, ("position_first",)),
        ([("second", "first")] * 20, {}, ("position_second",)),
        (STAYING * 8 + HONEST * 6 + STAYING * 8, {}, ("leans_first",)),
        ([*STAYING, ("second", "first")] * 10, {}, ("stays",)),
        (CHANCE * 10, {}, ("chance",)),
        (HONEST * 10, {}, ("consistent", "no_pull")),
        (HONEST * 7 + CHANCE * 5, {}, ("noisy", "no_pull")),
        ([("tie", "tie")] * 19 + [("first", "first")], {}, ("undecided",)),
        ([("cannot_say", "cannot_say")] * 9, {}, ("undecided",)),
        (HONEST * 10, {"longer": share(19, 20)}, ("longer_unsure", "consistent")),
        (HONEST * 10, {"longer": share(19, 20), "padded": control("padded", 0, 20)}, ("words",)),
        (HONEST * 10, {"longer": share(19, 20), "padded": control("padded", 20, 0)}, ("longer", "consistent", "no_pull")),
        (HONEST * 10, {"longer": share(12, 20), "padded": control("padded", 4, 12)}, ("padding",)),
        (HONEST * 10, {"identical": control("identical", 4, 9)}, ("identical",)),
        (HONEST * 10, {"identical": control("identical", 18, 1)}, ("consistent", "no_pull")),
    ],
)  # fmt: skip
def test_a_verdict_for_every_kind_of_judge(said: Said, figures: dict[str, object], kinds: tuple[str, ...]) -> None:
    verdict = preference_verdict(JudgeFigures(position(said), **figures))  # type: ignore[arg-type]
    assert verdict.kinds == kinds
    assert "{" not in verdict.text


def test_few_clients_show_a_pull_only_where_it_is_nearly_complete() -> None:
    assert preference_verdict(JudgeFigures(position(STAYING * 8, clients=2))).kinds == ("position_first",)
    weaker: Said = [*STAYING * 8, ("first", "first"), ("second", "second"), ("first", "first"), ("second", "second")]
    found = position(weaker, clients=2)
    assert found.first.value is not None
    assert found.first.value > verdict_words().thresholds.leans
    assert "position_first" not in preference_verdict(JudgeFigures(found)).kinds


def test_the_figures_of_a_verdict_are_in_its_words() -> None:
    figures = JudgeFigures(position(HONEST * 10), share(19, 20), padded=control("padded", 1, 19))
    text = preference_verdict(figures).text
    assert "the longer session in 95.0 % of its decisions" in text
    assert "the padded copy of a session in 95.0 % of the control pairs" in text
    assert text.endswith("This judge counts words.")
    assert "(p = .002)" in preference_verdict(JudgeFigures(position(STAYING * 20))).text


def test_every_sentence_can_be_written() -> None:
    figures = JudgeFigures(position(HONEST * 10), share(1, 2), control("identical", 1, 1), control("padded", 1, 1))
    for kind, text in verdict_words().texts.items():
        assert text, kind
    assert preference_verdict(replace(figures, longer=None)).text


@pytest.mark.parametrize(
    ("lost", "kinds", "said"),
    [
        (20, ("lost", "silent"), "100.0 % of its answers could not be had (refused 15, words instead of ratings 5)"),
        (2, ("lost", "consistent", "no_pull"), "10.0 % of its answers could not be had (refused 1, words instead of"),
        (1, ("consistent", "no_pull"), ""),
    ],
)
def test_a_verdict_says_how_many_answers_could_not_be_had(lost: int, kinds: tuple[str, ...], said: str) -> None:
    rows = []
    for at in range(20):
        pair = at // 2
        why = Unscored("no_json" if at % 4 == 1 else "refused") if at < lost else None
        key, order = PairKey(f"client {pair}", "", 0), ("forward", "backward")[at % 2]
        winner = None if why else ("first", "second", "tie")[pair % 3]
        rows.append(PairVerdict(f"pair {pair}", "x", "y", key, "safety", "j", 1, order, winner, unscored=why))  # type: ignore[arg-type]
    [verdict] = preference_verdicts(judged_pairs([], [], rows, ["x", "y"], read_aspects()))
    assert (verdict.judge, verdict.kinds) == ("j", kinds)
    assert said in verdict.text
