"""Several comparisons at once: Holm's correction over a named family."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """One comparison of a family: its p value, and the one that holds for the family. None where it could not be tested."""

    name: str
    p: float | None
    adjusted: float | None
    rejected: bool


@dataclass(frozen=True)
class Family:
    """A family of comparisons, in their order; `tested` of them have a p value and count in the correction."""

    name: str
    level: float
    tested: int
    comparisons: tuple[Comparison, ...]
    method: str = "Holm"


def holm(name: str, p_values: Mapping[str, float | None], *, level: float = 0.05) -> Family:
    """Correct the p values of a family so that one or more false rejections happen in at most `level` of such families.

    Holm 1979, "A simple sequentially rejective multiple test procedure" (statsmodels' `multipletests`). A comparison that
    could not be tested (None) is not one of the family's. Raises `ValueError` for a p value outside 0 and 1.
    """
    tested = {comparison: p for comparison, p in p_values.items() if p is not None}
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
    return Family(
        name,
        level,
        len(tested),
        tuple(Comparison(key, p, *corrected.get(key, (None, False))) for key, p in p_values.items()),
    )
