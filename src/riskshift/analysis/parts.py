"""Parts of the data that can be left out: what comes from one source or model, or is of one category."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from riskshift.analysis.plain import Plain
from riskshift.counts.pairs import Grouped

MOST: Final = 50
Kind = Literal["source", "model", "category"]


@dataclass(frozen=True, slots=True)
class Part(Plain):
    """A part of the data that can be left out.

    Parameters
    ----------
    kind : {"source", "model", "category"}
        What it is: the prompts of a source, the responses of a model, the labels of a category.
    name : str
        Which.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Untried(Plain):
    """Parts of one kind that were not left out, because there are so many.

    Parameters
    ----------
    kind : {"source", "model", "category"}
        What they are.
    tried, untried : int
        How many were left out, one at a time, and how many were not.
    """

    kind: Kind
    tried: int
    untried: int

    @property
    def sentence(self) -> str:
        """The same in words."""
        if not self.tried:
            return f"None of the {self.untried:,} {plural(self.kind)} was left out: there are too many comparisons."
        which = "first" if self.kind == "category" else "largest"
        return (
            f"Only the {self.tried:,} {which} of {self.tried + self.untried:,} {plural(self.kind)} were left out, one "
            "at a time."
        )


def plural(kind: Kind) -> str:
    """Write a kind of parts as several.

    Examples
    --------
    >>> plural("source"), plural("category")
    ('sources', 'categories')
    """
    return "categories" if kind == "category" else f"{kind}s"


class Hanging(Protocol):
    """What is found with one part left out at a time, in one sentence."""

    @property
    def turning(self) -> Sequence[object]:
        """The omissions that turn something."""
        ...

    @property
    def sentence(self) -> str | None:
        """What they say together; None where there is nothing to say."""
        ...


def summed_up(found: Hanging) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sentence for the summary where something turns, else for the notes."""
    told = () if found.sentence is None else (found.sentence,)
    return (told, ()) if found.turning else ((), told)


def groups_to_leave_out(
    kind: Kind, grouped: Grouped | None, most: int = MOST
) -> tuple[tuple[str, ...], list[Untried]]:
    """Return the groups to leave out one at a time: the largest, and how many that leaves untried.

    With fewer than two groups nothing would be left, so there are none.
    """
    if grouped is None or len(grouped.names) < 2:
        return (), []
    return _first(kind, grouped.largest(most), len(grouped.names))


def categories_to_leave_out(
    categories: Sequence[str], most: int = MOST
) -> tuple[tuple[str, ...], list[Untried]]:
    """Return the categories to leave out one at a time, in order; none where there is only one."""
    if len(categories) < 2:
        return (), []
    return _first("category", tuple(categories[:most]), len(categories))


def _first(kind: Kind, chosen: tuple[str, ...], of: int) -> tuple[tuple[str, ...], list[Untried]]:
    rest = of - len(chosen)
    return chosen, [Untried(kind, len(chosen), rest)] if rest else []
