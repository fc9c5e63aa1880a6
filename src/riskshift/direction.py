"""Which way a name points: towards harm, or away from it.

Labels count up with harm. A column called ``is_safe`` whose 1 means safe, or a level called "Safe"
above "Unsafe", counts the other way round, and every rate would be turned upside down.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_BENIGN: Final = frozenset(
    {"safe", "issafe", "safeness", "harmless", "benign", "innocuous", "unharmful", "nontoxic"}
    | {"acceptable", "appropriate", "inoffensive", "nonviolent", "unobjectionable", "clean"}
)
_HARMFUL: Final = frozenset(
    {"unsafe", "harm", "harmful", "toxic", "toxicity", "malicious", "dangerous", "offensive"}
    | {"unacceptable", "inappropriate", "violent", "hateful", "abusive", "jailbroken", "nsfw"}
    | {"objectionable", "violating", "violation", "unclean", "unsafety"}
)
_NOT: Final = frozenset({"not", "non", "un", "no", "never", "isnt", "without"})
# "Less safe" points towards harm, and "less harmful" does not point away from it.
_LITTLE: Final = frozenset({"less", "hardly", "barely"})
# Words of degree, mildest first; words of one rank say nothing of their order.
_DEGREES: Final = (
    {"none", "never"},
    {"negligible", "minimal", "minor", "low", "mild", "slight"},
    {"medium", "moderate"},
    {"high", "major", "severe"},
    {"extreme", "critical"},
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def points(name: str) -> int:
    """Tell which way a name points.

    Parameters
    ----------
    name : str
        Of a column or a level, in any spelling: ``is_safe``, ``isSafe``, ``Not safe``.

    Returns
    -------
    int
        1 towards harm, -1 away from it, 0 where it does not say, or says both.

    Examples
    --------
    >>> points("response_is_safe"), points("notSafe"), points("unharmful"), points("prompt_hate")
    (-1, 1, -1, 0)
    """
    words = [word.casefold() for word in _WORD.findall(name)]
    found = set()
    for at, word in enumerate(words):
        way = -1 if word in _BENIGN else 1 if word in _HARMFUL else 0
        if word == "safety" and words[at + 1 : at + 2] in (["score"], ["rating"]):
            way = -1
        before = words[at - 1] if at else ""
        if before in _NOT or (way < 0 and before in _LITTLE):
            way = -way
        found.add(way)
    found.discard(0)
    return found.pop() if len(found) == 1 else 0


def upside_down(levels: Sequence[str], harmful_from: int) -> str | None:
    """Say what in the names of levels speaks against their order, if anything does.

    Parameters
    ----------
    levels : sequence of str
        Names, by position the severities.
    harmful_from : int
        The lowest that counts as harmful.

    Returns
    -------
    str or None
        A sentence without its full stop.

    Examples
    --------
    >>> upside_down(["Unsafe", "Safe"], 1)
    "level 'Safe' would count as harmful"
    >>> upside_down(["Safe", "Unsafe"], 1) is None
    True
    """
    for at, name in enumerate(levels):
        if at >= harmful_from and points(name) < 0:
            return f"level {name!r} would count as harmful"
    if points(levels[0]) > 0 and any(points(name) < 0 for name in levels):
        return f"level {levels[0]!r} would count as the mildest"
    ranks = [rank for name in levels if (rank := _degree(name)) is not None]
    if len(ranks) > 1 and all(low > high for low, high in pairwise(ranks)):
        return "the levels fall instead of rise"
    return None


def _degree(name: str) -> int | None:
    return next((at for at, words in enumerate(_DEGREES) if name.casefold() in words), None)
