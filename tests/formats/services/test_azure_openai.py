"""Azure OpenAI: labels of both sides, streams, and what the filter kept back."""

import json
import random

import pytest

import riskshift
from riskshift.reading.logs import find

SEVERITIES = ("safe", "low", "medium", "high")


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def results(hate="safe", *, filtered=False):
    names = ("hate", "self_harm", "sexual", "violence")
    return {
        name: {
            "filtered": filtered and name == "hate",
            "severity": hate if name == "hate" else "safe",
        }
        for name in names
    }


def response(prompt="safe", answer="safe", *, text="A reply.", finish="stop", **more):
    return {
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text},
                "content_filter_results": results(answer, filtered=finish == "content_filter"),
            }
        ],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results(prompt)}],
        **more,
    }


def refused(severity="high"):
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results(severity)}
    return {"error": {"code": "content_filter", "message": "no", "innererror": inner}}


def asked(text, **more):
    return {"messages": [{"role": "user", "content": text}], **more}


def written(tmp_path, *records):
    place = tmp_path / "calls.jsonl"
    place.write_text("".join(json.dumps(record) + "\n" for record in records))
    return place


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "azure-openai.jsonl")
    assert found.left_out == {"error of the tool": 1, "no response": 1}
    assert found.lacking == {"blocked": 2, "unscored": 1}
    assert [row["response_violence"] for row in held] == [
        *("Low", "Safe", "Medium", "Safe"),
        *(None, None, None, "Low"),
    ]
    assert [row["prompt_hate"] for row in held] == [
        *("Safe", "Safe", "Safe", "Safe"),
        *("Low", "High", "Safe", "Safe"),
    ]
    assert [row["sample"] for row in held] == ["1", "2", "1", "2", "1", "1", "1", "1"]
    assert {row["model"] for row in held} == {"mini-deployment"}
    assert {row.get("served_model") for row in held} == {"gpt-4.1-mini-2025-04-14", None}
    assert held[0]["prompt"] == "How do I scare crows away?"
    assert held[0]["team"] == "lawn"
    assert [row.get("filtered") for row in held[4:6]] == ["hate", "prompt, hate"]
    assert held[5]["jailbreak_in_prompt"] == "true"


def test_a_stream_keeps_the_largest_of_its_annotations(small):
    _, held = rows(small / "azure-openai.jsonl")
    assert held[-1]["response"] == "Nettles, which sting."
    assert held[-1]["prompt"] == "What stands in this bed?"
    _, parts = rows(small / "azure-openai-stream.jsonl")
    assert [row["response"] for row in parts] == ["Nettles, which sting."] * 2
    assert [row["response_violence"] for row in parts] == ["Low", "Safe"]
    assert [row["prompt_violence"] for row in parts] == ["Safe", "Safe"]


def test_answers_alone_are_pairs_without_prompts(small):
    found, held = rows(small / "azure-openai-answers.json")
    assert (found.pairs, found.lacking) == (6, {"blocked": 2})
    assert not any("prompt" in row or "prompt_id" in row for row in held)
    result = riskshift.analyze(small / "azure-openai-answers.json")
    assert result.rate("response_harm").trials == 4


def test_the_same_call_however_it_was_kept(tmp_path):
    whole, ask = response("low", "medium"), asked("How?", model="m")
    envelope = {"request": {"body": ask}, "response": {"status_code": 200, "body": whole}}
    texts = {"request": json.dumps(ask), "response": json.dumps(whole)}
    events = "".join(f"data: {json.dumps(part)}\n\n" for part in [whole]) + "data: [DONE]\n"
    _, held = rows(
        written(
            tmp_path,
            {"request": ask, "response": whole},
            envelope,
            texts,
            {"request": ask, "response": [whole]},
            {"request": ask, "response": events},
        )
    )
    assert [row.pop("sample") for row in held] == ["1", "2", "3", "4", "5"]
    assert all(row == held[0] for row in held)
    assert (held[0]["prompt_hate"], held[0]["response_hate"]) == ("Low", "Medium")


def test_a_log_of_one_indented_response_is_read(tmp_path):
    place = tmp_path / "one.json"
    place.write_text(json.dumps(response("low", "high"), indent=2))
    _, held = rows(place)
    assert [row["response_hate"] for row in held] == ["High"]


def test_a_batch_tells_its_prompts_by_their_own_ids(tmp_path):
    lines = [
        {"custom_id": f"task-{n}", "response": {"status_code": 200, "body": response()}}
        for n in range(2)
    ]
    _, held = rows(written(tmp_path, *lines))
    assert [row["prompt_id"] for row in held] == ["task-0", "task-1"]


@pytest.mark.parametrize(
    "kept",
    [
        refused(),
        refused()["error"],
        {"status_code": 400, "body": refused()},
        {"status_code": 400, "message": json.dumps(refused())},
    ],
)
def test_a_prompt_that_was_not_let_through_is_labelled_and_its_response_unknown(tmp_path, kept):
    calls = [
        {"request": asked("Why?"), "response": response()},
        {"request": asked("How?"), "response": kept},
    ]
    found, held = rows(written(tmp_path, *calls))
    assert found.lacking == {"blocked": 1}
    assert (held[1]["prompt_hate"], held[1]["response_hate"]) == ("High", None)


def test_an_error_of_which_only_the_text_was_kept_is_still_told(tmp_path):
    said = "Error code: 400 - {'error': {'innererror': {'code': 'ResponsibleAIPolicyViolation'}}}"
    calls = [
        {"request": asked("Why?"), "response": response()},
        {"request": asked("How?"), "error": said},
        {"request": asked("Who?"), "error": "Connection reset."},
    ]
    found, held = rows(written(tmp_path, *calls))
    assert found.lacking == {"blocked": 1}
    assert found.left_out == {"error of the tool": 1}
    assert held[1]["prompt_hate"] is None


def test_what_stands_in_the_place_of_a_blocked_answer_is_no_answer(tmp_path):
    cut = response(answer="medium", text="It began", finish="content_filter")
    _, held = rows(written(tmp_path, cut))
    assert held[0]["blocked_response"] == "It began"
    assert held[0]["response_hate"] is None


def test_a_category_that_was_not_looked_for_is_missing(tmp_path):
    one = response()
    del one["choices"][0]["content_filter_results"]["hate"]
    found, held = rows(written(tmp_path, one))
    assert (held[0]["response_hate"], held[0]["response_sexual"]) == (None, "Safe")
    assert not found.lacking


@pytest.mark.parametrize("severity", ["extreme", 2])
def test_an_unknown_severity_is_told_with_its_place(tmp_path, severity):
    place = written(tmp_path, response(answer=severity))
    with pytest.raises(
        riskshift.LabelError, match=rf"pair 1.*response_hate is 'unknown: {severity}'"
    ):
        riskshift.analyze(place)


def test_parts_of_several_streams_among_each_other_are_refused(small, tmp_path):
    lines = (small / "azure-openai-stream.jsonl").read_text().splitlines()
    mixed = [lines[0], lines[1], lines[5], lines[6], *lines[2:5], *lines[7:]]
    place = tmp_path / "mixed.jsonl"
    place.write_text("\n".join(mixed))
    with pytest.raises(riskshift.FileError, match="'chatcmpl-9' do not stand together"):
        rows(place)


def test_requests_are_kept_of_all_calls_or_of_none(tmp_path):
    place = written(tmp_path, {"request": asked("How?"), "response": response()}, response())
    with pytest.raises(riskshift.FileError, match="line 2 has no request"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out == {"malformed row": 1}


def test_a_log_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    place.write_text((small / "azure-openai.jsonl").read_text()[:-40])
    with pytest.raises(riskshift.FileError, match=r"cut.jsonl, line 9: not valid JSON.*cut off"):
        riskshift.analyze(place)


def test_responses_without_annotations_are_no_log_of_it(tmp_path):
    plain = response()
    del plain["prompt_filter_results"], plain["choices"][0]["content_filter_results"]
    place = written(tmp_path, plain)
    assert find([place]).pairs is None
    with pytest.raises(riskshift.FileError, match="is no log of azure-openai"):
        rows(place, format="azure-openai")


@pytest.mark.parametrize("seed", range(20))
def test_the_bounds_hold_the_truth_whatever_the_filter_blocks(tmp_path, seed):
    """Labels are known, and calls are blocked at medium and above on either side or on both."""
    random.seed(seed)
    pairs = [(random.choice(SEVERITIES), random.choice(SEVERITIES)) for _ in range(60)]
    sides = random.choice(["prompt", "response", "both"])
    records = []
    for at, (prompt, answer) in enumerate(pairs):
        ask = asked(f"Question {at}", model="m")
        if sides != "response" and prompt in SEVERITIES[2:]:
            kept = refused(prompt)
        elif sides != "prompt" and answer in SEVERITIES[2:]:
            kept = response(prompt, answer, finish="content_filter")
        else:
            kept = response(prompt, answer)
        records.append({"request": ask, "response": kept})
    result = riskshift.analyze(written(tmp_path, *records), resamples=20)
    harmful = sum(answer != "safe" for _, answer in pairs) / len(pairs)
    low, high = result.rate("response_harm").worst_case
    assert low <= harmful <= high
    rises = sum(SEVERITIES.index(a) > SEVERITIES.index(p) for p, a in pairs) / len(pairs)
    bounds = result.rate("escalation").worst_case
    assert bounds is None or bounds[0] <= rises <= bounds[1]
