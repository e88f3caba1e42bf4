"""Groups compared with one of them, paired by client, attitude and seed, measure by measure; Holm corrects each family."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from counseling_sessions.evaluation.contrasts import (
    NONE_TESTED,
    Contrasts,
    by_attitude,
    paired_rows,
    within_margins,
    without_partners,
)
from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.statistics.family import Family, holm
from counseling_sessions.evaluation.statistics.paired import PairedDifference, compare
from counseling_sessions.evaluation.statistics.sign_flips import PValue


@dataclass(frozen=True)
class Compared:
    """One measure of one group against another; `adjusted` is the p value that holds for the family, None where untested."""

    measure: Measure
    difference: PairedDifference
    adjusted: float | None
    rejected: bool


@dataclass(frozen=True)
class Comparison:
    """All comparisons: the group `reference` against each of the `others`, in families by kind of measure.

    - `by_attitude`: whether a difference hangs on the client's attitude; `equivalence`: whether it lies within a margin;
    - `unpaired`: groups of which no session has a partner, by their means.
    """

    reference: str
    others: tuple[str, ...]
    compared: tuple[Compared, ...]
    families: tuple[Family, ...]
    pairs: dict[str, int]
    """Pairs of sessions by the other group, whatever was measured."""
    alone: dict[str, dict[str, int]]
    """By the other group, how many of each side's sessions have no partner."""
    by_attitude: Contrasts = NONE_TESTED
    equivalence: Contrasts = NONE_TESTED
    unpaired: Contrasts = NONE_TESTED

    def against(self, other: str) -> list[Compared]:
        """The comparisons with one group."""
        return [item for item in self.compared if item.difference.baseline == other]


def compare_groups(
    rows: Iterable[SessionFigures],
    measures: Mapping[str, Measure],
    reference: str,
    others: Sequence[str],
    *,
    pairing: Pairing,
    margins: Mapping[str, float] | None = None,
    asked: Container[str] = (),
    seed: int = 0,
) -> Comparison:
    """Compare the reference group with each of the others on every measure that both have in some pair.

    Measures that were `asked` for of judges stay without any pair too: a group that a judge refused must not vanish.

    A family is all comparisons on measures of one kind (`Measure.family`), with all the other groups together. Where no session
    of a group has a partner, it is compared unpaired. `margins` are those of equivalence, by measure, in its units.
    """
    rows = list(rows)
    keys = {name: [pairing.key(row.key) for row in rows if row.group == name] for name in (reference, *others)}
    shared = {other: {*keys[reference]} & {*keys[other]} for other in others}
    differences = [
        (measure, difference)
        for measure in measures.values()
        for other in others
        for difference in [compare(paired_rows(rows, measure, pairing), reference, other, seed=seed)]
        if difference.pairs or (measure.id in asked and shared[other])
    ]
    compared, families = _corrected(differences)
    return Comparison(
        reference,
        tuple(others),
        compared,
        families,
        {other: len(both) for other, both in shared.items()},
        {
            other: {name: sum(key not in both for key in keys[name]) for name in (reference, other)}
            for other, both in shared.items()
        },
        by_attitude(rows, measures.values(), reference, others, pairing=pairing, seed=seed),
        within_margins(rows, measures, margins or {}, reference, others, pairing=pairing, seed=seed),
        without_partners(rows, measures.values(), reference, [name for name in others if not shared[name]], seed=seed),
    )


def _corrected(
    differences: Iterable[tuple[Measure, PairedDifference]],
) -> tuple[tuple[Compared, ...], tuple[Family, ...]]:
    """The differences with the p values that hold for their families, and these."""
    differences = list(differences)
    by_family: dict[str, dict[str, PValue]] = defaultdict(dict)
    for measure, difference in differences:
        by_family[measure.family][_name(measure, difference)] = difference.test
    families = tuple(holm(name, values) for name, values in by_family.items())
    corrected = {item.name: item for family in families for item in family.comparisons}
    compared = (
        Compared(measure, difference, item.adjusted, item.rejected)
        for measure, difference in differences
        for item in [corrected[_name(measure, difference)]]
    )
    return tuple(compared), families


def _name(measure: Measure, difference: PairedDifference) -> str:
    return f"{measure.id} against {difference.baseline}"
