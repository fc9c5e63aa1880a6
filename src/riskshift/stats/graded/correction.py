"""Rates corrected for a grader's errors with the help of people's labels.

A grader labels every pair, people a random sample of them. Pairs arrive as counts per kind of
cluster (usually a prompt): how many labelled pairs stand in each cell of people's state by the
grader's state, and how many unlabelled pairs in each of the grader's states. A pair that the
grader left blank is in a state of its own. Samples drawn by strata are for
`riskshift.stats.graded.strata`.
"""

from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.clusters.joint import cautious_influence
from riskshift.stats.graded.graded_sample import BLANK, GradedSample, Trust, tuned
from riskshift.stats.proportion import Interval, mover_difference, normal_quantile, wilson

Floats = npt.NDArray[np.float64]

ABOUT = ("prompts", "file")
_ROUNDING: Final = 1e-9
_SHAPES: Final = ((2, 2), (2, 3), (3, 3), (3, 4))


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
        Its interval. Method ``"ppi-wilson"``, that of people alone where the grader says nothing
        (``"known"`` where they labelled the whole file that the rate is about), or
        ``"mover-..."`` of strata.
    labelled : int
        Pairs of the denominator that people labelled.
    lam : float or None
        How far the grader's word is trusted, from 0 (not at all) to 1; None for strata.
    silence : float or None
        Weight of the grader's leaving a pair blank; None for strata.
    effective_n : float
        Independent pairs labelled by people that would say as much; infinite where all is known,
        0 where the labels of one cluster say nothing about others.
    gain : float
        How many times more labels by people it would take to be as sure without the grader:
        variance from people's labels alone over the corrected one. 1 where `lam` and `silence`
        are 0; below 1 only if `lam` was given, not tuned, or strata were drawn badly.
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
    silence: float | None
    effective_n: float
    gain: float
    people: Estimate | None
    raw: Estimate | None
    clipped: bool
    influence: Floats = field(repr=False, compare=False)
    weight: Floats = field(repr=False, compare=False)


def ppi_rate(
    labelled: npt.ArrayLike,
    unlabelled: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    lam: float | None = None,
    about: str = "prompts",
    confidence: float = 0.95,
) -> Corrected | None:
    """Rate of an event by people, helped by a grader's labels.

    Parameters
    ----------
    labelled : array_like of int, shape (m, 2, 2) or (m, 3, 3), or with one more column
        For each kind of cluster, its labelled pairs by people's state and the grader's: no event
        and event; or 0 outside the denominator, 1 inside without the event, 2 with it. Where there
        is one more column, the grader left these pairs blank.
    unlabelled : array_like of int, shape (m, 2) or (m, 3), or with one more column
        For each kind of cluster, its pairs without people's label by the grader's state.
    weight : array_like of int, shape (m,), optional
        Number of clusters of each kind; one of each if left out.
    lam : float, optional
        Weight of the grader's labels, 0 to 1, with no weight for blanks; tuned to the data if left
        out.
    about : {"prompts", "file"}
        What the rate speaks of: prompts like these, or only the pairs that were graded. Of the
        latter more is known, the more of them people labelled; all, if they labelled all.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Corrected or None
        None where people saw no pair inside the denominator. `lam` is 0, even if another was given,
        where the labels of the grader cannot help: no pairs without people's label, people's in one
        cluster only, or none inside the grader's denominator on the labelled or the other pairs.

    Raises
    ------
    UsageError
        If the counts do not match or an option is out of range.

    Notes
    -----
    ``theta = mean_n(y - lam f) + lam mean_N(f)``, with y by people, f by the grader, n labelled
    and N other pairs, and ``lam = cov(y, f) / ((1 + n/N) var f)`` from the labelled pairs. These
    must be a random sample of all pairs. Where the grader left pairs blank, f is its mean over the
    others, and a second prediction, whether a pair is blank, has the weight `silence`, tuned alike:
    the two do not correlate, so that together they are the regression of y on what the grader said
    of a pair: no event, event or nothing.

    Where the denominator is itself a label, ``theta = p_n + lam (q_N - q_n)``: p is people's ratio,
    q the grader's, on the labelled (n) and on the other pairs (N). Linearised residuals
    ``(y - p d) / mean(d)`` and ``(f - q c) / mean(c)`` then stand in place of y and f, d and c being
    the denominators by people and by the grader. A pair that the grader left blank is in no c.

    The variance v sums squared influence values of whole clusters, so that a cluster with pairs in
    both parts counts right. The gain is v without the grader over v with it. The interval is
    Wilson's at theta with as many pairs as people's labels alone are worth
    (`riskshift.stats.clusters.cluster.effective_sample`) times the gain.

    About the file, chance lies only in which of its n + N pairs were labelled. The influence is
    then that of the labelled pairs, with ``e = y - lam (1 + n/N) f``, and v is multiplied by the
    finite population correction ``N / (n + N)`` ([3]_, for a random sample of pairs or of clusters).
    It sums over whole clusters here too, which is too much where pairs of one cluster are alike
    but were drawn one by one.

    The weights and the gain (but not theta) are computed after adding labelled pairs that say that
    the grader may err, but nothing of what it knows: one with the event and one without, each
    spread over the grader's states as the labelled pairs are, and one for each state, with the
    event as often as in all. With a handful of events the grader may err not once in the sample,
    and v would then claim that it never does. Pairs in fixed cells would make information of their
    own: with them a grader that says one thing of all pairs narrowed the interval. Now such a
    grader, and one that has nothing to do with people's labels, has the weight 0; and where the
    gain is not above 1, people stand alone. The pairs come in clusters like that of the average
    labelled pair, because variance from few events in clusters is far too small as well. These are
    riskshift's own rules, after the plus-four idea. The variance of f is that of the labelled
    pairs, where [2]_ pools all: a pooled one makes lam rise with the number of events in the
    sample, which biases theta when they are few.

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
    >>> rate = ppi_rate(labelled, unlabelled, [184, 4, 2, 10, 1670, 130])
    >>> round(rate.people.estimate, 3), round(rate.raw.estimate, 3), round(rate.estimate, 4)
    (0.06, 0.072, 0.0613)
    >>> round(rate.gain, 2)
    1.78

    A grader that finds nothing at all says nothing of people's 12 of 200.

    >>> rate = ppi_rate(labelled, unlabelled, [188, 0, 12, 0, 1800, 0])
    >>> rate.estimate, rate.lam, rate.gain
    (0.06, 0.0, 1.0)

    Of a rate whose denominator people and the grader tell by their labels too:

    >>> labelled, unlabelled = np.zeros((12, 3, 3), int), np.zeros((12, 3), int)
    >>> labelled[np.arange(9), np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)] = 1
    >>> unlabelled[np.arange(9, 12), [0, 1, 2]] = 1
    >>> weight = [90, 5, 1, 6, 80, 4, 0, 3, 11, 960, 870, 170]
    >>> rate = ppi_rate(labelled, unlabelled, weight)
    >>> rate.people.events, rate.people.trials, round(rate.estimate, 4)
    (14, 104, 0.1399)
    """
    normal_quantile(confidence)  # checks the level
    if about not in ABOUT:
        raise unknown_choice("about", about, ABOUT)
    if lam is not None and not 0 <= lam <= 1:
        raise UsageError(f"lam is {lam}; it must lie between 0 and 1.")
    sample = GradedSample(
        *_parts(labelled, unlabelled), _weights(weight, len(np.asarray(labelled)))
    )
    if sample.total(sample.trials) == 0:
        return None
    doubted = sample.doubted()
    trust = _trusted(sample, doubted, lam)
    unknown = sample.unknown if about == "file" else 1.0
    people = _within_file(_alone(sample, sample.events, sample.trials, confidence), unknown)
    theta = people.estimate + sample.shift(trust) if trust else people.estimate
    inside = _within(theta)
    interval, size, gain = people.interval, people.effective_n, 1.0
    if trust:
        gain = _gain(doubted, trust, about)
        size *= gain
        ends = wilson(min(inside * size, size), size, confidence=confidence)
        interval = Interval(ends.low, ends.high, "ppi-wilson", confidence)
    return Corrected(
        estimate=inside,
        interval=interval,
        labelled=people.trials,
        lam=trust.lam,
        silence=trust.silence,
        effective_n=size,
        gain=gain,
        people=people,
        raw=_raw(sample, confidence),
        clipped=inside != theta,
        influence=sample.influence(trust, about),
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
        (`riskshift.stats.clusters.joint.cautious_influence`).

    Raises
    ------
    UsageError
        If the kinds of cluster or the confidence differ.

    Notes
    -----
    From few events, or from rates that happen to agree everywhere, the correlation is 1 whatever
    lies behind it, and the interval would have no width. A positive one is therefore computed as
    if four clusters were added that carry the mean variance, one for each pair of signs: it shrinks
    by the factor G / (G + 4), with G the number of clusters that the variance rests on,
    ``(sum psi^2)^2 / sum psi^4``, about the number of events where these are rare. This is
    riskshift's own rule, after the plus-four idea.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.

    Examples
    --------
    Prompts answered by both models; one in ten has people's labels.

    >>> safe, harm, none = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]]
    >>> weight = [85, 10, 5, 770, 80, 50]
    >>> a = ppi_rate(
    ...     [safe, harm, harm, none, none, none],
    ...     [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [0, 1]], weight,
    ... )
    >>> b = ppi_rate(
    ...     [safe, harm, safe, none, none, none],
    ...     [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [1, 0]], weight,
    ... )
    >>> interval = corrected_difference(a, b)
    >>> round(a.estimate - b.estimate, 4), round(interval.low, 4), round(interval.high, 4)
    (0.0544, 0.0299, 0.0798)
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


def _trusted(sample: GradedSample, doubted: GradedSample, lam: float | None) -> Trust:
    """Weigh the grader's labels; not at all where they cannot help, or do not."""
    if sample.clusters < 2 or not sample.others:
        return Trust(0.0)
    if lam is not None:
        return Trust(lam if sample.comparable else 0.0)
    trust = tuned(sample, doubted)
    helps = trust and _gain(doubted, trust, "prompts") > 1 + _ROUNDING
    return trust if helps else Trust(0.0)


def _gain(doubted: GradedSample, trust: Trust, about: str) -> float:
    """Return how many times more people's labels it would take without the grader."""
    return doubted.variance(Trust(0.0), about) / doubted.variance(trust, about)


def _alone(sample: GradedSample, events: Floats, trials: Floats, confidence: float) -> Estimate:
    interval, worth = clustered_interval(events, trials, sample.weight, confidence=confidence)
    counts = round(sample.total(events)), round(sample.total(trials))
    return Estimate(*counts, interval, worth.n)


def _raw(sample: GradedSample, confidence: float) -> Estimate | None:
    states = sample.seen + sample.rest
    trials = states[:, 1:BLANK].sum(axis=1)
    return _alone(sample, states[:, 2], trials, confidence) if sample.total(trials) else None


def _within_file(people: Estimate, unknown: float) -> Estimate:
    """Count people's labels for more where they are a large part of all; `unknown` is the rest."""
    level, rate = people.interval.confidence, people.estimate
    if not unknown:
        return replace(people, interval=Interval(rate, rate, "known", level), effective_n=inf)
    if unknown == 1 or not people.effective_n:
        return people
    size = people.effective_n / unknown
    return replace(people, interval=wilson(rate * size, size, confidence=level), effective_n=size)


def _parts(labelled: npt.ArrayLike, unlabelled: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the counts in three states of people's and four of the grader's."""
    cells, rest = np.asarray(labelled, np.float64), np.asarray(unlabelled, np.float64)
    shape = cells.shape[1:]
    if shape not in _SHAPES or rest.shape != (len(cells), shape[1]):
        raise UsageError(
            "labelled must have shape (m, 2, 2) or (m, 3, 3) and unlabelled (m, 2) or (m, 3), or one more column for "
            f"the grader's blanks each; shapes: {cells.shape} and {rest.shape}."
        )
    if (cells < 0).any() or (rest < 0).any():
        raise UsageError("Counts of pairs cannot be negative.")
    # Without a state for it nothing lies outside the denominator.
    start = 3 - shape[0]
    end = start + shape[1]
    held, beside = np.zeros((len(cells), 3, 4)), np.zeros((len(cells), 4))
    held[:, start:, start:end], beside[:, start:end] = cells, rest
    return held, beside


def _weights(weight: npt.ArrayLike | None, kinds: int) -> Floats:
    if weight is None:
        return np.ones(kinds)
    counts = np.asarray(weight, np.float64)
    if counts.shape != (kinds,) or (counts < 0).any():
        raise UsageError(f"weight must hold {kinds} counts of clusters, one for each kind.")
    return counts


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))
