"""Calls to a service: the request and the response of each, in whatever way they were kept."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.formats.exchange import Exchange, Numbering, digest
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

Values = Iterator[tuple[str, Any]]
"""Values of a log, each with its place for a message."""
_DATA: Final = "data:"
_STREAM: Final = (_DATA, "event:")
_SYSTEM: Final = ("system", "systemInstruction", "instructions")
_HELD: Final = ("prompt", "prompt_id", "custom_id", "model", "error", "status")


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Parameters
    ----------
    place : str
        Where it stands, for a message.
    request : dict
        The body of the request; empty where only responses were kept.
    parts : sequence of dict
        The body of the response, or of a stream its parts.
    beside : mapping
        What else stands in the record.
    """

    place: str
    request: dict[str, Any]
    parts: Sequence[dict[str, Any]]
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that came instead of a response, or in the middle of a stream."""
        return next((found for part in self.parts if (found := _error(part))), None)

    @property
    def messages(self) -> Sequence[Any]:
        """The messages of the request."""
        request = self.request
        held = request.get("messages") or request.get("contents") or request.get("input") or ()
        if isinstance(held, str):
            return [{"role": "user", "content": held}]
        return held if isinstance(held, list) else ()

    @property
    def prompt(self) -> str | None:
        """The text that the user said last."""
        told = [one for one in self.messages if isinstance(one, dict)]
        told = [one for one in told if one.get("type", "message") == "message"]
        asked = [one for one in told if one.get("role", "user") == "user"]
        if not asked:
            found = self.beside.get("prompt")
            return found if isinstance(found, str) else None
        return words(asked[-1].get("content", asked[-1].get("parts")))

    @property
    def _given(self) -> Any:
        return self.beside.get("prompt_id") or self.beside.get("custom_id")

    @property
    def is_named(self) -> bool:
        """Whether it has a `prompt_id`, which takes longer to tell."""
        return self._given is not None or bool(self.messages) or self.prompt is not None

    @property
    def prompt_id(self) -> str | None:
        """What tells the prompt apart: an id that was given, or all that was said to the model."""
        given = self._given
        if given is not None:
            return str(given)
        system = next((self.request[name] for name in _SYSTEM if self.request.get(name)), None)
        # What was said before may lie with the service, and is known by its id alone.
        before = self.request.get("previous_response_id")
        if told := self.messages:
            return digest([system, list(told), *([before] if before else [])])
        return None if self.prompt is None else digest(self.prompt)

    @property
    def tags(self) -> dict[str, Any]:
        """What a record tells beside its call, but for what an exchange holds already."""
        return {name: value for name, value in self.beside.items() if name not in _HELD}

    def exchange(self, nth: Numbering, *, model: Any, **told: Any) -> Exchange:
        """Return an exchange of this call; `nth` numbers the answers to a prompt."""
        model = None if model is None else str(model)
        prompt_id = self.prompt_id
        sample = None if prompt_id is None else str(nth(prompt_id, model))
        return Exchange(prompt=self.prompt, prompt_id=prompt_id, model=model, sample=sample, **told)


def calls(
    log: Log, *, joined: Callable[[Values], Values] = lambda values: values
) -> Iterator[Call]:
    """Yield the calls of a log.

    Each value is a response, or a record of a request and its response (or of what stands for
    one: its error, its text, the parts of its stream).

    Parameters
    ----------
    log : Log
        JSON lines, a JSON list, or one JSON value.
    joined : callable, optional
        Puts the parts of streams together that stand in lines of their own.

    Raises
    ------
    FileError
        If something is no JSON or no object, or some calls tell their prompts and others do not.
    """
    named: bool | None = None
    for place, value in joined(values(log)):
        call = unwrapped(place, value)
        if call is None:
            log.fault(f"{place} is neither a response nor a record of a request and a response.")
            continue
        has = call.is_named
        named = has if named is None else named
        if has != named:
            log.fault(
                f"{place} has {'a' if has else 'no'} request, and the first record has {'none' if has else 'one'}; "
                "prompts cannot be told apart."
            )
            continue
        yield call


def values(log: Log) -> Values:
    """Yield the values of a log."""
    for place, _, value in log.records():
        yield place, value


def unwrapped(place: str, value: Any) -> Call | None:
    """Tell a request and a response apart; None of what holds neither.

    Examples
    --------
    >>> unwrapped("x", {"request": {"model": "m"}, "response": {"body": {"id": 1}}}).parts
    ({'id': 1},)
    >>> unwrapped("x", {"request": {}, "error": {"code": "429"}}).error
    {'code': '429'}
    """
    if isinstance(value, list):
        value = {"response": value}
    if not isinstance(value, dict):
        return None
    if not value.keys() & {"request", "response"}:
        return Call(place, {}, (value,))
    request = _body(value.get("request"))
    response = _body(value.get("response"))
    if not response:
        response = {"error": value.get("error") or value.get("status") or None}
    parts = response if isinstance(response, list) else [response]
    return Call(
        place,
        request if isinstance(request, dict) else {},
        tuple(part for part in parts if isinstance(part, dict)),
        {name: held for name, held in value.items() if name not in ("request", "response")},
    )


def _body(value: Any) -> Any:
    """Return the body of a request or a response, which may lie in an envelope, or be text."""
    value = _parsed(value)
    if isinstance(value, dict) and "body" in value:
        return _parsed(value["body"])
    if isinstance(value, dict) and "status_code" in value:
        return _parsed(value.get("message")) or value
    return value


def _error(part: Mapping[str, Any]) -> dict[str, Any] | None:
    found = part.get("error") or (part if "innererror" in part else None)
    if isinstance(found, dict):
        # A body in the place of the error that it holds.
        return found["error"] if isinstance(found.get("error"), dict) else found
    return {"message": found} if found else None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith(_STREAM):
        lines = (line.removeprefix(_DATA) for line in value.splitlines() if line.startswith(_DATA))
        return [part for part in map(_parsed, map(str.strip, lines)) if isinstance(part, dict)]
    with suppress(ValueError, RecursionError):
        return json.loads(value, strict=False)
    return value


def words(content: Any) -> str | None:
    """Return the text of a message: a text, or the text among its parts; not what was thought.

    Examples
    --------
    >>> words([{"type": "text", "text": "Look: "}, {"type": "image_url"}, {"text": "a toad."}])
    'Look: a toad.'
    """
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part if isinstance(part, str) else _text(part) for part in parts]
    said = [text for text in texts if isinstance(text, str)]
    return "".join(said) if said else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none of what is no list.

    Examples
    --------
    >>> dicts([{"a": 1}, "b"]), dicts({"a": 1}), dicts(None)
    ([{'a': 1}], [], [])
    """
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(part: Any) -> Any:
    if not isinstance(part, dict) or part.get("thought"):
        return None
    return part.get("text") or at(part, "guardContent.text.text")


def largest(found: Sequence[object], levels: Mapping[str, str]) -> str | None:
    """Return the largest of what was said of one text, as a level.

    What is none of them is no label, and is refused as one; a number does not slip through as the
    place of a level in another order.

    Examples
    --------
    >>> levels = {"safe": "Safe", "low": "Low"}
    >>> largest(["safe", "low"], levels), largest([], levels), largest([1, "safe"], levels)
    ('Low', None, 'unknown: 1')
    """
    for one in found:
        if not isinstance(one, str) or one not in levels:
            return f"unknown: {one}"
    if len(found) == 1:  # as of nearly all
        return levels[str(found[0])]
    return levels[max(map(str, found), key=list(levels).index)] if found else None


def seen(log: Log) -> Iterator[Call]:
    """Yield the calls that a log begins with, to recognise it by; never raises."""
    for value in log.first:
        call = unwrapped("", value)
        if call is not None:
            yield call
