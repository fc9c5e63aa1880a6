"""riskshift agree, as a person at a terminal meets it."""

import csv
import json
import sys

import pytest

from riskshift.cli import main

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): 4 observers, 12 units, values
# 1 to 5, a dot where an observer gave none.
PUBLISHED = {
    "A": "123321412...",
    "B": "1233224125.3",
    "C": ".3332342251.",
    "D": "12332441251.",
}
LEVELS = 'categories = ["hate"]\nlevels = ["1", "2", "3", "4", "5"]\n'


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``riskshift agree`` with some arguments; returns exit code, output and messages."""

    def runner(*arguments):
        monkeypatch.setattr(sys, "argv", ["riskshift", "agree", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runner


@pytest.fixture
def levels(tmp_path):
    path = tmp_path / "levels.toml"
    path.write_text(LEVELS)
    return path


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "observers.csv"
    rows = [
        f"u{unit:02},{who},{level}"
        for who, given in PUBLISHED.items()
        for unit, level in enumerate(given)
        if level != "."
    ]
    path.write_text("\n".join(["unit,observer,value", *rows]) + "\n")
    return path


ROLES = ("--map", "record_id=unit", "--map", "annotator=observer", "--map", "response_hate=value")


@pytest.fixture
def asked(published, levels):
    return published, *ROLES, "--taxonomy", levels, "--scale", "names"


def test_the_published_example_through_the_whole_command(run, asked):
    code, out, err = run(*asked, "--format", "json")
    alpha = json.loads(out)["labels"]["response_hate"]["alpha"]
    assert (code, err) == (0, "")
    assert {metric: round(found["estimate"], 3) for metric, found in alpha.items()} == {
        "nominal": 0.743,
        "ordinal": 0.815,
        "interval": 0.849,
    }


def test_the_terminal_gets_the_answer_in_80_columns(run, asked):
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for said in ("How far raters agree", "0.815", "Who disagrees with whom", "What the rule moves"):
        assert said in out


def test_the_terminal_says_which_interval_is_right(run, shared, levels):
    roles = ("--map", "record_id=item_id", "--map", "response_hate=level_1_5")
    taxonomy = ("--taxonomy", levels, "--scale", "names")
    code, out, err = run(shared / "raters_hate.csv", *roles, *taxonomy)
    assert (code, err) == (0, "")
    told = " ".join(out.split())
    assert "0.861" in told
    assert "The interval by prompts is the right one" in told


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "json", "csv"])
def test_every_kind_of_report_is_written(run, asked, tmp_path, suffix):
    place = tmp_path / f"agreement.{suffix}"
    code, out, err = run(*asked, "-o", place, "--resamples", 50)
    assert (code, out, err) == (0, "", f"wrote {place}\n")
    assert "0.81" in place.read_text()


def test_charts_are_drawn(run, asked, tmp_path):
    code, _, err = run(*asked, "--charts", tmp_path / "charts", "-q", "-o", tmp_path / "a.json")
    assert (code, err) == (0, "")
    assert (tmp_path / "charts" / "raters-response_hate.svg").exists()


def test_one_record_an_item_is_written_by_the_rule(run, asked, tmp_path):
    place = tmp_path / "resolved.csv"
    code, _, err = run(*asked, "--resolve", "max", "--write-resolved", place)
    assert (code, err) == (0, f"wrote {place}\n")
    with place.open() as written:
        rows = {row["record_id"]: row["response_hate"] for row in csv.DictReader(written)}
    assert rows["u05"] == "4"
    assert len(rows) == 12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--resolve", "mean"), "Choices: median, majority, max, adjudicated"),
        (("--resolve", "adjudicated"), "--adjudicator NAME"),
        (("--adjudicator", "E"), "adjudicator 'E' is unknown"),
        (("--write-resolved", "resolved.xlsx"), "written as .csv, .jsonl, .parquet"),
        (("-o", "agreement.docx"), "unknown suffix"),
        (("--resamples", "0"), "resamples is 0"),
        (("--confidence", "1.5"), "1.5"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_one_message(run, asked, options, said):
    code, out, err = run(*asked, *options)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_bad_labels_are_named_with_their_line(run, published, levels):
    published.write_text(published.read_text().replace("u01,B,2", "u01,B,7"))
    code, out, err = run(published, *ROLES, "--taxonomy", levels)
    assert (code, out) == (2, "")
    assert "observers.csv, line 12: value is '7' (1 of 41 rows)" in err


def test_broken_rows_and_bad_labels_are_told_together(run, published, levels):
    with published.open("a") as file:
        file.write("u01,Z\nu02,Z,9\n")
    code, _, err = run(published, *ROLES, "--taxonomy", levels)
    assert code == 2
    assert "line 43: 2 values, and the header has 3 columns" in err
    assert "value is '9'" in err


def test_a_file_with_raters_is_sent_here(run, published, monkeypatch, capsys):
    text = published.read_text().replace("unit,observer,value", "prompt_id,annotator,response_hate")
    published.write_text(
        "\n".join(
            f"{line},{at}"
            for at, line in zip(["prompt_hate", *"0" * 41], text.split(), strict=True)
        )
    )
    taxonomy = published.with_name("hate.toml")
    taxonomy.write_text('categories = ["hate"]')
    monkeypatch.setattr(
        sys, "argv", ["riskshift", "analyze", str(published), "--taxonomy", str(taxonomy)]
    )
    with pytest.raises(SystemExit):
        main()
    assert "riskshift agree" in capsys.readouterr().err


def test_what_all_names_of_raters_begin_with_is_left_out_where_room_is_short(run, shared, levels):
    roles = ("--map", "record_id=item_id", "--map", "response_hate=level_1_5")
    _, out, _ = run(shared / "raters_hate.csv", *roles, "--taxonomy", levels, "--resamples", 50)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "Rater …rater1 …rater2 …rater3" in lines
    assert "…rater2 61.8% – 0.867" in lines
