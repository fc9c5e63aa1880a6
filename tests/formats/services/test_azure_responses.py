"""Azure's Responses API: one list of annotations for both sides, and an answer in pieces."""

import json

import riskshift


def test_a_small_log_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "azure-openai-responses.jsonl")
    assert found.left_out == {"error of the tool": 1, "no response": 1}
    assert found.lacking == {"blocked": 2, "unscored": 1}
    assert [row["response_violence"] for row in held] == [
        "Low",
        "Safe",
        "Safe",
        "Safe",
        *[None] * 3,
    ]
    assert [row["prompt_hate"] for row in held] == [
        *("Safe", "Safe", "Low", "Safe", "Safe"),
        "High",
        "Safe",
    ]
    assert [row["sample"] for row in held] == ["1", "2", "1", "1", "1", "1", "1"]
    assert [row.get("filtered") for row in held[4:6]] == ["violence", "prompt, hate, jailbreak"]
    assert held[2]["jailbreak_in_prompt"] == "true"
    assert held[0]["team"] == "lawn"


def test_a_stream_is_the_response_that_it_ends_in(small, rows):
    _, held = rows(small / "azure-openai-responses.jsonl")
    assert held[3]["response"] == "Under stones."
    assert held[3]["response_id"] == "resp_4"


def test_what_a_filter_cut_off_is_no_answer(small, rows):
    _, held = rows(small / "azure-openai-responses.jsonl")
    assert (held[4]["status"], held[4]["blocked_response"]) == ("blocked", "The mole")


def test_what_was_said_before_is_part_of_the_prompt(tmp_path, rows):
    record = {
        "response": {
            "object": "response",
            "status": "completed",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "So."}]}],
            "content_filters": [
                {"source_type": "prompt", "content_filter_results": {"hate": {"severity": "safe"}}}
            ],
        }
    }
    asked = [{"input": "Go on.", **more} for more in ({}, {"previous_response_id": "r1"})]
    place = tmp_path / "calls.jsonl"
    place.write_text("".join(json.dumps({"request": one, **record}) + "\n" for one in asked))
    _, held = rows(place)
    assert len({row["prompt_id"] for row in held}) == 2
    assert [row["prompt"] for row in held] == ["Go on.", "Go on."]


def test_what_is_blocked_is_neither_safe_nor_harmful(small):
    rate = riskshift.analyze(small / "azure-openai-responses.jsonl").rate("response_harm")
    assert (rate.events, rate.trials) == (2, 4)
