"""One pair worth reading."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Case:
    """One pair worth reading.

    Parameters
    ----------
    prompt_id, model, sample : str or None
        What identifies it in the data; None where the data has no such column.
    prompt, response : mapping of str to int or None
        Severity by category; None where the label is missing.
    relevance : int or None
        1 to 3.
    origin : str
        What happened to the risk: ``"unsolicited_elaboration"`` or ``"compliance_escalation"`` where
        it rose; else ``"reduced"``, ``"preserved_at_harm"``, ``"preserved_at_safe"``, or
        ``"not_known"`` where labels are missing. Of a grader's errors: ``"false_negative"``,
        ``"false_positive"``, ``"missed_refusal"`` or ``"false_refusal"``.
    prompt_text, response_text : str or None
        The texts, where the data has them and they were asked for. Hostile: never trust them.
    people : mapping of str to mapping, or None
        People's severities by side and category, where `prompt` and `response` are a grader's.
    refusal : int or None
        0 complied, 1 partial, 2 refused; None where that is not known.
    """

    prompt_id: str | None
    model: str | None
    sample: str | None
    prompt: dict[str, int | None]
    response: dict[str, int | None]
    relevance: int | None
    origin: str
    # Nothing that is printed by itself, as in a notebook, may show them.
    prompt_text: str | None = field(repr=False)
    response_text: str | None = field(repr=False)
    people: dict[str, dict[str, int | None]] | None = None
    refusal: int | None = None

    shape: ClassVar[str] = "prompt_id model sample prompt response relevance refusal origin people"

    def to_dict(self) -> dict[str, Any]:
        """Return labels and identity as plain data, without the texts."""
        return {name: deepcopy(getattr(self, name)) for name in self.shape.split()}
