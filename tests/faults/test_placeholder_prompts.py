"""Prompts that read REDACTED are not one prompt."""

import pandas as pd
import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.collapse.pairs import collapse
from riskshift.errors import DataError, RiskshiftWarning

SAFE = Taxonomy(["harm"], ["safe", "unsafe"])
AEGIS = {"prompt_harm": "prompt_label", "response_harm": "response_label"}
WARNED = "placeholder instead of the prompt's text.*each was taken as a prompt of its own"


def rows(texts, **columns):
    made = {"prompt": texts, "response": [f"r{n}" for n in range(len(texts))]}
    harm = {
        "prompt_harm": [0] * len(texts),
        "response_harm": [n % 5 == 0 for n in range(len(texts))],
    }
    return pl.DataFrame(made | harm | columns)


@pytest.mark.parametrize("name", ["aegis_redacted.json", "aegis_redacted2.json"])
@pytest.mark.filterwarnings("ignore:.*placeholder:riskshift.errors.RiskshiftWarning")
def test_intervals_are_those_with_the_id(faults, name):
    path = faults / "placeholder-prompts" / name
    options = {"taxonomy": SAFE, "resamples": 20, "permutations": 20}
    by_text = riskshift.analyze(path, columns=AEGIS, **options).population.overall["escalation"]
    by_id = riskshift.analyze(path, columns=AEGIS | {"prompt_id": "id"}, **options)
    expected = by_id.population.overall["escalation"]
    assert (by_text.events, by_text.trials) == (expected.events, expected.trials)
    assert by_text.interval.low == pytest.approx(expected.interval.low)
    assert by_text.interval.high == pytest.approx(expected.interval.high)


def test_the_warning_names_the_id(faults):
    path = faults / "placeholder-prompts" / "aegis_redacted.json"
    records = riskshift.read(path, taxonomy=SAFE, columns=AEGIS)
    with pytest.warns(RiskshiftWarning, match="13 rows hold a placeholder.*--map prompt_id=id"):
        collapse(records)


@pytest.mark.parametrize(
    "text",
    [
        "REDACTED",
        "[removed]",
        "<redacted>",
        "n/a",
        "N/A",
        "***",
        "[deleted by user]",
        "Prompt withheld",
        "content removed",
        "The prompt has been removed.",
        "-",
        "None",
    ],
)
@pytest.mark.parametrize("library", [pl.DataFrame, pl.LazyFrame, pd.DataFrame])
def test_placeholders_are_prompts_of_their_own_in_every_engine(text, library):
    data = library(rows([text] * 10 + ["a", "b"]).to_dict(as_series=False))
    with pytest.warns(RiskshiftWarning, match="10 rows hold a placeholder"):
        counts = collapse(riskshift.read(data, taxonomy=SAFE)).counts
    assert counts.clusters is None or counts.units == 12


def test_a_pyarrow_table_too():
    with pytest.warns(RiskshiftWarning, match="10 rows hold a placeholder"):
        collapse(riskshift.read(rows(["REDACTED"] * 10).to_arrow(), taxonomy=SAFE))


@pytest.mark.parametrize(
    "text", ["How do I remove a stain?", "hidden", "What was redacted?", "None of it"]
)
def test_texts_that_say_something_are_one_prompt(text):
    texts = [text] * 4 if text != "hidden" else ["hidden treasure"] * 4
    counts = collapse(riskshift.read(rows(texts), taxonomy=SAFE)).counts
    assert counts.units == 1


def test_with_an_id_texts_are_only_read():
    data = rows(["REDACTED"] * 4, prompt_id=["a", "a", "b", "b"], sample=[1, 2, 1, 2])
    assert collapse(riskshift.read(data, taxonomy=SAFE)).counts.units == 2


@pytest.mark.filterwarnings("ignore:.*placeholder:riskshift.errors.RiskshiftWarning")
def test_gates_say_so_and_refuse_to_match_them():
    data = rows(["REDACTED"] * 40, uid=list(range(40)))
    report = riskshift.check(data, "response_harm <= 50%", taxonomy=SAFE)
    assert "--map prompt_id=uid" in report.warnings[0]
    other = data.with_columns(response_harm=pl.lit(value=False))
    with pytest.raises(DataError, match="nothing tells which prompts are the same"):
        riskshift.check(data, "response_harm - baseline <= 5%", baseline=other, taxonomy=SAFE)
    with pytest.raises(DataError, match="nothing tells which prompts are the same"):
        riskshift.compare({"old": data, "new": other}, baseline="old", taxonomy=SAFE)
