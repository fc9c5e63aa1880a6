"""The journal: every answer is written down when it comes, so that nothing is asked twice.

One line of JSON a text, appended with one system call: whatever ends the process, at most the last
line is torn. Answers stand there as they came; labels are read of them anew.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from riskshift.errors import FileError, OutputError
from riskshift.graders.asking import Answer
from riskshift.scratch import lock

SUFFIX: Final = ".journal"
_KIND: Final = "riskshift label"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Line:
    """What was answered of a text.

    Parameters
    ----------
    key : str
        Of the item: see `riskshift.running.tasks.key_of`.
    about : mapping of str to str
        Who was asked, of which side: ``grader``, ``model``, ``fingerprint``, ``address``, ``side``.
    tries : sequence of sequence of Answer
        What each asking brought; the last one counts.
    """

    key: str
    about: Mapping[str, str]
    tries: Sequence[Sequence[Answer]]


@dataclass(slots=True)
class Journal:
    """A file of answers, locked while it is open.

    Parameters
    ----------
    path : Path
        Where it stands.
    lines : dict of str to Line
        What it held when it was opened, by key.
    """

    path: Path
    lines: dict[str, Line] = field(default_factory=dict)
    _handle: int = -1

    @classmethod
    def beside(cls, output: Path) -> "Journal":
        """Open the journal of an output, and make it if there is none.

        Raises
        ------
        FileError
            If something else stands there, or a line in its midst is spoilt.
        OutputError
            If it cannot be written, or another process writes to it.
        """
        journal = cls(journal_of(output))
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            journal._handle = os.open(journal.path, flags, 0o666)
            if sys.platform != "win32" and not lock(journal._handle):
                journal.close()
                raise OutputError(
                    f"{journal.path} is in use: another riskshift label writes there. Wait for it, or name another "
                    "output."
                )
            journal._read()
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{journal.path} cannot be written: {error.strerror}.") from error
        return journal

    def add(self, line: Line) -> None:
        """Write down what came of a text."""
        tries = [[_short(answer) for answer in answers] for answers in line.tries]
        self._write({"key": line.key, **line.about, "tries": tries})

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._handle)

    def _write(self, told: Mapping[str, Any]) -> None:
        # Escaped throughout: answers are hostile text, and half a surrogate pair is no UTF-8.
        left = memoryview(json.dumps(told).encode() + b"\n")
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}.") from error

    def _read(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # torn when the process ended
            os.ftruncate(self._handle, whole)
        if not whole:
            self._write({"journal": _KIND, "version": _VERSION})
        self.lines = _by_key(self.path, content[:whole])


def journal_of(output: Path) -> Path:
    """Return where the journal of an output stands."""
    return output.with_suffix(SUFFIX)


def read_journal(output: Path) -> dict[str, Line]:
    """Read what the journal of an output holds, by key; nothing if there is none.

    Raises
    ------
    FileError
        If something else stands there, or a line in its midst is spoilt.
    """
    path = journal_of(output)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from error
    return _by_key(path, content[: content.rfind(b"\n") + 1])


def _by_key(path: Path, content: bytes) -> dict[str, Line]:
    return {line.key: line for line in _lines(path, content)}


def _lines(path: Path, content: bytes) -> Iterator[Line]:
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            told = json.loads(text)
            if number == 1:
                if (told["journal"], told["version"]) != (_KIND, _VERSION):
                    raise ValueError(text)
                continue
            key, tries = told.pop("key"), told.pop("tries")
            yield Line(key, told, [[Answer(**answer) for answer in one] for one in tries])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what, fix = "is spoilt there", "Take that line out"
            if number == 1:
                what, fix = "is no journal of riskshift label", "Move it away"
            raise FileError(
                f"{path}, line {number:,}: the file {what}. {fix}, or name another output."
            ) from error


def _short(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in asdict(answer).items() if value is not None}
