"""What people said of pairs in tools for annotation: a row an answer of a person.

A question, or a class, that is called like a role (``response_hate``, ``refusal``) is a label; what
others mean must be declared.
"""

from collections.abc import Mapping
from typing import Any, Final

from riskshift.formats.declared import is_label
from riskshift.formats.exchange import Numbering, digest
from riskshift.formats.format import Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.taxonomy import Taxonomy

TAXONOMY: Final = Taxonomy()
NOBODY: Final = "not annotated"
NOTE: Final = "Its labels are people's: riskshift agree takes it as it is."
LABELS: Final = (
    "Both sides, where a question is called like a label: response_hate, prompt_violence, refusal. What other "
    "questions mean must be declared. A row an answer of a person."
)
# Of what was asked about: what riskshift calls so too.
TOLD: Final = ("prompt_id", "model", "sample", "source")


def labels_and_scores(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Tell labels and scores apart by the names of their questions."""
    labels = {name: value for name, value in answers.items() if is_label(name)}
    scores = {name: value for name, value in answers.items() if name not in labels}
    return {"labels": labels, "scores": scores}


def chosen(value: Any) -> Any:
    """Return the one thing that was chosen; all where it is more than one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def identity(told: Mapping[str, Any], nth: Numbering, **texts: Any) -> dict[str, Any]:
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
