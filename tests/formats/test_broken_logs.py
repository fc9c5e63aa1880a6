"""What is broken is said in one message, for every format: where, what, and no traceback."""

import copy
import json
import os
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskshift.cli.boundary import run
from riskshift.errors import RiskshiftError
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log
from riskshift.formats.scores import Asked
from riskshift.reading.layout import DataFile
from riskshift.reading.logs import unfold

FILES = sorted(path for path in (Path(__file__).parent / "logs").iterdir() if path.is_file())
ALL = pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
TEXTS = [path for path in FILES if path.suffix in (".json", ".jsonl")]
# What may stand where a tool wrote something else.
STRANGE = (None, 0, -1.5, True, "", "x", [], [None], {}, {"a": 1})


def verb(path):
    return "agree" if recognise(Log(path, path.name)).rated else "analyze"


def one_message(capsys):
    """Return what was said, if it is one message of ours."""
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.err.startswith("riskshift: ")
    return said.err


@ALL
def test_a_log_that_was_cut_off_is_refused(tmp_path, capsys, path):
    whole = path.read_bytes()
    place = tmp_path / path.name
    # Within the last record, and in a table before its last columns.
    end = whole.rstrip().rfind(b"\n") + 1 if path.suffix in (".jsonl", ".csv") else 0
    inside = whole.find(b",", end) if path.suffix == ".csv" else (end + len(whole)) // 2
    place.write_bytes(whole[:inside])
    assert run([verb(path), str(place)]) == 2
    assert path.name in one_message(capsys)


@ALL
def test_a_zip_file_that_is_no_log_is_refused(tmp_path, capsys, path):
    place = tmp_path / path.name
    with zipfile.ZipFile(place, "w") as held:
        held.writestr("readme.txt", "Nothing to see.")
    assert run([verb(path), str(place)]) == 2
    assert path.name in one_message(capsys)


@ALL
def test_logs_of_two_formats_are_not_mixed(tmp_path, capsys, path):
    (tmp_path / path.name).write_bytes(path.read_bytes())
    other = "garak.report.jsonl" if path.name.startswith("promptfoo") else "promptfoo.json"
    (tmp_path / f"other-{other}").write_bytes((path.parent / other).read_bytes())
    assert run([verb(path), str(tmp_path)]) == 2
    said = one_message(capsys)
    if "garak" not in path.name or other != "garak.report.jsonl":
        assert "cannot be read together" in said


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".jsonl"], ids=lambda path: path.name
)
def test_a_line_that_is_no_object_is_named(tmp_path, capsys, path):
    place = tmp_path / path.name
    place.write_text(path.read_text() + '"text"\n')
    assert run([verb(path), str(place)]) == 2
    said = one_message(capsys)
    assert f"line {len(path.read_text().splitlines()) + 1}" in said.replace(",", "")


def places(value, way=()):
    """Yield the way to everything in a value."""
    if way:
        yield way
    listed = enumerate(value) if isinstance(value, list) else ()
    for name, held in value.items() if isinstance(value, dict) else listed:
        yield from places(held, (*way, name))


def changed(value, way, strange):
    """Return a value in which something else stands at a place, or nothing."""
    made = copy.deepcopy(value)
    inner = made
    for step in way[:-1]:
        inner = inner[step]
    if strange is places:
        del inner[way[-1]]
    else:
        inner[way[-1]] = strange
    return made


@pytest.mark.parametrize("path", TEXTS, ids=[path.name for path in TEXTS])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::riskshift.RiskshiftWarning")
def test_a_field_that_is_missing_or_strange_is_at_most_a_fault(path, tmp_path_factory, data):
    text = path.read_text()
    lines = text.splitlines() if path.suffix == ".jsonl" else [text]
    nth = data.draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[nth])
    way = data.draw(st.sampled_from(list(places(value))))
    lines[nth] = json.dumps(changed(value, way, data.draw(st.sampled_from((places, *STRANGE)))))
    place = tmp_path_factory.mktemp("log") / path.name
    place.write_text("\n".join(lines) + "\n")
    name = recognise(Log(path, path.name)).name
    recognise(Log(place, place.name))
    assert place.name in said_of(place, name)


def said_of(place, name):
    """Return what is said of a log that is read as one of a format, or else its name."""
    try:
        unfold([DataFile(place, name, "none", place.name)], Asked())
    except RiskshiftError as error:
        return str(error)
    return place.name


# Databases, which PyRIT writes.


@pytest.mark.parametrize("start", [b"SQLite format 3\0", b"\0\0\0\0\0\0\0\0DUCK", b"nonsense"])
@pytest.mark.parametrize("suffix", [".db", ".duckdb"])
def test_a_file_that_is_no_database_is_refused(tmp_path, capsys, start, suffix):
    place = tmp_path / f"memory{suffix}"
    place.write_bytes(start + os.urandom(4096))
    assert run(["analyze", str(place)]) == 2
    assert place.name in one_message(capsys)


def test_a_database_that_is_not_pyrits_is_refused(tmp_path, capsys):
    place = tmp_path / "other.db"
    with sqlite3.connect(place) as made:
        made.execute("CREATE TABLE beds (name TEXT)")
    assert run(["analyze", str(place)]) == 2
    assert "other.db" in one_message(capsys)


def test_a_locked_database_is_said_to_be_locked(tmp_path, capsys):
    place = tmp_path / "memory.duckdb"
    with duckdb.connect(str(place)) as made:
        made.execute("CREATE TABLE PromptMemoryEntries (id TEXT)")
        assert run(["analyze", str(place)]) == 2
    assert "memory.duckdb" in one_message(capsys)
