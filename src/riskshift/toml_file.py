"""Small TOML files that people write: read whole, or refused with what is wrong in words."""

import tomllib
from pathlib import Path
from typing import Any, Final

from riskshift.errors import FileError

# Every number that TOML promises to keep; larger ones cannot even be shown.
_LARGEST: Final = 1 << 63
_DEEPEST: Final = 50


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : str or Path
        Where it stands.
    what : str
        What it should hold, for messages: ``"taxonomy"``.

    Returns
    -------
    dict

    Raises
    ------
    FileError
        If it cannot be read, is not TOML, or holds what no such file should.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> place = pathlib.Path(tempfile.mkdtemp(), "rules.toml")
    >>> _ = place.write_text('rules = ["escalation <= 5%"]')
    >>> read_toml(place, "rules")
    {'rules': ['escalation <= 5%']}
    """
    place = Path(path)
    start = f"{path}: cannot read the {what}"
    try:
        if place.is_dir():
            where = "The empty path" if str(path) in ("", ".") else f"{path} is a folder: it"
            raise FileError(f"{where} holds no {what}. Name a TOML file.")
        found = tomllib.loads(place.read_text(encoding="utf-8"))
        _check(found, 0)
    except FileError:
        raise
    except UnicodeDecodeError as error:
        raise FileError(f"{start}: it is not UTF-8 text (byte {error.start + 1:,}).") from error
    except OSError as error:
        raise FileError(f"{start}: {error.strerror or error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{start}: {error}.") from error
    except RecursionError as error:
        raise FileError(f"{start}: it is nested too deeply.") from error
    except ValueError as error:  # of numbers, dates and names of files
        raise FileError(f"{start}: a value or the name of the file is out of range.") from error
    return found


def _check(value: object, depth: int) -> None:
    """Refuse numbers that cannot be shown, and nesting that cannot be walked."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise ValueError
    if isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            _check(held, depth + 1)
