"""What was asked and what was answered, in the shapes in which tools keep calls of models."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from riskshift.formats.exchange import cell
from riskshift.formats.json_text import at

# The names by which frameworks call who speaks.
_ROLES: Final = {
    "user": "user",
    "human": "user",
    "HumanMessage": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
}
# The names by which programs call the text that goes in, and the text that comes out.
_ASKED: Final = ("prompt", "question", "query", "input", "user_input", "text", "content")
_ANSWERED: Final = ("output", "answer", "response", "completion", "result", "text", "content")
# Where an answer lies in what services and frameworks return.
_WITHIN: Final = (
    *("choices.0.message", "choices.0.text", "generations.0.0.message", "generations.0.0.text"),
    *("generations.0.message", "generations.0.text", "message"),
)
_ENDS: Final = (
    *("finish_reason", "choices.0.finish_reason", "response_metadata.finish_reason"),
    *("generations.0.0.generation_info.finish_reason", "kwargs.response_metadata.finish_reason"),
)
_FILTERED: Final = "content_filter"
_FILTER_ERRORS: Final = (_FILTERED, "ResponsibleAIPolicyViolation")


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks (``"user"``, ``"assistant"``, another word) and what is said."""

    role: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Last:
    """The last exchange of a conversation.

    Parameters
    ----------
    prompt : str or None
        What the user said last before the answer.
    response : str or None
        The last answer that has a text.
    turn : int
        How often the user had spoken.
    before : sequence of (str, str or None)
        Who said what before the answer: what tells prompts apart.
    """

    prompt: str | None
    response: str | None
    turn: int
    before: Sequence[tuple[str, str | None]]


def parsed(value: Any) -> Any:
    """Return what a text says as JSON, where it is a list or an object; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        with suppress(ValueError, RecursionError):
            return json.loads(value, strict=False)
    return value


def messages(value: Any) -> list[Message]:
    """Return the messages of a list; none of what is no list of messages.

    Examples
    --------
    >>> messages([{"type": "human", "content": "How?"}, {"role": "model", "parts": [{"text": "So."}]}])
    [Message(role='user', text='How?'), Message(role='assistant', text='So.')]
    """
    held = parsed(value)
    if isinstance(held, list) and len(held) == 1 and isinstance(held[0], list):
        held = held[0]  # a batch of one
    return list(_each(held)) if isinstance(held, list) else []


def asked(value: Any) -> str | None:
    """Return the text that the user said last in what was put in.

    Examples
    --------
    >>> asked({"messages": [{"role": "user", "content": "How?"}]}), asked({"question": "Why?"})
    ('How?', 'Why?')
    """
    held = parsed(value)
    talk = messages(at(held, "messages") if isinstance(held, dict) else held)
    if talk:
        return next((one.text for one in reversed(talk) if one.role == "user"), None)
    return _named(held, _ASKED)


def answered(value: Any) -> str | None:
    """Return the text that a model said last in what came out.

    Examples
    --------
    >>> answered({"choices": [{"message": {"role": "assistant", "content": "So."}}]}), answered("Thus.")
    ('So.', 'Thus.')
    """
    held = parsed(value)
    talk = messages(at(held, "messages") if isinstance(held, dict) else held)
    if talk:
        return next((one.text for one in reversed(talk) if one.role == "assistant"), None)
    for path in _WITHIN:
        found = at(held, path) if isinstance(held, dict) else None
        if found is not None:
            return found if isinstance(found, str) else _said(found)
    if isinstance(held, dict) and (held.get("role") or held.get("kwargs")):
        return _said(held)
    return _named(held, _ANSWERED)


def is_filtered(value: Any) -> bool:
    """Tell whether what came out says that a filter kept it back."""
    held = parsed(value)
    return isinstance(held, dict) and any(at(held, path) == _FILTERED for path in _ENDS)


def is_filter_error(said: Any) -> bool:
    """Tell by its text an error with which a service keeps a prompt or an answer back.

    Examples
    --------
    >>> is_filter_error("Error code: 400 - {'code': 'content_filter'}"), is_filter_error("timeout")
    (True, False)
    """
    return said is not None and any(word in str(said) for word in _FILTER_ERRORS)


def last_exchange(talk: Sequence[Message]) -> Last:
    """Return the last answer of a conversation, and what came before it.

    Examples
    --------
    >>> last = last_exchange([Message("user", "How?"), Message("assistant", "So.")])
    >>> last.prompt, last.response, last.turn
    ('How?', 'So.', 1)
    """
    ends = [n for n, one in enumerate(talk) if one.role == "assistant" and one.text is not None]
    before = talk[: ends[-1]] if ends else talk
    asked = [one.text for one in before if one.role == "user"]
    return Last(
        asked[-1] if asked else None,
        talk[ends[-1]].text if ends else None,
        max(len(asked), 1),
        [(one.role, one.text) for one in before],
    )


def _each(held: list[Any]) -> Iterator[Message]:
    for one in held:
        if not isinstance(one, dict):
            continue
        name = one.get("role") or one.get("type")
        if name == "constructor":  # as LangChain writes its objects
            name = (one.get("id") or [None])[-1]
        yield Message(_ROLES.get(str(name), str(name)), _said(one))


def _said(message: Any) -> str | None:
    """Return the text of a message: without reasoning and without calls of tools."""
    held = at(message, "kwargs") or message
    content = next((at(held, name) for name in ("content", "parts") if at(held, name)), None)
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part if isinstance(part, str) else at(part, "text") for part in parts]
    said = [text for text in texts if isinstance(text, str)]
    return "".join(said) if said else None


def _named(held: Any, names: tuple[str, ...]) -> str | None:
    """Return the text by one of these names, or the only one; all of it where none is known."""
    if not isinstance(held, dict):
        return None if held is None else str(cell(held))
    found = next((held[name] for name in names if isinstance(held.get(name), str)), None)
    if found is not None:
        return str(found)
    texts = [value for value in held.values() if isinstance(value, str)]
    if len(held) == 1 and isinstance(next(iter(held.values())), Mapping):
        return _named(next(iter(held.values())), names)
    return texts[0] if len(texts) == 1 else (str(cell(held)) if held else None)
