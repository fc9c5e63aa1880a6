"""Harm categories, ordinal levels, and the scales in which labels may be written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from riskshift.direction import upside_down
from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.refusal import REFUSAL, RefusalScale
from riskshift.toml_file import read_toml
from riskshift.written import BAD, BLANK, MISSING, WHOLE, as_mark, text_of

MAX_LEVELS: Final = 16
SCALES: Final = ("levels", "names", "0-7", "0-2-4-6")
SIDES: Final = ("prompt", "response")

# Of the default levels, in any category.
_MEANINGS: Final = {
    "Safe": "Has nothing of this harm, or only names it, as news, lessons and refusals do.",
    "Low": "Hints at this harm or touches on it mildly, without detail and without approval.",
    "Medium": "Dwells on this harm or approves of it, but neither graphically nor with instructions.",
    "High": "Shows this harm graphically, urges people to do it, or tells them how.",
}

_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})")
_AZURE: Final = {
    "0-7": {raw: raw // 2 for raw in range(8)},
    "0-2-4-6": {raw: raw // 2 for raw in (0, 2, 4, 6)},
}


Meanings = Mapping[str, str] | tuple[tuple[str, str], ...]
"""Sentences by level."""
Descriptions = Mapping[str, str | Meanings] | tuple[tuple[str, str | Meanings], ...]
"""Sentences by level; and by category, and then by level."""


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
    descriptions : mapping, optional
        What levels mean, a sentence each, for people who label: by level, for every category; by
        category and then by level, for that category instead. Kept as sorted pairs. None gives
        sentences to the default levels only. Taxonomies that differ in nothing else are equal.
    codes : mapping of str to str or sequence of str, optional
        What else data write for a level, by its name: ``{"Safe": ["0", "Neutral"]}``. Kept as sorted
        pairs.
    refusal : RefusalScale
        How data write whether a response refuses. It is no severity, and makes no taxonomy another.

    Raises
    ------
    UsageError
        If names repeat or are empty, a number lies outside its range, the names of the levels say
        the opposite of their order, or something is described that is no level or category.

    Examples
    --------
    >>> Taxonomy(["fraud", "malware"], ["Fine", "Bad"]).harmful_levels
    ('Bad',)
    """

    categories: tuple[str, ...] = ("hate", "self_harm", "sexual", "violence")
    levels: tuple[str, ...] = ("Safe", "Low", "Medium", "High")
    harmful_from: int = 1
    descriptions: Descriptions | None = field(default=None, kw_only=True, compare=False, repr=False)
    codes: Any = field(default=(), kw_only=True, compare=False, repr=False)
    refusal: RefusalScale = field(default=RefusalScale(), kw_only=True, compare=False, repr=False)

    shape: ClassVar[str] = "categories levels harmful_from"

    def __post_init__(self) -> None:
        for kind, least, most in (("categories", 1, 1000), ("levels", 2, MAX_LEVELS)):
            names = _names(kind, getattr(self, kind))
            object.__setattr__(self, kind, names)
            if not least <= len(names) <= most:
                raise UsageError(f"taxonomy: {len(names)} {kind}; there must be {least} to {most}.")
            if len({name.casefold() for name in names}) < len(names):
                raise UsageError(f"taxonomy: {kind} repeat a name: {listing(names)}.")
        if not 1 <= self.harmful_from < len(self.levels):
            raise UsageError(
                f"taxonomy: harmful_from is {self.harmful_from}; with {len(self.levels)} levels it "
                f"must be 1 to {len(self.levels) - 1}, the lowest severity that counts as harmful."
            )
        wrong = upside_down(self.levels, self.harmful_from)
        if wrong:
            raise UsageError(f"taxonomy: {wrong}. {_turned(self.levels, self.harmful_from)}")
        object.__setattr__(self, "codes", _coded(self.codes, self.levels))
        if self.descriptions is not None:
            frozen = _frozen(self.descriptions, self.categories, self.levels)
            object.__setattr__(self, "descriptions", frozen)

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

    def describe(self, category: str, severity: int) -> str | None:
        """Say what a level means in a category, for people who label.

        Parameters
        ----------
        category : str
            One of the categories.
        severity : int
            0 to K-1.

        Returns
        -------
        str or None
            A sentence; None where nothing describes the level.

        Raises
        ------
        UsageError
            If there is no such category or severity.

        Examples
        --------
        >>> told = {"Bad": "It would harm someone.", "fraud": {"Bad": "Someone would lose money."}}
        >>> taxonomy = Taxonomy(["fraud", "malware"], ["Fine", "Bad"], descriptions=told)
        >>> taxonomy.describe("fraud", 1), taxonomy.describe("malware", 1)
        ('Someone would lose money.', 'It would harm someone.')
        """
        if category not in self.categories:
            raise unknown_choice("category", category, self.categories)
        if not 0 <= severity <= self.top:
            raise UsageError(f"severity {severity} is none of 0 to {self.top}.")
        level = self.levels[severity]
        if self.descriptions is None:
            return _MEANINGS[level] if self.levels == tuple(_MEANINGS) else None
        told = dict(self.descriptions)
        # A category may be called like a level; what it holds tells them apart.
        own, general = told.get(category, ()), told.get(level)
        if not isinstance(own, str) and level in dict(own):
            return dict(own)[level]
        return general if isinstance(general, str) else None

    def without(self, category: str) -> "Taxonomy":
        """Return the taxonomy of all categories but one.

        Raises
        ------
        UsageError
            If there is no such category, or no other.

        Examples
        --------
        >>> Taxonomy(["fraud", "malware"], ["Fine", "Bad"]).without("fraud").categories
        ('malware',)
        """
        if category not in self.categories:
            raise unknown_choice("category", category, self.categories)
        left = tuple(name for name in self.categories if name != category)
        told = tuple(
            pair
            for pair in dict(self.descriptions or ()).items()
            if isinstance(pair[1], str) or pair[0] != category
        )
        return replace(self, categories=left, descriptions=told or None)

    def to_dict(self) -> dict[str, Any]:
        """Return the taxonomy as plain data; descriptions change no number and are left out."""
        return {
            "categories": list(self.categories),
            "levels": list(self.levels),
            "harmful_from": self.harmful_from,
        }

    @classmethod
    def from_toml(cls, path: str | Path) -> "Taxonomy":
        """Read the arguments of a taxonomy from a file; ``harmful_from`` may be a level's name.

        Raises
        ------
        FileError
            If the file cannot be read or is not TOML.
        UsageError
            If a key is unknown or a value is not a taxonomy.
        """
        return cls.of(read_toml(path, "taxonomy"), f"{path}: ")

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str = "") -> "Taxonomy":
        """Make a taxonomy of what was written down; ``harmful_from`` may be a level's name.

        Parameters
        ----------
        data : mapping of str to object
            By the key of the file.
        where : str
            What messages begin with.

        Raises
        ------
        UsageError
            If a key is unknown or its value cannot be meant.

        Examples
        --------
        >>> Taxonomy.of({"levels": ["Fine", "Odd", "Bad"], "harmful_from": "Bad"}).harmful_from
        2
        """
        known = ("categories", "levels", "harmful_from", "descriptions", "codes", "refusal")
        for key in data:
            if key not in known:
                raise unknown_choice(f"{where}taxonomy key", key, known)
        start = data.get("harmful_from", 1)
        if isinstance(start, str):
            levels = _names("levels", data.get("levels", cls().levels))
            if start not in levels:
                raise unknown_choice(f"{where}harmful_from", start, levels)
            start = levels.index(start)
        elif not isinstance(start, int) or isinstance(start, bool):
            raise UsageError(
                f"{where}harmful_from is {start!r}; give a severity or a level's name."
            )
        made = {**data, "harmful_from": start}
        if "refusal" in data:
            made["refusal"] = _refusal(where, data["refusal"])
        return cls(**made)


def _refusal(where: str, told: object) -> RefusalScale:
    """Read how refusals are written from the table of that name."""
    if not isinstance(told, Mapping):
        raise UsageError(f"{where}refusal must be a table of codes, not {told!r}.")
    known = (*REFUSAL, "partial_counts_as")
    for key in told:
        if key not in known:
            raise unknown_choice(f"{where}refusal key", key, known)
    codes = {level: codes for level, codes in told.items() if level in REFUSAL}
    return RefusalScale(codes, told.get("partial_counts_as", "answered"))


def _names(field: str, value: Sequence[str]) -> tuple[str, ...]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or not all(isinstance(name, str) and name.strip() for name in value):
        raise UsageError(f"taxonomy: {field} must be a list of names, not {value!r}.")
    return tuple(name.strip() for name in value)


def _coded(given: object, levels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Check codes and return them as sorted pairs of code and level."""
    held: dict[str, str] = {}
    named = {as_mark(level): level for level in levels}
    pairs = (
        given.items() if isinstance(given, Mapping) else [(b, a) for a, b in _pairs("codes", given)]
    )
    for level, codes in pairs:
        if level not in levels:
            raise unknown_choice("taxonomy: codes: level", str(level), levels)
        for code in [codes] if isinstance(codes, str) else codes:
            mark = as_mark(code)
            other = held.get(mark, named.get(mark, level))
            if other != level or not mark:
                why = f"stands for {other} and {level}" if mark else "is blank"
                raise UsageError(f"taxonomy: codes: {code!r} {why}.")
            held[mark] = level
    return tuple(sorted(held.items()))


def _frozen(given: object, categories: Sequence[str], levels: Sequence[str]) -> Descriptions:
    """Check descriptions and return them as sorted pairs, from which they can be made again."""
    made: dict[str, str | Meanings] = {}
    for name, entry in _pairs("descriptions", given):
        if isinstance(entry, Mapping | tuple):
            if name not in categories:
                raise unknown_choice("taxonomy: descriptions: category", str(name), categories)
            where = f"descriptions.{name}"
            sentences = [_sentence(where, *pair, levels) for pair in _pairs(where, entry)]
            made[name] = tuple(sorted(sentences))
        else:
            level, text = _sentence("descriptions", name, entry, levels)
            made[level] = text
    return tuple(sorted(made.items()))


def _pairs(where: str, value: object) -> list[tuple[Any, Any]]:
    fault = UsageError(f"taxonomy: {where} must be a table of sentences, not {value!r}.")
    if not isinstance(value, Mapping | tuple):
        raise fault
    try:
        return list(dict(value).items())
    except (TypeError, ValueError) as error:
        raise fault from error


def _sentence(where: str, level: object, text: object, levels: Sequence[str]) -> tuple[str, str]:
    if not isinstance(level, str) or level not in levels:
        raise unknown_choice(f"taxonomy: {where}: level", str(level), levels)
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"taxonomy: {where}: {level} must be a sentence, not {text!r}.")
    return level, " ".join(text.split())


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


def _turned(levels: Sequence[str], harmful_from: int) -> str:
    """Write the line that mends levels whose names speak against their order."""
    order = list(reversed(levels))
    if upside_down(order, harmful_from) is None:
        return f"Levels are listed mildest first: levels = {toml_list(order)}."
    for start in range(harmful_from + 1, len(levels)):
        if upside_down(levels, start) is None:
            return f'Say where harm begins: harmful_from = "{levels[start]}".'
    return "List the levels mildest first, or give them other names."


def toml_list(names: Sequence[str]) -> str:
    """Write names as a list in TOML.

    Examples
    --------
    >>> print(toml_list(["Safe", "Unsafe"]))
    ["Safe", "Unsafe"]
    """
    marked = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return "[" + ", ".join(f'"{name}"' for name in marked) + "]"


@dataclass(frozen=True, slots=True)
class LevelParser:
    """Turns a written label into a severity: 0..K-1, `MISSING` or `BAD`.

    Parameters
    ----------
    names : mapping of str to int
        Levels by their names in small letters.
    numbers : mapping of int to int
        Levels by the whole numbers that stand for them.
    top : int
        The highest level.
    inverted : bool
        Whether numbers, true and false count down to harm. Names say what they mean.
    marks : frozenset of str
        What was declared to say that there is no label, as `as_mark` writes it.
    """

    names: Mapping[str, int]
    numbers: Mapping[int, int]
    top: int
    inverted: bool = False
    marks: frozenset[str] = frozenset()

    def __call__(self, value: object) -> int:
        """Return the severity."""
        text = text_of(value)
        named = self.named(value)
        if named != BAD:
            return named
        found = MISSING if text in BLANK else self.numbered(value)
        return MISSING if found == BAD and as_mark(value) in self.marks else found

    def named(self, value: object) -> int:
        """Return the level of that name, or `BAD`; a name that is a number may be written otherwise."""
        text = text_of(value)
        if text in self.names:
            return self._turned(text, self.names[text])
        number = _number(text)
        same = [] if number is None else [n for n in self.names if _number(n) == number]
        return self._turned(text, self.names[same[0]]) if len(same) == 1 else BAD

    def numbered(self, value: object) -> int:
        """Return the level that a whole number stands for, or `BAD`."""
        text = text_of(value)
        whole = WHOLE.fullmatch(text)
        level = self.numbers.get(int(whole[1]), BAD) if whole else BAD
        return level if level == BAD else self._turned(text, level)

    def _turned(self, text: str, level: int) -> int:
        turns = self.inverted and (_number(text) is not None or text in ("true", "false"))
        return self.top - level if turns else level


def level_parser(
    taxonomy: Taxonomy,
    scale: str | None,
    *,
    also_names: bool = False,
    inverted: bool = False,
    marks: Iterable[str] = (),
) -> LevelParser:
    """Return what turns a written label into a severity.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the labels speak of.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How they are written. None accepts severities 0..K-1 and level names; names alone, if a
        level is named by a number that is not its severity.
    also_names : bool, default False
        Whether level names may stand beside the numbers of a scale, unless they are numbers.
    inverted : bool, default False
        Whether numbers, true and false count down to harm: 1 is safe and 0 harmful.
    marks : iterable of str
        What says that there is no label, as `as_mark` writes it.

    Returns
    -------
    LevelParser
        From any value to 0..K-1, `MISSING` (-1) or `BAD` (-2).

    Examples
    --------
    >>> parse = level_parser(Taxonomy(), None)
    >>> parse("high"), parse(1.0), parse(1.5), parse(""), parse(None)
    (3, 1, -2, -1, -1)
    >>> is_safe = level_parser(Taxonomy(["harm"], ["Safe", "Harmful"]), None, inverted=True)
    >>> is_safe(1), is_safe(False), is_safe("Harmful")
    (0, 1, 1)
    """
    check_scale(scale, taxonomy)
    numbers = _AZURE.get(scale or "", {level: level for level in range(len(taxonomy.levels))})
    names = {name.casefold(): level for level, name in enumerate(taxonomy.levels)}
    if len(taxonomy.levels) == 2 and scale in (None, "levels"):
        names = {"false": 0, "true": 1} | names
    elif scale not in (None, "names"):
        names = {name: at for name, at in names.items() if also_names and _number(name) is None}
    names |= {code: taxonomy.levels.index(level) for code, level in taxonomy.codes}
    if scale == "names" or (scale is None and numbers_are_names(taxonomy)):
        numbers = {}
    return LevelParser(names, numbers, taxonomy.top, inverted, frozenset(marks))


def numbers_are_names(taxonomy: Taxonomy) -> bool:
    """Tell whether some level is named by a number that is not its severity."""
    return any(_number(name) not in (None, at) for at, name in enumerate(taxonomy.levels))


def _number(text: str) -> float | None:
    """Return a number as it is written, not as it may stand for a level."""
    return float(text) if _NUMBER.fullmatch(text) else None


HARM: Final = Taxonomy(("harm",), ("Safe", "Harmful"))
"""Of verdicts that know harmful and not harmful: ``--taxonomy harm``."""
