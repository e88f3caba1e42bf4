"""Whether two methods are alike within a margin: two one-sided tests (Schuirmann 1987), each by sign flips and by bootstrap t.

A difference that is "not significant" is no sign of likeness; that the difference lies within a margin has to be shown. The margin is
set before the data are seen, in units of the measure. Sign flips presume differences that are as likely so far above their mean as
below, and nothing says so of differences that lie on the margin. So the larger p counts, of sign flips (right at any number of
clients if differences are symmetrical) and of the bootstrap t (about right if they are not).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from counseling_sessions.evaluation.statistics.bootstrap_t import bootstrap_t_test
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of a mean difference: above -margin, and below +margin. `test` is the one with the larger p."""

    margin: float
    above: PValue
    below: PValue

    @property
    def test(self) -> PValue:
        return max(self.above, self.below, key=lambda p: -1.0 if p.value is None else p.value)


def equivalence(differences: Iterable[tuple[str, float]], margin: float, *, seed: int = 0) -> Equivalence:
    """Test clients' differences against ± `margin`. Raises `ValueError` for a margin that is not above 0."""
    if not margin > 0:
        raise ValueError(f"a margin lies above 0, not at {margin:g}")
    rows = list(differences)
    if not any(value for _, value in rows):
        none = PValue(None, len({client for client, _ in rows}), note="no test: every difference is 0")
        return Equivalence(margin, none, none)
    above = _least_favourable([(client, value + margin) for client, value in rows], seed)
    below = _least_favourable([(client, margin - value) for client, value in rows], seed)
    return Equivalence(margin, above, below)


def _least_favourable(rows: list[tuple[str, float]], seed: int) -> PValue:
    """The one-sided test with the larger p; no smaller p can be reached than sign flips can."""
    by_signs, by_t = (test(rows, greater=True, seed=seed) for test in (sign_flip_test, bootstrap_t_test))
    if by_t.value is None or by_signs.value is None or by_signs.value >= by_t.value:
        return by_signs
    return replace(by_t, smallest=by_signs.smallest)
