"""A model under test is asked as a grader is: a prompt in, its answer out, each written down as it comes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from riskshift.graders.asking import (
    DECLINED,
    FILTERED,
    SILENT,
    Answer,
    Graded,
    Outcome,
    Request,
    Task,
    Ungraded,
)
from riskshift.graders.grader import Facts
from riskshift.taxonomy import Taxonomy

RESPONSE: Final = "response"
STOPPED: Final = "stop_reason"


@dataclass(frozen=True, slots=True)
class Settings:
    """How models are asked.

    Parameters
    ----------
    system_prompt : str or None
        What they are told before each prompt.
    temperature : float or None
        None leaves it to the provider.
    max_tokens : int or None
        Of the longest answer; None leaves it to the provider.
    """

    system_prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    def __str__(self) -> str:
        """Say them in the words of a data card."""
        told = [
            "no system prompt"
            if self.system_prompt is None
            else f"system prompt {sha256(self.system_prompt.encode()).hexdigest()[:12]}",
            *(f"{name} {value}" for name, value in self.numbers.items()),
        ]
        return ", ".join(told)

    @property
    def numbers(self) -> dict[str, float]:
        """Those that are sent as numbers, where they are set."""
        held = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in held.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Answering:
    """Makes a request of a prompt and a response of an answer; what nobody answered has a reason.

    It has what whoever asks needs of a `Grader`, and gives a text where graders give labels.
    """

    settings: Settings

    @property
    def facts(self) -> Facts:
        """What it says of itself."""
        return Facts(
            name="model under test",
            title="a model that answers prompts",
            version="1",
            endpoint="inspect",
            model=None,
            sides=("prompt",),
            gives=(RESPONSE,),
        )

    @property
    def taxonomy(self) -> Taxonomy | None:
        """None: it gives no severities."""
        return None

    @property
    def fingerprint(self) -> str:
        """A hash of the settings."""
        told = [self.settings.system_prompt, self.settings.numbers]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def requests(self, task: Task) -> Sequence[Request]:
        """Return the one call that a prompt takes."""
        messages: list[dict[str, str]] = []
        if self.settings.system_prompt is not None:
            messages.append({"role": "system", "content": self.settings.system_prompt})
        messages.append({"role": "user", "content": task.prompt or ""})
        body: dict[str, Any] = {"messages": messages, **self.settings.numbers}
        return (Request(body),)

    def read(self, task: Task, answers: Sequence[Answer]) -> Outcome:
        """Return the response as it came; a filtered or an empty answer is none."""
        (answer,) = answers
        if answer.failed:
            return Ungraded(answer.failed)
        if answer.finish == "content_filter":
            return Ungraded(FILTERED)
        text = answer.declined or answer.text or ""
        if not text.strip():
            return Ungraded(DECLINED if answer.declined else SILENT)
        return Graded({RESPONSE: text}, {STOPPED: answer.finish})
