"""A file that labels one side alone needs no column made by hand."""

import pandas as pd
import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.errors import ColumnError

TWO = Taxonomy(["harm"], ["Safe", "Harmful"])
IDS = [f"p{n}" for n in range(30)]
ROWS = {"prompt_id": IDS, "response_harm": [n % 3 == 0 for n in range(30)]}
QUICK = {"taxonomy": TWO, "resamples": 50}


@pytest.mark.parametrize("name", ["results.csv", "with_empty_column.csv"])
def test_the_rate_of_responses_leads_and_the_rest_is_said_to_be_missing(faults, name):
    result = riskshift.analyze(faults / "response-only" / name, **QUICK, permutations=20)
    rate = result.population.overall["response_harm"]
    assert (rate.events, rate.trials) == (1, 4)
    assert result.provenance.missing == {"missing prompt label": 4}
    first, second = result.summary
    assert first.startswith("1 of 4 responses was harmful (25.0%, 95% interval")
    assert "Only responses are labelled." in second
    assert "needs labels of prompts too" in second


def test_both_files_are_the_same_data(faults):
    made = [
        riskshift.analyze(faults / "response-only" / name, **QUICK, permutations=20).provenance
        for name in ("results.csv", "with_empty_column.csv")
    ]
    assert made[0].data_hash == made[1].data_hash


@pytest.mark.parametrize("library", [pl.DataFrame, pl.LazyFrame, pd.DataFrame])
@pytest.mark.parametrize("side", ["prompt", "response"])
def test_every_frame_may_lack_a_side(library, side):
    data = library({"prompt_id": IDS, f"{side}_harm": [n % 3 for n in range(30)]})
    levels = Taxonomy(["harm"], ["Safe", "Low", "High"])
    result = riskshift.analyze(data, taxonomy=levels, resamples=50, permutations=20)
    rate = result.population.overall["response_harm" if side == "response" else "prompt_prevalence"]
    assert (rate.events, rate.trials) == (20, 30)
    assert result.summary[0].startswith(f"20 of 30 {side}s were harmful")


def test_a_pyarrow_table_may_lack_a_side():
    table = pl.DataFrame(ROWS).to_arrow()
    assert (
        riskshift.analyze(table, **QUICK, permutations=20)
        .population.overall["response_harm"]
        .events
        == 10
    )


def test_models_are_compared_on_their_responses():
    parts = [pl.DataFrame(ROWS).with_columns(model=pl.lit(name)) for name in ("old", "new")]
    parts[1] = parts[1].with_columns(response_harm=pl.lit(value=False))
    result = riskshift.compare(pl.concat(parts), baseline="old", **QUICK)
    (item,) = [d for d in result.differences if d.metric == "response_harm"]
    assert (item.baseline_only, item.candidate_only, item.prompts) == pytest.approx((10, 0, 30))


def test_a_gate_judges_responses_and_is_open_about_the_rest():
    rules = ["response_harm <= 90%", "persistence[harm] <= 50%"]
    report = riskshift.check(pl.DataFrame(ROWS), rules, taxonomy=TWO)
    assert [result.verdict for result in report.results] == ["pass", "inconclusive"]


def test_graders_people_and_samples_work_on_one_side():
    data = pl.DataFrame(ROWS)
    people = data.head(20).with_columns(response_harm=pl.Series([n % 4 == 0 for n in range(20)]))
    report = riskshift.grade(data, people, taxonomy=TWO)
    assert report.card("response").rates["sensitivity"].trials == 5
    corrected = riskshift.analyze(data, people=people, **QUICK, permutations=20).corrected
    assert any(rate.metric == "response_harm" for rate in corrected.rates)
    drawn = riskshift.sample(data, n=5, taxonomy=TWO)
    assert len(drawn) == 5


def test_people_may_label_the_responses_of_pairs_that_are_labelled_on_both_sides():
    data = pl.DataFrame(ROWS).with_columns(in_harm=pl.lit(1))
    people = pl.DataFrame(ROWS).head(20)
    report = riskshift.grade(data, people, taxonomy=TWO, columns={"prompt_harm": "in_harm"})
    assert report.labelled == 20


@pytest.mark.parametrize(
    "data",
    [
        {"response_a": [0, 1]},
        {"response_a": [0, 1], "response_b": [0, 1], "prompt_a": [0, 1]},
        {"response_a": [0, 1], "response_b": [0, 1], "promt_a": [0, 1], "prompt_B_": [0, 1]},
        {"response": [0, 1]},
    ],
)
def test_some_columns_of_a_side_or_ill_spelt_ones_are_a_fault(data):
    with pytest.raises(ColumnError):
        riskshift.read(pl.DataFrame(data), taxonomy=Taxonomy(["a", "b"], ["no", "yes"]))


def test_a_mapped_column_must_be_there():
    with pytest.raises(ColumnError, match="'risk'"):
        riskshift.read(pl.DataFrame(ROWS), taxonomy=TWO, columns={"prompt_harm": "risk"})
