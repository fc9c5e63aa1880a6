"""Amazon Bedrock Guardrails: confidence called by its name, and hits that stand alone."""

import json

import pytest

import riskshift
from riskshift.reading.logs import find


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def written(tmp_path, *records):
    place = tmp_path / "calls.jsonl"
    place.write_text("".join(json.dumps(record) + "\n" for record in records))
    return place


def assessed(**filters):
    listed = [
        {"type": name.upper(), "confidence": confidence, "action": "NONE"}
        for name, confidence in filters.items()
    ]
    return {
        "action": "NONE",
        "outputs": [],
        "assessments": [{"contentPolicy": {"filters": listed}}],
    }


def pair(prompt, response, **more):
    return {
        "prompt": "How?",
        "response": "So.",
        "prompt_analysis": prompt,
        "response_analysis": response,
        **more,
    }


def test_a_small_log_says_all_there_is_to_say(small):
    found, held = rows(small / "bedrock-guardrails.jsonl")
    assert found.left_out == {"error of the tool": 1}
    assert found.lacking == {"blocked": 2, "unscored": 2}
    assert [row["response_insults"] for row in held[:4]] == [
        *("No confidence", "No confidence"),
        *("Medium confidence", None),
    ]
    assert held[4]["prompt_insults"] == "High confidence"
    assert held[4]["prompt_attack_confidence"] == "HIGH"
    assert held[3]["blocked_response"] == "Sorry, no."
    assert held[3]["filtered"] == "response insults"
    assert held[7]["response"] == "A tool."
    assert [row["sample"] for row in held[:2]] == ["1", "2"]


def test_what_is_not_listed_among_hits_is_unknown(small):
    _, held = rows(small / "bedrock-guardrails.jsonl")
    assert [row["scope"] for row in held] == ["all filters"] * 5 + ["hits only"] * 2 + [
        "all filters"
    ]
    for row in held[5:7]:
        assert {value for name, value in row.items() if name.startswith("response_")} == {None}


def test_texts_that_were_assessed_one_by_one_are_pairs(small):
    found, held = rows(small / "bedrock-guardrails-texts.jsonl")
    assert found.lacking == {"blocked": 2, "unscored": 1}
    assert held[0]["prompt_violence"] == "Low confidence"
    assert held[0]["response_violence"] == "Medium confidence"
    # What the guardrail says instead is no response; a response it would replace is one.
    assert held[1]["blocked_response"] == "Sorry, no."
    assert held[2]["status"] == "blocked"
    assert (held[4]["response"], held[4]["response_insults"]) == (
        "You blunt hoe!",
        "High confidence",
    )


def test_confidence_is_called_so_wherever_numbers_are(small):
    result = riskshift.analyze(small / "bedrock-guardrails.jsonl")
    assert result.taxonomy.levels[1] == "Low confidence"
    assert "and not how severe it is" in " ".join(result.notes)


def test_hits_alone_give_no_rate(tmp_path):
    hits = [pair(assessed(), assessed(hate="HIGH")), pair(assessed(hate="LOW"), assessed())]
    found, _ = rows(written(tmp_path, *hits))
    assert found.lacking == {"unscored": 2}
    notes = " ".join(found.notes)
    assert "elsewhere only hits are" in notes
    assert "does not label prompts" in notes


def test_a_filter_that_is_not_part_of_the_guardrail_is_missing(tmp_path):
    _, held = rows(
        written(tmp_path, pair(assessed(hate="NONE"), assessed(hate="LOW", sexual="NONE")))
    )
    assert (held[0]["response_hate"], held[0]["response_sexual"]) == (
        "Low confidence",
        "No confidence",
    )
    assert held[0]["response_violence"] is None
    assert held[0]["prompt_hate"] == "No confidence"


def test_an_unknown_confidence_is_told_with_its_place(tmp_path):
    place = written(tmp_path, pair(assessed(hate="NONE"), assessed(hate="SURE", sexual="NONE")))
    with pytest.raises(riskshift.LabelError, match=r"pair 1.*response_hate is 'unknown: SURE'"):
        riskshift.analyze(place)


@pytest.mark.parametrize(
    "record",
    [
        assessed(hate="NONE"),
        {"request": {"source": "INPUT"}, "response": assessed(hate="NONE")},
    ],
)
def test_answers_about_one_text_are_refused_with_what_to_give_instead(tmp_path, record):
    with pytest.raises(riskshift.FileError, match=r"Bedrock Guardrails, each about one text.*pair"):
        riskshift.analyze(written(tmp_path, record))


def test_a_record_without_analyses_is_a_fault_that_can_be_skipped(tmp_path):
    place = written(
        tmp_path,
        pair(assessed(hate="NONE"), assessed(hate="LOW", sexual="NONE")),
        {"prompt": "Who?"},
    )
    with pytest.raises(riskshift.FileError, match=r"record|line 2 has neither prompt_analysis"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out == {"malformed row": 1}


def test_a_log_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    place.write_text((small / "bedrock-guardrails.jsonl").read_text()[:-40])
    with pytest.raises(riskshift.FileError, match=r"cut.jsonl, line 9: not valid JSON.*cut off"):
        riskshift.analyze(place)
