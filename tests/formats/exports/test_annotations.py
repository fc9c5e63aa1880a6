"""Exports of tools for annotation: labels of people, for agree; those that lack a side are refused."""

import json

import pytest

import riskshift
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log

TASK = {"id": 1, "data": {"prompt": "How?", "response": "So."}, "annotations": [{"result": []}]}
HELD = {
    "label-studio import FILE": [TASK],
    "labels one text at a time": {"id": 1, "text": "So.", "label": ["fine"]},
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


# Those that are read: a row an answer of a person.


def test_argillas_questions_are_labels_where_they_are_called_so(small, rows):
    found, held = rows(small / "argilla.json")
    assert found.left_out == {"not annotated": 1}
    assert found.lacking == {}
    assert [row["annotator"] for row in held] == ["ann", "bob", "ann", "bob", "ann"]
    assert [row["response_violence"] for row in held] == ["Low", "Medium", "Safe", "Safe", "Safe"]
    assert [row["sample"] for row in held] == ["r1", "r1", "r2", "r2", "r3"]
    assert held[0]["prompt_id"] == held[2]["prompt_id"] != held[4]["prompt_id"]
    assert list(found.scores["tone"]) == ["calm", '["calm", "dry"]']


def test_other_questions_are_labels_where_it_is_declared(small, rows):
    asked = {"tone": "harmful"}
    with pytest.raises(riskshift.LabelError, match="--score-value calm="):
        rows(small / "argilla.json", asked)


def test_doccanos_classes_are_labels_where_they_are_called_so(small, rows):
    found, held = rows(small / "doccano-ann.jsonl")
    assert found.left_out == {"not annotated": 1}
    assert [row["response_violence"] for row in held] == ["Low", "Safe"]
    assert {row["annotator"] for row in held} == {"doccano-ann"}
    assert held[1]["score_label"] == "calm"
    assert held[0]["response"] == "Sow them and wait."


def test_people_of_several_files_of_doccano_are_compared(small):
    files = [small / "doccano-ann.jsonl", small / "doccano-bob.jsonl"]
    result = riskshift.agree(files)
    assert result.raters == {"doccano-ann": 2, "doccano-bob": 2}
    assert result.items == 2


@pytest.mark.parametrize("name", ["potato.json", "potato.jsonl"])
def test_potatos_schemes_are_labels_where_they_are_called_so(small, rows, name):
    _, held = rows(small / name)
    assert [row["response_violence"] for row in held if row["annotator"] == "ann"] == [
        "Low",
        "Safe",
    ]
    assert not any("prompt" in row or "response" in row for row in held)


def test_a_real_state_of_potato_is_read(real, rows):
    found, held = rows(real / "potato" / "user_state_alice.json")
    assert {row["annotator"] for row in held} == {"alice"}
    assert set(found.scores) == {"sentiment", "aspects"}
    assert held[0]["score_sentiment"] == "positive"


def test_answers_of_people_are_no_rates_until_they_are_one(small):
    with pytest.raises(riskshift.DataError, match="riskshift agree"):
        riskshift.analyze(small / "argilla.json")
    found = riskshift.doctor(small / "argilla.json")
    assert found.then.splitlines()[-1].startswith("riskshift agree")
    assert "agree" in found.works


def test_one_person_has_nobody_to_agree_with(small):
    found = riskshift.doctor(small / "potato.json")
    assert found.then == f"riskshift convert {small / 'potato.json'} -o labels.csv"
    assert any("one rater only" in line for line in found.told)


def test_harm_as_such_has_its_own_taxonomy(tmp_path):
    people = {"ann": "Harmful", "bob": "Safe"}
    answers = [{"value": level, "user_id": name} for name, level in people.items()]
    record = {"id": "1", "fields": {"prompt": "How?", "response": "So."}, "metadata": {}}
    place = tmp_path / "records.json"
    place.write_text(
        json.dumps([{**record, "suggestions": {}, "responses": {"response_harm": answers}}])
    )
    assert riskshift.doctor(place).then == f"riskshift agree {place} --taxonomy harm"


def test_converted_labels_of_people_are_for_agree_too(small, tmp_path):
    made = riskshift.convert(small / "potato.jsonl", tmp_path / "labels.csv")
    assert made.reader == "agree"
    assert "riskshift agree" in str(made).splitlines()[-1]
