"""Read a text file record by record, slowly, to say where its faults stand.

DuckDB does the reading. This is the way back to the rows when something is wrong with them.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import duckdb

from riskshift.errors import FileError
from riskshift.reading.layout import BOM, MAX_LINE, DataFile

DELIMITERS: Final = ",;\t|"
_TOO_LONG: Final = f"longer than {MAX_LINE >> 20} MiB, which no record should be"
_MOST_DIGITS: Final = 4_000  # Python's own limit is 4,300
_DELIMITER: Final = re.compile(r"sep=(.)\r?\n?")
_SURROGATE: Final = re.compile(r"\\u[dD]")
# What the csv module says, in words that help.
_CSV_FAULTS: Final = {
    "new-line character": "a carriage return without a line feed. Give the file ordinary line ends",
    "unexpected end of data": "a quoted value that begins here never ends",
    "field larger": "a quoted value that begins here never ends",
    "expected after": "more text follows a closing quote; a quote within a value is doubled",
}


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
    """The first record of a delimited file, and how many lines stand before it."""

    names: tuple[str, ...]
    delimiter: str
    skip: int = 0


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
            self.fault = _TOO_LONG
            while line and not line.endswith(b"\n"):
                line = self.opened.readline(MAX_LINE)
            line = b"\n"
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(BOM)
        self.taken.append(line)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            self.fault = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
            return line.decode("utf-8", "replace")

    def take(self) -> tuple[bytes, str | None]:
        raw, fault = b"".join(self.taken), self.fault
        self.taken, self.fault = [], None
        return raw, fault or (_TOO_LONG if len(raw) > MAX_LINE else None)


def read_header(file: DataFile) -> Header:
    """Read the names of a delimited file's columns.

    Raises
    ------
    FileError
        If the first record is no header.
    """
    with file.open() as opened:
        lines = _Lines(opened)
        first = next(lines)
        # Excel writes, and reads, the delimiter in a line of its own.
        told = _DELIMITER.fullmatch(first)
        if told:
            first = next(lines, "")
        place = f"{file.name}, line {1 + bool(told)}"
        if lines.fault:
            raise FileError(f"{place}: the header is {lines.fault}.")
        if "\0" in first:
            raise FileError(f"{place}: not a text file. Say what it is with --from.")
        if not first.strip():
            raise FileError(f"{place}: blank. The first line must name the columns.")
        delimiter = told[1] if told else _delimiter(file, first)
        try:
            names = next(_reader(_chain(first, lines), delimiter))
        except csv.Error as error:
            raise FileError(
                f"{place}: the header cannot be read: {_explained(error)[0]}."
            ) from error
    return Header(tuple(names), delimiter, int(bool(told)))


def _delimiter(file: DataFile, first: str) -> str:
    return "\t" if file.format == "tsv" else max(DELIMITERS, key=lambda mark: first.count(mark))


def _reader(lines: Iterator[str], delimiter: str) -> Any:
    csv.field_size_limit(MAX_LINE)
    # DuckDB, too, lets blanks stand before an opening quote.
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _explained(error: csv.Error) -> tuple[str, bool]:
    """Return what is wrong, and whether the records that follow cannot be told apart."""
    text = str(error)
    told = next((told for said, told in _CSV_FAULTS.items() if said in text), text)
    return told, told.endswith("never ends")


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


Uses = Callable[[str], bool]


def scan(file: DataFile, uses: Uses = lambda name: True) -> Iterator[Scanned]:
    """Go through the records of a text file, with the line each begins in.

    Parameters
    ----------
    file : DataFile
        The file.
    uses : callable, optional
        Tells which columns matter: what DuckDB reads without them is no fault.

    Yields
    ------
    Scanned
    """
    if file.format in ("csv", "tsv"):
        yield from _scan_delimited(file, read_header(file))
    elif file.format == "jsonl":
        yield from _scan_lines(file, uses)
    elif file.format == "json":
        yield from _scan_array(file, uses)


def _scan_delimited(file: DataFile, header: Header) -> Iterator[Scanned]:
    names = header.names
    with file.open() as opened:
        lines = _Lines(opened)
        for _ in range(header.skip):
            next(lines)
        reader = _reader(lines, header.delimiter)
        next(reader)
        lines.take()
        while True:
            line = lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raw, fault = lines.take()
                told, fatal = _explained(error)
                yield Scanned(line, raw, None, fault or told, fatal=fatal)
                if fatal:
                    return
                continue
            raw, fault = lines.take()
            if not row and not fault:
                continue
            while len(row) > len(names) and not row[-1]:
                row.pop()  # DuckDB, too, lets empty values follow the last
            if fault is None and len(row) != len(names):
                fault = f"{len(row)} {'value' if len(row) == 1 else 'values'}, and the header has {len(names)} columns"
            values = (
                None
                if fault
                else {name: value or None for name, value in zip(names, row, strict=True)}
            )
            yield Scanned(line, raw, values, fault)


def mixed_line_ends(file: DataFile) -> str | None:
    """Say where a delimited file changes between the line ends of Windows and of Unix."""
    if file.format not in ("csv", "tsv"):
        return None
    with file.open() as opened:
        windows = opened.readline(MAX_LINE).endswith(b"\r\n")
    for record in scan(file):
        if record.raw.endswith(b"\n") and record.raw.endswith(b"\r\n") is not windows:
            kinds = ("LF", "CRLF")
            return (
                f"{file.name}, line {record.line:,}: ends in {kinds[not windows]}, and the lines before "
                f"in {kinds[windows]}. Use one kind of line end"
            )
    return None


def _scan_lines(file: DataFile, uses: Uses) -> Iterator[Scanned]:
    with file.open() as opened:
        lines = _Lines(opened)
        for text in lines:
            raw, fault = lines.take()
            if fault is None and not text.strip():
                continue
            values = None
            if fault is None:
                values, fault = _parse_object(text, uses)
                if fault and not raw.endswith(b"\n"):
                    fault += "; it is the last line, so the file may have been cut off while it was written"
            yield Scanned(lines.number, raw, values, fault)


def _scan_array(file: DataFile, uses: Uses) -> Iterator[Scanned]:
    with file.open() as opened:
        raw = opened.read()
    try:
        items = _loaded(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        yield Scanned(line, b"", None, f"not UTF-8 (byte 0x{raw[error.start]:02x})", fatal=True)
        return
    except (ValueError, RecursionError) as error:
        found = _items(raw.decode("utf-8-sig"))
        if found is None:
            yield Scanned(getattr(error, "lineno", 1), b"", None, _invalid(error), fatal=True)
            return
        for at, text in enumerate(found, start=1):
            values, fault = _parse_object(text, uses)
            yield Scanned(at, text.encode() + b"\n", values, fault)
        return
    if not isinstance(items, list):
        yield Scanned(1, b"", None, "one JSON value, not a list of records", fatal=True)
        return
    for at, item in enumerate(items, start=1):
        kept = json.dumps(item)
        fault = _fault_of(item, kept, uses)
        yield Scanned(at, kept.encode() + b"\n", None if fault else _flat(item), fault)


class _Object(dict[str, Any]):
    """A JSON object that remembers a name it holds twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twins: Sequence[str] = ()
        if len(self) < len(pairs):
            self.twins = [name for name, n in Counter(name for name, _ in pairs).items() if n > 1]


def _loaded(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Object, parse_int=_whole)


def _whole(digits: str) -> int | str:
    # Python refuses to make a number of very many digits; DuckDB reads them as they stand.
    return int(digits) if len(digits) < _MOST_DIGITS else digits


def _parse_object(text: str, uses: Uses) -> tuple[dict[str, str | None] | None, str | None]:
    try:
        item = _loaded(text)
    except (ValueError, RecursionError) as error:
        item = _by_engine(text)
        if item is None:
            return None, _invalid(error)
    fault = _fault_of(item, text, uses)
    return (None, fault) if fault else (_flat(item), None)


def _by_engine(text: str) -> _Object | None:
    """Read an object as DuckDB does, where Python is stricter or nests less deeply."""
    try:
        row = duckdb.execute(
            "SELECT keys, list_transform(keys, lambda key: json_extract_string(told, '/' || "
            "replace(replace(key, '~', '~0'), '/', '~1'))) FROM (SELECT ?::JSON AS told, "
            "CASE json_type(told) WHEN 'OBJECT' THEN json_keys(told) END AS keys)",
            [text],
        ).fetchone()
    except (duckdb.Error, UnicodeError):
        return None
    return None if row is None or row[0] is None else _Object(list(zip(*row, strict=True)))


def _items(text: str) -> list[str] | None:
    """Split a list as DuckDB does; None if it is none."""
    try:
        row = duckdb.execute("SELECT from_json(?, '[\"JSON\"]')", [text]).fetchone()
    except (duckdb.Error, UnicodeError):
        return None
    return None if row is None or row[0] is None else [str(item) for item in row[0]]


def _fault_of(item: object, text: str, uses: Uses) -> str | None:
    if not isinstance(item, _Object):
        return "not a JSON object"
    twins = [name for name in item.twins if uses(name)]
    if twins:
        return f"the name {twins[0]!r} occurs twice"
    if len(text) > MAX_LINE:
        return _TOO_LONG
    if _SURROGATE.search(text):
        try:
            json.dumps(item, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair (\\ud800 to \\udfff alone), which is no character"
    return None


def _flat(item: _Object) -> dict[str, str | None]:
    """Give values the text that DuckDB gives them."""
    return {
        key: value
        if value is None or isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for key, value in item.items()
    }


def _invalid(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg.removesuffix(' at')} at character {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else f"not valid JSON: {error}"
