"""What was asked and answered as logs of Inspect, for its viewer and for whoever reads such logs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from riskshift.graders.asking import FILTERED, Graded, Outcome
from riskshift.running.generating.answering import RESPONSE, STOPPED, Settings
from riskshift.version import __version__

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

TASK: Final = "riskshift/run"
_ENDS: Final = {"length": "max_tokens"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A prompt and what became of it, for a log.

    Parameters
    ----------
    id : str or int
        Of the prompt.
    sample : int
        Which of its answers.
    prompt : str
        What was sent.
    outcome : Outcome
        What came.
    """

    id: str | int
    sample: int
    prompt: str
    outcome: Outcome


def write_log(
    place: Path,
    answered: Sequence[Answered],
    *,
    model: str,
    settings: Settings,
    source: str,
    created: str,
) -> Path:
    """Write what one model answered.

    Parameters
    ----------
    place : Path
        A ``.eval`` file.
    answered : sequence of Answered
        In the order of the prompts.
    model : str
        Inspect's name for it.
    settings : Settings
        How it was asked.
    source : str
        Name of the file of prompts.
    created : str
        When, in ISO 8601.
    """
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalPlan,
        EvalResults,
        EvalSpec,
        EvalStats,
        write_eval_log,
    )
    from inspect_ai.model import GenerateConfig

    config = GenerateConfig.model_validate(settings.numbers)
    ids = list(dict.fromkeys(str(one.id) for one in answered))
    epochs = max((one.sample for one in answered), default=1)
    spec = EvalSpec(
        created=created,
        task=TASK,
        task_id=place.stem,
        dataset=EvalDataset(name=source, samples=len(ids), sample_ids=ids),
        model=model,
        model_generate_config=config,
        config=EvalConfig(epochs=epochs),
        packages={"riskshift": __version__},
    )
    log = EvalLog(
        status="success",
        eval=spec,
        plan=EvalPlan(config=config),
        results=EvalResults(total_samples=len(answered), completed_samples=len(answered)),
        stats=EvalStats(started_at=created, completed_at=created),
        samples=list(_samples(answered, model, settings)),
    )
    write_eval_log(log, str(place), format="eval")
    return place


def _samples(
    answered: Iterable[Answered], model: str, settings: Settings
) -> "Iterator[EvalSample]":
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        ModelOutput,
    )

    for one in answered:
        messages: list[ChatMessage] = []
        if settings.system_prompt is not None:
            messages.append(ChatMessageSystem(content=settings.system_prompt))
        messages.append(ChatMessageUser(content=one.prompt))
        text, end, fault = _came(one.outcome)
        output, error = ModelOutput(), None
        if fault is None:
            said = ChatMessageAssistant(content=text, source="generate", model=model)
            choice = ChatCompletionChoice.model_validate({"message": said, "stop_reason": end})
            output = ModelOutput(model=model, choices=[choice])
            messages.append(said)
        else:
            error = EvalError(message=fault, traceback="", traceback_ansi="")
        yield EvalSample(
            id=str(one.id),
            epoch=one.sample,
            input=one.prompt,
            target="",
            messages=messages,
            output=output,
            error=error,
        )


def _came(outcome: Outcome) -> tuple[str, str, str | None]:
    """Return a text, why it ended, and what was in the way of it."""
    if isinstance(outcome, Graded):
        end = str(outcome.raw.get(STOPPED) or "stop")
        return outcome.labels[RESPONSE], _ENDS.get(end, end), None
    blocked = outcome.reason == FILTERED
    return "", "content_filter", None if blocked else outcome.reason
