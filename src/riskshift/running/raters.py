"""Who is asked, with which model, and which labels that gives."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.graders.catalogue import load
from riskshift.graders.grader import Grader
from riskshift.records import label_roles
from riskshift.taxonomy import Taxonomy

SIDES: Final = ("prompt", "response", "both")
_RUBRIC: Final = "rubric"


# Each is its own: a declaration may hold what has no hash.
@dataclass(frozen=True, slots=True, eq=False)
class Rater:
    """A grader, and the model that it asks.

    Parameters
    ----------
    grader : Grader
        The declaration.
    model : str
        What its endpoint calls the model; empty where a service has only one.
    """

    grader: Grader
    model: str = ""

    @property
    def name(self) -> str:
        """What it is called in files and messages: ``rubric=gpt-x``."""
        return "=".join(filter(None, (self.grader.facts.name, self.model)))

    @property
    def taxonomy(self) -> Taxonomy | None:
        """Of its severities; None if it gives none."""
        return self.grader.taxonomy if "severity" in self.grader.facts.gives else None

    def tasks(self, side: str) -> dict[str, tuple[str, ...]]:
        """Return the tasks that a side takes, and the labels by role that each gives.

        Parameters
        ----------
        side : {"prompt", "response", "both"}
            What is to be labelled.

        Returns
        -------
        dict
            Keys are ``"prompt"``, ``"response"`` and ``"pair"``. A severity of a response is asked of the
            response alone wherever the grader can do that.
        """
        facts = self.grader.facts
        roles = label_roles(self.taxonomy) if self.taxonomy else []
        prompts, responses = (tuple(pair[at] for pair in roles) for at in (0, 1))
        beside = tuple(name for name in ("refusal", "relevance") if name in facts.gives)
        alone = "response" in facts.sides
        of_pair = ((() if alone else responses) + beside) if "pair" in facts.sides else ()
        found = {
            "prompt": prompts if "prompt" in facts.sides and side != "response" else (),
            "response": (responses if of_pair else responses + beside) if alone else (),
            "pair": of_pair,
        }
        if side == "prompt":
            found = {"prompt": found["prompt"]}
        return {name: given for name, given in found.items() if given}

    def roles(self, side: str) -> tuple[str, ...]:
        """Return all labels that a side takes."""
        return tuple(role for given in self.tasks(side).values() for role in given)


def raters_of(
    graders: "str | Rater | Iterable[str | Rater]", side: str, *, rubric: str | Path | None = None
) -> tuple[Rater, ...]:
    """Find the graders that are meant and check that they can be asked together.

    Parameters
    ----------
    graders : str, Rater, or several
        ``"NAME"``, ``"NAME=MODEL"``, with the name of a grader or the path of its file.
    side : {"prompt", "response", "both"}
        What is to be labelled.
    rubric : path, optional
        A TOML file whose rubric the grader ``rubric`` uses instead of its own.

    Raises
    ------
    UsageError
        If one is unknown, lacks a model, gives nothing on that side, or is named twice; or if two give
        labels of one name on different levels.
    """
    if side not in SIDES:
        raise unknown_choice("side", side, SIDES)
    given = [graders] if isinstance(graders, str | Rater) else list(graders)
    if rubric is not None and not any(_takes_rubric(one) for one in given):
        raise UsageError(
            f"--rubric replaces the rubric of the grader {_RUBRIC!r}, which is not asked. Files of others name theirs."
        )
    raters = tuple(_found(one, rubric) if isinstance(one, str) else one for one in given)
    if not raters:
        raise UsageError("no grader is named: --grader NAME=MODEL. See riskshift graders.")
    for rater in raters:
        _check(rater, side)
    twice = [name for name, n in Counter(rater.name for rater in raters).items() if n > 1]
    if twice:
        raise UsageError(
            f"the grader {twice[0]} is named twice. To ask it several times: --repeat 2."
        )
    _refuse_unlike(raters)
    return raters


def share_labels(raters: Sequence[Rater], side: str) -> bool:
    """Tell whether some label is given by several, who then are raters of the same items."""
    given = Counter(role for rater in raters for role in rater.roles(side))
    return any(n > 1 for n in given.values())


def taxonomy_of(raters: Iterable[Rater]) -> Taxonomy | None:
    """Return the taxonomy of the first who gives severities."""
    return next((rater.taxonomy for rater in raters if rater.taxonomy), None)


def _takes_rubric(grader: str | Rater) -> bool:
    return isinstance(grader, str) and grader.partition("=")[0].strip() == _RUBRIC


def _found(text: str, rubric: str | Path | None) -> Rater:
    name, _, model = text.partition("=")
    grader = load(name.strip(), rubric=rubric if _takes_rubric(text) else None)
    return Rater(grader, model.strip() or grader.facts.model or "")


def _check(rater: Rater, side: str) -> None:
    facts = rater.grader.facts
    if not rater.model and facts.endpoint != "azure-content-safety":
        raise UsageError(
            f"grader {facts.name!r} needs a model, as its endpoint calls it: --grader {facts.name}=MODEL."
        )
    if not rater.tasks(side):
        raise UsageError(
            f"grader {facts.name!r} gives no label for --side {side}: it takes {listing(facts.sides)} and gives "
            f"{listing(facts.gives)}."
        )


def _refuse_unlike(raters: Sequence[Rater]) -> None:
    held: dict[str, tuple[str, Taxonomy]] = {}
    for rater in raters:
        taxonomy = rater.taxonomy
        for category in taxonomy.categories if taxonomy else ():
            name, other = held.setdefault(category, (rater.name, taxonomy))  # type: ignore[arg-type]
            if taxonomy and other.levels != taxonomy.levels:
                raise UsageError(
                    f"{name} and {rater.name} both label {category!r}, on different levels: {listing(other.levels)}; "
                    f"{listing(taxonomy.levels)}. Label with each into a file of its own."
                )


def levels_of(raters: Iterable[Rater]) -> Mapping[str, Taxonomy]:
    """Return by the role of a severity the taxonomy that it belongs to."""
    return {
        pair[at]: rater.taxonomy
        for at in (0, 1)
        for rater in raters
        if rater.taxonomy
        for pair in label_roles(rater.taxonomy)
    }
