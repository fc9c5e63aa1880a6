"""Draw pairs at random, in the engine that holds them.

Every pair gets a number that looks random but depends on nothing but the seed and the pair's own
identity; the pairs with the lowest numbers are drawn. So row order, file format and engine do not
matter, and a larger sample with the same seed holds the smaller one. DuckDB computes the numbers
itself and hands over the drawn rows only; of other engines the identities pass by one at a time.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift.collapse.identity import telling
from riskshift.engines import engine, spark
from riskshift.records import Records

_BETWEEN: Final = "\x1f"
_ESCAPE: Final = "\x1e"
_RANK: Final = "riskshift_rank"
_KEY: Final = "riskshift_key"


def draw(
    records: Records, chosen: nw.Expr, columns: Sequence[str], *, n: int, seed: int
) -> list[tuple[str, tuple[str | None, ...]]]:
    """Draw some of the pairs that meet a condition, each with the same chance.

    Parameters
    ----------
    records : Records
        Checked records, no two of which have one identity.
    chosen : narwhals.Expr
        Which pairs to draw from.
    columns : sequence of str
        What to fetch of those drawn, as text.
    n : int
        How many.
    seed : int
        Another seed draws other pairs.

    Returns
    -------
    list of (str, tuple)
        The number of each pair, ascending, and its values.
    """
    names = telling(records)
    keys = [f"{_KEY}_{at}" for at in range(len(names))]
    values = [f"riskshift_value_{at}" for at in range(len(columns))]
    frame = records.frame.filter(chosen).select(
        *(
            _apart(nw.coalesce(records.col(column).cast(nw.String), nw.lit(""))).alias(key)
            for column, key in zip(names, keys, strict=True)
        ),
        *(
            records.col(column).cast(nw.String).alias(value)
            for column, value in zip(columns, values, strict=True)
        ),
    )
    if frame.implementation.is_duckdb():
        return _draw_duckdb(frame, keys, values, n, seed)
    if engine.on_spark(frame):
        native = frame.to_native()
        rows = spark.drawn(native, keys, values, n, seed, between=_BETWEEN)
        return [(row[-1], row[:-1]) for row in rows]
    return _draw_elsewhere(frame, keys, values, n, seed)


def _apart(value: nw.Expr) -> nw.Expr:
    """Write a value without the mark that stands between values, and no two values alike."""
    escaped = value.str.replace_all(_ESCAPE, f"{_ESCAPE}0", literal=True)
    return escaped.str.replace_all(_BETWEEN, f"{_ESCAPE}1", literal=True)


def _draw_duckdb(
    frame: engine.Frame, keys: Sequence[str], values: Sequence[str], n: int, seed: int
) -> list[tuple[str, tuple[str | None, ...]]]:
    hashed = " || chr(31) || ".join([f"'{seed:d}'", *keys])
    with engine.translated():
        ranked = frame.to_native().project(
            ", ".join([*values, *keys, f"sha256({hashed}) AS {_RANK}"])
        )
        rows = ranked.order(", ".join([_RANK, *keys])).limit(n).fetchall()
    return [(row[-1], tuple(row[: len(values)])) for row in rows]


def _draw_elsewhere(
    frame: engine.Frame, keys: Sequence[str], values: Sequence[str], n: int, seed: int
) -> list[tuple[str, tuple[str | None, ...]]]:
    ranked = ((_rank(seed, key), key) for key in _each(frame.select(*keys)))
    ranks = {_BETWEEN.join(key): rank for rank, key in heapq.nsmallest(n, ranked)}
    named = frame.with_columns(nw.concat_str(*keys, separator=_BETWEEN).alias(_KEY))
    drawn = named.filter(nw.col(_KEY).is_in(list(ranks))).select(_KEY, *values)
    rows = [(ranks[row[0]], tuple(row[1:])) for row in engine.fetch(drawn)]
    return sorted(rows, key=lambda row: row[0])


def _each(frame: engine.Frame) -> Iterator[tuple[Any, ...]]:
    with engine.translated():
        rows: Iterable[tuple[Any, ...]] = frame.collect().iter_rows()
        yield from rows


def _rank(seed: int, key: Sequence[str]) -> str:
    named = _BETWEEN.join([f"{seed:d}", *key]).encode("utf-8", "surrogatepass")
    return hashlib.sha256(named).hexdigest()
