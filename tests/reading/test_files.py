"""Files of every format give the same counts."""

import gzip
import io
import json
import sys

import polars as pl
import pytest
from backports import zstd

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.errors import ColumnError, FileError, LabelError, UsageError
from riskshift.reading.duckdb_options import Limits
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])
PAIRS = pl.DataFrame(
    {
        "prompt_id": [f"p{i // 2}" for i in range(40)],
        "model": ["a", "b"] * 20,
        "prompt": [f'say "{i // 2}",\r\nplease' for i in range(40)],
        "prompt_harm": [i // 2 % 4 for i in range(40)],
        "response_harm": [None if i % 7 == 0 else i % 4 for i in range(40)],
    }
)


def counts(*paths, **options):
    return collapse(riskshift.read([*paths], taxonomy=HARM, **options)).counts


def delimited(mark):
    return lambda path: PAIRS.write_csv(path, separator=mark)


WRITERS = {
    "comma.csv": delimited(","),
    "semicolon.csv": delimited(";"),
    "pipe.csv": delimited("|"),
    "tab.csv": delimited("\t"),
    "tab.tsv": delimited("\t"),
    "lines.jsonl": PAIRS.write_ndjson,
    "lines.ndjson": PAIRS.write_ndjson,
    "lines.json": PAIRS.write_ndjson,
    "array.json": lambda path: path.write_text(json.dumps(PAIRS.to_dicts(), indent=1)),
    "array.jsonl": PAIRS.write_json,
}
PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}


@pytest.fixture(scope="module")
def expected():
    return collapse(riskshift.read(PAIRS, taxonomy=HARM)).counts.digest()


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_format_changes_nothing(tmp_path, name, packed, expected, monkeypatch):
    WRITERS[name](tmp_path / name)
    path = tmp_path / (name + packed)
    content = PACKERS[packed]((tmp_path / name).read_bytes())
    path.write_bytes(content)
    assert counts(path).digest() == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert counts("-").digest() == expected


@pytest.mark.parametrize("packed", ["uncompressed", "snappy", "gzip", "zstd", "lz4"])
def test_parquet_compresses_itself(tmp_path, packed, expected, monkeypatch):
    path = tmp_path / "x.parquet"
    PAIRS.write_parquet(path, compression=packed)
    assert counts(path).digest() == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert counts("-").digest() == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\r\n", b" ").replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b"\np", b"\n\np"),
    ],
    ids=["byte order mark", "CRLF", "no last newline", "blank lines"],
)
@pytest.mark.parametrize("name", ["comma.csv", "lines.jsonl"])
@pytest.mark.parametrize("packed", PACKERS)
def test_harmless_differences_change_nothing(tmp_path, name, change, packed, expected):
    WRITERS[name](tmp_path / name)
    path = tmp_path / (name + packed)
    path.write_bytes(PACKERS[packed](change((tmp_path / name).read_bytes())))
    assert counts(path).digest() == expected


def test_files_and_formats_combine_by_column_name(tmp_path, expected):
    parts = [PAIRS[i::5] for i in range(5)]
    parts[0].with_columns(judge=pl.lit("x")).write_csv(tmp_path / "a.csv")
    parts[1].select(reversed(parts[1].columns)).write_csv(tmp_path / "b.csv", separator=";")
    parts[2].with_columns(pl.col("prompt_harm").cast(pl.Float64), n=pl.lit(3)).write_parquet(
        tmp_path / "c.parquet"
    )
    parts[3].write_ndjson(tmp_path / "d.jsonl")
    parts[4].write_csv(tmp_path / "e.csv")
    (tmp_path / "e.csv.gz").write_bytes(gzip.compress((tmp_path / "e.csv").read_bytes()))
    (tmp_path / "e.csv").unlink()
    records = riskshift.read(tmp_path, taxonomy=HARM)
    assert collapse(records).counts.digest() == expected
    assert {"judge", "n"} <= set(records.names)
    assert counts(str(tmp_path / "*")).digest() == expected


def test_a_column_that_one_file_lacks_groups_as_none(tmp_path):
    PAIRS[::2].with_columns(judge=pl.lit("x")).write_csv(tmp_path / "a.csv")
    PAIRS[1::2].write_csv(tmp_path / "b.csv")
    groups = collapse(riskshift.read(tmp_path, taxonomy=HARM, by="judge")).groups["judge"].each()
    assert {name: group.total for name, group in groups.items()} == {"(none)": 20, "x": 20}


def test_a_label_column_that_one_file_lacks_is_an_error(tmp_path):
    PAIRS.write_csv(tmp_path / "a.csv")
    PAIRS.drop("response_harm").write_ndjson(tmp_path / "b.jsonl")
    with pytest.raises(ColumnError) as caught:
        counts(tmp_path)
    assert "b.jsonl lacks 'response_harm', which other files have" in str(caught.value)
    assert "Its columns: model, prompt, prompt_harm, prompt_id." in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file_may_be_called_like_a_pattern_or_hold_quotes(tmp_path, suffix):
    path = tmp_path / f'[1] what? it\'s * "quoted" 50%.{suffix}'
    bad = PAIRS.with_columns(response_harm=pl.lit(9))
    {"csv": bad.write_csv, "jsonl": bad.write_ndjson, "parquet": bad.write_parquet}[suffix](path)
    with pytest.raises(LabelError) as caught:
        counts(path)
    assert f"{path}, {'row 1' if suffix == 'parquet' else 'line '}" in str(caught.value)


def test_a_line_of_five_megabytes_is_read(tmp_path):
    text = "x" * 5_000_000
    rows = pl.DataFrame({"prompt": [text, "y"], "prompt_harm": [0, 1], "response_harm": [1, 2]})
    rows.write_ndjson(tmp_path / "x.jsonl")
    rows.write_csv(tmp_path / "x.csv")
    (tmp_path / "x.json").write_text(json.dumps(rows.to_dicts()))
    for name in ("x.jsonl", "x.csv", "x.json"):
        assert counts(tmp_path / name).total == 2


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("x.jsonl", '{"prompt_harm": 0, "response_harm": 0}\n{"prompt": "', '"}\n'),
        ("x.csv", "prompt,prompt_harm,response_harm\n", ",0,1\n"),
        ("x.json", '[{"prompt_harm": 0, "response_harm": 0}, {"prompt": "', '"}]'),
    ],
)
def test_a_line_of_a_hundred_megabytes_is_refused(tmp_path, name, start, end):
    path = tmp_path / name
    with path.open("w") as file:
        file.write(start)
        for _ in range(100):
            file.write("x" * 1_000_000)
        file.write(end)
    with pytest.raises(FileError, match=r"(line|item) 2: longer than 64 MiB, which no record"):
        counts(path)


def test_a_limit_of_memory_is_obeyed_or_refused(tmp_path):
    PAIRS.write_csv(tmp_path / "x.csv")
    assert counts(tmp_path / "x.csv", memory_limit="500MB").total == 40
    with pytest.raises(UsageError, match="'lots' is not a size; write it like 2GB"):
        counts(tmp_path / "x.csv", memory_limit="lots")


@pytest.mark.parametrize("threads", [0, -1, 1_025, 1.5, True, "2"])
def test_threads_are_a_whole_number_that_is_not_absurd(tmp_path, threads):
    PAIRS.write_csv(tmp_path / "x.csv")
    with pytest.raises(UsageError, match=r"is no number from 1 to 1,024"):
        counts(tmp_path / "x.csv", threads=threads)


def test_limits_are_those_of_duckdb_for_labels_beside_the_data_too(tmp_path, monkeypatch):
    PAIRS.drop("response_harm").write_csv(tmp_path / "x.csv")
    PAIRS.select("prompt_id", "model", "response_harm").write_csv(tmp_path / "labels.csv")
    opened, right = [], Limits.connect

    def connect(limits, *args, **kwargs):
        opened.append(right(limits, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(Limits, "connect", connect)
    limited = {"memory_limit": "512MiB", "threads": 1}
    found = counts(tmp_path / "x.csv", labels=tmp_path / "labels.csv", **limited)
    assert found.total == 40
    asked = "SELECT current_setting('memory_limit'), current_setting('threads')"
    held = [connection.execute(asked).fetchone() for connection in opened]
    assert held == [("512.0 MiB", 1)] * 2


def test_too_little_memory_says_what_to_do(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("prompt_harm,response_harm\n" + "0,1\n" * 100_000)
    with pytest.raises(riskshift.DataError, match="Give DuckDB more memory with --memory-limit"):
        counts(path, memory_limit="1MB")


def test_every_bad_value_has_a_place_in_one_of_the_files(tmp_path):
    PAIRS.write_csv(tmp_path / "a.csv")
    other = PAIRS.with_columns(
        prompt_id=pl.lit("q") + pl.int_range(40).cast(pl.String),
        response_harm=pl.Series([7] + [0] * 38 + [8]),
    )
    other.drop("prompt").write_parquet(tmp_path / "b.parquet")
    with pytest.raises(LabelError) as caught:
        counts(tmp_path)
    assert "b.parquet, row 1: response_harm is '7' (1 of 80 rows)" in str(caught.value)
    assert "b.parquet, row 40: response_harm is '8' (1 of 80 rows)" in str(caught.value)


def test_temporary_files_go_with_the_records(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    PAIRS.write_csv(tmp_path / "x.csv")
    records = riskshift.read(tmp_path / "x.csv", taxonomy=HARM)
    assert list((tmp_path / "temp").iterdir())
    del records
    assert not list((tmp_path / "temp").iterdir())
