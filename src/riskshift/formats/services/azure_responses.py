"""Azure OpenAI's Responses API: an answer in pieces, and one list of what filters said of both sides."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from riskshift.formats.json_text import at
from riskshift.formats.services.calls import Call, dicts

ANNOTATIONS: Final = "content_filters"
_FILTERED: Final = "content_filter"
_EVENT: Final = "response."
# What is said: text, or a refusal, which has a field of its own.
_SAID: Final = ("text", "refusal")


def is_response(part: Mapping[str, Any]) -> bool:
    """Tell whether a body is an object of the Responses API."""
    return part.get("object") == "response" or isinstance(part.get(ANNOTATIONS), list)


def whole(call: Call) -> Call:
    """Return a call whose stream of events is replaced by the response that they end in."""
    ends = [
        part["response"]
        for part in call.parts
        if str(part.get("type")).startswith(_EVENT) and isinstance(part.get("response"), dict)
    ]
    return replace(call, parts=(ends[-1],)) if ends else call


def text(body: Mapping[str, Any]) -> str | None:
    """Return what the model said: neither its reasoning nor its calls of tools.

    Examples
    --------
    >>> said = {"type": "message", "content": [{"type": "output_text", "text": "So."}]}
    >>> text({"output": [{"type": "reasoning", "summary": []}, said]})
    'So.'
    """
    said = list(_texts(body))
    return "".join(said) if said else None


def finish(body: Mapping[str, Any]) -> Any:
    """Return why the answer ended."""
    return at(body, "incomplete_details.reason") or body.get("status")


def is_blocked(body: Mapping[str, Any]) -> bool:
    """Tell whether a filter cut the answer off."""
    return bool(at(body, "incomplete_details.reason") == _FILTERED)


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for item in dicts(body.get("output")):
        for part in dicts(item.get("content")) if item.get("type") == "message" else ():
            yield from (part[name] for name in _SAID if isinstance(part.get(name), str))
