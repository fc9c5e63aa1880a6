"""LangSmith: which runs are pairs, and what feedback says."""

import json


def test_a_small_log_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "langsmith.jsonl", {"harmful": "harmful"})
    assert found.left_out == {
        "a step within another run": 1,
        "error of the tool": 1,
        "no response": 1,
    }
    assert found.lacking == {"blocked": 1, "unscored": 1}
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None, None]
    assert [row["prompt"] for row in held[:3]] == [
        "How do I grow tall weeds?",
        "Where do slugs sleep?",
        "Which frog sings?",
    ]
    assert held[1]["response"] == "Under stones."
    assert held[0]["score_tone"] == "calm"


def written(tmp_path, *runs):
    place = tmp_path / "runs.jsonl"
    place.write_text("".join(json.dumps(run) + "\n" for run in runs))
    return place


def run(name, **more):
    held = {"id": name, "trace_id": "t", "run_type": "llm", "inputs": {"prompt": "How?"}}
    return {**held, "outputs": {"text": "So."}, "parent_run_id": "p", **more}


def test_without_whole_runs_the_calls_of_models_are_the_pairs(tmp_path, rows):
    found, held = rows(written(tmp_path, run("a"), run("b", run_type="tool")))
    assert [row["response"] for row in held] == ["So."]
    assert found.left_out == {"no call of a model": 1}


def test_runs_on_one_example_share_their_prompt(tmp_path, rows):
    runs = [run(n, parent_run_id=None, reference_example_id="e", inputs={"q": n}) for n in "ab"]
    _, held = rows(written(tmp_path, *runs))
    assert [(row["prompt_id"], row["sample"]) for row in held] == [("e", "1"), ("e", "2")]


def test_a_mean_of_several_needs_a_cut_point(tmp_path, rows):
    place = written(tmp_path, run("a", feedback_stats={"harm": {"n": 3, "avg": 2 / 3}}))
    _, (row,) = rows(place, {"harm": "harmful"}, cuts=(0.5,))
    assert row["response_harm"] == "Harmful"


def test_cells_that_are_json_are_read(tmp_path, rows):
    texts = {name: json.dumps(value) for name, value in run("a").items() if isinstance(value, dict)}
    _, (row,) = rows(written(tmp_path, {**run("a"), **texts}))
    assert (row["prompt"], row["response"]) == ("How?", "So.")


def test_an_error_of_a_filter_is_blocked_and_no_error(tmp_path, rows):
    said = "BadRequestError({'code': 'content_filter'})"
    runs = [run(n, outputs=None, status="error", error=e) for n, e in (("a", said), ("b", "away"))]
    found, _ = rows(written(tmp_path, *runs))
    assert (found.lacking, found.left_out) == ({"blocked": 1}, {"error of the tool": 1})
