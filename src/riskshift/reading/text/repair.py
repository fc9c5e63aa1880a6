"""Copies of text files that can be read: without malformed rows, marks and mixed line ends."""

import codecs
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from riskshift.errors import FileError
from riskshift.reading.layout import BOM, MAX_LINE, UTF16, DataFile
from riskshift.reading.text.scan import Header, Scanned, Uses, mixed_line_ends, read_header, scan
from riskshift.records import Options


def as_utf8(file: DataFile, folder: Path) -> DataFile:
    """Copy what DuckDB does not read: JSON that begins with a byte order mark, text in UTF-16.

    Raises
    ------
    FileError
        If a file whose mark says UTF-16 is none.
    """
    if file.format == "parquet":
        return file
    if file.format not in ("json", "jsonl"):
        return _from_utf16(file, folder)
    with file.open() as opened:
        if opened.read(len(BOM)) != BOM:
            return file
        with NamedTemporaryFile(dir=folder, delete=False) as copy:
            while block := opened.read(1 << 20):
                copy.write(block)
    return replace(file, path=Path(copy.name), compression="none")


def _from_utf16(file: DataFile, folder: Path) -> DataFile:
    with file.open() as opened:
        start = opened.read(2)
        if start not in UTF16:
            return file
        decode = codecs.getincrementaldecoder("utf-16")().decode
        with NamedTemporaryFile(dir=folder, delete=False) as copy:
            try:
                while start:
                    copy.write(decode(start).encode())
                    start = opened.read(1 << 20)
                copy.write(decode(b"", final=True).encode())
            except UnicodeError as error:
                raise FileError(
                    f"{file.name} begins as UTF-16 and is not: {getattr(error, 'reason', error)}. Save it as UTF-8."
                ) from error
    return replace(file, path=Path(copy.name), compression="none")


def unwrapped(file: DataFile, folder: Path, options: Options) -> DataFile:
    """Copy the records of a JSON file that holds one object around all of them.

    The object either has one member that is a list of objects, as evaluations write their rows, or
    all its members are objects with the same names within, a column each, as pandas writes them.
    """
    if file.format not in ("json", "jsonl"):
        return file
    items = _wrapped(_only_object(file), options)
    if items is None:
        return file
    with NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as copy:
        json.dump(items, copy)
    return replace(file, path=Path(copy.name), compression="none", format="json")


def _only_object(file: DataFile) -> dict[str, Any]:
    """Read the one object that is all of a file; nothing if there are more, or it is none."""
    with file.open() as opened:
        start = opened.readline(MAX_LINE)
        while start and not start.strip():
            start = opened.readline(MAX_LINE)
        if not start.lstrip().startswith(b"{"):
            return {}
        if file.format == "jsonl":
            if opened.read(1 << 10).strip():
                return {}
            text = start
        else:
            text = start + opened.read()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # it is read, and refused, as it is
        return {}
    return found if isinstance(found, dict) else {}


def _wrapped(found: dict[str, Any], options: Options) -> list[dict[str, Any]] | None:
    columns = list(found.values())
    if columns and all(isinstance(column, dict) and column for column in columns):
        rows = list(columns[0])
        if all(list(column) == rows for column in columns):
            return [{name: column[row] for name, column in found.items()} for row in rows]
    if any(options.uses(name) for name in found):
        return None
    lists = [value for value in columns if _are_records(value)]
    return lists[0] if len(lists) == 1 else None


def _are_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def without_bad_rows(
    files: Sequence[DataFile], folder: Path, uses: Uses
) -> tuple[list[DataFile], int]:
    """Copy text files that have malformed rows, without those rows, and count them.

    Raises
    ------
    FileError
        If what follows a fault cannot be told apart.
    """
    kept, dropped = [], 0
    for file in files:
        bad = sum(record.fault is not None for record in scan(file, uses))
        kept.append(_clean_copy(file, folder, uses) if bad or mixed_line_ends(file) else file)
        dropped += bad
    return kept, dropped


def told(file: DataFile, record: Scanned) -> str:
    """Say what is wrong with a record, and where."""
    unit = "item" if file.format == "json" and record.raw else file.unit
    return f"{file.name}, {unit} {record.line:,}: {record.fault}."


def _clean_copy(file: DataFile, folder: Path, uses: Uses) -> DataFile:
    with NamedTemporaryFile(dir=folder, delete=False) as clean:
        if file.format in ("csv", "tsv"):
            clean.write(_header_line(read_header(file)))
        for record in scan(file, uses):
            if record.fatal:
                raise FileError(
                    f"{told(file, record)} What follows cannot be told apart; fix the file."
                )
            if not record.fault:
                clean.write(record.raw.rstrip(b"\r\n") + b"\n")
    layout = "jsonl" if file.format == "json" else file.format
    return replace(file, path=Path(clean.name), compression="none", format=layout)


def _header_line(header: Header) -> bytes:
    quoted = ['"' + name.replace('"', '""') + '"' for name in header.names]
    told = f"sep={header.delimiter}\n" if header.skip else ""
    return f"{told}{header.delimiter.join(quoted)}\n".encode()
