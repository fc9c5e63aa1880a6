"""Where files are written: all of a command beside their places, then all renamed.

What is no regular file is written into: a device or a pipe must not be replaced by a file. A link
stays a link, and the file that it leads to is written.
"""

import errno
import os
import secrets
import signal
import stat
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from riskshift.errors import OutputError, listing
from riskshift.scratch import is_left_over, lock

_BESIDE: Final = ".riskshift-"
# So long after a file appeared, the process that made it has surely locked it.
_YOUNG: Final = 60.0
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SIGNALS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@dataclass(slots=True)
class _Batch:
    """What is to be seen together: files beside their targets, and bytes for what is no file."""

    staged: list[tuple[Path, Path, Path]] = field(default_factory=list)  # named, beside, target
    into: list[tuple[Path, Iterable[bytes]]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    def drop(self) -> None:
        """Take back whatever is not seen yet."""
        for _, beside, _ in self.staged:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        for folder in reversed(self.folders):
            with suppress(OSError):  # something stands in it
                folder.rmdir()
        for handle in self.handles:
            with suppress(OSError):
                os.close(handle)

    def seen(self) -> None:
        """Note that everything stands in its place."""
        self.staged.clear()
        self.folders.clear()
        self.drop()


_open: Final[ContextVar[_Batch | None]] = ContextVar("riskshift_outputs", default=None)


def check_folder(folder: Path) -> None:
    """Refuse a folder that does not exist or cannot be written to."""
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder. Create it first.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder} cannot be written to. Choose another place.")


def check_place(path: Path, *, example: str = "") -> None:
    """Refuse a place where nothing could be written, before any work is done.

    Parameters
    ----------
    path : Path
        A file, a pipe, a character device such as ``/dev/null``, or a link to one of them.
    example : str
        Name of a file to propose where a folder was named.

    Raises
    ------
    OutputError
        If nothing can be written there, or its folder cannot be written to.
    """
    with _told(path):
        found = _found(path)
        if found is None or stat.S_ISREG(found.st_mode):
            check_folder(_target(path).parent)
        elif stat.S_ISDIR(found.st_mode):
            such = f", such as {path / example}" if example else ""
            raise OutputError(f"{path} is a folder. Name a file in it{such}.")
        elif not (stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
            raise OutputError(f"{path} is a socket or a disk. Name a file.")


def check_file(
    path: str | Path, suffixes: Collection[str], *, rule: str, example: str = ""
) -> Path:
    """Refuse a file whose suffix is not among those known, or that could not be written.

    Parameters
    ----------
    path : path
        The file.
    suffixes : collection of str
        Those known, in lower case.
    rule : str
        What is to be said before they are named, such as "Reports end in".
    example : str
        As in `check_place`.

    Raises
    ------
    OutputError
        If the suffix is unknown, the path is a folder, or its folder cannot be written to.
    """
    place = Path(path)
    if place.suffix.lower() not in suffixes and place.name:
        raise OutputError(f"{path}: unknown suffix {place.suffix!r}. {rule} {listing(suffixes)}.")
    check_place(place, example=example)
    return place


@contextmanager
def together() -> Iterator[None]:
    """Let all that is written in a block be seen at its end, at once, or none of it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with together():
    ...     place = write_bytes(folder / "a.json", b"{}")
    ...     print(place.exists())
    False
    >>> place.exists()
    True
    """
    if _open.get() is not None:
        yield
        return
    batch = _Batch()
    token = _open.set(batch)
    try:
        yield
        _publish(batch)
    finally:
        batch.drop()
        _open.reset(token)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write beside, then rename: at once, or at the end of the block `together`.

    Raises
    ------
    OutputError
        If the file cannot be written; nothing is left behind.
    """
    return write_blocks(path, [content])


def write_blocks(path: Path, blocks: Iterable[bytes]) -> Path:
    """Write what is too large to be held, block by block; otherwise as `write_bytes`."""
    with together(), _told(path):
        batch = _open.get() or _Batch()
        found = _found(path)
        if found is None or (stat.S_ISREG(found.st_mode) and not _is_standard_output(found)):
            _stage(batch, path, blocks, found)
        else:
            batch.into.append((path, blocks))
    return path


def give_up() -> None:
    """Take back what is not seen yet, where the block `together` will not come to its end."""
    batch = _open.get()
    if batch is not None:
        batch.drop()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; they go again if the block `together` fails.

    Raises
    ------
    OutputError
        If it cannot be made or written to.
    """
    batch = _open.get() or _Batch()
    try:
        lacking = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(lacking):
            batch.folders.append(place)
            place.mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        raise OutputError(f"{_short(folder)} cannot be made: {_reason(error)}.") from error
    check_folder(folder)


def _stage(
    batch: _Batch, path: Path, blocks: Iterable[bytes], found: os.stat_result | None
) -> None:
    target = _target(path)
    _sweep(target.parent)
    beside = target.with_name(f"{_BESIDE}{secrets.token_hex(8)}")
    # In the batch first, so that it goes however this ends.
    batch.staged.append((path, beside, target))
    # With the permissions of any new file, for the system knows the umask; an old file keeps its.
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    batch.handles.append(handle)
    lock(handle)
    if found is not None:
        beside.chmod(stat.S_IMODE(found.st_mode))
    for block in blocks:
        _write(handle, block)
    os.fsync(handle)  # a full disk may say so only now


def _publish(batch: _Batch) -> None:
    """Write into what is no file, then rename all; if one cannot be, put the old ones back."""
    for path, blocks in batch.into:
        with _told(path):
            _write_into(path, b"".join(blocks))
    with _undisturbed():
        undo: list[tuple[Path, Path | None]] = []
        kept: list[Path] = []
        try:
            for path, beside, target in batch.staged:
                with _told(path):
                    old = _kept(target, kept) if len(batch.staged) > 1 else None
                    is_new = not os.path.lexists(target)
                    beside.replace(target)
                    if old is not None or is_new:
                        undo.append((target, old))
        except BaseException:
            for target, old in reversed(undo):
                with suppress(OSError):
                    target.unlink() if old is None else old.replace(target)
            raise
        finally:
            for old in kept:
                old.unlink(missing_ok=True)
        batch.seen()


def _kept(target: Path, kept: list[Path]) -> Path | None:
    """Give an old file a second name, so that it can be put back; None if there is none."""
    old = target.with_name(f"{_BESIDE}{secrets.token_hex(8)}")
    kept.append(old)
    try:
        old.hardlink_to(target)
    except OSError:  # there is none, or the disk knows no second names
        return None
    return old


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back that would part files which are to be seen together."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals never end here
        return
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)

    before: dict[int, Any] = {}
    try:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, hold)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in held[:1]:
            signal.raise_signal(number)


def _write_into(path: Path, content: bytes) -> None:
    """Write into a device, a pipe, or what standard output is bound to."""
    if _is_standard_output(path.stat()):
        sys.stdout.flush()
        _write(1, content)
        return
    # Without waiting for somebody to read: a pipe without a reader would hold the command forever.
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    try:
        os.set_blocking(handle, True)
        _write(handle, content)
    finally:
        os.close(handle)


def _write(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _is_standard_output(found: os.stat_result) -> bool:
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:  # it is closed
        return False


def _found(path: Path) -> os.stat_result | None:
    """Look at what stands there, or where a link leads; None if there is nothing yet."""
    if str(path) in ("", "."):
        raise OutputError("an output is the empty path or '.', which is a folder. Name a file.")
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:  # whoever looks at the folder says so
        return None


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system says about a place into a message."""
    try:
        yield
    except (OutputError, BrokenPipeError):
        raise
    except (OSError, ValueError) as error:
        raise OutputError(f"{_short(path)} cannot be written: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "nobody reads from it"
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"{error.strerror}. Make room there, or name another place"
    return getattr(error, "strerror", None) or str(error)


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-60:]}"


def _sweep(folder: Path) -> None:
    """Remove what killed processes left beside their targets."""
    with suppress(OSError):
        for path in folder.glob(f"{_BESIDE}*"):
            if time.time() - path.lstat().st_mtime > _YOUNG and is_left_over(path):
                path.unlink(missing_ok=True)
