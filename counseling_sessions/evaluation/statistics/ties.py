"""Values that are equal but for their last bits: tests by ranks and by patterns of signs hang on whether they tie."""

import numpy as np

from counseling_sessions.evaluation.statistics.intervals import Floats

ROUNDING = 1e-9
"""How far computed values that are equal may lie apart, in proportion to what they were computed from.

A few sums and means of doubles are right to some 1e-13; scores that differ at all differ by far more than 1e-9.
"""


def tied(values: Floats, scale: float | None = None) -> Floats:
    """The values [n], of which those that rounding alone keeps apart from the next lower one are made equal to it.

    Values near 0 become 0. `scale` is the size of what they were computed from, by default the largest of their magnitudes.
    """
    if not len(values):
        return values
    near = ROUNDING * (float(np.abs(values).max()) if scale is None else scale)
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    first_of_its_kind = np.concatenate([[True], np.diff(ascending) > near])
    result = np.empty_like(values)
    result[order] = ascending[first_of_its_kind][np.cumsum(first_of_its_kind) - 1]
    return np.where(np.abs(result) <= near, 0.0, result)
