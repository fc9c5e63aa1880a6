"""Petri: transcripts of audits, in which an auditor talks with a model and a judge rates it all."""

from collections.abc import Iterator
from typing import Any, Final

from riskshift.formats.chat import Message, last_exchange, messages
from riskshift.formats.exchange import Entry, Exchange, Fact, LeftOut, digest
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_EVENTS: Final = "events"
_TARGET: Final = "target"
_EDITED: Final = "edited in a way that is not read"


class _UnreadableError(Exception):
    """A conversation was edited in a way that cannot be followed."""


def _entries(log: Log) -> Iterator[Entry]:
    said: list[Any] = []
    metadata: dict[str, Any] = {}
    edits: list[Any] = []
    for path, value in log.items(_EVENTS):
        if path == _EVENTS and _TARGET in _views(value):
            edits.append(at(value, "edit"))
        elif path == "metadata" and isinstance(value, dict):
            metadata = value
    if metadata.get("version"):
        yield Fact("version", metadata["version"])
    if not metadata.get("target_model"):
        log.fault(f"{log.name} lacks metadata.target_model.")
        return
    try:
        for edit in edits:
            said = _after(edit, said)
    except _UnreadableError:
        yield LeftOut(_EDITED)
        return
    yield _exchange(messages(said), metadata)


def _views(event: Any) -> list[Any]:
    view = at(event, "view")
    return view if isinstance(view, list) else [view]


def _after(edit: Any, said: list[Any]) -> list[Any]:
    """Return the messages after an edit of them; answers that were taken back are none."""
    match at(edit, "operation"):
        case "add":
            return [*said, at(edit, "message")]
        case "rollback" if isinstance(at(edit, "count"), int):
            return said[: max(len(said) - at(edit, "count"), 0)]
        case "rollback" if any(at(one, "id") == at(edit, "to_id") is not None for one in said):
            ids = [at(one, "id") for one in said]
            return said[: ids.index(at(edit, "to_id")) + 1]
        case "reset" if isinstance(at(edit, "new_messages"), list):
            return list(at(edit, "new_messages"))
    raise _UnreadableError


def _exchange(talk: list[Message], metadata: dict[str, Any]) -> Entry:
    last = last_exchange(talk)
    name = metadata.get("transcript_id") or metadata.get("id")
    return Exchange(
        prompt=last.prompt,
        response=last.response,
        prompt_id=digest(last.before),
        model=str(metadata["target_model"]),
        sample=None if name is None else str(name),
        conversation_id=None if name is None else str(name),
        turn=str(last.turn),
        scores=_scores(at(metadata, "judge_output.scores")),
        tags={
            "auditor_model": metadata.get("auditor_model"),
            "tags": ", ".join(map(str, metadata.get("tags") or [])) or None,
        },
    )


def _scores(said: Any) -> dict[str, Any]:
    """Return what the judge said; a score below the scale is one that it did not give."""
    found = said.items() if isinstance(said, dict) else ()
    return {name: None if is_no_rating(value) else value for name, value in found}


def is_no_rating(value: Any) -> bool:
    """Tell the number that stands where a judge gave no rating from 1 to 10.

    Examples
    --------
    >>> is_no_rating(-1), is_no_rating(3), is_no_rating(None)
    (True, False, False)
    """
    return isinstance(value, int | float) and value < 0


PETRI: Final = Format(
    name="petri",
    title="Petri: transcripts of audits (JSON)",
    labels=(
        "None by itself: its judge rates a whole transcript from 1 to 10 in each of its dimensions, and which of them "
        "speaks of harm must be declared, with cut points. Prompts are not labelled."
    ),
    source=(
        "Petri's documentation of its transcripts and its judge, and programs of users that read transcripts. Held "
        "against no transcript; of edits by patches nothing is read."
    ),
    recognise=lambda log: {_EVENTS, "metadata.target_model", "metadata.auditor_model"} <= log.paths,
    entries=_entries,
    note="A rating of Petri's judge speaks of the whole transcript and not of the last response alone.",
)
