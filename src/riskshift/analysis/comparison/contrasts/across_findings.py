"""What differences across categories say, and what they cannot say, in plain words."""

from collections.abc import Iterator, Sequence
from typing import Final

from riskshift.analysis.comparison.contrasts.across import CategoryContrast
from riskshift.analysis.comparison.differences import PairedDifference
from riskshift.analysis.words import counted, enumerate_words, points, points_range
from riskshift.stats.clusters.joint import ENOUGH
from riskshift.stats.proportion import Interval

MOST_TOLD: Final = 3


def across_headline(contrasts: Sequence[CategoryContrast] | None) -> Iterator[str]:
    """Say the largest differences across categories, or that none is sure."""
    if contrasts is None:
        return
    clear = sorted((c for c in contrasts if c.distinguishable), key=lambda c: -abs(c.estimate))
    yield from map(contrast_sentence, clear[:MOST_TOLD])
    if len(clear) > MOST_TOLD:
        more = counted(len(clear) - MOST_TOLD, "further difference")
        yield f"{more} between categories {'is' if len(clear) == MOST_TOLD + 1 else 'are'} sure."
    told = [c for c in contrasts if c.enough]
    if not clear and told:
        metrics = enumerate_words(list(dict.fromkeys(c.metric for c in told)))
        yield (
            f"That {metrics} changes more in one category than in another is not settled for any two categories: "
            f"{counted(len(told), 'comparison')}, all at once."
        )
    if not told:
        yield (
            "No two categories have enough prompts that both models answered to compare how they change (either "
            f"needs {ENOUGH})."
        )


def contrast_sentence(item: CategoryContrast) -> str:
    """Say whether one category changes more than another.

    Examples
    --------
    >>> wide = Interval(-0.2, -0.04, "mover-tango", 0.95)
    >>> models, sizes = ("old", "new"), (200, 100)
    >>> contrast_sentence(
    ...     CategoryContrast(
    ...         "persistence", *models, "hate", "violence", *sizes, -0.15, -0.03, wide, wide, True
    ...     )
    ... )
    'Against old, new lowers persistence in hate by 12.0 points more than in violence: -15.0 against -3.0 points, \
difference -12.0 (-20.0 to -4.0).'
    """
    # Told first is the category that changes most, or the one that falls.
    low, high = sorted((item.difference_a, item.difference_b))
    first = min if low + high <= 0 else max
    turned = first(item.difference_a, item.difference_b) != item.difference_a
    a, b = (item.b, item.a) if turned else (item.a, item.b)
    seen = _seen(item, turned=turned)
    if not item.enough:
        return (
            f"Whether {item.candidate} changes {item.metric} more in {a} than in {b}, against {item.baseline}, cannot "
            f"be told: there are {item.prompts_a:,} prompts in {item.a} and {item.prompts_b:,} in {item.b}, and either "
            f"must tell as much as {ENOUGH}."
        )
    if not item.distinguishable:
        return (
            f"Whether {item.candidate} changes {item.metric} more in {a} than in {b}, against {item.baseline}, is not "
            f"settled: {seen}.{_by_labels(item)}"
        )
    start, apart = f"Against {item.baseline}, {item.candidate}", points(abs(item.estimate))[1:]
    if low < 0 < high:
        return f"{start} changes {item.metric} in {a} and in {b} by {apart} points differently: {seen}."
    verb = "lowers" if low < 0 else "raises"
    return f"{start} {verb} {item.metric} in {a} by {apart} points more than in {b}: {seen}."


def _seen(item: CategoryContrast, *, turned: bool) -> str:
    held, sign = item.simultaneous, -1 if turned else 1
    low, high = sorted((sign * held.low, sign * held.high))
    both = [points(item.difference_a), points(item.difference_b)][::sign]
    spread = points_range(Interval(low, high, held.method, held.confidence))
    return (
        f"{both[0]} against {both[1]} points, difference {points(sign * item.estimate)} ({spread})"
    )


def _by_labels(item: CategoryContrast) -> str:
    """Say that labels are wanting, where they alone leave it open."""
    held = item.simultaneous
    if item.worst_case is None or held.low <= 0 <= held.high:
        return ""
    low, high = map(points, item.worst_case)
    return f" The missing labels allow {low} to {high} points between {item.a} and {item.b}. Label them."


def about_across(
    contrasts: Sequence[CategoryContrast] | None,
    differences: Sequence[PairedDifference],
    *,
    corrected: bool,
) -> Iterator[str]:
    """Say what differences across categories do not tell."""
    if contrasts is None:
        return
    yield (
        "That a model changes one category more than another may come from the prompts in them. Where a rate was "
        "low there was less to lower."
    )
    if corrected:
        yield "The differences across categories are by the grader's labels alone."
    few = [c for c in contrasts if not c.enough]
    if few:
        yield (
            f"{counted(len(few), 'comparison')} of categories {'rests' if len(few) == 1 else 'rest'} on fewer than "
            f"{ENOUGH} prompts, or on answers that tell no more, and {'is' if len(few) == 1 else 'are'} not judged."
        )
    metrics = {c.metric for c in contrasts}
    empty = [d.metric for d in differences if not d.prompts and d.metric.split("[")[0] in metrics]
    if empty:
        names = enumerate_words(list(dict.fromkeys(empty)))
        yield f"No prompt that two models answered counts for {names}, so nothing is compared with it."
    open_ = [c for c in contrasts if c.worst_case is not None]
    if open_:
        most = max(c.missing for c in open_)
        yield (
            f"Labels are missing in {counted(most, 'record')} or fewer of two categories: a difference between them is "
            "called sure only where no value of the missing labels could turn it."
        )
