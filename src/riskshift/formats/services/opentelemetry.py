"""OpenTelemetry: spans and events of calls to models, by the conventions for generative AI."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.formats.exchange import ERROR, Entry, Exchange, LeftOut, Numbering, digest
from riskshift.formats.format import Format
from riskshift.formats.log import Log
from riskshift.formats.services.calls import dicts, values
from riskshift.formats.services.content_filters import TAXONOMY, Filtered
from riskshift.formats.services.telemetry import Record, parsed, records

_OPERATION: Final = "gen_ai.operation.name"
_CALLS: Final = ("chat", "text_completion", "generate_content")
_AGENT: Final = "invoke_agent"
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_JUDGED: Final = "gen_ai.evaluation"
_RESULT: Final = f"{_JUDGED}.result"
_INPUT: Final = "gen_ai.input.messages"
_OUTPUT: Final = "gen_ai.output.messages"
_SYSTEM: Final = "gen_ai.system_instructions"
_FILTERS: Final = "microsoft.foundry.content_filter.results"
_FILTERED: Final = "content_filter"
_ERROR_TYPE: Final = "error.type"
_NO_CALL: Final = "no call of a model"
_ELSEWHERE: Final = "its texts stand in another record"
_SILENT: Final = "its texts were not recorded"
_ALONE: Final = "an evaluation of a call that is not in the log"
# What a call is known by: its trace and span, or the id of its response.
_Key = tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What is known of a log before its calls are read again, one at a time."""

    scores: dict[_Key, dict[str, Any]] = field(default_factory=dict)
    told: set[_Key] = field(default_factory=set)
    traces: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        """Keep what a record says of others."""
        for attributes in record.named(_RESULT):
            for key in _keys(record, attributes):
                self.scores.setdefault(key, {}).update(_score(attributes))
        if _is_call(record) and _messages(record, _OUTPUT):
            self.told.update(_keys(record, record.attributes))
            if record.attributes.get(_OPERATION) in _CALLS:
                self.traces.add(record.trace)

    def of(self, record: Record) -> dict[str, Any]:
        """Return what was said of a call."""
        found = (self.scores.get(key, {}) for key in _keys(record, record.attributes))
        return {name: value for scores in found for name, value in scores.items()}


def _entries(log: Log) -> Iterator[Entry]:
    seen, nth = _Seen(), Numbering()
    for record in _records(Log(log.path, log.name, skip_bad=True)):
        seen.add(record)
    for record in _records(log):
        if record.name == _RESULT:
            if not seen.told.intersection(_keys(record, record.attributes)):
                yield LeftOut(_ALONE)
            continue
        reason = _no_pair(record, seen)
        if reason:
            yield LeftOut(reason)
        elif not _messages(record, _INPUT):
            log.fault(f"{record.place} lacks {_INPUT}.")
        else:
            yield from _exchanges(record, seen, nth)


def _records(log: Log) -> Iterator[Record]:
    for place, value in values(log):
        found = list(records(place, value))
        if not found:
            log.fault(f"{place} is neither a span nor an event.")
        yield from found


def _keys(record: Record, attributes: Mapping[str, Any]) -> Iterator[_Key]:
    if record.span:
        yield record.key
    if attributes.get("gen_ai.response.id"):
        yield (str(attributes["gen_ai.response.id"]),)


def _is_call(record: Record) -> bool:
    operation = record.attributes.get(_OPERATION)
    return record.name == _DETAILS or operation in (*_CALLS, _AGENT)


def _messages(record: Record, name: str) -> list[dict[str, Any]]:
    return dicts(parsed(record.attributes.get(name)))


def _no_pair(record: Record, seen: _Seen) -> str | None:
    """Say why a record is no pair: an agent's span repeats the calls within it."""
    if not _is_call(record):
        return _NO_CALL
    if record.attributes.get(_OPERATION) == _AGENT and record.trace in seen.traces:
        return _NO_CALL
    if _messages(record, _OUTPUT) or _is_blocked(record, _filtered(record)):
        return None
    if record.key in seen.told:
        return _ELSEWHERE
    return ERROR if record.failed or record.attributes.get(_ERROR_TYPE) else _SILENT


def _filtered(record: Record) -> Filtered:
    return Filtered.of(parsed(record.attributes.get(_FILTERS)))


def _is_blocked(record: Record, filtered: Filtered, finish: Any = None) -> bool:
    if finish == _FILTERED or filtered.stopped or filtered.acted_on:
        return True
    # The class of its error is all that is left of a prompt that was not let through.
    return record.attributes.get(_ERROR_TYPE) == _FILTERED


def _exchanges(record: Record, seen: _Seen, nth: Numbering) -> Iterator[Entry]:
    attributes, asked = record.attributes, _messages(record, _INPUT)
    of_user = [one for one in asked if one.get("role") == "user"]
    system = parsed(attributes.get(_SYSTEM))
    prompt_id = digest([system, [(one.get("role"), _text(one)) for one in asked]])
    model = attributes.get("gen_ai.request.model") or attributes.get("gen_ai.response.model")
    conversation = attributes.get("gen_ai.conversation.id")
    filtered = _filtered(record)
    for answer, alone in _answers(record):
        finish = answer.get("finish_reason")
        yield Exchange(
            prompt=_text(of_user[-1]) if of_user else None,
            response=_text(answer),
            prompt_id=prompt_id,
            model=None if model is None else str(model),
            sample=str(nth(prompt_id, model)),
            conversation_id=None if conversation is None else str(conversation),
            turn=None if conversation is None else str(len(of_user)),
            labels=filtered.labels if alone else Filtered(filtered.of_prompt, ()).labels,
            scores=seen.of(record) if alone else {},
            blocked=_is_blocked(record, filtered, finish),
            tags={
                "operation": attributes.get(_OPERATION),
                "provider": attributes.get("gen_ai.provider.name"),
                "agent": attributes.get("gen_ai.agent.name"),
                "response_id": attributes.get("gen_ai.response.id"),
                "finish_reason": finish,
                "filtered": ", ".join(filtered.acted_on) or None,
                **filtered.detected,
            },
        )


def _answers(record: Record) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield answers to choose from, and whether what is said of the call is said of this one."""
    answers = _messages(record, _OUTPUT)
    said = [one for one in answers if _text(one) is not None]
    if record.attributes.get(_OPERATION) == _AGENT:
        said = said[-1:]  # those before are the agent's steps
    for one in said or answers[:1] or [{}]:
        yield one, len(said) < 2


def _text(message: Mapping[str, Any]) -> str | None:
    """Return the text of a message: neither reasoning nor calls of tools."""
    parts = [one for one in dicts(message.get("parts")) if one.get("type") == "text"]
    said = [one["content"] for one in parts if isinstance(one.get("content"), str)]
    return "".join(said) if said else None


def _score(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an evaluation said; one that failed said nothing."""
    name = str(attributes.get(f"{_JUDGED}.name"))
    if attributes.get(_ERROR_TYPE):
        return {name: None}
    value = attributes.get(f"{_JUDGED}.score.value")
    label = attributes.get(f"{_JUDGED}.score.label")
    if value is None or label is None:
        return {name: label if value is None else value}
    return {name: value, f"{name}.label": label}


def _recognised(log: Log) -> bool:
    if b"gen_ai." not in log.start:
        return False
    if log.paths & {"resourceSpans", "resourceLogs"}:
        return True
    first = [one for one in log.first if isinstance(one, dict)]
    return any(
        isinstance(one.get("attributes"), dict | list)
        and one.keys() & {"context", "traceId", "trace_id", "spanId", "span_id"}
        for one in first
    )


OPENTELEMETRY: Final = Format(
    name="opentelemetry",
    title="OpenTelemetry: spans and events of calls to models (JSON, JSON lines)",
    labels=(
        "Prompts and responses, where Microsoft Foundry wrote down what its content filters said: hate, self-harm, "
        "sexual and violence, Safe to High. Evaluations are scores whose meaning must be declared."
    ),
    source=(
        "The semantic conventions for generative AI of 2026 (messages as attributes, evaluation events), the JSON "
        "encoding of OTLP, and spans of Microsoft Foundry of June 2026 that users showed. Messages as events of their "
        "own, as before 1.37, are not read."
    ),
    recognise=_recognised,
    entries=_entries,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
)
