"""What planted defects and controls say of a judge, scale by scale: whether it notices, whether it goes by length, and its power."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from counseling_sessions.evaluation.judging.planting.checks import SIGNIFICANT, PlantedCheck
from counseling_sessions.evaluation.judging.planting.defect import Role
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test
from counseling_sessions.sessions import SessionKey

POWER = 0.8
"""The fall that counts as detectable is found in this share of studies."""


@dataclass(frozen=True, slots=True)
class MeanFall:
    """How far scores fell on average, in points of the scale, over all targets of some copies of `n` sessions together.

    None and an empty test where nothing was rated both times.
    """

    n: int
    mean_fall: float | None
    test: PValue

    @property
    def moved(self) -> bool:
        """Whether the scores moved, either way, by more than chance."""
        return self.mean_fall is not None and self.test.value is not None and self.test.value < SIGNIFICANT

    @property
    def fell(self) -> bool:
        return self.moved and (self.mean_fall or 0) > 0

    @property
    def rose(self) -> bool:
        return self.moved and (self.mean_fall or 0) < 0


@dataclass(frozen=True, slots=True)
class Noticing:
    """A judge and the planted defects of one scale.

    Of the `defects` tried, it noticed `noticed`: the mean of a defect's targets fell by more than chance. `broken` takes all of them
    together; `shortened`, `padded` and `identical` are the controls. `smallest_p` is the smallest p that a test of so many `clients`
    can give. `detectable` is the mean fall of one target that the test finds in a share `POWER` of studies of this size, by the spread
    of identical copies (None where there are too few clients, or no such copy).
    """

    scale: str
    sessions: int
    clients: int
    defects: int
    noticed: int
    broken: MeanFall
    shortened: MeanFall
    padded: MeanFall
    identical: MeanFall
    smallest_p: float | None
    detectable: float | None


def noticing(checks: Iterable[PlantedCheck]) -> tuple[Noticing, ...]:
    """One judge's checks, by scale in their order."""
    by_scale: dict[str, list[PlantedCheck]] = defaultdict(list)
    for check in checks:
        by_scale[check.scale].append(check)
    return tuple(_of_scale(scale, mine) for scale, mine in by_scale.items())


def _of_scale(scale: str, checks: Sequence[PlantedCheck]) -> Noticing:
    by_defect: dict[str, list[PlantedCheck]] = defaultdict(list)
    for check in checks:
        if check.role == "defect":
            by_defect[check.defect].append(check)
    tried = [shift for mine in by_defect.values() if (shift := shift_of(mine)).n]
    sessions = {fall.session for check in checks for fall in check.falls}
    clients = len({session.client for session in sessions})

    def control(role: Role, name: str = "") -> MeanFall:
        return shift_of([check for check in checks if check.role == role and name in ("", check.defect)])

    return Noticing(
        scale=scale,
        sessions=len(sessions),
        clients=clients,
        defects=len(tried),
        noticed=sum(shift.fell for shift in tried),
        broken=shift_of([check for check in checks if check.role == "defect"]),
        shortened=control("length", "shortened"),
        padded=control("length", "padded"),
        identical=control("identical"),
        smallest_p=2.0 ** (1 - clients) if clients else None,
        detectable=_detectable(checks, clients),
    )


def shift_of(checks: Iterable[PlantedCheck]) -> MeanFall:
    """The mean fall of each session over the targets of these checks, tested by flipping the signs of a client's falls together."""
    falls: dict[SessionKey, list[float]] = defaultdict(list)
    for check in checks:
        for fall in check.falls:
            falls[fall.session].append(fall.points)
    means = [(session.client, fmean(points)) for session, points in falls.items()]
    return MeanFall(len(means), fmean(mean for _, mean in means) if means else None, sign_flip_test(means))


def _detectable(checks: Sequence[PlantedCheck], clients: int) -> float | None:
    """By the power of the paired t test, which the sign flips come near to; the clients count, not their sessions."""
    spreads = [
        variance([fall.points for fall in check.falls])
        for check in checks
        if check.role == "identical" and len(check.falls) > 1
    ]
    if not spreads or 2.0 ** (1 - clients) >= SIGNIFICANT:
        return None
    from statsmodels.stats.power import TTestPower

    effect = TTestPower().solve_power(nobs=clients, alpha=SIGNIFICANT, power=POWER, alternative="two-sided")
    return float(effect) * sqrt(fmean(spreads))
