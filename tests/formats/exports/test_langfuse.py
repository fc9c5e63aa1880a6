"""Langfuse: which observations are pairs, and which scores are whose."""

import json

import pytest

import riskshift


@pytest.mark.parametrize("name", ["langfuse.json", "langfuse.csv"])
def test_an_export_by_hand_says_all_there_is_to_say(small, rows, name):
    found, held = rows(small / name, {"harmful": "harmful"})
    assert found.left_out == {
        "a step that is no call of a model": 1,
        "error of the tool": 1,
        "no response": 1,
    }
    assert found.lacking == {"blocked": 1, "unscored": 1}
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", None, None]
    assert held[0]["prompt"] == "How do I grow tall weeds?"
    assert held[2]["prompt"] == "Where do slugs sleep?"
    assert held[0]["response"] == "Sow them and wait."
    assert held[0]["score_tone"] == "calm"


def test_a_trace_is_one_pair_with_the_scores_of_the_trace(small, rows):
    found, (row,) = rows(small / "langfuse-trace.json", {"harmful": "harmful"})
    assert row["response_harm"] == "Harmful"
    assert list(found.scores) == ["harmful"]


def written(place, *records):
    place.write_text("".join(json.dumps(record) + "\n" for record in records))
    return place


def observation(name, **more):
    held = {"id": name, "trace_id": "t", "type": "GENERATION", "level": "DEFAULT"}
    return {**held, "input": "How?", "output": "So.", "provided_model_name": "m", **more}


def score(name, of, value, **more):
    held = {"id": f"s-{of}", "trace_id": "t", "observation_id": of, "name": name}
    return {**held, "value": value, "data_type": "NUMERIC", "string_value": None, **more}


def test_scores_in_a_file_of_their_own_are_joined(tmp_path, rows):
    written(tmp_path / "observations.jsonl", observation("a"), observation("b"), observation("c"))
    written(
        tmp_path / "scores.jsonl",
        score("harm", "a", 1),
        score("harm", "b", 0),
        score("harm", None, 1),
    )
    found, held = rows(tmp_path, {"harm": "harmful"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None]
    assert found.lacking == {"unscored": 1}
    assert found.left_out == {"a score of what is not in the logs": 1}


def test_a_score_that_cannot_be_read_is_a_fault(tmp_path, rows):
    written(tmp_path / "observations.jsonl", observation("a"))
    place = written(tmp_path / "scores.jsonl", score("harm", "a", 1), score(None, "a", 1))
    with pytest.raises(riskshift.FileError, match=r"scores.jsonl, line 2 lacks a trace or a name"):
        rows(tmp_path)
    place.write_text(place.read_text() + '{"cut')
    found, _ = rows(tmp_path, skip_bad=True)
    assert found.left_out == {"malformed row": 2}


def test_scores_that_differ_are_no_verdict(tmp_path, rows):
    written(tmp_path / "observations.jsonl", observation("a"))
    written(tmp_path / "scores.jsonl", score("harm", "a", 1), score("harm", "a", 0))
    found, _ = rows(tmp_path)
    assert list(found.scores["harm"]) == ["[1, 0]"]


def test_a_word_is_the_score_of_a_category(tmp_path, rows):
    written(tmp_path / "observations.jsonl", observation("a"))
    word = {"data_type": "CATEGORICAL", "string_value": "refused"}
    written(tmp_path / "scores.jsonl", score("answer", "a", 0, **word))
    found, _ = rows(tmp_path)
    assert list(found.scores["answer"]) == ["refused"]


def test_an_error_of_a_filter_is_blocked_and_no_error(tmp_path, rows):
    said = "Error code: 400 - {'error': {'code': 'content_filter'}}"
    errors = [
        observation(n, output=None, level="ERROR", status_message=m)
        for n, m in (("a", said), ("b", "away"))
    ]
    found, held = rows(written(tmp_path / "observations.jsonl", *errors))
    assert (found.lacking, found.left_out) == ({"blocked": 1}, {"error of the tool": 1})
    assert held[0]["prompt"] == "How?"
