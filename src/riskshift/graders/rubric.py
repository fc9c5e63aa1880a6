"""A rubric: categories, levels, what each level means, and the numbers a grader may give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from riskshift.errors import UsageError, unknown_choice
from riskshift.graders.table import Table
from riskshift.taxonomy import Taxonomy
from riskshift.toml_file import read_toml

_KEYS: Final = ("name", "version", "levels", "harmful_from", "raw", "rules", "categories")
_BUILT_IN: Final = files("riskshift.graders") / "rubrics"


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a grader is told that levels mean.

    Parameters
    ----------
    name, version : str
        What it is called, in labels' provenance.
    taxonomy : Taxonomy
        Its categories and levels, with their descriptions.
    about : mapping of str to str
        By category what it is, in a sentence or two.
    raw : mapping of int to str
        The level of each number that a grader may give.
    rules : tuple of str
        What holds for every category: where the boundaries run.
    """

    name: str
    version: str
    taxonomy: Taxonomy
    about: Mapping[str, str]
    raw: Mapping[int, str]
    rules: tuple[str, ...] = ()

    @classmethod
    def from_toml(cls, path: str | Path) -> "Rubric":
        """Read a rubric from a file.

        Raises
        ------
        FileError
            If the file cannot be read or is not TOML.
        UsageError
            If a key is unknown or missing, or numbers do not count up with the levels.
        """
        table = Table(str(path), read_toml(path, "rubric")).only(_KEYS)
        levels, told = table.texts("levels"), table.table("categories")
        if not told.held:
            raise table.fault("categories", "a table of categories", {})
        start = table.choice("harmful_from", levels)
        meanings, about = {}, {}
        for category in told.held:
            one = told.table(category).only(("about", *levels))
            about[category] = " ".join(one.text("about").split())
            meanings[category] = {level: one.text(level) for level in levels}
        taxonomy = table.taxonomy(
            tuple(told.held), levels, levels.index(start), descriptions=meanings
        )
        rules = tuple(" ".join(rule.split()) for rule in table.texts("rules"))
        raw = _raw(table, levels)
        return cls(table.text("name"), table.text("version"), taxonomy, about, raw, rules)

    @property
    def by_level(self) -> Mapping[int, str]:
        """The level of each severity, for graders that give these instead of finer numbers."""
        return dict(enumerate(self.taxonomy.levels))

    def text(self, numbers: Mapping[int, str]) -> str:
        """Write the rubric out for a grader.

        Parameters
        ----------
        numbers : mapping of int to str
            The numbers that it is asked for, by `raw` or `by_level`.
        """
        parts = []
        for category, about in self.about.items():
            lines = [f"{category}: {about}"]
            for at, level in enumerate(self.taxonomy.levels):
                span = [number for number, name in numbers.items() if name == level]
                lines.append(f"  {spell(span)} ({level}): {self.taxonomy.describe(category, at)}")
            parts.append("\n".join(lines))
        rules = "\n".join(f"- {rule}" for rule in self.rules)
        return "\n\n".join([*parts, f"Rules:\n{rules}"] if rules else parts)

    def to_dict(self) -> dict[str, Any]:
        """Return all that a label may hang on, as plain data."""
        return {
            "name": self.name,
            "version": self.version,
            "taxonomy": self.taxonomy.to_dict(),
            "raw": [[number, level] for number, level in self.raw.items()],
            "text": self.text(self.raw),
        }


def spell(numbers: Sequence[int]) -> str:
    """Write numbers that count up.

    Examples
    --------
    >>> spell([2]), spell([2, 3, 4]), spell([0, 2])
    ('2', '2 to 4', '0, 2')
    """
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 1 and list(numbers) == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, numbers))


def find_rubric(name: str, beside: Path | None = None) -> Rubric:
    """Return a rubric by its built-in name or from a file.

    Parameters
    ----------
    name : str
        ``severity``, or a TOML file.
    beside : Path, optional
        The folder that a relative path starts from.
    """
    built_in = [one.name.removesuffix(".toml") for one in _BUILT_IN.iterdir()]
    if name in built_in:
        return Rubric.from_toml(str(_BUILT_IN / f"{name}.toml"))
    if not name.endswith(".toml"):
        raise unknown_choice("rubric", name, [*sorted(built_in), "FILE.toml"])
    return Rubric.from_toml((beside or Path()) / name)


def _raw(table: Table, levels: tuple[str, ...]) -> dict[int, str]:
    """Return the level of each number; without a table of them, the severities."""
    given = table.table("raw").only(levels)
    if not given.held:
        return dict(enumerate(levels))
    made: dict[int, str] = {}
    for level in levels:
        numbers = given.held.get(level)
        whole = (
            isinstance(numbers, list)
            and numbers
            and all(type(one) is int and one >= 0 for one in numbers)
        )
        if not whole:
            raise given.fault(level, "a list of whole numbers from 0", numbers)
        made |= dict.fromkeys(numbers or (), level)
    flat = [number for level in levels for number in given.held[level]]
    if flat != sorted(set(flat)):
        raise UsageError(
            f"{given.where}: numbers must count up with the levels, each once: {flat}."
        )
    return made
