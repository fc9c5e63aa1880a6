"""Two-way tables of counts, checked, and what a chi-square test says of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """An asymptotic chi-square test.

    Parameters
    ----------
    statistic : float
        The chi-square statistic.
    df : int
        Its degrees of freedom.
    p : float
        The upper tail of the chi-square distribution.
    """

    statistic: float
    df: int
    p: float


def two_way(table: npt.ArrayLike, *, drop: bool = False) -> Floats:
    """Check a two-way table; `drop` its empty rows and columns."""
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not (counts >= 0).all():
        raise UsageError("A table is 2-d, with counts that are not negative.")
    return counts[counts.any(axis=1)][:, counts.any(axis=0)] if drop else counts


def clustered(cells: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Check the tables of kinds of clusters; drop the empty ones."""
    counts, w = np.asarray(cells, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if counts.ndim != 3 or w.shape != counts.shape[:1]:
        raise UsageError(
            f"Clusters are cells (m, rows, columns) and weight (m,); shapes: "
            f"{counts.shape} and {w.shape}."
        )
    used = counts.any(axis=(1, 2)) & (w > 0)
    return counts[used], w[used]
