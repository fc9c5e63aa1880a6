"""Whatever the input is, analyze() returns a result that is strict JSON, or says what is wrong."""

import datetime
import gzip
import json
import warnings

import pandas as pd
import polars as pl
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.errors import RiskshiftError
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])
LOOSE = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "derandomize": True,
}
ROWS = pl.DataFrame(
    {
        "prompt_id": ["a", "a", "b", "c"],
        "model": ["x", "y", "x", "x"],
        "prompt": ["hi", "hi", 'say "no",\nplease', "é"],
        "prompt_harm": [0, 0, 3, None],
        "response_harm": [1, 0, 2, 1],
        "relevance": [1, 2, 3, 3],
    }
)


def survives(data, **options):
    """Analyze; return whether there was a result. Anything but our own error is a failure."""
    with warnings.catch_warnings(action="ignore"):
        try:
            result = riskshift.analyze(
                data, taxonomy=HARM, resamples=5, permutations=5, cases=3, **options
            )
        except RiskshiftError:
            return False
    json.dumps(result.to_dict(), allow_nan=False)
    return True


def bytes_of(name, folder):
    path = folder / f"valid.{name}"
    if not path.exists():
        {
            "csv": lambda path: path.write_text(ROWS.write_csv()),
            "tsv": lambda path: path.write_text(ROWS.write_csv(separator="\t")),
            "jsonl": lambda path: path.write_text(ROWS.write_ndjson()),
            "json": ROWS.write_json,
            "parquet": ROWS.write_parquet,
        }[name.split(".")[0]](path)
        packer = {"gz": gzip.compress, "zst": zstd.compress}.get(name.split(".")[-1], bytes)
        path.write_bytes(packer(path.read_bytes()))
    return path.read_bytes()


FORMATS = ["csv", "tsv", "jsonl", "json", "parquet", "csv.gz", "jsonl.zst"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_files_are_valid_before_they_are_mutated(tmp_path, name):
    bytes_of(name, tmp_path)
    assert survives(tmp_path / f"valid.{name}", by="model")


MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), st.floats(0, 1), st.just(b"")),
        st.tuples(st.just("flip"), st.floats(0, 1), st.binary(min_size=1, max_size=1)),
        st.tuples(
            st.just("insert"),
            st.floats(0, 1),
            st.one_of(
                st.binary(min_size=1, max_size=4),
                st.sampled_from(
                    [b'"', b"\n", b",", b"\r\n", b"\0", b"{", b"}", b"[", b"9", b"\xff"]
                ),
            ),
        ),
        st.tuples(st.just("delete"), st.floats(0, 1), st.binary(min_size=1, max_size=9)),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content, mutations):
    for kind, where, piece in mutations:
        at = int(where * len(content))
        if kind == "cut":
            content = content[:at]
        elif kind == "insert":
            content = content[:at] + piece + content[at:]
        else:
            content = content[:at] + (piece if kind == "flip" else b"") + content[at + len(piece) :]
    return content


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=12, **LOOSE)
@given(mutations=MUTATIONS, skip_bad=st.booleans())
def test_a_mutated_file_is_read_or_refused(tmp_path, name, mutations, skip_bad):
    path = tmp_path / f"x.{name}"
    path.write_bytes(mutate(bytes_of(name, tmp_path), mutations))
    survives(path, skip_bad=skip_bad)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10, **LOOSE)
@given(content=st.one_of(st.binary(max_size=80), st.text(max_size=60).map(str.encode)))
def test_arbitrary_bytes_are_read_or_refused(tmp_path, name, content):
    path = tmp_path / f"x.{name}"
    path.write_bytes(content)
    survives(path)


LABELS = st.one_of(
    st.none(),
    st.integers(-1, 7),
    st.sampled_from(["Safe", "high", "", "nan", "Severe", "2", "1.0", "1.5", "none"]),
    st.sampled_from([0.0, 1.0, 1.5, float("nan"), float("inf"), -0.0]),
    st.booleans(),
)
ANYTHING = st.one_of(
    LABELS,
    st.text(max_size=5),
    st.binary(max_size=3),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(min_value=datetime.datetime(1900, 1, 1), max_value=datetime.datetime(2100, 1, 1)),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
    st.tuples(st.integers(0, 3)),
    st.decimals(allow_nan=False, allow_infinity=False),
)
IDS = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b", ""]))


@st.composite
def frames(draw):
    """Columns of one type, of labels, or of anything, in pandas, Polars or a lazy frame."""
    rows = draw(st.integers(0, 8))
    fair = st.one_of(st.integers(0, 3), st.none())
    columns = {}
    for name in ("prompt_harm", "response_harm", "prompt_id", "model", "relevance", "sample"):
        is_label = name.endswith("harm")
        if not is_label and draw(st.booleans()):
            continue
        usual = {"prompt_id": IDS, "model": IDS, "sample": IDS}.get(name, fair)
        values = draw(st.sampled_from([usual, usual, LABELS, ANYTHING]))
        columns[name] = draw(st.lists(values, min_size=rows, max_size=rows))
    if draw(st.booleans()):
        return pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in columns.items()})
    series = []
    for name, values in columns.items():
        try:
            series.append(pl.Series(name, values, strict=True))
        except (TypeError, pl.exceptions.PolarsError, OverflowError):
            series.append(pl.Series(name, values, dtype=pl.Object))
    frame = pl.DataFrame(series)
    return frame.lazy() if draw(st.booleans()) else frame


@settings(max_examples=150, **LOOSE)
@given(
    frame=frames(),
    skip_bad=st.booleans(),
    by=st.sampled_from([(), "model", "prompt_harm", "prompt_id"]),
    cluster=st.sampled_from([None, "model", "response_harm"]),
    prompt_labels=st.sampled_from(["per-prompt", "per-row"]),
)
def test_a_frame_of_anything_is_read_or_refused(frame, skip_bad, by, cluster, prompt_labels):
    survives(frame, skip_bad=skip_bad, by=by, cluster=cluster, prompt_labels=prompt_labels)


@settings(max_examples=25, **LOOSE)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"prompt_harm": LABELS, "response_harm": LABELS},
            optional={"prompt_id": IDS, "model": IDS, "x": st.lists(st.floats(), max_size=2)},
        ),
        min_size=1,
        max_size=6,
    ),
    skip_bad=st.booleans(),
)
def test_json_of_any_values_is_read_or_refused(tmp_path, rows, skip_bad):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    survives(path, skip_bad=skip_bad)
