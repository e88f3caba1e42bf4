"""What judges did not score, by group: a group of which much is missing cannot be compared with one of which nothing is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from counseling_sessions.evaluation.judging.planting.checks import SIGNIFICANT
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.judging.use import asked_for, why_missing
from counseling_sessions.evaluation.statistics.family import holm
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.sessions import SessionKey

GAP = 0.1
"""A share of unscored items that is so much larger in one group than in the others is warned of, certain or not."""
UNTESTED = PValue(None, 0, note="no test: it needs two groups, and something unscored")


@dataclass(frozen=True, slots=True)
class GroupCount:
    """What one judge was asked of one group: item scores `asked` for and `scored`, and those `unscored` by reason.

    `sessions` counts those asked about, `lost` those of them without any score. `gap` is the share unscored minus that of all other
    groups together (None with one group); `test` is Fisher's, over clients with and without an unscored item in and outside of the
    group, as the sessions of a client are not independent. `p` is its value, corrected by Holm for the `tests` of three groups or more.
    """

    judge: str
    group: str
    sessions: int
    lost: int
    asked: int
    scored: int
    unscored: dict[str, int] = field(default_factory=dict)
    gap: float | None = None
    p: float | None = None
    test: PValue = UNTESTED
    tests: int = 1

    @property
    def missing(self) -> int:
        return self.asked - self.scored

    @property
    def share(self) -> float | None:
        """The share unscored, 0 to 1."""
        return self.missing / self.asked if self.asked else None

    @property
    def differs(self) -> bool:
        """Whether more is missing than elsewhere, by more than chance."""
        return bool(self.gap and self.gap > 0 and self.p is not None and self.p < SIGNIFICANT)

    @property
    def warns(self) -> bool:
        """Whether readers must be warned."""
        return self.differs or (self.gap is not None and self.gap >= GAP)


def group_counts(rows: Iterable[Score], groups: Mapping[SessionKey, str], judge: str) -> tuple[GroupCount, ...]:
    """The counts of one judge, by group in the order of `groups`. What it was not asked for (without form or words) counts nowhere."""
    mine: dict[str, list[Score]] = {group: [] for group in groups.values()}
    for row in rows:
        if row.judge == judge and row.key in groups and asked_for(row.unscored):
            mine[groups[row.key]].append(row)
    tests = _tests(mine)
    family = {item.name: item.adjusted for item in holm("missing", tests).comparisons} if len(tests) > 2 else {}
    counts = []
    for group, of_group in mine.items():
        others = [row for name, theirs in mine.items() if name != group for row in theirs]
        share, elsewhere = _share(of_group), _share(others)
        scored = {row.key for row in of_group if not why_missing(row.unscored)}
        sessions = {row.key for row in of_group}
        counts.append(
            GroupCount(
                judge=judge,
                group=group,
                sessions=len(sessions),
                lost=len(sessions - scored),
                asked=len(of_group),
                scored=sum(not why_missing(row.unscored) for row in of_group),
                unscored=dict(Counter(filter(None, (why_missing(row.unscored) for row in of_group))).most_common()),
                gap=None if share is None or elsewhere is None else share - elsewhere,
                p=family.get(group, tests.get(group, UNTESTED).value),
                test=tests.get(group, UNTESTED),
                tests=max(1, len(family)),
            )
        )
    return tuple(counts)


def _tests(rows: Mapping[str, list[Score]]) -> dict[str, PValue]:
    """Each group against all others; of two groups that is one test. Without two groups, or with nothing unscored, there are none."""
    asked = [group for group, of_group in rows.items() if of_group]
    if len(asked) < 2 or not any(why_missing(row.unscored) for of_group in rows.values() for row in of_group):
        return {}
    return {group: _fisher(rows, group) for group in asked}


def _fisher(rows: Mapping[str, list[Score]], group: str) -> PValue:
    table = []
    for inside in (True, False):
        lacking: dict[str, bool] = defaultdict(bool)
        for row in (row for name, some in rows.items() if (name == group) == inside for row in some):
            lacking[row.key.client] |= bool(why_missing(row.unscored))
        table.append([sum(lacking.values()), len(lacking) - sum(lacking.values())])
    from scipy.stats import fisher_exact  # takes a second, and only judges need it

    return PValue(float(fisher_exact(table).pvalue), sum(map(sum, table)), "Fisher's exact test of clients")


def _share(rows: list[Score]) -> float | None:
    return sum(bool(why_missing(row.unscored)) for row in rows) / len(rows) if rows else None
