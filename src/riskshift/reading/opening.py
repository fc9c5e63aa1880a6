"""Whatever labelled pairs come in: paths or a data frame."""

import os
import re
from typing import Any, Final

from riskshift.errors import UsageError
from riskshift.reading.files import read_files
from riskshift.reading.frames import read_frame
from riskshift.records import Options, Purpose, Records

_SIZE: Final = re.compile(
    r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[KMGT]i?B?|B)\s*", re.IGNORECASE | re.ASCII
)


def _check_memory(limit: str | None) -> None:
    """Refuse what DuckDB would take for no limit, or for a share of what is free just now."""
    size = None if limit is None else _SIZE.fullmatch(limit)
    if limit is not None and (size is None or not size[1].strip("0.")):
        raise UsageError(f"memory limit {limit!r} is not a size; write it like 2GB.")


def open_data(
    data: Any,
    *,
    options: Options,
    purpose: Purpose,
    format: str | None = None,  # noqa: A002
    memory_limit: str | None = None,
) -> Records:
    """Bind a path, a list of paths or a data frame to its roles.

    Parameters
    ----------
    data : path, list of paths, or data frame
        See `riskshift.read`.
    options : Options
        How to read the columns.
    purpose : Purpose
        What the rows are read for.
    format, memory_limit
        As in `read_files`.

    Returns
    -------
    Records

    Raises
    ------
    DataError
        If the data cannot be read or lacks a column.
    UsageError
        If it is neither.
    """
    if isinstance(data, (str, os.PathLike)):
        data = [data]
    if not isinstance(data, (list, tuple)):
        return read_frame(data, options=options, purpose=purpose)
    if not all(isinstance(path, (str, os.PathLike)) for path in data):
        raise UsageError("a list of data must be a list of paths; combine frames beforehand.")
    paths = [os.fsdecode(path) for path in data]
    _check_memory(memory_limit)
    return read_files(
        paths, options=options, format=format, memory_limit=memory_limit, purpose=purpose
    )
