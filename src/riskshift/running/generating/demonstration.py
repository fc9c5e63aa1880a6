"""Two scripted models and a scripted grader: a whole run without a key and without a network."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from riskshift.graders.asking import Answer, Request
from riskshift.graders.catalogue import load
from riskshift.jobs.opening import silent
from riskshift.outputs.places import make_folder
from riskshift.outputs.sheets import write_sheet
from riskshift.running.endpoints.endpoint import Endpoint, Reply, Spent
from riskshift.running.generating.answering import Answering
from riskshift.running.generating.run import Run, run_through
from riskshift.running.raters import Rater
from riskshift.toml_file import read_toml

MODELS: Final = ("careful", "eager")
PROMPTS: Final = "prompts.csv"
NOTE: Final = (
    "This is a demonstration. The prompts, both models and the grader are scripted; nothing here says anything of a "
    "real model."
)
_TEXTS: Final = "demonstration.toml"
# What the rubric's raw numbers are for severities 0 to 3: each stands for two of them.
_RAW: Final = 2


@dataclass(slots=True)
class Script:
    """Says what is written for it, as an endpoint does.

    Parameters
    ----------
    address : str
        What it is called where it was asked.
    says : callable
        From the last message of a request to what is answered.
    """

    address: str
    says: Callable[[str], str]
    spent: Spent = field(default_factory=Spent)

    async def ask(self, request: Request) -> Reply:
        """Answer at once."""
        self.spent.requests += 1
        return Reply(Answer(text=self.says(request.body["messages"][-1]["content"]), finish="stop"))

    async def close(self) -> None:
        """Nothing is open."""


def demonstrate(output: str | Path, *, progress: Callable[[str], None] = silent) -> Run:
    """Run on scripted models with a scripted grader; it ends on the page of a real run.

    Parameters
    ----------
    output : path
        A folder; made if need be.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Run
    """
    told = read_toml(Path(str(files("riskshift.data") / _TEXTS)), "demonstration")["prompts"]
    folder = Path(output)
    make_folder(folder)
    rows = [(one["id"], one["prompt"]["text"]) for one in told]
    write_sheet(folder / PROMPTS, ("prompt_id", "prompt"), rows, texts=("prompt",))
    answers = {
        model: {one["prompt"]["text"]: one[model]["text"] for one in told} for model in MODELS
    }
    severities = {
        text["text"]: text for one in told for text in (one["prompt"], *map(one.get, MODELS))
    }
    rubric = load("rubric")
    assert rubric.taxonomy is not None  # noqa: S101 - it labels severities
    categories = rubric.taxonomy.categories

    def connect(rater: Rater) -> Endpoint:
        if isinstance(rater.grader, Answering):
            return Script(rater.model, answers[rater.model].__getitem__)
        return Script("scripted", lambda message: _graded(message, severities, categories))

    return run_through(
        connect,
        folder / PROMPTS,
        folder,
        models=MODELS,
        raters=[Rater(rubric, "scripted")],
        progress=progress,
        notes=[NOTE],
    )


def _graded(
    message: str, severities: Mapping[str, Mapping[str, Any]], categories: Sequence[str]
) -> str:
    """Answer as the rubric asks, by the text that a message holds; the longest that fits."""
    text = max((text for text in severities if text in message), key=len)
    return json.dumps({name: severities[text].get(name, 0) * _RAW for name in categories})
