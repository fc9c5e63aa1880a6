"""Whatever labelled pairs come in: paths or a data frame."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from riskshift.engines.engine import count_rows, explained
from riskshift.errors import UsageError
from riskshift.formats.scores import Asked
from riskshift.reading.duckdb_options import NO_LIMITS, Limits
from riskshift.reading.files import read_files, read_found
from riskshift.reading.frames import read_frame
from riskshift.reading.logs import LAST, Found, find
from riskshift.records import Options, Purpose, Records, assemble
from riskshift.taxonomy import Taxonomy

# Reads rows of which nobody says yet which columns they have.
ANY: Final = Purpose(bind=assemble, check=lambda records: None)


def look(
    data: Any,
    *,
    format: str | None = None,  # noqa: A002
    asked: Asked,
    turns: str = LAST,
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
    turns, skip_bad, progress
        As in `find`.

    Returns
    -------
    Found, or the data frame

    Raises
    ------
    FileError
        If a file cannot be found or understood.
    UsageError
        If scores or turns are asked of what is no log.
    """
    paths = _paths(data)
    if paths is not None:
        return find(
            paths, format=format, asked=asked, turns=turns, skip_bad=skip_bad, progress=progress
        )
    if turns != LAST:
        raise UsageError("turns are asked of logs, and a data frame is none: each row is a pair.")
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
    limits: Limits = NO_LIMITS,
    labels: Sequence[Any] = (),
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
    format, limits
        As in `read_files`.
    labels : sequence of paths or frames
        Labels that stand beside the data: paths for files, frames of the same library for a frame.

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
    paths = None if isinstance(data, Found) else _paths(data)
    is_frame = paths is None and not isinstance(data, Found)
    tables = [_open_labels(one, data if is_frame else None, options, limits) for one in labels]
    if is_frame:
        return read_frame(data, options=options, purpose=purpose, labels=tables)
    if isinstance(data, Found):
        return read_found(data, options=options, limits=limits, purpose=purpose, labels=tables)
    return read_files(
        paths or (),
        options=options,
        format=format,
        limits=limits,
        purpose=purpose,
        labels=tables,
    )


def _open_labels(data: Any, beside: Any, options: Options, limits: Limits) -> Records:
    """Open labels that stand beside a frame, or beside files where that is None."""
    paths = _paths(data)
    library = type(data).__module__.partition(".")[0].lstrip("_")
    wanted = None if beside is None else type(beside).__module__.partition(".")[0].lstrip("_")
    if paths is not None and wanted is None:
        labels = read_files(paths, options=_of_labels(options), limits=limits, purpose=ANY)
    elif paths is None and wanted == library:
        labels = read_frame(data, options=_of_labels(options), purpose=ANY)
    else:
        raise UsageError(
            f"labels are {'files' if paths else f'a frame of {library}'}, and the data are "
            f"{f'a frame of {wanted}' if wanted else 'files'}: give both as files, or both as frames of one library."
        )
    with explained(labels.source):
        count_rows(labels.frame)
    return labels


def _of_labels(options: Options) -> Options:
    return Options(
        taxonomy=options.taxonomy,
        columns=options.columns,
        scale=options.scale,
        skip_bad=options.skip_bad,
    )
