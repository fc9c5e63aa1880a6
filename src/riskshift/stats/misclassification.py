"""What a grader's error rates make of a rate, and how wrong it would have to be.

Where people labelled some of the very pairs, `riskshift.stats.graded.correction` says more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from riskshift.errors import UsageError
from riskshift.stats.proportion import Interval, normal_quantile

SENSITIVITIES = (1.0, 0.9, 0.8, 0.7, 0.6)


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


def _share(what: str, events: float, trials: float) -> float:
    if not (trials > 0 and 0 <= events <= trials):
        raise UsageError(
            f"{what}: {events} of {trials} is impossible; 0 <= events <= trials, trials > 0."
        )
    return events / trials


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))
