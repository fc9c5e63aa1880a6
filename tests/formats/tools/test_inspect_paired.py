"""Logs of Inspect with riskshift's scorer: both sides are labelled, and nothing is made up."""

import json
import warnings
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.errors import FileError

LOG = Path(__file__).parents[1] / "logs" / "inspect-paired.json"


@pytest.fixture
def pairs(tmp_path):
    """The pairs of the small log."""
    riskshift.convert(LOG, tmp_path / "pairs.parquet")
    return pl.read_parquet(tmp_path / "pairs.parquet").sort("prompt_id")


def test_both_sides_have_the_graders_labels(pairs):
    cake, cat, *_ = pairs.to_dicts()
    assert (cat["prompt_hate"], cat["response_hate"]) == ("Medium", "Safe")
    assert (cake["prompt_violence"], cake["response_violence"]) == ("Safe", "Low")


def test_what_was_blocked_or_not_graded_has_no_label_of_the_response(pairs):
    status = dict(zip(pairs["prompt_id"].str.split(" ").list.last(), pairs["status"], strict=True))
    assert status == {"cake": None, "cat": None, "fence": "unscored", "moon": "blocked"}
    lacking = pairs.filter(pl.col("status").is_not_null())
    assert lacking["response_hate"].null_count() == 2
    assert lacking["prompt_hate"].null_count() == 0


def test_rates_here_are_those_of_the_scorer():
    log = json.loads(LOG.read_text())
    shown = {one["name"]: one["metrics"]["mean"]["value"] for one in log["results"]["scores"]}
    result = riskshift.analyze(LOG)
    # Its means are of the scored samples; here what is known of the others counts as well.
    for name, mean in shown.items():
        low, high = result.rate(name).worst_case
        assert low <= mean <= high


def test_another_graders_categories_are_refused_with_what_to_do(tmp_path):
    log = json.loads(LOG.read_text())
    for sample in log["samples"]:
        sample["scores"]["paired_severity"]["metadata"]["labels"] = {"prompt_fraud": "High"}
    place = tmp_path / "log.json"
    place.write_text(json.dumps(log))
    with pytest.raises(FileError, match=r"prompt_fraud.*riskshift label"):
        riskshift.analyze(place)


def test_a_log_without_the_scorer_is_an_ordinary_one(tmp_path):
    log = json.loads(LOG.read_text())
    log["eval"]["scorers"] = [{"name": "includes"}]
    place = tmp_path / "log.json"
    place.write_text(json.dumps(log))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = str(riskshift.doctor(place))
    assert "inspect-paired" not in told
