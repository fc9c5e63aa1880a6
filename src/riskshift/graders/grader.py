"""A grader is a declaration: how it is asked, how its answers are read, and what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from riskshift.graders.asking import Answer, Outcome, Request, Task
from riskshift.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Facts:
    """What a grader says of itself.

    Parameters
    ----------
    name : str
        What ``--grader`` calls it.
    title : str
        The same in a few words.
    version : str
        Of the declaration.
    endpoint : {"chat", "azure-content-safety", "openai-moderation"}
        How it is reached.
    model : str or None
        The model that is asked if the user names none.
    sides : tuple of str
        Which tasks it takes: ``"prompt"``, ``"response"``, ``"pair"``. One with ``"pair"`` sees both
        sides there.
    gives : tuple of str
        ``"severity"``, ``"refusal"``, ``"relevance"``.
    licence, source, about : str
        Of the model or service; where its format is documented; what is known of its errors.
    """

    name: str
    title: str
    version: str
    endpoint: str
    model: str | None
    sides: tuple[str, ...]
    gives: tuple[str, ...]
    licence: str = ""
    source: str = ""
    about: str = ""


class Grader(Protocol):
    """What whoever asks needs of a grader; it knows no network."""

    @property
    def facts(self) -> Facts:
        """What it says of itself."""

    @property
    def taxonomy(self) -> Taxonomy | None:
        """Categories and levels of the severities that it gives; None if it gives none."""

    @property
    def fingerprint(self) -> str:
        """A hash of all that can change a label: rubric, template, parser, map of levels."""

    def requests(self, task: Task) -> Sequence[Request]:
        """Return the calls that a task takes."""

    def read(self, task: Task, answers: Sequence[Answer]) -> Outcome:
        """Return the labels that the answers give, or why there are none; answers as requests."""
