"""Read a text file record by record, slowly, to say where its faults stand.

DuckDB does the reading. This is the way back to the rows when something is wrong with them.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final

from riskshift.errors import ColumnError, FileError, listing
from riskshift.reading.paths import DataFile

MAX_LINE: Final = 64 * 1024 * 1024
DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class Scanned:
    """One record of a file: the line it begins in, its bytes, its values, and what is wrong."""

    line: int
    raw: bytes
    values: dict[str, str | None] | None
    fault: str | None
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a delimited file."""

    names: tuple[str, ...]
    delimiter: str


class _Lines:
    """Decoded lines of a file that remember their bytes, numbers and faults."""

    def __init__(self, opened: IO[bytes]) -> None:
        self.opened = opened
        self.number = 0
        self.taken: list[bytes] = []
        self.fault: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.opened.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE:
            self.fault = "longer than 64 MiB, which no record should be"
            while line and not line.endswith(b"\n"):
                line = self.opened.readline(MAX_LINE)
            line = b"\n"
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        self.taken.append(line)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            self.fault = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
            return line.decode("utf-8", "replace")

    def take(self) -> tuple[bytes, str | None]:
        raw, fault = b"".join(self.taken), self.fault
        self.taken, self.fault = [], None
        return raw, fault


def read_header(file: DataFile) -> Header:
    """Read the names of a delimited file's columns.

    Raises
    ------
    FileError
        If the file is not text or not UTF-8.
    ColumnError
        If a name occurs twice or is empty.
    """
    with file.open() as opened:
        start = opened.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{file.name} is encoded in UTF-16. Save it as UTF-8.")
    with file.open() as opened:
        lines = _Lines(opened)
        first = next(lines)
        if "\0" in first:
            raise FileError(f"{file.name}, line 1: not a text file. Say what it is with --from.")
        delimiter = (
            "\t" if file.format == "tsv" else max(DELIMITERS, key=lambda mark: first.count(mark))
        )
        csv.field_size_limit(min(MAX_LINE, sys.maxsize))
        try:
            names = next(csv.reader(_chain(first, lines), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration) as error:
            raise FileError(f"{file.name}, line 1: the header cannot be read: {error}.") from error
        if lines.fault:
            raise FileError(f"{file.name}, line 1: {lines.fault}. Save the file as UTF-8.")
    refuse_twins(file, names)
    return Header(tuple(names), delimiter)


def refuse_twins(file: DataFile, names: Sequence[str]) -> None:
    """Refuse columns that have no name or the name of another."""
    seen: dict[str, str] = {}
    for at, name in enumerate(names, start=1):
        if not name.strip():
            raise ColumnError(
                f"{file.name}, line 1: column {at} has no name. Columns: {listing(names)}."
            )
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            raise ColumnError(
                f"{file.name}: two columns are called {other!r} and {name!r}; names must differ by more than case."
            )


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def scan(file: DataFile) -> Iterator[Scanned]:
    """Go through the records of a text file, with the line each begins in."""
    if file.format in ("csv", "tsv"):
        yield from _scan_delimited(file, read_header(file))
    elif file.format == "jsonl":
        yield from _scan_lines(file)
    elif file.format == "json":
        yield from _scan_array(file)


def _scan_delimited(file: DataFile, header: Header) -> Iterator[Scanned]:
    names = header.names
    with file.open() as opened:
        lines = _Lines(opened)
        reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
        next(reader)
        lines.take()
        while True:
            line = lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raw, _ = lines.take()
                open_quote = "unexpected end of data" in str(error) or "field larger" in str(error)
                what = "a quoted value that begins here never ends" if open_quote else str(error)
                yield Scanned(line, raw, None, what, fatal=open_quote)
                if open_quote:
                    return
                continue
            raw, fault = lines.take()
            if not row and not fault:
                continue
            if fault is None and len(row) != len(names):
                fault = f"{len(row)} {'value' if len(row) == 1 else 'values'}, and the header has {len(names)} columns"
            values = (
                None
                if fault
                else {name: value or None for name, value in zip(names, row, strict=True)}
            )
            yield Scanned(line, raw, values, fault)


def _scan_lines(file: DataFile) -> Iterator[Scanned]:
    with file.open() as opened:
        lines = _Lines(opened)
        for text in lines:
            raw, fault = lines.take()
            if fault is None and not text.strip():
                continue
            values = None
            if fault is None:
                values, fault = _parse_object(text)
                if fault and not raw.endswith(b"\n"):
                    fault += "; it is the last line, so the file may have been cut off while it was written"
            yield Scanned(lines.number, raw, values, fault)


def _scan_array(file: DataFile) -> Iterator[Scanned]:
    with file.open() as opened:
        raw = opened.read()
    try:
        items = json.loads(raw.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        yield Scanned(line, b"", None, f"not UTF-8 (byte 0x{raw[error.start]:02x})", fatal=True)
        return
    except (json.JSONDecodeError, RecursionError) as error:
        yield Scanned(
            getattr(error, "lineno", 1), b"", None, f"not valid JSON: {_brief(error)}", fatal=True
        )
        return
    if not isinstance(items, list):
        yield Scanned(1, b"", None, "one JSON value, not a list of records", fatal=True)
        return
    for at, item in enumerate(items, start=1):
        fault = None if isinstance(item, dict) else f"item {at} is not an object"
        kept = json.dumps(item).encode() + b"\n"
        yield Scanned(at, kept, None if fault else _flat(item), fault)


def _parse_object(text: str) -> tuple[dict[str, str | None] | None, str | None]:
    try:
        item = json.loads(text, parse_int=str, parse_float=str)
    except (json.JSONDecodeError, RecursionError) as error:
        return None, f"not valid JSON: {_brief(error)}"
    if not isinstance(item, dict):
        return None, "not a JSON object"
    return _flat(item), None


def _flat(item: dict[str, object]) -> dict[str, str | None]:
    return {
        key: value if value is None or isinstance(value, str) else json.dumps(value)
        for key, value in item.items()
    }


def _brief(error: Exception) -> str:
    return (
        str(error).split(":")[0] if isinstance(error, json.JSONDecodeError) else "nested too deeply"
    )
