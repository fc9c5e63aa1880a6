"""Folders for what is spooled while a command runs: made, removed at the end, swept if a process died.

They hold copies of prompts and responses, so none may stay. A lock on a file inside says that the
process that made a folder lives; the system lets go of it however that process ends.
"""

import atexit
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from riskshift.errors import OutputError

PREFIX: Final = "riskshift-"
_LOCK: Final = "lock"
# How the system says that there is no more room, and how DuckDB says it of what it keeps on disk.
_FULL: Final = (
    *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    *("failed to offload", "Could not write"),
)
# Folders of this process, each with the open file that holds its lock, and the process itself: a
# fork inherits the folders, and must not remove them.
_held: Final[dict[Path, tuple[int, int]]] = {}
_swept: Final[set[str]] = set()


def lock(handle: int) -> bool:
    """Lock an open file for as long as this process holds it; False if another one does."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def scratch_folder() -> Path:
    """Make a folder that goes when the process ends, and sweep those of dead processes.

    Returns
    -------
    Path
        Only the user may look into it.
    """
    _sweep(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = os.open(folder / "unlocked", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _held[folder] = (handle, os.getpid())
    lock(handle)
    # Only now may another process take it for a lock: it would find it held.
    (folder / "unlocked").rename(folder / _LOCK)
    return folder


@contextmanager
def scratch() -> Iterator[Path]:
    """Lend a folder for the length of a block.

    Raises
    ------
    OutputError
        If there is no more room for what the block writes there.
    """
    folder = scratch_folder()
    try:
        yield folder
    except OutputError:
        raise
    except OSError as error:
        if told := full(str(error)):
            raise OutputError(f"nothing was written: {told}") from error
        raise
    finally:
        remove(folder)


def full(reason: str) -> str | None:
    """Say that there is no more room for what is spooled, and what to do; None of any other reason."""
    reason = reason.partition("\n")[0]  # further lines of an engine's may quote the data
    if not any(sign in reason for sign in _FULL):
        return None
    return (
        f"the folder for temporary files, {tempfile.gettempdir()}, is full or may hold no more "
        f"({reason.rstrip('.')}). Name one with more room: TMPDIR=FOLDER."
    )


def remove(folder: Path) -> None:
    """Remove a folder of this process; one that is gone, or its parent's, is left alone."""
    handle, maker = _held.get(folder, (-1, -1))
    if maker != os.getpid():
        return
    shutil.rmtree(folder, ignore_errors=True)
    del _held[folder]
    with suppress(OSError):
        os.close(handle)


@atexit.register
def remove_all() -> None:
    """Remove every folder of this process."""
    for folder in list(_held):
        remove(folder)


def _sweep(place: str) -> None:
    """Remove what dead processes of this user left; once a process and place."""
    if place in _swept:
        return
    _swept.add(place)
    with suppress(OSError):
        for folder in Path(place).glob(f"{PREFIX}*"):
            if folder not in _held and _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    """Tell whether a folder is one of ours whose process is gone."""
    # A link that somebody else put there is never followed.
    return folder.is_dir() and not folder.is_symlink() and is_left_over(folder / _LOCK)


def is_left_over(path: Path) -> bool:
    """Tell whether a file that a living process would have locked belongs to a dead one."""
    if sys.platform == "win32":
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.fstat(handle).st_uid == os.getuid() and lock(handle)
    finally:
        os.close(handle)
