"""What labels say of a rule where people's labels of some pairs correct a grader's."""

from dataclasses import replace
from math import ceil
from typing import Final

from riskshift.analysis.correction.differences import SharedCells, further_labels
from riskshift.analysis.correction.sample import (
    FEW_LABELS,
    NO_PAIR,
    SUSPICIOUS,
    Crossed,
    sample_mix,
)
from riskshift.analysis.gate import findings as gate_words
from riskshift.analysis.gate.evidence import Evidence
from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import (
    CorrectedGap,
    CorrectedShare,
    Outcome,
    unmatched,
)
from riskshift.counts.clusters import IntArray
from riskshift.counts.doubled import Doubled
from riskshift.errors import DataError
from riskshift.stats.graded.correction import Corrected, corrected_difference
from riskshift.stats.planning.power import further_trials
from riskshift.stats.proportion import Interval, clopper_pearson

_NEVER: Final = "even people's labels of all pairs may not settle it"


def of_corrected_rate(
    question: Question, doubled: Doubled, *, stratified_by: str | None = None
) -> Evidence:
    """Look at a rate, corrected for the grader's errors.

    Parameters
    ----------
    question : Question
        What is asked.
    doubled : Doubled
        The grader's labels on all pairs, people's on a random sample of them.
    stratified_by : str, optional
        The metric by whose value (by the grader) the sample was drawn.

    Returns
    -------
    Evidence
        By Clopper-Pearson at the corrected rate on its effective number of labels, or in each
        stratum. It neither passes nor fails on fewer than `FEW_LABELS` of people's labels.

    Raises
    ------
    DataError
        If people labelled no pair of the denominator, or none of a stratum.

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    """
    crossed = _crossed(question, doubled, stratified_by)
    n = doubled.table.n
    missing = int(n[crossed.blank].sum()) + question.left_out
    cells, weight = doubled.grader.sums(*crossed.masks())
    made = _exact(crossed, cells, weight, question.confidence)
    if made is None:
        raise question.nothing(missing, where=_nothing(crossed.lacking(cells, weight)))

    def settled(as_event: bool) -> Outcome:
        filled = crossed.filled(as_event)
        cells, weight = doubled.grader.sums(*filled.masks())
        made = _exact(filled, cells, weight, question.confidence)
        if made is None:
            return "inconclusive"
        among, lost = filled.denominator(cells, weight), question.left_out
        return question.verdict(_diluted(made, among, lost, as_event).interval)

    doubts = _about_sample(doubled, stratified_by)
    inside, events = crossed.grader >= 1, crossed.grader == 2
    raw = float(n[events].sum() / n[inside].sum()) if n[inside].any() else None
    share = CorrectedShare(
        made.estimate, made.interval, made.labelled, made.effective_n, made.lam, raw
    )
    return Evidence(
        question.verdict(made.interval),
        settled(question.rule.upper),
        settled(not question.rule.upper),
        missing,
        _further(question, made, crossed.denominator(cells, weight)),
        noun=gate_words.PEOPLES,
        seen=gate_words.seen_corrected(question.rule, share),
        result=share,
        there=made.labelled,
        hopeless=_NEVER,
        withheld=_withheld(made.labelled, doubts),
        notes=tuple(doubts),
    )


def of_corrected_difference(
    question: Question,
    doubled: Doubled,
    candidate: str,
    baseline: str,
    *,
    stratified_by: str | None = None,
    whole: bool = True,
    drop: bool = False,
) -> Evidence:
    """Look at candidate minus baseline, both corrected for the grader's errors.

    Parameters
    ----------
    question : Question
        What is asked.
    doubled : Doubled
        The grader's labels on all pairs of both, people's on a random sample; clustered by prompt.
    candidate, baseline : str
        Their groups.
    stratified_by : str, optional
        The metric by whose value (by the grader) the sample was drawn.
    whole : bool, default True
        Whether the candidate's records are meant to cover all of the baseline's prompts.
    drop : bool, default False
        Whether prompts that only one side answered are left out, rather than taken for prompts
        whose answer on the other side lacks its labels.

    Returns
    -------
    Evidence
        As `riskshift.analysis.correction.differences.corrected_differences` gives the difference. It
        neither passes nor fails on fewer than `FEW_LABELS` of people's labels on either side.

    Raises
    ------
    DataError
        If people labelled no pair of the denominator, or none of a stratum, on either side.
    """
    crossed = _crossed(question, doubled, stratified_by)
    pair, level = (baseline, candidate), question.confidence
    shared = SharedCells.of(doubled, pair, (crossed, crossed))
    missing = sum(shared.blank) + question.left_out
    sides = [shared.baseline, shared.candidate]
    both, only_old, only_new = shared.prompts
    # Prompts without an answer of the baseline, and of the candidate.
    absent = (0, 0) if drop else (only_new, only_old if whole else 0)
    missing += sum(absent)
    old, new = (crossed.rate(side, shared.weight, confidence=level) for side in sides)
    if old is None or new is None:
        why = next(filter(None, (crossed.lacking(side, shared.weight) for side in sides)))
        raise question.nothing(missing, where=f"{_nothing(why)} on prompts that both answered")

    def settled(as_event: bool) -> Outcome:
        """Take the candidate's unknowns for events and the baseline's for none, or the reverse."""
        taken = (not as_event, as_event)
        filled = (crossed.filled(taken[0]), crossed.filled(taken[1]))
        cells = SharedCells.of(doubled, pair, filled)
        rates = []
        for one, side, gone, event in zip(
            filled, (cells.baseline, cells.candidate), absent, taken, strict=True
        ):
            made = one.rate(side, cells.weight, confidence=level)
            if made is None:
                return "inconclusive"
            lost = question.left_out + gone
            rates.append(_diluted(made, one.denominator(side, cells.weight), lost, event))
        return question.verdict(corrected_difference(rates[1], rates[0]))

    interval = corrected_difference(new, old)
    raw = new.raw.estimate - old.raw.estimate if new.raw and old.raw else None
    gap = CorrectedGap(
        estimate=new.estimate - old.estimate,
        interval=interval,
        labelled={"candidate": new.labelled, "baseline": old.labelled},
        rates={"candidate": new.estimate, "baseline": old.estimate},
        raw=raw,
        prompts=both,
        unmatched=unmatched(only_new, only_old if whole else 0),
        missing=missing,
    )
    further = further_labels(
        gap.estimate,
        interval,
        question.rule.bound,
        labelled=new.labelled + old.labelled,
        pairs=sum(crossed.denominator(side, shared.weight) for side in sides),
    )
    doubts = [
        doubt
        for side in (candidate, baseline)
        for doubt in _about_sample(doubled.only(side), stratified_by)
    ]
    labelled = min(new.labelled, old.labelled)
    return Evidence(
        question.verdict(interval),
        settled(question.rule.upper),
        settled(not question.rule.upper),
        missing,
        further,
        noun=gate_words.PEOPLES,
        seen=gate_words.seen_gap(gap),
        result=gap,
        there=new.labelled + old.labelled,
        hopeless=_NEVER,
        withheld=_withheld(labelled, doubts, " on either side"),
        notes=(*gate_words.about_matching(gap.unmatched, dropped=drop), *doubts[:1]),
    )


def _crossed(question: Question, doubled: Doubled, stratified_by: str | None) -> Crossed:
    """Look at the labels through the rule's metric, if people tell what it looks at."""
    crossed = Crossed.of(doubled, question.choice, stratified_by)
    if crossed.untold:
        raise DataError(
            f"rule {question.rule.text!r}: {crossed.untold}, so it cannot be judged by them. Give what it asks about "
            "in people's file too, or judge this rule by the grader's labels alone, without people's."
        )
    return crossed


def _withheld(labelled: int, doubts: list[str], where: str = "") -> str:
    """Say why nothing may be decided: too few of people's labels, or an odd sample."""
    if labelled < FEW_LABELS:
        return f"Not enough labels: {{}}. Nothing is decided on fewer than {FEW_LABELS}{where}."
    if doubts:
        return "Not a random sample: {}. Nothing is decided on people's labels of odd pairs."
    return ""


def _exact(
    crossed: Crossed, cells: IntArray, weight: IntArray, confidence: float
) -> Corrected | None:
    """Correct a rate, with the interval that a gate needs."""
    made = crossed.rate(cells, weight, confidence=confidence, method=clopper_pearson)
    if made is None or made.lam is None:
        return made
    size = made.effective_n
    interval = Interval(0.0, 1.0, "clopper-pearson", confidence)
    if size:
        interval = clopper_pearson(min(size, made.estimate * size), size, confidence=confidence)
    return replace(made, interval=interval)


def _diluted(made: Corrected, among: float, missing: int, as_event: bool) -> Corrected:
    """Add pairs of which nothing is known but that all of them are events, or none is."""
    known = among / (among + missing)
    ends = made.interval
    low, high, estimate = (
        share * known + as_event * (1 - known) for share in (ends.low, ends.high, made.estimate)
    )
    return replace(
        made,
        estimate=estimate,
        interval=replace(ends, low=low, high=high),
        influence=made.influence * known,
    )


def _nothing(lacking: str) -> str:
    return "people labelled no record" if lacking == NO_PAIR else lacking


def _about_sample(doubled: Doubled, stratified_by: str | None) -> list[str]:
    mix = sample_mix(doubled) if stratified_by is None else None
    if mix is None or mix.p is None or mix.p >= SUSPICIOUS:
        return []
    return [
        "The pairs that people labelled do not look like a random sample of all to the grader: find out how they "
        "were drawn."
    ]


def _further(question: Question, made: Corrected, pairs: float) -> int | None:
    """Say roughly how many further labels would settle it; None where there are not so many pairs."""
    if not made.effective_n:
        return None
    upper, bound = question.rule.upper, question.rule.limit
    events = min(made.effective_n, made.estimate * made.effective_n)
    further = further_trials(
        events if upper else made.effective_n - events,
        made.effective_n,
        bound if upper else 1 - bound,
        confidence=question.confidence,
    )
    if further is None:
        return None
    labels = ceil(further * made.labelled / made.effective_n)
    return labels if made.labelled + labels <= pairs else None
