"""What occurs together in a cluster is found by sums of hashes, the same in every engine."""

from collections import Counter

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.engines import kinds
from riskshift.engines.engine import EngineError

CODES = np.arange(5, dtype=np.int64)


def native(frame, engine):
    if engine == "duckdb":
        import duckdb

        return duckdb.from_arrow(frame.to_arrow())
    if engine == "pandas":
        # Rows that were filtered before keep their places in the index.
        return frame.to_pandas().sample(frac=1, random_state=1)
    return {"polars": frame.lazy(), "pyarrow": frame.to_arrow()}[engine]


def found(rows, engine="duckdb", codes=CODES):
    """Return how many clusters hold which codes, as `linked` tells it."""
    schema = {"cluster": pl.String, "label": pl.Int64}
    frame = nw.from_native(native(pl.DataFrame(rows, schema=schema, orient="row"), engine)).lazy()
    n = np.array([sum(label == code for _, label in rows) for code in codes])
    told = kinds.linked(frame, "cluster", ["label"], nw.col("label"), codes, n)
    held = Counter()
    for at, weight in enumerate(told.weight):
        held[tuple(sorted(told.indices[told.indptr[at] : told.indptr[at + 1]].tolist()))] += int(
            weight
        )
    return held


def counted(rows):
    """Return the same, counted row by row."""
    together = {}
    for cluster, label in rows:
        together.setdefault(cluster, []).append(label)
    return Counter(tuple(sorted(labels)) for labels in together.values())


ROWS = [
    ("a", 0),
    ("a", 1),
    ("b", 1),
    ("b", 0),
    ("c", 4),
    ("d", 4),
    ("e", 2),
    ("e", 2),
    ("e", 0),
    ("f", 3),
    ("f", 3),
]


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas", "pyarrow"])
def test_every_engine_counts_clusters_by_what_they_hold(engine):
    assert found(ROWS, engine) == {(0, 1): 2, (4,): 2, (0, 2, 2): 1, (3, 3): 1}


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 4)), min_size=1, max_size=40),
    st.sampled_from(["duckdb", "polars", "pyarrow"]),
)
def test_kinds_are_what_listing_the_codes_gives(rows, engine):
    assert found(rows, engine) == counted(rows)


@pytest.mark.parametrize("lost", ["riskshift_low", "riskshift_high"])
def test_a_hash_whose_one_half_is_the_same_for_all_codes_is_enough(monkeypatch, lost):
    real = kinds._hashed
    tried = []

    def hashed(*given):
        tried.append(given[-1])
        return real(*given).with_columns(nw.lit(7).alias(lost))

    monkeypatch.setattr(kinds, "_hashed", hashed)
    assert found(ROWS) == counted(ROWS)
    assert tried == [0]


def test_kinds_that_a_hash_takes_for_one_are_noticed_and_found_by_another(monkeypatch):
    real = kinds._hashed
    tried = []

    def hashed(*given):
        tried.append(given[-1])
        halves = real(*given)
        blind = [nw.lit(7).alias(half) for half in ("riskshift_low", "riskshift_high")]
        return halves.with_columns(*blind) if given[-1] == 0 else halves

    monkeypatch.setattr(kinds, "_hashed", hashed)
    assert found(ROWS) == counted(ROWS)
    assert tried == [0, 1]


def test_rows_that_are_not_those_that_were_counted_are_refused():
    frame = nw.from_native(pl.LazyFrame({"cluster": ["a", "a"], "label": [1, 2]}))
    with pytest.raises(EngineError, match="rows changed"):
        kinds.linked(frame, "cluster", ["label"], nw.col("label"), CODES, np.array([0, 2, 0, 0, 0]))


def test_sums_of_small_numbers_that_are_multiples_of_powers_of_two_do_not_meet():
    # With DuckDB's hash taken once, both clusters have the same sums in either half.
    codes = np.array([0, 5120, 8192, 10240, 16384])
    rows = [("a", code) for code in (0, 5120, 5120, 16384)]
    rows += [("b", code) for code in (0, 8192, 8192, 10240)]
    assert set(found(rows, codes=codes)) == {(0, 1, 1, 4), (0, 2, 2, 3)}
