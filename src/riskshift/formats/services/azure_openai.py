"""Azure OpenAI: responses whose content filter labels the prompt and the answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.formats.exchange import ERROR, NO_RESPONSE, Entry, LeftOut, Numbering
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.services import azure_responses as responses
from riskshift.formats.services.calls import Call, Values, calls, dicts, seen
from riskshift.formats.services.calls import words as said
from riskshift.formats.services.content_filters import TAXONOMY, Filtered, acted_on

_FILTERED: Final = "content_filter"
_POLICY: Final = "ResponsibleAIPolicyViolation"
# The names that versions of the API gave to what is said of prompts.
_OF_PROMPTS: Final = ("prompt_filter_results", "prompt_annotations")
_OF_ERRORS: Final = ("content_filter_result", "content_filter_results")
# Where the Responses API has what filters said: in a response, an error, the end of a stream.
_ANNOTATED: Final = tuple(
    f"{within}{responses.ANNOTATIONS}" for within in ("", "error.", "response.")
)


@dataclass(slots=True)
class _Choice:
    """One answer, put together from all parts of its stream."""

    texts: list[str] = field(default_factory=list)
    finish: str | None = None
    results: list[Any] = field(default_factory=list)

    def add(self, part: Mapping[str, Any]) -> None:
        text = said(at(part, "message.content") or at(part, "delta.content"))
        self.texts += [] if text is None else [text]
        self.finish = part.get("finish_reason") or self.finish
        self.results.append(part.get("content_filter_results"))


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for one in calls(log, joined=lambda values: _joined(values, log)):
        call = responses.whole(one)
        error = call.error
        if error is None and any(map(responses.is_response, call.parts)):
            yield _response(call, nth)
        elif error is None:
            yield from _answers(call, nth)
        elif _is_filtered(error):
            yield _kept_back(call, error, nth)
        else:
            yield LeftOut(ERROR)


def _joined(values: Values, log: Log) -> Values:
    """Put the parts of streams together that stand in lines of their own."""
    known = Numbering()
    held: list[Any] = []
    start, own = "", None
    for place, value in values:
        if not _is_part(value):
            if held:
                yield start, held
            held, own = [], None
            yield place, value
            continue
        # What is said of the prompt comes first and without an id.
        name = value.get("id") or None
        if held and (name is None or own not in (None, name)):
            yield start, held
            held, own = [], None
        if name is not None and own is None and known(name) > 1:
            log.fault(
                f"{place}: the parts of {str(name)[:60]!r} do not stand together; write each stream in one piece."
            )
            continue
        start, own = place if not held else start, own or name
        held.append(value)
    if held:
        yield start, held


def _is_part(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() & {"request", "response"}:
        return False
    if value.get("object") == "chat.completion.chunk":
        return True
    return value.get("object") == "" and value.get("choices") == []


def _answers(call: Call, nth: Numbering) -> Iterator[Entry]:
    choices: dict[Any, _Choice] = {}
    of_prompt: list[Any] = []
    for part in call.parts:
        for name in _OF_PROMPTS:
            of_prompt += [at(one, "content_filter_results") for one in dicts(part.get(name))]
        for one in dicts(part.get("choices")):
            number = one.get("index")
            choices.setdefault(number if isinstance(number, int) else 0, _Choice()).add(one)
    if not choices:
        yield LeftOut(NO_RESPONSE)
    for number, choice in choices.items():
        yield _exchange(
            call,
            nth,
            "".join(choice.texts) if choice.texts else None,
            Filtered(of_prompt, choice.results),
            finish=choice.finish,
            blocked=choice.finish == _FILTERED,
            choice=number if len(choices) > 1 else None,
        )


def _response(call: Call, nth: Numbering) -> Entry:
    """Return the pair of a call of the Responses API."""
    body = call.parts[0]
    filtered = Filtered.of(body.get(responses.ANNOTATIONS))
    return _exchange(
        call,
        nth,
        responses.text(body),
        filtered,
        finish=responses.finish(body),
        blocked=responses.is_blocked(body) or bool(filtered.stopped),
    )


def _exchange(
    call: Call,
    nth: Numbering,
    response: str | None,
    filtered: Filtered,
    *,
    finish: Any,
    blocked: bool,
    choice: int | None = None,
) -> Entry:
    acted = filtered.acted_on
    return call.exchange(
        nth,
        model=_model(call),
        response=response,
        labels=filtered.labels,
        blocked=blocked or bool(acted),
        tags={
            **_told(call),
            "choice": choice,
            "finish_reason": finish,
            "filtered": ", ".join(acted) or None,
            **filtered.detected,
        },
    )


def _kept_back(call: Call, error: Mapping[str, Any], nth: Numbering) -> Entry:
    """Return the pair of a prompt that was not let through."""
    of_prompt = [at(error, f"innererror.{name}") for name in _OF_ERRORS]
    of_prompt += Filtered.of(error.get(responses.ANNOTATIONS)).of_prompt
    filtered = Filtered(of_prompt, ())
    return call.exchange(
        nth,
        model=_model(call),
        response=None,
        labels=filtered.labels,
        blocked=True,
        tags={
            **_told(call),
            "filtered": ", ".join(["prompt", *acted_on(of_prompt)]),
            **filtered.detected,
        },
    )


def _is_filtered(error: Mapping[str, Any]) -> bool:
    # Clients may have kept no more of it than its text.
    return error.get("code") == _FILTERED or _POLICY in (
        at(error, "innererror.code") or str(error.get("message"))
    )


def _model(call: Call) -> Any:
    # An error does not name the model, so what was asked for comes first.
    return call.request.get("model") or call.beside.get("model") or _served(call)


def _served(call: Call) -> Any:
    return next((part["model"] for part in call.parts if part.get("model")), None)


def _told(call: Call) -> dict[str, Any]:
    served = _served(call)
    return {
        **call.tags,
        "response_id": next((part["id"] for part in call.parts if part.get("id")), None),
        "served_model": served if served != _model(call) else None,
    }


def _recognised(log: Log) -> bool:
    return any(_is_ours(part) for call in seen(log) for part in call.parts)


def _is_ours(part: Mapping[str, Any]) -> bool:
    if any(isinstance(part.get(name), list) for name in _OF_PROMPTS):
        return True
    if isinstance(at(part, "choices.0.content_filter_results"), dict):
        return True
    annotated = (at(part, path) for path in _ANNOTATED)
    return any(at(found, "0.source_type") is not None for found in annotated) or any(
        at(part, f"error.innererror.{name}") is not None for name in _OF_ERRORS
    )


AZURE_OPENAI: Final = Format(
    name="azure-openai",
    title="Azure OpenAI: responses with content filter results (JSON lines, JSON)",
    labels=(
        "Prompts and responses, where the content filter annotated them: hate, self-harm, sexual and violence, Safe to "
        "High."
    ),
    source=(
        "Microsoft's documentation of content filtering and its annotations (chat completions up to 2024-10-21, "
        "streams, errors), and bodies of responses and errors of 2025 within logs of red teaming. Of the Responses API "
        "a body and an error of 2026 that users showed; its streams are documented and were not seen."
    ),
    recognise=_recognised,
    entries=_entries,
    sides=("prompt", "response"),
    taxonomy=TAXONOMY,
)
