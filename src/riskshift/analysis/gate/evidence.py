"""What labels say of a rule: with what is known, and with the worst and the best missing labels."""

from dataclasses import dataclass, replace

import numpy as np

from riskshift.analysis.comparison.differences import decisive_counts, paired_interval
from riskshift.analysis.comparison.matching import Matching, PairCells
from riskshift.analysis.gate import findings as gate_words
from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import (
    CorrectedGap,
    CorrectedShare,
    Difference,
    Outcome,
    unmatched,
)
from riskshift.analysis.rates import Rate, bounded
from riskshift.analysis.severities import Severities
from riskshift.analysis.verdicts import judge as judge_margin
from riskshift.counts.clusters import BoolArray
from riskshift.counts.pairs import Counts
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.planning.power import further_trials
from riskshift.stats.proportion import clopper_pearson


@dataclass(frozen=True, slots=True)
class Evidence:
    """What labels say of one question: raw or corrected, a rate or a difference.

    Parameters
    ----------
    known : {"pass", "fail", "inconclusive"}
        What the interval of the estimate says.
    worst, best : {"pass", "fail", "inconclusive"}
        What it would say with the missing labels at their worst, and at their best.
    missing : int
        Records of which missing labels leave something open.
    further : int or None
        How many more would settle it at the rate seen.
    noun : str
        More of what.
    seen : str
        What was seen, in words.
    result : Rate, Difference, CorrectedShare or CorrectedGap
        The numbers.
    there : int
        How many were judged.
    deff : float or None
        Records over effective records; None where every record stands alone.
    withheld : str
        Why nothing may be decided, whatever the numbers; empty where it may.
    hopeless : str
        What to say where `further` is None; empty for the ordinary words.
    notes : tuple of str
        What a reader should know besides.
    """

    known: Outcome
    worst: Outcome
    best: Outcome
    missing: int
    further: int | None
    noun: str
    seen: str
    result: Rate | Difference | CorrectedShare | CorrectedGap
    there: int
    deff: float | None = None
    withheld: str = ""
    hopeless: str = ""
    notes: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the missing labels cannot turn the verdict."""
        return self.worst == self.best


def of_rate(question: Question, counts: Counts) -> Evidence:
    """Look at a rate.

    Parameters
    ----------
    question : Question
        What is asked.
    counts : Counts
        The records, or those of the group.

    Raises
    ------
    DataError
        If no record is in the denominator.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26 (1934), p. 404-413.
    .. [2] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998), for
       records that share a prompt.
    """
    answers = question.choice.answers(Severities(counts))
    missing = int(counts.n[answers.unknown].sum()) + question.left_out
    known = _rate(question, counts, *answers.counted)
    lowest, highest = (
        _rate(question, counts, *answers.settled(high=high), lost=high) for high in (False, True)
    )
    if not highest.trials:
        raise question.nothing(missing, where="there is no record")
    rate = replace(known, missing=missing)
    if missing:
        rate = bounded(rate, lowest, highest, method=clopper_pearson)
    worst, best = (highest, lowest) if question.rule.upper else (lowest, highest)
    deff = None
    if rate.effective_n is not None:
        deff = rate.trials / rate.effective_n if rate.effective_n else float("inf")
    return Evidence(
        _outcome(question, rate),
        _outcome(question, worst),
        _outcome(question, best),
        missing,
        _further_records(question, rate, deff),
        noun="prompt" if counts.clusters is None else "record",
        seen=gate_words.seen_rate(question.rule, rate),
        result=rate,
        there=rate.trials,
        deff=deff,
    )


def of_difference(
    question: Question,
    matching: Matching,
    candidate: int,
    baseline: int,
    *,
    whole: bool = True,
    drop: bool = False,
) -> Evidence:
    """Look at candidate minus baseline.

    Parameters
    ----------
    question : Question
        What is asked.
    matching : Matching
        Both sides on the same prompts.
    candidate, baseline : int
        Their positions in it.
    whole : bool, default True
        Whether the candidate's records are meant to cover all of the baseline's prompts.
    drop : bool, default False
        Whether prompts that only one side answered are left out, rather than taken for prompts
        whose answer on the other side lacks its labels.

    Raises
    ------
    DataError
        If both sides share no prompt of the denominator.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.
    """
    choice, sides = question.choice, (candidate, baseline)
    a, b = matching.answered[:, list(sides)].T
    absent = np.stack([b & ~a & whole, a & ~b], axis=1)
    lone = 0 if drop else int(absent.sum(axis=1) @ matching.weight)
    incomplete, unknown = matching.lacking(choice, *sides)
    missing = unknown + lone + question.left_out
    gone = None if drop else absent
    ends = [
        _with_lost(question, matching.extreme(choice, *sides, high=high, absent=gone), high=high)
        for high in (question.rule.upper, not question.rule.upper)
    ]
    cells = matching.outcomes(choice).pair(*sides)
    if incomplete and not missing:
        cells = ends[0]  # all is known, whatever labels are missing
    if not cells.prompts:
        raise question.nothing(missing, where="candidate and baseline share no prompt")
    interval, deff = paired_interval(cells, question.confidence)
    worst, best = (paired_interval(end, question.confidence)[0] for end in ends)
    counts = [float(cells.weight @ part) for part in cells.crossed]
    open_ = judge_margin(
        decisive_counts(cells),
        interval,
        abs(question.rule.bound),
        deff=deff,
        bad=question.rule.upper,
        prompts=cells.prompts,
        matched=int(matching.weight[a & b].sum()),
    )
    only = unmatched(*(int(matching.weight[absent[:, side]].sum()) for side in (1, 0)))
    both, more, less, neither = counts
    difference = Difference(both, more, less, neither, cells.prompts, interval, only, missing)
    return Evidence(
        question.verdict(interval),
        question.verdict(worst),
        question.verdict(best),
        missing,
        open_.further_prompts,
        noun="matched prompt",
        seen=gate_words.seen_difference(difference),
        result=difference,
        there=cells.prompts,
        deff=deff if cells.several else None,
        notes=tuple(gate_words.about_matching(only, dropped=drop)),
    )


def _rate(
    question: Question,
    counts: Counts,
    inside: BoolArray,
    happened: BoolArray,
    *,
    lost: bool | None = None,
) -> Rate:
    """Estimate with Clopper-Pearson; `lost` says what rows left out in reading count as."""
    cells, weight = counts.sums(happened, inside)
    added = 0 if lost is None else question.left_out
    events = int(counts.n[happened].sum()) + added * bool(lost)
    trials = int(counts.n[inside].sum()) + added
    if not trials:
        return Rate(question.choice.label, 0, 0, None)
    interval, effective = clustered_interval(
        np.append(cells[:, 0], int(bool(lost))),
        np.append(cells[:, 1], 1),
        np.append(weight, added),
        confidence=question.confidence,
        method=clopper_pearson,
        random_groups=counts.in_groups,
    )
    if counts.clusters is None:
        return Rate(question.choice.label, events, trials, interval)
    return Rate(question.choice.label, events, trials, interval, effective.deff, effective.n)


def _outcome(question: Question, rate: Rate) -> Outcome:
    return "inconclusive" if rate.interval is None else question.verdict(rate.interval)


def _with_lost(question: Question, cells: PairCells, *, high: bool) -> PairCells:
    """Add a prompt for each row left out in reading, at its worst or its best."""
    one = int(high)
    return PairCells(
        np.append(cells.x_a, one),
        np.append(cells.n_a, 1),
        np.append(cells.x_b, 1 - one),
        np.append(cells.n_b, 1),
        np.append(cells.weight, question.left_out),
    )


def _further_records(question: Question, rate: Rate, deff: float | None) -> int | None:
    single = deff is not None and not np.isfinite(deff)
    if _outcome(question, rate) != "inconclusive" or single or not rate.trials:
        return None
    upper, bound = question.rule.upper, question.rule.limit
    return further_trials(
        rate.events if upper else rate.trials - rate.events,
        rate.trials,
        bound if upper else 1 - bound,
        confidence=question.confidence,
        deff=1.0 if deff is None else deff,
    )
