"""A result says once what it is as plain data; its JSON and the schema of it both follow from that.

A frozen dataclass is written by its fields, in their order. Where that is not what is meant, its
`shape` says so in words, one a key::

    shape: ClassVar[str] = "events interval cluster_bootstrap=bootstrap records(read left_out) *need"

``events`` is the attribute (a field or a property) of that name, ``key=attribute`` another name for
it, ``a.b`` an attribute of an attribute, ``key(...)`` an object of what stands in it, and
``*attribute`` puts what would be its keys among the others. ``key?(...)`` is null where the attribute
of that name is None. Two things need no word: an interval
stands as ``low``, ``high``, ``method`` and ``confidence`` among the other keys (all but `interval`
itself with its name before them), and a pair of floats is a range, written as ``low`` and ``high``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, reduce
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from riskshift.stats.proportion import Interval


class Limits:
    """What holds for a value beyond its type, in the words of JSON Schema.

    Parameters
    ----------
    **keywords
        Such as ``minimum=0``.
    """

    def __init__(self, **keywords: Any) -> None:
        self.keywords: Final = keywords


@dataclass(frozen=True, slots=True)
class Keyed:
    """The keys that a dictionary has, where the format and not the data says so.

    Parameters
    ----------
    always : str
        Those it always has, in words.
    perhaps : str
        Those it may lack.
    """

    always: str
    perhaps: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a dictionary is that was written before: the plain data of this class."""

    of: type


# A whole number is a count, from 0 up, unless it says otherwise.
AtLeastOne = Annotated[int, Limits(minimum=1)]
Share = Annotated[float, Limits(minimum=0, maximum=1)]
Inner = Annotated[float, Limits(exclusiveMinimum=0, exclusiveMaximum=1)]
Signed = Annotated[float, Limits(minimum=-1, maximum=1)]
ShareInterval = Annotated[Interval, Limits(minimum=0, maximum=1)]
SignedInterval = Annotated[Interval, Limits(minimum=-1, maximum=1)]
Positive = Annotated[float, Limits(minimum=0)]
LevelTable = Annotated[
    tuple[Annotated[tuple[int, ...], Limits(minItems=2, maxItems=16)], ...],
    Limits(minItems=2, maxItems=16),
]


class Plain:
    """A result that can be written as plain data."""

    __slots__ = ()
    shape: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, undefined as None."""
        made: dict[str, Any] = plain(self)
        return made


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a class's plain data.

    Parameters
    ----------
    name : str
        The key; empty where the keys of a dictionary are put among the others.
    path : tuple of str
        The attributes that lead to the value; of an object made of `keys`, that without which it
        is null.
    hint : Any
        Type of the value.
    keys : tuple of Key
        What the object holds.
    absent : str or None
        What is written where an attribute on the way is None.
    """

    name: str
    path: tuple[str, ...]
    hint: Any
    keys: tuple["Key", ...] = ()
    absent: str | None = None


def plain(value: Any) -> Any:
    """Return a result, or a part of one, as what JSON can hold.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Gap(Plain):
    ...     category: str
    ...     interval: Interval | None
    ...     limits: tuple[float, float]
    ...     shape: ClassVar[str] = "of=category interval limits"
    >>> plain(Gap("hate", Interval(0.1, 0.2, "tango", 0.95), (0.0, 0.5)))
    {'of': 'hate', 'low': 0.1, 'high': 0.2, 'method': 'tango', 'confidence': 0.95, 'limits': {'low': 0.0, 'high': 0.5}}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return _written(value, keys(type(value)))
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return value


def _written(value: Any, among: tuple[Key, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key in among:
        found = reduce(_step, key.path, value)
        if key.keys:
            made[key.name] = None if found is None else _written(value, key.keys)
        elif not key.name:
            made |= plain(found)
        elif found is not None and is_range(key.hint):
            made[key.name] = dict(zip(("low", "high"), found, strict=True))
        else:
            made[key.name] = key.absent if found is None else plain(found)
    return made


def _step(at: Any, step: str) -> Any:
    if at is None:
        return None
    return at[int(step)] if step.isdigit() else getattr(at, step)


@cache
def keys(of: type) -> tuple[Key, ...]:
    """Return what a class is as plain data: its keys, in their order."""
    shape = getattr(of, "shape", "") or " ".join(field.name for field in fields(of))
    return tuple(_keys(of, iter(re.findall(r"[^\s()]+\(|\)|[^\s()]+", shape))))


def _keys(of: type, words: Iterator[str], *, there: bool = False) -> Iterator[Key]:
    for word in words:
        if word == ")":
            return
        if word.endswith("("):
            yield _object(of, word.rstrip("(?"), words, perhaps="?" in word)
            continue
        name, _, way = word.lstrip("*").rpartition("=")
        steps = way.split(".")
        key = _reached(of, tuple(steps), name or steps[-1], there=there)
        if word.startswith("*"):
            yield from _among(key)
        elif bare(key.hint) is Interval:
            yield from _ends(key)
        else:
            yield key


def _object(of: type, name: str, words: Iterator[str], *, perhaps: bool) -> Key:
    held = tuple(_keys(of, words, there=perhaps))
    return Key(name, (name,) if perhaps else (), None, held)


def _reached(of: type, path: tuple[str, ...], name: str, *, there: bool) -> Key:
    """Follow attributes to the last one; what stands on the way may be None unless it is `there`."""
    hint: Any = of
    optional = False
    owner = of
    for step in path:
        optional |= may_be_none(hint) and not there
        owner = bare(hint)
        hint = hint_of(owner, step)
    if optional and owner is Interval and step == "method":
        return Key(name, path, hint, absent="undefined")
    return Key(name, path, hint | None if optional else hint)


def hint_of(of: Any, name: str) -> Any:
    """Return the type of an attribute, a field or a property; of a tuple, by its number."""
    if name.isdigit():
        return get_args(of)[int(name)]
    found = getattr(of, name, None)
    if isinstance(found, property):
        return get_type_hints(found.fget, include_extras=True)["return"]
    hint = get_type_hints(of, include_extras=True)[name]
    return get_args(hint)[0] if get_origin(hint) is ClassVar else hint


def _among(key: Key) -> Iterator[Key]:
    inner = bare(key.hint)
    if may_be_none(key.hint):
        raise TypeError(f"*{'.'.join(key.path)} may be None; then it has no keys.")
    if isinstance(inner, type) and is_dataclass(inner):
        yield from (_under(key.path, part) for part in keys(inner))
    else:
        yield replace(key, name="")


def _under(before: tuple[str, ...], part: Key) -> Key:
    path = (*before, *part.path) if part.path else ()
    return replace(part, path=path, keys=tuple(_under(before, inner) for inner in part.keys))


def _ends(key: Key) -> Iterator[Key]:
    """Take an interval apart: what limits it limits its ends."""
    before = "" if key.name == "interval" else f"{key.name}_"
    optional = may_be_none(key.hint)
    limits = [mark for mark in marks(key.hint) if isinstance(mark, Limits)]
    for end in ("low", "high", "method", "confidence"):
        hint: Any = {"method": str, "confidence": Inner}.get(end, float)
        if limits and hint is float:
            hint = Annotated[float, limits[0]]
        absent = "undefined" if optional and end == "method" else None
        if optional and absent is None:
            hint = hint | None
        yield Key(f"{before}{end}", (*key.path, end), hint, absent=absent)


def marks(hint: Any) -> tuple[Any, ...]:
    """Return what is said of a type beyond it."""
    if get_origin(hint) is Annotated:
        return (*marks(get_args(hint)[0]), *get_args(hint)[1:])
    others = [one for one in get_args(hint) if one is not NoneType] if is_union(hint) else []
    return marks(others[0]) if len(others) == 1 else ()


def bare(hint: Any) -> Any:
    """Return a type without what is said of it, and without None."""
    if get_origin(hint) is Annotated:
        return bare(get_args(hint)[0])
    others = [one for one in get_args(hint) if one is not NoneType] if is_union(hint) else []
    return bare(others[0]) if len(others) == 1 else hint


def may_be_none(hint: Any) -> bool:
    """Whether None is among what a type allows."""
    return is_union(hint) and NoneType in get_args(hint)


def is_union(hint: Any) -> bool:
    """Whether a type is one of several."""
    return get_origin(hint) in (Union, UnionType)


def is_range(hint: Any) -> bool:
    """Whether a type is a pair of floats: the lowest and the highest."""
    found = bare(hint)
    return get_origin(found) is tuple and [bare(one) for one in get_args(found)] == [float, float]
