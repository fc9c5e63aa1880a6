"""HarmBench: completions by behavior, and who labelled them."""

import json

import pytest

import riskshift


def test_pairs_and_labels_are_those_that_were_counted(real, told, rows):
    counts = told["harmbench/classifier_val_text.json"]["counts"]
    path = real / "harmbench" / "classifier_val_text.json"
    found, held = rows(path)
    assert found.pairs == counts["records"] == counts["pairs"]
    assert found.left_out == {}
    assert found.lacking == {"unscored": counts["records"]}
    for name, wanted in counts["response_labels"].items():
        assert found.scores[name] == wanted
    assert len({row["prompt_id"] for row in held}) == counts["behaviors"]
    assert all(row["model"] for row in held)
    _, held = rows(path, {"cls": "harmful"})
    said = [row["response_harm"] for row in held]
    assert said.count("Harmful") == counts["response_labels"]["cls"]["1"]


def test_small_results_say_all_there_is_to_say(small, rows):
    found, held = rows(small / "harmbench.json")
    assert found.left_out == {"empty response": 1}
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe"]
    assert [row["prompt_id"] for row in held] == ["tall_weeds", "tall_weeds", "thistles"]
    assert [row["sample"] for row in held] == ["ROSE 1", "ROSE 2", "ROSE 1"]
    assert [row["model"] for row in held] == ["model_a", "model_a", "model_b"]
    assert held[2]["prompt"] == "Where does this grow?"
    assert held[2]["image"] == "thistle.png"
    assert held[0]["score_judge"] == "Rating: [[9]]"


def test_a_person_or_a_judge_may_be_declared(small, rows):
    _, held = rows(small / "harmbench.json", {"human_1": "harmful"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Harmful", "Safe"]
    with pytest.raises(riskshift.LabelError, match=r"'Rating: \[\[9\]\]', which is neither"):
        rows(small / "harmbench.json", {"judge": "harmful"})


def test_what_is_cut_off_or_lacks_something_says_where(small, tmp_path, rows):
    whole = (small / "harmbench.json").read_text()
    place = tmp_path / "cut.json"
    place.write_text(whole[: len(whole) * 2 // 3])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    document = json.loads(whole)
    del document["tall_weeds"][1]["generation"]
    place.write_text(json.dumps(document))
    with pytest.raises(riskshift.FileError, match=r"behavior 'tall_weeds', record 2 lacks gener"):
        riskshift.analyze(place)
    found = rows(place, skip_bad=True)[0]
    assert found.left_out["malformed row"] == 1
    assert found.pairs == 2
