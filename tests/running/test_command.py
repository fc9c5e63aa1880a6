"""riskshift label on the command line."""

import subprocess
import sys

import pytest
from tests.running.conftest import questions

from riskshift.cli.boundary import run
from riskshift.cli.labels.label import parse_prices
from riskshift.errors import UsageError

WORDS = ["label", "pairs.csv", "--grader", "rubric=m", "-o", "labelled.parquet"]


@pytest.fixture
def pairs(desk):
    questions(3).write_csv("pairs.csv")


def test_pairs_are_labelled_and_the_next_command_works(openai, pairs, serve, capsys):
    server = serve()
    more = ["--base-url", server.url, "--price", "1000,2000", "--write-card", "card.toml"]
    assert run([*WORDS, *more]) == 0
    shown = capsys.readouterr()
    assert "3 pairs from pairs.csv: 24 labels by rubric=m, 0 kept as they were." in shown.out
    assert "60 tokens in, 30 out; cost 0.12." in shown.out
    assert "Next: riskshift analyze labelled.parquet --card card.toml" in shown.out
    assert "wrote labelled.parquet\nwrote card.toml" in shown.err
    assert run(["analyze", "labelled.parquet", "--card", "card.toml", "-o", "a.html"]) == 0


def test_a_dry_run_asks_nothing_and_writes_nothing(pairs, desk, capsys):
    assert run([*WORDS, "--dry-run", "--price", "1,2"]) == 0
    shown = capsys.readouterr().out
    assert "6 texts to ask rubric=m" in shown
    assert "6 requests" in shown
    assert "cost 0.0" in shown
    assert [path.name for path in desk.iterdir()] == ["pairs.csv"]


def test_a_fault_of_the_endpoint_is_one_message(openai, pairs, serve, capsys):
    server = serve(lambda body: (401, {"error": {"message": "no"}}))
    assert run([*WORDS, "--base-url", server.url]) == 2
    told = capsys.readouterr().err
    assert "refuses requests (HTTP 401)" in told
    assert "labelled.journal holds what was answered, and the same command goes on there" in told


def test_texts_of_the_data_are_not_shown(openai, pairs, serve, capsys):
    run([*WORDS, "--base-url", serve().url])
    shown = capsys.readouterr()
    assert "roses" not in shown.out + shown.err


@pytest.mark.parametrize("text", ["1", "1,2,3", "a,b", "-1,2", "nan,1"])
def test_prices_are_two_numbers(text):
    with pytest.raises(UsageError, match="--price"):
        parse_prices(text)


@pytest.mark.parametrize(
    ("package", "words", "line"),
    [
        ("openai", ["--grader", "rubric=m"], "pip install 'riskshift[run]'"),
        ("azure", ["--grader", "azure-content-safety"], "pip install 'riskshift[azure]'"),
    ],
)
def test_without_the_extra_one_line_says_what_installs_it(pairs, package, words, line):
    code = (
        f"import sys\nsys.modules[{package!r}] = None\nimport riskshift\n"
        "from riskshift.cli.boundary import run\n"
        f"sys.exit(run(['label', 'pairs.csv', '-o', 'l.parquet', *{words!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
