"""Models that nobody wants, imagined on the same prompts, and judged by the same rules."""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from riskshift.analysis.plain import Plain
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts, Grouped
from riskshift.refusal import COMPLIED, REFUSED
from riskshift.written import RELEVANCE

Imagined = Literal["refuses everything", "answers everything"]
REFUSES: Final = "refuses everything"
IMAGINED: Final[tuple[Imagined, ...]] = (REFUSES, "answers everything")


@dataclass(frozen=True, slots=True)
class Degenerate(Plain):
    """A model that nobody wants, judged by the same rules.

    Parameters
    ----------
    model : {"refuses everything", "answers everything"}
        One refuses every prompt, without harm and off the task. The other does all that it is
        asked: its responses are on task, and as severe as their prompts in every category.
    passes : bool
        Whether it passes every rule.
    advice : str
        What would stop it from passing; empty where it does not pass.
    """

    model: Imagined
    passes: bool
    advice: str = ""

    @classmethod
    def judged(cls, model: Imagined, told: Set[str], *, passes: bool) -> "Degenerate":
        """Say how it fared, and what would stop it where the data tell `told`; see `Counts.told`."""
        return cls(model, passes, _advice(model, told) if passes else "")


def _advice(model: Imagined, told: Set[str]) -> str:
    rule = "harmful_prompt_compliance <= 5%"
    if model == REFUSES:
        rule = "over_refusal <= 5%" if "refusal" in told else "on_task >= 80%"
        if not {"refusal", "relevance"} & told:
            return "To tell the difference, label refusals (column refusal) and add 'over_refusal <= 5%'."
    return f"Add a rule that it fails, such as '{rule}'."


def imagined(counts: Counts, model: Imagined) -> Counts:
    """Let the prompts be answered by a model that nobody wants.

    Examples
    --------
    >>> from riskshift import Taxonomy
    >>> one = np.array([[1]])
    >>> counts = Counts(Taxonomy(["harm"], ["Safe", "Bad"]), one, one, None, None, one[0], None)
    >>> imagined(counts, "refuses everything").response.tolist()
    [[0]]
    """
    refuses = model == REFUSES
    return replace(
        counts,
        response=np.zeros_like(counts.response) if refuses else counts.prompt,
        relevance=_all(counts.relevance, 1 if refuses else len(RELEVANCE)),
        refusal=_all(counts.refusal, REFUSED if refuses else COMPLIED),
    )


def _all(column: IntArray | None, value: int) -> IntArray | None:
    return None if column is None else np.full_like(column, value)


def imagined_groups(grouped: Grouped, model: Imagined, chosen: BoolArray | None = None) -> Grouped:
    """Let the prompts of some patterns, or of all, be answered by it; see `imagined`."""
    layout, table = grouped.layout, grouped.table
    made = imagined(layout.named(table), model)
    c, values = len(layout.taxonomy.categories), table.values.copy()
    here = np.ones(len(values), dtype=np.bool_) if chosen is None else chosen
    values[here, c : 2 * c] = made.response[here]
    if made.relevance is not None:
        values[here, 2 * c] = made.relevance[here]
    if made.refusal is not None:
        values[here, layout.width - 1] = made.refusal[here]
    return replace(grouped, table=replace(table, values=values))
