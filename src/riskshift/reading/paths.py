"""Which files are meant: paths, globs, folders and standard input."""

import glob
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

from riskshift.errors import FileError, UsageError, listing, unknown_choice
from riskshift.reading.datafile import FORMATS, DataFile, recognize, unreadable
from riskshift.scratch import scratch_folder

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
_PACKED: Final = (".gz", ".zst")


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
        If something does not exist, is empty, holds no data files, or has an unknown format.
    UsageError
        If nothing was named, or a file twice.
    """
    if format is not None and format not in FORMATS:
        raise unknown_choice("input format", format, FORMATS)
    named = [str(path) for path in paths]
    if named.count("-") > 1:
        raise UsageError("- is given twice, and standard input can be read only once.")
    files: list[DataFile] = []
    faults: list[str] = []
    for path in named:
        try:
            files += _expand(path, format, faults)
        except FileError as error:
            faults.append(str(error))
    if faults:
        raise FileError("\n".join(faults))
    if not files:
        raise UsageError("no input: name a file, a folder, a glob, or - for standard input.")
    _refuse_repeats(files)
    return files


def _refuse_repeats(files: Sequence[DataFile]) -> None:
    seen: set[Path] = set()
    for file in files:
        real = file.path.resolve()
        if real in seen:
            raise UsageError(f"{file.name} is named twice; its records would count twice.")
        seen.add(real)


def _expand(path: str, format: str | None, faults: list[str]) -> list[DataFile]:  # noqa: A002
    if path == "-":
        if sys.stdin is None:
            raise FileError("standard input is closed, so there is nothing to read from it.")
        with unreadable("standard input"):
            return [_spool(sys.stdin.buffer, format, "standard input")]
    place = Path(path)
    try:
        exists, is_folder = place.exists() and path != "", place.is_dir()
    except (OSError, ValueError) as error:
        shown = path if len(path) <= 200 else f"{path[:100]}...{path[-60:]}"
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{shown!r} cannot be opened: {reason}.") from error
    if not exists:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
        if not matches:
            raise FileError(
                f"{listing([path]) if path else 'The empty path'} does not exist. Give a file, a folder or a glob, "
                "or - for standard input."
            )
        return _each((Path(p) for p in matches if Path(p).is_file()), format, faults)
    if is_folder:
        inside = data_files(place)
        if not inside:
            raise FileError(
                f"{path} is a folder without data files. Looked for {listing(_SUFFIXES)}, also "
                "followed by .gz or .zst."
            )
        return _each(inside, format, faults)
    return [_file(place, format)]


def _each(paths: Iterable[Path], format: str | None, faults: list[str]) -> list[DataFile]:  # noqa: A002
    files = []
    for path in paths:
        try:
            files.append(_file(path, format))
        except FileError as error:
            faults.append(str(error))
    return files


def data_files(folder: Path) -> list[Path]:
    """Return the files that are read where a folder is named, sorted by name."""
    return sorted(p for p in folder.rglob("*") if looks_like_data(p, folder) and p.is_file())


def looks_like_data(path: Path, root: Path) -> bool:
    """Tell whether a file of that name, in the folder `root` or below it, is read with it."""
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return not hidden and _format_of(path) is not None


def _format_of(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _file(path: Path, format: str | None) -> DataFile:  # noqa: A002
    if not path.is_file():
        # A pipe can be read once only, and labels are looked at more than once.
        with unreadable(str(path)), path.open("rb") as opened:
            return _spool(opened, format, str(path))
    found = format or _format_of(path)
    if found is None:
        raise FileError(
            f"{path}: unknown suffix. Known: {listing(_SUFFIXES)}, also followed by .gz or .zst; "
            f"otherwise say what it is with --from {'|'.join(FORMATS)}."
        )
    return recognize(path, format=found, name=str(path), sure=format is not None)


def _spool(opened: IO[bytes], format: str | None, name: str) -> DataFile:  # noqa: A002
    """Copy a stream to a file, because labels are looked at more than once."""
    path = scratch_folder() / "stream"
    with path.open("wb") as spooled:
        shutil.copyfileobj(opened, spooled)
    return recognize(path, format=format, name=name, sure=format is not None)


def tidy(files: Sequence[DataFile]) -> str:
    """Name the files in a message."""
    return files[0].name if len(files) == 1 else f"{len(files)} files"
