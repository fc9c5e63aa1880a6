"""Percentile bootstraps of whole clusters, drawn on counts instead of rows.

A resample of G clusters is one multinomial draw over the distinct kinds of cluster, so the cost
depends on the number of kinds and not on the number of records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.ranges import check_at_least_one

MAX_CELLS = 4096
_BLOCK_BYTES = 4 * 2**20

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A bootstrap interval and how it was made.

    Parameters
    ----------
    low, high : float
        The ends.
    resamples : int
        Resamples that the ends rest on; those with an empty denominator do not count. 0 for
        the method ``"linearised"``.
    method : str
        ``"percentile"``, or ``"linearised"`` (normal approximation) above `MAX_CELLS` kinds.
    confidence : float
        Nominal two-sided coverage.
    """

    low: float
    high: float
    resamples: int
    method: str
    confidence: float

    shape: ClassVar[str] = "low high resamples method"


def generator(seed: int, *names: str) -> np.random.Generator:
    """Random stream for one question, the same on every platform.

    Parameters
    ----------
    seed : int
        The seed of the whole analysis, not negative.
    *names : str
        What the stream is for. Other names give an independent stream, so that a question added
        to an analysis does not change the answers to the others.

    Returns
    -------
    numpy.random.Generator
        PCG64 by name, since numpy may change its default generator.

    Raises
    ------
    UsageError
        If the seed is negative.

    Examples
    --------
    >>> one, same = generator(7, "persistence", "hate"), generator(7, "persistence", "hate")
    >>> bool(one.random() == same.random() != generator(7, "persistence").random())
    True
    """
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be 0 or a positive whole number.")
    key = tuple(crc32(name.encode()) for name in names)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def bootstrap_ratio(
    events: npt.ArrayLike,
    trials: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Bootstrap | None:
    """Percentile bootstrap of whole clusters for ``sum(events) / sum(trials)``.

    Parameters
    ----------
    events, trials, weight : array_like, shape (m,)
        Events and trials of each kind of cluster, and the number of clusters of that kind.
        Kinds without trials take part: how many there are is random too.
    resamples : int
        Number of resamples, at least 1.
    confidence : float
        Two-sided coverage.
    rng : numpy.random.Generator
        Source of the draws, such as `generator` returns.

    Returns
    -------
    Bootstrap or None
        None where every resample has the same ratio (no events, all events, or fewer than two
        clusters): an interval of zero width claims a certainty that is not there.

    Raises
    ------
    UsageError
        If the arrays do not match or an option is out of range.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    .. [2] A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application" (1997),
       section 3.8 on hierarchical data.

    Examples
    --------
    >>> ends = bootstrap_ratio(
    ...     [0, 1], [1, 1], [960, 40], resamples=2000, confidence=0.95, rng=generator(1)
    ... )
    >>> round(ends.low, 2), round(ends.high, 2), ends.method
    (0.03, 0.05, 'percentile')
    """
    cells, clusters = _merged(weight, events, trials)
    return _bootstrap(cells, clusters, [confidence], resamples, rng)[0]


def bootstrap_difference(
    events_a: npt.ArrayLike,
    trials_a: npt.ArrayLike,
    events_b: npt.ArrayLike,
    trials_b: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    resamples: int,
    confidence: float,
    simultaneous: float | None = None,
    rng: np.random.Generator,
) -> tuple[Bootstrap | None, Bootstrap | None]:
    """Percentile bootstrap of whole clusters for the difference of two ratios, a minus b.

    Parameters
    ----------
    events_a, trials_a, events_b, trials_b, weight : array_like, shape (m,)
        Events and trials of both ratios in each kind of cluster, and the number of clusters of
        that kind. Independent records have at most nine kinds.
    resamples : int
        Number of resamples, at least 1.
    confidence : float
        Two-sided coverage of the first interval.
    simultaneous : float, optional
        Two-sided coverage of a second interval from the same draws.
    rng : numpy.random.Generator
        Source of the draws, such as `generator` returns.

    Returns
    -------
    tuple of (Bootstrap or None, Bootstrap or None)
        At `confidence` and at `simultaneous` (None if not asked for). None where the difference
        cannot vary or a ratio has no trials; where only one of the ratios cannot vary, its
        uncertainty is missing from the interval.

    Raises
    ------
    UsageError
        If the arrays do not match or an option is out of range.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Examples
    --------
    >>> one, joint = bootstrap_difference(
    ...     [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [40, 60, 70, 30],
    ...     resamples=2000, confidence=0.95, simultaneous=0.99, rng=generator(1),
    ... )
    >>> round(one.low, 1), round(one.high, 1), joint.low < one.low < one.high < joint.high
    (0.2, 0.4, True)
    """
    cells, clusters = _merged(weight, events_a, trials_a, events_b, trials_b)
    levels = [confidence] if simultaneous is None else [confidence, simultaneous]
    first, *second = _bootstrap(cells, clusters, levels, resamples, rng)
    return first, second[0] if second else None


def _bootstrap(
    cells: Floats,
    clusters: Ints,
    levels: list[float],
    resamples: int,
    rng: np.random.Generator,
) -> list[Bootstrap | None]:
    check_at_least_one("resamples", resamples)
    z = [normal_quantile(level) for level in levels]  # checks the levels
    nothing: list[Bootstrap | None] = [None] * len(levels)
    observed = clusters @ cells
    if not observed[1::2].all():
        return nothing
    deviations = cells[:, ::2] - cells[:, 1::2] * observed[::2] / observed[1::2]
    influence = _contrast(deviations / observed[1::2])
    used = float(clusters[cells[:, 1::2].any(axis=1)].sum())
    if used < 2 or not influence.any():
        return nothing
    if len(cells) <= MAX_CELLS:
        drawn = np.concatenate(list(_draws(cells, clusters, resamples, rng)))
        return [percentile_interval(drawn, level) for level in levels]
    estimate = float(_contrast(observed[::2] / observed[1::2]))
    error = sqrt(used / (used - 1) * float(clusters @ influence**2))
    floor = 0.0 if cells.shape[1] == 2 else -1.0
    return [
        Bootstrap(
            max(floor, estimate - q * error), min(1.0, estimate + q * error), 0, "linearised", level
        )
        for q, level in zip(z, levels, strict=True)
    ]


def _draws(
    cells: Floats, clusters: Ints, resamples: int, rng: np.random.Generator
) -> Iterator[Floats]:
    total = clusters.sum()
    share = clusters / total
    # A drawn count takes eight bytes as an integer and eight more as a float.
    block = max(1, _BLOCK_BYTES // (16 * len(cells)))
    for start in range(0, resamples, block):
        counts = rng.multinomial(total, share, size=min(block, resamples - start))
        sums = counts.astype(np.float64) @ cells  # whole numbers would miss the fast product
        events, trials = sums[:, ::2], sums[:, 1::2]
        if not trials.all():
            kept = trials.all(axis=1)
            events, trials = events[kept], trials[kept]
        yield _contrast(events / trials)


def percentile_interval(drawn: Floats, confidence: float) -> Bootstrap | None:
    """Return the interval between two percentiles of what was drawn; None where it has no width."""
    if len(drawn) == 0:
        return None
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    if low == high:
        return None
    return Bootstrap(low, high, len(drawn), "percentile", confidence)


def _contrast(values: Floats) -> Floats:
    """Return the only column, or the first minus the second."""
    difference: Floats = values[..., 0] if values.shape[-1] == 1 else -np.diff(values)[..., 0]
    return difference


def _merged(weight: npt.ArrayLike, *columns: npt.ArrayLike) -> tuple[Floats, Ints]:
    # Equal kinds become one and stand in one order, so that a draw does not depend on the caller's.
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    clusters = np.asarray(weight).astype(np.int64)
    if any(array.ndim != 1 or array.shape != clusters.shape for array in arrays):
        shapes = ", ".join(str(array.shape) for array in [*arrays, clusters])
        raise UsageError(f"Counts of clusters must be 1-d and of equal length; shapes: {shapes}.")
    cells = np.column_stack(arrays)[clusters > 0]
    clusters = clusters[clusters > 0]
    order = np.lexsort(cells.T[::-1])
    cells, clusters = cells[order], clusters[order]
    if len(cells) == 0:
        return cells, clusters
    first = np.append(True, np.diff(cells, axis=0).any(axis=1)).nonzero()[0]
    return cells[first], np.add.reduceat(clusters, first)
