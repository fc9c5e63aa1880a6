"""Each format is whole, and knows its own logs and nobody else's."""

import gzip
import os
from dataclasses import replace

import pytest

from riskshift.errors import FileError, UsageError
from riskshift.formats.catalogue import FORMATS, NAMES, named, recognise
from riskshift.formats.exchange import LeftOut
from riskshift.formats.format import Format
from riskshift.formats.log import Log
from riskshift.reading.layout import FORMATS as LAYOUTS
from riskshift.taxonomy import SIDES


@pytest.mark.parametrize("one", FORMATS, ids=NAMES)
def test_a_format_says_what_it_is(one):
    assert one.name.isprintable()
    assert one.name not in LAYOUTS
    assert one.labels.endswith(".")
    assert one.source.endswith(".")
    assert set(one.sides) <= set(SIDES)


def test_names_are_unique_and_lead_to_their_formats():
    assert len(set(NAMES)) == len(NAMES)
    assert [named(name) for name in NAMES] == list(FORMATS)
    with pytest.raises(UsageError, match=r"format 'promtfoo' is unknown .did you mean 'promptfoo'"):
        named("promtfoo")


@pytest.mark.parametrize("one", FORMATS, ids=NAMES)
def test_a_format_has_a_small_log_that_it_alone_recognises(small, one):
    longer = [name for name in NAMES if name.startswith(one.name) and name != one.name]
    logs = [
        path
        for path in sorted(small.iterdir())
        if path.name.startswith(one.name) and not path.name.startswith(tuple(longer))
    ]
    assert logs
    for path in logs:
        log = Log(path, path.name)
        assert [other.name for other in FORMATS if other.recognise(log)] == [one.name]


def test_real_logs_are_recognised_by_what_they_hold(real):
    for one in FORMATS:
        for path in sorted((real / one.name).glob("*")) if (real / one.name).is_dir() else ():
            found = recognise(Log(path, path.name))
            assert found is None or not isinstance(found, Format) or found.name == one.name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2",
        b"{",
        b"[",
        b'{"a": ',
        b"[1, 2]",
        b'"text"',
        b"\xff\xfe{\0",
        b"a,b\n1,2\n",
        b"PK\3\4",
    ],
)
def test_what_is_no_log_is_none(tmp_path, content):
    place = tmp_path / "held"
    place.write_bytes(content)
    assert recognise(Log(place, "held")) is None


def test_labelled_pairs_are_no_log(corpus_path):
    assert recognise(Log(corpus_path, "pairs.csv")) is None


def test_a_folder_and_what_is_not_there_are_no_log(tmp_path):
    assert recognise(Log(tmp_path, "folder")) is None
    assert recognise(Log(tmp_path / "none", "none")) is None


def test_nobody_waits_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    assert recognise(Log(tmp_path / "pipe.json", "pipe.json")) is None


def test_a_packed_log_is_recognised(small, tmp_path):
    place = tmp_path / "log.gz"
    place.write_bytes(gzip.compress((small / "promptfoo.json").read_bytes()))
    assert recognise(Log(place, "log.gz")) is named("promptfoo")


def test_one_long_line_is_looked_into(tmp_path):
    place = tmp_path / "long.json"
    filler = '"x": "' + "y" * (1 << 21) + '"'
    place.write_text('{"results": {"prompts": [{' + filler + '}], "results": []}}')
    assert recognise(Log(place, "long.json")) is named("promptfoo")


@pytest.mark.parametrize("together", [False, True])
def test_what_a_format_trips_over_is_a_fault_of_the_log(tmp_path, together):
    def entries(log):
        yield LeftOut("never evaluated")
        yield log["a"]

    def of_all(logs):
        return [entries(log) for log in logs]

    one = Format("acme", "Acme", "None.", "Nowhere.", lambda log: True, entries)
    if together:
        one = replace(one, together=of_all)
    logs = [Log(tmp_path / name, name) for name in ("a.json", "b.json")]
    for found in one.of(logs):
        assert next(found) == LeftOut("never evaluated")
        with pytest.raises(FileError, match=r"after 1 entries .* not as acme writes it .TypeError"):
            next(found)
