"""Differences of differences: does the change between two models depend on a group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar, Final

from riskshift.analysis.comparison.contrasts.gaps import Gap, joined
from riskshift.analysis.comparison.matching import Matching, Outcomes
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain, Signed
from riskshift.analysis.rates import Settings
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval

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
    gap = Gap(outcomes, candidate, baseline)
    if not gap.prompts:
        return 0, None, None
    return gap.prompts, gap.difference, gap.interval(confidence)[0]


def _between(
    outcomes: Outcomes, a: tuple[int, int], b: tuple[int, int], settings: Settings, family: int
) -> tuple[float, Interval, Interval] | None:
    first, second = Gap(outcomes, *a), Gap(outcomes, *b)
    if not (first.prompts and second.prompts):
        return None
    one, every = (
        joined(first, first.interval(level)[0], second, second.interval(level)[0])
        for level in (settings.confidence, bonferroni(settings.confidence, family))
    )
    return first.difference - second.difference, one, every
