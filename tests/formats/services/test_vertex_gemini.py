"""Gemini on Vertex AI: severities are labels, probabilities are none."""

import json

import pytest

import riskshift
from riskshift.reading.logs import find


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def written(tmp_path, *records):
    place = tmp_path / "calls.jsonl"
    place.write_text("".join(json.dumps(record) + "\n" for record in records))
    return place


def rating(**more):
    return {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", **more}


def answer(*ratings, text="A reply.", finish="STOP"):
    content = {"role": "model", "parts": [{"text": text}]}
    return {
        "candidates": [{"content": content, "finishReason": finish, "safetyRatings": list(ratings)}]
    }


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "vertex-gemini.jsonl")
    assert found.left_out == {"error of the tool": 1, "no response": 1}
    assert found.lacking == {"blocked": 2, "unscored": 2}
    assert [row["response_harassment"] for row in held] == [
        *("Negligible", "Negligible", "Medium"),
        *(None, None, None, "Negligible", None),
    ]
    assert [row["prompt_dangerous_content"] for row in held] == [
        *("Low", "Low", None, None),
        *("Negligible", None, None, None),
    ]
    assert held[4]["prompt_hate_speech"] == "High"
    assert (held[4]["block_reason"], held[4]["filtered"]) == ("SAFETY", "hate_speech")
    assert [row["sample"] for row in held[:2]] == ["1", "2"]
    assert held[0]["prompt"] == "How do I frighten a fox?"
    assert {row.get("model") for row in held} == {"gemini-2.0-flash-001"}


def test_a_stream_keeps_the_largest_rating_and_no_thoughts(small):
    _, held = rows(small / "vertex-gemini.jsonl")
    assert held[6]["response"] == "It broke the fence."
    assert held[6]["response_dangerous_content"] == "Medium"


def test_a_probability_is_never_a_label(small, tmp_path):
    _, held = rows(small / "vertex-gemini.jsonl")
    assert held[1]["harassment_probability_of_response"] == "HIGH"
    assert held[1]["response_harassment"] == "Negligible"
    found, held = rows(written(tmp_path, answer(rating())))
    assert found.lacking == {"unscored": 1}
    assert held[0]["response_harassment"] is None


def test_that_labels_are_severities_is_said_with_the_numbers(small):
    notes = " ".join(riskshift.analyze(small / "vertex-gemini.jsonl").notes)
    assert "probabilities say how sure the service is" in notes


def test_names_as_python_clients_write_them_are_read(tmp_path):
    kept = {"safety_ratings": [rating(severity="HARM_SEVERITY_LOW")], "finish_reason": "SAFETY"}
    free = {
        "content": {"parts": [{"text": "So."}]},
        "safety_ratings": [rating(severity="HARM_SEVERITY_LOW")],
    }
    found, held = rows(
        written(tmp_path, {"candidates": [kept]}, {"candidates": [free], "model_version": "g"})
    )
    assert found.lacking == {"blocked": 1}
    assert (held[1]["response_harassment"], held[1]["model"]) == ("Low", "g")


@pytest.mark.parametrize("severity", ["HARM_SEVERITY_EXTREME", 1])
def test_an_unknown_severity_is_told_with_its_place(tmp_path, severity):
    place = written(tmp_path, answer(rating(severity=severity)))
    with pytest.raises(riskshift.LabelError, match=r"pair 1.*response_harassment is 'unknown"):
        riskshift.analyze(place)


def test_a_severity_that_is_not_stated_is_missing(tmp_path):
    found, _ = rows(written(tmp_path, answer(rating(severity="HARM_SEVERITY_UNSPECIFIED"))))
    assert found.lacking == {"unscored": 1}


def test_a_log_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    place.write_text((small / "vertex-gemini.jsonl").read_text()[:-40])
    with pytest.raises(riskshift.FileError, match=r"cut.jsonl, line 10: not valid JSON.*cut off"):
        riskshift.analyze(place)


def test_responses_without_ratings_are_no_log_of_it(tmp_path):
    assert find([written(tmp_path, answer())]).pairs is None
