"""Langfuse: exported observations and traces, each with its scores, as rows and as documents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from riskshift.formats.chat import answered, asked, is_filter_error, is_filtered, parsed
from riskshift.formats.exchange import (
    ERROR,
    NO_RESPONSE,
    Entry,
    Exchange,
    LeftOut,
    Numbering,
    digest,
)
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_STEP: Final = "a step that is no call of a model"
_ALONE: Final = "a score of what is not in the logs"
_CALL: Final = "GENERATION"
# Columns that are no scores, though lists stand in them.
_LISTS: Final = (
    *("tags", "traceTags", "trace_tags", "comments", "input", "output", "metadata", "toolCalls"),
    *("tool_calls", "toolCallNames", "tool_call_names", "usedToolNames", "availableToolNames"),
)
_OF_ROWS: Final = (
    frozenset({"traceId", "type", "input", "output", "level"}),  # observations, exported by hand
    frozenset({"trace_id", "type", "input", "output", "level"}),  # and on a schedule
)
_TRACES: Final = frozenset({"id", "timestamp", "input", "output"})
_PROJECTS: Final = frozenset({"projectId", "project_id", "bookmarked"})
_OF_SCORES: Final = (
    frozenset({"traceId", "observationId", "dataType", "value", "name"}),
    frozenset({"trace_id", "observation_id", "data_type", "value", "name"}),
)
# What a score is of: a trace, and within it perhaps an observation.
_Key = tuple[str, str]
_Scores = dict[_Key, dict[str, Any]]


def _entries(log: Log) -> Iterator[Entry]:
    return _together([log])[0]


def _together(logs: Sequence[Log]) -> Sequence[Iterator[Entry]]:
    """Join the scores that stand in files of their own."""
    scores: _Scores = {}
    for log in logs:
        for _, score in _rows(Log(log.path, log.name, skip_bad=True)) if _is_scores(log) else ():
            _add(scores, score)
    held = set[_Key]()
    for log in logs if scores else ():
        for _, row in () if _is_scores(log) else _rows(Log(log.path, log.name, skip_bad=True)):
            held.add(_key(row))
    nth = Numbering()
    return [_unjoined(log, held) if _is_scores(log) else _of(log, scores, nth) for log in logs]


def _unjoined(log: Log, held: set[_Key]) -> Iterator[Entry]:
    """Yield what is said of nothing that was given."""
    for place, score in _rows(log):
        key = _of_what(score)
        if key is None or score.get("name") is None:
            log.fault(f"{place} lacks a trace or a name.")
        elif key not in held:
            yield LeftOut(_ALONE)


def _key(row: Mapping[str, Any]) -> _Key:
    """Return what scores call an observation, or a trace."""
    trace = row.get("traceId") or row.get("trace_id")
    return (str(row.get("id")), "") if trace is None else (str(trace), str(row.get("id")))


def _of_what(score: Any) -> _Key | None:
    trace = at(score, "traceId") or at(score, "trace_id")
    of = at(score, "observationId") or at(score, "observation_id")
    return None if trace is None else (str(trace), str(of or ""))


def _rows(log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, path, row in log.records("data"):
        if path:
            continue
        if isinstance(row, dict):
            yield place, row
        else:
            log.fault(f"{place} is no object.")


def _of(log: Log, scores: _Scores, nth: Numbering) -> Iterator[Entry]:
    for place, row in _rows(log):
        if isinstance(row.get("observations"), list) and isinstance(row.get("scores"), list):
            of_trace: _Scores = {}
            for score in row["scores"]:
                _add(of_trace, score)
            yield _entry({**row, "type": None}, of_trace, nth)
        elif row.get("id") is None:
            log.fault(f"{place} lacks id.")
        elif "input" not in row and "output" not in row:
            log.fault(f"{place} lacks input and output.")
        else:
            yield _entry(row, scores, nth)


def _entry(row: Mapping[str, Any], scores: _Scores, nth: Numbering) -> Entry:
    trace = row.get("traceId") or row.get("trace_id")
    if trace is not None and row.get("type") not in (None, _CALL):
        return LeftOut(_STEP)
    failed = row.get("level") == "ERROR"
    said = _first(row, "statusMessage", "status_message")
    blocked = is_filtered(row.get("output")) or (failed and is_filter_error(said))
    if failed and not blocked:
        return LeftOut(ERROR)
    if row.get("output") in (None, "") and not blocked:
        return LeftOut(NO_RESPONSE)
    prompt_id = digest(parsed(row.get("input")))
    model = _first(row, "model", "providedModelName", "provided_model_name")
    session = _first(row, "sessionId", "session_id")
    return Exchange(
        prompt=asked(row.get("input")),
        response=answered(row.get("output")),
        prompt_id=prompt_id,
        model=model,
        sample=str(nth(prompt_id, model)),
        scores=_columns(row) | scores.get(_key(row), {}),
        blocked=blocked,
        tags={
            "name": row.get("name"),
            "environment": row.get("environment"),
            "session": session,
            "version": _first(row, "version"),
            "trace": _first(row, "traceName", "trace_name"),
        },
    )


def _first(row: Mapping[str, Any], *names: str) -> str | None:
    return next((str(row[name]) for name in names if row.get(name)), None)


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores among the columns: lists of what was said, mostly of one thing."""
    found = {name: parsed(value) for name, value in row.items() if name not in _LISTS}
    lists = {name: held for name, held in found.items() if isinstance(held, list)}
    plain = {
        name: held
        for name, held in lists.items()
        if all(isinstance(one, str | int | float) for one in held)
    }
    return {name: _only(held) for name, held in plain.items() if held}


def _only(held: Sequence[Any]) -> Any:
    """Return the one thing that is said; all of it where it is more than one."""
    return held[0] if all(one == held[0] for one in held) else list(held)


def _add(scores: _Scores, score: Any) -> None:
    """Keep a score; one said again of the same thing counts beside the one before."""
    key, name = _of_what(score), at(score, "name")
    if key is None or name is None:
        return
    said = at(score, "stringValue") or at(score, "string_value")
    kind = at(score, "dataType") or at(score, "data_type")
    number = at(score, "value")
    value = said if kind == "CATEGORICAL" or number in (None, "") else number
    held = scores.setdefault(key, {})
    before = held.get(str(name))
    held[str(name)] = value if before in (None, value) else [before, value]


def _is_scores(log: Log) -> bool:
    return any(log.names >= names for names in _OF_SCORES)


def _recognised(log: Log) -> bool:
    if {"observations", "scores"} <= log.paths and log.paths & {"projectId", "htmlPath"}:
        return True
    first = at(log.first[0], "data.0") if log.first else None
    names = frozenset(first) if isinstance(first, dict) else log.names
    of_traces = names >= _TRACES and names & _PROJECTS
    return bool(of_traces) or any(names >= some for some in (*_OF_ROWS, *_OF_SCORES))


LANGFUSE: Final = Format(
    name="langfuse",
    title="Langfuse: exported observations, traces and scores (JSON, JSON lines, CSV, Parquet)",
    labels=("None by itself: what a score says must be declared. Prompts are not labelled."),
    source=(
        "Langfuse's documentation of its exports to blob storage and of its API, and the program that writes exports "
        "by hand (2025 and 2026). Held against no exported file."
    ),
    recognise=_recognised,
    entries=_entries,
    table=True,
    together=_together,
)
