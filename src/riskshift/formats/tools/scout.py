"""Inspect Scout: what a scanner found in transcripts, a Parquet file a scanner."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from riskshift.formats.chat import last_exchange, messages, parsed
from riskshift.formats.exchange import (
    NO_RESPONSE,
    REPEATED,
    Entry,
    Exchange,
    Fact,
    LeftOut,
    digest,
)
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_COLUMNS: Final = frozenset({"transcript_id", "scanner_key", "input_type", "input", "value"})
_WHOLE: Final = "transcript"
_NO_TALK: Final = "a scan of less than a transcript"
_Scores = dict[str, dict[str, Any]]


def _entries(log: Log) -> Iterator[Entry]:
    return _together([log])[0]


def _together(logs: Sequence[Log]) -> Sequence[Iterator[Entry]]:
    """Read each transcript once, with what all scanners said of it."""
    scores: _Scores = {}
    for log in logs:
        for _, _, row in Log(log.path, log.name, skip_bad=True).records():
            if isinstance(row, dict) and row.get("input_type") == _WHOLE:
                scores.setdefault(str(row.get("transcript_id")), {}).update(_said(row))
    seen: set[str] = set()
    return [_of(log, scores, seen) for log in logs]


def _of(log: Log, scores: _Scores, seen: set[str]) -> Iterator[Entry]:
    scan = None
    for place, _, row in log.records():
        if not isinstance(row, dict) or row.get("transcript_id") is None:
            log.fault(f"{place} lacks transcript_id.")
            continue
        name = str(row["transcript_id"])
        scan = scan or row.get("scan_id")
        if row.get("input_type") != _WHOLE:
            yield LeftOut(_NO_TALK)
        elif name in seen:
            yield LeftOut(REPEATED)
        else:
            seen.add(name)
            yield _entry(row, scores.get(name, {}))
    if scan is not None:
        yield Fact("scan", scan)


def _entry(row: Mapping[str, Any], scores: Mapping[str, Any]) -> Entry:
    held = parsed(row.get("input"))
    last = last_exchange(messages(at(held, "messages")))
    if last.response is None:
        return LeftOut(NO_RESPONSE)
    metadata = parsed(row.get("transcript_metadata"))
    model = row.get("transcript_model") or at(held, "model") or at(metadata, "model")
    name = str(row["transcript_id"])
    return Exchange(
        prompt=last.prompt,
        response=last.response,
        prompt_id=digest(last.before),
        model=None if model is None else str(model),
        sample=name,
        conversation_id=name if last.turn > 1 else None,
        turn=str(last.turn) if last.turn > 1 else None,
        scores=scores,
        tags={
            "task": row.get("transcript_task_set") or at(metadata, "task_name"),
            "source_id": row.get("transcript_source_id"),
        },
    )


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a scanner said; where it failed, nothing."""
    name = str(row.get("scanner_key") or row.get("scanner_name"))
    if row.get("scan_error"):
        return {name: None}
    value = row.get("value")
    if row.get("value_type") in ("object", "array", "boolean", "number"):
        value = _plain(value)
    if isinstance(value, dict):
        return {f"{name}.{part}": said for part, said in value.items()}
    return {name: value}


def _plain(value: Any) -> Any:
    """Return a value that stands as text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return parsed(value)


SCOUT: Final = Format(
    name="inspect-scout",
    title="Inspect Scout: results of a scanner on transcripts (Parquet)",
    labels=(
        "None by itself: what a scanner's value says must be declared, with cut points where it is a rating. Prompts "
        "are not labelled."
    ),
    source="Inspect Scout's documentation of its results and transcripts (2025 and 2026). Held against no file.",
    recognise=lambda log: log.names >= _COLUMNS,
    entries=_entries,
    together=_together,
    note="A scanner's value speaks of the whole transcript and not of the last response alone.",
)
