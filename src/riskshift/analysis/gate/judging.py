"""Judge a rule on what labels say of it: silence is no pass, and no failure either."""

from math import isfinite
from typing import Any

from riskshift.analysis.gate import findings as gate_words
from riskshift.analysis.gate.evidence import Evidence
from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import (
    CorrectedGap,
    CorrectedShare,
    Difference,
    GateResult,
    Outcome,
)
from riskshift.analysis.rates import Rate
from riskshift.analysis.words import printable


def judge(question: Question, evidence: Evidence) -> GateResult:
    """Give a verdict where the missing labels cannot turn it, and say what was found.

    Parameters
    ----------
    question : Question
        What is asked.
    evidence : Evidence
        What labels say of it.

    Returns
    -------
    GateResult
        With the missing labels at their worst and at their best one verdict must come out; then it
        is given. Else it is inconclusive, and labels are what it lacks.
    """
    lacking = bool(evidence.withheld) or not evidence.settled
    verdict: Outcome = "inconclusive" if lacking else evidence.worst
    lacks: Any = None if verdict != "inconclusive" else "labels" if lacking else "prompts"
    further = evidence.further if lacks == "prompts" else None
    single = evidence.deff is not None and not isfinite(evidence.deff)
    notes = [
        gate_words.about_missing(evidence.missing, evidence.worst, evidence.best),
        *evidence.notes,
    ]
    if single:
        notes.append("All records share one prompt, so nothing can be said about others.")
    result = evidence.result
    return GateResult(
        rule=question.rule,
        metric=question.choice.label,
        group=question.group,
        verdict=verdict,
        rate=result if isinstance(result, Rate) else None,
        difference=result if isinstance(result, Difference) else None,
        deff=None if single else evidence.deff,
        further=further,
        lacks=lacks,
        note=" ".join(filter(None, notes)) or None,
        sentence=printable(_sentence(question, evidence, verdict, further)),
        corrected=result if isinstance(result, CorrectedShare) else None,
        corrected_difference=result if isinstance(result, CorrectedGap) else None,
    )


def _sentence(question: Question, evidence: Evidence, verdict: Outcome, further: int | None) -> str:
    if evidence.withheld:
        return evidence.withheld.format(evidence.seen)
    if not evidence.settled:
        return gate_words.without_labels(evidence.seen, evidence.missing)
    if verdict != "inconclusive":
        return gate_words.settled(question.rule, verdict, evidence.seen)
    if further is None and evidence.hopeless:
        return f"Not enough evidence: {evidence.seen}; {evidence.hopeless}."
    fresh = None if question.grows else evidence.there
    return gate_words.without_evidence(
        question.choice, evidence.seen, further, evidence.noun, fresh=fresh
    )
