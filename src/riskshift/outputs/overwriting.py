"""What is read is never written over, and no two results go to one file."""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from riskshift.errors import OutputError
from riskshift.reading.paths import data_files, looks_like_data

STDIN: Final = "-"


def refuse_overwriting(
    written: Mapping[str, Any], read: Mapping[str, Any], *, fix: str = "name another file"
) -> None:
    """Refuse an output that is an input or another output, before any work is done.

    Paths are compared as the files that they lead to. A file that does not exist yet counts as read
    if it would be the next time: where a folder is read with all that is in it, or a glob.

    Parameters
    ----------
    written, read : mapping of str to path, list of paths, or anything else
        By the name of the option or argument. What is no path is neither read nor written here.
    fix : str
        What to do about it.

    Raises
    ------
    OutputError
        If there is one; it names both.

    Examples
    --------
    >>> refuse_overwriting({"-o": ["report.html"]}, {"data": ["pairs.csv"], "--people": None})
    >>> refuse_overwriting({"-o": ["kept.csv"]}, {"data": ["pairs.csv"], "--people": "kept.csv"})
    Traceback (most recent call last):
        ...
    riskshift.errors.OutputError: -o kept.csv is also read as --people: name another file.
    """
    taken: list[tuple[str, str]] = []
    for option, place in _paths(written):
        for other, path in taken:
            if _same(place, path):
                again = "is given twice" if other == option else f"is also written as {other}"
                raise OutputError(f"{option} {place} {again}: {fix}.")
        for name, path in _paths(read):
            clash = _clash(place, path, name, fix)
            if clash:
                raise OutputError(f"{option} {place} {clash}.")
        taken.append((option, place))


def _paths(named: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, given in named.items():
        for path in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(path, (str, os.PathLike)) and path != STDIN:
                yield name, os.fsdecode(path)


def _clash(place: str, path: str, name: str, fix: str) -> str | None:
    """Say how reading `path` reads `place` too; None if it does not."""
    if _same(place, path):
        return f"is also read as {name}{'' if place == path else f' ({path})'}: {fix}"
    try:
        exists, is_folder = Path(path).exists(), Path(path).is_dir()
    except (OSError, ValueError):  # who reads it says what is wrong
        return None
    if is_folder:
        inside = _would_lie_in(place, path) or _is_among(place, data_files(Path(path)))
        return (
            f"lies in {path}, all of which is read as {name}: write elsewhere" if inside else None
        )
    if exists or not glob.has_magic(path):
        return None
    fits = _would_fit(place, path) or _is_among(place, glob.glob(path, recursive=True))
    return f"fits {path!r}, which is read as {name}: {fix}" if fits else None


def _same(one: str | Path, other: str | Path) -> bool:
    try:
        return os.path.realpath(one) == os.path.realpath(other) or Path(one).samefile(other)
    except (OSError, ValueError):  # one is not there, or is no path
        return False


def _is_among(place: str, files: Sequence[str | Path]) -> bool:
    return Path(place).exists() and any(_same(place, file) for file in files)


def _would_lie_in(place: str, folder: str) -> bool:
    real, root = Path(os.path.realpath(place)), Path(os.path.realpath(folder))
    return real.is_relative_to(root) and looks_like_data(real, root)


def _would_fit(place: str, pattern: str) -> bool:
    """Tell whether a glob would find a file that need not be there; its folder must be."""
    head, tail = os.path.split(pattern)
    name, deep = Path(place).name, tail == "**"
    if not (deep or fnmatch(name, tail)) or (name.startswith(".") and not tail.startswith(".")):
        return False
    # By its full name, for a relative ** does not find the folder that it starts from.
    full = Path(glob.escape(str(Path.cwd())), pattern if deep else head)
    folders = glob.glob(str(full), recursive=True)
    return any(_same(Path(place).parent, folder) for folder in folders)
