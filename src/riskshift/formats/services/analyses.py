"""Pairs whose two texts were given to a service one by one, with what it said of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from riskshift.formats.exchange import Exchange, Numbering, digest
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_ANALYSES: Final = ("prompt_analysis", "response_analysis")
_HELD: Final = ("prompt", "response", "prompt_id", "model", *_ANALYSES)
WRAPPER: Final = (
    'Write both texts of a pair and what was said of each into one record, a line each: {"prompt": ..., '
    '"response": ..., "prompt_analysis": ..., "response_analysis": ...}.'
)


@dataclass(frozen=True, slots=True)
class Analysed:
    """One pair: ``prompt``, ``response``, ``prompt_analysis``, ``response_analysis`` and more.

    An analysis is the answer of the service, or a record of ``request`` and ``response``.
    """

    record: Mapping[str, Any]

    def answer(self, side: str) -> Mapping[str, Any]:
        """Return what was said of the text of a side; nothing where it was not asked."""
        analysis = self.record.get(f"{side}_analysis")
        answer = at(analysis, "response") or analysis
        return answer if isinstance(answer, dict) else {}

    def request(self, side: str) -> Mapping[str, Any]:
        """Return the request for it; nothing where it was not kept."""
        request = at(self.record.get(f"{side}_analysis"), "request")
        return request if isinstance(request, dict) else {}

    @property
    def response(self) -> str | None:
        """The text of the response."""
        text = self.record.get("response")
        return text if isinstance(text, str) else None

    def exchange(self, nth: Numbering, *, tags: Mapping[str, Any], **told: Any) -> Exchange:
        """Return the exchange; `nth` numbers the answers to a prompt."""
        prompt, model = self.record.get("prompt"), self.record.get("model")
        given = self.record.get("prompt_id")
        prompt_id = digest(prompt) if given is None else str(given)
        model = None if model is None else str(model)
        beside = {name: value for name, value in self.record.items() if name not in _HELD}
        return Exchange(
            prompt=prompt if isinstance(prompt, str) else None,
            response=self.response,
            prompt_id=prompt_id,
            model=model,
            sample=str(nth(prompt_id, model)),
            tags={**beside, **tags},
            **told,
        )


def analysed(log: Log) -> Iterator[Analysed]:
    """Yield the pairs of a log.

    Raises
    ------
    FileError
        If a record is none: it has no analysis, or neither a prompt nor its id.
    """
    for place, _, record in log.records():
        if not is_analysed(record):
            log.fault(f"{place} has neither {' nor '.join(_ANALYSES)}.")
        elif record.get("prompt") is None and record.get("prompt_id") is None:
            log.fault(f"{place} lacks prompt.")
        else:
            yield Analysed(record)


def is_analysed(record: Any) -> bool:
    """Tell whether a record holds texts and what was said of them."""
    return isinstance(record, dict) and any(record.get(name) for name in _ANALYSES)


def said_of(log: Log, name: str) -> bool:
    """Tell whether analyses that a log begins with hold something by a name; never raises."""
    pairs = (Analysed(record) for record in log.first if is_analysed(record))
    return any(
        isinstance(pair.answer(side).get(name), list)
        for pair in pairs
        for side in ("prompt", "response")
    )


def alone(log: Log, name: str) -> bool:
    """Tell whether a log begins with an answer about one text, with or without its request."""
    record = log.first[0] if log.first else None
    return not is_analysed(record) and any(
        isinstance(at(record, path), list) for path in (name, f"response.{name}")
    )
