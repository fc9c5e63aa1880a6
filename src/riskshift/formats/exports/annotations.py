"""What tools for annotation export: labels of people, which have commands of their own."""

from typing import Any, Final

from riskshift.formats.format import Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_DOCCANO: Final = frozenset(
    {"id", "text", "data", "label", "labels", "cats", "entities", "relations", "Comments"}
)


def _is_label_studio(log: Log) -> bool:
    first: Any = log.first[0] if log.first else None
    return isinstance(at(first, "data"), dict) and isinstance(at(first, "annotations"), list)


def _is_doccano(log: Log) -> bool:
    first: Any = log.first[0] if log.first else None
    if not isinstance(first, dict) or not first.keys() <= _DOCCANO:
        return False
    labels = first.get("label", first.get("labels"))
    return isinstance(first.get("text", first.get("data")), str) and isinstance(labels, list)


LABEL_STUDIO: Final = Refused(
    name="an export of Label Studio",
    recognise=_is_label_studio,
    why=(
        "It holds labels by people and not by a tool. Turn it into rows first, riskshift label-studio import FILE -o "
        "labelled.csv, and give those to riskshift agree, or to riskshift analyze with --people."
    ),
)

DOCCANO: Final = Refused(
    name="an export of doccano",
    recognise=_is_doccano,
    why=(
        "It labels one text at a time, and nothing in it says which prompt and response go together. Write a line for "
        "each pair, with prompt_id, annotator and a column for each label such as response_harm, and give that to "
        "riskshift agree. If it is none of doccano's: --from jsonl."
    ),
)

POTATO: Final = Refused(
    name="the state of an annotator of Potato",
    recognise=lambda log: "instance_id_to_label_to_value" in log.paths,
    why=(
        "It holds one person's labels by the ids of items, and no texts. Write a line for each item, with prompt_id, "
        "annotator and a column for each label such as response_harm, and give all people's to riskshift agree."
    ),
)

ANNOTATIONS: Final = (LABEL_STUDIO, DOCCANO, POTATO)
