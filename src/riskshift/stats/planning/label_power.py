"""How many pairs people must label so that a rate corrected by their labels is worth so much.

Nothing is simulated: the correction itself is asked what it would make of the counts that are
expected, so that a plan and what comes of it follow the same rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from riskshift.errors import UsageError
from riskshift.stats.graded.correction import Corrected, ppi_rate
from riskshift.stats.graded.graded_sample import BLANK, NO, YES
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.planning.power import trials_for_width, trials_to_fail, trials_to_pass
from riskshift.stats.proportion import Interval, clopper_pearson, wilson
from riskshift.stats.search import smallest_if_any

Floats = npt.NDArray[np.float64]

Way = Literal["alone", "random", "strata"]
WAYS: Final[tuple[Way, ...]] = ("alone", "random", "strata")
"""Drawn at random and the grader's labels not used, or used; or as many of each thing it says."""
FEWEST: Final = 2
"""Labels, of each stratum or in all, that a correction needs."""


@dataclass(frozen=True, slots=True, eq=False)
class GradedPairs:
    """Pairs that a grader labels all and people a part, and what both are assumed to say.

    Parameters
    ----------
    shares : ndarray, shape (3, 4)
        Shares of the pairs by people's state (0 outside the denominator, 1 inside without the
        event, 2 with it) and the grader's (likewise, and 3 where it leaves the pair blank).
    pairs : int
        How many the grader labels.
    deff : float, default 1
        Design effect of a rate over all of them, where they share prompts.
    confidence : float, default 0.95
        Two-sided coverage of the interval wanted.

    Raises
    ------
    UsageError
        If the shares are none, or people find nothing inside the denominator.
    """

    shares: Floats
    pairs: int
    deff: float = 1.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.shares.shape != (3, 4) or (self.shares < 0).any():
            raise UsageError(
                "shares must be 3 states of people's by 4 of the grader's, none negative."
            )
        if not np.isclose(self.shares.sum(), 1) or not self.shares[NO:].sum():
            raise UsageError("shares must add up to 1, and not all lie outside the denominator.")

    @classmethod
    def assumed(
        cls,
        rate: float,
        *,
        sensitivity: float,
        specificity: float,
        pairs: int,
        confidence: float = 0.95,
    ) -> "GradedPairs":
        """Return pairs of which nothing is known but how good the grader is.

        Parameters
        ----------
        rate : float
            Share of pairs with the event, by people.
        sensitivity, specificity : float
            Share of these that the grader finds, and of the others that it passes.
        pairs, confidence
            As of `GradedPairs`.

        Examples
        --------
        >>> graded = GradedPairs.assumed(0.05, sensitivity=0.9, specificity=0.98, pairs=20_000)
        >>> graded.rate, [round(graded.worth(500, way)) for way in WAYS]
        (0.05, [500, 1127, 1243])
        """
        shares = np.zeros((3, 4))
        shares[NO, NO:BLANK] = (1 - rate) * specificity, (1 - rate) * (1 - specificity)
        shares[YES, NO:BLANK] = rate * (1 - sensitivity), rate * sensitivity
        return cls(shares, pairs, confidence=confidence)

    @property
    def rate(self) -> float:
        """Share of the denominator with the event, by people."""
        return float(self.shares[YES].sum() / self.shares[NO:].sum())

    def worth(self, labels: int, way: Way) -> float:
        """Return how many independent pairs of the denominator tell as much as the rate then known.

        Parameters
        ----------
        labels : int
            Pairs that people label, at most all.
        way : {"alone", "random", "strata"}
            Drawn at random and the grader's labels not used, or used; or as many drawn of each thing
            that the grader says.

        Returns
        -------
        float
            0 where too few labels can correct nothing.

        Notes
        -----
        Of P pairs in clusters with a design effect D, n taken at random have the design effect
        ``1 + (D - 1) n / P``, for a pair has so many fewer others of its cluster beside it; and
        the P pairs of the grader tell as much as P / D.
        """
        if way == "alone":
            return self._apart(labels, self.pairs) * float(self.shares[NO:].sum())
        made = self._at_random(labels) if way == "random" else self._by_strata(labels)
        return 0.0 if made is None else made.effective_n

    def labels_for_width(self, width: float, way: Way) -> int | None:
        """Return the fewest labels with which the interval is at most so wide, all being as assumed.

        Parameters
        ----------
        width : float
            Distance between the ends.
        way
            As of `worth`.

        Returns
        -------
        int or None
            None where all the graded pairs do not suffice.

        Examples
        --------
        >>> graded = GradedPairs.assumed(0.05, sensitivity=0.9, specificity=0.98, pairs=20_000)
        >>> [graded.labels_for_width(0.02, way) for way in WAYS]
        [1838, 804, 680]
        """
        return self._for(trials_for_width(self.rate, width, confidence=self.confidence), way)

    def labels_for_rule(self, tolerance: float, way: Way, *, power: float = 0.8) -> int | None:
        """Return the fewest labels with which a gate on the corrected rate reaches its verdict.

        Parameters
        ----------
        tolerance : float
            The gate passes if the upper end is at most this, and fails if the lower is above.
            The rate assumed says which is due; it is not the tolerance itself.
        way
            As of `worth`.
        power : float, default 0.8
            Chance wanted of the verdict.

        Returns
        -------
        int or None
            None where all the graded pairs do not suffice.

        Notes
        -----
        At random, the corrected rate is as good as that of `worth` independent pairs, whose gate has
        an exact power. By strata the rates of the strata are moved, together and as far as they go
        with the chance 1 - `power`, to where the verdict is hardest (the most likely such point of
        normal rates), and the interval there must still give it.

        Examples
        --------
        >>> graded = GradedPairs.assumed(0.03, sensitivity=0.9, specificity=0.98, pairs=20_000)
        >>> graded.labels_for_rule(0.05, "random")
        475
        """
        failing = self.rate > tolerance
        if way != "strata":
            trials = trials_to_fail if failing else trials_to_pass
            needed = trials(self.rate, tolerance, confidence=self.confidence, power=power)
            return self._for(needed, way)
        reach = float(ndtri(power)) * (-1 if failing else 1)

        def settled(labels: int) -> bool:
            made = self._by_strata(labels, moved=reach, method=clopper_pearson)
            if made is None:
                return False
            return made.interval.low > tolerance if failing else made.interval.high <= tolerance

        near = self.labels_for_rule(tolerance, "random", power=power) or self.pairs
        return smallest_if_any(settled, FEWEST, self.pairs, near=near)

    def _for(self, independent: int | None, way: Way) -> int | None:
        if independent is None:
            return None
        return smallest_if_any(
            lambda labels: self.worth(labels, way) >= independent,
            FEWEST,
            self.pairs,
            near=independent,
        )

    def _apart(self, labels: float, pairs: float) -> float:
        """Return how many independent pairs some of many are worth, drawn at random."""
        return labels / (1 + (self.deff - 1) * labels / pairs) if labels else 0.0

    def _at_random(self, labels: int) -> Corrected | None:
        people, grader = np.divmod(np.arange(12), 4)
        table, rest = np.zeros((16, 3, 4)), np.zeros((16, 4))
        table[np.arange(12), people, grader] = 1
        rest[12 + np.arange(4), np.arange(4)] = 1
        held = self._apart(labels, self.pairs)
        others = self.pairs / self.deff - held if labels < self.pairs else 0.0
        weight = np.concatenate([held * self.shares.ravel(), others * self.shares.sum(axis=0)])
        return ppi_rate(table, rest, weight, confidence=self.confidence)

    def _by_strata(
        self, labels: int, *, moved: float = 0.0, method: Callable[..., Interval] = wilson
    ) -> Corrected | None:
        """Correct what is expected, or what is so many standard errors above."""
        of = self.shares.sum(axis=0)
        held = np.flatnonzero(of)
        sizes = self.pairs * of[held]
        drawn = equal_shares(labels, sizes)
        if (drawn < np.minimum(FEWEST, sizes)).any():
            return None
        worth = np.array([self._apart(n, size) for n, size in zip(drawn, sizes, strict=True)])
        seen = worth * _moved(self.shares[:, held], worth / of[held], moved) / of[held]
        kinds = len(held)
        own = np.arange(kinds)
        table, pairs = np.zeros((4, kinds, kinds, 3)), np.zeros((4, kinds, kinds))
        for state in range(3):
            table[state, own, own, state] = 1
        pairs[:, own, own] = 1
        weight = np.concatenate([*seen, np.maximum(sizes / self.deff - worth, 0.0)])
        every = table.reshape(-1, kinds, 3)
        if not (self.shares[0].any() or of[0]):
            every = every[:, :, NO:]
        return stratified_rate(
            every, pairs.reshape(-1, kinds), weight, confidence=self.confidence, method=method
        )


def _moved(shares: Floats, labels_a_share: Floats, by: float) -> Floats:
    """Move events so that the rate is `by` standard errors higher, in the most likely way."""
    inside = shares[NO:].sum(axis=0)
    rate = np.divide(shares[YES], inside, out=np.zeros_like(inside), where=inside > 0)
    # Of what a stratum adds to the rate: its variance, by its labels inside the denominator.
    variance = inside * rate * (1 - rate) / labels_a_share
    events, free = shares[YES].copy(), variance > 0
    while free.any():
        total = variance[free].sum()
        # Half a label further, since events are whole.
        step = by / np.sqrt(total) + np.sign(by) * 0.5 / labels_a_share / total
        to = shares[YES] + step * variance
        beyond = free & ((to < 0) | (to > inside))
        if not beyond.any():
            events[free] = to[free]
            break
        # What would be moved out of its range stays at its end, and the others move by themselves.
        events[beyond] = np.clip(to, 0.0, inside)[beyond]
        free &= ~beyond
    moved = shares.copy()
    moved[YES], moved[NO] = events, inside - events
    return moved


def equal_shares(labels: float, sizes: Floats) -> Floats:
    """Share labels out equally; what does not fit into a stratum goes to the others.

    Examples
    --------
    >>> equal_shares(100, np.array([960.0, 40.0])).tolist()
    [60.0, 40.0]
    """
    given = np.zeros(len(sizes))
    left = float(labels)
    for rank, at in enumerate(np.argsort(sizes)):
        given[at] = min(float(sizes[at]), left / (len(sizes) - rank))
        left -= given[at]
    return given
