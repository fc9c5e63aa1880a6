"""Ratings as counts, checked before anything is said of them.

Ratings arrive as counts. `units` has shape (m, K): an item of kind `u` has ``units[u, k]`` ratings
at level `k`, and there are ``weight[u]`` such items; a missing rating is simply not counted.
"""

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError

Floats = npt.NDArray[np.float64]


def rating_counts(units: npt.ArrayLike) -> Floats:
    """Check the counts of ratings at each level, one row a kind of item."""
    counts = np.asarray(units, dtype=np.float64)
    if counts.ndim != 2 or (counts < 0).any():
        raise UsageError(
            "Ratings must be counts of at least 0, one row a kind, one column a level."
        )
    return counts


def item_weights(units: npt.ArrayLike, weight: npt.ArrayLike | None) -> Floats:
    """Check the numbers of items of each kind; one of each if left out."""
    kinds = len(np.asarray(units))
    if weight is None:
        return np.ones(kinds)
    items = np.asarray(weight, dtype=np.float64)
    if items.shape != (kinds,) or (items < 0).any():
        raise UsageError(f"weight must hold {kinds} counts of items, one for each kind.")
    return items


def rater_table(table: npt.ArrayLike) -> Floats:
    """Check the counts by the levels of two raters."""
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise UsageError("A table of two raters must be square, with counts of at least 0.")
    return counts


def levels_apart(levels: int) -> npt.NDArray[np.int64]:
    """Return how many levels lie between every two."""
    at = np.arange(levels)
    apart: npt.NDArray[np.int64] = np.abs(at[:, None] - at[None, :])
    return apart


def defined_or_none(value: float) -> float | None:
    """Return a statistic; None where it is not a number."""
    return None if np.isnan(value) else float(value)
