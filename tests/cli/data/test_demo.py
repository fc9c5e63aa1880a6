"""riskshift demo: what it writes is what the documentation speaks of, and can be read again."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

import riskshift
from riskshift.cli.app import app
from riskshift.cli.data.demo import EXAMPLE

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "make_example.py"


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    assert run("demo", "-o", folder, "--quiet").exit_code == 0
    return folder


def test_the_folder_can_be_analyzed_as_it_is(demo):
    result = riskshift.analyze(demo, resamples=50, permutations=50)
    assert result.population.records == 1250
    assert "1 a result of riskshift" in result.provenance.source


def test_a_result_that_is_named_is_refused_as_before(demo):
    with pytest.raises(riskshift.DataError, match="not a list of records"):
        riskshift.analyze(demo / "results.json")


def test_the_example_is_that_of_the_documentation_and_nothing_else(tmp_path):
    assert run("demo", "--example", "-o", tmp_path / "here").exit_code == 0
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["pairs.csv"]
    made = subprocess.run(
        [sys.executable, SCRIPT, "--print"], capture_output=True, text=True, check=True
    )
    assert (tmp_path / "here" / "pairs.csv").read_text() == made.stdout
    assert files("riskshift.data").joinpath(EXAMPLE).read_text() == made.stdout


def test_the_example_does_not_write_over_other_pairs(tmp_path):
    (tmp_path / "pairs.csv").write_text("labelled by people\n")
    with pytest.raises(riskshift.OutputError, match="may hold people's labels"):
        run("demo", "--example", "-o", tmp_path)
    assert (tmp_path / "pairs.csv").read_text() == "labelled by people\n"
