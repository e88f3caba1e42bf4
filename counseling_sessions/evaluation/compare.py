"""Groups compared, paired by client, attitude and seed: each of them with one, measure by measure, families corrected by Holm."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass

from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.pairs import Pairing, PairKey
from counseling_sessions.evaluation.statistics.family import Family, holm
from counseling_sessions.evaluation.statistics.paired import PairedDifference, compare


@dataclass(frozen=True)
class Compared:
    """One measure of one group against another; `adjusted` is the p value that holds for the family, None where untested."""

    measure: Measure
    difference: PairedDifference
    adjusted: float | None
    rejected: bool


@dataclass(frozen=True)
class Comparison:
    """All comparisons: the group `reference` against each of the `others`, in families by kind of measure."""

    reference: str
    others: tuple[str, ...]
    compared: tuple[Compared, ...]
    families: tuple[Family, ...]
    pairs: dict[str, int]
    """Pairs of sessions by the other group, whatever was measured."""
    alone: dict[str, dict[str, int]]
    """By the other group, how many of each side's sessions have no partner."""

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
    seed: int = 0,
) -> Comparison:
    """Compare the reference group with each of the others on every measure that both have in some pair.

    A family is all comparisons on measures of one kind (`Measure.family`), with all the other groups together. Where no session
    has a partner, nothing is compared.
    """
    known = list(rows)
    keys = {name: _keys(known, name, pairing) for name in (reference, *others)}
    shared = {other: set(keys[reference]) & set(keys[other]) for other in others}
    found: list[tuple[Measure, PairedDifference]] = []
    for measure in measures.values():
        for other in others:
            values = [(row.group, *astuple(pairing.key(row.key)), row.values.get(measure.id)) for row in known]
            difference = compare(values, reference, other, seed=seed)
            if difference.pairs:
                found.append((measure, difference))
    families = _families(found)
    adjusted = {
        comparison.name: (comparison.adjusted, comparison.rejected)
        for family in families
        for comparison in family.comparisons
    }
    return Comparison(
        reference,
        tuple(others),
        tuple(Compared(measure, difference, *adjusted[_name(measure, difference)]) for measure, difference in found),
        families,
        {other: len(both) for other, both in shared.items()},
        {
            other: {name: sum(key not in both for key in keys[name]) for name in (reference, other)}
            for other, both in shared.items()
        },
    )


def _families(found: Sequence[tuple[Measure, PairedDifference]]) -> tuple[Family, ...]:
    by_family: dict[str, dict[str, float | None]] = defaultdict(dict)
    for measure, difference in found:
        by_family[measure.family][_name(measure, difference)] = difference.test.value
    return tuple(holm(name, values) for name, values in by_family.items())


def _name(measure: Measure, difference: PairedDifference) -> str:
    return f"{measure.id} against {difference.baseline}"


def _keys(rows: Iterable[SessionFigures], group: str, pairing: Pairing) -> list[PairKey]:
    return [pairing.key(row.key) for row in rows if row.group == group]
