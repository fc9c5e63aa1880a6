"""How the bytes of a file are packed: plain, gzip or zstd."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from riskshift.errors import FileError
from riskshift.scratch import full

_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def zstd() -> Any:
    """Return the module that unpacks zstd."""
    if sys.version_info >= (3, 14):
        from compression import zstd as module
    else:
        from backports import zstd as module
    return module


def zips() -> Any:
    """Return the module that reads zip files, also those whose members are packed with zstd."""
    if sys.version_info >= (3, 14):
        import zipfile as module
    else:
        from backports.zstd import zipfile as module
    return module


@contextmanager
def unreadable(name: str) -> Iterator[None]:
    """Turn what the system or an unpacker says while a file is read into a message."""
    try:
        yield
    except (OSError, EOFError, zlib.error, zstd().ZstdError, zips().BadZipFile) as error:
        reason = str(getattr(error, "strerror", None) or error)
        told = full(reason) or f"{reason}."  # full is only where a copy of it is written
        raise FileError(f"{name} cannot be read: {told}") from error


def packing(start: bytes) -> str:
    """Tell by a file's first bytes how it is packed: ``"none"``, ``"gzip"`` or ``"zstd"``.

    Examples
    --------
    >>> packing(b"prompt_id,model")
    'none'
    """
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "none")


def unpack(packed: IO[bytes] | Path, compression: str) -> IO[bytes]:
    """Open the unpacked bytes of a file, or of one that is open."""
    if compression == "gzip":
        return cast("IO[bytes]", gzip.open(packed, "rb"))
    if compression == "zstd":
        return cast("IO[bytes]", zstd().open(packed, "rb"))
    return packed.open("rb") if isinstance(packed, Path) else packed
