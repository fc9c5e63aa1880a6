"""OpenTelemetry: which spans are pairs, whose evaluations are whose, and what labels both sides."""

import json


def told(record):
    """Write a span as OpenTelemetry's libraries print it."""
    return {"name": "chat", "context": {"trace_id": "t", "span_id": "s"}, "status": {}, **record}


def written(tmp_path, *spans):
    place = tmp_path / "spans.jsonl"
    place.write_text("".join(json.dumps(told(span)) + "\n" for span in spans))
    return place


def message(role, text, **more):
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


def call(**more):
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": [message("user", "How?")],
        "gen_ai.output.messages": [message("assistant", "So.", finish_reason="stop")],
        **more,
    }


def test_a_small_log_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "opentelemetry.jsonl", {"Harmful": "harmful"})
    assert found.left_out == {
        "an evaluation of a call that is not in the log": 1,
        "error of the tool": 1,
        "its texts stand in another record": 1,
        "its texts were not recorded": 1,
        "no call of a model": 2,
    }
    assert found.lacking == {"blocked": 2, "unscored": 3}
    assert [row.get("response_harm") for row in held] == ["Harmful", "Safe", *[None] * 5]
    assert [row["status"] for row in held[2:5]] == ["unscored", "blocked", "unscored"]
    assert [row["sample"] for row in held[:2]] == ["1", "2"]


def test_foundrys_filters_label_both_sides(small, rows):
    found, held = rows(small / "opentelemetry.jsonl")
    labelled = next(row for row in held if row.get("agent") and row["status"] is None)
    assert (labelled["prompt_hate"], labelled["response_hate"]) == ("Low", "Medium")
    assert labelled["response"] == "You dusty gnome!"
    assert labelled["conversation_id"] == "conv_1"
    assert held[-1]["prompt_hate"] == "High"
    assert held[-1]["status"] == "blocked"
    assert found.labelled_on("prompt") == 8


def test_an_evaluation_that_failed_is_none(small, rows):
    found, held = rows(small / "opentelemetry.jsonl", {"Harmful": "harmful"})
    assert found.scores["Harmful"]["None"] == 1
    assert held[2]["status"] == "unscored"


def test_an_agents_span_repeats_the_calls_within_it(tmp_path, rows):
    agent = call(**{"gen_ai.operation.name": "invoke_agent"})
    both = [
        {"attributes": call()},
        {"attributes": agent, "context": {"trace_id": "t", "span_id": "b"}},
    ]
    found, held = rows(written(tmp_path, *both))
    assert (len(held), found.left_out) == (1, {"no call of a model": 1})
    assert len(rows(written(tmp_path, both[1]))[1]) == 1


def test_what_is_said_of_a_call_is_said_of_none_of_several_answers(tmp_path, rows):
    answers = [message("assistant", "So."), message("assistant", "Thus.")]
    said = {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 1}
    scored = {"events": [{"name": "gen_ai.evaluation.result", "attributes": said}]}
    spans = {"attributes": call(**{"gen_ai.output.messages": answers}), **scored}
    found, held = rows(written(tmp_path, spans))
    assert [row["response"] for row in held] == ["So.", "Thus."]
    assert not found.scores


def test_a_call_without_what_was_asked_is_a_fault(tmp_path, rows):
    asked = call()
    del asked["gen_ai.input.messages"]
    place = written(tmp_path, {"attributes": call()}, {"attributes": asked})
    found, held = rows(place, skip_bad=True)
    assert (len(held), found.left_out) == (1, {"malformed row": 1})
