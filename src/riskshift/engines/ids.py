"""Ids as 64-bit numbers that are the same in every engine, where ids are text or whole numbers.

The latter half of the MD5 of an id as text. Where several columns are the id, they stand behind each
other, a control character between them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.engines.engine import Frame, fetch_columns, quoted, translated

BETWEEN: Final = "\x1f"
# Stands for nothing, which is not empty text.
NOTHING: Final = "\x1e"
_ID: Final = "riskshift_id"


def with_hashes(
    frame: Frame, columns: Sequence[str], *more: str
) -> tuple[NDArray[np.uint64], list[NDArray[Any]]]:
    """Fetch a hash of some columns of each row, and further columns of numbers.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        What to hash, as text.
    *more : str
        What to fetch beside it.

    Returns
    -------
    hashes : ndarray of uint64, shape (rows,)
    columns : list of ndarray, shape (rows,)
    """
    texts = [nw.coalesce(nw.col(name).cast(nw.String), nw.lit(NOTHING)) for name in columns]
    text = texts[0] if len(texts) == 1 else nw.concat_str(texts, separator=BETWEEN)
    told = frame.select(text.alias(_ID), *(nw.col(name) for name in more))
    if frame.implementation.is_duckdb():
        with translated():
            named = ", ".join(map(quoted, more))
            hashed = told.to_native().project(
                f"md5_number_lower({_ID}) AS {_ID}" + (f", {named}" if more else "")
            )
            arrays = hashed.fetchnumpy()
        return np.asarray(arrays[_ID]), [np.asarray(arrays[name]) for name in more]
    ids, *rest = fetch_columns(told)
    return hashes_of(ids), rest


def hashes_of(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Hash texts here, as engines do.

    Examples
    --------
    >>> hashes_of(["abc"])
    array([8250560606382298838], dtype=uint64)
    """
    halves = b"".join(hashlib.md5(t.encode(), usedforsecurity=False).digest()[8:] for t in texts)
    return np.frombuffer(halves, dtype="<u8").astype(np.uint64)
