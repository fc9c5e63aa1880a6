"""Amazon Bedrock Guardrails: how sure they are of each category, in a conversation or text by text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from riskshift.formats.exchange import ERROR, NO_RESPONSE, Entry, LeftOut, Numbering
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.services.analyses import (
    WRAPPER,
    Analysed,
    alone,
    analysed,
    is_analysed,
    said_of,
)
from riskshift.formats.services.calls import Call, calls, dicts, largest, seen, words
from riskshift.taxonomy import SIDES, Taxonomy

# Confidence is no severity, so its levels have names of their own in whatever is written of them.
TAXONOMY: Final = Taxonomy(
    ("hate", "insults", "sexual", "violence", "misconduct"),
    ("No confidence", "Low confidence", "Medium confidence", "High confidence"),
)
_CONFIDENCES: Final = dict(zip(("NONE", "LOW", "MEDIUM", "HIGH"), TAXONOMY.levels, strict=True))
_ATTACK: Final = "PROMPT_ATTACK"
_ASSESSMENTS: Final = "assessments"
_ASSESSED: Final = ("inputAssessment", "outputAssessments")
_INTERVENED: Final = "GUARDRAIL_INTERVENED"

Filters = Sequence[Mapping[str, Any]]


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    if log.first and is_analysed(log.first[0]):
        for pair in analysed(log):
            yield _of_texts(pair, nth)
        return
    for call in calls(log):
        yield LeftOut(ERROR) if call.error is not None else _of_call(call, nth)


def _of_call(call: Call, nth: Numbering) -> Entry:
    """Return the pair of a conversation with a guardrail and its trace."""
    said = [words(at(part, "output.message.content")) for part in call.parts]
    said += [at(part, "contentBlockDelta.delta.text") for part in call.parts]
    texts = [text for text in said if text is not None]
    ends = [at(part, "stopReason") or at(part, "messageStop.stopReason") for part in call.parts]
    end = next((one for one in ends if one), None)
    if not texts and end is None:
        return LeftOut(NO_RESPONSE)
    traces = [_trace(part) for part in call.parts]
    filters = {
        side: [one for trace in traces for one in _filters(trace.get(name))]
        for side, name in zip(SIDES, _ASSESSED, strict=True)
    }
    asked = at(call.request, "guardrailConfig.trace") == "enabled_full"
    whole = asked or _tells_all([*filters["prompt"], *filters["response"]])
    return call.exchange(
        nth,
        model=call.request.get("modelId") or call.beside.get("model"),
        response="".join(texts) if texts else None,
        labels={
            role: label for side in SIDES for role, label in _labels(side, filters[side], whole)
        },
        blocked=str(end).upper() == _INTERVENED,
        tags={**call.tags, "stop_reason": end, **_told(filters, whole=whole)},
    )


def _of_texts(pair: Analysed, nth: Numbering) -> Entry:
    """Return a pair whose texts were each given to the guardrail."""
    filters = {side: _filters(pair.answer(side).get(_ASSESSMENTS)) for side in SIDES}
    whole = {
        side: pair.request(side).get("outputScope") == "FULL" or _tells_all(filters[side])
        for side in SIDES
    }
    acted = {side for side in SIDES if pair.answer(side).get("action") == _INTERVENED}
    # What the guardrail says instead may have been kept as the response.
    instead = {one.get("text") for side in acted for one in dicts(pair.answer(side).get("outputs"))}
    return pair.exchange(
        nth,
        labels={
            role: label
            for side in SIDES
            for role, label in _labels(side, filters[side], whole[side])
        },
        blocked=bool(acted) and (pair.response is None or pair.response in instead),
        tags=_told(filters, whole=all(whole[side] for side in SIDES if pair.answer(side))),
    )


def _trace(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found = at(part, "trace.guardrail") or at(part, "metadata.trace.guardrail")
    return found if isinstance(found, dict) else {}


def _filters(assessed: Any) -> list[Mapping[str, Any]]:
    """Return the content filters of assessments: one, a list, or either by guardrail."""
    if isinstance(assessed, list):
        return [one for held in assessed for one in _filters(held)]
    if not isinstance(assessed, dict):
        return []
    found = at(assessed, "contentPolicy.filters")
    if isinstance(found, list):
        return list(dicts(found))
    return [one for held in assessed.values() for one in _filters(held)]


def _tells_all(filters: Filters) -> bool:
    """Tell whether filters are listed that found nothing; else only hits are."""
    return any(one.get("confidence") == "NONE" or one.get("detected") is False for one in filters)


def _labels(side: str, filters: Filters, whole: bool) -> Iterator[tuple[str, str | None]]:
    """Yield the labels of the categories that are listed, where hits are not all that is."""
    for category in TAXONOMY.categories if whole else ():
        found = [one.get("confidence") for one in filters if one.get("type") == category.upper()]
        yield f"{side}_{category}", largest(found, _CONFIDENCES)


def _told(filters: Mapping[str, Filters], *, whole: bool) -> dict[str, Any]:
    acted = (
        f"{side} {str(one.get('type')).casefold()}"
        for side in SIDES
        for one in filters[side]
        if one.get("action") == "BLOCKED"
    )
    attacks = [one.get("confidence") for one in filters["prompt"] if one.get("type") == _ATTACK]
    return {
        "filtered": ", ".join(dict.fromkeys(acted)) or None,
        "prompt_attack_confidence": next(iter(attacks), None),
        "scope": "all filters" if whole else "hits only",
    }


def _recognised(log: Log) -> bool:
    if said_of(log, _ASSESSMENTS):
        return True
    traces = (_trace(part) for call in seen(log) for part in call.parts)
    return any(trace.get(name) for trace in traces for name in _ASSESSED)


BEDROCK: Final = Format(
    name="bedrock-guardrails",
    title="Amazon Bedrock Guardrails: conversations with traces, or answers about both texts (JSON lines, JSON)",
    labels=(
        "Prompts and responses that a guardrail assessed, where filters without a hit are listed too: its confidence "
        "in hate, insults, sexual, violence and misconduct, none to high; no severity."
    ),
    source=(
        "The documentation of Amazon Bedrock: Converse, ConverseStream and ApplyGuardrail; no public log was found."
    ),
    recognise=_recognised,
    entries=_entries,
    sides=SIDES,
    taxonomy=TAXONOMY,
    note=(
        "Labels are the guardrail's confidence that a text belongs to a category, and not how severe it is. They are "
        "read where all filters are listed (outputScope FULL, trace enabled_full): elsewhere only hits are, and the "
        "rest is unknown."
    ),
)

BEDROCK_ALONE: Final = Refused(
    name="a log of answers of Amazon Bedrock Guardrails, each about one text",
    recognise=lambda log: alone(log, _ASSESSMENTS),
    why=f"They do not tell which prompt goes with which response. {WRAPPER}",
)
