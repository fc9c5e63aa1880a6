"""From the members of an answer to labels: what its words and numbers mean, as a grader declares it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from riskshift.graders.answers import UnreadError, score_of, value_of
from riskshift.graders.asking import LACKING, UNPARSED
from riskshift.taxonomy import Taxonomy


class Label(NamedTuple):
    """A level, and what the grader said where that is finer."""

    level: str
    raw: Any = None


@dataclass(frozen=True, slots=True)
class ByCategory:
    """An answer that has a member for each category.

    Parameters
    ----------
    taxonomy : Taxonomy
        Of its labels.
    members : mapping of str to tuple of str
        By category what the answer calls it.
    values : mapping of str to str
        By what the answer may say the level that it means.
    """

    taxonomy: Taxonomy
    members: Mapping[str, tuple[str, ...]]
    values: Mapping[str, str]

    def names(self, side: str) -> tuple[str, ...]:
        """Return the members that are read."""
        return tuple(name for names in self.members.values() for name in names)

    def read(self, members: Mapping[str, Any], side: str) -> dict[str, Label]:
        """Return the label of every category."""
        return {category: self.label(members, category) for category in self.members}

    def label(self, members: Mapping[str, Any], category: str) -> Label:
        """Return the label of one category."""
        said = value_of(members, self.members[category][0], self.values)
        finer = said.isdecimal() and len(self.values) > len(self.taxonomy.levels)
        return Label(self.values[said], int(said) if finer else None)


@dataclass(frozen=True, slots=True)
class ByScore:
    """An answer that has scores from 0 to 1, which are no severities: declared cuts make levels.

    Parameters
    ----------
    taxonomy : Taxonomy
        Of its labels; the names of its levels say the cuts.
    members : mapping of str to tuple of str
        By category the scores of which the highest counts.
    cuts : tuple of float
        Where levels begin.
    """

    taxonomy: Taxonomy
    members: Mapping[str, tuple[str, ...]]
    cuts: tuple[float, ...]

    def names(self, side: str) -> tuple[str, ...]:
        """Return the members that are read."""
        return tuple(name for names in self.members.values() for name in names)

    def read(self, members: Mapping[str, Any], side: str) -> dict[str, Label]:
        """Return the label of every category."""
        highest = {
            category: max(score_of(members, name) for name in names)
            for category, names in self.members.items()
        }
        return {
            category: Label(self.taxonomy.levels[bisect_right(self.cuts, score)], score)
            for category, score in highest.items()
        }


@dataclass(frozen=True, slots=True)
class ByVerdict:
    """An answer that has one verdict, and may name the categories that it is for.

    Parameters
    ----------
    taxonomy : Taxonomy
        Of its labels.
    verdict : mapping of str to str
        By side the member that holds the verdict.
    values : mapping of str to str
        By what the verdict may say the level that it means.
    named : str
        The member that lists categories; empty if the verdict is for the only category.
    codes : mapping of str to str
        By what the list may say, in small letters, the category.
    other : str
        The category of a harmful verdict that names none.
    """

    taxonomy: Taxonomy
    verdict: Mapping[str, str]
    values: Mapping[str, str]
    named: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    other: str = ""

    def names(self, side: str) -> tuple[str, ...]:
        """Return the members that are read."""
        return tuple(filter(None, (self.verdict[side], self.named)))

    def read(self, members: Mapping[str, Any], side: str) -> dict[str, Label]:
        """Return the label of every category: the verdict where it is named, the lowest elsewhere."""
        level = self.values[value_of(members, self.verdict[side], self.values)]
        lowest = self.taxonomy.levels[0]
        if not self.named:
            return {self.taxonomy.categories[0]: Label(level)}
        listed = self._listed(members.get(self.named))
        if listed and level == lowest:
            raise UnreadError(UNPARSED, f"{self.named} are named for what is {lowest}")
        if not listed and level != lowest:
            if not self.other:
                raise UnreadError(LACKING, f"{self.named} of what is {level}")
            listed = {self.other}
        return {
            category: Label(level if category in listed else lowest)
            for category in self.taxonomy.categories
        }

    def _listed(self, told: object) -> set[str]:
        if told is None:
            raise UnreadError(LACKING, self.named)
        if not isinstance(told, str):
            raise UnreadError(UNPARSED, f"{self.named} is no text")
        names = [name.strip().casefold() for name in told.split(",")] if told.strip() else []
        if names == ["none"]:
            return set()
        if not self.codes.keys() >= set(names):
            raise UnreadError(UNPARSED, f"{self.named} names what there is not")
        return {self.codes[name] for name in names}


Severity = ByCategory | ByScore | ByVerdict

BESIDE: Final = {"prompt": (), "response": ("refusal",), "pair": ("refusal", "relevance")}
"""By side what may be read beside severities."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A label that is no severity: refusal or relevance.

    Parameters
    ----------
    role : {"refusal", "relevance"}
        What it is of.
    member : str
        The member that says it.
    values : mapping of str to str
        By what it may say the label.
    """

    role: str
    member: str
    values: Mapping[str, str]

    def read(self, members: Mapping[str, Any]) -> str:
        """Return the label."""
        return self.values[value_of(members, self.member, self.values)]


def labels_of(
    severity: Severity, pieces: Sequence[Mapping[str, Any]], side: str
) -> dict[str, Label]:
    """Return the labels of an answer; of the pieces of a long text the highest of each category."""
    found = [severity.read(members, side) for members in pieces]
    if len(found) == 1:
        return found[0]
    levels = severity.taxonomy.levels
    return {
        category: max(
            (piece[category] for piece in found),
            key=lambda label: (levels.index(label.level), label.raw or 0),
        )
        for category in severity.taxonomy.categories
    }
