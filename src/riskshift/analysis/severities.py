"""Severities of the patterns, known within bounds, and what may be true of them.

A side's severity is at least its highest known label, and at most the top if any label of the side
is missing. Whether a record belongs to a denominator, and whether the event happened, is known
where it holds at every severity within the bounds, or at none; else several things are possible.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts
from riskshift.refusal import REFUSED
from riskshift.written import MISSING, RELEVANCE

# The highest value of what is said beside severities.
_TOPS: Final = {"benign": 1, "relevance": len(RELEVANCE), "refusal": REFUSED}
OUTSIDE: Final = 1
NO: Final = 2
YES: Final = 4


@dataclass(frozen=True, slots=True)
class Severity:
    """One severity of each pattern.

    Parameters
    ----------
    low, high : ndarray of int
        The least and the most it can be.
    complete : ndarray of bool
        Whether all labels it needs are there.
    """

    low: IntArray
    high: IntArray
    complete: BoolArray

    @classmethod
    def highest(cls, labels: IntArray, top: int) -> "Severity":
        """Take the highest of some labels, -1 where missing; shape (patterns, labels)."""
        complete = (labels != MISSING).all(axis=1)
        low = labels.max(axis=1, initial=0)
        return cls(low, np.where(complete, low, top), complete)

    @property
    def value(self) -> IntArray:
        """The severity where it is known, whatever labels are missing; else -1."""
        return np.where(self.low == self.high, self.low, MISSING)

    @property
    def of_complete(self) -> IntArray:
        """The severity where all labels are there; else -1.

        A severe record is known more often than a mild one, whatever labels are missing, so shares
        and means of what is merely known are too high.
        """
        return np.where(self.complete, self.low, MISSING)

    def at_least(self, level: int) -> NDArray[np.int8]:
        """Tell where the severity is `level` or more: 1 yes, 0 no, -1 not known."""
        known = np.where(self.high < level, 0, -1)
        return np.where(self.low >= level, 1, known).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Values:
    """Severities of which a metric speaks, all of them known.

    Parameters
    ----------
    p, r : ndarray of int
        The highest of the prompt and of the response.
    p_c, r_c : ndarray of int
        In one category.
    benign : ndarray of int
        1 where the benchmark itself calls the prompt benign, else 0.
    relevance : ndarray of int
        1 off-topic, 2 partial, 3 on task.
    refusal : ndarray of int
        0 complied, 1 partial, 2 refused.
    h, top, refused_from : int
        Where harm begins, the highest level, and from which level on a response counts as refused.
    """

    p: IntArray
    r: IntArray
    p_c: IntArray
    r_c: IntArray
    benign: IntArray
    relevance: IntArray
    refusal: IntArray
    h: int
    top: int
    refused_from: int

    @property
    def refused(self) -> BoolArray:
        """Where the response refuses."""
        return np.asarray(self.refusal >= self.refused_from)


Condition = Callable[[Values], BoolArray]


@dataclass(frozen=True, slots=True)
class Answers:
    """What is possible of each pattern: outside the denominator, inside it, with the event.

    Parameters
    ----------
    possible : ndarray of uint8, shape (patterns,)
        The sum of `OUTSIDE`, `NO` (inside, without the event) and `YES`, as far as possible.
    complete : ndarray of bool, shape (patterns,)
        Whether all labels that the question needs are there.
    """

    possible: NDArray[np.uint8]
    complete: BoolArray

    @property
    def known(self) -> BoolArray:
        """Where only one thing is possible."""
        return np.isin(self.possible, (OUTSIDE, NO, YES))

    @property
    def whole(self) -> bool:
        """Whether all is known, whatever labels are missing."""
        return bool(self.known.all())

    @property
    def unknown(self) -> BoolArray:
        """Where missing labels leave something open."""
        return ~self.known

    @property
    def counted(self) -> tuple[BoolArray, BoolArray]:
        """Which patterns belong to the denominator, and in which of them the event happened.

        All of them where all is known; else those with all labels: under labels missing at random
        a severe record is known more often than a mild one, and must not be counted for that.
        """
        taken = np.ones_like(self.complete) if self.whole else self.complete
        happened = taken & (self.possible == YES)
        return happened | (taken & (self.possible == NO)), happened

    def settled(self, *, high: bool) -> tuple[BoolArray, BoolArray]:
        """As `counted`, with the unknown taken so that the rate is as high, or as low, as it can be."""
        may_yes, may_no, may_out = (
            (self.possible & bit).astype(bool) for bit in (YES, NO, OUTSIDE)
        )
        if high:
            return may_yes | ~may_out, may_yes
        return may_no | ~may_out, ~may_no & ~may_out


class Severities:
    """Prompt and response severity, over all categories and in each.

    Parameters
    ----------
    counts : Counts
        The patterns.
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.harmful_from = counts.taxonomy.harmful_from
        self.top = counts.taxonomy.top
        self.prompt = Severity.highest(counts.prompt, self.top)
        self.response = Severity.highest(counts.response, self.top)

    def prompt_in(self, category: int) -> Severity:
        """Return the prompt's severity in one category."""
        return Severity.highest(self.counts.prompt[:, [category]], self.top)

    def response_in(self, category: int) -> Severity:
        """Return the response's severity in one category."""
        return Severity.highest(self.counts.response[:, [category]], self.top)

    def ask(
        self, event: Condition, given: Condition, needs: Sequence[str], category: int = 0
    ) -> Answers:
        """Tell what is possible of each pattern.

        Parameters
        ----------
        event, given : callable
            From `Values` to whether the event happened, and whether it is in the denominator.
        needs : sequence of {"p", "r", "p_c", "r_c", "benign", "relevance", "refusal"}
            The values that these look at.
        category : int
            Position of the category of ``p_c`` and ``r_c``.
        """
        bounds = {name: self._bounds(name, category, needs) for name in needs}
        sizes = [_TOPS.get(name, self.top) + 1 for name in needs]
        axes = dict(zip(needs, np.indices(sizes), strict=True))
        if {"p", "p_c"} <= set(needs):  # p stands for the other categories there
            axes["p"] = np.maximum(axes["p"], axes["p_c"])
        nothing = np.zeros(sizes, dtype=np.int64)
        values = Values(
            **{name: axes.get(name, nothing) for name in ("p", "r", "p_c", "r_c", *_TOPS)},
            h=self.harmful_from,
            top=self.top,
            refused_from=self.counts.taxonomy.refusal.refused_from,
        )
        inside = np.where(event(values), YES, NO)
        state = np.where(given(values), inside, OUTSIDE).astype(np.uint8)
        complete = np.all([held.complete for held in bounds.values()], axis=0)
        return Answers(_possible(state, list(bounds.values())), complete)

    def _bounds(self, name: str, category: int, needs: Sequence[str]) -> Severity:
        counts = self.counts
        if name in _TOPS:
            held: IntArray | None = getattr(counts, name)
            labels = np.full(len(counts.n), MISSING) if held is None else held
            return Severity.highest(labels[:, None], _TOPS[name])
        if name in ("p_c", "r_c"):
            return self.prompt_in(category) if name == "p_c" else self.response_in(category)
        if name == "p" and "p_c" in needs:
            return Severity.highest(np.delete(counts.prompt, category, axis=1), self.top)
        return self.prompt if name == "p" else self.response


def _possible(state: NDArray[np.uint8], bounds: Sequence[Severity]) -> NDArray[np.uint8]:
    """Join the states at all values within the bounds of each pattern."""
    key = np.zeros(len(bounds[0].low), dtype=np.int64)
    for held, size in zip(bounds, state.shape, strict=True):
        key = (key * size + held.low) * size + held.high
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    boxes = [tuple(slice(b.low[at], b.high[at] + 1) for b in bounds) for at in first]
    found = [np.bitwise_or.reduce(state[box], axis=None) for box in boxes]
    return np.array(found, dtype=np.uint8)[inverse.ravel()]
