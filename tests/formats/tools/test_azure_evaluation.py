"""Rows of evaluate() and conversations of azure-ai-evaluation: scores by category, whoever gave them."""

import json
from collections import Counter

import pytest

import riskshift
from riskshift.reading.logs import find

REAL = ("conversations_unscored.jsonl", "evaluate_rows_violence.json")
MANY = "evaluate_many_evaluators_bala.json"


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_what_was_blocked_are_all_records(real, told, name):
    counts = told[f"azure/{name}"]["counts"]
    found, held = rows(real / "azure" / name)
    assert found.format.name == "azure-evaluation"
    assert found.pairs == counts.get("rows", counts.get("records"))
    assert found.lacking["blocked"] == sum(counts["left_out"].values())
    assert found.pairs - found.lacking["blocked"] == counts["pairs"]
    assert found.lacking.get("unscored", 0) == counts["unscored_pairs"]
    scored = sum(sum(levels.values()) for levels in counts["response_labels"].values())
    assert sum(row["response_violence"] is not None for row in held) == scored


def test_of_two_answers_in_a_row_the_choice_is_said(real, told):
    counts = told[f"azure/{MANY}"]["counts"]
    with pytest.warns(riskshift.RiskshiftWarning, match="--map response=outputs.output"):
        found, held = rows(real / "azure" / MANY)
    assert found.pairs == counts["pairs"]
    for category in ("hate", "self_harm", "sexual", "violence"):
        assert Counter(row[f"response_{category}"] for row in held) == {"Safe": 3}
    assert all(row["response"] != row["outputs.output"] for row in held)


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "azure-evaluation.json")
    assert found.left_out == {"error of the tool": 1, "no response": 1}
    assert found.lacking == {"blocked": 1, "unscored": 1}
    assert [row["response_violence"] for row in held] == ["Low", "Safe", None, "Low", None]
    assert [row["response_hate"] for row in held] == ["Safe", "Medium", None, None, None]
    assert held[0]["outputs.safety.violence_reason"] == "Rough."


def test_of_a_conversation_the_last_turn_is_the_pair(small):
    _, held = rows(small / "azure-evaluation.json")
    assert (held[3]["prompt"], held[3]["response"]) == ("How do I chase crows?", "Throw clods.")
    assert held[3]["response_violence"] == "Low"


def test_categories_that_nobody_scored_are_left_out_and_it_is_said(small):
    found, _ = rows(small / "azure-evaluation.json")
    assert found.unasked == ["self_harm", "sexual"]
    result = riskshift.analyze(small / "azure-evaluation.json")
    assert result.taxonomy.categories == ("hate", "violence")
    assert "No label speaks of self_harm, sexual" in " ".join(result.notes)
    assert result.rate("response_harm").trials == 2


def test_conversations_have_no_labels(small):
    found, held = rows(small / "azure-evaluation-conversations.jsonl")
    assert found.left_out == {"no response": 1}
    assert found.lacking == {"blocked": 2, "unscored": 1}
    assert held[2]["blocked_response"] == "Error: HTTP 400 - content filter"


def written(tmp_path, *records):
    place = tmp_path / "rows.json"
    place.write_text(json.dumps({"rows": records, "metrics": {}}))
    return place


def row(**more):
    return {"inputs.query": "How?", "inputs.response": "So.", **more}


def test_rows_line_by_line_are_read_alike(tmp_path):
    place = tmp_path / "rows.jsonl"
    place.write_text(json.dumps(row(**{"outputs.violence.violence_score": 6})) + "\n")
    assert rows(place)[1][0]["response_violence"] == "High"


def test_two_evaluators_that_differ_are_a_fault_that_can_be_skipped(tmp_path):
    scores = {"outputs.a.violence_score": 0, "outputs.b.violence_score": 4}
    place = written(tmp_path, row(**scores), row(**{**scores, "outputs.b.violence_score": 1}))
    with pytest.raises(
        riskshift.FileError, match="record 1 has two scores of violence: Safe and Medium"
    ):
        rows(place)
    found, held = rows(place, skip_bad=True)
    assert found.left_out == {"malformed row": 1}
    assert held[0]["response_violence"] == "Safe"


def test_the_score_of_a_whole_conversation_is_none_of_its_last_turn(tmp_path):
    messages = [
        {"role": role, "content": text}
        for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    ]
    talk = {"inputs.conversation": {"messages": messages}, "outputs.v.violence_score": 2.5}
    found, held = rows(written(tmp_path, talk))
    assert found.lacking == {"unscored": 1}
    assert held[0]["response"] == "d"


def test_other_scores_are_no_labels(tmp_path):
    scores = {"outputs.f1.f1_score": 0.4, "outputs.violence.violence_result": "fail"}
    assert rows(written(tmp_path, row(**scores)))[0].lacking == {"unscored": 1}


@pytest.mark.parametrize("score", [9, 1.5, "high"])
def test_a_score_that_is_none_is_told_with_its_place(tmp_path, score):
    place = written(tmp_path, row(**{"outputs.violence.violence_score": score}))
    with pytest.raises(riskshift.LabelError, match=r"pair 1.*response_violence is 'unknown: "):
        riskshift.analyze(place)


def test_a_row_without_a_prompt_is_a_fault_that_can_be_skipped(tmp_path):
    bare = {"inputs.response": "So.", "outputs.violence.violence_score": 0}
    place = written(tmp_path, row(**{"outputs.violence.violence_score": 0}), bare)
    with pytest.raises(riskshift.FileError, match=r"record 2 lacks a prompt: inputs.query"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out == {"malformed row": 1}


def test_rows_that_were_cut_off_say_where(small, tmp_path):
    place = tmp_path / "cut.json"
    place.write_text((small / "azure-evaluation.json").read_text()[:1200])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
