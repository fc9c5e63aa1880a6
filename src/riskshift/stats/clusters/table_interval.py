"""Interval for a statistic of one table that many items add up to, or a plain reason for none.

Agreement is measured on few items that matter: where 95 of 100 are safe, five tell whether raters
know harm when they see it. The percentiles of a bootstrap then cover 75-85 % instead of 95, since
no resample holds what the sample happened to lack. So imaginary items stand beside the real ones
when the variance is taken, and where they would say more than the data, nothing is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import t_quantile
from riskshift.stats.proportion import Interval, normal_quantile

Links = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

METHOD: Final = "wilson-linearised"
UNDEFINED: Final = "it is undefined itself"
ALONE: Final = "all of it comes from one item, or from one prompt"
NEVER: Final = "labels never differ, so nothing shows how often they would"
TOO_LITTLE: Final = "too little to go by: an interval would rest on assumptions more than on labels"
TOO_WIDE: Final = "too little to go by: an interval would span more than half of the scale"

# What follows was chosen by benchmarks/coverage/agreement.py and is in no book.
# Imaginary items: so many on which two ratings agree, and as many on which they differ.
_IMAGINED: Final = 0.5
# Where items share prompts an imaginary one stands for size ** 0.6 of them: between one item and
# a whole prompt, because how alike the items of a prompt are is not known where few matter. That
# raters differ on one says less of the others than how severe it is.
_POWER: Final = 0.6
_DIFFERING_POWER: Final = 0.3
# Few prompts that matter make the variance as unsure as half as many independent items would.
_SHARED_FREEDOM: Final = 0.5
# The real items must make up this share of the variance.
_OWN: Final = 2 / 3
_WIDEST: Final = 0.5
# A cluster that holds everything but this share is not enlarged further.
_LEAST_REST: Final = 0.1


@dataclass(frozen=True, slots=True)
class TableInterval:
    """An interval, or why there is none.

    Parameters
    ----------
    interval : Interval or None
        None where nothing can be said.
    reason : str or None
        Why, in plain words; None where there is an interval.
    """

    interval: Interval | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.interval is None) == (self.reason is None):
            raise UsageError("Give an interval, or a reason for there being none.")


def table_interval(
    tables: npt.ArrayLike,
    weight: npt.ArrayLike,
    statistic: Statistic,
    gradient: Statistic,
    *,
    clusters: tuple[Floats, Floats] | None,
    lowest: float,
    symmetric: bool = False,
    confidence: float,
) -> TableInterval:
    """Interval for a statistic of the sum of many tables.

    Parameters
    ----------
    tables : array_like, shape (m, K, K)
        What one item of each kind adds to the table.
    weight : array_like, shape (m,)
        Number of items of each kind.
    statistic : callable
        From tables, shape (size, K, K), to values, shape (size,), from `lowest` to 1; not a number
        where undefined.
    gradient : callable
        From one table to the derivatives of the statistic by its entries.
    clusters : tuple of (ndarray, ndarray) or None
        Items that belong together: what one cluster of each kind adds, and how many there are, as
        `cluster_tables` gives. None where items are independent.
    lowest : float
        Lowest value of the statistic.
    symmetric : bool, default False
        Whether an item adds each pair of its ratings both ways round.
    confidence : float
        Two-sided coverage.

    Returns
    -------
    TableInterval
        Wilson's interval of the place on the scale, on the effective number of items that the
        linearised variance stands for, with Student's t. The variance is taken with half an
        imaginary item on which two ratings agree, on any level but the commonest, and half a one
        on which they differ. None where the real items make up less than two thirds of the
        variance, or the interval would span more than half of the scale.

    Raises
    ------
    UsageError
        If the arrays do not match or an option is out of range.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998),
       p. 193-201, for an interval of a proportion on the effective sample size.
    .. [2] F. E. Satterthwaite, "An approximate distribution of estimates of variance components",
       Biometrics Bulletin 2 (1946), p. 110-114, for the degrees of freedom.
    .. [3] R. M. Bell, D. F. McCaffrey, "Bias reduction in standard errors for linear regression
       with multi-stage samples", Survey Methodology 28 (2002), p. 169-181, for the leverage of a
       cluster.
    """
    normal_quantile(confidence)  # checks the level
    items = _Units.of(np.asarray(tables, np.float64), np.asarray(weight, np.float64))
    units = items if clusters is None else _Units.of(*clusters)
    estimate = float(statistic(items.total[None])[0]) if len(items.weight) else float("nan")
    if np.isnan(estimate):
        return TableInterval(None, UNDEFINED)
    if units.weight.sum() < 2:
        return TableInterval(None, ALONE)
    if len(items.total) < 2:
        return TableInterval(None, TOO_LITTLE)
    imagined = _Imagined.beside(items.total, symmetric=symmetric)
    found = _spread(units, imagined.times(units.size / items.size), gradient)
    if clusters is not None and units.size > items.size:
        # Items of one prompt are never taken for more telling than independent ones.
        least = _spread(items, imagined, gradient).variance
        freedom = max(1.0, _SHARED_FREEDOM * found.freedom)
        found = replace(found, variance=max(found.variance, least), freedom=freedom)
    if not found.own >= _OWN:
        return TableInterval(None, NEVER if _diagonal(items.total) else TOO_LITTLE)
    return _wilson(estimate, found, statistic, lowest, confidence)


def cluster_tables(
    tables: npt.ArrayLike, weight: npt.ArrayLike, clusters: Links | None
) -> tuple[Floats, Floats] | None:
    """Sum what the items of each cluster add.

    Parameters
    ----------
    tables, weight
        As in `table_interval`.
    clusters : tuple of (indptr, indices, cluster_weight) or None
        A cluster of kind `g` holds one item of each kind in ``indices[indptr[g]:indptr[g + 1]]``
        (repeats allowed), and there are ``cluster_weight[g]`` of them.

    Returns
    -------
    tuple of (ndarray, ndarray) or None
        What `table_interval` takes as clusters; None for None.

    Raises
    ------
    UsageError
        If the clusters are not made of the items.

    Examples
    --------
    Three clusters of two items of the first kind and one of the second:

    >>> clusters = [0, 3], [0, 0, 1], [3]
    >>> cluster_tables([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], [6, 3], clusters)
    (array([[[2., 0.],
            [0., 1.]]]), array([3.]))
    """
    if clusters is None:
        return None
    each, items = np.asarray(tables, np.float64), np.asarray(weight, np.float64)
    indptr, indices = (np.asarray(part, dtype=np.int64) for part in clusters[:2])
    many: npt.NDArray[Any] = np.asarray(clusters[2], dtype=np.float64)
    if len(indptr) != len(many) + 1 or indptr[0] != 0 or indptr[-1] != len(indices):
        raise UsageError("clusters must be (indptr, indices, cluster_weight) as in a CSR matrix.")
    owner = np.repeat(np.arange(len(many)), np.diff(indptr))
    members = np.bincount(indices, weights=many[owner], minlength=len(items))
    if not np.array_equal(members, items):
        raise UsageError("The items in the clusters are not the items counted in the weights.")
    summed = np.zeros((len(many), *each.shape[1:]))
    np.add.at(summed, owner, each[indices])
    return summed, many


def standard_error(tables: npt.ArrayLike, weight: npt.ArrayLike, gradient: Statistic) -> float:
    """Return the linearised standard error of a statistic, without anything imaginary.

    Parameters
    ----------
    tables, weight, gradient
        As in `table_interval`; of clusters, if there are any.

    Returns
    -------
    float
        Square root of ``n / (n - 1)`` times the sum of squared influence values.

    Examples
    --------
    A share, as the first entry over all:

    >>> cells = [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]
    >>> slope = lambda t: np.array([[1, 0], [0, 0]]) / t.sum() - t[0, 0] / t.sum() ** 2
    >>> round(standard_error(cells, [40, 60], slope), 4)
    0.0492
    """
    units = _Units.of(np.asarray(tables, np.float64), np.asarray(weight, np.float64))
    psi = np.tensordot(units.tables, gradient(units.total), 2)
    n = units.weight.sum()
    psi -= units.weight @ psi / n
    return float(np.sqrt(n / (n - 1) * (units.weight @ psi**2)))


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """Kinds of item or cluster that add something, and how many there are of each."""

    tables: Floats
    weight: Floats

    @classmethod
    def of(cls, tables: Floats, weight: Floats) -> "_Units":
        used = (weight > 0) & tables.any(axis=(1, 2))
        return cls(tables[used], weight[used])

    @property
    def total(self) -> Floats:
        return np.asarray(np.tensordot(self.weight, self.tables, 1))

    @property
    def size(self) -> float:
        """Size of the unit that one of its labels, taken at random, lies in."""
        each = self.tables.sum(axis=(1, 2))
        return float(self.weight @ each**2 / (self.weight @ each))

    @property
    def rest(self) -> Floats:
        """Share of the labels that lie in other units."""
        each = self.tables.sum(axis=(1, 2))
        return np.asarray(np.maximum(1 - each / (self.weight @ each), _LEAST_REST))


@dataclass(frozen=True, slots=True, eq=False)
class _Imagined:
    """Imaginary items beside the real ones."""

    tables: Floats
    weight: Floats

    @classmethod
    def beside(cls, total: Floats, *, symmetric: bool) -> "_Imagined":
        levels = len(total)
        cells = np.eye(levels * levels).reshape(-1, levels, levels)
        same = np.eye(levels, dtype=np.bool_).ravel()
        commonest = int((total.sum(axis=0) + total.sum(axis=1)).argmax())
        # To agree on the commonest level is what the data has plenty of.
        agree = same & (np.arange(levels * levels) != commonest * (levels + 1))
        share = agree / (levels - 1) + ~same / (levels * (levels - 1))
        both = cells + cells.transpose(0, 2, 1) if symmetric else cells
        return cls(both[share > 0], _IMAGINED * share[share > 0])

    def times(self, size: float) -> "_Imagined":
        """Let each stand for some of the items of a prompt of such a size."""
        levels = self.tables.shape[1]
        apart = (self.tables * (1 - np.eye(levels))).any(axis=(1, 2))
        power = np.where(apart, _DIFFERING_POWER, _POWER)
        return replace(self, tables=(size**power)[:, None, None] * self.tables)


@dataclass(frozen=True, slots=True, eq=False)
class _Spread:
    """Variance of a statistic, its degrees of freedom, and how much of it is the data's own."""

    table: Floats
    variance: float
    freedom: float
    own: float


def _spread(units: _Units, imagined: _Imagined, gradient: Statistic) -> _Spread:
    table = units.total + np.tensordot(imagined.weight, imagined.tables, 1)
    weight = np.concatenate([units.weight, imagined.weight])
    n, real = float(weight.sum()), len(units.weight)
    psi = np.tensordot(np.concatenate([units.tables, imagined.tables]), gradient(table), 2)
    psi -= weight @ psi / n
    # A unit that pulls the estimate towards itself looks closer to it than it is.
    psi[:real] /= units.rest
    squares = weight * psi**2
    second, fourth = float(squares.sum()), float(weight @ psi**4)
    if not second > 0:
        return _Spread(table, 0.0, 1.0, 0.0)
    excess = fourth - second**2 / n
    freedom = min(2 * second**2 / excess, n - 1) if excess > 0 else n - 1
    own = float(squares[:real].sum()) / second
    return _Spread(table, n / (n - 1) * second, max(1.0, freedom), own)


def _diagonal(table: Floats) -> bool:
    return not (table * (1 - np.eye(len(table)))).any()


def _wilson(
    estimate: float, found: _Spread, statistic: Statistic, lowest: float, confidence: float
) -> TableInterval:
    scale = 1 - lowest
    p, smooth = (
        min(1.0, max(0.0, (value - lowest) / scale))
        for value in (estimate, float(statistic(found.table[None])[0]))
    )
    n = smooth * (1 - smooth) * scale**2 / found.variance
    t = t_quantile(found.freedom, confidence)
    shrink = 1 + t * t / n
    centre = (p + t * t / (2 * n)) / shrink
    half = t / shrink * np.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    if not 2 * half <= _WIDEST:
        return TableInterval(None, TOO_WIDE)
    low, high = (
        lowest + scale * min(1.0, max(0.0, float(end))) for end in (centre - half, centre + half)
    )
    return TableInterval(Interval(min(low, estimate), max(high, estimate), METHOD, confidence))
