"""What is declared of logs on the command line."""

from pathlib import Path

import pytest

from riskshift.cli import options
from riskshift.cli.boundary import run
from riskshift.errors import UsageError

LOG = str(Path(__file__).parents[1] / "formats" / "logs" / "promptfoo.json")


def test_formats_are_listed(capsys):
    assert run(["formats"]) == 0
    shown = capsys.readouterr().out
    assert "promptfoo\n" in shown
    assert "Refused:" in shown
    assert "Facts:" not in shown
    assert run(["formats", "--facts"]) == 0
    assert "Facts:" in capsys.readouterr().out


def test_a_log_is_converted_and_the_next_command_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["convert", LOG, "-o", "pairs.csv"]) == 0
    shown = capsys.readouterr()
    assert "Next: riskshift analyze pairs.csv --taxonomy harm" in shown.out
    assert "wrote pairs.csv" in shown.err
    assert run(["analyze", "pairs.csv", "--taxonomy", "harm", "-o", "a.json"]) == 0


def test_scores_are_declared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--score", "pass=safe", "--score", "is-refusal=refused", "--score-value", "maybe=Safe"]
    assert run(["analyze", LOG, *given, "-o", "a.json"]) == 0
    assert run(["analyze", LOG, "--score", "pass=good"]) == 2
    assert "score 'good' is unknown" in capsys.readouterr().err
    assert run(["analyze", LOG, "--cuts", "0.5"]) == 2


@pytest.mark.parametrize("pair", ["=harmful", " = safe"])
def test_a_score_needs_a_name(pair):
    with pytest.raises(UsageError, match="write it as NAME=harmful"):
        options.parse_scores([pair])


def test_what_is_said_twice_is_refused():
    with pytest.raises(UsageError, match="names 'a' twice"):
        options.parse_scores(["a=safe", "a"])
    with pytest.raises(UsageError, match="says twice"):
        options.parse_score_values(["a=Safe", "A=Harmful"])
    with pytest.raises(UsageError, match="write it as VALUE=LABEL"):
        options.parse_score_values(["a"])
    with pytest.raises(UsageError, match=r"write it as 0\.5"):
        options.parse_cuts("half")


def test_the_two_levels_have_a_name_unless_a_file_bears_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("pairs.csv").write_text("prompt_id,prompt_harm,response_harm\na,0,1\nb,1,0\n")
    assert run(["analyze", "pairs.csv", "--taxonomy", "harm", "-o", "a.json"]) == 0
    Path("harm").write_text('categories = ["fraud"]\n')
    assert run(["analyze", "pairs.csv", "--taxonomy", "harm"]) == 2
    assert "prompt_fraud" in capsys.readouterr().err
