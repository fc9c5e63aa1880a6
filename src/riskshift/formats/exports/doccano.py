"""doccano: a line a text, with the names of the classes that a person gave it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final

from riskshift.formats.declared import is_label
from riskshift.formats.exchange import Entry, Exchange, LeftOut, Numbering
from riskshift.formats.exports.annotations import (
    NOBODY,
    NOTE,
    TAXONOMY,
    TOLD,
    chosen,
    identity,
    labels_and_scores,
)
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_CLASS: Final = re.compile(r"\s*(\w+)\s*[:=]\s*(.+?)\s*")
_DOCCANO: Final = frozenset(
    {"id", "text", "data", "label", "labels", "cats", "entities", "relations", "Comments"}
)


def _doccano(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    person = PurePath(log.name).stem
    for place, _, record in log.records():
        text = at(record, "text") or at(record, "data")
        classes = at(record, "label") or at(record, "labels")
        if not isinstance(text, str) or (record.get("prompt") or record.get("prompt_id")) is None:
            log.fault(f"{place} lacks {'text' if text is None else 'prompt'}.")
            continue
        item = identity(record, nth, prompt=record.get("prompt"), response=text)
        if not isinstance(classes, list) or not classes:
            yield LeftOut(NOBODY)
            continue
        held = (*_DOCCANO, *TOLD, "prompt")
        tags = {name: value for name, value in record.items() if name not in held}
        yield Exchange(**item, annotator=person, **labels_and_scores(_classes(classes)), tags=tags)


def _classes(names: Sequence[Any]) -> dict[str, Any]:
    """Return what classes say: ``response_hate: Low`` is a label, others stand together."""
    found, others = dict[str, Any](), list[Any]()
    for name in names:
        match = _CLASS.fullmatch(str(name))
        if match and is_label(match[1]):
            found[match[1]] = match[2]
        else:
            others.append(name)
    return found | ({"label": chosen(others)} if others else {})


def _is_doccano(log: Log) -> bool:
    first: Any = log.first[0] if log.first else None
    if not isinstance(first, dict):
        return False
    labels = first.get("label", first.get("labels"))
    return isinstance(first.get("text", first.get("data")), str) and isinstance(labels, list)


def _has_prompts(log: Log) -> bool:
    return bool(log.names & {"prompt", "prompt_id"})


DOCCANO: Final = Format(
    name="doccano",
    title="doccano: texts that a person classified, beside their prompts (JSON lines)",
    labels=(
        "Both sides, where a class is called like a label and its level: response_hate: Low. What other classes mean "
        "must be declared. The person is named after the file."
    ),
    source="An example that doccano ships, and its program that writes exports. Held against no project of pairs.",
    recognise=lambda log: _is_doccano(log) and _has_prompts(log),
    entries=_doccano,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
    note=NOTE,
    rated=True,
)

DOCCANO_ALONE: Final = Refused(
    name="an export of doccano",
    recognise=lambda log: _is_doccano(log) and not _has_prompts(log) and set(log.names) <= _DOCCANO,
    why=(
        "It labels one text at a time, and nothing in it says which prompt a response belongs to. Import the responses "
        "into doccano with a column prompt or prompt_id beside the text; it exports them again. If it is none of "
        "doccano's: --from jsonl."
    ),
)
