"""Spans and log records of OpenTelemetry, in OTLP's JSON and as its libraries print them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from riskshift.formats.json_text import at
from riskshift.formats.services.calls import dicts

# Where OTLP keeps what: a batch, its scopes, their records.
_BATCHES: Final = (
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceLogs", "scopeLogs", "logRecords"),
)
_FAILED: Final = (2, "2", "STATUS_CODE_ERROR", "ERROR", "Error")
_PLAIN: Final = ("stringValue", "boolValue", "doubleValue")


@dataclass(frozen=True, slots=True)
class Record:
    """One span or log record.

    Parameters
    ----------
    place : str
        Where it stands, for a message.
    name : str
        Of a span or an event.
    trace, span : str
        What tells it apart; empty where it is not told.
    attributes : mapping
        Its attributes, as plain values.
    events : sequence of (str, mapping)
        Names and attributes of the events of a span.
    failed : bool
        Whether its status is an error.
    """

    place: str
    name: str
    trace: str
    span: str
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    failed: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it apart."""
        return self.trace, self.span

    def named(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the attributes of what has a name: this record, or events of it."""
        if self.name == name:
            yield self.attributes
        yield from (attributes for event, attributes in self.events if event == name)


def records(place: str, value: Any) -> Iterator[Record]:
    """Yield the spans or log records of a value; none of what holds none.

    Examples
    --------
    >>> held = {"name": "chat", "spanId": "b", "traceId": "a", "attributes": []}
    >>> batch = {"resourceSpans": [{"scopeSpans": [{"spans": [held]}]}]}
    >>> [record.key for record in records("x", batch)], list(records("x", {}))
    ([('a', 'b')], [])
    """
    if not isinstance(value, dict):
        return
    for batches, scopes, inner in _BATCHES:
        if batches in value:
            for batch in dicts(value[batches]):
                for scope in dicts(batch.get(scopes)):
                    yield from (_record(place, one) for one in dicts(scope.get(inner)))
            return
    if isinstance(value.get("attributes"), dict | list):
        yield _record(place, value)


def _record(place: str, held: Mapping[str, Any]) -> Record:
    attributes = _attributes(held.get("attributes"))
    name = held.get("eventName") or attributes.get("event.name") or held.get("name")
    return Record(
        place,
        str(name),
        str(held.get("traceId") or held.get("trace_id") or at(held, "context.trace_id") or ""),
        str(held.get("spanId") or held.get("span_id") or at(held, "context.span_id") or ""),
        attributes,
        [
            (str(one.get("name")), _attributes(one.get("attributes")))
            for one in dicts(held.get("events"))
        ],
        (at(held, "status.code") or at(held, "status.status_code")) in _FAILED,
    )


def _attributes(held: Any) -> dict[str, Any]:
    """Return attributes by name, which OTLP writes as a list with types."""
    if isinstance(held, dict):
        return held
    return {str(one.get("key")): _plain(one.get("value")) for one in dicts(held)}


def _plain(value: Any) -> Any:
    """Return a value without the type that OTLP writes before it.

    Examples
    --------
    >>> _plain({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}]}})
    [1, 'a']
    """
    if not isinstance(value, dict):
        return value
    if "intValue" in value:
        with suppress(TypeError, ValueError):
            return int(value["intValue"])
    if "arrayValue" in value:
        return [_plain(one) for one in dicts(at(value, "arrayValue.values"))]
    if "kvlistValue" in value:
        return _attributes(at(value, "kvlistValue.values"))
    return next((value[name] for name in _PLAIN if name in value), None)


def parsed(value: Any) -> Any:
    """Return what a text says as JSON, as many exporters keep lists; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        with suppress(ValueError, RecursionError):
            return json.loads(value, strict=False)
    return value
