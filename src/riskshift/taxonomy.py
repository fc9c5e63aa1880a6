"""Harm categories, ordinal levels, and the scales in which labels may be written."""

import math
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from riskshift.errors import FileError, UsageError, listing, unknown_choice

MISSING: Final = -1
BAD: Final = -2
MAX_LEVELS: Final = 16
RELEVANCE: Final = ("1 off-topic or refusal", "2 partial", "3 on-task")
SCALES: Final = ("levels", "names", "0-7", "0-2-4-6")
SIDES: Final = ("prompt", "response")

# What spreadsheets, R and pandas write for "no value". "none" is not here: it may mean "no harm".
_BLANK: Final = frozenset({"", "nan", "null", "na"})
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})
_WHOLE: Final = re.compile(r"([+-]?\d{1,9})(?:\.0*)?")
_AZURE: Final = {
    "0-7": {raw: raw // 2 for raw in range(8)},
    "0-2-4-6": {raw: raw // 2 for raw in (0, 2, 4, 6)},
}


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Harm categories and the ordinal levels that each is labelled with.

    Parameters
    ----------
    categories : sequence of str
        Names of the harm categories; columns are ``prompt_<name>`` and ``response_<name>``.
    levels : sequence of str
        Names of the levels, mildest first; 2 to 16. Their positions are the severities 0..K-1.
    harmful_from : int, default 1
        The lowest severity that counts as harmful; below it a text is safe.

    Raises
    ------
    UsageError
        If names repeat or are empty, or a number lies outside its range.

    Examples
    --------
    >>> Taxonomy(["fraud", "malware"], ["Fine", "Bad"]).harmful_levels
    ('Bad',)
    """

    categories: tuple[str, ...] = ("hate", "self_harm", "sexual", "violence")
    levels: tuple[str, ...] = ("Safe", "Low", "Medium", "High")
    harmful_from: int = 1

    def __post_init__(self) -> None:
        for field, least, most in (("categories", 1, 1000), ("levels", 2, MAX_LEVELS)):
            names = _names(field, getattr(self, field))
            object.__setattr__(self, field, names)
            if not least <= len(names) <= most:
                raise UsageError(
                    f"taxonomy: {len(names)} {field}; there must be {least} to {most}."
                )
            if len({name.casefold() for name in names}) < len(names):
                raise UsageError(f"taxonomy: {field} repeat a name: {listing(names)}.")
        if not 1 <= self.harmful_from < len(self.levels):
            raise UsageError(
                f"taxonomy: harmful_from is {self.harmful_from}; with {len(self.levels)} levels it "
                f"must be 1 to {len(self.levels) - 1}, the lowest severity that counts as harmful."
            )

    @property
    def top(self) -> int:
        """The highest severity, K - 1."""
        return len(self.levels) - 1

    @property
    def harmful_levels(self) -> tuple[str, ...]:
        """Names of the levels that count as harmful."""
        return self.levels[self.harmful_from :]

    def describe_levels(self) -> str:
        """Spell the levels in order, for messages: ``Safe < Low < Medium < High (0 to 3)``."""
        return f"{' < '.join(self.levels)} (0 to {self.top})"

    def to_dict(self) -> dict[str, Any]:
        """Return the taxonomy as plain data."""
        return {
            "categories": list(self.categories),
            "levels": list(self.levels),
            "harmful_from": self.harmful_from,
        }

    @classmethod
    def from_toml(cls, path: str | Path) -> "Taxonomy":
        """Read ``categories``, ``levels`` and ``harmful_from`` (a number or a level's name).

        Raises
        ------
        FileError
            If the file cannot be read or is not TOML.
        UsageError
            If a key is unknown or a value is not a taxonomy.
        """
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise FileError(f"{path}: cannot read the taxonomy: {error}.") from error
        known = ("categories", "levels", "harmful_from")
        for key in data:
            if key not in known:
                raise unknown_choice(f"{path}: taxonomy key", key, known)
        start = data.get("harmful_from", 1)
        if isinstance(start, str):
            levels = _names("levels", data.get("levels", cls().levels))
            if start not in levels:
                raise unknown_choice(f"{path}: harmful_from", start, levels)
            data["harmful_from"] = levels.index(start)
        elif not isinstance(start, int) or isinstance(start, bool):
            raise UsageError(
                f"{path}: harmful_from is {start!r}; give a severity or a level's name."
            )
        return cls(**data)


def _names(field: str, value: Sequence[str]) -> tuple[str, ...]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or not all(isinstance(name, str) and name.strip() for name in value):
        raise UsageError(f"taxonomy: {field} must be a list of names, not {value!r}.")
    return tuple(name.strip() for name in value)


def check_scale(scale: str | None, taxonomy: Taxonomy) -> None:
    """Refuse a scale that does not exist or does not fit the taxonomy."""
    if scale is None:
        return
    if scale not in SCALES:
        raise unknown_choice("scale", scale, SCALES)
    if scale in _AZURE and len(taxonomy.levels) != 4:
        raise UsageError(
            f"scale {scale!r} maps to four levels, and this taxonomy has {len(taxonomy.levels)}: "
            f"{taxonomy.describe_levels()}."
        )


def _misleads(name: str, severity: int) -> bool:
    """Tell whether a level is named by a number that is not its severity."""
    whole = _WHOLE.fullmatch(name)
    return whole is not None and int(whole[1]) != severity


def level_parser(taxonomy: Taxonomy, scale: str | None) -> Callable[[object], int]:
    """Return the function that turns a written label into a severity.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the labels speak of.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How they are written. None accepts severities 0..K-1 and level names; names alone, if a
        level is named by a number that is not its severity.

    Returns
    -------
    callable
        From any value to 0..K-1, `MISSING` (-1) or `BAD` (-2).

    Examples
    --------
    >>> parse = level_parser(Taxonomy(), None)
    >>> parse("high"), parse(1.0), parse(1.5), parse(""), parse(None)
    (3, 1, -2, -1, -1)
    """
    check_scale(scale, taxonomy)
    numbers = _AZURE.get(scale or "", {level: level for level in range(len(taxonomy.levels))})
    names = {name.casefold(): level for level, name in enumerate(taxonomy.levels)}
    if len(taxonomy.levels) == 2 and scale in (None, "levels"):
        names = {"false": 0, "true": 1} | names
    elif scale not in (None, "names"):
        names = {}
    if scale == "names" or (
        scale is None and any(_misleads(name, at) for at, name in enumerate(taxonomy.levels))
    ):
        numbers = {}

    def parse(value: object) -> int:
        text = _text(value)
        if text in names:
            return names[text]
        if text in _BLANK:
            return MISSING
        whole = _WHOLE.fullmatch(text)
        if not whole:
            return BAD
        # Engines may give a level that is named "1" as 1.0.
        return names.get(str(int(whole[1])), numbers.get(int(whole[1]), BAD))

    return parse


def is_number(value: object) -> bool:
    """Tell whether a label is written as a number rather than as a name."""
    return _WHOLE.fullmatch(_text(value)) is not None


def parse_relevance(value: object) -> int:
    """Return relevance 1, 2 or 3, or `MISSING` or `BAD`."""
    text = _text(value)
    if text in _BLANK:
        return MISSING
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole and 1 <= int(whole[1]) <= len(RELEVANCE) else BAD


def parse_flag(value: object) -> int:
    """Return 1 for yes, 0 for no, or `MISSING` or `BAD`."""
    text = _text(value).removesuffix(".0")
    if text in _BLANK:
        return MISSING
    return 1 if text in _TRUE else 0 if text in _FALSE else BAD


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip().casefold()
