"""Differences of differences: does the change between two models depend on a group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.comparison.differences import paired_interval
from riskshift.analysis.comparison.matching import Matching, Outcomes
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain, Signed
from riskshift.analysis.rates import Settings
from riskshift.stats.joint import cautious_correlation
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval, mover_difference

MOST_PAIRED: Final = 6


@dataclass(frozen=True, slots=True)
class GroupDifference(Plain):
    """Candidate minus baseline within one group.

    Parameters
    ----------
    metric : str
        What is compared.
    group : str
        Value of the grouping column.
    baseline, candidate : str
        The models.
    prompts : int
        Prompts that both answered.
    difference : float or None
        None without such prompts.
    interval : Interval or None
        Of the difference.
    missing : int
        Records on these prompts of which missing labels leave something open.
    worst_case : (float, float) or None
        The lowest and highest difference that the missing labels allow; None if all is known.
    """

    metric: str
    group: str
    baseline: str
    candidate: str
    prompts: int
    difference: float | None
    interval: Interval | None
    missing: int = 0
    worst_case: tuple[Signed, Signed] | None = None

    shape: ClassVar[str] = (
        "metric group baseline candidate prompts difference interval "
        "worst_case?(low=worst_case.0 high=worst_case.1 missing)"
    )


@dataclass(frozen=True, slots=True)
class DifferenceOfDifferences(Plain):
    """How much more the candidate differs from the baseline in one group than in another.

    Parameters
    ----------
    metric : str
        What is compared.
    baseline, candidate : str
        The models.
    a, b : str
        The groups; the value is a's difference minus b's.
    estimate : float
        Point estimate.
    interval : Interval
        MOVER from the two paired intervals, for this pair of groups alone.
    simultaneous : Interval
        The same for all pairs of groups at once.
    """

    metric: str
    baseline: str
    candidate: str
    a: str
    b: str
    estimate: float
    interval: Interval
    simultaneous: Interval


@dataclass(frozen=True, slots=True)
class Interaction(Plain):
    """Differences by group, and how they differ.

    Parameters
    ----------
    column : str
        The grouping column.
    differences : tuple of GroupDifference
        Within each group.
    contrasts : tuple of DifferenceOfDifferences
        Between groups: every pair of up to six, else each against the first.
    """

    column: str
    differences: tuple[GroupDifference, ...]
    contrasts: tuple[DifferenceOfDifferences, ...]


def interaction(
    matching: Matching,
    column: str,
    groups: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    positions: dict[tuple[str, str], int],
    choices: Sequence[Choice],
    settings: Settings,
) -> Interaction:
    """Compare the difference of two models between groups.

    Parameters
    ----------
    matching : Matching
        Over (model, group) combinations.
    column : str
        What the groups are values of.
    groups : sequence of str
        The groups.
    pairs : sequence of (str, str)
        Baseline and candidate models.
    positions : dict of (str, str) to int
        Where each (model, group) stands in the matching.
    choices : sequence of Choice
        The metrics.
    settings : Settings
        How to estimate.

    Returns
    -------
    Interaction

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    """
    between = (
        list(combinations(groups, 2))
        if len(groups) <= MOST_PAIRED
        else [(g, groups[0]) for g in groups[1:]]
    )
    differences, contrasts = [], []
    for choice in choices:
        outcomes = matching.outcomes(choice)
        for baseline, candidate in pairs:
            at = {
                group: (positions[candidate, group], positions[baseline, group])
                for group in groups
                if (candidate, group) in positions and (baseline, group) in positions
            }
            found = {group: _within(outcomes, *at[group], settings.confidence) for group in at}
            for group, (prompts, estimate, interval) in found.items():
                item = GroupDifference(
                    choice.label, group, baseline, candidate, prompts, estimate, interval
                )
                item = _with_ends(item, matching, choice, *at[group])
                differences.append(item)
            for a, b in between:
                if a in at and b in at:
                    made = _between(outcomes, at[a], at[b], settings, len(between))
                    if made is not None:
                        contrasts.append(
                            DifferenceOfDifferences(choice.label, baseline, candidate, a, b, *made)
                        )
    return Interaction(column, tuple(differences), tuple(contrasts))


def _with_ends(
    item: GroupDifference, matching: Matching, choice: Choice, candidate: int, baseline: int
) -> GroupDifference:
    _, missing = matching.lacking(choice, candidate, baseline)
    if not missing:
        return item
    low, high = (
        matching.extreme(choice, candidate, baseline, high=high).difference
        for high in (False, True)
    )
    return replace(item, missing=missing, worst_case=(low, high))


def _within(
    outcomes: Outcomes, candidate: int, baseline: int, confidence: float
) -> tuple[int, float | None, Interval | None]:
    cells = outcomes.pair(candidate, baseline)
    if not cells.prompts:
        return 0, None, None
    both, more, less, neither = (float(cells.weight @ part) for part in cells.crossed)
    estimate = (more - less) / (both + more + less + neither)
    return cells.prompts, estimate, paired_interval(cells, confidence)[0]


def _between(
    outcomes: Outcomes, a: tuple[int, int], b: tuple[int, int], settings: Settings, family: int
) -> tuple[float, Interval, Interval] | None:
    made: list[tuple[float, Interval]] = []
    correlation = None
    for confidence in (settings.confidence, bonferroni(settings.confidence, family)):
        _, d_a, i_a = _within(outcomes, *a, confidence)
        _, d_b, i_b = _within(outcomes, *b, confidence)
        if d_a is None or d_b is None or i_a is None or i_b is None:
            return None
        if correlation is None:
            correlation = _correlation(outcomes, a, b)
        made.append((d_a - d_b, mover_difference(d_a, i_a, d_b, i_b, correlation=correlation)))
    return made[0][0], made[0][1], made[1][1]


def _correlation(outcomes: Outcomes, a: tuple[int, int], b: tuple[int, int]) -> float:
    """Return the correlation of two differences that share prompts, with caution."""
    parts: list[NDArray[Any]] = []
    for candidate, baseline in (a, b):
        n_c, n_b = outcomes.trials[:, candidate], outcomes.trials[:, baseline]
        there = (n_c > 0) & (n_b > 0)
        size = np.where(there, np.minimum(n_c, n_b), 0)  # as in PairCells.pairs
        gain = np.where(
            there,
            outcomes.events[:, candidate] / np.maximum(n_c, 1)
            - outcomes.events[:, baseline] / np.maximum(n_b, 1),
            0.0,
        )
        parts += [gain * size, size]
    first, size_a, second, size_b = parts
    return cautious_correlation(first, size_a, second, size_b, outcomes.weight, least=-1.0)
