"""What a report says of the labels: corrected rates, or how wrong they would have to be."""

import numpy as np
import polars as pl
import pytest

import riskshift
from riskshift.analysis.words import percent
from riskshift.report import charts
from riskshift.report.document import Bullets, Figure, Paragraph, Table
from riskshift.report.trust_story import corrected_section, tipping_section
from riskshift.report.writing import render, tell

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])


def frames(seed=1, n=200, labelled=60):
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.random(n) < 0.5, rng.random(n) < 0.3]).astype(int)
    grader = truth ^ (rng.random((n, 2)) < 0.08)
    made = [
        pl.DataFrame({"prompt_id": range(n), "prompt_harm": at[:, 0], "response_harm": at[:, 1]})
        for at in (grader, truth)
    ]
    return made[0], made[1].sample(labelled, seed=seed)


@pytest.fixture(scope="module")
def result():
    grader, people = frames()
    return riskshift.analyze(
        grader, people=people, taxonomy=TWO, resamples=50, permutations=50, cases=3
    )


def only(section, kind):
    return next(block for block in section.blocks if isinstance(block, kind))


def test_each_rate_stands_there_three_ways(result):
    table = only(corrected_section(result.corrected), Table)
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == [rate.metric for rate in result.corrected.rates]
    rate, row = result.corrected.rate("response_harm"), rows["response_harm"]
    for share, cell in zip((rate.raw, rate.people, rate.corrected), row[1:4], strict=True):
        ends = f"({percent(share.interval.low)} to {percent(share.interval.high)})"
        assert cell == f"{percent(share.estimate)} {ends}"
    assert row[4] == f"{rate.gain:.2f}"
    assert row[5].startswith(percent(rate.rogan_gladen.estimate))


def test_what_must_hold_stands_below(result):
    section = corrected_section(result.corrected)
    assert only(section, Bullets).items == result.corrected.sample.notes
    assert "60 of the 200 pairs" in only(section, Paragraph).text
    assert "drawn at random" in result.corrected.sample.notes[0]


def test_the_chart_has_what_the_table_has(result):
    figure = only(corrected_section(result.corrected), Figure)
    assert figure.series == ("raw", "people alone", "corrected")
    assert "response_harm" in figure.order
    shown = {(row["label"], row["series"]): row for row in figure.rows}
    for metric in figure.order:
        rate = result.corrected.rate(metric)
        row = shown[metric, "corrected"]
        assert (row["estimate"], row["low"]) == (
            rate.corrected.estimate,
            rate.corrected.interval.low,
        )
        assert f"{metric}: raw {percent(rate.raw.estimate)}" in figure.alt
    assert "<svg" in charts.svg(figure)


def test_undefined_cells_are_empty_and_explained():
    grader = pl.DataFrame(
        {
            "prompt_id": range(80),
            "prompt_harm": [0] * 40 + [1] * 40,
            "response_harm": [0, 1] * 40,
        }
    )
    made = riskshift.analyze(
        grader, people=grader.head(40), taxonomy=TWO, resamples=50, permutations=50
    )
    section = corrected_section(made.corrected)
    row = next(row for row in only(section, Table).rows if row[0] == "persistence[harm]")
    assert row[1].startswith("50.0%")
    assert row[2:6] == ("", "", "", "")
    assert "no pair of the denominator" in row[6]
    assert "persistence[harm]" not in only(section, Figure).order


def test_of_strata_there_is_no_rate_by_people_alone():
    grader, people = frames()
    strata = people.join(grader, on="prompt_id", suffix="_g").select(
        *people.columns,
        stratum="response_harm: "
        + pl.when(pl.col("response_harm_g") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")),
        inclusion_probability=pl.lit(0.3),
    )
    options = {"taxonomy": TWO, "resamples": 50, "permutations": 50}
    section = corrected_section(riskshift.analyze(grader, people=strata, **options).corrected)
    table, figure = only(section, Table), only(section, Figure)
    assert table.columns == ("Metric", "Raw", "Corrected", "Gain", "Note")
    assert all(len(row) == 5 for row in table.rows)
    assert "weighed by the strata" in table.notes[0]
    assert figure.series == ("raw", "corrected")
    assert {row["series"] for row in figure.rows} == {"raw", "corrected"}


def test_a_report_says_one_or_the_other(result):
    anchors = {section.anchor for section in tell(result).sections}
    assert "corrected" in anchors
    grader, _ = frames()
    options = {"taxonomy": TWO, "resamples": 50, "permutations": 50}
    anchors = {section.anchor for section in tell(riskshift.analyze(grader, **options)).sections}
    assert "corrected" not in anchors
    assert "tipping" in anchors
    by_people = riskshift.analyze(grader, labels_by="people", **options)
    anchors = {section.anchor for section in tell(by_people).sections}
    assert not {"corrected", "tipping"} & anchors


def test_the_tipping_table_shows_each_finding(result):
    section = tipping_section(result.tipping)
    table = only(section, Table)
    assert [row[0] for row in table.rows] == [item.metric for item in result.tipping]
    assert table.columns[2] == "sensitivity 100%"
    for row, item in zip(table.rows, result.tipping, strict=True):
        assert row[1] == percent(item.estimate)
        assert row[2:] == tuple(
            "none" if at is None else percent(at) for at in item.specificity.values()
        )


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex"])
def test_every_format_has_the_corrected_rates(result, suffix):
    text = render(result, suffix)
    assert "Corrected by people" in text
    assert percent(result.corrected.rate("response_harm").corrected.estimate).rstrip("%") in text
