"""The few questions that rows are asked, in whatever engine holds them.

Expressions go through narwhals. DuckDB answers with its own fetch, so that no Arrow library is
needed; eager frames are collected as numpy arrays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.counts import IntArray

Frame = nw.LazyFrame[Any]


def engine_name(frame: Frame) -> str:
    """Return the engine that holds the rows, such as ``"duckdb"`` or ``"polars"``."""
    return str(frame.implementation.value)


class EngineError(Exception):
    """The engine could not read the rows; its source may know why."""


@contextmanager
def _translated() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise EngineError(str(error)) from error


def fetch(frame: Frame) -> list[tuple[Any, ...]]:
    """Bring a small frame over as rows."""
    if frame.implementation.is_duckdb():
        with _translated():
            return list(frame.to_native().fetchall())
    return list(frame.collect().iter_rows())


def count_patterns(
    frame: Frame, columns: Sequence[str], *, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """Group by the values as they are; each row ends with its count. At most `limit` patterns."""
    counted = frame.group_by(*columns).agg(nw.len().alias("riskshift_n"))
    return fetch(counted if limit is None else counted.head(limit))


def repeats(frame: Frame, columns: Sequence[str]) -> tuple[int, int]:
    """Return how many distinct values there are and how often the most frequent one occurs."""
    groups = frame.group_by(*columns).agg(nw.len().alias("riskshift_n"))
    rows = fetch(groups.select(nw.len().alias("groups"), nw.col("riskshift_n").max().alias("most")))
    return int(rows[0][0]), int(rows[0][1] or 0)


def count_rows(frame: Frame) -> int:
    """Count the rows."""
    return int(fetch(frame.select(nw.len().alias("riskshift_n")))[0][0])


def is_blank(frame: Frame, column: str) -> nw.Expr:
    """Tell where a column is null, NaN or empty text."""
    dtype = frame.collect_schema()[column]
    blank = nw.col(column).is_null()
    if dtype == nw.String:
        return blank | (nw.col(column) == "")
    return blank | nw.col(column).is_nan() if dtype.is_float() else blank


def compositions(
    frame: Frame, cluster: str, code: nw.Expr
) -> tuple[IntArray, IntArray, NDArray[Any]]:
    """Collect the distinct multisets of codes that occur together in a cluster.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    cluster : str
        Rows with equal values here belong together.
    code : narwhals.Expr
        The code of a row.

    Returns
    -------
    indptr : ndarray of int, shape (kinds + 1,)
        Where the codes of each kind of cluster begin and end.
    weight : ndarray of int, shape (kinds,)
        How many clusters are of the kind. A kind may come more than once.
    codes : ndarray, shape (indptr[-1],)
        The codes, ascending within a kind.
    """
    coded = frame.select(cluster, code.alias("riskshift_code"))
    if frame.implementation.is_duckdb():
        with _translated():
            return _compositions_duckdb(coded.to_native(), cluster)
    return _compositions_eager(coded, cluster)


def _compositions_duckdb(relation: Any, cluster: str) -> tuple[IntArray, IntArray, NDArray[Any]]:
    quoted = '"' + cluster.replace('"', '""') + '"'
    kinds = relation.aggregate("list_sort(list(riskshift_code)) AS codes", quoted).aggregate(
        "codes, count(*) AS weight", "codes"
    )
    flat = kinds.query(
        "kinds",
        "SELECT (row_number() OVER ())::INTEGER AS kind, weight::INTEGER AS weight, "
        "unnest(codes) AS code FROM kinds",
    ).fetchnumpy()
    # Threads hand their rows back in any order; the stable sort keeps the codes of a kind ascending.
    order = np.argsort(flat["kind"], kind="stable")
    kind = flat["kind"][order]
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    indptr = np.append(starts, len(kind)).astype(np.int64)
    return indptr, flat["weight"][order][starts].astype(np.int64), flat["code"][order]


def _compositions_eager(coded: Frame, cluster: str) -> tuple[IntArray, IntArray, NDArray[Any]]:
    rows = coded.sort(cluster, "riskshift_code").collect()
    values = rows.get_column(cluster)
    first = (values != values.shift(1)).fill_null(True).to_numpy().astype(bool)
    first[:1] = True
    indptr = np.append(np.flatnonzero(first), len(rows)).astype(np.int64)
    codes = rows.get_column("riskshift_code").to_numpy()
    return indptr, np.ones(len(indptr) - 1, dtype=np.int64), codes
