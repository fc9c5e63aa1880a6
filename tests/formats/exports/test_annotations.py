"""Exports of tools for annotation are known by name, and each is told what to do with it."""

import json

import pytest

import riskshift
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log

TASK = {"id": 1, "data": {"prompt": "How?", "response": "So."}, "annotations": [{"result": []}]}
HELD = {
    "label-studio import FILE": [TASK],
    "labels one text at a time": {"id": 1, "text": "So.", "label": ["fine"]},
    "one person's labels by the ids": {"user_id": "a", "instance_id_to_label_to_value": {"r": []}},
}


@pytest.mark.parametrize("way", HELD)
def test_an_export_is_refused_with_what_to_do(tmp_path, way):
    place = tmp_path / "export.json"
    place.write_text(json.dumps(HELD[way]) + "\n")
    with pytest.raises(riskshift.FileError, match=way):
        riskshift.analyze(place)
    assert way in str(riskshift.doctor(place))


@pytest.mark.parametrize(
    "name",
    [
        "label_studio/made_export.json",
        "label_studio/converter_csv_test.json",
        "doccano/example.jsonl",
        "potato/user_state_alice.json",
    ],
)
def test_real_exports_are_refused_by_name(real, name):
    with pytest.raises(riskshift.FileError, match=r"is (an export|the state) of"):
        riskshift.analyze(real / name)


@pytest.mark.parametrize(
    "record",
    [
        {"text": "So.", "label": "fine"},
        {"text": "So.", "label": ["fine"], "model": "a"},
        {"data": {"prompt": "How?"}},
        {"data": "So.", "annotations": []},
    ],
)
def test_what_only_looks_like_one_is_left_alone(tmp_path, record):
    place = tmp_path / "rows.jsonl"
    place.write_text(json.dumps(record) + "\n")
    assert recognise(Log(place, "rows.jsonl")) is None


def test_an_export_can_still_be_said_to_be_none(tmp_path):
    place = tmp_path / "rows.jsonl"
    place.write_text('{"id": "a", "text": "So.", "label": ["fine"]}\n')
    with pytest.raises(riskshift.ColumnError):
        riskshift.analyze(place, format="jsonl")
