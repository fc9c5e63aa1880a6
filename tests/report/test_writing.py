"""Results are written whole or not at all, and only where they were asked for."""

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.errors import OutputError
from riskshift.outputs import places
from riskshift.outputs.numbers import written
from riskshift.outputs.places import write_bytes
from riskshift.report import writing
from riskshift.report.writing import check_output, to_csv, to_json, write, write_charts

FRAME = pl.DataFrame(
    {
        "prompt_id": ["p1", "p2", "p3", "p4"],
        "model": ["=cmd()", "+1", "-2", "@sum"],
        "prompt_harm": [0, 1, 1, 0],
        "response_harm": [1, 0, 1, 0],
    }
)


@pytest.fixture(scope="module")
def result():
    taxonomy = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
    return riskshift.analyze(FRAME, taxonomy=taxonomy, resamples=50, permutations=50)


class Interrupted(BaseException):
    """Like KeyboardInterrupt: not an Exception, so that no handler for those may swallow it."""


def interrupt(*args, **kwargs):
    raise Interrupted


class TestWholeOrNotAtAll:
    def test_writes_and_says_where(self, result, tmp_path):
        place = write(result, tmp_path / "results.json")
        assert place == tmp_path / "results.json"
        assert json.loads(place.read_text(encoding="utf-8")) == written(result.to_dict())
        assert list(tmp_path.iterdir()) == [place]

    def test_takes_a_path_as_text(self, result, tmp_path):
        assert write(result, str(tmp_path / "rates.csv")).read_text() == to_csv(result)

    def test_replaces_what_was_there(self, result, tmp_path):
        (tmp_path / "results.json").write_text("old")
        write(result, tmp_path / "results.json")
        assert (tmp_path / "results.json").read_text(encoding="utf-8") == to_json(result)

    @pytest.mark.parametrize("step", ["replace", "chmod"])
    def test_interruption_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch, step):
        place = tmp_path / "results.json"
        place.write_bytes(b"old")
        monkeypatch.setattr(Path, step, interrupt)
        with pytest.raises(Interrupted):
            write_bytes(place, b"new")
        assert place.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [place]

    def test_full_disk_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        def full(handle, content):
            raise OSError(28, "No space left on device")

        place = tmp_path / "results.json"
        place.write_bytes(b"old")
        monkeypatch.setattr(places.os, "write", full)
        with pytest.raises(OutputError, match=r"results\.json cannot be written: No space left"):
            write_bytes(place, b"new")
        assert place.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [place]

    def test_failing_to_render_touches_nothing(self, result, tmp_path, monkeypatch):
        place = tmp_path / "results.json"
        place.write_bytes(b"old")
        monkeypatch.setitem(writing._WRITERS, ".json", interrupt)
        with pytest.raises(Interrupted):
            write(result, place)
        assert place.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [place]

    def test_others_may_read_what_the_umask_lets_them(self, tmp_path):
        before = os.umask(0o027)
        try:
            write_bytes(tmp_path / "a.json", b"{}")
        finally:
            os.umask(before)
        assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640

    def test_long_names_can_be_written(self, tmp_path):
        place = tmp_path / ("n" * 250 + ".json")
        write_bytes(place, b"{}")
        assert place.read_bytes() == b"{}"


class TestWhere:
    @pytest.mark.parametrize("name", ["report", "report.pdf", "report.json.bak"])
    def test_unknown_suffix_names_the_known(self, result, tmp_path, name):
        with pytest.raises(
            OutputError, match=r"unknown suffix.*\.html, \.md, \.tex, \.json, \.csv"
        ):
            write(result, tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_case_of_a_suffix_does_not_matter(self, result, tmp_path):
        assert write(result, tmp_path / "RATES.CSV").read_text() == to_csv(result)

    def test_folder_is_refused_with_a_name_to_use(self, result, tmp_path):
        (tmp_path / "out.html").mkdir()
        with pytest.raises(OutputError, match=r"is a folder\. Name a file in it.*report\.html"):
            write(result, tmp_path / "out.html")

    def test_folder_that_does_not_exist_is_refused(self, result, tmp_path):
        with pytest.raises(OutputError, match=r"nowhere is not a folder\. Create it first"):
            write(result, tmp_path / "nowhere" / "report.json")

    def test_path_below_a_file_is_refused(self, result, tmp_path):
        (tmp_path / "file").write_text("kept")
        with pytest.raises(OutputError, match="file is not a folder"):
            write(result, tmp_path / "file" / "report.json")
        with pytest.raises(OutputError, match=r"cannot be made: (Not a directory|File exists)"):
            write_charts(result, tmp_path / "file" / "charts")
        assert (tmp_path / "file").read_text() == "kept"

    def test_folder_that_cannot_be_written_to_is_refused(self, tmp_path, monkeypatch):
        # Root may write everywhere, so the answer of the system is put in its place.
        monkeypatch.setattr(places.os, "access", lambda path, mode: False)
        with pytest.raises(OutputError, match=r"cannot be written to\. Choose another place"):
            check_output(tmp_path / "report.json")

    def test_refusal_is_an_os_error_too(self, result):
        with pytest.raises(OSError, match="unknown suffix"):
            write(result, "report.pdf")


class TestCsv:
    def test_holds_every_rate_of_all_records_and_of_each_group(self, result):
        lines = list(csv.DictReader(io.StringIO(to_csv(result))))
        assert len(lines) == len(list(result.rows())) == 5 * len(list(result.population.rates()))
        first = lines[0]
        assert (first["by"], first["group"], first["category"]) == ("", "", "")
        assert (first["metric"], first["events"], first["trials"]) == ("escalation", "1", "4")
        assert float(first["low"]) == pytest.approx(result.rate("escalation").interval.low)

    def test_undefined_is_empty(self, result):
        lines = list(csv.DictReader(io.StringIO(to_csv(result))))
        empty = [line for line in lines if line["trials"] == "0"]
        assert empty
        for line in empty:
            assert (line["estimate"], line["low"], line["high"]) == ("", "", "")
            assert line["method"] == "undefined"

    def test_spreadsheets_see_no_formulas(self, result):
        lines = list(csv.DictReader(io.StringIO(to_csv(result))))
        assert {line["group"] for line in lines} == {"", "'=cmd()", "'+1", "'-2", "'@sum"}
        for line in csv.reader(io.StringIO(to_csv(result))):
            for cell in line:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_hostile_names_stay_one_cell(self):
        frame = FRAME.with_columns(model=pl.Series(['a"b', "c,d", "e\nf", "g\r=h"]))
        taxonomy = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
        found = riskshift.analyze(frame, taxonomy=taxonomy, resamples=50)
        lines = list(csv.DictReader(io.StringIO(to_csv(found))))
        assert {line["group"] for line in lines} == {
            "",
            'a"b',
            "c,d",
            "e⟨U+000A⟩f",
            "g⟨U+000D⟩=h",
        }


class TestJson:
    def test_text_that_is_no_unicode_does_not_stop_it(self, result, tmp_path):
        odd = replace(result, provenance=replace(result.provenance, source="pairs\udcff.csv"))
        found = json.loads(write(odd, tmp_path / "r.json").read_text(encoding="utf-8"))
        assert found["source"] == "pairs?.csv"

    def test_never_holds_prompts_or_responses(self):
        frame = FRAME.with_columns(
            prompt=pl.lit("how to open a lock"), response=pl.lit("with the key")
        )
        taxonomy = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
        found = riskshift.analyze(frame, taxonomy=taxonomy, resamples=50)
        assert found.cases[0].prompt_text == "how to open a lock"
        assert "lock" not in to_json(found)
        assert "lock" not in to_csv(found)


class TestCharts:
    def test_names_that_look_alike_when_made_safe_do_not_overwrite_each_other(
        self, tmp_path, monkeypatch
    ):
        drawn = []
        charts = pytest.importorskip("riskshift.report.charts")
        monkeypatch.setattr(charts, "svg", lambda figure: drawn.append(figure.name) or "<svg/>")
        monkeypatch.setattr(charts, "raster", lambda drawn: b"png")
        frame = FRAME.select(pl.exclude("model"), pl.lit("x").alias("国"), pl.lit("x").alias("語"))
        taxonomy = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
        found = riskshift.analyze(frame, taxonomy=taxonomy, by=["国", "語"], resamples=50)
        written = write_charts(found, tmp_path / "charts")
        assert len(set(written)) == len(written) == 2 * len(drawn)
        assert sorted(path for path in (tmp_path / "charts").iterdir()) == sorted(written)
