"""riskshift plan, as a person at a terminal meets it."""

import csv
import json
import re
import sys

import pytest

from riskshift.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``riskshift plan`` with some arguments; returns exit code, output and messages."""

    def runner(*arguments):
        monkeypatch.setattr(sys, "argv", ["riskshift", "plan", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runner


GRADER = ["--rate", "0.05", "--sensitivity", "0.9", "--specificity", "0.98", "--graded", "20000"]
QUESTIONS = {
    "overview": [],
    "width": ["--rate", 0.03, "--width", 0.02],
    "pass": ["--rule", "escalation <= 0.05", "--rate", 0.03],
    "fail": ["--rule", "escalation <= 0.05", "--rate", 0.08, "--power", 0.9],
    "at the tolerance": ["--rule", "escalation <= 0.05", "--rate", 0.05],
    "difference": ["--difference", 0.02, "--discordant", 0.08],
    "unknown discordance": ["--difference", 0.02],
    "people's labels": [*GRADER, "--width", 0.03],
    "people's labels for a rule": [*GRADER, "--rule", "escalation <= 0.08"],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_terminal_gets_the_answer_in_80_columns(run, name):
    code, out, err = run(*QUESTIONS[name])
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "How much evidence is needed" in out


def test_the_terminal_shows_the_numbers(run):
    _, out, _ = run(*QUESTIONS["unknown discordance"])
    assert all(number in out for number in ("394", "843", "4,016"))


def test_the_answer_from_a_file(run, shared):
    path = shared / "paired_public_labels.csv"
    code, out, err = run("--like", path, "--width", 0.02, "--format", "json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["like"]["units"] == 600
    assert told["plan"]["rows"][0]["records"] == 3 * told["plan"]["rows"][0]["prompts"]


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex", ".json", ".csv", ".svg", ".png"])
def test_every_kind_of_file_is_written(run, tmp_path, suffix):
    place = tmp_path / f"plan{suffix}"
    code, out, err = run(*QUESTIONS["pass"], "-o", place)
    assert (code, out, err) == (0, "", f"wrote {place}\n")
    written = place.read_bytes()
    if suffix == ".png":
        assert written.startswith(b"\x89PNG")
    else:
        assert b"851" in written


def test_the_table_of_numbers_opens_in_a_spreadsheet(run, tmp_path):
    place = tmp_path / "plan.csv"
    run("--difference", 0.02, "-o", place, "--quiet")
    with place.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["matched_prompts"]) for row in rows] == [394, 615, 843, 1244, 2043, 4016]


LINE = re.compile(r'<path d="M[^"]+" stroke="#[0-9a-f]{6}" stroke-width="2" stroke-dasharray')


@pytest.mark.parametrize(
    ("name", "lines"), [("overview", 5), ("width", 2), ("pass", 2), ("unknown discordance", 6)]
)
def test_the_picture_has_a_line_for_each_curve_and_for_what_is_wanted(run, tmp_path, name, lines):
    place = tmp_path / "plan.svg"
    code, _, _ = run(*QUESTIONS[name], "-o", place)
    assert code == 0
    assert len(LINE.findall(place.read_text())) == lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--width", 0.02], "give --rate"),
        (["--rate", 3, "--width", 0.02], "such as 0.03 for 3%"),
        (["--rate", 0.1, "--width", 0.1, "--difference", 0.1], "ask one at a time"),
        (["--model", "x", "--skip-bad"], "--model, --skip-bad: without --like PATH"),
        (["--prompt-labels", "per-row"], "--prompt-labels: without --like PATH"),
        (["--like", "nowhere.csv", "--width", 0.1], "nowhere.csv"),
        (["--format", "pdf"], "'pdf' is unknown"),
        (["-o", "plan.pdf"], "unknown suffix '.pdf'"),
        (["-o", "no/such/plan.svg"], "is not a folder"),
        (["--rate", 0.1, "--rule", "escalation >= 5%"], "limit it from above"),
    ],
)
def test_a_fault_is_one_message_and_exit_code_2(run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_plan_without_a_number_has_no_picture(run, tmp_path):
    place = tmp_path / "plan.svg"
    code, _, err = run(*QUESTIONS["at the tolerance"], "-o", place)
    assert code == 2
    assert "nothing to draw" in err
    assert not place.exists()
