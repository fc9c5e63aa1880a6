"""Azure AI Content Safety: answers about one text each, wrapped into pairs."""

import json

import pytest

import riskshift
from riskshift.reading.logs import find


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def answer(severity):
    return {"categoriesAnalysis": [{"category": "Hate", "severity": severity}]}


def written(tmp_path, *records):
    place = tmp_path / "texts.jsonl"
    place.write_text("".join(json.dumps(record) + "\n" for record in records))
    return place


def said(prompt, response):
    return {"prompt_analysis": prompt, "response_analysis": response}


def pair(prompt, response, **more):
    return {"prompt": "How?", "response": "So.", **said(prompt, response), **more}


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "azure-content-safety.jsonl")
    assert found.left_out == {"empty response": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["response_violence"] for row in held] == ["Medium", "Safe", "Low", "Safe", None]
    assert [row["prompt_violence"] for row in held] == ["Low", "Low", "Safe", "Safe", "Safe"]
    assert [row["sample"] for row in held] == ["1", "2", "1", "1", "1"]
    assert held[0]["bed"] == "north"


def test_a_category_that_was_not_asked_for_is_missing(small):
    _, held = rows(small / "azure-content-safety.jsonl")
    assert (held[3]["response_hate"], held[3]["response_sexual"]) == ("High", None)


def test_two_severities_are_a_level(tmp_path):
    records = [pair(answer(n), answer(n), prompt_id=str(n)) for n in range(8)]
    _, held = rows(written(tmp_path, *records))
    levels = ["Safe", "Safe", "Low", "Low", "Medium", "Medium", "High", "High"]
    assert [row["response_hate"] for row in held] == levels
    plain = tmp_path / "plain.csv"
    plain.write_text(
        "prompt_id,prompt_hate,response_hate\n" + "".join(f"{n},{n},{n}\n" for n in range(8))
    )
    hate = riskshift.Taxonomy(["hate"])
    same = riskshift.analyze(plain, taxonomy=hate, scale="0-7").rate("response_harm")
    assert riskshift.analyze(tmp_path / "texts.jsonl", taxonomy=hate).rate("response_harm") == same


@pytest.mark.parametrize("severity", [8, -1, 0.5, "2", True])
def test_what_is_no_severity_is_told_with_its_place(tmp_path, severity):
    place = written(tmp_path, pair(answer(0), answer(severity)))
    with pytest.raises(riskshift.LabelError, match=r"pair 1.*response_hate is 'unknown: "):
        riskshift.analyze(place)


@pytest.mark.parametrize("record", [answer(0), {"request": {"text": "a"}, "response": answer(2)}])
def test_answers_about_one_text_are_refused_with_what_to_give_instead(tmp_path, record):
    with pytest.raises(riskshift.FileError, match=r"Content Safety, each about one text.*pair"):
        riskshift.analyze(written(tmp_path, record))


def test_a_pair_without_a_prompt_is_a_fault_that_can_be_skipped(tmp_path):
    place = written(tmp_path, pair(answer(0), answer(0)), said(answer(0), answer(0)))
    with pytest.raises(riskshift.FileError, match="line 2 lacks prompt"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out == {"malformed row": 1}


def test_a_log_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    place.write_text((small / "azure-content-safety.jsonl").read_text()[:-40])
    with pytest.raises(riskshift.FileError, match=r"cut.jsonl, line 6: not valid JSON.*cut off"):
        riskshift.analyze(place)
