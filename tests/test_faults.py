"""What a file's fault says: where, what, how many, the choices and the fix; all of a file at once."""

import gzip
import json

import polars as pl
import pytest

import riskshift
from riskshift.errors import (
    ColumnError,
    DataError,
    FileError,
    LabelError,
    PairError,
    RiskshiftError,
    UsageError,
)
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])
HEAD = "prompt_id,prompt_harm,response_harm\n"
QUICK = {"taxonomy": HARM, "resamples": 20, "permutations": 20}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def analyze(name, content, **options):
    if content is not None:
        with open(name, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return riskshift.analyze(name, **QUICK, **options)


def told(kind, name, content, **options):
    with pytest.raises(kind) as caught:
        analyze(name, content, **options)
    assert type(caught.value) is kind
    return str(caught.value).splitlines()


LEVELS = "Levels: Safe < Low < Medium < High (0 to 3)."
FIX_FILE = "Fix the file, or leave these rows out with --skip-bad."
FIX_LABELS = "Fix the labels, or leave these rows out with --skip-bad."


@pytest.mark.parametrize(
    ("name", "content", "kind", "lines"),
    [
        ("a.csv", "", FileError, ["a.csv is empty."]),
        ("a.csv", HEAD, DataError, ["a.csv has no rows to analyze."]),
        ("a.csv", HEAD.strip(), DataError, ["a.csv has no rows to analyze."]),
        ("a.jsonl", "\n\n", FileError, ["a.jsonl holds no records."]),
        ("a.json", "[]", FileError, ["a.json holds no records."]),
        (
            "a.csv",
            HEAD + "a,Severe,1\nb,0,2\n",
            LabelError,
            [f"a.csv, line 2: prompt_harm is 'Severe' (1 of 2 rows). {LEVELS}", FIX_LABELS],
        ),
        (
            "a.csv",
            HEAD + '"a\nb",0,1\n"c\r\n\n",7,9\nd,1,"1.5"\n',
            LabelError,
            [
                f"a.csv, line 4: prompt_harm is '7' (1 of 3 rows). {LEVELS}",
                f"a.csv, line 7: response_harm is '1.5' (1 of 3 rows). {LEVELS}",
                f"a.csv, line 4: response_harm is '9' (1 of 3 rows). {LEVELS}",
                "Fix the labels.",
            ],
        ),
        (
            "a.csv",
            HEAD + "a,1,High\nb,1,2\n",
            LabelError,
            [
                "a.csv: response_harm holds severities and level names mixed. Write all of them as names "
                "or all as severities: Safe < Low < Medium < High (0 to 3)."
            ],
        ),
        (
            "a.csv",
            HEAD + "a,0\nb,0,1,2\nc,0,none\nd,1,1\n",
            FileError,
            [
                "a.csv, line 2: 2 values, and the header has 3 columns.",
                "a.csv, line 3: 4 values, and the header has 3 columns.",
                f"a.csv, line 4: response_harm is 'none' (1 of 2 rows). {LEVELS}",
                f"{FIX_LABELS} If 'none' stands for no label, and not no harm, declare it: --missing none.",
            ],
        ),
        (
            "a.csv",
            HEAD.encode() + b"a,0,1\nb\xff,0,1\n",
            FileError,
            ["a.csv, line 3: not UTF-8 (byte 0xff at position 2).", FIX_FILE],
        ),
        (
            "a.csv",
            (HEAD + "a,0,1\n").encode("utf-16-le"),
            FileError,
            ["a.csv is not UTF-8; it looks like UTF-16. Save it as UTF-8."],
        ),
        (
            "a.csv",
            HEAD + 'a,0,1\n"b,0,1\nc,0,1\n',
            FileError,
            ["a.csv, line 3: a quoted value that begins here never ends.", "Fix the file."],
        ),
        (
            "a.csv",
            HEAD + "a,0,1\r\nb,0,1\n",
            FileError,
            [
                "a.csv, line 2: ends in CRLF, and the lines before in LF. Use one kind of line end; "
                "--skip-bad reads it as it is.",
            ],
        ),
        (
            "a.csv",
            "prompt_harm,response_harm,Prompt_harm\n0,0,0\n",
            ColumnError,
            [
                "a.csv: two columns are called 'prompt_harm' and 'Prompt_harm'; names must differ by "
                "more than case."
            ],
        ),
        (
            "a.jsonl",
            '{"prompt_harm": 0, "response_harm": 1}\n{"prompt_harm": 5, "response_harm": 1}\n{"prompt_h',
            FileError,
            [
                "a.jsonl, line 3: not valid JSON: Unterminated string starting at character 2; it is "
                "the last line, so the file may have been cut off while it was written.",
                f"a.jsonl, line 2: prompt_harm is '5' (1 of 2 rows). {LEVELS}",
                "Fix the labels. If they are Azure's severities, declare it: --scale 0-7.",
            ],
        ),
        (
            "a.json",
            '[{"prompt_harm": 0, "response_harm": 1}, 7, {"prompt_harm": "x", "response_harm": 1}]',
            FileError,
            [
                "a.json, item 2: not a JSON object.",
                f"a.json, item 3: prompt_harm is 'x' (1 of 2 rows). {LEVELS}",
                FIX_LABELS,
            ],
        ),
        (
            "a.json",
            '[{"prompt_harm": 0, "response_harm": 1},\n{"prompt_harm": 0, "resp',
            FileError,
            [
                "a.json, line 2: not valid JSON: Unterminated string starting at character 20.",
                "Fix the file.",
            ],
        ),
        (
            "a.parquet",
            "no Parquet",
            FileError,
            ["a.parquet is not a Parquet file, or was cut off: it must begin and end with PAR1."],
        ),
        (
            "a.csv",
            HEAD + "a,0,1\n,0,1\n,7,1\n",
            DataError,
            [
                "a.csv: prompt_id is missing in 2 of 3 rows, first in a.csv, line 3. It tells which "
                "records share a prompt. Fill it in, or leave these rows out with --skip-bad."
            ],
        ),
        (
            "a.csv",
            HEAD + "a,0,1\nb,0,1\na,0,2\n",
            PairError,
            [
                "a.csv: 1 pair occurs more than once by (prompt_id): prompt_id 'a' (2 times).",
                "Remove the duplicates, or if they are several responses to one prompt, name the "
                "column that tells them apart: --map model=COLUMN or --map sample=COLUMN. --skip-bad "
                "leaves all of them out.",
                "If several raters labelled the same pairs, remove none: settle on one label a pair with "
                "riskshift agree --map annotator=COLUMN --write-resolved FILE.",
            ],
        ),
    ],
)  # fmt: skip
def test_a_fault_says_all_that_helps(folder, name, content, kind, lines):
    assert told(kind, name, content) == lines


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_broken_archive_is_named(folder, name):
    rows = pl.DataFrame({"prompt_harm": range(5000), "response_harm": range(5000)})
    {"a.csv": rows.write_csv, "a.jsonl": rows.write_ndjson, "a.json": rows.write_json}[name](name)
    packed = gzip.compress((folder / name).read_bytes())
    for broken in (packed[: len(packed) // 2], packed[:200] + b"\0" * 50 + packed[250:]):
        lines = told(FileError, name + ".gz", broken)
        assert lines[0].startswith(f"{name}.gz cannot be read: ")


def test_a_damaged_parquet_file_is_named(folder):
    pl.DataFrame({"prompt_harm": [1], "response_harm": [1]}).write_parquet("a.parquet")
    content = (folder / "a.parquet").read_bytes()
    assert "a.parquet" in told(FileError, "a.parquet", content[:-8] + b"\xff\xff\xff\x7fPAR1")[0]
    assert "cut off" in told(FileError, "a.parquet", content[:-6])[0]


def test_every_kind_of_fault_of_a_file_is_told_at_once(folder):
    content = "prompt_id,model,prompt_harm,response_harm\n" + (
        "a,x,0,1\na,y,1,1\nb,x\nc,x,0,Severe\n,x,0,1\nd,x,0,0\nd,x,0,1\ne,x,3,1\n"
    )
    text = "\n".join(told(FileError, "a.csv", content))
    for part in (
        "a.csv, line 4: 2 values, and the header has 4 columns",
        "a.csv, line 5: response_harm is 'Severe' (1 of 6 rows)",
        "prompt_id is missing in 1 of 7 rows, first in a.csv, line 6",
        "1 pair occurs more than once by (prompt_id, model): prompt_id 'd', model 'x' (2 times)",
        "labels differ between the records of 1 prompt: 'a'",
    ):
        assert part in text


def test_faults_of_every_file_are_told_at_once(folder):
    (folder / "b.jsonl").write_text('{"prompt_harm": 0, "response_harm": 1}\n{"prompt')
    (folder / "c.jsonl").write_text('{"prompt_harm": 0, "response_harm": 1}\nnull\n')
    pl.DataFrame({"prompt_harm": [0, 9], "response_harm": [1, 1]}).write_parquet("d.parquet")
    with pytest.raises(FileError) as caught:
        riskshift.analyze(["b.jsonl", "c.jsonl", "d.parquet"], **QUICK)
    for part in (
        "b.jsonl, line 2: not valid JSON",
        "c.jsonl, line 2: not a JSON object",
        "d.parquet, row 2: prompt_harm is '9' (1 of 4 rows)",
    ):
        assert part in str(caught.value)


def test_a_thousand_bad_rows_are_counted_and_not_listed(folder):
    lines = told(FileError, "a.csv", HEAD + "a,0,1\n" + "b\n" * 1000)
    assert len(lines) == 22
    assert lines[20] == "a.csv: 980 more rows like these."


def test_a_missing_column_names_the_nearest_and_all(folder):
    lines = told(ColumnError, "a.csv", "prompt_id,promptharm,response_harm\na,0,1\n")
    assert lines[0] == "Column not found: 'prompt_harm' (did you mean 'promptharm'?)."
    assert lines[1] == "Columns: prompt_id, promptharm, response_harm."
    assert lines[2].startswith("a.csv must have a prompt_ and a response_ column for each category")
    assert "--map prompt_harm=COLUMN" in lines[2]


@pytest.mark.parametrize(
    ("content", "skipped", "clean"),
    [
        (HEAD + "a,0,1\nb,0\nc,1,1\n", {"malformed row": 1}, HEAD + "a,0,1\nc,1,1\n"),
        (HEAD + "a,0,1\r\nb,1,1\n", {}, HEAD + "a,0,1\nb,1,1\n"),
        (
            HEAD.encode() + b"a,0,1\n\xff,0,1\nb,1,9\n,0,0\nc,0\n",
            {"malformed row": 2, "label not on the scale": 1, "missing prompt_id": 1},
            HEAD + "a,0,1\n",
        ),
        (
            HEAD + '"a\n1",0,1\n"b\n2",0,1,,4\n"c\n3",1,3\nd,1,1\nd,1,1\n',
            {"malformed row": 1, "duplicate pair": 2},
            HEAD + '"a\n1",0,1\n"c\n3",1,3\n',
        ),
    ],
)
def test_bad_rows_can_be_left_out_and_are_counted(folder, content, skipped, clean):
    result = analyze("a.csv", content, skip_bad=True)
    assert dict(result.provenance.left_out) == skipped
    assert result.provenance.data_hash == analyze("b.csv", clean).provenance.data_hash
    assert result.to_dict()["records"]["read"] - result.to_dict()["records"]["analyzed"] == sum(
        skipped.values()
    )


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_bad_records_of_json_can_be_left_out(folder, name):
    rows = [{"prompt_harm": n % 4, "response_harm": 1, "id": 10**17 + n} for n in range(9)]
    if name == "a.json":
        content = json.dumps([*rows, 3, None])
    else:
        content = "".join(map(json.dumps, rows)).replace("}", "}\n") + 'null\n{"prompt'
    packed = gzip.compress(content.encode()) if name.endswith("gz") else content
    result = analyze(name, packed, skip_bad=True)
    assert dict(result.provenance.left_out) == {"malformed row": 2}
    clean = analyze("clean.json", json.dumps(rows))
    assert result.provenance.data_hash == clean.provenance.data_hash


def test_what_cannot_be_told_apart_cannot_be_left_out(folder):
    lines = told(FileError, "a.csv", HEAD + 'a,0,1\n"b,0,1\n', skip_bad=True)
    assert lines == [
        "a.csv, line 3: a quoted value that begins here never ends. What follows cannot be told "
        "apart; fix the file."
    ]


def test_nothing_left_says_why(folder):
    assert told(DataError, "a.csv", HEAD + "a,0\nb,9,1\n", skip_bad=True) == [
        "a.csv has no rows left to analyze; left out: malformed row (1), label not on the scale (1)."
    ]


def test_a_huge_number_is_one_fault_and_no_scale_of_so_many_levels(folder):
    message, *more = told(LabelError, "a.csv", HEAD + "a,0,1\nb,1,1000000000000\n")
    assert "1000000000000" in message
    assert not any(line.startswith("levels = ") for line in more)


def test_all_labels_missing_leaves_rates_undefined(folder):
    result = analyze("a.csv", HEAD + "a,,\nb,,NaN\n")
    rate = result.rate("escalation")
    assert (rate.trials, rate.estimate) == (0, None)
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert '"estimate": null' in text


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"model": "gtp"}, DataError, r"no rows for model 'gtp' .did you mean 'gpt'"),
        ({"by": "modle"}, ColumnError, "'modle' .did you mean 'model'"),
        ({"cluster": "x"}, ColumnError, "Column not found: 'x'"),
        ({"scale": "0-6"}, UsageError, r"scale '0-6' is unknown .did you mean '0-7'.*Choices"),
        ({"format": "xls"}, UsageError, "input format 'xls' is unknown.*csv, tsv, jsonl"),
        ({"prompt_labels": "x"}, UsageError, "prompt_labels 'x' is unknown.*per-prompt, per-row"),
        ({"memory_limit": "many"}, UsageError, "memory limit 'many' is not a size"),
        ({"columns": {"modle": "x"}}, UsageError, "role 'modle' is unknown .did you mean 'model'"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_named(folder, options, kind, message):
    with pytest.raises(kind, match=message):
        analyze("a.csv", "model," + HEAD + "gpt,a,0,1\n", **options)


def test_a_fault_leaves_nothing_written(folder):
    with pytest.raises(RiskshiftError):
        analyze("a.csv", HEAD + "a,0,9\nb\n")
    assert [path.name for path in folder.iterdir()] == ["a.csv"]
