"""HELM: the state of a scenario holds its responses; what lies beside it holds statistics."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from riskshift.errors import FileError
from riskshift.formats.exchange import NO_RESPONSE, Entry, Exchange, Fact, LeftOut, Numbering
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_STATES: Final = "request_states"
_GENERATED: Final = "generation"


def _method(log: Log) -> Any:
    """Return how a run asks: the specification stands before the states."""
    with suppress(FileError):
        for path, value in log.items(_STATES):
            if path == "adapter_spec":
                return at(value, "method")
    return None


def _is_state(log: Log) -> bool:
    return {"adapter_spec", _STATES} <= log.paths


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    model = None
    for path, value in log.items(_STATES):
        if path == "adapter_spec":
            model = at(value, "model")
            names = ("model", "temperature", "max_tokens", "num_outputs")
            yield from (Fact(name, value[name]) for name in names if at(value, name) is not None)
        if path != _STATES:
            continue
        prompt = at(value, "request.prompt") or _said(at(value, "request.messages"))
        answers = at(value, "result.completions")
        if prompt is None:
            log.fault(f"{log.name}: a state in {_STATES} lacks request.prompt.")
            continue
        if not isinstance(answers, list) or not answers:
            yield LeftOut(NO_RESPONSE)
            continue
        said = dict(_annotations(value.get("annotations"))) if len(answers) == 1 else {}
        for answer in answers:
            yield Exchange(
                prompt=prompt,
                response=at(answer, "text"),
                prompt_intent=at(value, "instance.input.text"),
                model=model or at(value, "request.model"),
                sample=str(nth(prompt)),
                scores=said,
                tags={
                    "instance": at(value, "instance.id"),
                    "trial": value.get("train_trial_index"),
                    **{name: at(value, f"instance.{name}") for name in ("split", "sub_split")},
                },
            )


def _said(messages: Any) -> Any:
    """Return what the user said last, where a chat was sent."""
    said = messages if isinstance(messages, list) else []
    return next((at(one, "content") for one in reversed(said) if at(one, "role") == "user"), None)


def _annotations(held: Any) -> Iterator[tuple[str, Any]]:
    for annotator, said in held.items() if isinstance(held, dict) else ():
        for name, value in said.items() if isinstance(said, dict) else ():
            if isinstance(value, bool | int | float):
                yield f"{annotator}.{name}", value


HELM: Final = Format(
    name="helm",
    title="HELM: the state of a scenario that generates text (scenario_state.json)",
    labels=(
        "None by itself: its statistics are of prompts and not of responses. What annotators said of responses are "
        "scores whose meaning must be declared. Prompts are not labelled."
    ),
    source="A run of crfm-helm of 2023. Annotations of later versions were not seen.",
    recognise=lambda log: _is_state(log) and _method(log) == _GENERATED,
    entries=_entries,
)

HELM_CHOICE: Final = Refused(
    name="the state of a HELM scenario that does not generate text",
    recognise=lambda log: _is_state(log) and _method(log) != _GENERATED,
    why="It has no text of a response, so there are no pairs. Give the scenario_state.json of one that generates text.",
)

HELM_BESIDE: Final = Refused(
    name="a file that HELM writes beside its responses",
    recognise=lambda log: (
        {"scenario_spec", "adapter_spec"} <= log.paths
        or {"name", "description", "tags", "definition_path"} <= log.paths
        or {"instance_id", "train_trial_index", "stats"} <= log.names
        or (
            {"name", "count", "sum", "sum_squared"} <= log.names
            and at(log.first[0], "name.name") is not None
        )
    ),
    why="It holds no responses. Give scenario_state.json of the same folder; it has responses, and no labels of them.",
)
