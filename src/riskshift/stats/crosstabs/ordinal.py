"""Association of two ordinal variables in a two-way table of counts."""

from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import t_quantile
from riskshift.stats.crosstabs.tables import Floats, clustered, two_way
from riskshift.stats.proportion import normal_quantile


@dataclass(frozen=True, slots=True)
class Gamma:
    """Goodman-Kruskal gamma with an interval.

    Parameters
    ----------
    estimate : float
        Goodman and Kruskal's gamma, -1 to 1.
    low, high : float or None
        The ends; None where its error is unknown.
    """

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """A linear-by-linear test.

    Parameters
    ----------
    statistic : float
        The linear-by-linear statistic, chi-square with one degree of freedom.
    p : float
        Its p-value.
    """

    statistic: float
    p: float


def gamma(
    table: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Gamma | None:
    """Goodman-Kruskal gamma of two ordinal variables, with an interval on the atanh scale.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts, both variables in rising order.
    confidence : float, default 0.95
        Two-sided coverage.
    clusters : tuple of (cells, weight), optional
        Where records come in clusters: `cells`, shape (m, rows, columns), the counts of each
        kind of cluster, and `weight`, shape (m,), the number of clusters of that kind. Their
        weighted sum must be `table`. The error is then linearised over whole clusters and the
        quantile is Student's with G - 1 degrees of freedom.

    Returns
    -------
    Gamma or None
        None without concordant or discordant pairs. The ends are None at gamma of -1 or 1,
        where its error is 0, and with fewer than two clusters.

    Raises
    ------
    UsageError
        If `clusters` does not add up to `table`, or `confidence` is impossible.

    References
    ----------
    .. [1] L. A. Goodman, W. H. Kruskal, "Measures of association for cross classifications IV",
       JASA 67 (1972), p. 415-421.
    .. [2] M. B. Brown, J. K. Benedetti, "Sampling behavior of tests for correlation in two-way
       contingency tables", JASA 72 (1977), p. 309-315.

    Examples
    --------
    >>> strength = gamma([[20, 10, 5], [10, 10, 15]])
    >>> round(strength.estimate, 4), round(strength.low, 4), round(strength.high, 4)
    (0.5294, 0.1771, 0.7615)
    """
    quantile = normal_quantile(confidence)
    counts = two_way(table)
    estimate, influence = _gamma_influence(counts)
    if estimate is None:
        return None
    if clusters is None:
        variance = float((counts * influence**2).sum())
    else:
        cells, weight = clustered(*clusters)
        if not np.array_equal(np.tensordot(weight, cells, 1), counts):
            raise UsageError("The clusters do not add up to the table.")
        groups = float(weight.sum())
        if groups < 2:
            return Gamma(estimate, None, None)
        each = np.tensordot(cells, influence, 2)
        variance = groups / (groups - 1) * float(weight @ each**2)
        quantile = t_quantile(groups - 1, confidence)
    if abs(estimate) == 1 or variance == 0:
        return Gamma(estimate, None, None)
    # d atanh(g) / dg = 1 / (1 - g^2)
    centre, half = atanh(estimate), quantile * sqrt(variance) / (1 - estimate**2)
    return Gamma(estimate, tanh(centre - half), tanh(centre + half))


def linear_by_linear(
    table: npt.ArrayLike,
    *,
    row_scores: npt.ArrayLike | None = None,
    column_scores: npt.ArrayLike | None = None,
) -> Trend | None:
    """Linear-by-linear test of trend for two ordinal variables.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts, both variables in rising order.
    row_scores, column_scores : array_like, optional
        A score for each row and column; equally spaced by default.

    Returns
    -------
    Trend or None
        ``(n - 1) r^2`` with r the correlation of the scores. None where either score does not
        vary.

    Raises
    ------
    UsageError
        If the scores do not match the table.

    References
    ----------
    .. [1] A. Agresti, "Categorical Data Analysis", section 3.4.1.

    Examples
    --------
    >>> trend = linear_by_linear([[20, 10, 5], [10, 10, 15]])
    >>> round(trend.statistic, 3), round(trend.p, 4)
    (8.118, 0.0044)
    """
    counts = two_way(table)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    x, y = _scores(row_scores, rows, "row"), _scores(column_scores, columns, "column")
    if len(set(x[rows > 0])) < 2 or len(set(y[columns > 0])) < 2:
        return None
    n = float(counts.sum())
    x, y = x - float(rows @ x) / n, y - float(columns @ y) / n
    spread = float(rows @ x**2) * float(columns @ y**2)
    statistic = (n - 1) * float(x @ counts @ y) ** 2 / spread
    return Trend(statistic, float(chdtrc(1, statistic)))


def _gamma_influence(counts: Floats) -> tuple[float | None, Floats]:
    """Return gamma and what one more record in each cell would do to it, times n."""
    before = np.pad(counts, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    up_left = before[:-1, :-1]
    up_right = before[:-1, -1:] - before[:-1, 1:]
    down_left = before[-1:, :-1] - before[1:, :-1]
    down_right = before[-1, -1] - before[1:, -1:] - before[-1:, 1:] + before[1:, 1:]
    concordant, discordant = up_left + down_right, up_right + down_left
    p, q = float((counts * concordant).sum()), float((counts * discordant).sum())
    if p + q == 0:
        return None, np.zeros_like(counts)
    return (p - q) / (p + q), 4 * (q * concordant - p * discordant) / (p + q) ** 2


def _scores(scores: npt.ArrayLike | None, margin: Floats, side: str) -> Floats:
    values = np.asarray(range(len(margin)) if scores is None else scores, dtype=np.float64)
    if values.shape != margin.shape:
        raise UsageError(f"{len(margin)} {side} scores are needed; their shape is {values.shape}.")
    return values
