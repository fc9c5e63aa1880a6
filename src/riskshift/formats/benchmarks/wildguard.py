"""Rows that a classifier of both sides labelled: WildGuard's fields, and any-guardrail's results."""

from collections.abc import Mapping
from typing import Any, Final

from riskshift.formats.declared import Column, Declared
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.refusal import COMPLIED, REFUSAL, REFUSED
from riskshift.taxonomy import HARM, SIDES

_PROMPTS: Final = ("prompt", "instruction", "input_text")
_RESPONSES: Final = ("response", "output", "completion", "output_text")
_MODELS: Final = ("model", "model_name")
_SAFE, _HARMFUL = HARM.levels
_HARM: Final = {
    **dict.fromkeys(("harmful", "yes", "true"), _HARMFUL),
    **dict.fromkeys(("unharmful", "no", "false"), _SAFE),
}
_REFUSES: Final = {
    **dict.fromkeys(("refusal", "yes", "true"), REFUSAL[REFUSED]),
    **dict.fromkeys(("compliance", "no", "false"), REFUSAL[COMPLIED]),
}
_NOT_ASKED: Final = ("", "n/a", "na", "none")
_FIELDS: Final = ("prompt_harmfulness", "response_harmfulness", "response_refusal")


def _first(*names: str) -> Any:
    """Return how to read the first member of several names that is text."""
    return lambda record: next(
        (record[name] for name in names if isinstance(record.get(name), str)), None
    )


# What stands beside the labels of either guard.
_BESIDE: Final = (
    Column("prompt_id", "prompt_id"),
    Column("model", _first(*_MODELS)),
    Column("prompt", _first(*_PROMPTS), required=True),
    Column("response", _first(*_RESPONSES)),
    Column("id", "id"),
)
_REPEATS: Final = ("prompt_id", "prompt", "model")


def _word(value: Any, words: Mapping[str, str]) -> Any:
    """Return a label as it is called here; what is unknown stays, to be refused by the reader."""
    text = str(value).strip().casefold()
    return None if value is None or text in _NOT_ASKED else words.get(text, value)


def _fields(record: Any) -> Any:
    """Return where the fields of WildGuard stand: in a row, or in one member of it."""
    if any(name in record for name in _FIELDS):
        return record
    members = (value for value in record.values() if isinstance(value, dict))
    return next((one for one in members if any(name in one for name in _FIELDS)), {})


def _of_wildguard(name: str, words: Mapping[str, str]) -> Any:
    def read(record: Any) -> Any:
        fields = _fields(record)
        failed = fields.get("is_parsing_error", record.get("is_parsing_error"))
        return None if failed else _word(fields.get(name), words)

    return read


def _row(log: Log) -> dict[str, Any]:
    """Return the first of a log's rows, nothing if it has none."""
    first = log.first[0] if log.first else None
    return first if isinstance(first, dict) else {}


def _texts(row: Mapping[str, Any]) -> bool:
    return _first(*_PROMPTS)(row) is not None


def _is_wildguard(log: Log) -> bool:
    return bool(_fields(_row(log)))


WILDGUARD: Final = Format(
    name="wildguard",
    title="WildGuard: its fields beside prompts and responses (JSON lines, JSON)",
    labels=(
        "Prompts and responses: harmful or unharmful; and whether the response refuses. Rows that WildGuard could not "
        "parse have no labels."
    ),
    source="WildGuard's code and its description of results (allenai/wildguard); no file was at hand.",
    recognise=lambda log: _is_wildguard(log) and _texts(_row(log)),
    sides=SIDES,
    entries=Declared(
        repeats=_REPEATS,
        columns=(
            *_BESIDE,
            Column("prompt_harm", _of_wildguard("prompt_harmfulness", _HARM)),
            Column("response_harm", _of_wildguard("response_harmfulness", _HARM)),
            Column("refusal", _of_wildguard("response_refusal", _REFUSES)),
        ),
    ),
)

WILDGUARD_BARE: Final = Refused(
    name="a list of WildGuard's results without their texts",
    recognise=lambda log: _is_wildguard(log) and not _texts(_row(log)),
    why=(
        "They stand in the order of what was classified. Write each beside its prompt and response, one JSON object "
        "a line."
    ),
)

# Categories of guardrails that judge both sides, by what they say.
_SAYS: Final = {
    "prompt_harm": ("harmful_request", "prompt_harm"),
    "response_harm": ("harmful_response", "response_harm"),
    "refusal": ("response_refusal",),
}


def _result(record: Any) -> Any:
    """Return a guardrail's result: a row, or a member of it."""
    for one in (record, *record.values()):
        if isinstance(one, dict) and {"valid", "explanation"} <= one.keys():
            return one
    return {}


def _failed(result: Any) -> bool:
    # What it could not parse it calls not valid.
    return bool(at(result, "extra.parse_failure"))


def _of_category(role: str, words: Mapping[str, str]) -> Any:
    def read(record: Any) -> Any:
        result = _result(record)
        categories = result.get("categories")
        listed = categories if isinstance(categories, list) else []
        told = {str(at(one, "name")): at(one, "triggered") for one in listed}
        found = next((told[name] for name in _SAYS[role] if told.get(name) is not None), None)
        return None if _failed(result) else _word(found, words)

    return read


def _valid(record: Any) -> Mapping[str, Any]:
    result = _result(record)
    failed = _failed(result)
    return {name: None if failed else result.get(name) for name in ("valid", "score")}


ANY_GUARDRAIL: Final = Format(
    name="any-guardrail",
    title="any-guardrail: results beside prompts and responses (JSON lines, JSON)",
    labels=(
        "Prompts and responses, where the guardrail tells harmful requests from harmful responses (WildGuard, "
        "PolyGuard and others). Else only valid, which is one verdict for both: declare what it means."
    ),
    source="The classes of any-guardrail's results and its guardrails; no file was at hand.",
    recognise=lambda log: bool(_result(_row(log))) and _texts(_row(log)),
    sides=SIDES,
    entries=Declared(
        scores=_valid,
        repeats=_REPEATS,
        columns=(
            *_BESIDE,
            Column("prompt_harm", _of_category("prompt_harm", _HARM)),
            Column("response_harm", _of_category("response_harm", _HARM)),
            Column("refusal", _of_category("refusal", _REFUSES)),
            Column("guardrail", "guardrail"),
            Column("guardrail_model", lambda row: at(_result(row), "usage.model_id")),
        ),
    ),
)
