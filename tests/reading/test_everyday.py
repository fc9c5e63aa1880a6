"""Files as spreadsheets save them are read, or refused with the one line that helps."""

import zipfile

import pytest

import riskshift
from riskshift.taxonomy import HARM

TEXT = (
    "prompt_id,prompt,response,prompt_harm,response_harm\n"
    'a,"How, then?",So.,0,1\nb,Wie groß?,Thus.,1,0\nc,Why?,Yes.,0,0\n'
)
PLAIN = TEXT.replace('"How, then?"', "How?")


def told(place, **given):
    result = riskshift.analyze(place, taxonomy=HARM, **given).to_dict()
    return {name: result[name] for name in ("data_hash", "overall")}


SAVED = {
    "semicolons and a mark": PLAIN.replace(",", ";").encode("utf-8-sig"),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "Unicode text of Excel": PLAIN.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 and commas": TEXT.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
}


@pytest.mark.parametrize("way", SAVED)
def test_it_is_read_like_the_plain_file(tmp_path, way):
    (tmp_path / "plain.csv").write_text(TEXT)
    (tmp_path / "saved.csv").write_bytes(SAVED[way])
    assert told(tmp_path / "saved.csv") == told(tmp_path / "plain.csv")


def test_what_is_wrong_in_utf16_is_told_by_line_and_can_be_skipped(tmp_path):
    place = tmp_path / "saved.csv"
    place.write_bytes((TEXT + "d,x,y,0,0,9\n").encode("utf-16"))
    with pytest.raises(riskshift.FileError, match=r"saved.csv, line 5: 6 values"):
        told(place)
    (tmp_path / "plain.csv").write_text(TEXT)
    assert told(place, skip_bad=True) == told(tmp_path / "plain.csv")


def test_what_only_begins_as_utf16_is_refused(tmp_path):
    place = tmp_path / "saved.csv"
    place.write_bytes(TEXT.encode("utf-16") + b"\0")
    with pytest.raises(riskshift.FileError, match="begins as UTF-16 and is not: truncated data"):
        told(place)


def test_a_workbook_of_another_kind_is_refused_with_how_to_save_it(tmp_path):
    place = tmp_path / "pairs.ods"
    with zipfile.ZipFile(place, "w") as held:
        for member in ("mimetype", "content.xml", "META-INF/manifest.xml"):
            held.writestr(member, "<x/>")
    with pytest.raises(riskshift.FileError, match=r"OpenDocument.*as CSV .in Excel: File, Save As"):
        told(place)
    assert "Save the sheet" in str(riskshift.doctor(place))


def test_an_old_workbook_is_refused_too(tmp_path):
    place = tmp_path / "pairs.xls"
    place.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
    with pytest.raises(riskshift.FileError, match="is an Excel workbook"):
        told(place)
