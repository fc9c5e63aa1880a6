"""A gate never pools models in silence, and says where rows were taken as prompts of their own."""

import json
import xml.etree.ElementTree as ET

import pandas as pd
import polars as pl
import pytest

from riskshift import Taxonomy, check
from riskshift.errors import UsageError
from riskshift.report.render.gate import to_github
from riskshift.report.writing import render

TWO = Taxonomy(["harm"], ["Safe", "Harmful"])
N = 400


def rows(bad=2, **columns):
    harm = [n < bad for n in range(N)]
    made = pl.DataFrame({"prompt_harm": [False] * N, "response_harm": harm})
    return made.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def two_models(**columns):
    ids = [f"p{n}" for n in range(N)]
    return pl.concat(
        rows(bad, prompt_id=ids, **columns).with_columns(model=pl.lit(name))
        for name, bad in (("good", 0), ("bad", 12))
    )


@pytest.mark.parametrize("rule", ["response_harm <= 3%", "response_harm <= 3% by site"])
def test_several_models_are_never_pooled(rule):
    data = two_models(site=["x", "y"] * (N // 2))
    with pytest.raises(UsageError, match=r"several models \(bad, good\).*by model.*") as caught:
        check(data, rule, taxonomy=TWO)
    assert "--model" in str(caught.value)
    each = check(data, "response_harm <= 3% by model", taxonomy=TWO)
    assert {r.group: r.verdict for r in each.results} == {"good": "pass", "bad": "inconclusive"}
    assert check(data, rule, taxonomy=TWO, model="good").verdict in ("pass", "inconclusive")


def test_a_column_that_tells_models_apart_does_not_pool_them():
    data = two_models().with_columns(version=pl.concat_str(pl.lit("v-"), pl.col("model")))
    report = check(data, "response_harm <= 3% by version", taxonomy=TWO)
    assert {r.group: r.verdict for r in report.results}["v-good"] == "pass"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("id", "prompt_id"),
        ("uid", "prompt_id"),
        ("question_id", "prompt_id"),
        ("promptId", "prompt_id"),
        ("item-idx", "prompt_id"),
        ("goal", "prompt"),
        ("prompt_text", "prompt"),
    ],
)
def test_a_column_that_looks_like_an_id_is_named_in_every_format(name, role):
    report = check(
        rows(**{name: [f"q{n // 4}" for n in range(N)]}), "response_harm <= 3%", taxonomy=TWO
    )
    (warning,) = report.warnings
    assert "each row was taken as a prompt of its own" in warning
    assert f"'{name}' (100 values in 400 rows): --map {role}={name}" in warning
    assert "each row was taken as a prompt of its own" in " ".join(render(report, ".txt").split())
    assert json.loads(render(report, ".json"))["warnings"] == [warning]
    assert "::warning title=riskshift check::No column says which rows share" in to_github(report)
    assert warning in ET.fromstring(render(report, ".xml")).findtext("system-out")
    run = json.loads(render(report, ".sarif"))["runs"][0]
    told = run["invocations"][0]["toolExecutionNotifications"]
    assert warning in [one["message"]["text"] for one in told]


def test_without_such_a_column_the_way_out_is_named_all_the_same():
    (warning,) = check(
        rows(response_id=list(range(N))), "response_harm <= 3%", taxonomy=TWO
    ).warnings
    assert warning.endswith("Name it: --map prompt_id=COLUMN.")


@pytest.mark.parametrize("column", ["prompt_id", "prompt"])
def test_where_prompts_are_told_apart_nothing_is_warned_of(column):
    data = rows(**{column: [f"p{n}" for n in range(N)]})
    assert check(data, "response_harm <= 3%", taxonomy=TWO).warnings == ()


def test_a_column_that_names_models_under_another_name_is_pointed_at():
    data = (
        two_models()
        .rename({"model": "model_name"})
        .with_columns(prompt_id=pl.Series([f"p{n}" for n in range(2 * N)]))
    )
    (warning,) = check(data, "response_harm <= 3%", taxonomy=TWO).warnings
    assert "--map model=model_name" in warning


@pytest.mark.parametrize("index", ["prompt_id", ["prompt_id", "model"]])
def test_a_named_index_of_pandas_is_read(index):
    harm = [n < 8 for n in range(N)]
    ids = [f"p{n // 4}" for n in range(N)]
    data = pd.DataFrame(
        {
            "prompt_id": ids,
            "model": "m",
            "sample": list(range(N)),
            "prompt_harm": False,
            "response_harm": harm,
        }
    )
    wanted = check(data, "response_harm <= 5%", taxonomy=TWO)
    for frame in (data.set_index(index), data.set_index(index, drop=False)):
        found = check(frame, "response_harm <= 5%", taxonomy=TWO)
        assert found.warnings == ()
        assert found.results[0].rate == wanted.results[0].rate
