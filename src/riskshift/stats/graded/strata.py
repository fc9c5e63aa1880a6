"""Rates from pairs that people labelled by strata of what a grader said."""

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, inf, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.clusters.cluster import effective_sample
from riskshift.stats.graded.correction import ABOUT, Corrected
from riskshift.stats.proportion import Interval, normal_quantile, wilson

Floats = npt.NDArray[np.float64]

_ROUNDING: Final = 1e-9


def stratified_rate(
    labelled: npt.ArrayLike,
    graded: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    about: str = "prompts",
    confidence: float = 0.95,
    method: Callable[..., Interval] = wilson,
) -> Corrected | None:
    """Rate of an event by people, who labelled each stratum of a grader's pairs apart.

    Parameters
    ----------
    labelled : array_like of int, shape (m, strata, 2) or (m, strata, 3)
        For each kind of cluster and each stratum, its labelled pairs by people's state: no event
        and event; or outside the denominator, inside without the event, and with it. Within a
        stratum every pair must have had the same chance to be labelled.
    graded : array_like of int, shape (m, strata)
        For each kind of cluster, all its pairs by stratum, labelled or not.
    weight : array_like of int, shape (m,), optional
        Number of clusters of each kind; one of each if left out.
    about : {"prompts", "file"}
        As in `riskshift.stats.graded.correction.ppi_rate`.
    confidence : float, default 0.95
        Two-sided coverage.
    method : callable
        Interval of a proportion, `wilson` or `clopper_pearson`.

    Returns
    -------
    Corrected or None
        `lam`, `silence` and `people` are None: the grader only told the strata, and what people labelled is
        no random sample. None where people saw no pair inside the denominator.

    Raises
    ------
    UsageError
        If the counts do not match, a stratum of graded pairs has no labelled one, or an option is
        out of range.

    Notes
    -----
    With W the strata's shares of the graded pairs, d the share of a stratum inside the denominator
    and p its rate there, both by people, ``theta = sum(W d p) / sum(W d)``. The limits are MOVER's
    [1]_ [2]_: each p and each d in turn at its own limit, the changes of theta added in squares.
    For rates over all pairs, where d is 1, this is ``sum(W p) -/+ sqrt(sum(W^2
    (p - limit)^2))``. A stratum in which people saw no pair of the denominator may hide any rate
    there, so its p is taken from 0 to 1. The shares W come from a sample of prompts themselves:
    their linearised variance over whole clusters, and the covariance that all parts have where
    clusters hold several pairs, unless it is negative, are added as the limits of a proportion that
    has this variance; not so for a rate about the file, where the limits of p and d are those of
    n / (1 - n / N) labels instead [3]_.

    `effective_n` is the number of independent pairs whose Wilson interval at this rate would be as
    wide, whatever `method` is, and `gain` how many times the labelled pairs of the denominator that
    is. `influence` has no finite population correction; where each pair has a prompt of its own its
    squares sum to the variance of double sampling for stratification ([3]_, chapter 12), but for
    factors n / (n - 1) of each stratum.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    .. [2] G. Y. Zou, W. Huang, X. Zhang, "A note on confidence interval estimation for a linear
       function of binomial proportions", Computational Statistics and Data Analysis 53 (2009),
       p. 1080-1085.
    .. [3] W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), chapters 5 and 5A on stratified
       random sampling, 12 on double sampling.

    Examples
    --------
    One pair a prompt. Of 9,000 that the grader passed people labelled 100 and found 2 harmful, of
    1,000 that it flagged 50 with 40 harmful.

    >>> labelled = [[[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    >>> labelled += [[[0, 0], [0, 0]]] * 2
    >>> graded = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]]
    >>> rate = stratified_rate(labelled, graded, [98, 2, 10, 40, 8900, 950])
    >>> round(rate.estimate, 3), round(rate.interval.low, 4), round(rate.interval.high, 4)
    (0.098, 0.079, 0.1441)
    """
    z = normal_quantile(confidence)
    if about not in ABOUT:
        raise unknown_choice("about", about, ABOUT)
    cells, pairs, kinds = _checked(labelled, graded, weight)
    totals = kinds @ pairs
    strata = [
        _stratum(
            part,
            kinds,
            of=float(n) if about == "file" else inf,
            everything=np.shape(labelled)[2] == 2,
            confidence=confidence,
            method=method,
        )
        for part, n in zip(np.moveaxis(cells, 1, 0), totals, strict=True)
    ]
    share = totals / totals.sum()
    denominator = float(share @ [part.inside for part in strata])
    if not denominator:
        return None
    share = share / denominator
    theta = min(1.0, float(share @ [part.inside * part.rate for part in strata]))
    mixed = np.zeros(len(kinds))
    if about == "prompts":
        scores = [part.inside * (part.rate - theta) for part in strata]
        mixed = pairs @ np.array(scores) / totals.sum() / denominator
    # A row for each rate and each share inside: what its labelled pairs add to the error.
    seen = np.concatenate(
        [w * part.residuals(theta) for w, part in zip(share, strata, strict=True)]
    )
    spread = _shared(mixed, seen, kinds) if about == "prompts" else 0.0
    by_shares = _shares_reach(theta, spread, confidence, method)
    down, up = (
        hypot(far, *(part.reach(w, theta, side) for w, part in zip(share, strata, strict=True)))
        for side, far in zip((-1, 1), by_shares, strict=True)
    )
    low, high = max(0.0, theta - down), min(1.0, theta + up)
    count = round(float(kinds @ cells[:, :, 1:].sum(axis=(1, 2))))
    size = _worth(theta, high - low, z)
    return Corrected(
        estimate=theta,
        interval=Interval(low, high, f"mover-{method(0, 1).method}", confidence),
        labelled=count,
        lam=None,
        silence=None,
        effective_n=size,
        gain=size / count,
        people=None,
        raw=None,
        clipped=False,
        influence=mixed + seen.sum(axis=0),
        weight=kinds,
    )


@dataclass(frozen=True, slots=True)
class _Stratum:
    """What people said of one stratum.

    `inside` is the share of the denominator among its labelled pairs and `rate` that of events
    among those, each with how low and how high it may be.
    """

    cells: Floats
    n: float
    inside: float
    inside_limits: tuple[float, float]
    rate: float
    limits: tuple[float, float]

    def reach(self, share: float, theta: float, side: int) -> float:
        """Return how far its rate and share inside can move theta down (side -1) or up (1).

        `share` is what one of its pairs stands for in the denominator, which sums to 1.
        """
        at = (side + 1) // 2
        rate = self.rate if self.inside else float(at)
        further = self.inside_limits[int((rate - theta) * side > 0)] - self.inside
        rest = 1 + share * further  # of the denominator; nothing where no other stratum has any
        by_inside = share * further * (rate - theta) / rest if rest > _ROUNDING else 0.0
        return hypot(share * self.inside * (self.limits[at] - rate), by_inside)

    def residuals(self, theta: float) -> Floats:
        """Return what labelled pairs of each kind of cluster add by the rate and by the share."""
        events, trials = self.cells[:, 2], self.cells[:, 1:].sum(axis=1)
        of_rate = events - self.rate * trials
        of_inside = (self.rate - theta) * (trials - self.inside * self.cells.sum(axis=1))
        return np.stack([of_rate, of_inside]) / self.n


def _shared(mixed: Floats, seen: Floats, kinds: Floats) -> float:
    """Variance by the shares of strata, and what rates in one cluster have in common with it.

    Each pair in a cluster of its own: nothing in common, so the variance by the shares alone.
    """
    clusters = float(kinds.sum())
    if clusters < 2:
        return inf
    joint = (mixed + seen.sum(axis=0)) ** 2 - (seen**2).sum(axis=0)
    return max(float(kinds @ mixed**2), float(kinds @ joint)) * clusters / (clusters - 1)


def _shares_reach(
    theta: float, spread: float, confidence: float, method: Callable[..., Interval]
) -> tuple[float, float]:
    """Return how far the shares of strata can move a rate down and up, as if it were one sample."""
    variance = theta * (1 - theta)
    if not (variance and 0 < spread < inf):
        return spread, spread
    size = variance / spread
    held = method(theta * size, size, confidence=confidence)
    return theta - held.low, held.high - theta


def _stratum(
    cells: Floats,
    kinds: Floats,
    *,
    of: float,
    everything: bool,
    confidence: float,
    method: Callable[..., Interval],
) -> _Stratum:
    """Estimate a stratum of `of` pairs; `everything` says that all belong to the denominator."""
    labelled, trials, events = cells.sum(axis=1), cells[:, 1:].sum(axis=1), cells[:, 2]
    n, within = float(kinds @ labelled), float(kinds @ trials)
    unknown = 1 - n / of

    def limits(part: Floats, whole: Floats) -> tuple[float, float]:
        size = effective_sample(part, whole, kinds, confidence=confidence).n
        rate = min(1.0, float(kinds @ part) / float(kinds @ whole))
        if not unknown:
            return rate, rate
        if not size:
            return 0.0, 1.0  # one cluster says nothing about others
        held = method(rate * size / unknown, size / unknown, confidence=confidence)
        return held.low, held.high

    return _Stratum(
        cells=cells,
        n=n,
        inside=within / n,
        inside_limits=(1.0, 1.0) if everything else limits(trials, labelled),
        rate=float(kinds @ events) / within if within else 0.0,
        limits=limits(events, trials) if within else (0.0, 1.0),
    )


def _worth(rate: float, width: float, z: float) -> float:
    """Independent pairs whose Wilson interval at this rate is so wide: a quadratic in z^2 / n."""
    if width >= 1:
        return 0.0
    if not width:
        return inf
    half = 2 * rate * (1 - rate) - width**2
    # (1 - width^2) u^2 + 2 half u - width^2 = 0, solved so that nothing cancels.
    root = hypot(half, width * sqrt(1 - width**2))
    ratio = width**2 / (root + half) if half > 0 else (root - half) / (1 - width**2)
    return z * z / ratio


def _checked(
    labelled: npt.ArrayLike, graded: npt.ArrayLike, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return counts of the strata that hold pairs, in three states, and the weights."""
    cells, pairs = np.asarray(labelled, np.float64), np.asarray(graded, np.float64)
    if cells.ndim != 3 or cells.shape[2] not in (2, 3) or pairs.shape != cells.shape[:2]:
        raise UsageError(
            "labelled must have shape (m, strata, 2) or (m, strata, 3) and graded (m, strata); "
            f"shapes: {cells.shape} and {pairs.shape}."
        )
    kinds = np.ones(len(cells)) if weight is None else np.asarray(weight, np.float64)
    if kinds.shape != (len(cells),):
        raise UsageError(f"weight must hold {len(cells)} counts of clusters, one for each kind.")
    if min(part.min(initial=0) for part in (cells, pairs, kinds)) < 0:
        raise UsageError("Counts of pairs and clusters cannot be negative.")
    if (cells.sum(axis=2) > pairs).any():
        raise UsageError("A cluster has more labelled pairs in a stratum than graded ones.")
    held = kinds @ pairs > 0
    if not held.any() or (kinds @ cells.sum(axis=2) == 0)[held].any():
        raise UsageError("Every stratum of graded pairs needs a labelled one.")
    cells = np.pad(cells, ((0, 0), (0, 0), (3 - cells.shape[2], 0)))
    return cells[:, held], pairs[:, held], kinds
