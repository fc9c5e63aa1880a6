"""What a report says of the labels: corrected rates, or how wrong they would have to be."""

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import riskshift
from riskshift.analysis.correction.rates import NOTHING
from riskshift.analysis.words import percent
from riskshift.report import charts
from riskshift.report.document import Bullets, Document, Figure, Paragraph, Section, Table
from riskshift.report.render.terminal import render_terminal
from riskshift.report.stories.trust import (
    corrected_differences_section,
    corrected_section,
    tipping_section,
)
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
    assert len(row) == 5


def test_the_other_way_has_a_table_of_its_own_where_it_applies(result):
    section = corrected_section(result.corrected)
    _, table = (block for block in section.blocks if isinstance(block, Table))
    shown = {row[0]: row[2] for row in table.rows}
    for rate in result.corrected.rates:
        if rate.rogan_gladen.estimate is None:
            assert rate.metric not in shown
        else:
            assert shown[rate.metric].startswith(percent(rate.rogan_gladen.estimate))
    bare = tuple(replace(rate, rogan_gladen=NOTHING) for rate in result.corrected.rates)
    section = corrected_section(replace(result.corrected, rates=bare))
    assert sum(isinstance(block, Table) for block in section.blocks) == 1


def test_rates_on_few_labels_are_marked_and_the_mark_is_explained(result):
    rates = result.corrected.rates
    few = {rate.metric for rate in rates if rate.note and rate.corrected.estimate is not None}
    assert few
    table = only(corrected_section(result.corrected), Table)
    assert {row[0] for row in table.rows if row[3].endswith(" *")} == few
    assert any(note.startswith("* Fewer than 30") for note in table.notes)
    sure = tuple(rate for rate in rates if not rate.note)
    table = only(corrected_section(replace(result.corrected, rates=sure)), Table)
    assert not any("*" in note for note in table.footnotes)


def test_what_must_hold_stands_below(result):
    section = corrected_section(result.corrected)
    assert only(section, Bullets).items == result.corrected.sample.notes
    assert "60 of the 200 pairs" in only(section, Paragraph).text
    assert "drawn at random" in result.corrected.sample.notes[0]


def test_the_chart_has_what_the_table_has(result):
    figure = only(corrected_section(result.corrected), Figure)
    assert figure.series == ("raw", "corrected", "people alone")
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
        assert f"people alone {percent(rate.people.estimate)}" in figure.alt
    assert "<svg" in charts.svg(figure)


def test_what_is_undefined_says_so_and_why():
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
    assert row[2:] == ("undefined", "no label counts", "undefined")
    assert any(
        note.startswith("no label counts:") and "no pair of the denominator" in note
        for note in only(section, Table).notes
    )
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
    assert table.columns == ("Metric", "Raw", "Corrected", "Gain")
    assert all(len(row) == 4 for row in table.rows)
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


def test_how_wrong_the_labels_would_have_to_be_is_said_once(result):
    section = tipping_section(result.tipping)
    (paragraph,) = section.blocks
    rarest = min(result.tipping, key=lambda item: item.estimate)
    assert f"{rarest.metric} at {percent(1 - rarest.estimate)}" in paragraph.text
    # A true rate of 0 has no events to find, so every sensitivity gives the same.
    for item in result.tipping:
        known = [at for at in item.specificity.values() if at is not None]
        assert known == pytest.approx([1 - item.estimate] * len(known))


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex"])
def test_every_format_has_the_corrected_rates(result, suffix):
    text = render(result, suffix)
    assert "Corrected by people" in text
    assert percent(result.corrected.rate("response_harm").corrected.estimate).rstrip("%") in text


def test_a_narrow_place_explains_only_what_it_shows(result):
    file = io.StringIO()
    table = only(corrected_section(result.corrected), Table)
    table = replace(table, rows=table.rows[:2])
    for width, shown in ((72, False), (100, True)):
        file.truncate(file.seek(0))
        section = Section("Part", "p", (table,), brief=True)
        render_terminal(Document("T", "S", (), (), (section,)), Console(file=file, width=width))
        assert ("People alone: only" in file.getvalue()) == shown
        assert ("Gain: how many" in file.getvalue()) == shown
        assert ("Not shown here: People alone, Gain." in file.getvalue()) != shown
        assert "* Fewer than 30" in file.getvalue()


def compared(labelled=300, **options):
    """Two models alike in truth; the grader raises false alarms about the new one only."""
    rng = np.random.default_rng(3)
    frames = []
    for model, alarms in (("new", 0.1), ("old", 0.0)):
        truth = (rng.random(600) < 0.1).astype(int)
        graded = np.where(rng.random(600) < alarms, 1, truth)
        base = {"prompt_id": range(600), "model": [model] * 600, "prompt_harm": [0, 1] * 300}
        frames.append(pl.DataFrame(base | {"response_harm": graded, "truth": truth}))
    whole = pl.concat(frames)
    people = whole.sample(labelled, seed=1).with_columns(response_harm="truth").drop("truth")
    metrics = ["response_harm", "persistence[harm]"]
    return riskshift.compare(
        whole.drop("truth"),
        people=people,
        baseline="old",
        metrics=metrics,
        taxonomy=TWO,
        resamples=50,
        **options,
    )


def test_corrected_verdicts_come_first_and_are_what_the_summary_says():
    made = compared(margin=0.03)
    raw, fixed = made.differences[0], made.corrected.differences[0]
    assert raw.verdict.word == "worse"
    assert fixed.verdict.word != "worse"
    told = next(sentence for sentence in made.summary if "at a margin of" in sentence)
    assert told.startswith(
        "new against old, at a margin of 3 points, corrected by people's labels:"
    )
    assert f"{fixed.verdict.spoken} on response_harm" in told
    assert "worse on response_harm" not in told.replace("not worse", "")
    anchors = [section.anchor for section in tell(made).sections]
    assert anchors[:3] == ["safest", "directions", "corrected"]
    row = next(iter(made.rows()))
    assert row["verdict"] == "worse"
    assert row["corrected_verdict"] == fixed.verdict.word
    assert (row["corrected_difference"], row["corrected_low"]) == (
        fixed.difference,
        fixed.interval.low,
    )


def test_where_people_labelled_too_few_the_grader_s_verdict_is_told_as_such():
    made = compared(labelled=100)
    held = {item.metric: item.verdict is not None for item in made.corrected.differences}
    assert (held["response_harm"], held["persistence[harm]"]) == (True, False)
    told = next(sentence for sentence in made.summary if "at a margin of" in sentence)
    _, alone = told.split(" By the grader's labels alone, where people labelled too few: ")
    assert "persistence[harm]" in alone
    assert "response_harm" not in alone
    none = compared(labelled=20)
    assert "at a margin of 1 point, by the grader's labels alone:" in " ".join(none.summary)
    table = only(corrected_differences_section(none.corrected), Table)
    assert table.columns[:5] == ("Metric", "Compared", "Labels by people", "Difference", "Verdict")
    assert {row[1] for row in table.rows} == {"new against old"}
    assert {row[4] for row in table.rows} == {"withheld: fewer than 30 labels"}
    assert {row["corrected_verdict"] for row in none.rows()} == {""}


def test_an_odd_sample_does_not_reach_the_summary():
    grader, _ = frames()
    odd = grader.filter(response_harm=1)
    made = riskshift.analyze(grader, people=odd, taxonomy=TWO, resamples=50, permutations=50)
    assert made.summary[0].startswith("What people's labels correct is not told here")
    assert not any("is by the grader's labels alone" in sentence for sentence in made.summary)
