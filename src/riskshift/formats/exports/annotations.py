"""What people said of pairs in tools for annotation: Argilla, doccano and Potato; a row an answer.

A question, or a class, that is called like a role (``response_hate``, ``refusal``) is a label; what
others mean must be declared.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from riskshift.formats.chat import parsed
from riskshift.formats.declared import is_label
from riskshift.formats.exchange import Entry, Exchange, LeftOut, Numbering, digest
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.taxonomy import Taxonomy

_TAXONOMY: Final = Taxonomy()
_NOBODY: Final = "not annotated"
_NOTE: Final = "Its labels are people's: riskshift agree takes it as it is."
_LABELS: Final = (
    "Both sides, where a question is called like a label: response_hate, prompt_violence, refusal. What other "
    "questions mean must be declared. A row an answer of a person."
)
# Of what was asked about: what riskshift calls so too.
_TOLD: Final = ("prompt_id", "model", "sample", "source")


def _said(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Tell labels and scores apart by the names of their questions."""
    labels = {name: value for name, value in answers.items() if is_label(name)}
    scores = {name: value for name, value in answers.items() if name not in labels}
    return {"labels": labels, "scores": scores}


def _only(value: Any) -> Any:
    """Return the one thing that was chosen; all where it is more than one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _item(told: Mapping[str, Any], nth: Numbering, **texts: Any) -> dict[str, Any]:
    """Return what tells an item apart, and its texts."""
    prompt, model = texts.get("prompt"), told.get("model")
    given = told.get("prompt_id")
    prompt_id = digest(prompt) if given is None else str(given)
    sample = told.get("sample") or told.get("id") or nth(prompt_id, model)
    return {
        "prompt_id": prompt_id,
        "model": None if model is None else str(model),
        "sample": str(sample),
        "source": None if told.get("source") is None else str(told["source"]),
        **texts,
    }


# Argilla: a list of records, each with the answers to every question.


def _argilla(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for place, _, record in log.records():
        fields = at(record, "fields")
        if not isinstance(fields, dict):
            log.fault(f"{place} lacks fields.")
            continue
        people = _people(at(record, "responses"))
        metadata = at(record, "metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        texts = {name: fields.get(name) for name in ("prompt", "response")}
        # A record is an answer, of which a prompt may have several; so its id is the answer's.
        told = {**metadata, **fields, "id": record.get("id")}
        if texts["prompt"] is None:
            told.setdefault("prompt_id", record.get("id"))
        item = _item(told, nth, **texts)
        tags = {name: value for name, value in metadata.items() if name not in _TOLD}
        if not people:
            yield LeftOut(_NOBODY)
        for person, answers in people.items():
            yield Exchange(
                **item,
                annotator=person,
                **_said(answers),
                labels_alone=texts["response"] is None,
                tags=tags,
            )


def _people(responses: Any) -> dict[str, dict[str, Any]]:
    """Return by person what was answered, by question."""
    people: dict[str, dict[str, Any]] = {}
    for question, answers in responses.items() if isinstance(responses, dict) else ():
        for one in answers if isinstance(answers, list) else ():
            person = str(at(one, "user_id"))
            people.setdefault(person, {})[question] = _only(at(one, "value"))
    return people


# doccano: a line a text, with the names of the classes that a person gave it.

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
        item = _item(record, nth, prompt=record.get("prompt"), response=text)
        if not isinstance(classes, list) or not classes:
            yield LeftOut(_NOBODY)
            continue
        held = (*_DOCCANO, *_TOLD, "prompt")
        tags = {name: value for name, value in record.items() if name not in held}
        yield Exchange(**item, annotator=person, **_said(_classes(classes)), tags=tags)


def _classes(names: Sequence[Any]) -> dict[str, Any]:
    """Return what classes say: ``response_hate: Low`` is a label, others stand together."""
    found, others = dict[str, Any](), list[Any]()
    for name in names:
        match = _CLASS.fullmatch(str(name))
        if match and is_label(match[1]):
            found[match[1]] = match[2]
        else:
            others.append(name)
    return found | ({"label": _only(others)} if others else {})


def _is_doccano(log: Log) -> bool:
    first: Any = log.first[0] if log.first else None
    if not isinstance(first, dict):
        return False
    labels = first.get("label", first.get("labels"))
    return isinstance(first.get("text", first.get("data")), str) and isinstance(labels, list)


def _has_prompts(log: Log) -> bool:
    return bool(log.names & {"prompt", "prompt_id"})


# Potato: the state of a person, or a line for each item and person.

_STATE: Final = "instance_id_to_label_to_value"
_CHOSEN: Final = ("true", "True", True, "1")
_NOT_CHOSEN: Final = ("false", "False", False, "0", "", None)
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
    said = {schema: _only(chosen) for schema, chosen in _schemas(parsed(answers)).items()}
    if not said:
        return LeftOut(_NOBODY)
    return Exchange(
        prompt=None,
        response=None,
        prompt_id=str(item),
        annotator=str(person),
        **_said(said),
        labels_alone=True,
    )


def _schemas(answers: Any) -> dict[str, list[Any]]:
    """Return by question what was chosen or written."""
    found: dict[str, list[Any]] = {}
    for schema, name, value in _choices(answers):
        if value in _NOT_CHOSEN:
            continue
        chosen = value in _CHOSEN and not str(name).startswith(_SCALES)
        found.setdefault(schema, []).append(name if chosen else value)
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


ARGILLA: Final = Format(
    name="argilla",
    title="Argilla: records with people's answers (JSON)",
    labels=_LABELS,
    source=(
        "The program of Argilla 2 that writes records to disk. It does not write whether an answer was submitted. Held "
        "against no exported file."
    ),
    recognise=lambda log: log.names >= {"fields", "responses", "suggestions"},
    entries=_argilla,
    sides=("prompt", "response"),
    taxonomy=_TAXONOMY,
    note=_NOTE,
    rated=True,
)

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
    taxonomy=_TAXONOMY,
    note=_NOTE,
    rated=True,
)

POTATO: Final = Format(
    name="potato",
    title="Potato: people's answers by the ids of items (user_state.json, annotated_instances.jsonl)",
    labels=f"{_LABELS} Texts are not in it.",
    source="A state that Potato wrote in 2025, and its documentation of later forms.",
    recognise=lambda log: (
        {_STATE, "user_id"} <= log.paths
        or log.names >= {"user_id", "instance_id", "label_annotations"}
    ),
    entries=_potato,
    sides=("prompt", "response"),
    taxonomy=_TAXONOMY,
    note=_NOTE,
    rated=True,
)


def _is_label_studio(log: Log) -> bool:
    first: Any = log.first[0] if log.first else None
    return isinstance(at(first, "data"), dict) and isinstance(at(first, "annotations"), list)


LABEL_STUDIO: Final = Refused(
    name="an export of Label Studio",
    recognise=_is_label_studio,
    why=(
        "It holds labels by people and not by a tool. Turn it into rows first, riskshift label-studio import FILE -o "
        "labelled.csv, and give those to riskshift agree, or to riskshift analyze with --people."
    ),
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

ANNOTATIONS: Final = (LABEL_STUDIO, DOCCANO_ALONE)
