"""The few questions that rows are asked."""

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pytest

from riskshift.engines import engine

ENGINES = {
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
    "polars": pl.DataFrame.lazy,
    "pandas": pl.DataFrame.to_pandas,
    "pyarrow": pl.DataFrame.to_arrow,
}


@pytest.fixture(params=ENGINES)
def put(request):
    """Put values into an engine, by column."""
    return lambda **columns: nw.from_native(ENGINES[request.param](pl.DataFrame(columns))).lazy()


@pytest.fixture
def few(monkeypatch):
    """Look at two rows first, and sort three hashes at a time."""
    monkeypatch.setattr(engine, "FIRST_ROWS", 2)
    monkeypatch.setattr(engine, "MOST_HASHES", 3)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("values", "twice"),
    [
        (list("abcdefgh"), False),
        ([*"abcdefgh", "a"], True),
        (list(range(2**53, 2**53 + 9)), False),
        ([1, 2, 3, 3], True),
        (["a", "a"], True),
        (["a", None, "b"], False),
    ],
)
def test_values_repeat_or_not_wherever_they_stand(put, values, twice):
    assert engine.occur_twice(put(a=values), ["a"]) is twice


@pytest.mark.usefixtures("few")
def test_several_columns_repeat_together_alone(put):
    assert not engine.occur_twice(put(a=[1, 1, 2, 2], b=[1, 2, 1, 2]), ["a", "b"])
    assert engine.occur_twice(put(a=[1, 1, 2, 1], b=[1, 2, 1, 2]), ["a", "b"])


def test_values_whose_hashes_meet_are_compared_themselves(monkeypatch, put):
    monkeypatch.setattr(engine, "_hashes_differ", lambda *given: False)
    assert not engine.occur_twice(put(a=[1, 2, 3]), ["a"])


def test_conditions_hold_somewhere_or_nowhere(put):
    frame = put(a=[1, 2, None])
    held = [nw.col("a") > 1, nw.col("a") > 2, nw.col("a").is_null()]
    assert engine.somewhere(frame, held) == [True, False, True]
    assert engine.somewhere(frame.filter(nw.col("a") > 9), held[:2]) == [False, False]
