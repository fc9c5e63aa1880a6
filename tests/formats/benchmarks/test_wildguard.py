"""WildGuard and any-guardrail: labels of both sides, and what could not be parsed."""

import json

import pytest

import riskshift


def test_both_sides_and_refusals_are_read(small, rows):
    found, held = rows(small / "wildguard.jsonl")
    assert found.left_out == {"empty response": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["prompt_harm"] for row in held] == ["Harmful", "Harmful", "Safe", None, "Harmful"]
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", None, "Harmful"]
    assert [row.get("refusal") for row in held[:3]] == ["complied", "refused", "complied"]
    assert held[3]["status"] == "unscored"
    assert [row["sample"] for row in held[:3]] == ["1", "2", "1"]
    assert "prompt_id" not in held[0]


def test_analyzed_there_is_movement(small):
    made = riskshift.analyze(small / "wildguard.jsonl")
    assert "does not label prompts" not in str(made)


def test_a_word_that_is_no_label_is_refused(small, tmp_path):
    place = tmp_path / "odd.jsonl"
    whole = (small / "wildguard.jsonl").read_text()
    place.write_text(
        whole.replace('"response_harmfulness": "harmful"', '"response_harmfulness": "hm"')
    )
    with pytest.raises(riskshift.LabelError, match="'hm'"):
        riskshift.analyze(place)


@pytest.mark.parametrize("indent", [None, 1])
def test_results_without_their_texts_are_refused(small, tmp_path, indent):
    lines = map(json.loads, (small / "wildguard.jsonl").read_text().splitlines())
    bare = [{k: v for k, v in row.items() if k not in ("prompt", "response")} for row in lines]
    place = tmp_path / "bare.json"
    place.write_text(json.dumps(bare, indent=indent))
    with pytest.raises(riskshift.FileError, match=r"without their texts.*beside its prompt"):
        riskshift.analyze(place)


def test_a_list_reads_as_lines_do(small, tmp_path, rows):
    lines = [json.loads(line) for line in (small / "wildguard.jsonl").read_text().splitlines()]
    place = tmp_path / "wildguard.json"
    place.write_text(json.dumps(lines))
    assert rows(place)[0].labelled == rows(small / "wildguard.jsonl")[0].labelled


def test_what_a_guardrail_could_not_parse_is_not_unsafe(small, rows):
    found, held = rows(small / "any-guardrail.jsonl")
    assert found.left_out == {"no response": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["prompt_harm"] for row in held] == ["Harmful", "Harmful", "Safe", None]
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", None]
    assert [row.get("refusal") for row in held] == ["complied", "refused", "complied", None]
    assert found.scores["valid"] == {"false": 2, "true": 1, "None": 1}
    assert held[0]["guardrail"] == "wild_guard"
    assert held[0]["guardrail_model"] == "guard-a"


def test_one_verdict_for_both_sides_must_be_declared(tmp_path, rows):
    place = tmp_path / "guard.jsonl"
    place.write_text(
        '{"prompt": "How?", "response": "So.", "valid": true, "explanation": null, "score": 0.1}\n'
        '{"prompt": "Why?", "response": "Thus.", "valid": false, "explanation": "x", "score": 1}\n'
    )
    found, held = rows(place)
    assert found.told == "read as a log of any-guardrail"
    assert found.lacking == {"unscored": 2}
    _, held = rows(place, {"valid": "safe"})
    assert [row["response_harm"] for row in held] == ["Safe", "Harmful"]


def test_lines_that_are_cut_off_or_lack_a_prompt_say_where(small, tmp_path, rows):
    for name in ("wildguard.jsonl", "any-guardrail.jsonl"):
        whole = (small / name).read_text()
        place = tmp_path / name
        place.write_text(whole[:-30])
        with pytest.raises(riskshift.FileError, match=r"line [56]: not valid JSON.*cut off here"):
            riskshift.analyze(place)
        place.write_text(whole.replace('"prompt": "Where do slugs sleep?"', '"prompt": null'))
        with pytest.raises(riskshift.FileError, match=r"line 3 lacks prompt"):
            riskshift.analyze(place)
        assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1
