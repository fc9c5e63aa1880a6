"""Say of which files a check spoke: their bytes, by digest, from before they were read."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskshift.errors import UsageError
from riskshift.packing import unreadable
from riskshift.reading.layout import DataFile, check_unchanged
from riskshift.reading.paths import find_files

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Subjects:
    """Files whose bytes were digested.

    Parameters
    ----------
    files : tuple of DataFile
        The files.
    digests : dict of str to str
        By name the SHA-256 of the bytes as they lie, packed or not.
    """

    files: tuple[DataFile, ...]
    digests: dict[str, str]

    @classmethod
    def of(cls, named: Mapping[str, Any], format: str | None = None) -> "Subjects":  # noqa: A002
        """Digest everything that a check will read.

        Parameters
        ----------
        named : mapping of str to path, list of paths, or None
            By what it is, such as ``"--baseline"``.
        format : str, optional
            As `find_files` takes it.

        Raises
        ------
        UsageError
            If standard input is among them: it can be read once only.
        FileError
            If something is not there or cannot be read.
        """
        files: list[DataFile] = []
        digests: dict[str, str] = {}
        for what, paths in named.items():
            listed = [paths] if isinstance(paths, str | Path) else list(paths or ())
            if "-" in map(str, listed):
                raise UsageError(
                    f"{what} is standard input (-), whose bytes nobody can look up: name a file to attest it."
                )
            for file in find_files(listed, format=format) if listed else ():
                files.append(file)
                digests |= {name: _digest(path) for name, path in _inside(file)}
        return cls(tuple(files), digests)

    def check_unchanged(self) -> None:
        """Make sure that they are still what was digested.

        Raises
        ------
        FileError
            If one was changed or replaced since.
        """
        check_unchanged(self.files)


def _inside(file: DataFile) -> Iterator[tuple[str, Path]]:
    """Yield a file; of a log that is a folder, all that lies in it."""
    if not file.path.is_dir():
        yield file.name, file.path
        return
    for path in sorted(file.path.rglob("*")):
        if path.is_file():
            yield str(Path(file.name) / path.relative_to(file.path)), path


def _digest(path: Path) -> str:
    made = hashlib.sha256()
    with unreadable(str(path)), path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            made.update(block)
    return made.hexdigest()
