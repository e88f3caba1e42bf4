"""What a comparison says beyond its pairs: differences by attitude, likeness within a margin, and groups without partners."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.statistics.equivalence import Equivalence, equivalence
from counseling_sessions.evaluation.statistics.family import Family, holm
from counseling_sessions.evaluation.statistics.moderation import Moderation, moderation
from counseling_sessions.evaluation.statistics.paired import Row, paired_differences
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.evaluation.statistics.unpaired import UnpairedDifference, unpaired_difference

Result = Moderation | Equivalence | UnpairedDifference
EQUIVALENCE = "equivalence"
"""The name of the family of all tests of likeness."""


@dataclass(frozen=True)
class Contrast:
    """One measure of the reference group against another group's: what was tested, and the p value that holds for its family."""

    measure: Measure
    other: str
    result: Result
    adjusted: float | None = None
    rejected: bool = False

    @property
    def name(self) -> str:
        """Its name in its family."""
        return f"{self.measure.id} against {self.other}"


@dataclass(frozen=True)
class Contrasts:
    """Contrasts of one kind, in the order of the measures, and their families."""

    items: tuple[Contrast, ...] = ()
    families: tuple[Family, ...] = ()

    def against(self, other: str) -> list[Contrast]:
        """The contrasts with one group."""
        return [item for item in self.items if item.other == other]

    def family_of(self, item: Contrast) -> Family:
        """The family that a contrast was corrected with."""
        return next(family for family in self.families if any(one.name == item.name for one in family.comparisons))


NONE_TESTED = Contrasts()


def by_attitude(
    rows: Sequence[SessionFigures],
    measures: Iterable[Measure],
    reference: str,
    others: Sequence[str],
    *,
    pairing: Pairing,
    seed: int = 0,
) -> Contrasts:
    """Whether the paired differences hang on the client's attitude, where pairs have two attitudes or more."""
    if not pairing.attitude:
        return NONE_TESTED
    contrasts = []
    for measure in measures:
        for other in others:
            pairs = paired_differences(paired_rows(rows, measure, pairing), reference, other)
            differences = [(client, attitude, value) for (client, attitude, _), value in pairs.items() if attitude]
            if len({attitude for _, attitude, _ in differences}) > 1:
                contrasts.append(Contrast(measure, other, moderation(differences, seed=seed)))
    return _corrected(contrasts, lambda measure: f"{measure.family} by attitude")


def within_margins(
    rows: Sequence[SessionFigures],
    measures: Mapping[str, Measure],
    margins: Mapping[str, float],
    reference: str,
    others: Sequence[str],
    *,
    pairing: Pairing,
    seed: int = 0,
) -> Contrasts:
    """Whether the groups are alike on these measures, within ± the margin of each, in its own units."""
    contrasts = []
    for name, margin in margins.items():
        for other in others:
            pairs = paired_differences(paired_rows(rows, measures[name], pairing), reference, other)
            if pairs:
                differences = [(client, value) for (client, _, _), value in pairs.items()]
                contrasts.append(Contrast(measures[name], other, equivalence(differences, margin, seed=seed)))
    return _corrected(contrasts, lambda _: EQUIVALENCE)


def without_partners(
    rows: Sequence[SessionFigures],
    measures: Iterable[Measure],
    reference: str,
    others: Sequence[str],
    *,
    seed: int = 0,
) -> Contrasts:
    """The reference group against groups with which no session of it can be paired, on every measure that both have."""
    contrasts = []
    for measure in measures:
        values = {
            group: [(row.key.client, row.values.get(measure.id)) for row in rows if row.group == group]
            for group in (reference, *others)
        }
        for other in others:
            if all(any(value is not None for _, value in values[group]) for group in (reference, other)):
                result = unpaired_difference(values[reference], values[other], seed=seed)
                contrasts.append(Contrast(measure, other, result))
    return _corrected(contrasts, lambda measure: f"{measure.family}, unpaired")


def paired_rows(rows: Iterable[SessionFigures], measure: Measure, pairing: Pairing) -> list[Row]:
    """What a paired comparison on one measure takes of each session."""
    return [(row.group, *astuple(pairing.key(row.key)), row.values.get(measure.id)) for row in rows]


def _corrected(contrasts: Sequence[Contrast], family_of: Callable[[Measure], str]) -> Contrasts:
    """The contrasts with p values that Holm corrected within each family."""
    families: dict[str, dict[str, PValue]] = {}
    for item in contrasts:
        families.setdefault(family_of(item.measure), {})[item.name] = item.result.test
    corrected = tuple(holm(name, values) for name, values in families.items())
    by_name = {one.name: one for family in corrected for one in family.comparisons}
    items = (
        replace(item, adjusted=one.adjusted, rejected=one.rejected)
        for item in contrasts
        for one in [by_name[item.name]]
    )
    return Contrasts(tuple(items), corrected)
