"""A full disk is named with what to do, whatever was to be written; outputs of before stay as they were."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from riskshift.cli.boundary import run
from riskshift.errors import OutputError
from riskshift.outputs import places, sheets
from riskshift.outputs.places import write_bytes
from riskshift.scratch import full

PROGRAM = [sys.executable, "-c", "from riskshift.cli import main; main()"]
HEAD = "prompt_id,model,language,response,prompt_harm,response_harm\n"
TEXT = "a text " * 30
LOG = Path(__file__).parents[1] / "formats" / "logs" / "promptfoo.json"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t.toml").write_text('categories = ["harm"]\n')
    rows = [f"p{i // 2},m{i % 2},de,{TEXT}{i},{i // 2 % 4},{i * 7 % 4}\n" for i in range(2_000)]
    text = HEAD + "".join(rows)
    (tmp_path / "pairs.csv").write_text(text)
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16")
    (tmp_path / "bad.csv").write_text(text + "one,two\n")
    wrapped = [
        dict(zip(HEAD.strip().split(","), row.strip().split(","), strict=True)) for row in rows
    ]
    (tmp_path / "wrapped.json").write_text(json.dumps({"rows": wrapped}))
    (tmp_path / "log.json").write_bytes(LOG.read_bytes())
    (tmp_path / "spool").mkdir()
    for name in ("out.json", "out.csv", "cases.csv", "made.parquet", "made.csv"):
        (tmp_path / name).write_text("old")
    return tmp_path


def ended(folder, *given, largest):
    """Run a command that may write no file beyond a size, and return its exit code and what it said."""
    with (folder / "pairs.csv").open("rb") as pairs:
        done = subprocess.run(
            [*PROGRAM, *given],
            cwd=folder,
            stdin=pairs,
            capture_output=True,
            text=True,
            env=os.environ | {"TMPDIR": str(folder / "spool")},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
            check=False,
        )
    return done.returncode, done.stderr


def nothing_happened(folder):
    """Tell whether all that stood there is as it was, and nothing is beside it."""
    left = [*(folder / "spool").iterdir(), *folder.glob(".riskshift-*")]
    outputs = ("out.json", "out.csv", "cases.csv", "made.parquet", "made.csv")
    return not left and all((folder / name).read_text() == "old" for name in outputs)


ANALYZE = ["--taxonomy", "t.toml", "-q", "-o", "out.json"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["analyze", "-", "--from", "csv", *ANALYZE], "standard input"),
        (["analyze", "wide.csv", *ANALYZE], "wide.csv"),
        (["analyze", "bad.csv", "--skip-bad", *ANALYZE], "bad.csv"),
        (["analyze", "wrapped.json", *ANALYZE], "wrapped.json"),
        (["convert", "log.json", "-o", "made.parquet"], "log.json"),
    ],
    ids=["standard input", "UTF-16", "malformed rows", "one object", "a log"],
)
def test_no_room_for_a_copy_of_the_data_is_not_their_fault(folder, given, name):
    code, told = ended(folder, *given, largest=500 if name == "log.json" else 100_000)
    assert code == 2
    assert told.startswith(f"riskshift: {name} cannot be read: the folder for temporary files, ")
    assert str(folder / "spool") in told
    assert told.endswith("Name one with more room: TMPDIR=FOLDER.\n")
    assert told.count("\n") == 1
    assert nothing_happened(folder)


def test_faults_of_rows_are_told_though_there_is_no_room_for_a_copy_without_them(folder):
    code, told = ended(folder, "analyze", "bad.csv", *ANALYZE, largest=100_000)
    assert (code, told.splitlines()[0]) == (
        2,
        "riskshift: bad.csv, line 2,002: 2 values, and the header has 6 columns.",
    )
    assert nothing_happened(folder)


@pytest.mark.parametrize("also", [["-o", "out.csv"], ["--cases-out", "cases.csv"]])
def test_an_output_without_room_takes_the_others_back(folder, also):
    given = ["analyze", "pairs.csv", *ANALYZE, *also]
    code, told = ended(folder, *given, largest=30_000)
    assert code == 2
    name = "cases.csv" if "--cases-out" in also else "out.json"
    assert told == (
        f"riskshift: {name} cannot be written: File too large. Make room there, or name another place.\n"
    )
    assert nothing_happened(folder)


def test_a_disk_without_room_is_told_as_the_system_says_it(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.json").write_text("old")
    monkeypatch.setattr(places.os, "fsync", fail)
    with pytest.raises(
        OutputError, match=r"a\.json cannot be written: No space left on device. Make"
    ):
        write_bytes(tmp_path / "a.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize("name", ["made.parquet", "made.csv"])
def test_no_room_for_rows_on_their_way_to_an_output_is_told(folder, name, monkeypatch, capsys):
    def fail(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sheets, "_csv_rows" if name == "made.csv" else "_to_parquet", fail)
    assert run(["convert", "log.json", "-o", name]) == 2
    told = capsys.readouterr().err
    assert told.startswith("riskshift: nothing was written: the folder for temporary files, ")
    assert told.endswith("Name one with more room: TMPDIR=FOLDER.\n")
    assert nothing_happened(folder)


def test_only_the_first_line_of_an_engine_says_that_a_disk_is_full():
    assert full("CSV Error on Line: 3\nOriginal Line: No space left on device") is None
    assert "(IO Error: Could not write file)" in full("IO Error: Could not write file\nmore")
