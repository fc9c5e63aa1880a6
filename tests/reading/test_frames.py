"""Every engine gives the same counts, groups and cases."""

import datetime
import functools

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.errors import ColumnError, DataError, LabelError, UsageError
from riskshift.picking.cases import cases_to_read
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])
BINARY = Taxonomy(["harm"], ["Safe", "Harmful"])
FRAMES = {
    "pandas": pl.DataFrame.to_pandas,
    "pandas arrow": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pandas nullable": lambda frame: frame.to_pandas().convert_dtypes(),
    "polars": lambda frame: frame,
    "polars lazy": pl.DataFrame.lazy,
    "pyarrow": pl.DataFrame.to_arrow,
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
}
FILES = {
    "csv": pl.DataFrame.write_csv,
    "jsonl": pl.DataFrame.write_ndjson,
    "parquet": pl.DataFrame.write_parquet,
}


@pytest.fixture(params=[*FRAMES, *FILES])
def engine(request, tmp_path):
    """Put a Polars frame into an engine."""

    def put(frame):
        if request.param in FRAMES:
            return FRAMES[request.param](frame)
        path = tmp_path / f"pairs.{request.param}"
        FILES[request.param](frame, path)
        return path

    put.name = request.param
    return put


N = 60
BASE = pl.DataFrame(
    {
        "prompt_id": [f"p{i // 4:03}" for i in range(N)],
        "model": ["a", "b"] * (N // 2),
        "sample": [i % 4 // 2 for i in range(N)],
        "judge": ["x", None, "y"] * (N // 3),
        "prompt_harm": [i // 4 % 4 for i in range(N)],
        "response_harm": [None if i % 11 == 0 else (i * 7) % 4 for i in range(N)],
        "relevance": [None if i % 13 == 0 else i % 3 + 1 for i in range(N)],
    }
)


def outcome(data, **options):
    records = riskshift.read(data, **{"taxonomy": HARM, **options})
    collapsed = collapse(records)
    groups = {
        column: {name: counts.digest() for name, counts in grouped.each().items()}
        for column, grouped in collapsed.groups.items()
    }
    cases = [case.to_dict() for case in cases_to_read(collapsed, limit=2, seed=1)]
    return collapsed.counts.digest(), groups, cases, dict(collapsed.records.skipped)


@functools.cache
def of_polars(name, **options):
    return outcome({"BASE": BASE, "FAULTY": FAULTY}[name], **options)


def labels(change, *columns):
    return BASE.with_columns(pl.col(columns or ["prompt_harm", "response_harm"]).pipe(change))


def names(column):
    return column.replace_strict([0, 1, 2, 3], ["Safe", "low", "MEDIUM", "High"], default=None)


SAME = {
    "integers": BASE,
    "floats": labels(lambda c: c.cast(pl.Float64)),
    "NaN": labels(lambda c: c.cast(pl.Float32).fill_null(float("nan"))),
    "decimals": labels(lambda c: c.cast(pl.Decimal(10, 2))),
    "digits": labels(lambda c: c.cast(pl.String)),
    "1.0 and blanks": labels(lambda c: c.cast(pl.Float64).cast(pl.String).fill_null("")),
    "names": labels(names),
    "categories": labels(lambda c: names(c).cast(pl.Categorical)),
    "enumerations": labels(
        lambda c: names(c).cast(pl.Enum(["Safe", "low", "MEDIUM", "High", "unused"]))
    ),
    "category of model and judge": labels(lambda c: c.cast(pl.Categorical), "model", "judge"),
}


@pytest.mark.parametrize("written", SAME)
def test_engines_and_ways_of_writing_agree(engine, written):
    assert outcome(engine(SAME[written]), by="judge") == of_polars("BASE", by="judge")


@pytest.mark.parametrize(
    "ids",
    [
        pl.int_range(N) // 4,
        pl.int_range(N) // 4 + 2**53,
        pl.int_range(N) // 4 - 2**62,
        pl.datetime(2026, 1, 1) + pl.duration(days=pl.int_range(N) // 4),
        (pl.int_range(N) // 4).cast(pl.String).cast(pl.Categorical),
    ],
    ids=["integers", "beyond floats", "far beyond", "times", "categories"],
)
def test_ids_of_any_type_tell_prompts_apart(engine, ids):
    expected, groups, _, _ = of_polars("BASE", by="judge")
    found, found_groups, _, _ = outcome(engine(BASE.with_columns(prompt_id=ids)), by="judge")
    assert (found, found_groups) == (expected, groups)


def test_booleans_are_the_levels_of_a_taxonomy_of_two(engine):
    flags = BASE.with_columns(
        pl.col("prompt_harm") > 1, pl.col("response_harm") > 1, prompt_benign=pl.col("sample") > 0
    ).drop("relevance")
    expected = outcome(flags.with_columns(pl.col(pl.Boolean).cast(pl.Int64)), taxonomy=BINARY)
    assert outcome(engine(flags), taxonomy=BINARY) == expected


def test_groups_are_named_alike(engine):
    rows = BASE.with_columns(flag=pl.Series([True, False, None] * (N // 3)), blank=pl.lit(""))
    groups = outcome(engine(rows), by=["flag", "blank", "judge", "sample", "prompt_harm"])[1]
    assert list(groups["flag"]) == ["(none)", "false", "true"]
    assert list(groups["blank"]) == ["(none)"]
    assert list(groups["judge"]) == ["(none)", "x", "y"]
    assert list(groups["sample"]) == ["0", "1"]
    assert list(groups["prompt_harm"]) == ["0", "1", "2", "3"]


def test_a_value_called_none_is_none(engine):
    rows = BASE.with_columns(pl.col("judge").replace({"x": "(none)"}))
    totals = {
        name: counts.total
        for name, counts in collapse(riskshift.read(engine(rows), taxonomy=HARM, by="judge"))
        .groups["judge"]
        .each()
        .items()
    }
    assert totals == {"(none)": 40, "y": 20}


def test_hundreds_of_groups_can_be_told_apart(engine):
    rows = pl.DataFrame(
        {
            "prompt_id": [i // 2 for i in range(1200)],
            "sample": [i % 2 for i in range(1200)],
            "shop": [f"s{i // 2 % 300}" for i in range(1200)],
            "prompt_harm": [0] * 1200,
            "response_harm": [0] * 1200,
        }
    )
    grouped = collapse(riskshift.read(engine(rows), taxonomy=HARM, by="shop")).groups["shop"]
    assert len(grouped.names) == 300
    totals = np.bincount(grouped.group, weights=grouped.table.n)
    assert set(totals) == {4}


@pytest.mark.parametrize("many", [1001])
def test_more_than_a_thousand_groups_are_refused(engine, many):
    rows = pl.DataFrame(
        {"shop": list(range(many)), "prompt_harm": [0] * many, "response_harm": [0] * many}
    )
    with pytest.raises(UsageError, match=rf"--by shop: {many:,} different values; at most 1,000"):
        outcome(engine(rows), by="shop")


FAULTY = BASE.with_columns(
    response_harm=pl.Series([9, 1.5, 4] + [None if i % 11 == 0 else (i * 7) % 4 for i in range(3, N)], strict=False),
    sample=pl.Series([i % 4 // 2 for i in range(N - 2)] + [1, 1]),
    model=pl.Series(["a", "b"] * (N // 2 - 1) + ["a", "a"]),
    prompt_id=pl.Series([None if i in (N - 8, N - 7) else f"p{i // 4:03}" for i in range(N)]),
    prompt_harm=pl.Series([i // 4 % 4 for i in range(20)] + [3] + [i // 4 % 4 for i in range(21, N)]),
)  # fmt: skip


def test_rows_with_faults_are_left_out_alike(engine):
    expected = of_polars("FAULTY", skip_bad=True)
    assert expected[3] == {
        "missing prompt_id": 2,
        "label not on the scale": 3,
        "duplicate pair": 2,
        "prompt labels differ": 4,
    }
    assert outcome(engine(FAULTY), skip_bad=True) == expected


def test_what_is_left_equals_the_clean_rows_alone():
    unfit = {*range(3), *range(20, 24), N - 8, N - 7, N - 2, N - 1}
    clean = BASE[[i for i in range(N) if i not in unfit]]
    assert of_polars("FAULTY", skip_bad=True)[:3] == outcome(clean)[:3]


def test_faults_are_told_alike(engine):
    with pytest.raises(DataError) as caught:
        outcome(engine(FAULTY))
    message = str(caught.value)
    assert "prompt_id is missing in 2 of 60 rows" in message
    for value in ("9", "1.5", "4"):
        assert f"response_harm is '{value}" in message
    assert "(1 of 58 rows). Levels: Safe < Low < Medium < High (0 to 3)." in message
    assert "1 pair occurs more than once by (prompt_id, model, sample): prompt_id 'p014'" in message
    assert "labels differ between the records of 1 prompt: 'p005'" in message


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_rows_of_eager_frames_have_places(name):
    with pytest.raises(LabelError, match=rf"the {name} frame, row 7 \(counted from 0\): response_"):
        outcome(FRAMES[name](BASE.with_columns(response_harm=pl.Series([0] * 7 + [5] * 53))))


def test_cases_are_the_same_with_texts(engine):
    rows = BASE.with_columns(
        prompt=pl.lit("é ") + pl.col("prompt_id"), response=pl.int_range(N).cast(pl.String)
    )
    cases = cases_to_read(collapse(riskshift.read(engine(rows), taxonomy=HARM)), limit=30, seed=1)
    assert len(cases) > 5
    assert cases == cases_to_read(collapse(riskshift.read(rows, taxonomy=HARM)), limit=30, seed=1)


def test_all_labels_missing_is_no_error(engine):
    rows = BASE.with_columns(
        prompt_harm=pl.lit(None, pl.Int64), response_harm=pl.lit(None, pl.Int64)
    )
    digest, _, cases, _ = outcome(engine(rows))
    assert digest == outcome(rows)[0]
    assert cases == []


def test_no_rows_are_no_data(engine):
    if engine.name == "jsonl":
        pytest.xfail("JSON lines without lines have no columns either")
    with pytest.raises(DataError, match="has no rows to analyze"):
        outcome(engine(BASE.clear()))


@pytest.mark.parametrize(
    "values",
    [[[1]] * N, [{"a": 1}] * N, np.zeros((N, 2))],
    ids=["lists", "structs", "arrays"],
)
@pytest.mark.parametrize("column", ["prompt_harm", "prompt_id", "judge"])
@pytest.mark.parametrize("name", ["polars", "polars lazy", "pyarrow", "duckdb"])
def test_what_is_neither_number_nor_text_is_refused(name, column, values):
    frame = FRAMES[name](BASE.with_columns(pl.Series(column, values)))
    with pytest.raises(ColumnError, match=f"'{column}' holds .* must hold numbers or text"):
        outcome(frame, by="judge")


def test_objects_of_pandas_are_read_as_text():
    mixed = BASE.to_pandas().astype({"prompt_harm": object, "prompt_id": object})
    mixed.loc[0, "prompt_harm"] = "0.0"
    mixed.loc[3, "prompt_harm"] = False
    with pytest.raises(LabelError, match=r"row 3 .*: prompt_harm is 'False' \(1 of 60 rows\)"):
        outcome(mixed)
    mixed.loc[3, "prompt_harm"] = None
    mixed.loc[:3, "prompt_id"] = 7
    outcome(mixed)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: pl.LazyFrame({"a": ["x"]}).select("b"),
            "LazyFrame cannot be read: unable to find",
        ),
        (lambda: pl.scan_csv("nowhere.csv"), "LazyFrame cannot be read: No such file"),
        (
            lambda: pd.DataFrame([[1, 2]], columns=["prompt_harm", "prompt_harm"]),
            "two columns are called 'prompt_harm' and 'prompt_harm'",
        ),
        (
            lambda: pl.LazyFrame({"prompt_harm": ["x"], "response_harm": [0]}).with_columns(
                pl.col("prompt_harm").str.to_integer()
            ),
            "polars frame cannot be read: .*integer",
        ),
        (
            lambda: duckdb.sql(
                "SELECT ('x' || range)::INT AS prompt_harm, 0 AS response_harm FROM range(3)"
            ),
            "duckdb frame cannot be read: Conversion Error",
        ),
    ],
    ids=["no column", "no file", "twins", "lazy conversion", "relation"],
)
def test_what_an_engine_cannot_do_is_said_by_it(make, message):
    with pytest.raises(DataError, match=message):
        outcome(make())


def test_names_that_are_no_text_are_listed():
    with pytest.raises(ColumnError, match="Columns: 0, 1"):
        outcome(pd.DataFrame([[1, 2]]))


@pytest.mark.parametrize("data", [None, 3, {"a": [1]}, pl.Series([1]), np.zeros(3)])
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(UsageError, match=f"cannot read {type(data).__name__} objects"):
        riskshift.read(data)


def test_dates_and_nothing_are_no_labels():
    frame = pa.table({"prompt_harm": [datetime.date(2026, 7, 9)], "response_harm": pa.nulls(1)})
    with pytest.raises(LabelError, match="prompt_harm is '2026-07-09'"):
        outcome(frame)


def test_bytes_among_objects_that_are_no_text_are_refused():
    frame = pd.DataFrame({"prompt_harm": [0], "response_harm": pd.Series([b"\x80"], dtype=object)})
    with pytest.raises(DataError, match=r"pandas frame cannot be read: .*byte 0x80"):
        outcome(frame)
