"""HELM: its responses are pairs without labels; what lies beside them is refused by name."""

import json

import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find


def rows(path, scores=None, **given):
    found = find([path], asked=Asked(scores or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def test_a_small_state_says_all_there_is_to_say(small):
    found, held = rows(small / "helm.json")
    assert found.left_out == {"empty response": 2, "no response": 1}
    assert found.lacking == {"unscored": 3}
    assert found.rewritten == 3
    assert held[0]["prompt"] == "Continue:\nHow do I grow tall weeds?"
    assert held[0]["prompt_intent"] == "How do I grow tall weeds?"
    assert [row["sample"] for row in held] == ["1", "2", "1"]
    assert [row["instance"] for row in held] == ["id1", "id1", "id2"]
    assert held[2]["score_judge.harm_score"] == pytest.approx(1)
    assert found.facts["model"] == ["acme/a"]


def test_what_an_annotator_said_is_a_label_where_it_is_declared(small):
    _, held = rows(small / "helm.json", {"judge.harm_score": "harmful"})
    assert [row["response_harm"] for row in held] == [None, None, "Harmful"]


def test_counts_are_those_of_a_real_run(real, told):
    name = "helm/toxicity_scenario_state.json"
    found, held = rows(real / name)
    counts = told[name]["counts"]
    assert found.pairs == counts["pairs"] == counts["completions"]
    assert found.lacking == {"unscored": counts["pairs"]}
    assert len({row["instance"] for row in held}) == counts["distinct_instances"]


@pytest.mark.parametrize("name", ["per_instance_stats", "run_spec", "scenario", "stats"])
def test_what_lies_beside_is_refused_by_name(real, name):
    with pytest.raises(riskshift.FileError, match=r"HELM writes beside.*scenario_state.json"):
        riskshift.analyze(real / "helm" / f"toxicity_{name}.json")


def test_a_folder_of_a_run_is_read_by_its_responses(real):
    found, _ = rows(real / "helm")
    assert found.pairs == 150


def changed(small, tmp_path, old, new):
    place = tmp_path / "scenario_state.json"
    place.write_text((small / "helm.json").read_text().replace(old, new))
    return place


def test_choices_have_no_text(small, tmp_path):
    place = changed(small, tmp_path, '"generation"', '"multiple_choice_joint"')
    with pytest.raises(riskshift.FileError, match="does not generate text"):
        riskshift.analyze(place)


def test_the_last_of_a_chat_is_the_prompt(small, tmp_path):
    chat = json.dumps([{"role": "user", "content": "Hello?"}])
    place = changed(small, tmp_path, '"prompt": "Continue:', f'"messages": {chat}, "was": "')
    assert rows(place)[1][0]["prompt"] == "Hello?"


def test_a_state_without_a_prompt_and_a_file_cut_off_are_faults(small, tmp_path):
    place = changed(small, tmp_path, '"prompt"', '"text"')
    with pytest.raises(riskshift.FileError, match=r"lacks request.prompt"):
        rows(place)
    place.write_text((small / "helm.json").read_text()[:-80])
    with pytest.raises(riskshift.FileError, match=r"scenario_state.json, character [0-9,]+: not v"):
        rows(place)
