"""Rates corrected for a grader's errors with the help of people's labels.

A grader labels every pair, people a random sample of them. Pairs arrive as counts per kind of
cluster (usually a prompt): how many labelled pairs stand in each cell of people's state by the
grader's state, and how many unlabelled pairs in each of the grader's states. Samples drawn by
strata are for `riskshift.stats.strata`.
"""

from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.cluster import clustered_interval, t_quantile
from riskshift.stats.joint import cautious_influence
from riskshift.stats.proportion import Interval, mover_difference, normal_quantile, wilson

Floats = npt.NDArray[np.float64]

ABOUT = ("prompts", "file")
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
        Its interval. Method ``"ppi-wilson"``, that of people alone where `lam` is 0 (``"known"``
        where they labelled the whole file that the rate is about), or ``"mover-..."`` of strata.
    labelled : int
        Pairs of the denominator that people labelled.
    lam : float or None
        How far the grader is trusted, from 0 (people alone) to 1; None for strata.
    effective_n : float
        Independent pairs labelled by people that would say as much; infinite where all is known,
        0 where the labels of one cluster say nothing about others.
    gain : float
        How many times more labels by people it would take to be as sure without the grader:
        variance from people's labels alone over the corrected one. 1 where `lam` is 0; below 1
        only if `lam` was given, not tuned, or strata were drawn badly.
    people : Estimate or None
        From people's labels alone; None for strata, where they are no random sample.
    raw : Estimate or None
        From the grader's labels on all pairs, uncorrected; None if it saw no denominator. Its
        interval is about prompts like these, whatever the corrected rate is about.
    clipped : bool
        Whether the estimate fell outside [0, 1] and was moved to the border.
    influence : ndarray, shape (m,)
        What one cluster of each kind adds to the error of `estimate`, linearised. About the file
        it leaves out the finite population correction.
    weight : ndarray, shape (m,)
        Number of clusters of each kind.
    """

    estimate: float
    interval: Interval
    labelled: int
    lam: float | None
    effective_n: float
    gain: float
    people: Estimate | None
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
    about: str = "prompts",
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
    about : {"prompts", "file"}
        What the rate speaks of: prompts like these, or only the pairs that were graded. Of the
        latter more is known, the more of them people labelled; all, if they labelled all.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Corrected or None
        None without any labelled pair. `lam` is 0, even if another was given, where the labels of
        the grader cannot help: no pairs without people's label, or people's in one cluster only.

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

    About the file, chance lies only in which of its n + N pairs were labelled. The influence is
    then that of the labelled pairs, with ``e = y - lam (1 + n/N) f``, and v is multiplied by the
    finite population correction ``N / (n + N)`` ([3]_, for a random sample of pairs or of clusters).
    It sums over whole clusters here too, which is too much where pairs of one cluster are alike
    but were drawn one by one.

    lam, p and v (but not theta) are computed after adding half a labelled pair to each of the
    four cells: with a handful of events the grader may err not once in the sample, and v would
    then claim that it never does. It comes in clusters like that of the average labelled pair,
    because variance from few events in clusters is far too small as well. These are riskshift's
    own rules, after the plus-four idea. The variance of f is that of the labelled pairs, where
    [2]_ pools all: a pooled one makes lam rise with the number of events in the sample, which
    biases theta when they are few.

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan, T. Zrnic,
       "Prediction-powered inference", Science 382 (2023), p. 669-674.
    .. [2] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453, section on power tuning.
    .. [3] W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), section 2.6 on the finite
       population correction, and chapter 7 on regression estimators.

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
        about=about,
        confidence=confidence,
    )


def ppi_ratio(
    labelled: npt.ArrayLike,
    unlabelled: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    lam: float | None = None,
    about: str = "prompts",
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
    weight, lam, about, confidence
        As in `ppi_mean`.

    Returns
    -------
    Corrected or None
        None where people saw no pair inside the denominator. `lam` is 0 also where the grader saw
        none on the labelled pairs, or on the others.

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
    if about not in ABOUT:
        raise unknown_choice("about", about, ABOUT)
    sample = _Sample(*_parts(labelled, unlabelled, 3), _weights(weight, len(np.asarray(labelled))))
    if sample.total(sample.trials) == 0:
        return None
    unknown = sample.unknown if about == "file" else 1.0
    lam = _tuned(sample.doubted()) if lam is None else _checked(lam)
    people, raw = _within_file(sample.people(confidence), unknown), sample.raw(confidence)
    if not sample.comparable or sample.clusters < 2:
        lam = 0.0
    theta = people.estimate + lam * sample.shift if lam else people.estimate
    inside = _within(theta)
    interval, size, gain = people.interval, people.effective_n, 1.0
    if lam:
        size, gain = _effective(sample, lam, about, confidence)
        ends = wilson(min(inside * size, size), size, confidence=confidence)
        interval = Interval(ends.low, ends.high, "ppi-wilson", confidence)
    return Corrected(
        estimate=inside,
        interval=interval,
        labelled=people.trials,
        lam=lam,
        effective_n=size,
        gain=gain,
        people=people,
        raw=raw,
        clipped=inside != theta,
        influence=sample.influence(lam, about),
        weight=sample.weight,
    )


def corrected_difference(a: Corrected, b: Corrected) -> Interval:
    """Interval for the difference of two corrected rates on the same clusters, a minus b.

    Parameters
    ----------
    a, b : Corrected
        From counts whose rows are the same kinds of cluster in the same order, such as prompts
        that two models answered. Both about prompts, at the confidence wanted for the difference.

    Returns
    -------
    Interval
        MOVER from the two intervals with the correlation of the rates, linearised and kept below 1
        (`riskshift.stats.joint.cautious_influence`).

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
    joint = cautious_influence(a.influence, b.influence, a.weight)
    ends = mover_difference(a.estimate, a.interval, b.estimate, b.interval, correlation=joint)
    # Of strata the two are MOVER's already.
    method = "mover-ppi-wilson" if a.lam is not None else a.interval.method
    return Interval(ends.low, ends.high, method, ends.confidence)


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

    @property
    def unknown(self) -> float:
        """Share of the pairs that people did not label."""
        pairs = self.total(self.rest.sum(axis=1))
        return pairs / (pairs + self.total(self.labelled.sum(axis=(1, 2))))

    def influence(self, lam: float, about: str) -> Floats:
        psi = self._residual(self.events, self.trials)
        parts = [(self.seen, -lam), (self.rest, lam)]
        if about == "file":
            # What the other pairs add is fixed once it is known which ones are labelled.
            parts = [(self.seen, -lam / self.unknown)] if lam else []
        # At 0 the grader may have no denominator to take a residual from.
        for part, sign in parts if lam else ():
            psi = psi + sign * self._residual(part[:, 2], part[:, 1:].sum(axis=1))
        return psi

    def variance(self, lam: float, about: str) -> float:
        clusters = self.clusters
        spread = self.total(self.influence(lam, about) ** 2) * clusters / (clusters - 1)
        return spread * (self.unknown if about == "file" else 1.0)

    def doubted(self) -> "_Sample":
        """Add half a labelled pair to each cell inside both denominators.

        It comes in clusters of the size that the average labelled pair lives in.
        """
        labelled, rest = self.labelled.sum(axis=(1, 2)), self.rest.sum(axis=1)
        total, cells = self.total(labelled), np.arange(4)
        size = self.total(labelled**2) / total
        pairs, others = np.zeros((4, 3, 3)), np.zeros((4, 3))
        pairs[cells, [1, 1, 2, 2], [1, 2, 1, 2]] = size
        others[cells, [1, 2, 1, 2]] = self.total(labelled * rest) / total
        return _Sample(
            np.concatenate([self.labelled, pairs]),
            np.concatenate([self.rest, others]),
            np.concatenate([self.weight, np.full(4, _PSEUDO / size)]),
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


def _within_file(people: Estimate, unknown: float) -> Estimate:
    """Count people's labels for more where they are a large part of all; `unknown` is the rest."""
    level, rate = people.interval.confidence, people.estimate
    if not unknown:
        return replace(people, interval=Interval(rate, rate, "known", level), effective_n=inf)
    if unknown == 1 or not people.effective_n:
        return people
    size = people.effective_n / unknown
    return replace(people, interval=wilson(rate * size, size, confidence=level), effective_n=size)


def _effective(sample: _Sample, lam: float, about: str, confidence: float) -> tuple[float, float]:
    """Effective sample size, and how many times that of people alone."""
    doubted = sample.doubted()
    n, more = sample.total(sample.trials), doubted.total(doubted.trials)
    p = doubted.total(doubted.events) / more
    variance = doubted.variance(lam, about)
    size = p * (1 - p) / (variance * more / n)
    if n > sample.clusters:
        few, many = t_quantile(sample.clusters - 1, confidence), t_quantile(n - 1, confidence)
        size *= (many / few) ** 2
    return size, doubted.variance(0.0, about) / variance


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


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))
