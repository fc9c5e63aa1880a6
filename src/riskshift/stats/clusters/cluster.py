"""Rates and means whose records come in clusters, such as answers to the same prompt.

Clusters arrive as counts: `m` distinct kinds, `weight[g]` clusters of kind `g`, each with
`events[g]` events among `trials[g]` trials. Independent records are clusters of one trial. A
cluster without trials lies outside the denominator and is left out.

An interval of a rate is Wilson's (or Clopper and Pearson's) on an effective number of records:
trials over the design effect, and less for what few clusters do not tell (Korn and Graubard
1998). The design effect has a prior where events are few, on the intra-cluster correlation and
never on the rate: see `riskshift.stats.clusters.intracluster`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from riskshift.errors import UsageError
from riskshift.stats.clusters.intracluster import Design, design
from riskshift.stats.proportion import Interval, normal_quantile, wilson

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectiveSample:
    """How many independent records the clustered ones are worth.

    Parameters
    ----------
    deff : float
        Design effect: variance with the clusters over variance without, at least 1.
    n : float
        Effective sample size at the confidence it was asked for.
    clusters : int
        Clusters with at least one trial.
    """

    deff: float
    n: float
    clusters: int


def linearised_variance(
    events: npt.ArrayLike, trials: npt.ArrayLike, weight: npt.ArrayLike
) -> float | None:
    """Variance of ``sum(events) / sum(trials)`` over whole clusters.

    Parameters
    ----------
    events, trials, weight : array_like, shape (m,)
        Events and trials of each kind of cluster, and the number of clusters of that kind.

    Returns
    -------
    float or None
        ``G/(G-1) * sum(w * (x - p n)^2) / sum(w n)^2``; None for fewer than two clusters.

    Raises
    ------
    UsageError
        If there is no trial at all, or the arrays do not match.

    References
    ----------
    .. [1] W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), chapter on ratio estimators.

    Examples
    --------
    >>> linearised_variance([0, 1, 2], [2, 2, 2], [1, 1, 1])
    0.08333333333333333
    """
    return _variance(*_occupied(events, trials, weight))


def effective_sample(
    events: npt.ArrayLike,
    trials: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    random_groups: bool = False,
) -> EffectiveSample:
    """Effective sample size of a clustered rate.

    The design effect is the larger of the linearised one and of the one that the intra-cluster
    correlation gives by a beta-binomial model with a prior on that correlation
    (`riskshift.stats.clusters.intracluster`): from few events the linearised one is far too small.

    Parameters
    ----------
    events, trials, weight : array_like, shape (m,)
        Events and trials of each kind of cluster, and the number of clusters of that kind.
    confidence : float, default 0.95
        Two-sided level at which the number of clusters costs degrees of freedom.
    random_groups : bool, default False
        Whether the clusters are groups into which the real ones were put at random: then the
        linearised variance alone counts, for how alike the records of a group are says nothing of those
        of a cluster.

    Returns
    -------
    EffectiveSample
        ``n = trials / deff * (t_{trials-1} / t_df)^2``, with df the clusters less one or, if that
        is fewer, two more than the equal pieces that the variance comes in, so that one cluster
        that dominates counts as few. Where no cluster has more than one trial, `deff` is 1 and
        `n` the number of trials, exactly. With one cluster `n` is 0: its quantile has no degrees
        of freedom, so nothing can be said beyond that cluster.

    Raises
    ------
    UsageError
        If there is no trial at all, the arrays do not match, or `confidence` is impossible.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998),
       p. 193-201, for the t-factor with G - 1 degrees of freedom.
    .. [2] F. E. Satterthwaite, "An approximate distribution of estimates of variance components",
       Biometrics Bulletin 2 (1946), p. 110-114. Two more than its pieces is riskshift's own rule.

    Examples
    --------
    >>> sample = effective_sample([0, 1, 4], [4, 4, 4], [20, 3, 2])
    >>> round(sample.deff, 3), round(sample.n, 2), sample.clusters
    (3.209, 28.8, 25)
    """
    normal_quantile(confidence)  # checks the level
    x, n, w = _occupied(events, trials, weight)
    outcomes, values = np.stack([x, n - x]), np.array([1.0, 0.0])
    return effective_size(outcomes, values, w, confidence=confidence, random_groups=random_groups)


def effective_size(
    counts: Floats,
    values: Floats,
    weight: Floats,
    *,
    confidence: float,
    random_groups: bool = False,
) -> EffectiveSample:
    """Effective number of records for a mean over records of several outcomes.

    Parameters
    ----------
    counts : ndarray, shape (k, m)
        Records of each of k outcomes in each of m kinds of cluster; every cluster has a record.
    values : ndarray, shape (k,)
        What each outcome counts in the mean.
    weight : ndarray, shape (m,)
        Number of clusters of each kind.
    confidence, random_groups
        As in `effective_sample`.

    Returns
    -------
    EffectiveSample
        As `effective_sample`, which is about an event that counts 1 and no event that counts 0.
    """
    n, score = counts.sum(axis=0), values @ counts
    total, clusters = float(weight @ n), round(float(weight.sum()))
    if n.max() <= 1:
        return EffectiveSample(1.0, total, clusters)
    found = Design(1.0, inf) if random_groups else design(counts, values, weight)
    if clusters == 1:
        return EffectiveSample(found.deff, 0.0, clusters)
    spread = float(weight @ (values**2 @ counts)) / total - (float(weight @ score) / total) ** 2
    # Where all records count the same, the linearised variance is 0 as well.
    linearised = (_variance(score, n, weight) or 0.0) * total / spread if spread > 0 else 0.0
    deff = max(found.deff, linearised)
    df = min(clusters - 1.0, found.pieces + 2)
    return EffectiveSample(deff, total / deff * t_factor(total, df, confidence), clusters)


def clustered_interval(
    events: npt.ArrayLike,
    trials: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    method: Callable[..., Interval] = wilson,
    random_groups: bool = False,
) -> tuple[Interval, EffectiveSample]:
    """Interval for a rate whose records share clusters.

    Parameters
    ----------
    events, trials, weight : array_like, shape (m,)
        Events and trials of each kind of cluster, and the number of clusters of that kind.
    confidence : float, default 0.95
        Two-sided coverage.
    method : callable, default wilson
        `wilson` or `clopper_pearson` of `riskshift.stats.proportion`.
    random_groups : bool, default False
        As in `effective_sample`.

    Returns
    -------
    tuple of (Interval, EffectiveSample)
        `method` at the observed rate on the effective sample size; [0, 1] where that size is 0.

    Raises
    ------
    UsageError
        If there is no trial at all, the arrays do not match, or `confidence` is impossible.

    Examples
    --------
    >>> interval, sample = clustered_interval([0, 1, 4], [4, 4, 4], [20, 3, 2])
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0392, 0.2726)
    """
    x, n, w = _occupied(events, trials, weight)
    sample = effective_sample(x, n, w, confidence=confidence, random_groups=random_groups)
    seen, total = float(w @ x), float(w @ n)
    if sample.n == 0:
        named = method(seen, total, confidence=confidence).method
        return Interval(0.0, 1.0, named, confidence), sample
    # Scaling must not disturb whole counts, nor push "all events" past the trials by rounding.
    effective = seen if sample.n == total else min(sample.n, seen / total * sample.n)
    return method(effective, sample.n, confidence=confidence), sample


def correlation(
    events_a: npt.ArrayLike,
    trials_a: npt.ArrayLike,
    events_b: npt.ArrayLike,
    trials_b: npt.ArrayLike,
    weight: npt.ArrayLike,
) -> float:
    """Correlation of two rates estimated from the same clusters, linearised.

    Parameters
    ----------
    events_a, trials_a, events_b, trials_b, weight : array_like, shape (m,)
        Events and trials of both rates in each kind of cluster, and the number of clusters of
        that kind.

    Returns
    -------
    float
        Between -1 and 1. By convention 0 where either rate does not vary or has no trials: the
        intervals that this correlation joins then stand as if independent, which is the wider
        choice for a difference unless the rates move against each other.

    Examples
    --------
    >>> round(correlation([1, 0, 1, 0], [1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1], [6, 6, 2, 2]), 3)
    0.5
    """
    xa, na, xb, nb, w = _columns(events_a, trials_a, events_b, trials_b, weight)
    ea, eb = _residuals(xa, na, w), _residuals(xb, nb, w)
    scale = sqrt(float(w @ ea**2) * float(w @ eb**2))
    if scale == 0:
        return 0.0
    return min(1.0, max(-1.0, float(w @ (ea * eb)) / scale))


def mean_interval(
    total: npt.ArrayLike,
    size: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float],
) -> tuple[float, Interval | None]:
    """Mean over records in clusters, with a t interval from the linearised variance.

    Parameters
    ----------
    total, size, weight : array_like, shape (m,)
        Sum of the values and number of records in each kind of cluster, and the number of
        clusters of that kind. Totals may be negative.
    confidence : float, default 0.95
        Two-sided coverage.
    bounds : tuple of (float, float)
        Smallest and largest value that a record can have; the interval is clipped to them.

    Returns
    -------
    tuple of (float, Interval or None)
        The mean and its interval with G - 1 degrees of freedom. None with fewer than two
        clusters or no variance: a spread of zero cannot be told from luck.

    Raises
    ------
    UsageError
        If there is no record at all, the arrays do not match, or `confidence` is impossible.

    Examples
    --------
    >>> mean, interval = mean_interval([-2, 0, 1], [1, 1, 1], [3, 5, 2], bounds=(-3, 3))
    >>> mean, round(interval.low, 4), round(interval.high, 4)
    (-0.4, -1.2397, 0.4397)
    """
    normal_quantile(confidence)  # checks the level
    s, n, w = _occupied(total, size, weight)
    mean = float(w @ s) / float(w @ n)
    variance = _variance(s, n, w)
    if not variance:
        return mean, None
    half = t_quantile(float(w.sum()) - 1, confidence) * sqrt(variance)
    low, high = max(bounds[0], mean - half), min(bounds[1], mean + half)
    return mean, Interval(low, high, "linearised-t", confidence)


def t_quantile(df: float, confidence: float) -> float:
    """Return t such that Student's t lies within plus or minus t with `confidence`.

    Parameters
    ----------
    df : float
        Degrees of freedom, positive.
    confidence : float
        Two-sided, between 0 and 1.

    Examples
    --------
    >>> round(t_quantile(9, 0.95), 6)
    2.262157
    """
    return float(-stdtrit(df, (1 - confidence) / 2))


def t_factor(records: float, df: float, confidence: float) -> float:
    """Return what few clusters leave of an effective number of records.

    Parameters
    ----------
    records : float
        Records, more than one.
    df : float
        Degrees of freedom that the clusters give, positive.
    confidence : float
        Two-sided, between 0 and 1.

    Returns
    -------
    float
        ``(t_{records-1} / t_df)^2``.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998),
       p. 193-201.

    Examples
    --------
    >>> round(t_factor(100, 9, 0.95), 4)
    0.7694
    """
    return (t_quantile(records - 1, confidence) / t_quantile(df, confidence)) ** 2


def _variance(x: Floats, n: Floats, w: Floats) -> float | None:
    clusters = float(w.sum())
    if clusters < 2:
        return None
    spread = float(w @ _residuals(x, n, w) ** 2)
    return clusters / (clusters - 1) * spread / float(w @ n) ** 2


def _residuals(x: Floats, n: Floats, w: Floats) -> Floats:
    seen, total = float(w @ x), float(w @ n)
    if total == 0:
        return np.zeros_like(x)
    # Dividing last keeps residuals that are exactly zero at exactly zero.
    return (x * total - seen * n) / total


def _occupied(
    x: npt.ArrayLike, n: npt.ArrayLike, w: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    x, n, w = _columns(x, n, w)
    kept = (n > 0) & (w > 0)
    if not kept.any():
        raise UsageError("There are no trials, so there is no rate; report it as undefined.")
    return x[kept], n[kept], w[kept]


def _columns(*arrays: npt.ArrayLike) -> list[Floats]:
    columns = [np.asarray(array, dtype=np.float64) for array in arrays]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise UsageError(f"Counts of clusters must be 1-d and of equal length; shapes: {shapes}.")
    return columns
