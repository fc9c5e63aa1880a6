"""Excel workbooks, copied to JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from riskshift.errors import FileError, listing
from riskshift.reading.layout import DataFile

_SAVE: Final = (
    "save the sheet with the pairs as CSV (in Excel: File, Save As, CSV UTF-8) and give that"
)


def from_workbook(file: DataFile, folder: Path) -> DataFile:
    """Copy the one sheet of a workbook that holds something, each row to the line of its number.

    Raises
    ------
    FileError
        If what reads workbooks is not installed, the file is none, several sheets hold something,
        or a heading stands twice.
    """
    if file.format != "xlsx":
        return file
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise FileError(
            f"{file.name} is an Excel workbook. To read it: pip install 'riskshift[excel]'. Or {_SAVE}."
        ) from error
    try:
        with CalamineWorkbook.from_path(str(file.path)) as book:
            sheets = {
                name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                for name in book.sheet_names
            }
    except (CalamineError, OSError, ValueError) as error:
        raise FileError(f"{file.name} cannot be read as an Excel workbook: {error}.") from error
    filled = {name: rows for name, rows in sheets.items() if any(map(any, rows))}
    if len(filled) != 1:
        held = f"several sheets: {listing(filled)}" if filled else "nothing"
        raise FileError(f"{file.name} holds {held}. Leave one in it, or {_SAVE}.")
    with NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as copy:
        copy.writelines(_lines(file, next(iter(filled.values()))))
    return replace(file, path=Path(copy.name), format="jsonl", unit="row")


def _lines(file: DataFile, rows: list[list[Any]]) -> Iterator[str]:
    at = next(number for number, row in enumerate(rows) if any(row))
    names = [str(_cell(value) or "").strip() for value in rows[at]]
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise FileError(
            f"{file.name}, row {at + 1:,}: the heading {listing(sorted(twice))} stands there twice. Rename one."
        )
    yield "\n" * (at + 1)
    for row in rows[at + 1 :]:
        held = {name: _cell(value) for name, value in zip(names, row, strict=False) if name}
        empty = all(value is None for value in held.values())
        yield "\n" if empty else json.dumps(held, ensure_ascii=False) + "\n"


def _cell(value: Any) -> str | None:
    """Write a cell as CSV would have it.

    Examples
    --------
    >>> _cell(2.0), _cell(True), _cell(""), _cell(0.25)
    ('2', 'true', None, '0.25')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value) if value not in ("", None) else None
