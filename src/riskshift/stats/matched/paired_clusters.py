"""Two models on the same prompts, where a prompt has several answers of each."""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtr

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import EffectiveSample, linearised_variance, t_factor
from riskshift.stats.matched.paired import mcnemar_exact, tango_exact
from riskshift.stats.proportion import Interval, normal_quantile

Floats = npt.NDArray[np.float64]
_ADDED: Final = 3
_STEPS: Final = 8_192
_FINEST: Final = 60
_FEW: Final = 12
_OUTSTANDING: Final = 1 / 200


def sign_flip(lean: npt.ArrayLike, weight: npt.ArrayLike) -> float:
    """Test of two models on whole prompts: the sign of every prompt's lean is turned at random.

    Where the models are exchangeable within a prompt, its lean is as likely to point to the one
    as to the other, whatever its size and however many answers stand behind it. Answers that
    only repeat others therefore change nothing, and with one answer each this is the exact
    McNemar test.

    Parameters
    ----------
    lean : array_like, shape (m,)
        Pairs with the event on side a only minus those with it on side b only, in each kind of
        prompt; need not be whole.
    weight : array_like, shape (m,)
        Prompts of each kind; whole numbers.

    Returns
    -------
    float
        Two-sided p of the sum of leans. 1 where no prompt leans.

    Raises
    ------
    UsageError
        If the arrays do not match, a lean is not finite, or a weight is not a whole count.

    Notes
    -----
    Leans that are multiples of a common step, up to 8,192 steps in all, are summed exactly.
    Beyond, the sum is normal with variance ``sum(lean^2)`` [2]_, but for up to 12 prompts that
    stand out, whose signs are still turned one by one; leans among which more stand out are
    rounded to 1/8,192 of their sum. Not to stand out means a sum of fourth powers of at most
    1/200 of the squared variance.

    References
    ----------
    .. [1] R. A. Fisher, "The Design of Experiments" (1935), section 21.
    .. [2] V. L. Durkalski, Y. Y. Palesch, S. R. Lipsitz, P. F. Rust, "Analysis of clustered
       matched-pair data", Statistics in Medicine 22 (2003), p. 2417-2428; with leans per answer
       their statistic.

    Examples
    --------
    >>> sign_flip([1, -1, 0], [7, 1, 80]), sign_flip([3, -3, 0], [7, 1, 80])
    (0.0703125, 0.0703125)
    >>> sign_flip([3, 2, -1], [2, 3, 2])
    0.109375
    """
    size, toward, away = _sizes(lean, weight)
    if not size.size:
        return 1.0
    if size.size == 1:
        return mcnemar_exact(int(toward[0]), int(away[0]))
    count = toward + away
    steps = _grid(size, count)
    if steps is None:
        p = _nearly_normal(size, count, abs(float((toward - away) @ size)))
        if p is not None:
            return p
        steps = np.rint(size * (_STEPS / float(count @ size)))
    return _exact(steps, toward, away)


def clustered_tango(
    both: npt.ArrayLike,
    a_only: npt.ArrayLike,
    b_only: npt.ArrayLike,
    neither: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
) -> tuple[Interval, EffectiveSample]:
    """`tango_exact` where several pairs share a cluster, such as samples of one prompt.

    A cluster counts by its lean d: a only minus b only, which is what the difference and its
    variance are made of; pairs of either sort in one cluster that cancel out are no discordance.
    The design effect is the linearised variance of the sum of d over whole clusters, divided by
    that of as many independent discordant pairs, ``sum |d| - (sum d)^2 / n``, and at least 1.
    From few discordant clusters it is too small, so three more are added that lean by as much as
    the average one and in which no answer varies (a design effect of the size that the average
    pair lives in). All counts are divided by ``deff * (t_{G-1} / t_{n-1})^2`` [1]_. 0 is taken
    in where the test of whole clusters, `sign_flip`, does not reject. The three clusters are
    riskshift's own rule, measured in ``benchmarks/coverage/paired.py``.

    Parameters
    ----------
    both, a_only, b_only, neither, weight : array_like, shape (m,)
        Counts of pairs in each kind of cluster, and the number of clusters of that kind.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    tuple of (Interval, EffectiveSample)
        The interval for ``(a_only - b_only) / n`` over all pairs, and what the pairs are worth.
        `deff` is 1 where no cluster has more than one pair; [-1, 1] where there is one cluster.

    Raises
    ------
    UsageError
        If the arrays do not match, a count is negative, there are no pairs, or `confidence` is
        not between 0 and 1.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998),
       p. 193-201, for the t-factor.

    Examples
    --------
    >>> interval, sample = clustered_tango(
    ...     [0, 0, 0], [3, 1, 0], [0, 1, 0], [0, 1, 3], [20, 10, 170]
    ... )
    >>> round(interval.low, 4), round(interval.high, 4), round(sample.deff, 2)
    (0.0619, 0.1498, 3.01)
    """
    *cells, w = _kinds(both, a_only, b_only, neither, weight)
    size, lean = np.sum(cells, axis=0), cells[1] - cells[2]
    sample = _effective_pairs(lean, size, w, confidence)
    if sample.n == 0:
        return Interval(-1.0, 1.0, "tango-exact", confidence), sample
    scale = sample.n / float(w @ size)
    toward, away = (float(w @ np.maximum(side, 0)) * scale for side in (lean, -lean))
    rest = max(0.0, sample.n - toward - away)
    held = tango_exact(rest, toward, away, 0.0, confidence=confidence)
    if sign_flip(lean, w) >= 1 - confidence:
        held = replace(held, low=min(held.low, 0.0), high=max(held.high, 0.0))
    return held, sample


def _sizes(lean: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return each size of lean, its largest 1, and how many prompts lean so far to either side."""
    d = np.asarray(lean, dtype=np.float64)
    w = np.asarray(weight, dtype=np.float64)
    if d.ndim != 1 or d.shape != w.shape:
        raise UsageError(f"lean has shape {d.shape} and weight {w.shape}; they must be 1-d, equal.")
    if not (np.isfinite(d).all() and np.isfinite(w).all() and (w >= 0).all() and not (w % 1).any()):
        raise UsageError("Leans must be finite and weights whole counts of at least 0.")
    d, w = d[w > 0], w[w > 0]
    largest = np.abs(d).max(initial=0.0)
    if largest == 0:
        return d[:0], d[:0], d[:0]
    # Leans of unequal numbers of answers carry rounding errors; equal ones must stay together.
    rounded: Floats = np.round(np.abs(d) / largest, 10)
    size, kind = np.unique(rounded, return_inverse=True)
    toward = np.bincount(kind, weights=w * (d > 0), minlength=len(size)).astype(np.float64)
    away = np.bincount(kind, weights=w * (d < 0), minlength=len(size)).astype(np.float64)
    leans = size > 0
    return size[leans], toward[leans], away[leans]


def _grid(size: Floats, count: Floats) -> Floats | None:
    """Express sizes as whole numbers of a common step, if there are few enough steps."""
    ratios = size / size.min()
    for parts in range(1, _FINEST + 1):
        steps: Floats = np.rint(ratios * parts)
        if float(count @ steps) > _STEPS:
            return None
        if np.allclose(steps, ratios * parts, rtol=0, atol=1e-6 * parts):
            return steps
    return None


def _nearly_normal(size: Floats, count: Floats, reached: float) -> float | None:
    """Turn the signs of the largest one by one, those of all others in the limit."""
    variance, fourth = float(count @ size**2), float(count @ size**4)
    largest = np.repeat(size, np.minimum(count, _FEW).astype(int))[: -_FEW - 1 : -1]
    sums = np.zeros(1)
    for outstanding in (*largest, None):
        if fourth <= _OUTSTANDING * variance**2:
            return float(2 * ndtr((sums - reached) / np.sqrt(variance)).mean())
        if outstanding is not None:
            sums = np.concatenate([sums - outstanding, sums + outstanding])
            variance, fourth = variance - outstanding**2, fourth - outstanding**4
    return None


def _exact(steps: Floats, toward: Floats, away: Floats) -> float:
    chances = np.ones(1)
    for step, count in zip(steps.astype(int), (toward + away).astype(int), strict=True):
        if step:
            kernel = np.zeros(step * count + 1)
            kernel[::step] = _fair(count)
            chances = np.convolve(chances, kernel)
    reached = round(float(steps @ toward))
    farther = max(reached, len(chances) - 1 - reached)
    return min(1.0, 2 * float(chances[farther:].sum()))


def _fair(count: int) -> Floats:
    """Return the chances of 0 to `count` heads."""
    heads = np.arange(count + 1)
    logs = gammaln(count + 1) - gammaln(heads + 1) - gammaln(count - heads + 1)
    chances: Floats = np.exp(logs - count * np.log(2))
    return chances


def _effective_pairs(lean: Floats, size: Floats, w: Floats, confidence: float) -> EffectiveSample:
    used = (size > 0) & (w > 0)
    lean, size, w = lean[used], size[used], w[used]
    if not used.any():
        raise UsageError("There are no pairs, so there is no difference; report it as undefined.")
    normal_quantile(confidence)  # checks the level
    total, clusters = float(w @ size), round(float(w.sum()))
    if size.max() <= 1:
        return EffectiveSample(1.0, total, clusters)
    deff = _paired_deff(lean, size, w)
    if clusters == 1:
        return EffectiveSample(deff, 0.0, clusters)
    left = t_factor(total, clusters - 1, confidence)
    return EffectiveSample(deff, total / deff * left, clusters)


def _paired_deff(lean: Floats, size: Floats, w: Floats) -> float:
    total = float(w @ size)
    typical = float(w @ size**2) / total
    discordant = float(w @ np.abs(lean))
    if discordant == 0:
        return typical
    added = _ADDED * discordant / float(w @ (lean != 0))
    independent = discordant - float(w @ lean) ** 2 / total
    variance = (linearised_variance(lean, size, w) or 0.0) * total**2
    return max(1.0, (variance + added * typical) / (independent + added))


def _kinds(*arrays: npt.ArrayLike) -> list[Floats]:
    columns = [np.asarray(array, dtype=np.float64) for array in arrays]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise UsageError(f"Counts of clusters must be 1-d and of equal length; shapes: {shapes}.")
    if not all((np.isfinite(column) & (column >= 0)).all() for column in columns):
        raise UsageError("Counts of clusters must be finite and none negative.")
    return columns
