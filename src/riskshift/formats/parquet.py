"""Rows of a Parquet file, as a log: public sets of pairs are kept in such."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from riskshift.errors import FileError

MAGIC: Final = b"PAR1"
_MANY: Final = 256


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of its columns; none if it cannot be read."""
    import duckdb

    with suppress(duckdb.Error), duckdb.connect() as connection:
        told = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [_pattern(path)])
        return tuple(str(row[0]) for row in told.fetchall())
    return ()


def rows(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield its rows by the names of its columns, a few at a time.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    import duckdb

    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            found = connection.execute("SELECT * FROM read_parquet(?)", [_pattern(path)])
            names = [str(column[0]) for column in found.description or ()]
            while many := found.fetchmany(_MANY):
                for row in many:
                    yield dict(zip(names, row, strict=True))
    except duckdb.Error as error:
        raise FileError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error


def _pattern(path: Path) -> str:
    """Write a path so that DuckDB finds this file and no other."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path.resolve()))
