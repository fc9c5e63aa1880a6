"""Whatever labelled pairs come in: paths or a data frame."""

import os
import re
from collections.abc import Callable
from typing import Any, Final

from riskshift.errors import UsageError
from riskshift.formats.scores import Asked
from riskshift.reading.files import read_files, read_found
from riskshift.reading.frames import read_frame
from riskshift.reading.logs import Found, find
from riskshift.records import Options, Purpose, Records
from riskshift.taxonomy import Taxonomy

_SIZE: Final = re.compile(
    r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[KMGT]i?B?|B)\s*", re.IGNORECASE | re.ASCII
)


def _check_memory(limit: str | None) -> None:
    """Refuse what DuckDB would take for no limit, or for a share of what is free just now."""
    size = None if limit is None else _SIZE.fullmatch(limit)
    if limit is not None and (size is None or not size[1].strip("0.")):
        raise UsageError(f"memory limit {limit!r} is not a size; write it like 2GB.")


def look(
    data: Any,
    *,
    format: str | None = None,  # noqa: A002
    asked: Asked,
    skip_bad: bool = False,
    progress: Callable[[str], None],
) -> Any:
    """Find the files that paths mean, turning logs into pairs; a data frame stays as it is.

    Parameters
    ----------
    data, format
        As in `open_data`.
    asked : Asked
        What the user declares of scores.
    skip_bad, progress
        As in `find`.

    Returns
    -------
    Found, or the data frame

    Raises
    ------
    FileError
        If a file cannot be found or understood.
    UsageError
        If scores are declared of what is no log.
    """
    paths = _paths(data)
    if paths is not None:
        return find(paths, format=format, asked=asked, skip_bad=skip_bad, progress=progress)
    if asked:
        raise UsageError("a score is declared of logs, and a data frame is none. Map its columns.")
    return data


def _paths(data: Any) -> list[str] | None:
    """Return data as paths; None if they are none.

    Raises
    ------
    UsageError
        If they are a list of something else.
    """
    if isinstance(data, (str, os.PathLike)):
        data = [data]
    if not isinstance(data, (list, tuple)):
        return None
    if not all(isinstance(path, (str, os.PathLike)) for path in data):
        raise UsageError("a list of data must be a list of paths; combine frames beforehand.")
    return [os.fsdecode(path) for path in data]


def taxonomy_of(data: Any) -> Taxonomy | None:
    """Return the taxonomy that data bring along; None if they bring none."""
    return data.pairs.taxonomy if isinstance(data, Found) and data.pairs else None


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
    data : path, list of paths, data frame, or Found
        See `riskshift.read`, and `look`.
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
    if isinstance(data, Found):
        _check_memory(memory_limit)
        return read_found(data, options=options, memory_limit=memory_limit, purpose=purpose)
    paths = _paths(data)
    if paths is None:
        return read_frame(data, options=options, purpose=purpose)
    _check_memory(memory_limit)
    return read_files(
        paths, options=options, format=format, memory_limit=memory_limit, purpose=purpose
    )
