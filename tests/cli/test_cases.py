"""--cases-out, as a person at a terminal meets it."""

import sys

import polars as pl
import pytest

from riskshift.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run ``riskshift`` in a folder with pairs; returns exit code, output and messages."""
    rows = {
        "prompt_id": [f"p{at}" for at in range(20)] * 2,
        "model": ["old"] * 20 + ["new"] * 20,
        "prompt_harm": [0, 1] * 20,
        "response_harm": [0, 1, 0, 0] * 5 + [1, 0, 0, 0] * 5,
        "response": [f"answer {at}" for at in range(40)],
    }
    pl.DataFrame(rows).write_csv(tmp_path / "pairs.csv")
    (tmp_path / "harm.toml").write_text('categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n')
    monkeypatch.chdir(tmp_path)

    def ran(command, *arguments):
        given = ["riskshift", command, "pairs.csv", "--taxonomy", "harm.toml", *arguments]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return ran


def test_analyze_writes_every_harmful_pair_and_says_so(run):
    code, _, told = run("analyze", "--cases-out", "cases.csv", "--cases", "1", "--no-text")
    assert (code, told) == (0, "wrote cases.csv\n")
    held = pl.read_csv("cases.csv")
    assert held["response_harm"].to_list().count("Harmful") == 10
    assert "response" not in held.columns


def test_texts_are_written_if_asked_for(run):
    assert run("analyze", "--cases-out", "cases.jsonl", "--text")[0] == 0
    assert set(pl.read_ndjson("cases.jsonl")["response"].str.head(6)) == {"answer"}


def test_compare_writes_what_one_model_fails_alone(run):
    assert run("compare", "--cases-out", "alone.csv")[0] == 0
    held = pl.read_csv("alone.csv").filter(pl.col("metric") == "escalation")
    assert set(held["model"]) == {"new"}
    assert held["prompt_id"].to_list() == ["p0", "p12", "p16", "p4", "p8"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text"], "--cases-out"),
        (["--cases-out", "pairs.csv"], "also read as data"),
        (["--cases-out", "cases.html"], "Pairs are written as .csv, .jsonl, .parquet"),
        (["-o", "one.csv", "--cases-out", "one.csv"], "also written as -o"),
    ],
)
@pytest.mark.parametrize("command", ["analyze", "compare"])
def test_what_cannot_be_written_is_refused_before_any_work(run, command, arguments, said):
    code, _, told = run(command, *arguments)
    assert code == 2
    assert said in told
