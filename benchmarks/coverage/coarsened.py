"""The other candidate for rates with labels missing: maximum likelihood under coarsening at random.

What a pattern of labels lets through is a set of complete patterns. EM shares every record out over
its set, in proportion to how likely its members are, and counts anew until that settles (Little
and Rubin, "Statistical Analysis with Missing Data", 3rd ed. (2019), section 13.4). It works on the
bits that an event needs (whether each label reaches a level), and so on 2^8 complete patterns with
four categories on two sides, not on 4^8.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.stats.clusters.cluster import t_quantile
from riskshift.stats.proportion import Interval, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ROUNDS: Final = 150
SETTLED: Final = 1e-5
EMPTY: Final = 1e-6


@dataclass(frozen=True)
class Share:
    """An estimated share, and what each record moves it by."""

    value: float
    influence: Floats

    def __add__(self, other: "Share") -> "Share":
        return Share(self.value + other.value, self.influence + other.influence)

    def __sub__(self, other: "Share") -> "Share":
        return Share(self.value - other.value, self.influence - other.influence)


@dataclass(frozen=True)
class Fitted:
    """The likeliest chances of the complete patterns of some bits.

    Parameters
    ----------
    chances : ndarray, shape (2^L,)
        Of each complete pattern.
    seen : ndarray of bool, shape (2^L,)
        Which of them can be at all.
    scores : ndarray, shape (kinds, seen)
        Derivative of each observed pattern's log-likelihood by the logarithms of the chances.
    inverse, weight : ndarray
        Which observed pattern each record has, and how many records have each.
    """

    chances: Floats
    seen: Bools
    scores: Floats
    inverse: Ints
    weight: Floats

    def share(self, event: Bools) -> Share:
        """Return the chance of an event of the complete patterns."""
        value = float(self.chances @ event)
        toward = (self.chances * (event - value))[self.seen]
        information = (self.scores.T * self.weight) @ self.scores
        solved = np.linalg.pinv(information, rcond=1e-8, hermitian=True) @ toward
        return Share(value, (self.scores @ solved)[self.inverse])


def fit(bits: Ints) -> Fitted:
    """Estimate by EM; `bits` are 0, 1 or -1 where missing, shape (records, L)."""
    size = bits.shape[1]
    kinds, inverse = np.unique((bits + 1) @ 3 ** np.arange(size)[::-1], return_inverse=True)
    weight = np.bincount(inverse).astype(np.float64)
    fits = _lets_through(size)[kinds]
    chances = _independent(bits)
    for _ in range(ROUNDS):
        new = chances * ((weight / (fits @ chances)) @ fits) / len(bits)
        settled = np.abs(new - chances).max() < SETTLED
        chances = new
        if settled:
            break
    seen = chances > EMPTY
    scores = chances[seen] * (fits[:, seen] / (fits @ chances)[:, None] - 1)
    return Fitted(chances, seen, scores, inverse, weight)


def cells(size: int) -> Bools:
    """Return all complete patterns of some bits, shape (2^size, size)."""
    return np.array(list(product((False, True), repeat=size)))


@cache
def _lets_through(size: int) -> Floats:
    one = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])  # missing, 0, 1
    table = np.ones((1, 1))
    for _ in range(size):
        table = np.kron(table, one)
    return table


def _independent(bits: Ints) -> Floats:
    """Start where bits are independent, each as frequent as where it is there."""
    ones = ((bits == 1).sum(axis=0) + 0.5) / ((bits >= 0).sum(axis=0) + 1)
    return np.asarray(np.where(cells(bits.shape[1]), ones, 1 - ones).prod(axis=1))


def interval_of(event: Share, given: Share, cluster: Ints) -> tuple[float, Interval | None]:
    """Return the ratio, with Wilson's interval on as many records as its variance is worth."""
    if given.value <= EMPTY:
        return float("nan"), None
    ratio = min(1.0, max(0.0, event.value / given.value))
    moved = (event.influence - ratio * given.influence) / given.value
    sums = np.bincount(cluster, weights=moved)
    many, records = len(sums), len(cluster)
    variance = float(sums @ sums) * many / (many - 1)
    # Without any event nothing varies; the records then count as they are.
    size = ratio * (1 - ratio) / variance if sqrt(variance) > EMPTY else given.value * records
    size *= (t_quantile(records - 1, 0.95) / t_quantile(many - 1, 0.95)) ** 2
    return ratio, wilson(ratio * size, size) if size > EMPTY else None
