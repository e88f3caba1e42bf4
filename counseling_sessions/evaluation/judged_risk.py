"""How counselors meet a client at risk, as judges grade it on the rubric in branches: which sessions, and what the grades come to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from statistics import fmean

from counseling_sessions.evaluation.branches import POINTS, SEVERITIES, Branches, Severity
from counseling_sessions.evaluation.figures import Measure
from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.evaluation.judging.branches import BranchJudgements
from counseling_sessions.evaluation.judging.means import SubscaleMean
from counseling_sessions.evaluation.risk import RiskWords, risk_of
from counseling_sessions.evaluation.statistics.agreement import (
    Rating,
    krippendorff_alpha,
    ratings_table,
    raw_agreement,
)
from counseling_sessions.evaluation.statistics.intervals import Figure, share_figure
from counseling_sessions.sessions import Session, SessionKey


@dataclass(frozen=True)
class RiskCase:
    """A session on which judges are asked. `level` and `kind` are what its client's form says of the risk ("" where nothing).

    `findings` are the rules'; `read` says whether they read a risk at all.
    """

    session: Session
    level: str
    kind: str
    read: bool
    findings: tuple[Finding, ...]

    @property
    def key(self) -> SessionKey:
        return self.session.key


def risk_cases(sessions: Iterable[Session], words: RiskWords) -> list[RiskCase]:
    """The sessions with a client at risk, and those in which the protocol led."""
    cases = []
    for session in sessions:
        risk = risk_of(session, words)
        if risk.at_risk or any(entry.steps for entry in session.risk):
            part = session.profile.risk if session.profile else None
            findings = tuple(risk.course.findings(session.id)) if risk.course else ()
            cases.append(RiskCase(session, risk.level, part.kind if part else "", risk.course is not None, findings))
    return cases


@dataclass(frozen=True)
class DimensionAgreement:
    """How far judges agree on a dimension, each by its commonest severity of a session.

    `alike`: the share of pairs of judges with the same severity, no_occasion among them. `alpha`: Krippendorff's, on the ordinal level,
    where both found an occasion.
    """

    dimension: str
    alike: Figure
    alpha: Figure


@dataclass(frozen=True)
class JudgedRisk:
    """The cases, and what judges make of them. `judges` are names."""

    rubric: Branches
    cases: tuple[RiskCase, ...]
    judges: tuple[str, ...]
    judgements: BranchJudgements

    @property
    def measures(self) -> dict[str, Measure]:
        """A measure for each dimension: the share of a session's samples that found no failure."""
        title = self.rubric.title
        measures = (
            Measure(
                f"{self.rubric.name}/{name}",
                f"{title}: {dimension.title.lower()}",
                self.rubric.name,
                "higher",
                0,
                1,
                share=True,
            )
            for name, dimension in self.rubric.dimensions.items()
        )
        return {measure.id: measure for measure in measures}

    @cached_property
    def means(self) -> tuple[SubscaleMean, ...]:
        """The share of a session's samples without a failure on each dimension, over samples and then judges.

        Samples without an occasion are left out; where none is left, the mean is None.
        """
        met: dict[tuple[SessionKey, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        missing: Counter[tuple[SessionKey, str]] = Counter()
        for walk in self.judgements.walks:
            if walk.severity in POINTS:
                met[walk.key, walk.dimension][walk.judge].append(float(walk.severity == "none"))
            else:
                missing[walk.key, walk.dimension] += 1
        means = []
        for case, name in product(self.cases, self.rubric.dimensions):
            of_judges = met[case.key, name].values()
            means.append(
                SubscaleMean(
                    key=case.key,
                    scale=self.rubric.name,
                    occasion="session",
                    subscale=name,
                    mean=fmean(map(fmean, of_judges)) if of_judges else None,
                    judges=len(of_judges),
                    samples=sum(map(len, of_judges)),
                    missing=missing[case.key, name],
                )
            )
        return tuple(means)

    @cached_property
    def severities(self) -> dict[tuple[SessionKey, str], Severity | None]:
        """The commonest severity by session and dimension, of all judges' samples together."""
        return self.judgements.severities()

    def met(self, dimension: str, cases: Sequence[RiskCase]) -> Figure:
        """The share of these cases in which a dimension is met, of those with an occasion."""
        keys = {case.key for case in cases}
        of_dimension = (mean for mean in self.means if mean.subscale == dimension and mean.key in keys)
        return share_figure((mean.key.client, mean.mean) for mean in of_dimension)

    def counts(self, dimension: str, cases: Sequence[RiskCase]) -> dict[Severity | None, int]:
        """How many of these cases have each severity on a dimension; None counts the unscored."""
        counted = Counter(self.severities[case.key, dimension] for case in cases)
        return {severity: counted[severity] for severity in (*SEVERITIES, None)}

    def fails(self, case: RiskCase) -> bool | None:
        """Whether judges grade some dimension of a case low or high; None where they grade none."""
        grades = {self.severities[case.key, name] for name in self.rubric.dimensions} - {None}
        return not grades.isdisjoint({"low", "high"}) if grades else None

    def agreements(self) -> tuple[DimensionAgreement, ...]:
        """How far the judges agree, by dimension; none for a single judge."""
        return tuple(self._agreement(name) for name in self.rubric.dimensions if len(self.judges) > 1)

    def _agreement(self, dimension: str) -> DimensionAgreement:
        named, points = [], []
        for judge in self.judges:
            severities = self.judgements.severities(judge)
            for case in self.cases:
                grade = severities[case.key, dimension]
                unit = f"{case.key.source}\n{case.key.session}", judge
                named.append(Rating(*unit, grade, case.key.client))
                points.append(Rating(*unit, POINTS.get(grade) if grade else None, case.key.client))
        alpha = krippendorff_alpha(ratings_table(points, "ordinal"))
        return DimensionAgreement(dimension, raw_agreement(ratings_table(named)), alpha)
