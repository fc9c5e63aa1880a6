"""Several columns as one grouping, as it is written: ``language x attack``."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from riskshift.errors import UsageError, listing

_SIGN: Final = re.compile(r"(?<=\s)[x×](?=\s)")


def cut(name: str) -> list[str]:
    """Cut a name at every sign of a crossing.

    Examples
    --------
    >>> cut("language x attack"), cut("box")
    (['language', 'attack'], ['box'])
    """
    return [part.strip() for part in _SIGN.split(name)]


def crossed_columns(name: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the columns that a grouping is made of.

    Parameters
    ----------
    name : str
        A column, or several with an x between them that has spaces around it.
    known : collection of str
        The columns that there are; one that is itself called like that is meant.

    Returns
    -------
    tuple of str
        One column, or those to cross. Not all are known, if there is no way to read the name so.

    Raises
    ------
    UsageError
        If the name can be read in several ways, or a column is crossed with itself.

    Examples
    --------
    >>> crossed_columns("language x attack", ["language", "attack"])
    ('language', 'attack')
    >>> crossed_columns("4 x 4", ["4", "4 x 4"])
    ('4 x 4',)
    """
    if name in known:
        return (name,)
    ways = list(dict.fromkeys(_ways(name, known)))
    if len(ways) > 1:
        told = " or ".join(listing(map(repr, way)) for way in ways)
        raise UsageError(f"by {name!r} may mean the columns {told}. Give one of them another name.")
    columns = ways[0] if ways else tuple(cut(name))
    if ways and len(set(columns)) < len(columns):
        raise UsageError(f"by {name!r} crosses a column with itself.")
    return columns if all(columns) else (name,)


def _ways(name: str, known: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield every way to read a name as known columns."""
    if name in known:
        yield (name,)
    for sign in _SIGN.finditer(name):
        first = name[: sign.start()].strip()
        if first in known:
            for rest in _ways(name[sign.end() :].strip(), known):
                yield first, *rest
