"""Argilla: a list of records, each with people's answers to every question."""

from collections.abc import Iterator
from typing import Any, Final

from riskshift.formats.exchange import Entry, Exchange, LeftOut, Numbering
from riskshift.formats.exports.annotations import (
    LABELS,
    NOBODY,
    NOTE,
    TAXONOMY,
    TOLD,
    chosen,
    identity,
    labels_and_scores,
)
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log


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
        item = identity(told, nth, **texts)
        tags = {name: value for name, value in metadata.items() if name not in TOLD}
        if not people:
            yield LeftOut(NOBODY)
        for person, answers in people.items():
            yield Exchange(
                **item,
                annotator=person,
                **labels_and_scores(answers),
                labels_alone=texts["response"] is None,
                tags=tags,
            )


def _people(responses: Any) -> dict[str, dict[str, Any]]:
    """Return by person what was answered, by question."""
    people: dict[str, dict[str, Any]] = {}
    for question, answers in responses.items() if isinstance(responses, dict) else ():
        for one in answers if isinstance(answers, list) else ():
            person = str(at(one, "user_id"))
            people.setdefault(person, {})[question] = chosen(at(one, "value"))
    return people


ARGILLA: Final = Format(
    name="argilla",
    title="Argilla: records with people's answers (JSON)",
    labels=LABELS,
    source=(
        "The program of Argilla 2 that writes records to disk. It does not write whether an answer was submitted. Held "
        "against no exported file."
    ),
    recognise=lambda log: log.names >= {"fields", "responses", "suggestions"},
    entries=_argilla,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
    note=NOTE,
    rated=True,
)
