"""Every result is the same kind of object: sentences, a table, a frame, a page."""

import csv
import io

import narwhals.stable.v2 as nw
import polars as pl
import pytest

import riskshift
from riskshift.analysis.results import HEIGHT, WIDTH, Results
from riskshift.analysis.words import printable
from riskshift.errors import OutputError, UsageError
from riskshift.report.writing import render

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
HOSTILE = '<img src=x onerror="alert(1)">\x1b[31m\u202e'
DRAWS = {"resamples": 50}


def pairs(models=("a", HOSTILE), prompts=40):
    """Answers of several models to the same prompts, some of them harmful."""
    rows = [
        {
            "prompt_id": f"p{at}",
            "model": model,
            "prompt_harm": at % 2,
            "response_harm": int((at + 3 * number) % 7 == 0),
        }
        for number, model in enumerate(models)
        for at in range(prompts)
    ]
    return pl.DataFrame(rows)


def rated():
    frame = pairs(models=("a",))
    ratings = [frame.with_columns(annotator=pl.lit(name)) for name in ("ann", HOSTILE)]
    return pl.concat(ratings)


MADE = {
    "analysis": lambda: riskshift.analyze(
        pairs(), taxonomy=TWO, by="model", permutations=50, **DRAWS
    ),
    "comparison": lambda: riskshift.compare(pairs(), taxonomy=TWO, **DRAWS),
    "gate": lambda: riskshift.check(pairs(), "escalation <= 5% by model", taxonomy=TWO),
    "gate of a difference": lambda: riskshift.check(
        pairs(("new",)), "escalation - baseline <= 5%", baseline=pairs(("old",)), taxonomy=TWO
    ),
    "agreement": lambda: riskshift.agree(rated(), taxonomy=TWO, **DRAWS),
    "grader": lambda: riskshift.grade(pairs(("a",)), pairs(("a",)), taxonomy=TWO),
    "plan": lambda: riskshift.plan(),
    "plan of a gate": lambda: riskshift.plan(rate=0.03, rule="escalation <= 5%"),
    "plan of a difference": lambda: riskshift.plan(difference=0.05, discordant=0.1),
}


@pytest.fixture(scope="module", params=MADE)
def result(request):
    return MADE[request.param]()


def test_it_is_a_result_with_a_summary_and_notes(result):
    assert isinstance(result, Results)
    assert result.summary
    assert all(isinstance(told, str) and told for told in (*result.summary, *result.notes))
    assert result.to_dict()["kind"] == result.kind


def test_text_fits_a_screen_and_nothing_in_it_acts(result):
    lines = str(result).splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
    assert " ".join(lines).startswith(printable(result.summary[0])[:60])


def test_a_notebook_shows_a_table_without_foreign_markup(result):
    page = result._repr_html_()
    assert page.count("<table>") == 1
    assert "<img" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_frame_has_the_rows_and_the_declared_types(result, library):
    frame = nw.from_native(result.to_frame(library))
    rows = list(result.rows())
    assert len(frame) == len(rows)
    assert frame.columns == list(rows[0]) == list(result.columns)
    kinds = {str: nw.String, int: nw.Int64, float: nw.Float64}
    assert dict(frame.schema) == {name: kinds[kind] for name, kind in result.columns.items()}


def test_a_spreadsheet_has_the_same_columns(result):
    assert next(csv.reader(io.StringIO(render(result, ".csv")))) == list(result.columns)


def test_a_page_is_written_and_an_unknown_suffix_refused(result, tmp_path):
    page = riskshift.write(result, tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<img" not in page
    with pytest.raises(OutputError, match=r"unknown suffix '\.doc'. Reports end in \.html"):
        riskshift.write(result, tmp_path / "page.doc")


def test_only_a_gate_is_written_for_build_servers(result, tmp_path):
    if result.kind == "gate":
        assert riskshift.write(result, tmp_path / "gate.sarif").exists()
    else:
        with pytest.raises(OutputError, match="unknown suffix"):
            riskshift.write(result, tmp_path / "page.sarif")


def test_what_is_no_result_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match="result 'dict' is unknown"):
        riskshift.write({}, tmp_path / "page.html")


def test_a_long_text_says_how_much_is_not_shown():
    many = riskshift.compare(
        pairs(tuple(f"model-{n}" for n in range(6))), taxonomy=TWO, resamples=50
    )
    lines = str(many).splitlines()
    assert len(lines) == HEIGHT
    assert lines[-1].startswith("... and ")
    assert "to_frame()" in lines[-1]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: MADE["comparison"]().difference("escalatoin", "b"), "did you mean 'escalation'"),
        (lambda: MADE["comparison"]().difference("escalation", "b"), "candidate of the differ"),
        (lambda: MADE["agreement"]().on("response_harn"), "did you mean 'response_harm'"),
        (lambda: MADE["agreement"]().alpha("response_harm", "ordinel"), "did you mean 'ordinal'"),
        (lambda: MADE["grader"]().card("respnse"), "did you mean 'response'"),
        (lambda: MADE["grader"]().card("response", "spam"), "Choices: harm"),
        (lambda: MADE["grader"]().asymmetry("sensitvity"), "did you mean 'sensitivity'"),
    ],
)
def test_an_unknown_name_says_what_there_is(ask, says):
    with pytest.raises(UsageError, match=says):
        ask()
