"""Judge a rule on a rate corrected by people's labels of some pairs."""

from math import ceil
from typing import Final

import numpy as np

from riskshift.analysis import gate_words
from riskshift.analysis.correcting import (
    FEW_LABELS,
    SUSPICIOUS,
    States,
    corrected_cells,
    powered,
    sample_mix,
    states,
)
from riskshift.analysis.gates import CorrectedShare, GateResult, Word, printable
from riskshift.analysis.judging import Question
from riskshift.analysis.rates import level
from riskshift.analysis.severities import Severities
from riskshift.analysis.words import counted, percent
from riskshift.counts import Doubled
from riskshift.stats.power import further_trials
from riskshift.stats.proportion import Interval, clopper_pearson

_NOUN: Final = "people's label"


def judge_corrected(question: Question, doubled: Doubled) -> GateResult:
    """Judge a rule about a rate, corrected for the grader's errors.

    Parameters
    ----------
    question : Question
        What is asked.
    doubled : Doubled
        The grader's labels on all pairs, people's on a random sample of them.

    Returns
    -------
    GateResult
        By Clopper-Pearson at the corrected rate on its effective number of labels. It neither
        passes nor fails on fewer than `FEW_LABELS` of people's labels.

    Raises
    ------
    DataError
        If people labelled no pair of the denominator.

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    """
    y = states(Severities(doubled.people), question.choice)
    f = states(Severities(doubled.grader), question.choice)
    unknown = (f == -1) | (doubled.labelled & (y == -1))
    missing = int(doubled.table.n[unknown].sum()) + question.left_out
    made = _share(question, doubled, y, f)
    if made is None:
        raise question.nothing(missing, where="people labelled no record")
    known = question.verdict(made.interval)
    worst, best = (
        _settled(question, doubled, y, f, as_event)
        for as_event in (question.rule.upper, not question.rule.upper)
    )
    notes = [gate_words.about_missing(missing, known, worst, best), _about_sample(doubled)]
    few = made.labelled < FEW_LABELS
    unlabelled = few or (known == "pass" and worst != "pass")
    verdict: Word = "inconclusive" if unlabelled else known
    further = _further(question, made) if verdict == "inconclusive" and not unlabelled else None
    return GateResult(
        rule=question.rule,
        metric=question.choice.label,
        group=question.group,
        verdict=verdict,
        rate=None,
        difference=None,
        deff=None,
        further=further,
        lacks=None if verdict != "inconclusive" else "labels" if unlabelled else "prompts",
        note=" ".join(filter(None, notes)) or None,
        sentence=printable(_sentence(question, made, verdict, few, unlabelled, further, missing)),
        corrected=made,
    )


def _share(
    question: Question, doubled: Doubled, y: States, f: States, as_event: bool | None = None
) -> CorrectedShare | None:
    """Correct a rate; `as_event` says what rows left out in reading count as."""
    cells, weight = doubled.grader.sums(*corrected_cells(doubled, y, f))
    if as_event is not None and question.left_out:
        row = np.zeros((1, cells.shape[1]), dtype=cells.dtype)
        row[0, 10 + as_event] = 1  # the grader's alone: outside, no event, event
        cells, weight = np.concatenate([cells, row]), np.append(weight, question.left_out)
    made = powered(cells, weight, question.confidence)
    if made is None:
        return None
    size, rate = made.effective_n, made.estimate
    interval = Interval(0.0, 1.0, "clopper-pearson", question.confidence)
    if size:
        interval = clopper_pearson(min(size, rate * size), size, confidence=question.confidence)
    raw = None if made.raw is None else made.raw.estimate
    return CorrectedShare(rate, interval, made.people.trials, size, made.lam, raw)


def _settled(question: Question, doubled: Doubled, y: States, f: States, as_event: bool) -> Word:
    """Judge with every missing label taken for an event, or for none."""
    state = np.int8(2 if as_event else 1)
    by_people = np.where(doubled.labelled & (y == -1), state, y)
    by_grader = np.where(f == -1, state, f)
    made = _share(question, doubled, by_people, by_grader, as_event)
    return "inconclusive" if made is None else question.verdict(made.interval)


def _about_sample(doubled: Doubled) -> str:
    mix = sample_mix(doubled)
    if mix is None or mix.p is None or mix.p >= SUSPICIOUS:
        return ""
    return (
        "The pairs that people labelled do not look like a random sample of all to the grader: do not trust this "
        "before you know how they were drawn."
    )


def _further(question: Question, made: CorrectedShare) -> int | None:
    if not made.effective_n:
        return None
    upper, bound = question.rule.upper, question.rule.bound
    events = min(made.effective_n, made.estimate * made.effective_n)
    further = further_trials(
        events if upper else made.effective_n - events,
        made.effective_n,
        bound if upper else 1 - bound,
        confidence=question.confidence,
    )
    return None if further is None else ceil(further * made.labelled / made.effective_n)


def _sentence(
    question: Question,
    made: CorrectedShare,
    verdict: Word,
    few: bool,
    unlabelled: bool,
    further: int | None,
    missing: int,
) -> str:
    low, high = (
        gate_words.beside(end, question.rule.bound)
        for end in (made.interval.low, made.interval.high)
    )
    raw = "" if made.raw is None else f", by the grader alone {percent(made.raw)}"
    seen = (
        f"{percent(made.estimate)} corrected by {counted(made.labelled, _NOUN)} "
        f"({level(question.confidence)} interval {low} to {high}{raw})"
    )
    if few:
        return f"Not enough labels: {seen}. Nothing is decided on fewer than {FEW_LABELS}."
    if unlabelled:
        return gate_words.without_labels(seen, missing)
    if verdict == "inconclusive":
        return gate_words.without_evidence(question.choice, seen, further, _NOUN)
    return gate_words.settled(question.rule, verdict, seen)
