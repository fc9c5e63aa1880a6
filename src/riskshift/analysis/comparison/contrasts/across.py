"""Differences across categories: does the candidate change one category more than another."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import ClassVar

from riskshift.analysis.comparison.contrasts.gaps import Gap, joined
from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain, Signed
from riskshift.analysis.rates import Settings
from riskshift.errors import UsageError, listing
from riskshift.stats.clusters.joint import ENOUGH
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class CategoryContrast(Plain):
    """How much more the candidate differs from the baseline in one category than in another.

    Parameters
    ----------
    metric : str
        What is compared, such as ``persistence``.
    baseline, candidate : str
        The models.
    a, b : str
        The categories; the estimate is a's difference minus b's.
    prompts_a, prompts_b : int
        Prompts of either category's denominator that both models answered.
    difference_a, difference_b : float
        Candidate minus baseline in either category.
    interval : Interval
        MOVER from the two paired intervals, for this pair of categories and of models alone.
    simultaneous : Interval
        The same for all pairs of categories and of models at once.
    enough : bool
        Whether both differences rest on at least `ENOUGH` prompts (effective ones where prompts
        have several answers).
    missing : int
        Records on shared prompts of which missing labels leave something open, in a and in b.
    worst_case : (float, float) or None
        The lowest and highest estimate that the missing labels allow; None if all is known.
    ends : tuple of Interval
        Simultaneous intervals at these; empty if all is known.
    """

    metric: str
    baseline: str
    candidate: str
    a: str
    b: str
    prompts_a: int
    prompts_b: int
    difference_a: Signed
    difference_b: Signed
    interval: Interval
    simultaneous: Interval
    enough: bool
    missing: int = 0
    worst_case: tuple[float, float] | None = None
    ends: tuple[Interval, ...] = ()

    shape: ClassVar[str] = (
        "metric baseline candidate a b prompts_a prompts_b difference_a difference_b estimate "
        "interval simultaneous enough distinguishable "
        "worst_case?(low=worst_case.0 high=worst_case.1 missing)"
    )

    @property
    def estimate(self) -> float:
        """The difference in a minus the difference in b."""
        return self.difference_a - self.difference_b

    @property
    def apart(self) -> bool:
        """Whether the simultaneous interval leaves out zero, whatever the missing labels are."""
        held = (self.simultaneous, *self.ends)
        return all(end.low > 0 for end in held) or all(end.high < 0 for end in held)

    @property
    def distinguishable(self) -> bool:
        """Whether there is enough to tell, and zero is left out whatever the missing labels are."""
        return self.enough and self.apart


@dataclass(frozen=True, slots=True)
class _Side:
    """The difference in one category: as it is known, at its lowest and at its highest."""

    category: str
    known: Gap
    lowest: Gap
    highest: Gap
    missing: int


def across_categories(
    matching: Matching,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    settings: Settings,
) -> list[CategoryContrast]:
    """Compare the difference of two models between categories.

    Parameters
    ----------
    matching : Matching
        Models on the same prompts.
    pairs : sequence of (int, int)
        Positions of baseline and candidate.
    choices : sequence of Choice
        Metrics whose denominator looks at the prompt alone; those of several categories count.
    settings : Settings
        How to estimate.

    Returns
    -------
    list of CategoryContrast
        Metric by metric and pair by pair of models, for every two categories in which both models
        answered a prompt. Family of the simultaneous intervals: all of one metric.

    Raises
    ------
    UsageError
        If no metric is asked of two categories.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    """
    metrics: dict[str, list[Choice]] = {}
    for choice in choices:
        if choice.category is not None:
            metrics.setdefault(choice.metric.name, []).append(choice)
    asked = {name: of for name, of in metrics.items() if len(of) > 1}
    if not asked:
        raise UsageError(
            f"across categories: none of {listing(choice.label for choice in choices)} is asked of two categories. "
            "Compare a metric of categories in all of them, such as persistence."
        )
    made: list[CategoryContrast] = []
    for name, of in asked.items():
        sides = {pair: _sides(matching, of, pair) for pair in pairs}
        family = sum(comb(len(held), 2) for held in sides.values())
        for (baseline, candidate), held in sides.items():
            models = matching.names[baseline], matching.names[candidate]
            made += [
                _contrast(name, models, a, b, settings, family) for a, b in combinations(held, 2)
            ]
    return made


def _sides(matching: Matching, choices: Sequence[Choice], pair: tuple[int, int]) -> list[_Side]:
    """Take the differences of a pair of models, in the categories where there is one."""
    baseline, candidate = pair
    sides = []
    for choice in choices:
        known = Gap(matching.outcomes(choice), candidate, baseline)
        if not known.prompts:
            continue
        incomplete, missing = matching.lacking(choice, candidate, baseline)
        lowest = highest = known
        if incomplete:
            lowest, highest = (
                Gap(matching.extremes(choice, candidate, baseline, high=high), 0, 1)
                for high in (False, True)
            )
        # Where labels are missing that leave nothing open, either end is what is known.
        known = known if missing else lowest
        sides.append(_Side(str(choice.category), known, lowest, highest, missing))
    return sides


def _contrast(
    metric: str, models: tuple[str, str], a: _Side, b: _Side, settings: Settings, family: int
) -> CategoryContrast:
    wide = bonferroni(settings.confidence, family)
    (held_a, size_a), (held_b, size_b) = (
        side.known.interval(settings.confidence) for side in (a, b)
    )
    worst: tuple[float, float] | None = None
    ends: tuple[Interval, ...] = ()
    if a.missing or b.missing:
        # Each difference by itself: at least as far apart as the labels of both could be.
        corners = (a.lowest, b.highest), (a.highest, b.lowest)
        low, high = (one.difference - other.difference for one, other in corners)
        worst, ends = (low, high), tuple(_at(wide, *corner) for corner in corners)
    return CategoryContrast(
        metric,
        *models,
        a.category,
        b.category,
        a.known.prompts,
        b.known.prompts,
        a.known.difference,
        b.known.difference,
        joined(a.known, held_a, b.known, held_b),
        _at(wide, a.known, b.known),
        min(size_a, size_b) >= ENOUGH,
        a.missing + b.missing,
        worst,
        ends,
    )


def _at(confidence: float, a: Gap, b: Gap) -> Interval:
    return joined(a, a.interval(confidence)[0], b, b.interval(confidence)[0])
