"""What a gate found, in words that whoever decides on a release reads."""

from typing import Final

from riskshift.analysis.exposure import carried
from riskshift.analysis.gate.result import CorrectedGap, CorrectedShare, Difference, Outcome
from riskshift.analysis.gate.rules import Rule
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import counted, percent
from riskshift.stats.exposure import chance_of_any
from riskshift.stats.proportion import Interval

PEOPLES: Final = "people's label"
_PASSED: Final = {"<=": "At most", "<": "Below", ">=": "At least", ">": "Above"}
_FAILED: Final = {"<=": "Above", "<": "Not below", ">=": "Below", ">": "Not above"}
_WORDS: Final = {"pass": "pass", "fail": "fail", "inconclusive": "lack evidence"}


def settled(rule: Rule, verdict: Outcome, seen: str) -> str:
    """Say that a rule passed or failed."""
    if not rule.baseline:
        words = _PASSED if verdict == "pass" else _FAILED
        return f"{words[rule.operator]} {unrounded(rule.bound)}: {seen}."
    points = unrounded(abs(rule.bound)).removesuffix("%")
    points += " point" if points == "1" else " points"
    more = "At most" if verdict == "pass" else "More than"
    side = "above" if rule.upper else "below"
    return f"{more} {points} {side} the baseline: {seen}."


def without_labels(seen: str, missing: int) -> str:
    """Say that missing labels could turn a verdict."""
    return (
        f"Not enough labels: {seen}. {counted(missing, 'record')} without labels could turn the "
        "verdict. Label them."
    )


def without_evidence(
    choice: Choice, seen: str, further: int | None, noun: str, *, fresh: int | None
) -> str:
    """Say how many more records would settle a rule.

    `fresh` is how many there are, where further ones cannot be added to them: a fresh sample then
    needs both.
    """
    kind = "" if choice.metric.given_formula == "all" else " that count for it"
    if further is None:
        settle = f"more than ten million further {noun}s{kind} at this rate would be needed"
    else:
        settle = f"about {counted(further, f'further {noun}')}{kind} at this rate would settle it"
        if fresh is not None:
            settle += f", in a fresh sample of {fresh + further:,}"
    return f"Not enough evidence: {seen}; {settle}."


def seen_rate(rule: Rule, rate: Rate) -> str:
    """Write a rate with its interval, with digits enough to tell its ends from the tolerance."""
    if rate.interval is None:
        worst = rate.worst_case
        between = "" if worst is None else f", between {percent(worst[0])} and {percent(worst[1])}"
        return f"no record with all its labels{between}"
    low, high = (beside(end, rule.limit) for end in (rate.interval.low, rate.interval.high))
    told = "" if rate.moved is None else "with what else is known "
    return (
        f"{rate.events:,} of {rate.trials:,} ({told}{percent(rate.estimate)}, "
        f"{unrounded(rate.interval.confidence)} interval {low} to {high})"
        f"{in_uses(rule, rate.estimate, rate.interval)}"
    )


def in_uses(rule: Rule, estimate: float | None, interval: Interval) -> str:
    """Carry a rate over to the number of uses that a rule speaks of."""
    if rule.uses is None or estimate is None:
        return ""
    held = carried(interval, rule.uses)
    low, high = (beside(end, rule.bound) for end in (held.low, held.high))
    return (
        f", so at least one in {rule.uses:,} uses with a chance of {percent(chance_of_any(estimate, rule.uses))} "
        f"({low} to {high})"
    )


def beside(share: float, bound: float) -> str:
    """Write a share with enough digits to tell it from the bound."""
    digits = 1
    while (
        digits < 6
        and share != bound
        and percent(share, digits=digits) == percent(bound, digits=digits)
    ):
        digits += 1
    return percent(share, digits=digits)


def seen_difference(difference: Difference) -> str:
    """Write a difference with its interval, in percentage points."""
    interval = difference.interval
    return (
        f"{100 * difference.estimate:+.1f} points ({unrounded(interval.confidence)} interval "
        f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}) on "
        f"{counted(difference.prompts, 'shared prompt')}; only the candidate "
        f"{difference.candidate_only:,.10g}, only the baseline {difference.baseline_only:,.10g}"
    )


def seen_corrected(rule: Rule, share: CorrectedShare) -> str:
    """Write a corrected rate with its interval, and what the grader alone would have said."""
    low, high = (beside(end, rule.limit) for end in (share.interval.low, share.interval.high))
    raw = "" if share.raw is None else f", by the grader alone {percent(share.raw)}"
    return (
        f"{percent(share.estimate)} corrected by {counted(share.labelled, PEOPLES)} "
        f"({unrounded(share.interval.confidence)} interval {low} to {high}{raw})"
        f"{in_uses(rule, share.estimate, share.interval)}"
    )


def seen_gap(gap: CorrectedGap) -> str:
    """Write a corrected difference with its interval, in percentage points."""
    raw = "" if gap.raw is None else f", by the grader alone {100 * gap.raw:+.1f}"
    return (
        f"{100 * gap.estimate:+.1f} points corrected by {counted(sum(gap.labelled.values()), PEOPLES)} "
        f"({unrounded(gap.interval.confidence)} interval {100 * gap.interval.low:+.2f} to "
        f"{100 * gap.interval.high:+.2f}{raw}) on {counted(gap.prompts, 'shared prompt')}"
    )


def about_missing(missing: int, worst: Outcome, best: Outcome) -> str:
    """Say what missing labels could change."""
    if not missing:
        return ""
    lack = (
        f"{counted(missing, 'record')} {'lacks' if missing == 1 else 'lack'} labels that it needs"
    )
    if worst == best:
        return f"{lack}; whatever they are, the verdict is the same."
    return f"{lack}; with the worst labels it would {_WORDS[worst]}, with the best it would {_WORDS[best]}."


def about_matching(unmatched: dict[str, int], *, dropped: bool) -> list[str]:
    """Say what became of prompts that only one side answered."""
    if not unmatched:
        return []
    parts = [f"{counted(n, 'prompt')} only in the {side}" for side, n in unmatched.items()]
    if dropped:
        return [f"Not compared, as --absent drop asks: {' and '.join(parts)}."]
    return [f"{' and '.join(parts)}: the other side's labels count as missing."]
