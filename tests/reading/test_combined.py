"""Several sets of records as one."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from riskshift import Taxonomy, UsageError, read
from riskshift.collapse.pairs import collapse
from riskshift.errors import DataError
from riskshift.reading import combine

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
OLD = {"prompt_id": ["a", "b"], "prompt_harm": [1, 0], "response_harm": [1, 0]}
NEW = {"prompt_id": ["b", "a"], "prompt_harm": [0, 1], "response_harm": [0, 0], "extra": ["x", "y"]}


def sides(records, column="side"):
    """Counts by side, as plain numbers."""
    from dataclasses import replace

    records = replace(
        records,
        options=replace(records.options, columns=type(records.options.columns)(model=column)),
    )
    groups = collapse(records).groups[column].each()
    return {
        name: (counts.total, int(counts.n[counts.response[:, 0] == 1].sum()))
        for name, counts in groups.items()
    }


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.table])
def test_frames_of_one_library_stack(make):
    parts = {"old": read(make(OLD), taxonomy=HARM), "new": read(make(NEW), taxonomy=HARM)}
    assert sides(combine(parts, column="side")) == {"new": (2, 0), "old": (2, 1)}


def test_relations_of_one_connection_stack():
    with duckdb.connect() as connection:
        old, new = pl.DataFrame(OLD), pl.DataFrame(NEW)
        connection.register("old", old)
        connection.register("new", new)
        parts = {name: read(connection.table(name), taxonomy=HARM) for name in ("old", "new")}
        assert sides(combine(parts, column="side")) == {"new": (2, 0), "old": (2, 1)}


def test_relations_of_two_connections_are_refused():
    with duckdb.connect() as one, duckdb.connect() as two:
        query = "SELECT 'a' AS prompt_id, 1 AS prompt_harm, 1 AS response_harm"
        parts = {
            "old": read(one.sql(query), taxonomy=HARM),
            "new": read(two.sql(query), taxonomy=HARM),
        }
        with pytest.raises(UsageError, match="different connections"):
            combine(parts, column="side")


def test_files_of_different_formats_stack(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.parquet"
    pl.DataFrame(OLD).write_csv(old)
    pl.DataFrame(NEW).write_parquet(new)
    parts = {"old": read(old, taxonomy=HARM), "new": read(new, taxonomy=HARM)}
    combined = combine(parts, column="side")
    del parts
    assert sides(combined) == {"new": (2, 0), "old": (2, 1)}
    assert combined.source.name == f"{old} and {new}"


def test_types_that_differ_become_text():
    old = pl.DataFrame(OLD)
    new = pl.DataFrame(NEW).with_columns(pl.col("response_harm").cast(pl.String))
    parts = {"old": read(old, taxonomy=HARM), "new": read(new, taxonomy=HARM)}
    assert sides(combine(parts, column="side")) == {"new": (2, 0), "old": (2, 1)}


def test_a_file_and_a_frame_are_refused(tmp_path):
    pl.DataFrame(OLD).write_csv(tmp_path / "old.csv")
    parts = {
        "old": read(tmp_path / "old.csv", taxonomy=HARM),
        "new": read(pl.DataFrame(NEW), taxonomy=HARM),
    }
    with pytest.raises(UsageError, match="cannot be put together"):
        combine(parts, column="side")


def test_a_column_that_is_there_already_is_refused():
    records = read(pl.DataFrame(NEW), taxonomy=HARM)
    with pytest.raises(UsageError, match="has a column 'extra' already"):
        combine({"a": records, "b": records}, column="extra")


def test_a_part_that_cannot_be_read_says_so_itself(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    pl.DataFrame(OLD).write_csv(old)
    new.write_text("prompt_id,prompt_harm,response_harm\na,1,0\nb,1\n")
    parts = {"old": read(old, taxonomy=HARM), "new": read(new, taxonomy=HARM)}
    with pytest.raises(DataError, match=r"new\.csv, line 3"):
        collapse(combine(parts, column="side"))


def test_a_bad_label_is_found_in_its_part(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    pl.DataFrame(OLD).write_csv(old)
    new.write_text("prompt_id,prompt_harm,response_harm\na,1,0\nb,1,7\n")
    parts = {"old": read(old, taxonomy=HARM), "new": read(new, taxonomy=HARM)}
    with pytest.raises(DataError, match=r"new\.csv, line 3: response_harm is '7'"):
        collapse(combine(parts, column="side"))


def test_what_was_left_out_adds_up(tmp_path):
    for name in ("old.csv", "new.csv"):
        (tmp_path / name).write_text("prompt_id,prompt_harm,response_harm\na,1,0\nb,1\n")
    parts = {
        name: read(tmp_path / f"{name}.csv", taxonomy=HARM, skip_bad=True)
        for name in ("old", "new")
    }
    combined = combine(parts, column="side")
    assert combined.skipped == {"malformed row": 2}
    assert sides(combined) == {"new": (1, 0), "old": (1, 0)}
