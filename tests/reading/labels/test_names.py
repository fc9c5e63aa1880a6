"""Laws: what a column is called changes nothing but the name in words, whoever holds the rows."""

import csv
import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.errors import ColumnError
from riskshift.records import own_names
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
ROLES = ("prompt_id", "model", "prompt", "prompt_harm", "response_harm")
ROWS = [
    ("a", "old", "hi", 1, 1, "x"),
    ("a", "new", "hi", 1, 0, "y"),
    ("b", "old", "ho", 0, 0, "y"),
    ("b", "new", "ho", 0, 1, "x"),
]


def written_csv(names, rows, folder):
    path = folder / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    return path


def written_jsonl(names, rows, folder):
    path = folder / "x.jsonl"
    lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def written_parquet(names, rows, folder):
    polars(names, rows, folder).write_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def polars(names, rows, folder):
    return pl.DataFrame(dict(zip(names, zip(*rows, strict=True), strict=True)))


HOLDERS = {
    "csv": written_csv,
    "jsonl": written_jsonl,
    "parquet": written_parquet,
    "polars": polars,
    "polars lazy": lambda *given: polars(*given).lazy(),
    "pandas": lambda *given: polars(*given).to_pandas(),
    "pyarrow": lambda *given: polars(*given).to_arrow(),
    "duckdb": lambda *given: duckdb.from_arrow(polars(*given).to_arrow()),
}
# What some parser somewhere takes for more than a name.
HOSTILE = [
    "a.b", "*", "^x.*$", '"q"', "it's", "f(x)", "a b", "c0", "c3", "riskshift_n", "riskshift_key_0",
    "riskshift_group", "len", "count(*)", "--", "select", "x;y", "{a}", "$a", "/a/~b", "é", "\U0001f600",
    "json", "file_row_number", "filename", "held", "codes", "kind",
]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
        lambda name: name == name.strip()
    ),
)


def told(data, names):
    columns = dict(zip(ROLES, names, strict=False))
    result = riskshift.analyze(
        data, taxonomy=HARM, columns=columns, by=names[-1], resamples=10, permutations=10
    )
    groups = {
        value: group.overall["escalation"].events
        for value, group in result.groups[names[-1]].items()
    }
    cases = [(case.prompt_id, case.model, case.prompt_text) for case in result.cases]
    events = {name: rate.events for name, rate in result.population.overall.items()}
    return result.provenance.data_hash, groups, cases, events


PLAIN = (*(f"my_{role}" for role in ROLES), "my_group")


@pytest.mark.parametrize("holder", HOLDERS)
@settings(
    max_examples=5,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(names=HOSTILE[:6])
@example(names=["c1", "c0", "c5", "c4", "c3", "c2"])
@example(names=["riskshift_n", "*", "riskshift_code", "a.b", '"', "riskshift_group"])
@given(names=st.lists(NAMES, min_size=6, max_size=6, unique_by=str.casefold))
def test_a_column_may_be_called_anything(tmp_path, holder, names):
    plain = told(HOLDERS[holder](PLAIN, ROWS, tmp_path), PLAIN)
    assert told(HOLDERS[holder](names, ROWS, tmp_path), names) == plain


@pytest.mark.parametrize("holder", ["csv", "jsonl", "parquet", "polars", "pandas", "pyarrow"])
def test_names_are_equal_by_one_rule_everywhere(tmp_path, holder):
    rows = [(*row, 1) for row in ROWS]
    unused = (*ROLES, "note", "Note")
    records = riskshift.read(HOLDERS[holder](unused, rows, tmp_path), taxonomy=HARM)
    assert sorted(records.names) == sorted(ROLES)
    used = (*ROLES, "note", "Prompt_Harm")
    with pytest.raises(
        ColumnError, match=r"(?i)two columns are called 'prompt_harm' and 'prompt_harm'"
    ):
        riskshift.read(HOLDERS[holder](used, rows, tmp_path), taxonomy=HARM)


def test_frames_may_hold_columns_that_share_a_name():
    names = [*ROLES, "note", "note"]
    for data in (
        pd.DataFrame([(*row, 1) for row in ROWS], columns=names),
        pa.table({name: [1] for name in own_names(len(names))}).rename_columns(names),
    ):
        assert riskshift.read(data, taxonomy=HARM).names == list(ROLES)


def test_files_that_write_a_name_in_two_ways_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("model,prompt_harm,response_harm\nx,0,1\n")
    (tmp_path / "b.csv").write_text("Model,prompt_harm,response_harm\nx,0,1\n")
    with pytest.raises(ColumnError, match="'Model', and other files have 'model'"):
        riskshift.read([tmp_path / "a.csv", tmp_path / "b.csv"], taxonomy=HARM)


def test_a_column_may_play_two_roles():
    frame = polars(ROLES, [row[:5] for row in ROWS], None)
    once = frame.unique("model", keep="first", maintain_order=True)
    result = riskshift.analyze(
        once, taxonomy=HARM, columns={"prompt_id": "model"}, resamples=10, permutations=10
    )
    assert result.provenance.cluster == "model"
