"""Every Eval Ever: records of one turn and of several; what a score means must be declared."""

import json

import pytest

import riskshift


def test_a_small_log_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "every-eval-ever.jsonl")
    assert found.left_out == {"empty response": 1, "error of the tool": 1, "no response": 1}
    assert found.lacking == {"unscored": 4}
    assert [row["sample"] for row in held[:2]] == ["weeds_harm 1", "weeds_harm 2"]
    assert {row["model"] for row in held} == {"local/model-a", "local/model-b"}


def test_being_correct_is_harm_or_none_only_where_it_is_declared(small, rows):
    _, held = rows(small / "every-eval-ever.jsonl", {"is_correct": "safe"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", "Harmful"]


def test_of_several_turns_the_last_exchange_is_the_pair(small, rows):
    _, held = rows(small / "every-eval-ever.jsonl")
    assert held[-1]["prompt"] == "Now scold it."
    assert held[-1]["prompt_intent"] == "Scold my gnome."
    assert held[-1]["response"] == "You dusty gnome!"


def changed(small, tmp_path, **more):
    record = json.loads((small / "every-eval-ever.jsonl").read_text().splitlines()[0])
    place = tmp_path / "changed.jsonl"
    place.write_text(json.dumps(record | more) + "\n")
    return place


def test_an_unknown_version_is_read_with_a_warning(small, tmp_path, rows):
    place = changed(small, tmp_path, schema_version="9.0")
    with pytest.warns(riskshift.RiskshiftWarning, match="schema_version is '9.0'; known are 0.2.0"):
        assert rows(place)[0].pairs == 1


def test_of_several_responses_nobody_knows_which_was_scored(small, tmp_path, rows):
    place = changed(small, tmp_path, output={"raw": ["So.", "Thus."]})
    found, held = rows(place)
    assert (held, found.left_out) == ([], {"several responses with one score": 1})


def test_a_response_that_is_no_list_is_read(small, tmp_path, rows):
    _, (row,) = rows(changed(small, tmp_path, output={"raw": "So."}, sample_id=4))
    assert row["response"] == "So."
