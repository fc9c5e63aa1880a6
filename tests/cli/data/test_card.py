"""riskshift card and --card, as a person at a terminal meets them."""

import json
import sys

import polars as pl
import pytest

from riskshift import DataCard
from riskshift.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run ``riskshift`` in a folder with pairs; returns exit code, output and messages."""
    pairs = {"prompt_id": [f"p{i}" for i in range(20)], "model": ["m"] * 20}
    labels = {"prompt_harm": [i % 2 for i in range(20)], "response_harm": [0, 0, 0, 1] * 5}
    pl.DataFrame(pairs | labels).write_csv(tmp_path / "pairs.csv")
    (tmp_path / "harm.toml").write_text('categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n')
    monkeypatch.chdir(tmp_path)

    def ran(*arguments):
        monkeypatch.setattr(sys, "argv", ["riskshift", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return ran


def test_the_template_is_printed_or_written_and_reads_as_a_card(run, tmp_path):
    code, printed, _ = run("card", "--template")
    assert code == 0
    assert run("card", "--template", "-o", "card.toml")[0] == 0
    assert (tmp_path / "card.toml").read_text() == printed
    assert DataCard.read(tmp_path / "card.toml") == DataCard()


def test_the_template_is_not_written_over_a_card_that_was_filled_in(run, tmp_path):
    (tmp_path / "card.toml").write_text('dates = "May"')
    code, _, told = run("card", "--template", "-o", "card.toml")
    assert code == 2
    assert "exists already" in told
    assert (tmp_path / "card.toml").read_text() == 'dates = "May"'


def test_the_command_asks_what_to_do(run):
    code, _, told = run("card")
    assert code == 2
    assert "--template" in told


@pytest.mark.parametrize(
    "command",
    [["analyze"], ["check", "--rule", "escalation <= 90%", "--format", "json"]],
    ids=["analyze", "check"],
)
def test_a_card_is_read_and_written_as_json(run, tmp_path, command):
    (tmp_path / "card.toml").write_text('[[models]]\nname = "m"\nversion = "1"')
    options = ("--taxonomy", "harm.toml", "--card", "card.toml", "-o", "r.json")
    assert run(*command, "pairs.csv", *options)[0] == 0
    card = json.loads((tmp_path / "r.json").read_text())["card"]
    assert card["models"][0] == {
        "name": "m",
        "developer": None,
        "version": "1",
        "settings": None,
        "told_by": ["card", "column"],
    }


def test_a_card_that_is_none_stops_with_one_message(run, tmp_path):
    (tmp_path / "card.toml").write_text("langauges = ['en']")
    code, _, told = run("analyze", "pairs.csv", "--taxonomy", "harm.toml", "--card", "card.toml")
    assert code == 2
    assert told.startswith("riskshift: card.toml: key 'langauges' is unknown (did you mean")


@pytest.mark.parametrize("command", ["analyze", "compare"])
def test_no_result_is_written_over_the_card(run, tmp_path, command):
    (tmp_path / "card.json").write_text('dates = "May"')
    code, _, told = run(command, "pairs.csv", "--card", "card.json", "-o", "card.json")
    assert code == 2
    assert "is also read as --card" in told


def test_the_demo_has_a_card_that_is_filled_in(run, tmp_path):
    assert run("demo", "-o", "demo", "--quiet")[0] == 0
    result = json.loads((tmp_path / "demo" / "results.json").read_text())
    assert result["card"]["sources"][0]["reference"].startswith("arXiv 2604.26052")
    assert result["card"]["remarks"] == []
    assert result["labels_by"] == "people"
    page = (tmp_path / "demo" / "report.html").read_text()
    assert "Who labelled" in page
