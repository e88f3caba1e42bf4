"""Several comparisons at once: Holm's correction over a named family."""

from collections.abc import Mapping
from dataclasses import dataclass

from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.texts.words import counted


@dataclass(frozen=True)
class CorrectedTest:
    """One comparison of a family: its p value, and the one that holds for the family. None where it could not be tested."""

    name: str
    p: float | None
    adjusted: float | None
    rejected: bool


@dataclass(frozen=True)
class Family:
    """A family of comparisons, in their order; `tested` of them have a p value and count in the correction.

    `smallest` is the smallest corrected p that any of them could have reached; None where nothing bounds it. `warning` says
    so where that lies above the level: then the study was too small for this family, whatever it would have shown.
    """

    name: str
    level: float
    tested: int
    comparisons: tuple[CorrectedTest, ...]
    method: str = "Holm"
    smallest: float | None = None
    warning: str = ""


def holm(name: str, p_values: Mapping[str, PValue | float | None], *, level: float = 0.05) -> Family:
    """Correct the p values of a family so that one or more false rejections happen in at most `level` of such families.

    Holm 1979, "A simple sequentially rejective multiple test procedure" (statsmodels' `multipletests`). A comparison that
    could not be tested (None) is not one of the family's. A plain number says nothing on how small it could have been. Raises
    `ValueError` for a p value outside 0 and 1.
    """
    tests = {key: test if isinstance(test, PValue) else PValue(test, 0) for key, test in p_values.items()}
    tested = {key: test.value for key, test in tests.items() if test.value is not None}
    for comparison, p in tested.items():
        if not 0 <= p <= 1:
            raise ValueError(f"{name}, {comparison}: a p value lies within 0 and 1, not at {p}")
    corrected: dict[str, tuple[float, bool]] = {}
    if tested:
        from statsmodels.stats.multitest import multipletests

        rejected, adjusted, _, _ = multipletests(list(tested.values()), alpha=level, method="holm")
        corrected = {
            comparison: (float(p), bool(no)) for comparison, p, no in zip(tested, adjusted, rejected, strict=True)
        }
    smallest = _smallest([tests[key].smallest for key in tested])
    return Family(
        name,
        level,
        len(tested),
        tuple(CorrectedTest(key, test.value, *corrected.get(key, (None, False))) for key, test in tests.items()),
        smallest=smallest,
        warning=_warning(name, level, len(tested), smallest),
    )


def _smallest(bounds: list[float | None]) -> float | None:
    """The smallest corrected p: Holm takes the smallest of the p values as often as there are tests."""
    bounded = [bound for bound in bounds if bound is not None]
    return min(1.0, min(bounded) * len(bounds)) if bounds and len(bounded) == len(bounds) else None


def _warning(name: str, level: float, tested: int, smallest: float | None) -> str:
    if smallest is None or smallest <= level:
        return ""
    if smallest >= 1:
        return f"{name}: nothing can be significant, as fewer than two clients differ on any measure."
    return (
        f"{name}: nothing can be significant. With so few clients that differ, no p corrected for {counted(tested, 'test')} "
        f"can lie below {smallest:.3g}. More clients would help, or fewer measures chosen beforehand."
    )
