"""A workbook is read like the CSV that Excel would save, or refused with the line that helps."""

import os
import sys
import zipfile
from xml.sax.saxutils import escape

import pytest

import riskshift
from riskshift.taxonomy import HARM

HEAD = ["prompt_id", "prompt", "response", "prompt_harm", "response_harm"]
ROWS = [[1, "How?\nReally?", "So.", 0, 1], [2, "Why?", "Thus.", 1, 0], [3, "Who?", "Me.", 0, None]]
CSV = (
    "prompt_id,prompt,response,prompt_harm,response_harm\n"
    '1,"How?\nReally?",So.,0,1\n2,Why?,Thus.,1,0\n3,Who?,Me.,0,\n'
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"


@pytest.fixture
def reader():
    """What reads workbooks; it is an extra."""
    if os.environ.get("RISKSHIFT_NO_SKIPS") != "1":
        pytest.importorskip("python_calamine")


def cell(value):
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def part(name, kind):
    return f'<Override PartName="/{name}" ContentType="{TYPE}.{kind}+xml"/>'


def related(targets):
    lines = (
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def workbook(place, **sheets):
    """Write a workbook by hand: the parts of the format that a reader needs, and no more."""
    names = list(sheets)
    numbered = list(enumerate(names))
    types = "".join(part(f"xl/worksheets/sheet{at}.xml", "worksheet") for at, _ in numbered)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at + 1}" r:id="s{at}"/>' for at, name in numbered
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="{RELATIONS}"/>{part("xl/workbook.xml", "sheet.main")}{types}</Types>',
        "_rels/.rels": related({"r": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related(
            {f"s{at}": ("worksheet", f"worksheets/sheet{at}.xml") for at, _ in numbered}
        ),
    }
    for at, rows in enumerate(sheets.values()):
        held = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/sheet{at}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{held}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(place, "w") as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return place


def told(place, **given):
    result = riskshift.analyze(place, taxonomy=HARM, **given).to_dict()
    return {name: result[name] for name in ("data_hash", "overall")}


@pytest.mark.parametrize("name", ["pairs.xlsx", "pairs.csv"])
def test_it_is_read_like_the_table_in_it(tmp_path, reader, name):
    (tmp_path / "plain.csv").write_text(CSV)
    assert told(workbook(tmp_path / name, Pairs=[HEAD, *ROWS], Empty=[])) == told(
        tmp_path / "plain.csv"
    )


def test_a_fault_is_told_by_the_number_of_its_row(tmp_path, reader):
    place = workbook(
        tmp_path / "pairs.xlsx", Pairs=[HEAD, *ROWS, [], [4, "Hm.", "Oh.", "Severe", 0]]
    )
    with pytest.raises(riskshift.LabelError, match=r"pairs.xlsx, row 6: prompt_harm is 'Severe'"):
        told(place)


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"Pairs": [HEAD, *ROWS], "Notes": [["x"]]}, "several sheets: Pairs, Notes"),
        ({"Pairs": []}, "holds nothing"),
        ({"Pairs": [[*HEAD, "prompt"], *ROWS]}, "row 1: the heading prompt stands there twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, reader, sheets, said):
    with pytest.raises(riskshift.FileError, match=said):
        told(workbook(tmp_path / "pairs.xlsx", **sheets))


def test_a_broken_one_is_refused(tmp_path, reader):
    place = tmp_path / "pairs.xlsx"
    with zipfile.ZipFile(place, "w") as made:
        made.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(riskshift.FileError, match="cannot be read as an Excel workbook"):
        told(place)


def test_what_is_only_called_one_is_refused(tmp_path):
    (tmp_path / "pairs.xlsx").write_bytes(b"PK\x03\x04 and no zip")
    with pytest.raises(riskshift.FileError, match="is no Excel workbook"):
        told(tmp_path / "pairs.xlsx")


def test_without_the_extra_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    place = workbook(tmp_path / "pairs.xlsx", Pairs=[HEAD, *ROWS])
    with pytest.raises(riskshift.FileError, match=r"pip install 'riskshift\[excel\]'.*as CSV"):
        told(place)
    assert "riskshift[excel]" in str(riskshift.doctor(place))
