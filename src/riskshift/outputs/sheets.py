"""Rows for people and back: CSV that a spreadsheet may open, JSON lines, Parquet.

What people read is made inert in CSV. What is read back, such as ids, is never changed: a changed
id would part people's labels from their pairs.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from riskshift.errors import OutputError
from riskshift.outputs.escape import lines, spreadsheet
from riskshift.outputs.places import check_file, write_blocks, write_bytes
from riskshift.reading.duckdb_options import NO_LIMITS, Limits, literal, options, pattern
from riskshift.reading.layout import DataFile
from riskshift.scratch import full, scratch

SUFFIXES: Final = (".csv", ".jsonl", ".parquet")
# Rows that are held until they are written to Parquet; rows hold texts.
_GROUP: Final = 20_480
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
Row = Sequence[str | float | None]


def check_sheet(path: str | Path) -> Path:
    """Refuse a place where rows could not be written, before any work is done.

    Raises
    ------
    OutputError
        If the suffix is unknown, the path is a folder, or its folder cannot be written to.
    """
    return check_file(path, SUFFIXES, rule="Pairs are written as", example="pairs.csv")


def write_sheet(
    path: str | Path, columns: Sequence[str], rows: Sequence[Row], *, texts: Collection[str] = ()
) -> Path:
    """Write rows; the suffix says how. Beside first, then renamed.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.jsonl`` or ``.parquet``.
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequence
        Text, numbers, or None where there is nothing.
    texts : collection of str
        Columns that are there to be read, which CSV makes inert. All others are kept as they are.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be written, or a value that must be kept would act in a spreadsheet.
    """
    place = check_sheet(path)
    if place.suffix.lower() == ".csv":
        content = _csv(place, columns, rows, texts).encode("utf-8", "replace")
    else:
        content = _jsonl(columns, rows).encode("utf-8", "replace")
    if place.suffix.lower() == ".parquet":
        content = _parquet(content, columns, rows)
    return write_bytes(place, content)


def write_rows(
    path: str | Path,
    files: Sequence[DataFile],
    columns: Mapping[str, str],
    *,
    kept: Collection[str],
    limits: Limits = NO_LIMITS,
) -> Path:
    """Write the rows of JSON lines, however many; the suffix says how. Beside first, then renamed.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.jsonl`` or ``.parquet``.
    files : sequence of DataFile
        JSON lines, in the order in which their rows are written.
    columns : mapping of str to str
        By the name of a column its type in SQL.
    kept : collection of str
        Columns that are read back, such as ids: CSV keeps them as they are, or refuses to. All
        others are there to be read, and made inert.
    limits : Limits, optional
        Of DuckDB, for Parquet.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be written, or a value that must be kept would act in a spreadsheet.
    """
    place = check_sheet(path)
    suffix = place.suffix.lower()
    if suffix == ".jsonl":
        return write_blocks(place, _blocks([file.path for file in files]))
    with scratch() as folder:
        made = folder / f"rows{suffix}"
        if suffix == ".parquet":
            _to_parquet(files, made, columns, limits)
        else:
            with made.open("w", encoding="utf-8", errors="replace", newline="") as opened:
                for row in _csv_rows(place, files, columns, kept):
                    csv.writer(opened, lineterminator="\n").writerow(row)
        return write_blocks(place, _blocks([made]))


def _blocks(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                yield block


def _csv_rows(
    place: Path, files: Sequence[DataFile], columns: Mapping[str, str], kept: Collection[str]
) -> Iterator[list[Any]]:
    for name in columns:
        _refuse_active(place, "the name of a column", name)
    yield list(columns)
    for file in files:
        with file.path.open("rb") as opened:
            for line in opened:
                held = json.loads(line)
                yield [_cell(place, name, held.get(name), name in kept) for name in columns]


def _cell(place: Path, name: str, value: Any, kept: bool) -> Any:
    if isinstance(value, str) and kept:
        _refuse_active(place, name, value)
    return readable(value) if isinstance(value, str) and not kept else value


def _to_parquet(
    files: Sequence[DataFile], target: Path, columns: Mapping[str, str], limits: Limits
) -> None:
    import duckdb

    named = ", ".join(literal(pattern(file.path)) for file in files)
    longest = max(file.longest for file in files)
    how = options(
        {"columns": columns, "format": "newline_delimited", "maximum_object_size": longest}
    )
    try:
        with limits.connect(target.parent) as connection:
            rows = connection.sql(f"SELECT * FROM read_json([{named}], {how})")  # noqa: S608
            rows.write_parquet(str(target), row_group_size=_GROUP)
    except duckdb.Error as error:
        told = full(str(error)) or str(error).splitlines()[0]
        raise OutputError(f"the pairs cannot be written: {told}") from error


def readable(text: str) -> str:
    r"""Make a text inert in a cell of a spreadsheet, keeping its lines.

    Examples
    --------
    >>> readable("=HYPERLINK()\nmore")
    "'=HYPERLINK()\nmore"
    """
    shown = lines(text)
    first = shown.lstrip()[:1]
    return f"'{shown}" if spreadsheet(first) != first else shown


def _csv(place: Path, columns: Sequence[str], rows: Sequence[Row], texts: Collection[str]) -> str:
    for name in columns:
        _refuse_active(place, "the name of a column", name)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells: list[Any] = []
        for name, value in zip(columns, row, strict=True):
            if isinstance(value, str) and name in texts:
                value = readable(value)
            elif isinstance(value, str):
                _refuse_active(place, name, value)
            cells.append(value)
        writer.writerow(cells)
    return written.getvalue()


def _refuse_active(place: Path, name: str, value: str) -> None:
    if spreadsheet(value) != value and not _NUMBER.fullmatch(value):
        shown = repr(value if len(value) <= 60 else value[:57] + "...")
        raise OutputError(
            f"{place}: {name} is {shown}, which would act or hide in a spreadsheet, and must be kept as it is for "
            f"labels to find their pairs. Write {place.with_suffix('.jsonl').name} or "
            f"{place.with_suffix('.parquet').name} instead."
        )


def _jsonl(columns: Sequence[str], rows: Sequence[Row]) -> str:
    objects = (dict(zip(columns, row, strict=True)) for row in rows)
    return "".join(json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n" for item in objects)


def _parquet(json_lines: bytes, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Let DuckDB write it, so that no Arrow library is needed."""
    import duckdb

    numbers = {
        name for at, name in enumerate(columns) if any(isinstance(row[at], float) for row in rows)
    }
    types = {name: "DOUBLE" if name in numbers else "VARCHAR" for name in columns}
    with scratch() as folder:
        source, target = folder / "rows.jsonl", folder / "rows.parquet"
        source.write_bytes(json_lines)
        connection = duckdb.connect()
        try:
            relation = connection.read_json(
                str(source),
                columns=types,
                format="newline_delimited",
                maximum_object_size=max(map(len, json_lines.splitlines()), default=0) + (1 << 24),
            )
            relation.write_parquet(str(target))
        finally:
            connection.close()
        return target.read_bytes()
