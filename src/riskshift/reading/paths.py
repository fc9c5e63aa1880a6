"""Which files are meant: paths, globs, folders and standard input."""

import atexit
import glob
import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from riskshift.errors import FileError, UsageError, listing, unknown_choice

FORMATS: Final = ("csv", "tsv", "jsonl", "json", "parquet")
_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file to read.

    Parameters
    ----------
    path : Path
        Where its bytes are.
    format : {"csv", "tsv", "jsonl", "json", "parquet"}
        How they are laid out.
    compression : {"none", "gzip", "zstd"}
        How they are packed.
    name : str
        What to call it in messages.
    """

    path: Path
    format: str
    compression: str
    name: str

    def open(self) -> IO[bytes]:
        """Open the unpacked bytes."""
        return unpack(self.path, self.compression)


def unpack(path: Path, compression: str) -> IO[bytes]:
    """Open a file that may be compressed."""
    if compression == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if compression == "zstd":
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        return cast("IO[bytes]", zstd.open(path, "rb"))
    return path.open("rb")


def find_files(paths: Iterable[str | Path], *, format: str | None = None) -> list[DataFile]:  # noqa: A002
    """Expand paths, globs, folders and ``-`` (standard input) to files.

    Parameters
    ----------
    paths : iterable of str or Path
        What the user named.
    format : str, optional
        One of `FORMATS`, where the names do not tell.

    Returns
    -------
    list of DataFile
        In the order named; a folder's and a glob's files sorted by name.

    Raises
    ------
    FileError
        If something does not exist, holds no data files, or has an unknown format.
    UsageError
        If nothing was named, or a file twice.
    """
    if format is not None and format not in FORMATS:
        raise unknown_choice("input format", format, FORMATS)
    files = [file for path in paths for file in _expand(str(path), format)]
    if not files:
        raise UsageError("no input: name a file, a folder, a glob, or - for standard input.")
    seen: set[Path] = set()
    for file in files:
        real = file.path.resolve()
        if real in seen:
            raise UsageError(f"{file.name} is named twice; its records would count twice.")
        seen.add(real)
        _refuse_empty(file)
    return files


def _expand(path: str, format: str | None) -> list[DataFile]:  # noqa: A002
    if path == "-":
        return [_spool(format)]
    place = Path(path)
    if place.is_dir():
        inside = sorted(p for p in place.rglob("*") if _is_data(p, place))
        if not inside:
            raise FileError(
                f"{path} is a folder without data files. Looked for {listing(_SUFFIXES)}, also .gz and .zst."
            )
        return [_file(p, format) for p in inside]
    if place.exists():
        return [_file(place, format)]
    matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
    if not matches:
        raise FileError(
            f"{path} does not exist. Give a file, a folder or a glob, or - for standard input."
        )
    return [_file(Path(p), format) for p in matches if Path(p).is_file()]


def _is_data(path: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return not hidden and path.is_file() and _format_of(path) is not None


def _format_of(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _file(path: Path, format: str | None) -> DataFile:  # noqa: A002
    found = format or _format_of(path)
    if found is None:
        raise FileError(
            f"{path}: unknown suffix. Known: {listing(_SUFFIXES)}, also followed by .gz or .zst; "
            f"otherwise say what it is with --from {'|'.join(FORMATS)}."
        )
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise FileError(f"{path} cannot be opened: {error.strerror or error}.") from error
    compression = next((name for start, name in _MAGIC.items() if magic.startswith(start)), "none")
    if found == "json":
        found = _array_or_lines(path, compression)
    return DataFile(path, found, compression, str(path))


def _array_or_lines(path: Path, compression: str) -> str:
    # Many tools write JSON lines into a file called .json.
    with unpack(path, compression) as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    return "jsonl" if start.startswith(b"{") and _first_line_is_whole(path, compression) else "json"


def _first_line_is_whole(path: Path, compression: str) -> bool:
    with unpack(path, compression) as file:
        line = file.readline(1 << 20).strip()
    return line.endswith(b"}") and len(line) > 1


def _refuse_empty(file: DataFile) -> None:
    try:
        with file.open() as opened:
            empty = not opened.read(1)
    except (OSError, EOFError, ValueError) as error:
        raise FileError(f"{file.name} cannot be read: {error}.") from error
    if empty:
        raise FileError(f"{file.name} is empty.")


def _spool(format: str | None) -> DataFile:  # noqa: A002
    """Copy standard input to a file, because labels are looked at more than once."""
    folder = Path(tempfile.mkdtemp(prefix="riskshift-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "stdin"
    with path.open("wb") as spooled:
        shutil.copyfileobj(sys.stdin.buffer, spooled)
    with path.open("rb") as file:
        magic = file.read(4)
    compression = next((name for start, name in _MAGIC.items() if magic.startswith(start)), "none")
    if magic == b"PAR1":
        return DataFile(path, format or "parquet", "none", "standard input")
    try:
        with unpack(path, compression) as unpacked:
            line = unpacked.readline(1 << 20).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, EOFError, ValueError) as error:
        raise FileError(f"standard input cannot be read: {error}.") from error
    guess = (
        "json"
        if line[:1] == b"["
        else "jsonl"
        if line[:1] == b"{"
        else "tsv"
        if b"\t" in line
        else "csv"
    )
    return DataFile(path, format or guess, compression, "standard input")


def tidy(files: Sequence[DataFile]) -> str:
    """Name the files in a message."""
    return files[0].name if len(files) == 1 else f"{len(files)} files"
