"""Potato: the state of a person, or a line for each item and person."""

from collections.abc import Iterator
from typing import Any, Final

from riskshift.formats.chat import parsed
from riskshift.formats.exchange import Entry, Exchange, LeftOut
from riskshift.formats.exports.annotations import (
    LABELS,
    NOBODY,
    NOTE,
    TAXONOMY,
    chosen,
    labels_and_scores,
)
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_STATE: Final = "instance_id_to_label_to_value"
_CHOSEN: Final = ("true", "True", True, "1")
_NOT_CHOSEN: Final = ("false", "False", False, "0")
_SCALES: Final = ("scale_", "slider")


def _potato(log: Log) -> Iterator[Entry]:
    if _STATE not in log.paths:
        for place, _, record in log.records():
            lacking = next(
                (name for name in ("user_id", "instance_id") if at(record, name) is None), None
            )
            if lacking:
                log.fault(f"{place} lacks {lacking}.")
            else:
                yield _answer(record["user_id"], record["instance_id"], record["label_annotations"])
        return
    for _, held in log.items(""):
        if at(held, "user_id") is None or not isinstance(at(held, _STATE), dict):
            log.fault(f"{log.name} lacks user_id or {_STATE}.")
            continue
        for item, answers in held[_STATE].items():
            yield _answer(held["user_id"], item, answers)


def _answer(person: Any, item: Any, answers: Any) -> Entry:
    said = {name: chosen(found) for name, found in _schemas(parsed(answers)).items()}
    if not said:
        return LeftOut(NOBODY)
    return Exchange(
        prompt=None,
        response=None,
        prompt_id=str(item),
        annotator=str(person),
        **labels_and_scores(said),
        labels_alone=True,
    )


def _schemas(answers: Any) -> dict[str, list[Any]]:
    """Return by question what was chosen or written."""
    found: dict[str, list[Any]] = {}
    for schema, name, value in _choices(answers):
        scale = str(name).startswith(_SCALES)
        if value in (None, "") or (not scale and value in _NOT_CHOSEN):
            continue
        found.setdefault(schema, []).append(value if scale or value not in _CHOSEN else name)
    return found


def _choices(answers: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(answers, list):
        for one in answers:
            yield str(at(one, "0.schema")), at(one, "0.name"), at(one, "1")
        return
    for schema, names in answers.items() if isinstance(answers, dict) else ():
        inner = at(names, "labels") if isinstance(at(names, "labels"), dict) else names
        for name, value in inner.items() if isinstance(inner, dict) else ():
            yield str(schema), name, value


POTATO: Final = Format(
    name="potato",
    title="Potato: people's answers by the ids of items (user_state.json, annotated_instances.jsonl)",
    labels=f"{LABELS} Texts are not in it.",
    source="A state that Potato wrote in 2025, and its documentation of later forms.",
    recognise=lambda log: (
        {_STATE, "user_id"} <= log.paths
        or log.names >= {"user_id", "instance_id", "label_annotations"}
    ),
    entries=_potato,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
    note=NOTE,
    rated=True,
)
