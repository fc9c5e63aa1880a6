"""Patterns as numbers, on the patterns and in the engine alike."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.collapse.checks.labels import Key
from riskshift.counts.clusters import IntArray
from riskshift.counts.pairs import NO_VALUE, Table, group_name
from riskshift.engines import engine
from riskshift.engines.kinds import linked, linked_or_grouped

MAX_NESTED: Final = 16


class Coding:
    """The values that each key column holds, as digits of one number a pattern."""

    def __init__(self, keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        self.keys = keys
        self.values: list[list[Any]] = []
        self.digits: list[IntArray] = []
        for position in range(len(keys)):
            digit: dict[Any, int] = {None: 0}
            column = [row[position] for row in rows]
            for value in column:
                digit.setdefault(value, len(digit))
            self.values.append([value for value in digit if value is not None])
            self.digits.append(np.array([digit[value] for value in column], dtype=np.int64))

    def levels(self, keys: Sequence[Key]) -> IntArray:
        """Read the values of each pattern; shape (patterns, keys)."""
        columns = [
            np.array([key.parse(None), *map(key.parse, values)], dtype=np.int64)[digits]
            for key, values, digits in zip(keys, self.values, self.digits, strict=False)
        ]
        return np.stack(columns, axis=1)

    def words(self) -> list[list[int]]:
        """Split the key columns so that the digits of each part fit in one 62-bit number."""
        parts: list[list[int]] = [[]]
        bits = 0.0
        for position, values in enumerate(self.values):
            need = math.log2(len(values) + 1)
            if bits + need > 62:
                parts.append([])
                bits = 0.0
            parts[-1].append(position)
            bits += need
        return parts

    def of_patterns(self) -> NDArray[Any]:
        """Return the code of each pattern."""
        words = []
        for part in self.words():
            code = np.zeros_like(self.digits[0])
            for at in part:
                code = code * (len(self.values[at]) + 1) + self.digits[at]
            words.append(code)
        if len(words) == 1:
            return words[0]
        return np.array([".".join(map(str, code)) for code in zip(*words, strict=True)])

    def of_rows(self) -> nw.Expr:
        """Return the expression that computes the same code of a row."""
        words = []
        for part in self.words():
            code: nw.Expr = nw.lit(0, nw.Int64)
            for at in part:
                code = code * (len(self.values[at]) + 1) + self._digit(at)
            words.append(code)
        if len(words) == 1:
            return words[0]
        return nw.concat_str([word.cast(nw.String) for word in words], separator=".")

    def _digit(self, position: int) -> nw.Expr:
        column = nw.col(self.keys[position])
        digit = _digit_of(column, list(enumerate(self.values[position], start=1)))
        return nw.when(column.is_null()).then(nw.lit(0, nw.Int64)).otherwise(digit)


def _digit_of(column: nw.Expr, values: list[tuple[int, Any]]) -> nw.Expr:
    """Look a value up: one by one if they are few, else by halves.

    Comparing is fastest, but engines and Python limit how deep expressions nest.
    """
    if len(values) <= MAX_NESTED:
        digit: nw.Expr = nw.lit(0, nw.Int64)
        for number, value in reversed(values):
            digit = nw.when(column == value).then(nw.lit(number, nw.Int64)).otherwise(digit)
        return digit
    middle = len(values) // 2
    return (
        nw.when(column.is_in([value for _, value in values[:middle]]))
        .then(_digit_of(column, values[:middle]))
        .otherwise(_digit_of(column, values[middle:]))
    )


def group_key(own: str, column: str, values: Sequence[Any]) -> tuple[Key, tuple[str, ...]]:
    """Return the key that reads a group as its position among the names, and the names."""
    called = {value: NO_VALUE if value is None else group_name(value) for value in values}
    names = tuple(sorted(set(called.values())))
    position = {name: at for at, name in enumerate(names)}
    place = {value: position[name] for value, name in called.items()}
    return Key(own, column, partial(_position, place), "", is_label=False), names


def _position(place: Mapping[Any, int], value: object) -> int:
    return place.get(value, -1)


def tabulate(
    frame: engine.Frame,
    keys: Sequence[Key],
    rows: Sequence[tuple[Any, ...]],
    *,
    cluster: str | None,
    by: str | None,
    grouped: bool = False,
) -> tuple[Table, tuple[str, ...]]:
    """Turn collapsed patterns into a table of numbers.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows, asked once more for what shares a cluster.
    keys : sequence of Key
        The columns of a pattern.
    rows : sequence of tuple
        The patterns: a value for each key, one for `by` if given, and the count.
    cluster : str or None
        Column whose equal values belong together.
    by : str or None
        A column whose values are groups.
    grouped : bool, default False
        Whether clusters of too many kinds may be put into random groups.

    Returns
    -------
    table : Table
        A column for each key and one more for the group's position.
    names : tuple of str
        Names of the groups, sorted.
    """
    coding = Coding([key.column for key in keys] + ([by] if by else []), rows)
    names = [NO_VALUE]
    if by:
        names += [group_name(value) for value in coding.values[-1]]
        group = coding.digits[-1]
    else:
        group = np.zeros(len(rows), dtype=np.int64)
    present = sorted({names[digit] for digit in group.tolist()})
    position = np.array([present.index(name) if name in present else -1 for name in names])
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    clusters = None
    if cluster:
        gather = linked_or_grouped if grouped else linked
        clusters = gather(frame, cluster, coding.keys, coding.of_rows(), coding.of_patterns(), n)
    raw = Table(np.column_stack([coding.levels(keys), position[group]]), n, clusters)
    return raw.keep(slice(None)), tuple(present)
