"""Where files are written: beside their place, then renamed."""

import os
import tempfile
from pathlib import Path

from riskshift.errors import OutputError


def check_folder(folder: Path) -> None:
    """Refuse a folder that does not exist or cannot be written to."""
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder. Create it first.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder} cannot be written to. Choose another place.")


def write_bytes(path: Path, content: bytes) -> Path:
    """Write beside, then rename.

    Raises
    ------
    OutputError
        If the file cannot be written; nothing is left behind.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".riskshift-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
