"""Copies of text files that can be read: without malformed rows, marks and mixed line ends."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from riskshift.errors import FileError
from riskshift.reading.datafile import BOM, DataFile
from riskshift.reading.scan import Header, Scanned, mixed_line_ends, read_header, scan


def without_mark(file: DataFile, folder: Path) -> DataFile:
    """Copy a JSON file that begins with a byte order mark, which DuckDB does not read."""
    if file.format not in ("json", "jsonl"):
        return file
    with file.open() as opened:
        if opened.read(len(BOM)) != BOM:
            return file
        with NamedTemporaryFile(dir=folder, delete=False) as copy:
            while block := opened.read(1 << 20):
                copy.write(block)
    return replace(file, path=Path(copy.name), compression="none")


def without_bad_rows(files: Sequence[DataFile], folder: Path) -> tuple[list[DataFile], int]:
    """Copy text files that have malformed rows, without those rows, and count them.

    Raises
    ------
    FileError
        If what follows a fault cannot be told apart.
    """
    kept, dropped = [], 0
    for file in files:
        bad = sum(record.fault is not None for record in scan(file))
        kept.append(_clean_copy(file, folder) if bad or mixed_line_ends(file) else file)
        dropped += bad
    return kept, dropped


def told(file: DataFile, record: Scanned) -> str:
    """Say what is wrong with a record, and where."""
    unit = "item" if file.format == "json" and record.raw else "line"
    return f"{file.name}, {unit} {record.line:,}: {record.fault}."


def _clean_copy(file: DataFile, folder: Path) -> DataFile:
    with NamedTemporaryFile(dir=folder, delete=False) as clean:
        if file.format in ("csv", "tsv"):
            clean.write(_header_line(read_header(file)))
        for record in scan(file):
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
    return (header.delimiter.join(quoted) + "\n").encode()
