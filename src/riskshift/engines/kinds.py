"""What occurs together in a cluster: its kinds, counted where the rows are.

Two clusters are of one kind if their rows have the same codes. To find the kinds, no codes are
listed: of each cluster only the number of its rows and two sums are kept, of the lower and of the
upper 31 bits of a hash of the code. Sums do not know the order, and every engine can take them.
Then the codes of one cluster of each kind are fetched.

Two given clusters of different kinds and equal size have both sums in common with a chance of
2**-62: whatever the other codes hash to, that of one code must be one number of 2**31, twice. Among
a million kinds some two do with a chance of 10**-7. It would not go unnoticed: codes of clusters
taken for others do not add up to the counts that are known already. Then another hash is tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import Clusters, IntArray, RandomGroups
from riskshift.engines import spark
from riskshift.engines.engine import (
    EngineError,
    Frame,
    fetch_columns,
    on_spark,
    positions,
    quoted,
    translated,
)
from riskshift.engines.ids import with_hashes
from riskshift.engines.random_groups import random_groups

_CODE: Final = "riskshift_code"
_LOW: Final = "riskshift_low"
_HIGH: Final = "riskshift_high"
_SIZE: Final = "riskshift_size"
_MANY: Final = "riskshift_many"
_ONE: Final = "riskshift_one"
_KIND: Final = (_LOW, _HIGH, _SIZE)
_HALF: Final = 2**31
_TRIES: Final = 3
# Records in one cluster of each kind that are kept; a third of a gigabyte while they are fetched.
MOST_LINKED: Final = 2**23
_CHANGED: Final = "the rows changed while they were counted"
_SPLITMIX: Final = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class TooManyKindsError(Exception):
    """Clusters are of more kinds than are kept."""


def linked(
    frame: Frame,
    cluster: str,
    columns: Sequence[str],
    code: nw.Expr,
    codes: NDArray[Any],
    n: IntArray,
    *,
    most: int | None = None,
) -> Clusters:
    """Find which codes occur together in a cluster.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    cluster : str
        Rows with equal values here belong together. No value may be missing.
    columns : sequence of str
        What is coded.
    code : narwhals.Expr
        The code of a row.
    codes : ndarray, shape (patterns,)
        The codes that there are.
    n : ndarray of int, shape (patterns,)
        How many rows have each.
    most : int, optional
        How many records the kinds may come to.

    Returns
    -------
    Clusters
        Kinds of cluster, as positions in `codes`; a kind may come more than once.

    Raises
    ------
    EngineError
        If the rows are not those that were counted.
    TooManyKindsError
        If the kinds come to more than `most` records.
    """
    for seed in range(_TRIES):
        hashed = _hashed(frame, cluster, columns, code, seed)
        found = _counted(frame, cluster, code, codes, n, _of_each(hashed, cluster), most)
        if found is not None:
            return found[1]
    raise EngineError(_CHANGED)


def linked_or_grouped(
    frame: Frame,
    cluster: str,
    columns: Sequence[str],
    code: nw.Expr,
    codes: NDArray[Any],
    n: IntArray,
) -> Clusters | RandomGroups:
    """Do as `linked`; where the kinds come to more than `MOST_LINKED` records, put clusters into groups."""
    try:
        return linked(frame, cluster, columns, code, codes, n, most=MOST_LINKED)
    except TooManyKindsError:
        return random_groups(frame, cluster, code, codes, n)


def named(
    frame: Frame,
    cluster: str,
    columns: Sequence[str],
    code: nw.Expr,
    codes: NDArray[Any],
    n: IntArray,
) -> tuple[NDArray[np.uint64], IntArray, Clusters]:
    """Find which codes occur together in a cluster, and of which kind each cluster is.

    Parameters
    ----------
    frame, cluster, columns, code, codes, n
        As in `linked`.

    Returns
    -------
    ids : ndarray of uint64, shape (clusters,)
        A hash of the value of each cluster; see `riskshift.engines.ids`.
    kind : ndarray of int, shape (clusters,)
        The kind of each.
    kinds : Clusters
        The kinds, as positions in `codes`; one may come more than once.

    Raises
    ------
    EngineError
        If the rows are not those that were counted.
    """
    for seed in range(_TRIES):
        each = _of_each(_hashed(frame, cluster, columns, code, seed), cluster)
        found = _counted(frame, cluster, code, codes, n, each)
        if found is None:
            continue
        told, kinds = found
        ids, sums = with_hashes(each, [cluster], *_KIND)
        kind = positions(told, _mark(*sums))
        same = np.bincount(kind, minlength=len(told))
        if len(np.unique(told)) == len(told) and np.array_equal(same, kinds.weight):
            return ids, kind, kinds
    raise EngineError(_CHANGED)


def _mark(low: NDArray[Any], high: NDArray[Any], size: NDArray[Any]) -> NDArray[np.uint64]:
    """Make one number of the three that tell a kind."""
    told = np.stack([np.asarray(column) for column in (low, high, size)]).astype(np.uint64)
    scrambled: NDArray[np.uint64] = (told * np.array(_SPLITMIX, dtype=np.uint64)[:, None]).sum(
        axis=0
    )
    return scrambled


def _counted(
    frame: Frame,
    cluster: str,
    code: nw.Expr,
    codes: NDArray[Any],
    n: IntArray,
    each: Frame,
    most: int | None = None,
) -> tuple[NDArray[np.uint64], Clusters] | None:
    """Return the kinds, and what tells each; None if what was found is not what was counted."""
    one_each = frame.join(_summed(each, cluster), left_on=cluster, right_on=_ONE)
    rows = one_each.select(*_KIND, _MANY, code.alias(_CODE))
    told, kind, size, weight, found = _kinds(rows if most is None else rows.head(most + 1))
    if most is not None and len(found) > most:
        raise TooManyKindsError
    indices = positions(codes, found)
    counted = np.bincount(indices, weights=weight[kind], minlength=len(n))
    if not (np.array_equal(counted, n) and np.array_equal(np.bincount(kind), size)):
        return None
    return told, Clusters(np.append(0, np.cumsum(size)), indices, weight)


def _of_each(hashed: Frame, cluster: str) -> Frame:
    """Return of each cluster its sums and how many rows it has."""
    sums = hashed.group_by(cluster).agg(nw.col(_LOW, _HIGH).sum(), nw.len().alias(_SIZE))
    return sums.with_columns(nw.col(*_KIND).cast(nw.Int64))


def _summed(each: Frame, cluster: str) -> Frame:
    """Return how many clusters there are of each kind, and the first of them."""
    return each.group_by(*_KIND).agg(nw.len().alias(_MANY), nw.col(cluster).min().alias(_ONE))


def _kinds(
    rows: Frame,
) -> tuple[NDArray[np.uint64], IntArray, IntArray, IntArray, NDArray[Any]]:
    """Return what tells each kind, the kind of each row of one cluster of each, sizes, weights, codes."""
    *told, codes = fetch_columns(rows)
    low, high, size, many = (column.astype(np.int64) for column in told)
    order = np.lexsort((high, low, size))
    first = np.any([np.diff(column[order], prepend=-1) for column in (low, high, size)], axis=0)
    starts = order[first]
    mark = _mark(low[starts], high[starts], size[starts])
    return mark, np.cumsum(first) - 1, size[starts], many[starts], codes[order]


def _hashed(frame: Frame, cluster: str, columns: Sequence[str], code: nw.Expr, seed: int) -> Frame:
    """Return the clusters with the lower and the upper 31 bits of a hash of what is coded."""
    coded = frame.select(cluster, code.alias(_CODE))
    hashed: Frame
    with translated():
        if frame.implementation.is_duckdb():
            hashed = nw.from_native(_hashed_duckdb(frame.to_native(), cluster, columns, seed))
        elif frame.implementation.is_polars():
            hashed = nw.from_native(_hashed_polars(coded.to_native(), seed))
        elif on_spark(frame):
            hashed = nw.from_native(
                spark.with_halves(coded.to_native(), _CODE, (_LOW, _HIGH), seed)
            )
        else:
            hashed = _hashed_here(coded, seed)
    return hashed


def _hashed_duckdb(relation: Any, cluster: str, columns: Sequence[str], seed: int) -> Any:
    # Hashed twice: once, sums of small numbers that are multiples of powers of two meet too often.
    hashed = f"hash(hash({', '.join(map(quoted, columns))}, {seed:d}))"
    halves = (f"{hashed} & {_HALF - 1}", f"{hashed} >> 33")
    named = (f"({half})::INTEGER AS {name}" for half, name in zip(halves, _KIND, strict=False))
    return relation.project(", ".join([quoted(cluster), *named]))


def _hashed_polars(frame: Any, seed: int) -> Any:
    import polars as pl

    hashed = pl.col(_CODE).hash(seed).hash(seed + _TRIES)
    return frame.with_columns(
        (hashed % _HALF).cast(pl.Int64).alias(_LOW), (hashed // 2**33).cast(pl.Int64).alias(_HIGH)
    )


def _hashed_here(coded: Frame, seed: int) -> Frame:
    """Hash in our own process, for engines whose rows are there and that have no hash."""
    rows = coded.collect()
    codes = rows.get_column(_CODE).to_numpy()
    if codes.dtype.kind not in "iu":
        _, codes = np.unique(codes.astype(str), return_inverse=True)
    hashed = _mixed(codes.astype(np.uint64), seed)
    halves = ((_LOW, hashed % _HALF), (_HIGH, hashed >> np.uint64(33)))
    return rows.with_columns(
        nw.new_series(name, half.astype(np.int64), nw.Int64(), backend=rows.implementation)
        for name, half in halves
    ).lazy()


def _mixed(codes: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Scramble numbers as SplitMix64 does: of codes in a row it makes numbers that look random."""
    step, first, second = (np.uint64(x) for x in _SPLITMIX)
    mixed = (codes + np.uint64(seed + 1)) * step
    mixed = (mixed ^ (mixed >> np.uint64(30))) * first
    mixed = (mixed ^ (mixed >> np.uint64(27))) * second
    return mixed ^ (mixed >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Nested:
    """What occurs together in items, and which items occur together in a cluster.

    Parameters
    ----------
    weight : ndarray of int, shape (kinds,)
        How many clusters are of each kind. A kind may come more than once.
    items : ndarray of int, shape (kinds + 1,)
        Where the items of each kind of cluster begin and end.
    codes : ndarray of int, shape (items[-1] + 1,)
        Where the codes of each item begin and end.
    code : ndarray, shape (codes[-1],)
        The codes.
    """

    weight: IntArray
    items: IntArray
    codes: IntArray
    code: NDArray[Any]


def nested_compositions(
    frame: Frame, cluster: Sequence[str], item: Sequence[str], code: nw.Expr
) -> Nested:
    """Collect the codes that occur together in each item, and the items of each cluster.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    cluster, item : sequence of str
        Rows with equal values in `cluster` belong to one cluster; if they have equal values in
        `item` too, to one item. No value may be missing.
    code : narwhals.Expr
        The code of a row.

    Returns
    -------
    Nested
    """
    coded = frame.select(*dict.fromkeys((*cluster, *item)), code.alias("riskshift_code"))
    if frame.implementation.is_duckdb():
        with translated():
            return _nested_duckdb(coded.to_native(), cluster, item)
    if on_spark(frame):
        inner = list(dict.fromkeys((*cluster, *item)))
        return _listed(spark.nested(coded.to_native(), cluster, inner, _CODE))
    return _nested_eager(coded, cluster, item)


def _listed(kinds: Sequence[tuple[Sequence[Sequence[Any]], int]]) -> Nested:
    """Lay out kinds of cluster that are listed item by item."""
    items = [codes for listed, _ in kinds for codes in listed]
    return Nested(
        np.array([many for _, many in kinds], dtype=np.int64),
        np.cumsum([0, *(len(listed) for listed, _ in kinds)], dtype=np.int64),
        np.cumsum([0, *map(len, items)], dtype=np.int64),
        np.array([code for codes in items for code in codes]),
    )


def _nested_duckdb(relation: Any, cluster: Sequence[str], item: Sequence[str]) -> Nested:
    outer, inner = (
        ", ".join(map(quoted, names)) for names in (cluster, dict.fromkeys((*cluster, *item)))
    )
    flat = (
        relation.aggregate(f"{inner}, list_sort(list(riskshift_code)) AS codes", inner)
        .aggregate("list_sort(list(codes)) AS items", outer)
        .aggregate("items, count(*) AS weight", "items")
        .query(
            "kinds",
            "SELECT kind, weight, item, unnest(codes) AS code FROM (SELECT kind, weight, "
            "generate_subscripts(items, 1)::INTEGER AS item, unnest(items) AS codes FROM "
            "(SELECT (row_number() OVER ())::INTEGER AS kind, weight::INTEGER AS weight, items FROM kinds))",
        )
        .fetchnumpy()
    )
    order = np.lexsort((flat["item"], flat["kind"]))
    kind, at = flat["kind"][order], flat["item"][order]
    return _bounded(kind, at, flat["weight"][order], flat["code"][order])


def _bounded(kind: Any, at: Any, weight: Any, code: NDArray[Any]) -> Nested:
    """Find where kinds and their items begin in sorted rows."""
    new_kind = np.diff(kind, prepend=-1) != 0
    new_item = new_kind | (np.diff(at, prepend=-1) != 0)
    codes = np.append(np.flatnonzero(new_item), len(code)).astype(np.int64)
    items = np.append(np.flatnonzero(new_kind[new_item]), len(codes) - 1).astype(np.int64)
    return Nested(weight[new_kind].astype(np.int64), items, codes, code)


def _nested_eager(coded: Frame, cluster: Sequence[str], item: Sequence[str]) -> Nested:
    with translated():
        rows = coded.sort(*dict.fromkeys((*cluster, *item))).collect()
    kind = np.cumsum(_changes(rows, cluster))
    at = np.cumsum(_changes(rows, item))
    codes = rows.get_column("riskshift_code").to_numpy()
    return _bounded(kind, at, np.ones(len(rows), dtype=np.int64), codes)


def _changes(rows: Any, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tell where a row differs from the one before."""
    n = len(rows)
    changed = np.zeros(n, dtype=np.bool_)
    changed[:1] = True
    for column in columns:
        values = rows.get_column(column)
        changed[1:] |= (values.tail(n - 1) != values.head(n - 1)).to_numpy().astype(bool)
    return changed
