"""Spreadsheets, which are known and not read: a sheet may hold more than one table, and formulas."""

from typing import Final

from riskshift.formats.format import Refused

_SAVE: Final = (
    "Save the sheet with the pairs as CSV (in Excel: File, Save As, CSV UTF-8) and give that."
)
_OLE: Final = b"\xd0\xcf\x11\xe0"

EXCEL: Final = Refused(
    name="an Excel workbook",
    recognise=lambda log: "xl/workbook.xml" in log.inside or log.start.startswith(_OLE),
    why=_SAVE,
)

OPEN_DOCUMENT: Final = Refused(
    name="an OpenDocument spreadsheet",
    recognise=lambda log: {"mimetype", "content.xml", "META-INF/manifest.xml"} <= log.inside,
    why=_SAVE,
)

SPREADSHEETS: Final = (EXCEL, OPEN_DOCUMENT)
