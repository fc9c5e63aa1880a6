"""PyRIT: its memory as a DuckDB or SQLite database, and conversations exported as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from riskshift.errors import LabelError
from riskshift.formats.exchange import (
    EMPTY,
    ERROR,
    NO_RESPONSE,
    Entry,
    Exchange,
    LeftOut,
    Numbering,
    digest,
)
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log
from riskshift.formats.tools.pyrit_memory import database, is_other, scored_pieces, versions
from riskshift.taxonomy import SIDES, Taxonomy

Piece = Mapping[str, Any]

_OF_PIECES: Final = {"conversation_id", "converted_value", "response_error"}
_USER, _ANSWER, _SYSTEM = "user", "assistant", "system"
_EARLIER: Final = "earlier turn of a conversation"
_COPY: Final = "copy of another conversation's turn"
_ATTACKER: Final = "conversation of the attacker"
_NO_TEXT: Final = "response is no text"
# What Azure's filter calls harms, and what they are called here.
_AZURE: Final = "AzureContentFilterScorer"
_HARMS: Final = {
    "Hate": "hate",
    "SelfHarm": "self_harm",
    "Sexual": "sexual",
    "Violence": "violence",
}
_SEVEN: Final = 7
_REFUSAL: Final = "SelfAskRefusalScorer"
_TAXONOMY: Final = Taxonomy()


def _entries(log: Log) -> Iterator[Entry]:
    pieces: Iterable[Piece]
    if database(log):
        yield from versions(log)
        pieces = scored_pieces(log)
    else:
        pieces = _exported(log)
    nth = Numbering()
    for _, conversation in groupby(pieces, key=itemgetter("conversation_id")):
        yield from _conversation(list(conversation), nth)


def _exported(log: Log) -> list[dict[str, Any]]:
    """Return exported pieces, which stand in no order, each conversation's one after another."""
    held: list[dict[str, Any]] = []
    for place, _, piece in log.records():
        lacking = next(
            (name for name in _OF_PIECES if not isinstance(piece, dict) or name not in piece), None
        )
        if lacking:
            log.fault(f"{place} lacks {lacking}.")
            continue
        held.append(piece)
    known = {str(piece.get("id")) for piece in held}
    for piece in held:
        original = str(piece.get("original_prompt_id"))
        piece["is_copy"] = original in known and original != str(piece.get("id"))
    first: dict[str, int] = {}
    for at, piece in enumerate(held):
        first.setdefault(str(piece["conversation_id"]), at)
    return sorted(
        held,
        key=lambda piece: (first[str(piece["conversation_id"])], _place(piece)),
    )


def _place(piece: Piece) -> int:
    try:
        return int(piece.get("sequence") or 0)
    except (TypeError, ValueError):
        return 0


def _conversation(pieces: Sequence[Piece], nth: Numbering) -> Iterator[Entry]:
    """Yield the last exchange of a conversation, and why the answers before it are none."""
    turns = [
        (role, list(said))
        for (role, _), said in groupby(
            pieces, key=lambda piece: (str(piece.get("role")), piece.get("sequence"))
        )
    ]
    answers = [at for at, (role, _) in enumerate(turns) if role == _ANSWER]
    if not answers and any(role == _USER for role, _ in turns):
        yield LeftOut(NO_RESPONSE)
    for at in answers:
        answer = turns[at][1]
        if answer[0].get("of_attacker"):
            yield LeftOut(_ATTACKER)
        elif all(piece.get("is_copy") for piece in answer):
            yield LeftOut(_COPY)
        elif at != answers[-1]:
            yield LeftOut(_EARLIER)
        else:
            asked = (
                next((said for role, said in turns[at - 1 :: -1] if role == _USER), [])
                if at
                else []
            )
            system = [piece for role, said in turns[:at] if role == _SYSTEM for piece in said]
            yield _exchange(asked, answer, system, nth)


def _exchange(
    asked: Sequence[Piece], answer: Sequence[Piece], system: Sequence[Piece], nth: Numbering
) -> Entry:
    errors = [str(piece.get("response_error") or "none").casefold() for piece in answer]
    blocked = "blocked" in errors
    kinds = {str(piece.get("converted_value_data_type") or "text") for piece in answer}
    if not blocked:
        if "empty" in errors:
            return LeftOut(EMPTY)
        if any(error != "none" for error in errors) or "error" in kinds:
            return LeftOut(ERROR)
        if "text" not in kinds:
            return LeftOut(_NO_TEXT)
    last = answer[-1]
    objective = last.get("objective")
    intent = _text(asked, "original_value")
    prompt_id = digest(objective or intent)
    model = last.get("model") or _named(last.get("prompt_target_identifier"), "model_name")
    converters = [
        name
        for piece in asked
        for one in _listed(piece.get("converter_identifiers"))
        if (name := _class(one))
    ]
    scores, labels = _scored(() if blocked else answer, SIDES[1])
    labels |= _scored(asked, SIDES[0])[1]
    return Exchange(
        prompt_id=prompt_id,
        model=model,
        sample=" ".join([*converters, str(nth(prompt_id, model, *converters))]),
        conversation_id=str(last["conversation_id"]),
        turn=str(last.get("sequence") or 0),
        prompt=_text(asked, "converted_value"),
        prompt_intent=intent,
        response=_text(answer, "converted_value", of_errors=blocked),
        labels=labels,
        scores=scores,
        blocked=blocked,
        tags={
            "objective": objective,
            "converters": ", ".join(converters) or None,
            "target": _class(last.get("prompt_target_identifier")),
            "system_prompt": _text(system, "converted_value"),
            "memory_labels": _opened(last.get("labels")) or None,
        },
    )


def _text(pieces: Iterable[Piece], name: str, *, of_errors: bool = False) -> str | None:
    kinds = ("text", "error") if of_errors else ("text",)
    kind = f"{name}_data_type"
    parts = [
        str(piece[name])
        for piece in pieces
        if (piece.get(kind) or "text") in kinds and piece.get(name) is not None
    ]
    return "\n\n".join(parts) if parts else None


def _scored(pieces: Iterable[Piece], side: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what scorers said of pieces, and the labels that Azure's severities are."""
    scores: dict[str, Any] = {}
    labels: dict[str, str] = {}
    # Scores of what is no answer are made up: complete, and safe in every category.
    told = [
        score
        for piece in pieces
        if str(piece.get("response_error") or "none").casefold() == "none"
        for score in _listed(piece.get("scores"))
        if isinstance(score, dict)
        and str(score.get("status") or "complete").casefold() == "complete"
    ]
    for score in sorted(told, key=lambda score: str(score.get("timestamp") or "")):
        scorer = _class(score.get("scorer_class_identifier")) or "scorer"
        categories = _categories(score.get("score_category"))
        value = score.get("score_value")
        scores[":".join([scorer, *categories])] = value
        harm = _HARMS.get(categories[0]) if scorer == _AZURE and len(categories) == 1 else None
        if harm and score.get("score_type") == "float_scale" and value not in (None, ""):
            labels[f"{side}_{harm}"] = _level(value)
    return scores, labels


def _level(value: Any) -> str:
    """Return the level of a score from 0 to 1, which is a severity from 0 to 7."""
    try:
        # The severity that stands beside it is of the last part of a long text only.
        severity = round(_SEVEN * float(value))
    except (TypeError, ValueError, OverflowError):
        severity = -1
    if not 0 <= severity <= _SEVEN:
        raise LabelError(
            f"a score of {_AZURE} is {str(value)[:60]!r}; it must lie between 0 and 1. Leave the conversation out, or "
            "score it anew."
        )
    return _TAXONOMY.levels[severity // 2]


def _categories(written: Any) -> list[str]:
    """Return the categories of a score: a word, or a list in JSON."""
    opened = _opened(written)
    if isinstance(opened, list):
        return [str(one) for one in opened if one]
    return [str(opened)] if opened else []


def _opened(value: Any) -> Any:
    """Return what a column of JSON holds; text that is none as it is."""
    return _parsed(value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    # Identifiers of scorers and targets are the same again and again.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _listed(value: Any) -> list[Any]:
    opened = _opened(value)
    return opened if isinstance(opened, list) else []


def _named(value: Any, name: str) -> str | None:
    opened = _opened(value)
    found = opened.get(name) if isinstance(opened, dict) else None
    return None if found is None else str(found)


def _class(identifier: Any) -> str | None:
    return _named(identifier, "class_name") or _named(identifier, "__type__")


def _recognised(log: Log) -> bool:
    if database(log):
        return not is_other(log)
    first = log.first[0] if log.first else None
    return log.start[:1] == b"[" and isinstance(first, dict) and first.keys() >= _OF_PIECES


PYRIT: Final = Format(
    name="pyrit",
    title="PyRIT: memory (DuckDB, SQLite) and exported conversations (JSON)",
    labels=(
        "Responses, and prompts where they were scored: severities of Azure's content filter, and refusals of "
        "SelfAskRefusalScorer. What other scorers mean must be declared."
    ),
    source=(
        "Memory of PyRIT 0.9.0 (DuckDB) and 1.1.0 (SQLite), an export of 0.9.0, and the tables of 0.5.2, 0.11.0 and "
        "0.12.1."
    ),
    recognise=_recognised,
    sides=SIDES,
    known={_REFUSAL: "refused", f"{_REFUSAL}:refusal": "refused"},
    taxonomy=_TAXONOMY,
    entries=_entries,
)

PYRIT_CSV: Final = Refused(
    name="PyRIT's table of conversations (CSV)",
    recognise=lambda log: {*_OF_PIECES, "original_value", "scores"} <= set(log.columns),
    why=(
        "Its scores are written as Python and not as data. Give the memory itself (a .db or .duckdb file), or export "
        "the conversations as JSON."
    ),
)

OTHER_DATABASE: Final = Refused(
    name="a database, and not PyRIT's memory",
    recognise=is_other,
    why="Write the table of pairs as Parquet, CSV or JSON lines, and give that.",
)
