"""What every log comes to: exchanges, what is none and why, and what else is known."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

_sorted: Final = json.JSONEncoder(sort_keys=True, default=str).encode
# Why something is no pair; formats use these words, so that ledgers read alike.
ERROR: Final = "error of the tool"
NO_RESPONSE: Final = "no response"
EMPTY: Final = "empty response"
NEVER: Final = "never evaluated"
MALFORMED: Final = "malformed row"
EARLIER: Final = "earlier turn of a conversation"
REPEATED: Final = "repeated in another log of the run"
# Why a pair lacks labels of its response; a column `status` says so.
BLOCKED: Final = "blocked"
UNSCORED: Final = "unscored"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One prompt and the response to it, as a log tells them.

    Parameters
    ----------
    prompt : str or None
        The text that was sent to the model.
    response : str or None
        What it answered; of a blocked one what stands in its place.
    prompt_id : str or None
        What tells prompts apart; None where the text does. All of a log, or none.
    prompt_intent : str or None
        What the prompt was made from, where the tool rewrites prompts.
    model, sample, conversation_id, turn : str or None
        As the roles of these names.
    source : str or None
        Where the prompt comes from, such as a data set.
    annotator : str or None
        Who gave the labels, where several people did.
    labels : mapping of str to value
        By role what the log itself says: ``response_hate``, ``prompt_benign``, ``relevance``.
    scores : mapping of str to value
        What scorers said, by their names; they become labels only where it is known what they say.
    blocked : bool
        Whether a filter kept the response back, so that nothing is known of it.
    labels_alone : bool
        Whether the log holds labels of the response and not its text, so that none is no fault.
    tags : mapping of str to value
        What else is told, to group by.
    """

    prompt: str | None
    response: str | None
    prompt_id: str | None = None
    prompt_intent: str | None = None
    model: str | None = None
    sample: str | None = None
    conversation_id: str | None = None
    turn: str | None = None
    source: str | None = None
    annotator: str | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    blocked: bool = False
    labels_alone: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)


# The names of its fields that are columns, in their order.
FIELDS: Final = (
    *("prompt_id", "model", "sample", "conversation_id", "turn", "source", "annotator"),
    *("prompt", "prompt_intent", "response"),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that is no pair, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a log knows of its run: ``version``, ``date``, or a setting."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a conversation came to before its last exchange; a pair only where all turns are meant.

    Parameters
    ----------
    entry : Exchange or LeftOut
        What it is then.
    is_record : bool
        Whether the log has a record of its own for it, which is left out where only the last
        exchange is meant.
    """

    entry: Exchange | LeftOut
    is_record: bool = False


Entry = Exchange | LeftOut | Fact | Earlier


def turns_of(messages: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Put what users said last and what was last answered to it together, turn by turn.

    Parameters
    ----------
    messages : iterable of (str, str or None)
        Role and text, in their order; of roles that are neither ``user`` nor ``assistant`` none.

    Examples
    --------
    >>> turns_of([("system", "Be kind."), ("user", "Hm."), ("user", "Why?"), ("assistant", "So.")])
    [('Why?', 'So.')]
    """
    turns: list[tuple[str, str | None]] = []
    answered = True
    for role, text in messages:
        if role == "user" and text is not None:
            turns[len(turns) - (not answered) :] = [(text, None)]
            answered = False
        elif role == "assistant" and turns:
            turns[-1] = (turns[-1][0], text)
            answered = True
    return turns


def earlier(
    last: Exchange,
    turns: Sequence[tuple[str, str | None]],
    labels: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> Iterator[Earlier]:
    """Yield what was said before the last exchange of a conversation.

    Parameters
    ----------
    last : Exchange
        With the id of the conversation.
    turns : sequence of (str, str or None)
        Prompt and response of each turn before it.
    labels : mapping of str to sequence
        By role the label of each turn, where the log states them one by one.
    """
    said: list[str | None] = []
    for number, (prompt, response) in enumerate(turns, start=1):
        said.append(prompt)
        known = last.prompt_id is not None
        yield Earlier(
            replace(
                last,
                prompt=prompt,
                response=response,
                # The same words after another history are another prompt.
                prompt_id=digest(said) if known else None,
                sample=f"{last.prompt_id} {last.sample or 1}" if known else last.sample,
                turn=str(number),
                labels={
                    role: each[number - 1] for role, each in labels.items() if number <= len(each)
                },
                scores={},
                blocked=False,
            )
        )
        said.append(response)


class Numbering:
    """Numbers what occurs again.

    Examples
    --------
    >>> nth = Numbering()
    >>> nth("a"), nth("b"), nth("a")
    (1, 1, 2)
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}

    def __call__(self, *key: object) -> int:
        """Return how often this was asked for, now included."""
        short = sha256(repr(key).encode("utf-8", "replace")).digest()[:8]
        nth = self._seen[short] = self._seen.get(short, 0) + 1
        return nth


def digest(value: Any) -> str:
    """Name what has no id by a hash of what it is.

    Examples
    --------
    >>> digest({"a": 1}) == digest({"a": 1}), digest({"a": 1}) == digest({"a": 2})
    (True, False)
    """
    return sha256(_sorted(value).encode()).hexdigest()[:16]


def cell(value: Any) -> str | int | float | None:
    """Return a value as a cell holds it: text or a number; lists and objects as JSON.

    Examples
    --------
    >>> cell(float("nan")), cell(["a", 1]), cell(True)
    (None, '["a", 1]', 'true')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
