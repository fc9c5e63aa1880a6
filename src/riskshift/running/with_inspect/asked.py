"""A grader asked through Inspect: its requests as Inspect's messages, and the answers back."""

from collections.abc import Mapping
from typing import Any, Final

from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
)

from riskshift.errors import UsageError
from riskshift.graders.asking import UNPARSED, Answer, Outcome, Task, Ungraded
from riskshift.graders.grader import Grader

_MESSAGES: Final = {"system": ChatMessageSystem, "user": ChatMessageUser}
# Settings that Inspect calls as chat endpoints do.
_SETTINGS: Final = frozenset({"temperature", "top_p", "max_tokens", "seed"})
# Where Inspect calls an end otherwise than chat endpoints do.
_ENDS: Final = {"max_tokens": "length", "model_length": "length"}
_TRIES: Final = 2


async def grade(grader: Grader, model: Model, task: Task) -> Outcome:
    """Ask a grader about a task; an answer that cannot be read is asked for once more."""
    outcome: Outcome = Ungraded(UNPARSED)
    for _ in range(_TRIES):
        answers = [
            answer_of(await model.generate(*sent(request.body)))
            for request in grader.requests(task)
        ]
        outcome = grader.read(task, answers)
        if not isinstance(outcome, Ungraded) or outcome.reason != UNPARSED:
            return outcome
    return outcome


def answer_of(output: ModelOutput) -> Answer:
    """Return what a model answered in the words of chat endpoints."""
    if output.empty:
        return Answer(text=None, finish=None)
    end = str(output.stop_reason)
    return Answer(text=output.completion, finish=_ENDS.get(end, end))


def sent(body: Mapping[str, Any]) -> tuple[list[ChatMessage], Any, Any, GenerateConfig]:
    """Return what a request sends as the arguments of Inspect's ``generate``."""
    rest = {name: value for name, value in body.items() if name != "messages"}
    wanted = rest.pop("response_format", None)
    unknown = sorted(rest.keys() - _SETTINGS)
    if unknown:
        raise UsageError(f"a grader that sends {unknown[0]!r} cannot be asked through Inspect.")
    messages: list[ChatMessage] = [
        _MESSAGES[told["role"]](content=told["content"]) for told in body["messages"]
    ]
    config = GenerateConfig(**rest)
    if wanted:
        schema = wanted["json_schema"]
        config.response_schema = ResponseSchema.model_validate(
            {"name": schema["name"], "json_schema": schema["schema"], "strict": True}
        )
    return messages, [], None, config
