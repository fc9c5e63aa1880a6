"""One log: what it begins with, and its records one at a time."""

import codecs
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final

from riskshift.errors import FileError
from riskshift.formats import parquet
from riskshift.formats.json_text import LARGEST, JsonText, at, paths, walk
from riskshift.packing import packing, unpack, unreadable

_decode: Final = json.JSONDecoder(strict=False).decode
_START: Final = 1 << 20
_FIRST: Final = 20
# So far an object is looked through for the names it holds.
_LOOKED: Final = 1 << 24


class Log:
    """A file or a folder that may be a tool's log.

    Parameters
    ----------
    path : Path
        Where it lies.
    name : str
        What to call it in messages.
    skip_bad : bool, default False
        Whether records that cannot be read are counted in `malformed`, instead of being a fault.
    """

    def __init__(self, path: Path, name: str, *, skip_bad: bool = False) -> None:
        self.path = path
        self.name = name
        self.skip_bad = skip_bad
        self.malformed = 0
        self._packed: IO[bytes] | None = None

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @property
    def done(self) -> int:
        """How many of the file's bytes were read so far."""
        packed = self._packed
        return 0 if packed is None or packed.closed else packed.tell()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the unpacked bytes.

        Raises
        ------
        FileError
            If they cannot be read or unpacked, also later, while they are read.
        """
        with unreadable(self.name), self.path.open("rb") as packed:
            compression = packing(packed.read(4))
            packed.seek(0)
            self._packed = packed
            with unpack(packed, compression) as opened:
                yield opened

    # What it begins with; what cannot be read is nothing that a format knows.

    @cached_property
    def start(self) -> bytes:
        """The first bytes, unpacked; none of a folder, a pipe, or what cannot be read."""
        if not self.path.is_file():  # whoever opens a pipe waits for a writer
            return b""
        with suppress(FileError), self.open() as opened:
            return opened.read(_START)
        return b""

    @cached_property
    def _text(self) -> str:
        with suppress(UnicodeDecodeError):
            # The last character may be cut in two.
            return codecs.getincrementaldecoder("utf-8-sig")().decode(self.start).lstrip()
        return ""

    @cached_property
    def first(self) -> tuple[Any, ...]:
        """The first values of JSON lines or of a JSON list; or the one object that is all."""
        text = self._text
        if text[:1] not in ("{", "["):
            return ()
        parse, place = json.JSONDecoder(strict=False).raw_decode, int(text[0] == "[")
        values: list[Any] = []
        with suppress(ValueError, RecursionError):
            while len(values) < _FIRST:
                while text[place : place + 1] in (" ", "\t", "\r", "\n", ","):
                    place += 1
                value, place = parse(text, place)
                values.append(value)
        return tuple(values)

    @cached_property
    def paths(self) -> frozenset[str]:
        """Paths of what the first object holds, two levels deep: ``results``, ``results.version``."""
        if self._text[:1] != "{":
            return frozenset()
        if self.first:
            held = self.first[0]
            inner = (
                f"{key}.{name}" for key in held if isinstance(held[key], dict) for name in held[key]
            )
            return frozenset((*held, *inner))
        with suppress(FileError), self.open() as opened:
            return frozenset(paths(JsonText(opened, self.name, most=_LOOKED)))
        return frozenset()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names in the first line of delimited text."""
        line = self._text.splitlines()[0] if self._text else ""
        if self.first:
            return ()
        with suppress(csv.Error):
            return tuple(map(str.strip, next(csv.reader([line], delimiter=_delimiter(line)))))
        return ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that a row of it has, in delimited text, JSON or Parquet."""
        if self.start.startswith(parquet.MAGIC):
            return frozenset(parquet.column_names(self.path))
        held = self.first[0] if self.first else None
        return frozenset(held if isinstance(held, dict) else self.columns)

    @cached_property
    def inside(self) -> frozenset[str]:
        """Names of what a folder or a zip file holds."""
        with suppress(OSError, NotImplementedError, zipfile.BadZipFile):
            if self.is_folder:
                return frozenset(path.name for path in self.path.iterdir())
            if self.start.startswith(b"PK"):
                with zipfile.ZipFile(self.path) as held:
                    return frozenset(held.namelist())
        return frozenset()

    # Its records.

    def lines(self) -> Iterator[tuple[str, Any]]:
        """Yield the values of JSON lines, each with its place for a message.

        Raises
        ------
        FileError
            If a line is not JSON; where such are skipped, they are counted.
        """
        with self.open() as opened:
            number = 0
            while line := opened.readline(LARGEST):
                number += 1
                if not line.strip():
                    continue
                try:
                    value = _decode(line.removeprefix(codecs.BOM_UTF8).decode())
                except (ValueError, RecursionError) as error:
                    what = getattr(error, "msg", None) or "not UTF-8, or nested too deeply"
                    cut = "" if line.endswith(b"\n") else "; the file may have been cut off here"
                    self.fault(f"{self.name}, line {number:,}: not valid JSON: {what}{cut}.")
                else:
                    yield f"{self.name}, line {number:,}", value

    def rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the rows of delimited text by the names of its columns, each with its place.

        Raises
        ------
        FileError
            If a row is not UTF-8, breaks the rules of quoting, or has another number of values.
        """
        csv.field_size_limit(LARGEST)
        with self.open() as opened:
            lines = io.TextIOWrapper(opened, "utf-8-sig", newline="")
            found = csv.reader(lines, delimiter=_delimiter(self._text.splitlines()[0]), strict=True)
            try:
                names = [name.strip() for name in next(found)]
                for row in found:
                    place = f"{self.name}, line {found.line_num:,}"
                    if len(row) == len(names):
                        yield place, dict(zip(names, row, strict=True))
                    elif row:
                        self.fault(f"{place} has {len(row)} values for {len(names)} columns.")
            except (csv.Error, UnicodeDecodeError) as error:
                what = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
                self.fault(f"{self.name}, line {found.line_num:,}: not readable: {what}.")

    def items(self, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the items of a list in a JSON document, and what stands beside it; see `walk`.

        Raises
        ------
        FileError
            If it is not JSON, or is cut off.
        """
        with self.open() as opened:
            text = JsonText(opened, self.name)
            try:
                yield from walk(text, path)
            except FileError as error:
                self.fault(str(error))

    def records(self, *lists: str) -> Iterator[tuple[str, str, Any]]:
        """Yield the records of a log: of the first of these lists that it has, else row by row.

        Parameters
        ----------
        *lists : str
            Paths of lists in a JSON document.

        Yields
        ------
        (str, str, value)
            Place of the value for a message; its path, empty for records; the value.
        """
        if self.start.startswith(parquet.MAGIC):
            for number, row in enumerate(parquet.rows(self.path, self.name), start=1):
                yield f"{self.name}, row {number:,}", "", row
            return
        path = next((one for one in lists if one in self.paths), None)
        if path is None and self._text[:1] not in ("{", "["):
            for place, row in self.rows():
                yield place, "", row
            return
        if path is None and self._text[:1] != "[":
            for place, value in self._values() if self._indented else self.lines():
                yield place, "", value
            return
        number = 0
        for found, value in self.items(path or ""):
            number += found == (path or "")
            yield f"{self.name}, record {number:,}", "" if found == (path or "") else found, value

    @property
    def _indented(self) -> bool:
        """Whether its first value goes over several lines."""
        return self._text.split("\n", 1)[0].strip() == "{"

    def _values(self) -> Iterator[tuple[str, Any]]:
        with self.open() as opened:
            text = JsonText(opened, self.name)
            try:
                while text.peek():
                    yield text.place, text.value()
            except FileError as error:
                self.fault(str(error))

    def fault(self, message: str) -> None:
        """Refuse what cannot be read, or count it.

        Raises
        ------
        FileError
            Unless such records are skipped.
        """
        if not self.skip_bad:
            raise FileError(
                f"{message} Write the log anew, or leave out what cannot be read with --skip-bad."
            )
        self.malformed += 1

    def holds(self, path: str) -> bool:
        """Tell whether the first record has something at a path."""
        return bool(self.first) and at(self.first[0], path) is not None


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)
