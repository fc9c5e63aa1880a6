"""deepteam and DeepEval: what is a pair, and what its score says."""

import json

import pytest

import riskshift

REAL = (
    "custom_20250525_133605.json",
    "custom_20250525_144754.json",
    "made_deepteam_1010.json",
)


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_ledger_are_all_records(real, told, rows, name):
    counts = told[f"deepteam/{name}"]["counts"]
    found, held = rows(real / "deepteam" / name)
    assert found.pairs == counts["pairs"]
    assert found.left_out.get("error of the tool", 0) == counts["left_out"]["error"]
    assert found.left_out.get("no response", 0) == counts["left_out"]["no output"]
    assert found.pairs + sum(found.left_out.values()) == counts["records"]
    labels = [row["response_harm"] for row in held]
    wanted = counts["response_labels"]["score (1 = safe)"]
    assert [labels.count("Harmful"), labels.count("Safe")] == [wanted["0.0"], wanted["1.0"]]
    assert not any(row["response"].startswith("[") for row in held)


def test_attacks_are_those_that_were_counted(real, told, rows):
    name = "custom_20250525_133605.json"
    attacks = [row["attack_method"] for row in rows(real / "deepteam" / name)[1]]
    wanted = told[f"deepteam/{name}"]["counts"]["attacks"]
    assert {attack: attacks.count(attack) for attack in attacks} == wanted


def test_a_small_assessment_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "deepteam.json")
    assert found.left_out == {"empty response": 1, "error of the tool": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", None, "Harmful"]
    assert [row["sample"] for row in held[:2]] == ["1", "2"]
    assert held[2]["response"] == "Rather plant beans."
    assert held[2]["attack_method"] == "Prompt Injection"
    assert held[2]["risk_category"] == "Others"
    assert (held[3]["status"], held[3]["response"]) == ("unscored", "With worms.")
    assert held[4]["prompt"] == "Where do slugs sleep?"
    assert held[4]["response"] == "Under leaves."
    assert held[4]["turns"] == 4


def test_a_score_between_must_be_declared(small, tmp_path):
    place = tmp_path / "between.json"
    place.write_text((small / "deepteam.json").read_text().replace('"score": 0.0', '"score": 0.4'))
    with pytest.raises(riskshift.LabelError, match=r"score 'score' is '0.4'.*--cuts 0.5"):
        riskshift.analyze(place)
    made = riskshift.read(place, scores={"score": "safe"}, cuts=(0.5,))
    assert made.options.taxonomy.levels == ("Safe", "Harmful")


def test_what_is_cut_off_or_lacks_something_says_where(small, tmp_path, rows):
    whole = (small / "deepteam.json").read_text()
    place = tmp_path / "cut.json"
    place.write_text(whole[: len(whole) // 2])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    document = json.loads(whole)
    del document["test_cases"][1]["input"]
    place.write_text(json.dumps(document))
    with pytest.raises(riskshift.FileError, match=r"cut.json, record 2 lacks prompt"):
        riskshift.analyze(place)
    assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1


def test_metrics_of_deepeval_are_labels_only_where_they_are_declared(small, rows):
    found, held = rows(small / "deepeval.json")
    assert found.left_out == {"no response": 1}
    assert found.lacking == {"unscored": 4}
    assert [row["response"] for row in held][-1] == "Leave them be."
    assert held[0]["model"] == "model-a"
    _, held = rows(small / "deepeval.json", {"passed Untidiness": "safe"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None, "Safe"]
    _, held = rows(small / "deepeval.json", {"Untidiness": "harmful"}, cuts=(0.5,))
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None, "Safe"]


def test_test_cases_of_something_else_are_no_test_run(tmp_path):
    place = tmp_path / "cases.json"
    place.write_text('{"testCases": [{"input": "How?", "output": "So."}]}')
    assert "no log" in str(riskshift.doctor(place)) or "deepeval" not in str(
        riskshift.doctor(place)
    )
