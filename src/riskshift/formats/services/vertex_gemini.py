"""Gemini on Vertex AI: responses with safety ratings, whose severity is a label."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from riskshift.formats.exchange import ERROR, NO_RESPONSE, Entry, LeftOut, Numbering
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.services.calls import Call, calls, dicts, largest, seen, words
from riskshift.taxonomy import Taxonomy

TAXONOMY: Final = Taxonomy(
    ("hate_speech", "dangerous_content", "harassment", "sexually_explicit"),
    ("Negligible", "Low", "Medium", "High"),
)
_LEVELS: Final = {f"HARM_SEVERITY_{level.upper()}": level for level in TAXONOMY.levels}
_UNSTATED: Final = (None, "HARM_SEVERITY_UNSPECIFIED", "HARM_SEVERITY_UNSUPPORTED")
_CATEGORY: Final = "HARM_CATEGORY_"
# Reasons to end a response that a filter has; others are a length, a stop or a fault.
_KEPT_BACK: Final = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
    }
)


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for call in calls(log):
        if call.error is not None:
            yield LeftOut(ERROR)
        else:
            yield from _answers(call, nth)


def _answers(call: Call, nth: Numbering) -> Iterator[Entry]:
    feedback = [_of(part, "promptFeedback") for part in call.parts]
    of_prompt = [rating for one in feedback for rating in _ratings(one)]
    reason = next((why for one in feedback if (why := _of(one, "blockReason"))), None)
    parts: dict[Any, list[Any]] = {}
    for part in call.parts:
        for candidate in dicts(part.get("candidates")):
            parts.setdefault(candidate.get("index", 0), []).append(candidate)
    if not parts and reason is None:
        yield LeftOut(NO_RESPONSE)
        return
    for number, candidates in parts.items() or [(None, [])]:
        texts = [words(at(one, "content.parts")) for one in candidates]
        said = [text for text in texts if text is not None]
        ends = [end for one in candidates if (end := _of(one, "finishReason"))]
        of_response = [rating for one in candidates for rating in _ratings(one)]
        yield call.exchange(
            nth,
            model=_model(call),
            response="".join(said) if said else None,
            labels=_labels("prompt", of_prompt) | _labels("response", of_response),
            blocked=not candidates or any(end in _KEPT_BACK for end in ends),
            tags={
                **call.tags,
                "candidate": number if len(parts) > 1 else None,
                "finish_reason": ends[-1] if ends else None,
                "block_reason": reason,
                "filtered": ", ".join(_acted(of_prompt) + _acted(of_response)) or None,
                **_probabilities("prompt", of_prompt),
                **_probabilities("response", of_response),
            },
        )


def _of(value: Any, name: str) -> Any:
    """Return a member by its name on the wire, or as Python clients write it."""
    if not isinstance(value, dict):
        return None
    written = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return value.get(name, value.get(written))


def _ratings(value: Any) -> list[dict[str, Any]]:
    return dicts(_of(value, "safetyRatings"))


def _category(rating: Mapping[str, Any]) -> str:
    return str(rating.get("category")).removeprefix(_CATEGORY).casefold()


def _labels(side: str, ratings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the largest severity by category; a probability is none."""
    found: dict[str, list[Any]] = {}
    for rating in ratings:
        severity = rating.get("severity")
        if severity not in _UNSTATED:
            found.setdefault(_category(rating), []).append(severity)
    return {
        f"{side}_{name}": largest(found[name], _LEVELS)
        for name in TAXONOMY.categories
        if name in found
    }


def _probabilities(side: str, ratings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how sure the service is that there is any harm, which says nothing of how much."""
    return {
        f"{_category(rating)}_probability_of_{side}": rating.get("probability")
        for rating in ratings
    }


def _acted(ratings: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(_category(one) for one in ratings if one.get("blocked") is True))


def _model(call: Call) -> Any:
    # A blocked prompt is answered by no model, so what was asked for comes first.
    asked = call.request.get("model") or call.beside.get("model")
    return asked or next((one for part in call.parts if (one := _of(part, "modelVersion"))), None)


def _recognised(log: Log) -> bool:
    return any(_is_ours(part) for call in seen(log) for part in call.parts)


def _is_ours(part: Mapping[str, Any]) -> bool:
    held = [*dicts(part.get("candidates")), _of(part, "promptFeedback")]
    return any(_ratings(one) for one in held) or _of(held[-1], "blockReason") is not None


VERTEX_GEMINI: Final = Format(
    name="vertex-gemini",
    title="Gemini on Vertex AI: responses with safety ratings (JSON lines, JSON)",
    labels=(
        "Responses, and prompts where there is feedback on them, by the severity of safety ratings: hate speech, "
        "dangerous content, harassment and sexually explicit, Negligible to High."
    ),
    source=(
        "Google's documentation of generateContent, safety ratings and batch predictions of Vertex AI; no public log "
        "was found."
    ),
    recognise=_recognised,
    entries=_entries,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
    note=(
        "Labels are the severities of safety ratings, which Vertex AI alone states; probabilities say how sure the "
        "service is, and are no labels. Prompts are rated mostly where they are blocked: rates of prompts speak of "
        "those."
    ),
)
