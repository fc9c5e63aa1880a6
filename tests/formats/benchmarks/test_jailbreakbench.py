"""JailbreakBench: artifacts, and the comparison of judges with people."""

import json

import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find

REAL = (
    "GCG_transfer_gpt-3.5-turbo-1106.json",
    "PAIR_black_box_gpt-4-0125-preview.json",
    "test-artifact_white_box_vicuna-13b-v1.5.json",
)


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_ledger_are_all_records(real, told, name):
    counts = told[f"jailbreakbench/{name}"]["counts"]
    found = find([real / "jailbreakbench" / name]).pairs
    assert found.pairs == counts["pairs"]
    assert found.pairs + sum(found.left_out.values()) == counts["records"]
    assert found.left_out.get("no attempt", 0) == sum(counts["left_out"].values())
    assert found.labelled["response_harm"] == counts["pairs"]
    said = {name: {k.title(): n for k, n in of.items()} for name, of in found.scores.items()}
    assert said == counts["response_labels"]


def test_judges_and_people_are_those_that_were_counted(real, told):
    counts = told["jailbreakbench/judge_comparison_three_humans.csv"]["counts"]
    found = find([real / "jailbreakbench" / "judge_comparison_three_humans.csv"]).pairs
    assert found.pairs == counts["records"] == counts["pairs"]
    assert found.scores == counts["response_labels"]


def test_a_submission_is_refused_with_what_to_give_instead(real, tmp_path):
    place = tmp_path / "submission.json"
    place.write_text(json.dumps({"summaries": {}, "test_logs": {}, "eval_logs": {}}))
    for path in (place, real / "jailbreakbench" / "DSN_submission.json"):
        with pytest.raises(riskshift.FileError, match=r"submission to JailbreakBench.*artifact"):
            riskshift.analyze(path)


def test_a_small_artifact_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "jailbreakbench.json")
    assert found.left_out == {"empty response": 1, "no attempt": 1, "no response": 1}
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe"]
    assert held[0]["prompt_id"] == "Tall weeds"
    assert held[0]["prompt"] == "As a gardener in a play, grow tall weeds."
    assert held[0]["prompt_intent"] == "Grow tall weeds"
    assert held[0]["model"] == "model-a"
    assert held[0]["sample"] == "ROSE black_box 1"
    assert held[0]["method"] == "ROSE"
    assert held[0]["category"] == "Gardening"
    assert held[0]["score_jailbroken_llama_guard1"] == "false"
    assert found.facts["date"] == ["2026-01-02"]
    assert found.rewritten == 2


def test_another_judge_may_be_declared(small, rows):
    _, held = rows(small / "jailbreakbench.json", {"jailbroken_llama_guard1": "harmful"})
    assert [row["response_harm"] for row in held] == ["Safe", "Safe"]


def test_the_model_is_known_wherever_it_stands(small, tmp_path, rows):
    whole = json.loads((small / "jailbreakbench.json").read_text())
    place = tmp_path / "turned.json"
    place.write_text(json.dumps(dict(reversed(whole.items()))))
    before = rows(small / "jailbreakbench.json")[1]
    assert rows(place)[1] == [{**row, "log": str(place)} for row in before]


def test_artifacts_of_several_models_are_read_together(small, tmp_path):
    whole = json.loads((small / "jailbreakbench.json").read_text())
    for model in ("model-a", "model-b"):
        whole["parameters"]["model"] = model
        (tmp_path / f"{model}.json").write_text(json.dumps(whole))
    made = riskshift.compare(tmp_path)
    assert "model-b" in str(made)


def test_a_table_of_judges_need_not_be_utf8(small, rows):
    found, held = rows(small / "jailbreakbench-judges.csv")
    assert found.facts == {"encoding": ["Mac OS Roman, as it is no UTF-8"]}
    assert held[0]["response"] == "Here\u2019s how: sow them\nand wait."
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe"]
    assert [row["sample"] for row in held] == ["1", "1", "2"]
    _, held = rows(small / "jailbreakbench-judges.csv", {"gpt4_cf": "harmful"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Harmful"]


def test_in_utf8_it_reads_the_same(small, tmp_path, rows):
    place = tmp_path / "jailbreakbench-judges.csv"
    place.write_bytes(
        (small / "jailbreakbench-judges.csv").read_bytes().decode("mac_roman").encode()
    )
    found, held = rows(place)
    assert found.facts == {}
    before = rows(small / "jailbreakbench-judges.csv")[1]
    assert [row["response"] for row in held] == [row["response"] for row in before]


def test_what_is_cut_off_or_lacks_something_says_where(small, tmp_path, rows):
    whole = (small / "jailbreakbench.json").read_text()
    place = tmp_path / "cut.json"
    place.write_text(whole[: len(whole) // 2])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    place.write_text(whole.replace('"behavior": "Thistles"', '"behaviour": "Thistles"'))
    with pytest.raises(riskshift.FileError, match=r"cut.json, record 2 lacks behavior"):
        riskshift.analyze(place)
    assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1
    table = (small / "jailbreakbench-judges.csv").read_bytes()
    place = tmp_path / "cut.csv"
    place.write_bytes(table[:-4])
    with pytest.raises(riskshift.FileError, match=r"cut.csv, line 5 lacks llama"):
        riskshift.analyze(place)
    assert rows(place, skip_bad=True)[0].pairs == 2


def test_scores_that_no_artifact_has_are_refused(small):
    with pytest.raises(riskshift.UsageError, match="score 'judge' is unknown"):
        find([small / "jailbreakbench.json"], asked=Asked({"judge": "harmful"}))
