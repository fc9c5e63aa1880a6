"""Which files are meant: paths, globs, folders and standard input."""

import glob
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from riskshift.errors import FileError, UsageError, listing, unknown_choice
from riskshift.formats.catalogue import NAMES, recognise
from riskshift.formats.format import Format
from riskshift.formats.log import Log
from riskshift.packing import unreadable
from riskshift.reading.layout import COUNTS, FORMATS, MAPPED, DataFile, recognize, recognize_log
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
    ".xlsx": "xlsx",
    ".counts": COUNTS,
}
_PACKED: Final = (".gz", ".zst")
_RESULT: Final = re.compile(rb'\{\s*"schema_version":\s*\d+,\s*"kind":')


def find_files(
    paths: Iterable[str | Path],
    *,
    format: str | None = None,  # noqa: A002
    passed: Counter[str] | None = None,
) -> list[DataFile]:
    """Expand paths, globs, folders and ``-`` (standard input) to files.

    Parameters
    ----------
    paths : iterable of str or Path
        What the user named.
    format : str, optional
        One of `FORMATS` where the names do not tell, or the name of a format of logs.
    passed : Counter, optional
        Where what lies in a folder or fits a glob and is not read is counted, by reason.

    Returns
    -------
    list of DataFile
        In the order named; a folder's and a glob's files sorted by name.

    Raises
    ------
    FileError
        If something does not exist, cannot be looked into, is empty, holds no data files, or has an
        unknown format.
    UsageError
        If nothing was named, or a file twice.
    """
    if format is not None and format not in (*FORMATS, *NAMES, MAPPED):
        raise unknown_choice("input format", format, (*FORMATS, *NAMES))
    named = [str(path) for path in paths]
    if named.count("-") > 1:
        raise UsageError("standard input (-) is named twice, and can be read once.")
    files: list[DataFile] = []
    faults: list[str] = []
    passed = Counter() if passed is None else passed
    for path in named:
        try:
            files += _expand(path, format, faults, passed)
        except FileError as error:
            faults.append(str(error))
    if faults:
        raise FileError("\n".join(faults))
    if not files:
        raise UsageError("no input: name a file, a folder, a glob, or - for standard input.")
    _refuse_repeats(files)
    return files


def _refuse_repeats(files: Sequence[DataFile]) -> None:
    seen: dict[tuple[int, ...], int] = {}
    for at, file in enumerate(files):
        other = files[seen.setdefault(file.stamp[:2], at)]  # by device and inode
        if other is not file:
            also = "" if other.name == file.name else f" It is {other.name} too."
            raise UsageError(f"{file.name} is named twice; its records would count twice.{also}")


def _expand(
    path: str,
    format: str | None,  # noqa: A002
    faults: list[str],
    passed: Counter[str],
) -> list[DataFile]:
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
        matches = _matches(path, passed) if glob.has_magic(path) else []
        if not matches and place.is_symlink():
            raise FileError(f"{path} is a link to what is not there.")
        if not matches:
            raise FileError(
                f"{listing([path]) if path else 'The empty path'} does not exist. Give a file, a folder or a glob, "
                "or - for standard input."
            )
        return _each(matches, format, faults)
    if is_folder:
        if format not in FORMATS and is_log(place, format):
            return [_file(place, format)]
        inside = data_files(place, passed)
        if not inside:
            raise FileError(
                f"{path} is a folder without data files. Looked for {listing(_SUFFIXES)}, also "
                f"followed by .gz or .zst, and for logs of {listing(NAMES)}."
            )
        logs = [] if format in FORMATS else [file for file in inside if is_log(file, format)]
        passed["beside logs"] += len(inside) - len(logs) if logs else 0
        return _each(logs or inside, format, faults)
    return [_file(place, format)]


def _each(paths: Iterable[Path], format: str | None, faults: list[str]) -> list[DataFile]:  # noqa: A002
    files = []
    for path in paths:
        try:
            files.append(_file(path, format))
        except FileError as error:
            faults.append(str(error))
    return files


def _matches(pattern: str, passed: Counter[str]) -> list[Path]:
    """Return the files that fit a glob, sorted by name."""
    for at in range(1, len(Path(pattern).parts)):
        start = str(Path(*Path(pattern).parts[:at]))
        if glob.has_magic(start):
            for folder in filter(Path.is_dir, map(Path, glob.glob(start, recursive=True))):
                _entries(folder)  # glob passes over what it cannot look into
    found = []
    for path in map(Path, sorted(glob.glob(pattern, recursive=True))):
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            passed["folder that a glob fits"] += not pattern.endswith("**")
        elif path.is_symlink():
            raise FileError(f"{path} is a link to what is not there.")
        else:
            passed["no regular file"] += 1
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with unreadable(str(folder)), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def data_files(folder: Path, passed: Counter[str] | None = None) -> list[Path]:
    """Return the files that are read where a folder is named, sorted by name.

    Links are followed, but not to what is read without them.

    Parameters
    ----------
    folder : Path
        The folder.
    passed : Counter, optional
        Where what is not read is counted, by reason.

    Raises
    ------
    FileError
        If a folder in it cannot be looked into, or a link leads nowhere.
    """
    passed = Counter() if passed is None else passed
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    folders, linked, links = [folder], list[Path](), list[Path]()
    while folders or linked:
        here = folders.pop() if folders else linked.pop(0)
        if _inode(here) in seen:
            passed["link to what is read anyway"] += 1
            continue
        seen.add(_inode(here))
        for entry in _entries(here):
            path = Path(entry.path)
            if entry.name.startswith((".", "_")):
                passed["hidden, by a name that begins with . or _"] += 1
            elif not path.exists():
                raise FileError(f"{path} is a link to what is not there.")
            elif path.is_dir():
                (linked if entry.is_symlink() else folders).append(path)
            elif _format_of(path) is None and not is_log(path):
                passed["of another kind"] += 1
            elif _is_result(path):
                passed["a result of riskshift"] += 1
            elif not path.is_file():
                passed["no regular file"] += 1
            elif entry.is_symlink():
                links.append(path)
            else:
                found.append(path)
    held = set(map(_inode, found))
    for path in links:
        if _inode(path) in held:
            passed["link to what is read anyway"] += 1
        else:
            held.add(_inode(path))
            found.append(path)
    return sorted(found)


def _inode(path: Path) -> tuple[int, int]:
    with unreadable(str(path)):
        told = path.stat()
    return told.st_dev, told.st_ino


def looks_like_data(path: Path, root: Path) -> bool:
    """Tell whether a file of that name, in the folder `root` or below it, is read with it."""
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return not hidden and _format_of(path) is not None


def _format_of(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _is_result(path: Path) -> bool:
    """Tell whether riskshift wrote a file as a result, by how it begins: pairs never do."""
    if path.suffix != ".json" or not path.is_file():
        return False
    with unreadable(str(path)), path.open("rb") as opened:
        return _RESULT.match(opened.read(200)) is not None


def is_log(path: Path, format: str | None = None) -> bool:  # noqa: A002
    """Tell whether a file or a folder is the log of a tool, and can be read as pairs."""
    return isinstance(recognise(Log(path, str(path)), mapped=format == MAPPED), Format)


def _file(path: Path, format: str | None) -> DataFile:  # noqa: A002
    if not path.is_file() and not path.is_dir():
        # A pipe can be read once only, and labels are looked at more than once.
        with unreadable(str(path)), path.open("rb") as opened:
            return _spool(opened, format, str(path))
    said = format if format in FORMATS else None
    log = None if said else recognize_log(path, format=format, name=str(path))
    if log is not None:
        return log
    found = said or _format_of(path)
    if found is None:
        raise FileError(
            f"{path}: unknown suffix. Known: {listing(_SUFFIXES)}, also followed by .gz or .zst; "
            f"otherwise say what it is with --from {'|'.join(FORMATS)}. See what it is: riskshift doctor {path}"
        )
    return recognize(path, format=found, name=str(path), sure=said is not None)


def _spool(opened: IO[bytes], format: str | None, name: str) -> DataFile:  # noqa: A002
    """Copy a stream to a file, because labels are looked at more than once."""
    path = scratch_folder() / "stream"
    with path.open("wb") as spooled:
        shutil.copyfileobj(opened, spooled)
    said = format if format in FORMATS else None
    log = None if said else recognize_log(path, format=format, name=name)
    return log or recognize(path, format=said, name=name, sure=said is not None)


def tidy(files: Sequence[DataFile]) -> str:
    """Name the files in a message."""
    return files[0].name if len(files) == 1 else f"{len(files)} files"


def told_passed(passed: Mapping[str, int]) -> str:
    """Say what was found beside the files that are read; nothing if there is nothing to say.

    Examples
    --------
    >>> told_passed({"of another kind": 2, "no regular file": 1})
    ' (besides them 2 of another kind, 1 no regular file)'
    """
    parts = [f"{n:,} {reason}" for reason, n in passed.items() if n]
    return f" (besides them {', '.join(parts)})" if parts else ""


def model_name(path: str | Path) -> str:
    """Name a model after its file: the file's name without what tells how it is laid out.

    Examples
    --------
    >>> model_name("runs/gpt-4.1.jsonl.gz"), model_name("gpt-4.1"), model_name("gpt-4.csv")
    ('gpt-4.1', 'gpt-4.1', 'gpt-4')
    """
    name = Path(path).name
    for suffixes in (_PACKED, tuple(_SUFFIXES)):
        suffix = Path(name).suffix
        if suffix.lower() in suffixes:
            name = name.removesuffix(suffix)
    return name
