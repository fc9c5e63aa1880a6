"""What the command line takes for a share, a taxonomy and a model."""

import json

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

import riskshift
from riskshift.cli import options
from riskshift.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def pairs(tmp_path):
    rows = [
        {"prompt_id": f"p{at}", "model": model, "prompt_harm": at % 2, "response_harm": at % 3 == 0}
        for model in ("model-a", "model-b")
        for at in range(30)
    ]
    pl.DataFrame(rows).with_columns(pl.col("response_harm").cast(int)).write_csv(
        tmp_path / "pairs.csv"
    )
    return tmp_path / "pairs.csv"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.05", 0.05), ("5%", 0.05), ("2.5 %", 0.025), (0.95, 0.95), ("100%", 1.0), ("1e-3", 0.001)],
)
def test_a_share_is_a_number_or_a_percentage(text, value):
    assert options.share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["five", "5%%", "", "%", "5 percent"])
def test_what_is_no_share_says_how_one_is_written(text):
    with pytest.raises(typer.BadParameter, match=r"Write a share as 0\.05 or 5%"):
        options.share(text)


def test_percentages_mean_the_same_as_numbers_on_the_command_line():
    asked = [("3%", "2%", "90%", "95%"), ("0.03", "0.02", "0.9", "0.95")]
    said = [
        run("plan", "--rate", r, "--width", w, "--power", p, "--confidence", c, "--format", "json")
        for r, w, p, c in asked
    ]
    assert said[0].exit_code == 0
    assert said[0].stdout == said[1].stdout


def test_a_percentage_out_of_its_range_is_refused_as_the_number_is(pairs):
    done = run("analyze", pairs, "--taxonomy", "harm", "--confidence", "95")
    assert "confidence is 95" in str(done.exception)


def test_a_taxonomy_needs_no_file(pairs):
    asked = ["--format", "json", "--categories", "harm", "--levels", "Safe,Harmful"]
    done = run("analyze", pairs, *asked, "--harmful-from", "Harmful")
    assert json.loads(done.stdout)["taxonomy"] == {
        "categories": ["harm"],
        "levels": ["Safe", "Harmful"],
        "harmful_from": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--categories", "harm", "--taxonomy", "harm"], "stands in a file already"),
        (["--levels", "Safe,Bad", "--harmful-from", "Badd"], "did you mean 'Bad'"),
        (["--levels", "Safe,Bad", "--harmful-from", "7"], "harmful_from is 7"),
        (["--categories", "harm,harm"], "repeat a name"),
        (["--categories", "harm,,x"], "list of names"),
        (["--model", "modelb", "--taxonomy", "harm"], "did you mean 'model-b'?). Models: model-a"),
    ],
)
def test_what_cannot_be_meant_is_said(pairs, arguments, says):
    done = run("analyze", pairs, *arguments)
    assert isinstance(done.exception, riskshift.RiskshiftError)
    assert says in str(done.exception)


def test_models_are_listed_in_python_too(pairs):
    with pytest.raises(riskshift.DataError, match="Models: model-a, model-b"):
        riskshift.analyze(pairs, taxonomy=riskshift.Taxonomy(["harm"], ["Safe", "Bad"]), model="x")


@pytest.mark.parametrize("named", ["{0}", "{0}/*.csv"])
def test_a_folder_or_a_glob_of_one_file_a_model_is_compared(pairs, tmp_path, named):
    runs = tmp_path / "runs"
    runs.mkdir()
    for name in ("model-a", "model-b"):
        one = pl.read_csv(pairs).filter(pl.col("model") == name).drop("model")
        one.write_csv(runs / f"{name}.csv")
    done = run("compare", named.format(runs), "--taxonomy", "harm", "--format", "json")
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["comparison"]["models"] == ["model-a", "model-b"]


def test_labels_of_other_categories_are_answered_with_the_option_that_names_them(tmp_path):
    place = tmp_path / "one.csv"
    place.write_text("prompt_id,prompt_risk,response_risk\na,1,0\nb,1,1\n")
    done = run("analyze", place)
    assert "--categories risk --levels SAFE,HARMFUL" in str(done.exception)
    named = ["--categories", "risk", "--levels", "Safe,Harmful", "--format", "json"]
    assert json.loads(run("analyze", place, *named).stdout)["records"]["analyzed"] == 2
