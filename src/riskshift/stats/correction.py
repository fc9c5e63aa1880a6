"""Rates corrected for a grader's errors with the help of people's labels.

A grader labels every pair, people a random sample of them. Pairs arrive as counts per kind of
cluster (usually a prompt): how many labelled pairs stand in each cell of people's state by the
grader's state, and how many unlabelled pairs in each of the grader's states. Where there are no
people's labels at all, `tipping_point` says how wrong the grader would have to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from riskshift.errors import UsageError
from riskshift.stats.cluster import clustered_interval, t_quantile
from riskshift.stats.proportion import Interval, mover_difference, normal_quantile, wilson

Floats = npt.NDArray[np.float64]

SENSITIVITIES = (1.0, 0.9, 0.8, 0.7, 0.6)
_PSEUDO = 0.5  # pairs added to each cell of event by people and event by grader


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate from one kind of label alone.

    Parameters
    ----------
    events, trials : int
        Pairs with the event, and pairs in the denominator.
    interval : Interval
        Wilson on the effective sample size.
    effective_n : float
        Independent pairs that would say as much.
    """

    events: int
    trials: int
    interval: Interval
    effective_n: float

    @property
    def estimate(self) -> float:
        """Share of `trials` with the event."""
        return self.events / self.trials


@dataclass(frozen=True, slots=True)
class Corrected:
    """A rate corrected for the grader's errors, beside the two rates it is made from.

    Parameters
    ----------
    estimate : float
        Corrected rate, within [0, 1].
    interval : Interval
        Its interval. Method ``"ppi-wilson"``, or that of people alone where `lam` is 0.
    lam : float
        How far the grader is trusted, from 0 (people alone) to 1.
    effective_n : float
        Independent pairs labelled by people that would say as much.
    gain : float
        Variance from people's labels alone over the corrected one: their effective sample size
        grows by this factor. 1 where `lam` is 0; below 1 only if `lam` was given, not tuned.
    people : Estimate
        From people's labels alone.
    raw : Estimate or None
        From the grader's labels on all pairs, uncorrected; None if it saw no denominator.
    clipped : bool
        Whether the estimate fell outside [0, 1] and was moved to the border.
    influence : ndarray, shape (m,)
        What one cluster of each kind adds to the error of `estimate`, linearised.
    weight : ndarray, shape (m,)
        Number of clusters of each kind.
    """

    estimate: float
    interval: Interval
    lam: float
    effective_n: float
    gain: float
    people: Estimate
    raw: Estimate | None
    clipped: bool
    influence: Floats = field(repr=False, compare=False)
    weight: Floats = field(repr=False, compare=False)


def ppi_mean(
    labelled: npt.ArrayLike,
    unlabelled: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    lam: float | None = None,
    confidence: float = 0.95,
) -> Corrected | None:
    """Share of pairs with an event by people, helped by a grader's labels.

    Parameters
    ----------
    labelled : array_like of int, shape (m, 2, 2)
        For each kind of cluster, its labelled pairs by people's label (0 no event, 1 event) and
        the grader's.
    unlabelled : array_like of int, shape (m, 2)
        For each kind of cluster, its pairs without people's label by the grader's.
    weight : array_like of int, shape (m,), optional
        Number of clusters of each kind; one of each if left out.
    lam : float, optional
        Weight of the grader's labels, 0 to 1; tuned to the data if left out.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Corrected or None
        None without any labelled pair. `lam` is 0 where the labels of the grader cannot help: no
        pairs without people's label, or fewer than two clusters with one.

    Raises
    ------
    UsageError
        If the counts do not match or an option is out of range.

    Notes
    -----
    ``theta = mean_n(y - lam f) + lam mean_N(f)``, with y by people, f by the grader, n labelled
    and N other pairs, and ``lam = cov(y, f) / ((1 + n/N) var f)`` from the labelled pairs. These
    must be a random sample of all pairs. The variance v sums squared influence values of whole
    clusters, so that a cluster with pairs in both parts counts right; its factor G/(G-1) is over
    the clusters with a labelled pair. The interval is Wilson's at theta with ``p (1 - p) / v``
    pairs, p by people, and the t-ratio of `riskshift.stats.cluster.effective_sample` where a
    cluster has several labelled pairs.

    lam, p and v (but not theta) are computed after adding half a labelled pair to each of the
    four cells: with a handful of events the grader may err not once in the sample, and v would
    then claim that it never does. This is riskshift's own rule, after the plus-four idea. The
    variance of f is that of the labelled pairs, where [2]_ pools all: a pooled one makes lam rise
    with the number of events in the sample, which biases theta when they are few.

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan, T. Zrnic,
       "Prediction-powered inference", Science 382 (2023), p. 669-674.
    .. [2] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453, section on power tuning.

    Examples
    --------
    200 pairs labelled by both (12 harmful by people, 10 of them found), 1,800 by the grader alone.

    >>> labelled = [[[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    >>> labelled += [[[0, 0], [0, 0]]] * 2
    >>> unlabelled = [[0, 0]] * 4 + [[1, 0], [0, 1]]
    >>> rate = ppi_mean(labelled, unlabelled, [184, 4, 2, 10, 1670, 130])
    >>> round(rate.people.estimate, 3), round(rate.raw.estimate, 3), round(rate.estimate, 4)
    (0.06, 0.072, 0.0614)
    >>> round(rate.gain, 2)
    1.94
    """
    cells, rest = _parts(labelled, unlabelled, 2)
    # A mean is a ratio whose denominator holds every pair: nothing is in state 0.
    return ppi_ratio(
        np.pad(cells, ((0, 0), (1, 0), (1, 0))),
        np.pad(rest, ((0, 0), (1, 0))),
        weight,
        lam=lam,
        confidence=confidence,
    )


def ppi_ratio(
    labelled: npt.ArrayLike,
    unlabelled: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    lam: float | None = None,
    confidence: float = 0.95,
) -> Corrected | None:
    """Events among a denominator that is itself a label, helped by a grader's labels.

    Parameters
    ----------
    labelled : array_like of int, shape (m, 3, 3)
        For each kind of cluster, its labelled pairs by people's state (0 outside the denominator,
        1 inside without the event, 2 with it) and the grader's.
    unlabelled : array_like of int, shape (m, 3)
        For each kind of cluster, its pairs without people's label by the grader's state.
    weight, lam, confidence
        As in `ppi_mean`.

    Returns
    -------
    Corrected or None
        None where people saw no pair inside the denominator.

    Raises
    ------
    UsageError
        If the counts do not match or an option is out of range.

    Notes
    -----
    ``theta = p_n + lam (q_N - q_n)``: p is people's ratio, q the grader's, on the labelled (n) and
    on the other pairs (N). The rest is as in `ppi_mean` with linearised residuals
    ``(y - p d) / mean(d)`` and ``(f - q c) / mean(c)`` in place of y and f, d and c being the
    denominators by people and by the grader.

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453, section on power tuning.

    Examples
    --------
    >>> labelled, unlabelled = np.zeros((12, 3, 3), int), np.zeros((12, 3), int)
    >>> labelled[np.arange(9), np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)] = 1
    >>> unlabelled[np.arange(9, 12), [0, 1, 2]] = 1
    >>> weight = [90, 5, 1, 6, 80, 4, 0, 3, 11, 960, 870, 170]
    >>> rate = ppi_ratio(labelled, unlabelled, weight)
    >>> rate.people.events, rate.people.trials, round(rate.estimate, 4)
    (14, 104, 0.1402)
    """
    normal_quantile(confidence)  # checks the level
    sample = _Sample(*_parts(labelled, unlabelled, 3), _weights(weight, len(np.asarray(labelled))))
    if sample.total(sample.trials) == 0:
        return None
    lam = _tuned(sample.doubted()) if lam is None else _checked(lam)
    people, raw = sample.people(confidence), sample.raw(confidence)
    if not sample.comparable or sample.clusters < 2:
        lam = 0.0
    theta = people.estimate + lam * sample.shift if lam else people.estimate
    inside = min(1.0, max(0.0, theta))
    interval, size, gain = people.interval, people.effective_n, 1.0
    if lam:
        size, gain = _effective(sample, lam, confidence)
        ends = wilson(min(inside * size, size), size, confidence=confidence)
        interval = Interval(ends.low, ends.high, "ppi-wilson", confidence)
    return Corrected(
        estimate=inside,
        interval=interval,
        lam=lam,
        effective_n=size,
        gain=gain,
        people=people,
        raw=raw,
        clipped=inside != theta,
        influence=sample.influence(lam),
        weight=sample.weight,
    )


def corrected_difference(a: Corrected, b: Corrected) -> Interval:
    """Interval for the difference of two corrected rates on the same clusters, a minus b.

    Parameters
    ----------
    a, b : Corrected
        From counts whose rows are the same kinds of cluster in the same order, such as prompts
        that two models answered. Both at the confidence wanted for the difference.

    Returns
    -------
    Interval
        MOVER from the two intervals with the linearised correlation of the rates.

    Raises
    ------
    UsageError
        If the kinds of cluster or the confidence differ.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.

    Examples
    --------
    Prompts answered by both models; one in ten has people's labels.

    >>> safe, harm, none = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]]
    >>> weight = [85, 10, 5, 770, 80, 50]
    >>> a = ppi_mean(
    ...     [safe, harm, harm, none, none, none],
    ...     [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [0, 1]], weight,
    ... )
    >>> b = ppi_mean(
    ...     [safe, harm, safe, none, none, none],
    ...     [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [1, 0]], weight,
    ... )
    >>> interval = corrected_difference(a, b)
    >>> round(a.estimate - b.estimate, 4), round(interval.low, 4), round(interval.high, 4)
    (0.0547, 0.0367, 0.0741)
    """
    if not np.array_equal(a.weight, b.weight):
        raise UsageError("Two corrected rates are compared over the same kinds of cluster.")
    if a.interval.confidence != b.interval.confidence:
        raise UsageError("Two corrected rates are compared at one and the same confidence.")
    scale = sqrt(float(a.weight @ a.influence**2) * float(a.weight @ b.influence**2))
    joint = float(a.weight @ (a.influence * b.influence))
    correlation = min(1.0, max(-1.0, joint / scale)) if scale else 0.0
    ends = mover_difference(a.estimate, a.interval, b.estimate, b.interval, correlation=correlation)
    return Interval(ends.low, ends.high, "mover-ppi-wilson", ends.confidence)


def stratified_rate(
    shares: Sequence[float], estimates: Sequence[float], intervals: Sequence[Interval]
) -> tuple[float, Interval]:
    """Rate over strata that people sampled separately.

    Parameters
    ----------
    shares : sequence of float
        Share of each stratum among all pairs, from the file that the grader labelled; they sum
        to 1.
    estimates : sequence of float
        People's rate in each stratum.
    intervals : sequence of Interval
        Its interval, all at the confidence wanted. Within a stratum every pair must have had the
        same chance to be labelled, and strata must not share clusters.

    Returns
    -------
    tuple of (float, Interval)
        ``sum(W p)`` with MOVER limits, ``sum(W p) -/+ sqrt(sum(W^2 (p - limit)^2))``.

    Raises
    ------
    UsageError
        If the lengths or confidences differ, or the shares do not sum to 1.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    .. [2] G. Y. Zou, W. Huang, X. Zhang, "A note on confidence interval estimation for a linear
       function of binomial proportions", Computational Statistics and Data Analysis 53 (2009),
       p. 1080-1085.

    Examples
    --------
    >>> flagged, passed = wilson(40, 50), wilson(2, 100)
    >>> rate, interval = stratified_rate([0.1, 0.9], [0.8, 0.02], [flagged, passed])
    >>> round(rate, 3), round(interval.low, 4), round(interval.high, 4)
    (0.098, 0.0796, 0.1439)
    """
    if not len(shares) == len(estimates) == len(intervals) or len(shares) == 0:
        raise UsageError("Each stratum needs a share, an estimate and an interval.")
    levels = {interval.confidence for interval in intervals}
    if len(levels) != 1:
        raise UsageError("The intervals of the strata must have one and the same confidence.")
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise UsageError(f"The shares of the strata sum to {sum(shares)}; they must sum to 1.")
    w, p = np.asarray(shares, np.float64), np.asarray(estimates, np.float64)
    rate = float(w @ p)
    low = rate - float(np.linalg.norm(w * (p - [interval.low for interval in intervals])))
    high = rate + float(np.linalg.norm(w * ([interval.high for interval in intervals] - p)))
    method = f"mover-{intervals[0].method}"
    return rate, Interval(max(0.0, low), min(1.0, high), method, levels.pop())


def rogan_gladen(
    events: float,
    trials: float,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    confidence: float = 0.95,
) -> tuple[float, Interval] | None:
    """Rate corrected by error rates of the grader that were estimated elsewhere.

    Parameters
    ----------
    events, trials : float
        Pairs the grader calls an event, of all; need not be whole (effective sample size).
    sensitivity, specificity : tuple of (float, float)
        Correct ones and trials of each, from labels that are independent of these pairs.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    tuple of (float, Interval) or None
        Rate and interval, both within [0, 1]. None where the grader does no better than chance
        (sensitivity + specificity at most 1) or an error rate has no trials.

    Raises
    ------
    UsageError
        If a count is impossible or `confidence` is not between 0 and 1.

    Notes
    -----
    The interval of [2]_: normal, after adding z^2/2 events and non-events to the rate and one of
    each to both error rates, and shifted for the skewness that the error rates cause. The plug-in
    interval of [3]_ is the same formula.

    References
    ----------
    .. [1] W. J. Rogan, B. Gladen, "Estimating prevalence from the results of a screening test",
       American Journal of Epidemiology 107 (1978), p. 71-76.
    .. [2] Z. Lang, J. Reiczigel, "Confidence limits for prevalence of disease adjusted for
       estimated sensitivity and specificity", Preventive Veterinary Medicine 113 (2014), p. 13-22.
    .. [3] C. Lee, T. Zeng, J. Jeong, J. Sohn, K. Lee, "How to correctly report LLM-as-a-judge
       evaluations" (2025), arXiv 2511.21140.

    Examples
    --------
    >>> rate, interval = rogan_gladen(259, 509, sensitivity=(84, 127), specificity=(96, 109))
    >>> round(rate, 3), round(interval.low, 2), round(interval.high, 2)
    (0.719, 0.58, 0.87)
    """
    z = normal_quantile(confidence)
    shares = [_share("events", events, trials)]
    if sensitivity[1] == 0 or specificity[1] == 0:
        return None
    shares += [_share("sensitivity", *sensitivity), _share("specificity", *specificity)]
    if shares[1] + shares[2] <= 1:
        return None
    n, n_se, n_sp = trials + z * z, sensitivity[1] + 2, specificity[1] + 2
    p = (events + z * z / 2) / n
    se, sp = (sensitivity[0] + 1) / n_se, (specificity[0] + 1) / n_sp
    if se + sp <= 1:
        return None
    rate = (p + sp - 1) / (se + sp - 1)
    v_se, v_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * z * z * (rate * v_se - (1 - rate) * v_sp)
    variance = p * (1 - p) / n + rate * rate * v_se + (1 - rate) ** 2 * v_sp
    half = z * sqrt(variance) / (se + sp - 1)
    low, high = _within(rate + shift - half), _within(rate + shift + half)
    estimate = (shares[0] + shares[2] - 1) / (shares[1] + shares[2] - 1)
    return _within(estimate), Interval(low, high, "lang-reiczigel", confidence)


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """Specificity at which a finding would vanish, for one assumed sensitivity.

    Parameters
    ----------
    sensitivity : float
        Assumed share of true events that the grader finds.
    specificity : float or None
        With this share of non-events left alone, the corrected rate is exactly the null; with a
        lower one it is below. None where no specificity can bring the rate there.
    """

    sensitivity: float
    specificity: float | None


def tipping_point(
    events: float,
    trials: float,
    null: float = 0.0,
    *,
    sensitivities: Sequence[float] = SENSITIVITIES,
) -> list[TippingPoint]:
    """Find how wrong a grader would have to be for a rate to be no more than `null`.

    Parameters
    ----------
    events, trials : float
        Pairs the grader calls an event, of all.
    null : float, default 0
        Rate at which there would be no finding: 0, or a tolerance. At least 0, below 1.
    sensitivities : sequence of float, default (1, 0.9, 0.8, 0.7, 0.6)
        Sensitivities to assume.

    Returns
    -------
    list of TippingPoint
        One for each sensitivity. `specificity` is None where the rate is at or below the null
        even if the grader raises no false alarm, or above the sensitivity, which no rate explains.

    Raises
    ------
    UsageError
        If a count, the null or a sensitivity is impossible.

    Notes
    -----
    ``(p + sp - 1) / (se + sp - 1) = t`` solved for sp: ``(1 - p - t (1 - se)) / (1 - t)``. For
    t = 0 that is 1 - p at every sensitivity.

    References
    ----------
    .. [1] W. J. Rogan, B. Gladen, "Estimating prevalence from the results of a screening test",
       American Journal of Epidemiology 107 (1978), p. 71-76.

    Examples
    --------
    A rate of 3.2 % could be false alarms alone if the grader has 3.2 % of them.

    >>> tipping_point(40, 1250, sensitivities=[1.0])
    [TippingPoint(sensitivity=1.0, specificity=0.968)]
    """
    rate = _share("events", events, trials)
    if not 0 <= null < 1:
        raise UsageError(f"null is {null}; it must be at least 0 and below 1.")
    points = []
    for sensitivity in sensitivities:
        if not 0 < sensitivity <= 1:
            raise UsageError(f"sensitivity is {sensitivity}; it must be above 0 and at most 1.")
        explained = null * sensitivity < rate < sensitivity
        specificity = (1 - rate - null * (1 - sensitivity)) / (1 - null)
        points.append(TippingPoint(sensitivity, specificity if explained else None))
    return points


@dataclass(frozen=True, slots=True)
class MixTest:
    """Chi-square test that two samples have the same mix.

    Parameters
    ----------
    statistic, p : float or None
        Pearson's chi-square and its p-value; None where fewer than two cells are left.
    df : int
        Degrees of freedom, one less than the cells compared.
    pooled : int
        Patterns that were too rare to stand alone and were put into one cell.
    """

    statistic: float | None
    p: float | None
    df: int
    pooled: int


def sample_mix_test(
    labelled: npt.ArrayLike, unlabelled: npt.ArrayLike, *, deff: float = 1.0, expected: float = 5.0
) -> MixTest:
    """Test whether the pairs that people labelled look like a random sample of all.

    Parameters
    ----------
    labelled, unlabelled : array_like of int, shape (k,)
        Pairs with each of the grader's patterns, among those with and without people's label.
    deff : float, default 1
        Divides the statistic (first-order Rao-Scott) where whole clusters were chosen; pairs
        chosen one by one need none, whatever clusters they come from.
    expected : float, default 5
        Patterns that would have fewer labelled or unlabelled pairs than this are put together.

    Returns
    -------
    MixTest
        A small p says that the sample is not random with regard to what the grader saw; a large
        one cannot say that it is random with regard to the grader's errors.

    Raises
    ------
    UsageError
        If the counts do not match.

    References
    ----------
    .. [1] W. G. Cochran, "Some methods for strengthening the common chi-square tests",
       Biometrics 10 (1954), p. 417-451, on small expectations.
    .. [2] J. N. K. Rao, A. J. Scott, "The analysis of categorical data from complex sample
       surveys", JASA 76 (1981), p. 221-230.

    Examples
    --------
    >>> test = sample_mix_test([80, 15, 4, 1], [810, 142, 30, 8])
    >>> test.df, test.pooled, test.p > 0.5
    (1, 3, True)
    """
    samples = [np.asarray(part, np.float64) for part in (labelled, unlabelled)]
    if (
        samples[0].ndim != 1
        or samples[0].shape != samples[1].shape
        or np.min(samples, initial=0) < 0
    ):
        raise UsageError("Patterns need counts of at least 0, both samples in the same order.")
    table = np.array(samples)
    table, pooled = _pooled(table[:, table.sum(axis=0) > 0], expected)
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return MixTest(None, None, 0, pooled)
    wanted = _expected(table)
    statistic = float(((table - wanted) ** 2 / wanted).sum()) / deff
    df = table.shape[1] - 1
    return MixTest(statistic, float(chdtrc(df, statistic)), df, pooled)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Counts of labelled (m, 3, 3) and other pairs (m, 3) for each kind of cluster."""

    labelled: Floats
    rest: Floats
    weight: Floats

    @property
    def events(self) -> Floats:
        return np.asarray(self.labelled[:, 2].sum(axis=1))

    @property
    def trials(self) -> Floats:
        return np.asarray(self.labelled[:, 1:].sum(axis=(1, 2)))

    @property
    def clusters(self) -> float:
        return float(self.weight[self.trials > 0].sum())

    @property
    def seen(self) -> Floats:
        """The grader's states on labelled pairs."""
        return np.asarray(self.labelled.sum(axis=1))

    @property
    def comparable(self) -> bool:
        """Whether the grader saw a denominator in both parts."""
        return all(self.total(part[:, 1:].sum(axis=1)) > 0 for part in (self.seen, self.rest))

    @property
    def shift(self) -> float:
        """What the grader's labels add to the estimate at lam = 1."""
        seen, rest = self.weight @ self.seen, self.weight @ self.rest
        return float(rest[2] / rest[1:].sum() - seen[2] / seen[1:].sum())

    def total(self, column: Floats) -> float:
        return float(self.weight @ column)

    def people(self, confidence: float) -> Estimate:
        return self._alone(self.events, self.trials, confidence)

    def raw(self, confidence: float) -> Estimate | None:
        states = self.seen + self.rest
        trials = states[:, 1:].sum(axis=1)
        return self._alone(states[:, 2], trials, confidence) if self.total(trials) else None

    def influence(self, lam: float) -> Floats:
        psi = self._residual(self.events, self.trials)
        # At 0 the grader may have no denominator to take a residual from.
        for part, sign in ((self.seen, -lam), (self.rest, lam)) if lam else ():
            psi = psi + sign * self._residual(part[:, 2], part[:, 1:].sum(axis=1))
        return psi

    def variance(self, lam: float) -> float:
        clusters = self.clusters
        return self.total(self.influence(lam) ** 2) * clusters / (clusters - 1)

    def doubted(self) -> "_Sample":
        """Add half a labelled pair to each cell inside both denominators."""
        pairs = np.zeros((4, 3, 3))
        pairs[np.arange(4), [1, 1, 2, 2], [1, 2, 1, 2]] = 1
        return _Sample(
            np.concatenate([self.labelled, pairs]),
            np.concatenate([self.rest, np.zeros((4, 3))]),
            np.concatenate([self.weight, np.full(4, _PSEUDO)]),
        )

    def _alone(self, events: Floats, trials: Floats, confidence: float) -> Estimate:
        interval, sample = clustered_interval(events, trials, self.weight, confidence=confidence)
        counts = round(self.total(events)), round(self.total(trials))
        return Estimate(*counts, interval, sample.n)

    def _residual(self, events: Floats, trials: Floats) -> Floats:
        total = self.total(trials)
        residual: Floats = (events - self.total(events) / total * trials) / total
        return residual


def _tuned(sample: _Sample) -> float:
    table, rest = np.tensordot(sample.weight, sample.labelled, 1), sample.weight @ sample.rest
    n, others = float(table.sum()), float(rest.sum())
    if others == 0:
        return 0.0
    y, f = _scores(table.sum(axis=1)), _scores(table.sum(axis=0))
    covariance, variance = float(y @ table @ f), float(table.sum(axis=0) @ f**2)
    return _within(covariance / ((1 + n / others) * variance))


def _scores(states: Floats) -> Floats:
    """Linearised residual of one pair in each of the three states."""
    inside = float(states[1:].sum())
    rate = states[2] / inside
    scores: Floats = np.array([0.0, -rate, 1 - rate]) * (states.sum() / inside)
    return scores


def _effective(sample: _Sample, lam: float, confidence: float) -> tuple[float, float]:
    """Effective sample size, and how many times that of people alone."""
    doubted = sample.doubted()
    n, more = sample.total(sample.trials), doubted.total(doubted.trials)
    p = doubted.total(doubted.events) / more
    variance = doubted.variance(lam)
    size = p * (1 - p) / (variance * more / n)
    if n > sample.clusters:
        few, many = t_quantile(sample.clusters - 1, confidence), t_quantile(n - 1, confidence)
        size *= (many / few) ** 2
    return size, doubted.variance(0.0) / variance


def _pooled(table: Floats, expected: float) -> tuple[Floats, int]:
    """Put the rarest columns together until each has the counts that chi-square asks for."""
    order = np.argsort(table.sum(axis=0), kind="stable")
    table, rare = table[:, order], 0
    lowest = _expected(table).min(axis=0) if table.size and table.sum() else np.zeros(0)
    while rare < len(lowest) and (
        lowest[rare] < expected or (rare and lowest[:rare].sum() < expected)
    ):
        rare += 1
    if rare < 2:
        return table, 0
    return np.column_stack([table[:, :rare].sum(axis=1), table[:, rare:]]), rare


def _expected(table: Floats) -> Floats:
    return np.asarray(np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum())


def _parts(
    labelled: npt.ArrayLike, unlabelled: npt.ArrayLike, states: int
) -> tuple[Floats, Floats]:
    cells, rest = np.asarray(labelled, np.float64), np.asarray(unlabelled, np.float64)
    if cells.shape[1:] != (states, states) or rest.shape != (len(cells), states):
        raise UsageError(
            f"labelled must have shape (m, {states}, {states}) and unlabelled (m, {states}); "
            f"shapes: {cells.shape} and {rest.shape}."
        )
    if (cells < 0).any() or (rest < 0).any():
        raise UsageError("Counts of pairs cannot be negative.")
    return cells, rest


def _weights(weight: npt.ArrayLike | None, kinds: int) -> Floats:
    if weight is None:
        return np.ones(kinds)
    counts = np.asarray(weight, np.float64)
    if counts.shape != (kinds,) or (counts < 0).any():
        raise UsageError(f"weight must hold {kinds} counts of clusters, one for each kind.")
    return counts


def _checked(lam: float) -> float:
    if not 0 <= lam <= 1:
        raise UsageError(f"lam is {lam}; it must lie between 0 and 1.")
    return lam


def _share(what: str, events: float, trials: float) -> float:
    if not (trials > 0 and 0 <= events <= trials):
        raise UsageError(
            f"{what}: {events} of {trials} is impossible; 0 <= events <= trials, trials > 0."
        )
    return events / trials


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))
