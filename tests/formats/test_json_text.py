"""JSON is read one value at a time, and says where it breaks off."""

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import FileError
from riskshift.formats.json_text import JsonText, at, paths, walk

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


class Slowly(io.BytesIO):
    """A file that hands out a few bytes at a time."""

    def read(self, size=-1):
        return super().read(min(size, 3) if size > 0 else size)


def text(document, kind=io.BytesIO):
    whole = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return JsonText(kind(whole.encode("utf-8", "surrogatepass")), "a.json")


@given(st.lists(JSON))
def test_the_items_of_a_list_come_as_they_are_however_they_are_cut(items):
    try:
        json.dumps(items, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert [value for _, value in walk(text(items, Slowly), "")] == items


@given(st.lists(st.integers()), JSON, JSON)
def test_what_stands_around_a_list_comes_too(items, before, after):
    document = {"a": before, "b": {"c": 1, "d": items}, "e": after}
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    found = list(walk(text(document, Slowly), "b.d"))
    assert [value for path, value in found if path == "b.d"] == items
    assert [pair for pair in found if pair[0] != "b.d"] == [("a", before), ("b.c", 1), ("e", after)]


def test_nan_and_infinity_are_numbers():
    values = [value for _, value in walk(text('[NaN, -Infinity, {"a": NaN}]'), "")]
    assert math.isnan(values[0])
    assert values[1] == -math.inf


@pytest.mark.parametrize("whole", ['{"a": {"b": [1, 2], "c": "x"}}', "[1, 2, 34]", '{"a": []}'])
def test_what_is_cut_off_is_refused_wherever_it_is(whole):
    to = "a.b" if whole.startswith("{") else ""
    for end in range(1, len(whole)):
        with pytest.raises(FileError, match=r"a.json, character [0-9]+: not valid JSON"):
            list(walk(text(whole[:end]), to))


def test_a_value_longer_than_any_may_be_is_refused():
    long = JsonText(io.BytesIO(b'["' + b"x" * 300_000 + b'"]'), "a.json", most=100_000)
    with pytest.raises(FileError, match="a value of more than 100,000 characters"):
        list(walk(long, ""))


def test_what_nests_too_deeply_is_refused():
    with pytest.raises(FileError, match="not valid JSON"):
        list(walk(text("[" * 100_000), ""))


def test_other_encodings_are_refused():
    with pytest.raises(FileError, match=r"a.json is not UTF-8 \(byte 0xe9\)"):
        list(walk(JsonText(io.BytesIO(b'["caf\xe9"]'), "a.json"), ""))


def test_names_are_found_as_far_as_a_document_goes():
    assert list(paths(text('{"a": {"b": [1'))) == ["a", "a.b"]
    assert list(paths(text("[1]"))) == []


def test_a_path_leads_to_a_value_or_to_nothing():
    value = {"a": [{"b": None}], "c.d": 1}
    assert at(value, "a.0.b") is None
    assert at(value, "a.x.b") is None
    assert at(value, "a.7") is None
    assert at(value, "c.d") == 1
    assert at("text", "a") is None
