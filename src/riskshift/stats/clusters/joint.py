"""How far two estimates from the same clusters move together, with caution.

MOVER claims certainty where two estimates have a correlation of 1 and equal intervals. From few
clusters, or from estimates that happen to agree everywhere, the correlation comes out as 1 whatever
lies behind it. So four pseudo-clusters, one for each combination of ends, are added before it is
estimated, and the smaller of the two correlations is used: no interval of a difference gets
narrower for it. This is riskshift's own rule, after the plus-four idea.
"""

from collections.abc import Callable
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import clustered_interval, correlation
from riskshift.stats.proportion import Interval, clopper_pearson, mover_difference

# Independent records that either category must tell as much as before anything is said of the two.
ENOUGH: Final = 10

# Both at their upper end, one of them, none.
_ENDS = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])


def cautious_correlation(
    total_a: npt.ArrayLike,
    size_a: npt.ArrayLike,
    total_b: npt.ArrayLike,
    size_b: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    least: float = 0.0,
) -> float:
    """Correlation of two means over the same clusters that is never 1.

    Parameters
    ----------
    total_a, size_a, total_b, size_b, weight : array_like, shape (m,)
        Sum of the values and number of records of both means in each kind of cluster, and the
        number of clusters of that kind. For rates: events and trials.
    least : float, default 0
        Lowest value that a record can have; the highest is 1. For differences of two rates: -1.

    Returns
    -------
    float
        Between -1 and 1, 1 left out; at most what
        `riskshift.stats.clusters.cluster.correlation` gives. The pseudo-clusters have the size that the
        average record lives in, and all their records the highest or the lowest value.

    Raises
    ------
    UsageError
        If the arrays do not match or a mean has no record.

    Examples
    --------
    Two rates that agree on all of 20 prompts:

    >>> round(cautious_correlation([0, 1], [1, 1], [0, 1], [1, 1], [12, 8]), 3)
    0.829
    """
    columns = [np.asarray(part, np.float64) for part in (total_a, size_a, total_b, size_b, weight)]
    plain = correlation(*columns)
    x_a, n_a, x_b, n_b, w = columns
    if not (w @ n_a and w @ n_b):
        raise UsageError("A mean without records has no correlation with another.")
    typical = [float(w @ n**2) / float(w @ n) for n in (n_a, n_b)]
    ends = least + (1 - least) * _ENDS
    four = np.ones(4)
    shrunken = correlation(
        np.append(x_a, typical[0] * ends[0]),
        np.append(n_a, typical[0] * four),
        np.append(x_b, typical[1] * ends[1]),
        np.append(n_b, typical[1] * four),
        np.append(w, four),
    )
    return min(shrunken, plain)


def cautious_influence(a: npt.ArrayLike, b: npt.ArrayLike, weight: npt.ArrayLike) -> float:
    """Correlation of two estimates by their influence values that is never 1.

    Parameters
    ----------
    a, b : array_like, shape (m,)
        What one cluster of each kind adds to the error of either estimate.
    weight : array_like, shape (m,)
        Number of clusters of each kind.

    Returns
    -------
    float
        Between -1 and 1, 1 left out. Each of the four pseudo-clusters pulls both estimates, up or
        down, as hard as the cluster that pulls it hardest. 0 where an estimate does not vary.

    Raises
    ------
    UsageError
        If the arrays do not match.

    Examples
    --------
    An estimate and itself, from 20 clusters of which 8 pull up and 12 down:

    >>> round(cautious_influence([0.03, -0.02], [0.03, -0.02], [8, 12]), 3)
    0.769
    """
    first, second, w = (np.asarray(part, np.float64) for part in (a, b, weight))
    if not first.shape == second.shape == w.shape or w.ndim != 1:
        raise UsageError("Influence values and weights must be 1-d and of equal length.")
    used = w > 0
    joint = float(w @ (first * second))
    spread = [float(w @ part**2) for part in (first, second)]
    pull = [float(np.max(part[used] ** 2, initial=0.0)) for part in (first, second)]
    plain, shrunken = (
        joint / scale if scale else 0.0
        for scale in (
            sqrt(spread[0] * spread[1]),
            sqrt((spread[0] + 4 * pull[0]) * (spread[1] + 4 * pull[1])),
        )
    )
    return max(-1.0, min(plain, shrunken))


def contrast_intervals(
    x_a: npt.ArrayLike,
    n_a: npt.ArrayLike,
    x_b: npt.ArrayLike,
    n_b: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float,
    wide: float,
    method: Callable[..., Interval],
    random_groups: bool = False,
) -> tuple[Interval, Interval, bool]:
    """Return the intervals of a minus b, alone and at `wide`, and whether there is enough to tell.

    Parameters
    ----------
    x_a, n_a, x_b, n_b, weight : array_like, shape (m,)
        Events and trials of both rates in each kind of cluster, and the number of clusters.
    confidence, wide : float
        Of the interval alone, and of each of several that hold at once.
    method : callable
        Interval of one rate for the interval alone.
    random_groups : bool, default False
        As in `riskshift.stats.clusters.cluster.effective_sample`.
    """
    totals = [
        (float(np.dot(weight, x)), float(np.dot(weight, n))) for x, n in ((x_a, n_a), (x_b, n_b))
    ]
    p_a, p_b = (x / n for x, n in totals)
    rho = cautious_correlation(x_a, n_a, x_b, n_b, weight)

    def mover(level: float, of: Callable[..., Interval]) -> tuple[Interval, bool]:
        (one, first), (other, second) = (
            clustered_interval(
                x, n, weight, confidence=level, method=of, random_groups=random_groups
            )
            for x, n in ((x_a, n_a), (x_b, n_b))
        )
        ends = mover_difference(p_a, one, p_b, other, correlation=rho)
        return ends, min(first.n, second.n) >= ENOUGH

    interval, enough = mover(confidence, method)
    return interval, mover(wide, clopper_pearson)[0], enough
