"""riskshift grader, as a person at a terminal meets it."""

import json
import sys

import polars as pl
import pytest

from riskshift.cli import main


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the labels of a grader, some of people, and the taxonomy of both."""
    ids = [f"p{at:02}" for at in range(40)]
    rows = {"prompt_id": ids, "response": [f"answer {name}" for name in ids]}
    graded = {"prompt_harm": [at % 2 for at in range(40)]}
    graded["response_harm"] = [int(at % 5 == 0) for at in range(40)]
    people = {"prompt_harm": [at % 2 for at in range(20)]}
    people["response_harm"] = [int(at % 4 == 0) for at in range(20)]
    pl.DataFrame(rows | graded).write_csv(tmp_path / "grader.csv")
    pl.DataFrame({"prompt_id": ids[:20]} | people).write_csv(tmp_path / "people.csv")
    (tmp_path / "harm.toml").write_text('categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``riskshift grader`` with some arguments; returns exit code, output and messages."""

    def runner(*arguments):
        told = ["riskshift", "grader", "--taxonomy", "harm.toml", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", told)
        monkeypatch.setenv("COLUMNS", "100")
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runner


BOTH = ("--people", "people.csv", "--grader", "grader.csv")


def test_the_terminal_gets_the_report_card(desk, run):
    code, out, err = run(*BOTH)
    assert (code, err) == (0, "")
    assert "Prompts minus responses" in out
    assert max(map(len, out.splitlines())) <= 100


def test_json_is_printed_or_written(desk, run):
    code, out, _ = run(*BOTH, "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert told["kind"] == "grader"
    assert (told["labelled"], told["pairs"]) == (20, 40)
    response = next(card for card in told["cards"] if card["side"] == "response")
    wanted = {"true_positive": 1, "false_positive": 3, "false_negative": 4, "true_negative": 12}
    assert {name: response[name] for name in wanted} == wanted
    code, out, err = run(*BOTH, "-o", "card.json", "-o", "card.html", "--charts", "charts")
    assert (code, out) == (0, "")
    assert "wrote card.json" in err
    again = json.loads((desk / "card.json").read_text())
    assert again["cards"] == told["cards"]


def test_texts_stay_out_if_asked(desk, run):
    run(*BOTH, "-o", "with.html", "-q")
    run(*BOTH, "-o", "without.html", "-q", "--no-text")
    assert "answer p04" in (desk / "with.html").read_text()
    assert "answer p04" not in (desk / "without.html").read_text()


def test_cases_are_bounded(desk, run):
    _, out, _ = run(*BOTH, "--format", "json", "--cases", 2)
    assert [case["prompt_id"] for case in json.loads(out)["cases"]] == ["p04", "p08"]


@pytest.mark.parametrize("absent", [0, 1])
def test_both_files_are_needed(desk, run, absent):
    code, _, err = run(*BOTH[2 * absent : 2 * absent + 2])
    assert code == 2
    assert BOTH[2 - 2 * absent] in err


def test_strangers_among_peoples_pairs_are_a_fault(desk, run):
    path = desk / "people.csv"
    path.write_text(path.read_text().replace("p07", "q07"))
    code, out, err = run(*BOTH, "-o", "card.json")
    assert (code, out) == (2, "")
    assert "1 pairs are not in grader.csv: q07" in err
    assert not (desk / "card.json").exists()
