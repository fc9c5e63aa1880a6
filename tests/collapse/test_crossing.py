"""Groupings by several columns: nothing is lost, and no two groups share a name."""

import itertools

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.errors import ColumnError, UsageError
from riskshift.jobs.opening import read

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
VALUES = ("a", "a x b", "x", "x b", 'a"', '"a" x b', '"', None, " ")
ENGINES = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
}


def pairs(rows, columns=("A", "B")):
    """A frame of rows (values of the columns, prompt, response)."""
    schema = dict.fromkeys(columns, pl.String)
    whole = {"prompt_harm": pl.Int64, "response_harm": pl.Int64}
    return pl.DataFrame(rows, schema=schema | whole, orient="row")


EVERY = pairs([(*two, i % 2, i % 3 % 2) for i, two in enumerate(itertools.product(VALUES, VALUES))])


def named(*values):
    """What a group of these values must be called."""
    told = []
    for value in values:
        text = (value or "").strip() or "(none)"
        unclear = " x " in f" {text} " or text.startswith('"')
        told.append('"' + text.replace('"', '""') + '"' if unclear else text)
    return " x ".join(told)


def tables(data, by):
    """Records of each group, by severity of prompt and response."""
    return {
        name: {
            (int(p), int(r)): int(k)
            for p, r, k in zip(counts.prompt[:, 0], counts.response[:, 0], counts.n, strict=True)
        }
        for name, counts in collapse(read(data, by=by, taxonomy=TWO)).groups[by].each().items()
    }


def added(parts):
    total = {}
    for part in parts:
        for cell, n in part.items():
            total[cell] = total.get(cell, 0) + n
    return total


@pytest.mark.parametrize("engine", ENGINES)
def test_no_two_crossed_groups_share_a_name(engine):
    """Two blanks are one value, so of 9 values there are 8."""
    found = tables(ENGINES[engine](EVERY), "A x B")
    assert len(found) == 8 * 8
    assert set(found) == {named(a, b) for a, b in itertools.product(VALUES, VALUES)}


def test_files_cross_like_frames(tmp_path):
    EVERY.write_csv(tmp_path / "pairs.csv")
    assert tables(tmp_path / "pairs.csv", "A x B") == tables(EVERY, "A x B")


label = st.sampled_from([0, 1, None])


@given(
    st.lists(
        st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES), label, label),
        min_size=1,
        max_size=40,
    )
)
def test_crossed_groups_add_up_to_each_margin(rows):
    frame = pairs(rows)
    crossed = tables(frame, "A x B")
    names = {named(a, b): [(v or "").strip() or "(none)" for v in (a, b)] for a, b, *_ in rows}
    for at, column in enumerate(("A", "B")):
        for value, table in tables(frame, column).items():
            parts = [part for name, part in crossed.items() if names[name][at] == value]
            assert added(parts) == table


def test_three_columns_cross_and_add_up():
    rows = [(a, b, c, 1, int(a == b)) for a in "ab" for b in "ab" for c in "cd"]
    frame = pairs(rows, "ABC")
    found = tables(frame, "A x B × C")
    assert set(found) == {" x ".join(part) for part in itertools.product("ab", "ab", "cd")}
    assert added(found.values()) == added(tables(frame, "A").values())


def test_a_column_that_is_called_like_a_crossing_is_meant():
    frame = EVERY.with_columns(pl.lit("one").alias("A x B"))
    assert set(tables(frame, "A x B")) == {"one"}
    assert len(tables(frame, "A × B")) == 64


def test_numbers_and_flags_are_named_as_in_groups_of_their_own():
    frame = pairs([("a", "b", 1, 0)] * 4).with_columns(
        n=pl.Series([1, 2, None, 1]), f=pl.Series([1.5, float("nan"), 2.5, 1.5])
    )
    frame = frame.with_columns(yes=pl.Series([True, False, None, True]))
    for data in (ENGINES[name](frame) for name in ENGINES):
        assert set(tables(data, "yes x f")) == {"true x 1.5", "false x (none)", "(none) x 2.5"}


def test_a_label_may_be_crossed_with_a_column():
    found = tables(pairs([("a", "b", 1, 0), ("a", "b", 1, 1)]), "A x response_harm")
    assert found == {"a x 0": {(1, 0): 1}, "a x 1": {(1, 1): 1}}


def test_over_a_thousand_groups_are_an_error():
    rows = [(str(i % 40), str(i // 40), 1, 0) for i in range(1600)]
    with pytest.raises(UsageError, match=r"--by A x B: 1,600 different values; at most 1,000"):
        tables(pairs(rows), "A x B")


@pytest.mark.parametrize(
    ("by", "error", "message"),
    [
        ("A x C", ColumnError, "Column not found: 'C'"),
        ("A x A", UsageError, "crosses a column with itself"),
        ("A x lists", ColumnError, "'lists' holds List"),
    ],
)
def test_what_cannot_be_crossed_is_refused(by, error, message):
    frame = EVERY.with_columns(lists=pl.Series([[1]] * len(EVERY)))
    with pytest.raises(error, match=message):
        riskshift.analyze(frame, by=by, taxonomy=TWO)


def test_groups_stand_beside_one_another():
    result = riskshift.analyze(
        EVERY, by=["A", "B", "A x B"], taxonomy=TWO, resamples=20, permutations=20
    )
    assert list(result.groups) == ["A", "B", "A x B"]
    assert result.groups["A x B"]["a x a"].records == 1
