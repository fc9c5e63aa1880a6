"""Judge a rule: compare an exact interval with its tolerance, for every value of missing labels."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from riskshift.analysis.comparison.differences import paired_interval
from riskshift.analysis.comparison.matching import Matching, Outcomes, PairCells
from riskshift.analysis.gate import findings as gate_words
from riskshift.analysis.gate.result import Difference, GateResult, Word, printable, unmatched
from riskshift.analysis.gate.rules import Rule
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rates import Rate, members
from riskshift.analysis.severities import Answer, Severities
from riskshift.analysis.verdicts import judge
from riskshift.analysis.words import counted
from riskshift.counts.clusters import BoolArray
from riskshift.counts.pairs import Counts
from riskshift.errors import DataError
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.power import further_trials
from riskshift.stats.proportion import Interval, clopper_pearson


@dataclass(frozen=True, slots=True)
class Question:
    """One rule asked of one metric and group.

    Parameters
    ----------
    rule : Rule
        The rule.
    choice : Choice
        The one of its metrics that is meant.
    confidence : float
        Two-sided coverage of the interval.
    group : str or None
        Value of the rule's column.
    left_out : int
        Rows left out in reading, whose labels may be anything.
    """

    rule: Rule
    choice: Choice
    confidence: float = 0.95
    group: str | None = None
    left_out: int = 0

    def verdict(self, interval: Interval) -> Word:
        """Compare both ends with the tolerance."""
        rule = self.rule
        sign = 1 if rule.upper else -1
        near, far = sorted((sign * interval.low, sign * interval.high))
        bound, strict = sign * rule.bound, rule.operator in ("<", ">")
        if far < bound or (far == bound and not strict):
            return "pass"
        return "fail" if near > bound or (near == bound and strict) else "inconclusive"

    def nothing(self, missing: int, *, where: str) -> DataError:
        """Say that there is nothing to judge, which is never a pass."""
        choice, rule = self.choice, self.rule
        group = "" if self.group is None else f" for {rule.by} {self.group!r}"
        kind = choice.metric.given_formula
        among = "" if kind == "all" else f" with {kind}"
        lacking = f" ({counted(missing, 'record')} without the labels to tell)" if missing else ""
        named = ""
        if len(rule.choices) > 1:
            named = (
                f" Or name the categories that the data has: {rule.choices[0].metric.name}[...]."
            )
        return DataError(
            f"rule {rule.text!r}: {where}{among}{group}{lacking}, so {choice.label} is undefined. "
            f"Give records that the rule can be judged on.{named}"
        )


def judge_rate(question: Question, counts: Counts) -> GateResult:
    """Judge a rule about a rate.

    Parameters
    ----------
    question : Question
        What is asked.
    counts : Counts
        The records, or those of the group.

    Returns
    -------
    GateResult

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
    answers = _Answers.of(question.choice, Severities(counts))
    missing = int(counts.n[answers.unknown].sum()) + question.left_out
    if not counts.n[answers.inside].sum():
        raise question.nothing(missing, where="there is no record")
    rate = replace(_rate(question, counts, answers), missing=missing)
    extremes = [
        _verdict_of(question, _rate(question, counts, answers.settled(as_event), as_event))
        for as_event in (question.rule.upper, not question.rule.upper)
    ]
    deff = None
    if rate.effective_n is not None:
        deff = rate.trials / rate.effective_n if rate.effective_n else float("inf")
    return _result(
        question,
        [_verdict_of(question, rate), *extremes],
        rate=rate,
        deff=deff,
        further=_further_records(question, rate, deff),
        missing=missing,
        noun="prompt" if counts.clusters is None else "record",
        seen=gate_words.seen_rate(question.rule, rate),
    )


def judge_difference(
    question: Question, matching: Matching, candidate: int, baseline: int, *, whole: bool = True
) -> GateResult:
    """Judge a rule about candidate minus baseline.

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

    Returns
    -------
    GateResult

    Raises
    ------
    DataError
        If both sides share no prompt of the denominator.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.
    """
    sides = [candidate, baseline]
    answers = _Answers.of(question.choice, matching.severities)
    lacking = matching.tally(answers.unknown)[:, sides].sum(axis=1)
    shared = matching.answered[:, sides].all(axis=1)
    missing = int(matching.weight[shared] @ lacking[shared]) + question.left_out
    cells = _outcomes(matching, answers).pair(candidate, baseline)
    if not cells.prompts:
        raise question.nothing(missing, where="candidate and baseline share no prompt")
    interval, deff = paired_interval(cells, question.confidence)
    extremes = [
        paired_interval(
            _extreme_pairs(question, matching, answers, sides, as_event), question.confidence
        )[0]
        for as_event in (question.rule.upper, not question.rule.upper)
    ]
    counts = [float(cells.weight @ part) for part in cells.crossed]
    open_ = judge(counts, interval, abs(question.rule.bound), deff=deff, bad=question.rule.upper)
    a, b = matching.answered[:, sides].T
    alone = [int(matching.weight[mine & ~other].sum()) for mine, other in ((a, b), (b, a))]
    difference = Difference(
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        cells.prompts,
        interval,
        unmatched(alone[0], alone[1] if whole else 0),
        missing,
    )
    return _result(
        question,
        [question.verdict(each) for each in (interval, *extremes)],
        difference=difference,
        deff=deff if cells.several else None,
        further=open_.further_prompts,
        missing=missing,
        noun="matched pair" if cells.several else "matched prompt",
        seen=gate_words.seen_difference(difference),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """In which patterns the event happened, which are in the denominator, and where none can tell."""

    happened: BoolArray
    inside: BoolArray
    unknown: BoolArray

    @classmethod
    def of(cls, choice: Choice, severities: Severities) -> "_Answers":
        event: Answer = choice.event(severities)
        given: Answer = choice.given(severities)
        inside, happened = members(event, given)
        return cls(happened, inside, (given == -1) | ((given == 1) & (event == -1)))

    def settled(self, as_event: bool) -> "_Answers":
        """Take every unknown for an event, or for none."""
        happened = self.happened | self.unknown if as_event else self.happened
        return _Answers(happened, self.inside | self.unknown, np.zeros_like(self.unknown))


def _rate(
    question: Question, counts: Counts, answers: _Answers, as_event: bool | None = None
) -> Rate:
    """Estimate with Clopper-Pearson; `as_event` says what rows left out in reading count as."""
    cells, weight = counts.sums(answers.happened, answers.inside)
    added = 0 if as_event is None else question.left_out
    events = int(counts.n[answers.happened].sum()) + added * bool(as_event)
    interval, effective = clustered_interval(
        np.append(cells[:, 0], int(bool(as_event))),
        np.append(cells[:, 1], 1),
        np.append(weight, added),
        confidence=question.confidence,
        method=clopper_pearson,
    )
    trials = int(counts.n[answers.inside].sum()) + added
    if counts.clusters is None:
        return Rate(question.choice.label, events, trials, interval)
    return Rate(question.choice.label, events, trials, interval, effective.deff, effective.n)


def _verdict_of(question: Question, rate: Rate) -> Word:
    return "inconclusive" if rate.interval is None else question.verdict(rate.interval)


def _outcomes(matching: Matching, answers: _Answers) -> Outcomes:
    return Outcomes(
        matching.tally(answers.happened), matching.tally(answers.inside), matching.weight
    )


def _extreme_pairs(
    question: Question, matching: Matching, answers: _Answers, sides: list[int], as_event: bool
) -> PairCells:
    """Take the candidate's unknowns for events and the baseline's for none, or the reverse."""
    known = _outcomes(matching, answers.settled(False))
    events = known.events.copy()
    side = sides[0] if as_event else sides[1]
    events[:, side] += matching.tally(answers.unknown)[:, side]
    cells = replace(known, events=events).pair(*sides)
    one = int(as_event)
    return PairCells(
        np.append(cells.x_a, one),
        np.append(cells.n_a, 1),
        np.append(cells.x_b, 1 - one),
        np.append(cells.n_b, 1),
        np.append(cells.weight, question.left_out),
    )


def _further_records(question: Question, rate: Rate, deff: float | None) -> int | None:
    if _verdict_of(question, rate) != "inconclusive" or (deff is not None and not isfinite(deff)):
        return None
    upper, bound = question.rule.upper, question.rule.bound
    return further_trials(
        rate.events if upper else rate.trials - rate.events,
        rate.trials,
        bound if upper else 1 - bound,
        confidence=question.confidence,
        deff=1.0 if deff is None else deff,
    )


def _result(
    question: Question,
    verdicts: list[Word],
    *,
    rate: Rate | None = None,
    difference: Difference | None = None,
    deff: float | None,
    further: int | None,
    missing: int,
    noun: str,
    seen: str,
) -> GateResult:
    """Let missing labels keep a rule from passing, and say what was found."""
    known, worst, best = verdicts
    unlabelled = known == "pass" and worst != "pass"
    verdict: Word = "inconclusive" if unlabelled else known
    single = deff is not None and not isfinite(deff)
    lacks: Any = None if verdict != "inconclusive" else "labels" if unlabelled else "prompts"
    notes = [
        gate_words.about_missing(missing, known, worst, best),
        *gate_words.about_matching({} if difference is None else difference.unmatched),
    ]
    if single:
        notes.append("All records share one prompt, so nothing can be said about others.")
    return GateResult(
        rule=question.rule,
        metric=question.choice.label,
        group=question.group,
        verdict=verdict,
        rate=rate,
        difference=difference,
        deff=None if single else deff,
        further=further if lacks == "prompts" else None,
        lacks=lacks,
        note=" ".join(filter(None, notes)) or None,
        sentence=printable(
            gate_words.without_labels(seen, missing)
            if lacks == "labels"
            else gate_words.without_evidence(question.choice, seen, further, noun)
            if lacks == "prompts"
            else gate_words.settled(question.rule, verdict, seen)
        ),
    )
