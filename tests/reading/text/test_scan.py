"""The way back from a fault to its line."""

import random

import duckdb
import pytest

from riskshift.collapse.purposes import PAIRS
from riskshift.errors import FileError, RiskshiftError
from riskshift.reading.duckdb_options import NO_LIMITS
from riskshift.reading.files import FileSource, _query
from riskshift.reading.paths import find_files
from riskshift.reading.text.scan import mixed_line_ends, read_header, scan
from riskshift.records import Options
from riskshift.taxonomy import Taxonomy


def found(tmp_path, content, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return find_files([path])[0]


def records(*arguments, **options):
    return [(r.line, r.values, r.fault) for r in scan(found(*arguments, **options))]


def test_lines_are_counted_through_quoted_newlines(tmp_path):
    content = 'text,n\n"a\nb\r\nc",1\n\n"d",2\n'
    assert records(tmp_path, content) == [
        (2, {"text": "a\nb\r\nc", "n": "1"}, None),
        (6, {"text": "d", "n": "2"}, None),
    ]


def test_a_mark_is_no_part_of_the_first_name(tmp_path):
    assert records(tmp_path, b"\xef\xbb\xbfa,b\n1,\n") == [(2, {"a": "1", "b": None}, None)]


@pytest.mark.parametrize("mark", list(",;|\t"))
def test_the_delimiter_is_the_most_frequent_of_the_header(tmp_path, mark):
    header = read_header(found(tmp_path, f"a{mark}b{mark}c\n1{mark}2{mark}3\n"))
    assert (header.names, header.delimiter) == (("a", "b", "c"), mark)


def test_a_tsv_is_delimited_by_tabs_whatever_its_names(tmp_path):
    assert read_header(found(tmp_path, "a,b,c\td\n", "x.tsv")).names == ("a,b,c", "d")


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        (
            "a,b\n1\n1,2\n1,2,3\n",
            {2: "1 value, and the header has 2", 4: "3 values, and the header"},
        ),
        (b"a,b\n1,2\n\xff,\xfe\n", {3: r"not UTF-8 (byte 0xff at position 1)"}),
        ('a,b\n1,2\n"3,4\n5,6\n', {3: "a quoted value that begins here never ends"}),
        ('a,b\n"1"2,3\n4,5\n', {2: "more text follows a closing quote"}),
        ("a,b\n1\r2,3\n4,5\n", {2: "a carriage return without a line feed"}),
        ("a,b\n1,2,,\n", {}),
        ('a,b\n1, "2,3"\n', {}),
    ],
)
def test_faults_of_delimited_rows_have_lines(tmp_path, content, faults):
    told = {line: fault for line, _, fault in records(tmp_path, content) if fault}
    assert told.keys() == faults.keys()
    assert all(part in told[line] for line, part in faults.items())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"a": 1', "not valid JSON: Expecting ',' delimiter at character"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": 1, "a": 2}', "the name 'a' occurs twice"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": "\xc3("}', "not UTF-8 (byte 0xc3 at position 8)"),
    ],
)
def test_faults_of_json_lines_have_lines(tmp_path, line, fault):
    content = b'{"a": 0}\n\n' + line + b'\n{"a": 0}\n'
    told = [(at, f) for at, _, f in records(tmp_path, content, "x.jsonl") if f]
    assert [at for at, _ in told] == [3]
    assert told[0][1].startswith(fault)
    assert "cut off" not in told[0][1]


def test_a_half_written_last_line_is_taken_for_one(tmp_path):
    told = records(tmp_path, '{"a": 0}\n{"a": ', "x.jsonl")
    assert told[1][0] == 2
    assert "the file may have been cut off while it was written" in told[1][2]


def test_values_are_written_as_the_engine_writes_them(tmp_path):
    line = '{"a": 1.50, "b": [1, "é"], "c": true, "d": null, "e": "x", "f": {"g": 2.0}}'
    assert records(tmp_path, line + "\n", "x.jsonl")[0][1] == {
        "a": "1.5", "b": '[1,"é"]', "c": "true", "d": None, "e": "x", "f": '{"g":2.0}',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        ('[{"a": 1},\n{"a": ', 2, "not valid JSON: Expecting value at character 7"),
        ('[{"a": 1},\n', 2, "not valid JSON"),
        ('{\n"a": 1}', 1, "one JSON value, not a list of records"),
        (b'[{"a": "\xff"}]', 1, "not UTF-8 (byte 0xff)"),
        ('[{"a": 1}, 3]', 2, "not a JSON object"),
    ],
)
def test_faults_of_json_arrays_have_lines_or_items(tmp_path, content, line, fault):
    told = [(at, f) for at, _, f in records(tmp_path, content, "x.json") if f]
    assert told[0][0] == line
    assert told[0][1].startswith(fault)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("\na,b\n", FileError, "line 1: blank. The first line must name the columns"),
        ("ab\0,c\n", FileError, "line 1: not a text file. Say what it is with --from"),
        (b"a,\xff\n", FileError, r"line 1: the header is not UTF-8 .byte 0xff at position 3"),
        ('"a,b\n1,2\n', FileError, "the header cannot be read: a quoted value .* never ends"),
        ("a,b\r1,2\r", FileError, "the header cannot be read: a carriage return"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(tmp_path, content, kind, message):
    with pytest.raises(kind, match=message):
        read_header(found(tmp_path, content))


def test_a_change_of_line_ends_is_found(tmp_path):
    assert mixed_line_ends(found(tmp_path, 'a,b\n1,"x\r\ny"\n')) is None
    assert "line 3: ends in CRLF, and the lines before in LF" in mixed_line_ends(
        found(tmp_path, "a,b\n1,2\n3,4\r\n5,6\n")
    )


PIECES = {
    "csv": ["1", "2", ",", '"', "\n", " ", "a", "\\", "'", '""', "\n1,2\n", ";"],
    "jsonl": ['{"a":1}\n', '{"a":2,"b":"c"}\n', " ", "\n", "null", "0.1", "{", "}", '"', "[", '{"b":[1, 2.50]}\n'],
    "json": ['{"a":1},', '{"a":2,"b":"c"},', " ", "\n", "null", '"', "]", '{"b":[1, 2.50]},'],
}  # fmt: skip


@pytest.mark.parametrize("form", PIECES)
def test_what_the_engine_reads_is_what_the_scan_reads(tmp_path, form):
    options, connection = Options(Taxonomy(["x"])), NO_LIMITS.connect(tmp_path)
    chance, agreed = random.Random(20260709), 0
    for _ in range(400):
        body = "".join(chance.choices(PIECES[form], k=chance.randint(1, 8)))
        start = {"csv": "a,b\n", "jsonl": '{"a":0}\n', "json": "["}[form]
        end = chance.choice(['{"a":3}]', "]"]) if form == "json" else ""
        file = found(tmp_path, start + body + end, f"x.{form}")
        source = FileSource([file], [file], connection, options, tmp_path, PAIRS)
        try:
            query, names, _ = _query([file], options, source)
            found_rows = connection.sql(query).fetchall()
            rows = [dict(zip(names, row, strict=True)) for row in found_rows]
        except (duckdb.Error, RiskshiftError):
            continue
        scanned = list(scan(file))
        if any(record.fault for record in scanned):
            assert form == "csv"  # the engine forgives text after a closing quote
            continue
        assert canonical(rows) == canonical(record.values for record in scanned)
        agreed += 1
    assert agreed > 20


def canonical(rows):
    return sorted(
        sorted((k, v.strip()) for k, v in row.items() if v is not None and v.strip())
        for row in rows
    )
