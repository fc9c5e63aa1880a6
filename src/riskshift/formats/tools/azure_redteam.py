"""azure-ai-evaluation: red-team scans, which judge each answer in the category that they asked for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from riskshift.formats.exchange import Entry, Numbering
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.tools.azure_evaluation import CATEGORIES, asked, exchanges
from riskshift.taxonomy import Taxonomy

TAXONOMY: Final = Taxonomy(("harm",))
# What else repeats the same attacks, such as redteaming_data, is passed over.
_SCANS: Final = ("attack_details", "scan_result.attack_details")
_LEVELS: Final = dict(zip(("very low", "low", "medium", "high"), TAXONOMY.levels, strict=True))
_HELD: Final = ("risk_assessment", "conversation")


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for place, path, record in log.records(*_SCANS):
        if path:
            continue
        if not isinstance(record, dict):
            log.fault(f"{place} is no object.")
            continue
        prompt, response = asked(record, ("conversation",))
        category = record.get("risk_category")
        label = _label(at(record.get("risk_assessment"), f"{category}.severity_label"))
        own = {f"response_{CATEGORIES[category]}": label} if category in CATEGORIES else {}
        yield from exchanges(
            log,
            place,
            nth,
            prompt=prompt,
            response=response,
            labels={"response_harm": label, **own},
            tags=_told(record),
        )


def _label(said: Any) -> str | None:
    if said is None:
        return None
    return _LEVELS.get(str(said).casefold(), f"unknown: {said}")


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in record.items() if name not in _HELD}
    reason = at(record.get("risk_assessment"), f"{record.get('risk_category')}.reason")
    return told if reason is None else {**told, "reason": reason}


AZURE_REDTEAM: Final = Format(
    name="azure-redteam",
    title="azure-ai-evaluation: red-team scans (JSON)",
    labels=(
        "Responses: the severity in the category that an attack asked for, Safe (very low) to High. Prompts are not "
        "labelled."
    ),
    source=(
        "Scans that azure-ai-evaluation wrote in April and June 2025; the later form, in scan_result, is read alike."
    ),
    recognise=lambda log: not log.paths.isdisjoint(_SCANS),
    entries=_entries,
    taxonomy=TAXONOMY,
    note=(
        "A scan judges each response in the one category that the attack asked for: harm is the severity in that "
        "category, and nothing is known of the others (--by risk_category)."
    ),
)
