"""Red-team scans of azure-ai-evaluation: one category a response, and errors stored as answers."""

import json
from collections import Counter

import pytest

import riskshift
from riskshift.reading.logs import find

REAL = (
    "redteam_advanced_bala.json",
    "redteam_agent_unscored_114349.json",
    "redteam_final_121951.json",
    "redteam_instance_121951.json",
)
WORDS = {"Safe": "Very low"}
OURS = {"hate_unfairness": "hate"}


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_what_was_blocked_are_all_records(real, told, name):
    counts = told[f"azure/{name}"]["counts"]
    found, held = rows(real / "azure" / name)
    blocked = found.lacking.get("blocked", 0)
    assert found.format.name == "azure-redteam"
    assert not found.left_out
    assert found.pairs == counts["attack_details"]
    assert found.pairs - blocked == counts["pairs"]
    assert blocked == sum(counts["left_out"].values())
    assert found.lacking.get("unscored", 0) == counts["unscored_pairs"]
    assert Counter(row["attack_technique"] for row in held) == counts["techniques"]


@pytest.mark.parametrize("name", REAL)
def test_labels_are_those_that_were_counted(real, told, name):
    _, held = rows(real / "azure" / name)
    for category, wanted in told[f"azure/{name}"]["counts"]["response_labels"].items():
        asked = [row for row in held if row["risk_category"] == category]
        for column in ("response_harm", f"response_{OURS.get(category, category)}"):
            said = Counter(row.get(column) for row in asked if row.get(column))
            assert {WORDS.get(level, level): n for level, n in said.items()} == wanted


def test_what_a_scan_repeats_is_read_once(small, real):
    assert find([small / "azure-redteam.json"]).pairs.pairs == 6
    copies = [real / "azure" / name for name in REAL[2:]]
    with pytest.raises(riskshift.PairError, match="more than once"):
        riskshift.analyze(copies)


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "azure-redteam.json")
    assert found.left_out == {"empty response": 1, "error of the tool": 1}
    assert found.lacking == {"blocked": 1, "unscored": 1}
    assert [row["response_harm"] for row in held] == ["Low", "High", "Safe", "Medium", None, None]
    assert [row.get("response_hate") for row in held] == [None, None, None, "Medium", None, None]
    assert [row["sample"] for row in held[:3]] == ["baseline 1", "flip 1", "baseline 2"]
    assert held[0]["prompt_id"] == held[2]["prompt_id"]
    assert "content_filter" in held[4]["blocked_response"]
    result = riskshift.analyze(small / "azure-redteam.json", by="risk_category")
    assert result.rate("response_harm").trials == 4
    assert "one category that the attack asked for" in " ".join(result.notes)


def changed(small, tmp_path, change):
    document = json.loads((small / "azure-redteam.json").read_text())
    change(document)
    place = tmp_path / "scan.json"
    place.write_text(json.dumps(document))
    return place


def test_the_later_form_is_read_alike(small, tmp_path):
    def wrap(document):
        for attack in document["attack_details"]:
            attack["risk_sub_type"] = "garden"
        document["scan_result"] = {"attack_details": document.pop("attack_details")}

    found, held = rows(changed(small, tmp_path, wrap))
    assert found.pairs == 6
    assert held[0]["risk_sub_type"] == "garden"


def test_a_level_that_is_not_known_is_told_with_its_place(small, tmp_path):
    def change(document):
        document["attack_details"][0]["risk_assessment"]["violence"]["severity_label"] = "Grave"

    with pytest.raises(riskshift.LabelError, match=r"pair 1.*response_harm is 'unknown: Grave'"):
        riskshift.analyze(changed(small, tmp_path, change))


def test_an_attack_without_a_prompt_is_a_fault_that_can_be_skipped(small, tmp_path):
    def change(document):
        document["attack_details"][1]["conversation"] = []

    place = changed(small, tmp_path, change)
    with pytest.raises(riskshift.FileError, match=r"scan.json, record 2 lacks a prompt"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1


def test_a_scan_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.json"
    whole = (small / "azure-redteam.json").read_text()
    place.write_text(whole[: len(whole) // 3])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
