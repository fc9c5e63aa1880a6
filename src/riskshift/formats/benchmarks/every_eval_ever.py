"""Every Eval Ever: instance records, in which evaluations of many tools are written alike."""

from typing import Any, Final

from riskshift.formats.chat import Message, last_exchange, messages
from riskshift.formats.declared import Column, Declared
from riskshift.formats.exchange import ERROR, NO_RESPONSE, digest
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_VERSIONS: Final = ("0.2.0", "0.2.1", "0.2.2")
_KIND: Final = "instance_level_eval_"
# Which of them was scored is not told.
_SEVERAL: Final = "several responses with one score"


def _talk(record: Any) -> list[Message]:
    return messages(record.get("messages"))


def _prompt(record: Any) -> Any:
    talk = _talk(record)
    return last_exchange(talk).prompt if talk else at(record, "input.raw")


def _response(record: Any) -> Any:
    talk = _talk(record)
    if talk:
        return last_exchange(talk).response
    said = at(record, "output.raw")
    return said[0] if isinstance(said, list) and said else said or None


def _has_several(record: Any) -> bool:
    said = at(record, "output.raw")
    return isinstance(said, list) and len(said) > 1


def _turn(record: Any) -> Any:
    talk = _talk(record)
    return last_exchange(talk).turn if talk else None


def _scores(record: Any) -> dict[str, Any]:
    found = record.get("evaluation") or {}
    return {name: found.get(name) for name in ("is_correct", "score")}


def _recognised(log: Log) -> bool:
    return log.holds("schema_version") and log.holds("evaluation_id") and log.holds("input.raw")


EVERY_EVAL_EVER: Final = Format(
    name="every-eval-ever",
    title="Every Eval Ever: instance records (JSON lines)",
    labels=(
        "None by itself: score and is_correct mean what the evaluation means by them, and must be declared. Prompts "
        "are not labelled."
    ),
    source=(
        "The schema of instance records 0.2.1, an example of 0.2.2 and records of MMLU (0.2.1). Held against no file "
        "of a test of safety."
    ),
    recognise=_recognised,
    entries=Declared(
        versions={"schema_version": (*_VERSIONS, *(f"{_KIND}{one}" for one in _VERSIONS))},
        left_out=(
            (ERROR, lambda record: bool(record.get("error"))),
            (NO_RESPONSE, lambda record: _response(record) is None),
            (_SEVERAL, _has_several),
        ),
        scores=_scores,
        repeats=("prompt_id", "model", "evaluation"),
        columns=(
            Column("prompt_id", lambda record: digest(at(record, "input.raw"))),
            Column("model", "model_id"),
            Column("prompt", _prompt, required=True),
            Column("prompt_intent", "input.raw", required=True),
            Column("response", _response),
            Column(
                "conversation_id", lambda record: record["sample_id"] if _talk(record) else None
            ),
            Column("turn", _turn),
            Column("evaluation", "evaluation_name"),
            Column("sample_id", "sample_id"),
            Column("interaction_type", "interaction_type"),
        ),
    ),
)
