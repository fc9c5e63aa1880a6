"""Which pairs people should label, and how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar, Final

from riskshift.analysis.plain import Plain
from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.stats.planning.power import trials_for_width
from riskshift.stats.search import MOST_TRIALS

ALLOCATIONS: Final = ("equal", "proportional")
LEAST: Final = 2
"""Labels that a stratum needs at least: one alone shows no spread."""
CORRELATIONS: Final = (0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True)
class Drawn(Plain):
    """Pairs drawn from one stratum, or from all pairs.

    Parameters
    ----------
    name : str
        Such as ``escalation: yes``; empty where the sample is not stratified.
    pairs : int
        How many there are.
    drawn : int
        How many were drawn.
    """

    name: str
    pairs: int
    drawn: int

    shape: ClassVar[str] = "name pairs drawn probability"

    @property
    def probability(self) -> float:
        """Chance of each pair to be drawn."""
        return self.drawn / self.pairs


def check_allocation(allocation: str) -> None:
    """Refuse a way of sharing out labels that does not exist."""
    if allocation not in ALLOCATIONS:
        raise unknown_choice("allocation", allocation, ALLOCATIONS)


def allocate(n: int, sizes: Mapping[str, int], allocation: str = "equal") -> dict[str, int]:
    """Share a number of labels out among strata.

    Parameters
    ----------
    n : int
        Labels, at most the sum of the sizes.
    sizes : mapping of str to int
        Pairs in each stratum, none of them empty.
    allocation : {"equal", "proportional"}
        Equally many for each, or as its share of the pairs. Either way a stratum gets at least two
        (or all it has), and what does not fit into one goes to the others.

    Returns
    -------
    dict of str to int

    Raises
    ------
    UsageError
        If there are not enough labels for two in each stratum.

    References
    ----------
    .. [1] M. L. Balinski, H. P. Young, "Fair Representation" (1982): the method of Webster, by
       which the labels are handed out.

    Examples
    --------
    >>> allocate(100, {"no": 960, "yes": 40})
    {'no': 60, 'yes': 40}
    >>> allocate(100, {"no": 960, "yes": 40}, "proportional")
    {'no': 96, 'yes': 4}
    """
    check_allocation(allocation)
    given = {name: min(LEAST, size) for name, size in sizes.items()}
    if n < sum(given.values()):
        raise UsageError(
            f"n is {n}, and each of {len(given)} strata needs {LEAST} labels at least "
            f"({listing(f'{name}: {size:,} pairs' for name, size in sizes.items())}). Draw "
            f"{sum(given.values())} or more."
        )
    weight = {name: size if allocation == "proportional" else 1 for name, size in sizes.items()}
    for _ in range(n - sum(given.values())):
        room = [name for name, size in sizes.items() if given[name] < size]
        given[max(room, key=lambda name: weight[name] / (2 * given[name] + 1))] += 1
    return given


@dataclass(frozen=True, slots=True)
class LabelsNeeded:
    """Roughly how many pairs people must label for an interval of a wanted width.

    Parameters
    ----------
    metric : str
        What the rate is.
    width : float
        Distance wanted between the ends of the interval.
    confidence : float
        Its coverage.
    rate : float
        The rate by the grader, which people may find to be another.
    share : float
        Share of the pairs that belong to the rate's denominator, by the grader.
    pairs : int
        Graded pairs.
    alone : int or None
        Pairs to label at random if the grader's labels are not used; None if even all the graded
        pairs would not do.
    helped : tuple of (float, int or None)
        The same with the grader's help, by the correlation of its verdicts with people's.
    """

    metric: str
    width: float
    confidence: float
    rate: float
    share: float
    pairs: int
    alone: int | None
    helped: tuple[tuple[float, int | None], ...]

    def __str__(self) -> str:
        def told(n: int | None) -> str:
            return "more than there are" if n is None else f"about {n:,}"

        lines = [
            f"To know {self.metric} within an interval {100 * self.width:.3g} percentage points wide "
            f"({100 * self.confidence:g}%), of {self.pairs:,} graded pairs people must label, roughly:",
            f"  {told(self.alone)} without the grader's help;",
        ]
        lines += [
            f"  {told(n)} with it, if its verdicts correlate {correlation:g} with people's;"
            for correlation, n in self.helped
        ]
        lines[-1] = lines[-1].removesuffix(";") + "."
        lines.append(
            f"This is rough: it takes the grader's rate ({100 * self.rate:.3g}%) for the true one and pairs for "
            "independent. How good the grader is, only the labels will tell. It is for a plain random sample."
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "metric": self.metric,
            "width": self.width,
            "confidence": self.confidence,
            "rate": self.rate,
            "share": self.share,
            "pairs": self.pairs,
            "alone": self.alone,
            "helped": [{"correlation": c, "labels": n} for c, n in self.helped],
        }


def needed(
    metric: str, *, events: int, trials: int, pairs: int, width: float, confidence: float
) -> LabelsNeeded:
    """Work out how many labels a width takes.

    Parameters
    ----------
    metric : str
        What the rate is.
    events, trials, pairs : int
        The grader's events and denominator, at least 1, and how many pairs there are.
    width, confidence : float
        What is wanted.

    Returns
    -------
    LabelsNeeded

    Notes
    -----
    Of P pairs, n labelled, prediction-powered inference with the best weight divides the variance
    by ``1 / (1 - r^2 (P - n) / P)``, r being the correlation of people's and the grader's verdicts.
    """
    trials_alone = trials_for_width(events / trials, width, confidence=confidence)
    share = trials / pairs
    alone = (MOST_TRIALS if trials_alone is None else trials_alone) / share
    return LabelsNeeded(
        metric,
        width,
        confidence,
        events / trials,
        share,
        pairs,
        _at_most(alone, pairs),
        tuple((r, _at_most(_helped(alone, r, pairs), pairs)) for r in CORRELATIONS),
    )


def _helped(alone: float, correlation: float, pairs: int) -> float:
    """Solve n / (1 - r^2 (P - n) / P) = alone for n."""
    if alone >= pairs:
        return alone  # then the grader has nothing to add: all its pairs are labelled
    shared = correlation**2
    return alone * (1 - shared) / (1 - alone * shared / pairs)


def _at_most(n: float, pairs: int) -> int | None:
    whole = ceil(n - 1e-9)
    return whole if whole <= pairs else None
