"""The JSON of an analysis and of a comparison is the same, byte for byte, whatever holds the rows.

`RISKSHIFT_SAME_PROMPTS=250000` compares a million generated pairs; it takes ten minutes.
"""

import json
import os
import warnings

import duckdb
import polars as pl
import pytest

import riskshift
from riskshift.report.writing import render

TAXONOMY = riskshift.Taxonomy(["hate", "sexual"])
QUICK = {"resamples": 200, "permutations": 200}
PROMPTS = int(os.environ.get("RISKSHIFT_SAME_PROMPTS", "1500"))
ENGINES = ("polars", "pandas", "pyarrow", "pyspark")


def generated(prompts):
    """Four answers a prompt, of two models; some labels are missing, and prompts are alike in some."""
    return duckdb.sql(f"""
        SELECT md5((i // 4)::VARCHAR) AS prompt_id, 'm' || i % 2 AS model, (i // 2 % 2)::BIGINT AS sample,
            'ask ' || i // 4 AS prompt, 'say ' || i AS response,
            ['de', 'en', 'fr'][1 + (i // 4 % 3)::INT] AS language,
            (hash(i // 4) % 7 % 4)::BIGINT AS prompt_hate, (hash(i // 4 + 9) % 5 % 4)::BIGINT AS prompt_sexual,
            CASE WHEN hash(i + 1) % 50 > 0 THEN (hash(i) % 11 % 4)::BIGINT END AS response_hate,
            CASE WHEN hash(i + 2) % 70 > 0 THEN (hash(i + 3) % 13 % 4)::BIGINT END AS response_sexual
        FROM range({4 * prompts:d}) AS held(i)
    """).pl()


def told(result):
    """Return the JSON of a result without what says where the numbers come from."""
    held = json.loads(render(result, ".json"))
    for name in ("engine", "source", "timing"):
        held.pop(name, None)
    return json.dumps(held, ensure_ascii=False)


@pytest.fixture
def held(request, tmp_path):
    """Put a frame where an engine reads it."""

    def put(frame, engine):
        if engine == "pyspark":
            return request.getfixturevalue("spread")(frame)
        if engine == "duckdb":
            frame.write_parquet(tmp_path / "pairs.parquet")
            return tmp_path / "pairs.parquet"
        return {"polars": frame.lazy, "pandas": frame.to_pandas, "pyarrow": frame.to_arrow}[
            engine
        ]()

    return put


@pytest.fixture(params=["public labels", "four answers a prompt"])
def data(request):
    """A frame, and the options with which it is read."""
    if request.param == "four answers a prompt":
        return generated(PROMPTS), {"taxonomy": TAXONOMY, "by": "language"}
    place = request.getfixturevalue("shared") / "paired_public_labels.csv"
    return pl.read_csv(place), {}


@pytest.mark.parametrize("ask", [riskshift.analyze, riskshift.compare], ids=["analyze", "compare"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_json_is_that_of_a_file(data, held, engine, ask):
    frame, options = data
    options = options | QUICK if ask is riskshift.analyze else options | {"resamples": 200}
    with warnings.catch_warnings(action="ignore"):
        found = ask(held(frame, engine), **options)
        wanted = ask(held(frame, "duckdb"), **options)
    assert found.provenance.engine == engine
    assert wanted.provenance.engine == "duckdb"
    assert told(found) == told(wanted)
