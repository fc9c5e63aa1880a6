"""Azure AI Content Safety: answers about prompts and responses, wrapped into pairs."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from riskshift.formats.exchange import Entry, Numbering
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log
from riskshift.formats.services.analyses import WRAPPER, alone, analysed, said_of
from riskshift.formats.services.calls import dicts
from riskshift.taxonomy import SIDES, Taxonomy

TAXONOMY: Final = Taxonomy()
_CATEGORIES: Final = {
    "Hate": "hate",
    "SelfHarm": "self_harm",
    "Sexual": "sexual",
    "Violence": "violence",
}
_ANALYSIS: Final = "categoriesAnalysis"
# Severities 0 to 7, of which four-level answers give the even ones.
_SEVERITIES: Final = range(8)


def level(severity: Any) -> str | None:
    """Return the level of a severity from 0 to 7; what is none is no label, and refused as one.

    Examples
    --------
    >>> level(0), level(3), level(None), level(9)
    ('Safe', 'Low', None, 'unknown: 9')
    """
    if severity is None:
        return None
    if isinstance(severity, bool) or severity not in _SEVERITIES:
        return f"unknown: {severity}"
    return TAXONOMY.levels[int(severity) // 2]


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for pair in analysed(log):
        labels: dict[str, Any] = {}
        for side in SIDES:
            labels |= _labels(side, pair.answer(side))
        yield pair.exchange(nth, tags={}, labels=labels)


def _labels(side: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels of the categories that were asked for."""
    return {
        f"{side}_{_CATEGORIES[one['category']]}": level(one.get("severity"))
        for one in dicts(answer.get(_ANALYSIS))
        if str(one.get("category")) in _CATEGORIES
    }


CONTENT_SAFETY: Final = Format(
    name="azure-content-safety",
    title="Azure AI Content Safety: answers about both texts of a pair (JSON lines, JSON)",
    labels=(
        "Prompts and responses that were analyzed: hate, self-harm, sexual and violence, Safe to High (severities 0 to "
        "7, two a level)."
    ),
    source=(
        "Microsoft's documentation of text analysis (severity levels of four and of eight); no public log was found."
    ),
    recognise=lambda log: said_of(log, _ANALYSIS),
    entries=_entries,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
)

CONTENT_SAFETY_ALONE: Final = Refused(
    name="a log of answers of Azure AI Content Safety, each about one text",
    recognise=lambda log: alone(log, _ANALYSIS),
    why=f"They name neither the text nor its pair. {WRAPPER}",
)
