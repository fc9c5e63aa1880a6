"""azure-ai-evaluation: rows of evaluate(), and conversations of its simulators."""

import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from riskshift.errors import RiskshiftWarning
from riskshift.formats.exchange import ERROR, Entry, Exchange, LeftOut, Numbering, digest
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.services.calls import dicts, words
from riskshift.formats.services.content_safety import TAXONOMY, level

_ROWS: Final = "rows"
CATEGORIES: Final = {
    "hate_unfairness": "hate",
    "self_harm": "self_harm",
    "sexual": "sexual",
    "violence": "violence",
}
_SCORE: Final = re.compile(rf"outputs\..*\b({'|'.join(CATEGORIES)})_score")
_PER_TURN: Final = "evaluation_per_turn"
_CONVERSATIONS: Final = ("conversation", "inputs.conversation", "messages")
_QUERY: Final = "inputs.query"
# The answers that a row may hold; by default evaluators were given the first that is there.
_ANSWERS: Final = ("outputs.response", "inputs.response", "outputs.output")
_FAILED: Final = re.compile(r"error: http \d{3}", re.IGNORECASE)
_FILTER: Final = re.compile(r"content[ _]filter|ResponsibleAIPolicyViolation", re.IGNORECASE)
_HELD: Final = ("$schema", "line_number", _QUERY, *_CONVERSATIONS)


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    several = False
    for place, path, record in log.records(_ROWS):
        if path:
            continue
        if not isinstance(record, dict):
            log.fault(f"{place} is no object.")
            continue
        answers, labels = _answers(record), _labels(record)
        twice = next((name for name, found in labels.items() if len(found) > 1), None)
        if twice:
            log.fault(f"{place} has two scores of {twice}: {' and '.join(labels[twice])}.")
            continue
        several = several or _warned(log, answers)
        held = {*_HELD}
        prompt, response = asked(record, _CONVERSATIONS)
        if prompt is None and response is None:
            taken = next(iter(answers), "")
            prompt, response = words(record.get(_QUERY)), answers.get(taken)
            held.add(taken)
        yield from exchanges(
            log,
            place,
            nth,
            prompt=prompt,
            response=response,
            labels={f"response_{name}": found[0] for name, found in labels.items() if found},
            tags={name: value for name, value in record.items() if name not in held},
        )


def exchanges(
    log: Log, place: str, nth: Numbering, *, prompt: str | None, response: str | None, **told: Any
) -> Iterator[Entry]:
    """Yield the exchange of a record, unless the body of an error stands in the place of an answer.

    Raises
    ------
    FileError
        If nothing was asked.
    """
    if prompt is None:
        log.fault(f"{place} lacks a prompt: {_QUERY}, or a message of the user.")
        return
    if _is_error(response) and not _is_filtered(response):
        yield LeftOut(ERROR)
        return
    technique = told["tags"].get("attack_technique")
    number = str(nth(prompt, technique))
    yield Exchange(
        prompt=prompt,
        response=response,
        prompt_id=digest(prompt),
        sample=number if technique is None else f"{technique} {number}",
        blocked=_is_filtered(response),
        **told,
    )


def asked(record: Mapping[str, Any], names: Sequence[str]) -> tuple[str | None, str | None]:
    """Return what the user said last before the last answer of a conversation, and that answer."""
    messages = _messages(record, names)
    replies = [at for at, one in enumerate(messages) if one.get("role") == "assistant"]
    last = replies[-1] if replies else len(messages)
    said = [one for one in messages[:last] if one.get("role") == "user"]
    return (
        words(said[-1].get("content")) if said else None,
        words(messages[last].get("content")) if replies else None,
    )


def _messages(record: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    held = (record.get(name) for name in names)
    return [one for found in held for one in dicts(at(found, "messages") or found)]


def _answers(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name in _ANSWERS if isinstance(text := record.get(name), str)}


def _labels(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the different levels of each category, whatever its evaluators were called."""
    found: dict[str, list[str]] = {}
    messages = _messages(record, _CONVERSATIONS)
    turns = sum(one.get("role") == "assistant" for one in messages)
    scores = {**record}
    for name, value in record.items():
        if name.endswith(f".{_PER_TURN}") and isinstance(value, dict):
            scores |= {f"{name}.{inner}": held for inner, held in value.items()}
    for name, value in scores.items():
        match = _SCORE.fullmatch(name)
        # A score of a whole conversation is the mean of its turns, and none of the last.
        if not match or (turns > 1 and _PER_TURN not in name):
            continue
        last = value[-1] if isinstance(value, list) and value else value
        said = None if isinstance(last, float) and math.isnan(last) else level(last)
        known = found.setdefault(CATEGORIES[match[1]], [])
        known += [said] if said is not None and said not in known else []
    return found


def _is_error(text: str | None) -> bool:
    """Tell whether the body of an error stands in the place of an answer."""
    if text is None:
        return False
    with suppress(ValueError, RecursionError):
        body = json.loads(text) if text.lstrip().startswith("{") else None
        if isinstance(body, dict):
            return "status_code" in body or isinstance(body.get("error"), dict)
    return _FAILED.match(text.lstrip()) is not None


def _is_filtered(text: str | None) -> bool:
    return text is not None and _is_error(text) and _FILTER.search(text) is not None


def _warned(log: Log, answers: Mapping[str, str]) -> bool:
    """Say that a row holds two answers, of which one was scored."""
    if len(set(answers.values())) < 2:
        return False
    first, *others = answers
    warnings.warn(
        f"{log.name}: rows hold {' and '.join(answers)}, and not which of them was scored. {first} is taken for the "
        f"response; if it was the other: --map response={others[-1]}.",
        RiskshiftWarning,
        stacklevel=2,
    )
    return True


def _recognised(log: Log) -> bool:
    if _ROWS in log.paths:
        return b'"inputs.' in log.start or b'"outputs.' in log.start
    first = log.first[0] if log.first else None
    if not isinstance(first, dict):
        return False
    names = [str(name) for name in first]
    if any(name.startswith("inputs.") for name in names):
        return any(_SCORE.fullmatch(name) for name in names)
    simulated = "ChatConversation" in str(first.get("$schema")) and "messages" in first
    return simulated or (
        names == ["conversation"] and bool(dicts(at(first, "conversation.messages")))
    )


AZURE_EVALUATION: Final = Format(
    name="azure-evaluation",
    title="azure-ai-evaluation: rows of evaluate(), conversations of simulators (JSON, JSON lines)",
    labels=(
        "Responses, where a content safety evaluator scored them: hate and unfairness, self-harm, sexual and violence, "
        "Safe to High (0 to 7, two a level). Prompts are not labelled."
    ),
    source="Rows and conversations that azure-ai-evaluation wrote in April and June 2025.",
    recognise=_recognised,
    entries=_entries,
    taxonomy=TAXONOMY,
)
