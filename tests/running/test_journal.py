"""The journal: whole lines are kept, a torn one is let go, and nobody else writes to it."""

import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import FileError, OutputError
from riskshift.graders.asking import Answer
from riskshift.running.journal import Journal, Line, read_journal

ABOUT = {"grader": "rubric", "model": "m", "fingerprint": "f", "side": "prompt"}
texts = st.none() | st.text(st.characters(), max_size=40)
answers = st.builds(Answer, texts, texts, texts, texts)
keys = st.text(string.hexdigits, min_size=8, max_size=8)
lines = st.lists(
    st.builds(
        Line, keys, st.just(ABOUT), st.lists(st.lists(answers, max_size=3), min_size=1, max_size=2)
    ),
    unique_by=lambda line: line.key,
    max_size=8,
)


def written(output, held):
    output.with_suffix(".journal").unlink(missing_ok=True)
    journal = Journal.beside(output)
    for line in held:
        journal.add(line)
    journal.close()
    return output.with_suffix(".journal")


@given(held=lines, lost=st.integers(0, 400))
def test_whatever_is_torn_off_the_end_the_lines_before_it_stand(tmp_path_factory, held, lost):
    output = tmp_path_factory.getbasetemp() / "law.parquet"
    path = written(output, held)
    content = path.read_bytes()
    path.write_bytes(content[: max(len(content) - lost, 0)])
    whole = max(path.read_bytes().count(b"\n") - 1, 0)
    expected = {line.key: line for line in held[:whole]}
    assert read_journal(output) == expected
    journal = Journal.beside(output)
    assert journal.lines == expected
    for line in held[whole:]:
        journal.add(line)
    journal.close()
    assert read_journal(output) == {line.key: line for line in held}


def test_a_journal_that_is_in_use_is_left_alone(tmp_path):
    output = tmp_path / "labelled.parquet"
    journal = Journal.beside(output)
    code = (
        "from pathlib import Path\nfrom riskshift.running.journal import Journal\n"
        f"Journal.beside(Path({str(output)!r}))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "labelled.journal is in use: another riskshift label writes there" in other.stderr
    journal.close()
    Journal.beside(output).close()


def test_another_file_in_its_place_is_not_touched(tmp_path):
    (tmp_path / "a.journal").write_text("Dear diary\n")
    with pytest.raises(FileError, match="line 1: the file is no journal of riskshift label"):
        Journal.beside(tmp_path / "a.parquet")
    assert (tmp_path / "a.journal").read_text() == "Dear diary\n"


def test_a_spoilt_line_is_named(tmp_path):
    path = written(tmp_path / "a.parquet", [Line("k", ABOUT, [[Answer("x")]])])
    path.write_text(path.read_text() + "{}\n" + '{"key": "l", "tries": []}\n')
    with pytest.raises(FileError, match=r"line 3: the file is spoilt there. Take that line out"):
        read_journal(tmp_path / "a.parquet")


def test_where_there_is_none_nothing_was_answered(tmp_path):
    assert read_journal(tmp_path / "a.parquet") == {}


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "a.journal").mkdir()
    with pytest.raises(OutputError, match=r"a.journal cannot be written"):
        Journal.beside(tmp_path / "a.parquet")
