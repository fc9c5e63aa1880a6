"""The graders that come with riskshift, and those of one's own."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from riskshift.errors import unknown_choice
from riskshift.graders.declaration import read_grader
from riskshift.graders.declared import Declared

_SHIPPED: Final = files("riskshift.graders") / "shipped"
NAMES: Final = tuple(
    sorted(
        one.name.removesuffix(".toml") for one in _SHIPPED.iterdir() if one.name.endswith(".toml")
    )
)


def load(grader: str | Path, *, rubric: str | Path | None = None) -> Declared:
    """Return a grader by its name, or from a file of one's own.

    Parameters
    ----------
    grader : str or Path
        A name that ``riskshift graders`` lists, or a TOML file.
    rubric : str or Path, optional
        A TOML file with a rubric to use instead of the grader's, where it takes one.

    Returns
    -------
    Declared
        What it says of itself, what it asks, and how it reads what comes back.

    Raises
    ------
    FileError
        If a file cannot be read or is not TOML.
    UsageError
        If there is no such grader, or a file says what is not understood.

    Examples
    --------
    >>> grader = load("rubric")
    >>> grader.facts.sides, grader.taxonomy.levels
    (('prompt', 'response'), ('Safe', 'Low', 'Medium', 'High'))
    """
    return read_grader(_place(grader), rubric=rubric)


def source(name: str) -> str:
    """Return the declaration of a shipped grader as it stands, to begin one's own from."""
    return (_SHIPPED / f"{_known(name)}.toml").read_text(encoding="utf-8")


def rubric_source() -> str:
    """Return the built-in rubric as it stands, to begin one's own from."""
    return (files("riskshift.graders") / "rubrics" / "severity.toml").read_text(encoding="utf-8")


def _place(grader: str | Path) -> str:
    if isinstance(grader, Path) or grader.endswith(".toml"):
        return str(grader)
    return str(_SHIPPED / f"{_known(grader)}.toml")


def _known(name: str) -> str:
    if name not in NAMES:
        raise unknown_choice("grader", name, [*NAMES, "FILE.toml"])
    return name
