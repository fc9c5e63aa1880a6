"""Nothing that is printed acts: on a terminal, in a build server's log, in a spreadsheet."""

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.cli import printing
from riskshift.errors import listing
from riskshift.outputs.escape import json_ascii, json_text, spreadsheet, visible, workflow

COMMANDS = st.sampled_from(["::stop-commands::x", "::add-mask::a", "##[error]x", "##[", "::"])
TEXTS = st.lists(
    st.one_of(
        COMMANDS, st.text(max_size=4), st.sampled_from(["\n", " ", "\t", "\r\n", "\x1b[1m", "\x9b"])
    ),
    max_size=8,
).map("".join)


def commands(text):
    """What GitHub's runner would take for commands."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        shown = line.strip()
        if shown.startswith("::") and "::" in shown[2:]:
            found.append(line)
        at = line.find("##[")
        if at >= 0 and "]" in line[at + 3 :]:
            found.append(line)
    return found


@given(TEXTS)
def test_no_line_of_a_message_is_a_command(text):
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", told)
        printing.say(text)
    assert commands(told.getvalue()) == []
    assert not set(told.getvalue()) & {"\x1b", "\x9b", "\r", "\u202e"}


@given(TEXTS)
def test_no_line_of_a_result_is_a_command(text):
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", told)
        printing.put(visible(text, keep="\n"))
    assert commands(told.buffer.getvalue().decode()) == []


def test_what_is_no_command_is_left_as_it_is():
    for text in ("a::b::c", "std::vector", "## [x]", "see https://x::y", "::selection { }"):
        assert workflow(text) == text


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(JSON)
def test_json_stays_the_same_data_whatever_is_written_as_a_code(value):
    made = json.dumps(value, ensure_ascii=False, indent=1)
    assert json.loads(json_text(made)) == value
    assert json.loads(json_ascii(made)) == value
    assert json_ascii(made).isascii()
    assert visible(json_text(made), keep="\n") == json_text(made)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_json_on_a_terminal_is_ascii(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    printing.put('{"café": "\x9b31m\u202e"}', kind="json")
    assert shown.getvalue() == '{"caf\\u00e9": "\\u009b31m\\u202e"}'


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_narrow_encodings_carry_everything(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr("sys.stdout", stream)
    printing.put('{"a": "中"}', kind="json")
    printing.put("中 é\n")
    first, second = stream.buffer.getvalue().decode(encoding).split("}")
    assert json.loads(first + "}") == {"a": "中"}
    assert second.startswith("\\u4e2d")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (";=cmd()", ";'=cmd()"),
        ("a;=cmd()", "a;'=cmd()"),
        ("a; +1", "a; '+1"),
        ("=1;@x", "'=1;'@x"),
        ("a;b", "a;b"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_that_semicolons_part_holds_no_formula(cell, shown):
    assert spreadsheet(cell) == shown


def test_a_name_with_a_line_break_stays_on_its_line():
    assert listing(["a", "b\n::add-mask::c", "d\u202e"]) == "a, 'b\\n::add-mask::c', 'd\\u202e'"


def test_there_is_one_way_to_print():
    for path in Path(printing.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "typer.echo" not in text, path
        assert "print(" not in text.replace("_print(", "") or path.name == "printing.py", path
