"""Plans of a study: how many clients, pairs and raters it takes to find a difference, and what a number of clients can find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from counseling_sessions.evaluation.statistics.power import (
    ALPHA,
    AnswerSpread,
    DifferenceSpread,
    clients_needed,
    equivalence_power,
    paired_power,
    panel_power,
    smallest_difference,
)


@dataclass(frozen=True)
class Goal:
    """What a study is to reach: the power, at a level of .05 shared among so many `tests` (Holm's smallest p)."""

    power: float = 0.8
    tests: int = 1

    @property
    def alpha(self) -> float:
        return ALPHA / self.tests


@dataclass(frozen=True)
class StudyDesign:
    """How often each client comes: `pairs` of sessions, answered by `raters` (0: nobody; a measure is compared).

    - `clients`: the fewest that reach the goal, None where no number does; `cautious`: with the pilot's upper bound of the spread.
    - `finds`: the smallest difference that `with_clients` clients find with the goal's power; None where none is asked for, or found.
    - `ceiling`: the power that no number of clients exceeds, where that is below the goal's.
    """

    pairs: int
    raters: int = 0
    clients: int | None = None
    cautious: int | None = None
    finds: float | None = None
    ceiling: float | None = None

    @property
    def sessions(self) -> int | None:
        """Sessions of each method."""
        return self.clients and self.clients * self.pairs


def plan_difference(
    difference: float,
    spread: DifferenceSpread,
    goal: Goal,
    per_client: Sequence[int],
    *,
    cautious: DifferenceSpread | None = None,
    with_clients: int | None = None,
) -> list[StudyDesign]:
    """Designs that find a difference of two methods' means, in units of the measure, by pairs of each client."""
    return [
        StudyDesign(
            pairs,
            clients=clients_needed(_of_clients(difference, spread, pairs, goal), goal.power),
            cautious=clients_needed(_of_clients(difference, cautious, pairs, goal), goal.power) if cautious else None,
            finds=_finds(spread.of_mean(pairs), with_clients, goal) if with_clients else None,
        )
        for pairs in per_client
    ]


def plan_equivalence(
    margin: float,
    difference: float,
    spread: DifferenceSpread,
    goal: Goal,
    per_client: Sequence[int],
    *,
    cautious: DifferenceSpread | None = None,
) -> list[StudyDesign]:
    """Designs that show a true `difference` (0: none) to lie within ± `margin`."""

    def power_of(some: DifferenceSpread, pairs: int) -> Callable[[int], float]:
        sd = some.of_mean(pairs)
        return lambda clients: equivalence_power(margin, difference, sd, clients, goal.alpha)

    return [
        StudyDesign(
            pairs,
            clients=clients_needed(power_of(spread, pairs), goal.power),
            cautious=clients_needed(power_of(cautious, pairs), goal.power) if cautious else None,
        )
        for pairs in per_client
    ]


def plan_preference(
    rate: float,
    panel: AnswerSpread,
    goal: Goal,
    per_client: Sequence[int],
    raters: Sequence[int],
    *,
    cautious: AnswerSpread | None = None,
    with_clients: int | None = None,
) -> list[StudyDesign]:
    """Designs that tell a win rate from one half, for raters like these, by raters and pairs of each client."""
    designs = []
    for count in raters:
        for pairs in per_client:
            power_of = partial(_panel_power, rate, panel, count, pairs, goal.alpha)
            clients = clients_needed(power_of, goal.power)
            finds = _finds_rate(panel, count, pairs, with_clients, goal) if with_clients else None
            careful = (
                clients_needed(partial(_panel_power, rate, cautious, count, pairs, goal.alpha), goal.power)
                if cautious
                else None
            )
            ceiling = None if clients else max(power_of(of) for of in (5, 10, 20, 50, 100, 1000, 10_000))
            designs.append(StudyDesign(pairs, count, clients, careful, finds, ceiling=ceiling))
    return designs


def _of_clients(difference: float, spread: DifferenceSpread, pairs: int, goal: Goal) -> Callable[[int], float]:
    sd = spread.of_mean(pairs)
    return lambda clients: paired_power(difference, sd, clients, goal.alpha)


def _finds(sd: float, clients: int, goal: Goal) -> float | None:
    return smallest_difference(lambda shift: paired_power(shift, sd, clients, goal.alpha), goal.power, 100 * sd)


def _panel_power(rate: float, panel: AnswerSpread, raters: int, pairs: int, alpha: float, clients: int) -> float:
    return panel_power(rate, panel, raters, clients, pairs, alpha)


def _finds_rate(panel: AnswerSpread, raters: int, pairs: int, clients: int, goal: Goal) -> float | None:
    shift = smallest_difference(
        lambda above: panel_power(0.5 + above, panel, raters, clients, pairs, goal.alpha), goal.power, 0.5
    )
    return None if shift is None else 0.5 + shift
