"""One file: how its bytes are packed, and how they are laid out."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from riskshift.counts.counts_file import HEAD
from riskshift.errors import FileError
from riskshift.formats.catalogue import named, recognise
from riskshift.formats.format import Refused
from riskshift.formats.log import Log
from riskshift.packing import packing, unpack, unreadable

FORMATS: Final = ("csv", "tsv", "jsonl", "json", "parquet", "xlsx")
# What `riskshift collapse` writes: no pairs, but what is left of them.
COUNTS: Final = "counts"
# Stands for a format where the user maps columns: logs are logs, and tables are tables.
MAPPED: Final = "mapped columns"
MAX_LINE: Final = 64 * 1024 * 1024
BOM: Final = b"\xef\xbb\xbf"
# Bytes that one byte may stand for: gzip reaches 1,032, zstd more.
_MOST_PACKED: Final = 1 << 15
_ZIP: Final = b"PK\x03\x04"
_WORKBOOK: Final = "xl/workbook.xml"
_UTF32: Final = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file to read.

    Parameters
    ----------
    path : Path
        Where its bytes are.
    format : {"csv", "tsv", "jsonl", "json", "parquet", "xlsx", "counts"}
        How they are laid out; of a log that a tool wrote, the name of its format.
    compression : {"none", "gzip", "zstd"}
        How they are packed.
    name : str
        What to call it in messages.
    stamp : tuple of int
        Device, inode, size and time of the last change, when it was looked into.
    longest : int
        Bytes that a line of it may have; an engine holds many such lines at once.
    unit : str
        What to call the place of a record in messages.
    """

    path: Path
    format: str
    compression: str
    name: str
    stamp: tuple[int, ...] = ()
    longest: int = MAX_LINE
    unit: str = "line"

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the unpacked bytes.

        Raises
        ------
        FileError
            If they cannot be read or unpacked, also later, while they are read.
        """
        with unreadable(self.name), unpack(self.path, self.compression) as opened:
            yield opened


def stamp(told: os.stat_result) -> tuple[int, ...]:
    """Return what tells a file, and a state of it, from others."""
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def check_unchanged(files: Iterable[DataFile]) -> None:
    """Make sure that files are what they were when they were looked into.

    Raises
    ------
    FileError
        If one was changed or replaced since, so that what was counted may be of two states.
    """
    for file in files:
        with unreadable(file.name):
            now = stamp(file.path.stat())
        if file.stamp and now != file.stamp:
            raise FileError(
                f"{file.name} changed while it was read, so what was counted may be of two states of it. Run again "
                "when nothing writes to it."
            )


def ends_in(file: DataFile, mark: bytes) -> bool:
    """Tell whether the last byte that is not blank is `mark`."""
    last = b""
    with file.open() as opened:
        if file.compression == "none":
            opened.seek(max(file.path.stat().st_size - 4096, 0))
        while block := opened.read(1 << 20):
            last = block.strip()[-1:] or last
    return last == mark


def ends_too_long(file: DataFile) -> bool:
    """Tell whether the last line is longer than any record may be; DuckDB leaves it out unsaid."""
    if file.compression == "none":
        return _last_line(file) > MAX_LINE
    if file.path.stat().st_size * _MOST_PACKED <= MAX_LINE:
        return False
    length = 0
    with file.open() as opened:
        while block := opened.read(1 << 20):
            end = block.rstrip(b"\r\n") if len(block) < 1 << 20 else block
            at = end.rfind(b"\n")
            length = length + len(end) if at < 0 else len(end) - at - 1
    return length > MAX_LINE


def _last_line(file: DataFile) -> int:
    """Measure the last line from the end, up to what is too long."""
    with file.open() as opened:
        end = opened.seek(0, os.SEEK_END)
        size = end
        while size and end - size <= MAX_LINE:
            start = max(size - (1 << 16), 0)
            opened.seek(start)
            block = opened.read(size - start)
            if size == end:
                end -= len(block) - len(block.rstrip(b"\r\n"))
                block = block.rstrip(b"\r\n")
            at = block.rfind(b"\n")
            if at >= 0:
                return end - (start + at + 1)
            size = start
    return end - size


def recognize_log(path: Path, *, format: str | None, name: str) -> DataFile | None:  # noqa: A002
    """Look into a file or a folder to tell whether it is the log of a tool.

    Parameters
    ----------
    path : Path
        Where it lies.
    format : str or None
        The name of a format of logs that it is said to have; None or `MAPPED` to go by what it holds.
    name : str
        What to call it in messages.

    Raises
    ------
    FileError
        If it is known and cannot be read as pairs, or is not what it is said to be.
    """
    found = recognise(Log(path, name), mapped=format == MAPPED)
    if isinstance(found, Refused):
        raise FileError(f"{name} is {found.name}. {found.why}")
    if format not in (None, MAPPED) and (found is None or found.name != format):
        seems = f"; it looks like {found.name}" if found else ""
        raise FileError(
            f"{name} is no log of {format}{seems}. {named(format).title}. See what it is: riskshift doctor {name}"
        )
    if found is None:
        return None
    with unreadable(name):
        state = stamp(path.stat())
    return DataFile(path, found.name, "none", name, state)


def recognize(path: Path, *, format: str | None, name: str, sure: bool = False) -> DataFile:  # noqa: A002
    """Look into a file to tell how it is packed and laid out.

    Parameters
    ----------
    path : Path
        Where its bytes are.
    format : str or None
        What its name says; None to go by the bytes alone.
    name : str
        What to call it in messages.
    sure : bool, default False
        Whether the user said so, and not its name.

    Raises
    ------
    FileError
        If it cannot be opened, is empty, or is encoded in UTF-16 without a mark that says so.
    """
    with unreadable(name), path.open("rb") as packed:
        state = stamp(os.fstat(packed.fileno()))
        magic = packed.read(4)
    compression = packing(magic)
    if magic == b"PAR1" and not sure:
        return DataFile(path, "parquet", "none", name, state)
    if magic == _ZIP and _WORKBOOK in Log(path, name).inside:
        return DataFile(path, "xlsx", "none", name, state)
    if magic == _ZIP and f"{HEAD}.npy" in Log(path, name).inside:
        return DataFile(path, COUNTS, "none", name, state)
    if format == COUNTS and compression != "none":
        raise FileError(f"{name}: counts are not read from a packed file. Unpack it.")
    if format == COUNTS:
        raise FileError(f"{name} holds no counts that riskshift collapse wrote, or was cut off.")
    if format == "xlsx":
        raise FileError(f"{name} is no Excel workbook (.xlsx), or was cut off.")
    file = DataFile(path, format or "csv", compression, name, state)
    with file.open() as opened:
        start = opened.read(4096)
    if not start:
        raise FileError(f"{name} is empty.")
    if file.format == "parquet":
        return file
    if start.startswith(_UTF32) or b"\0\0\0" in start[:4]:
        raise FileError(f"{name} is not UTF-8; it looks like UTF-32. Save it as UTF-8.")
    if start.startswith(UTF16) and format in (None, "csv", "tsv"):
        return file  # as Excel writes text; a copy of it is read
    if start.startswith(UTF16) or b"\0" in start[:2]:
        raise FileError(f"{name} is not UTF-8; it looks like UTF-16. Save it as UTF-8.")
    if format is None or file.format in ("json", "jsonl"):
        return replace(file, format=_layout(file, format))
    return file


def _layout(file: DataFile, format: str | None) -> str:  # noqa: A002
    """Tell JSON lines from a JSON array, and both from delimited text, by the first full line."""
    with file.open() as opened:
        line = opened.readline(MAX_LINE).removeprefix(BOM)
        while line and not line.strip():
            line = opened.readline(MAX_LINE)
    line = line.strip()
    if line.startswith(b"{"):
        return "jsonl" if format == "jsonl" or isinstance(_parsed(line), dict) else "json"
    if line.startswith(b"["):
        items = _parsed(line)
        whole = isinstance(items, list) and not all(isinstance(item, dict) for item in items)
        return "jsonl" if whole and format == "jsonl" else "json"
    return format or ("tsv" if b"\t" in line else "csv")


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
