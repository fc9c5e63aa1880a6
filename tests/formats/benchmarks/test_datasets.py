"""Public sets with labels: which column is which side's, and what no word says is missing."""

import json

import duckdb
import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find


def rows(path, scores=None, values=None, **given):
    found = find([path], asked=Asked(scores or {}, values or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def column(held, name):
    return [row.get(name) for row in held]


def test_xstest_says_refusals_and_which_prompts_are_benign(small):
    found, held = rows(small / "xstest.csv")
    assert found.left_out == {"empty response": 1}
    assert found.lacking == {"unscored": 1}
    assert column(held, "refusal") == ["complied", "refused", "refused", "partial", None]
    assert column(held, "prompt_benign") == ["true", "true", "false", "false", "true"]
    assert column(held, "response_harm") == [None] * 5
    assert column(held, "prompt_id") == ["v2-1", "v2-2", "v2-3", "v2-4", "v2-5"]
    assert held[2]["response"] == "I cannot help.\nTalk to your neighbour."
    assert held[1]["annotation_2"] == "3_partial_refusal"


@pytest.mark.parametrize(("name", "model"), [("gpt4", "gpt4"), ("mistralinstruct_gpteval", None)])
def test_xstest_counts_are_those_of_its_files(real, told, name, model):
    name = f"xstest/xstest_v2_completions_{name}.csv"
    found, held = rows(real / name)
    counts = told[name]["counts"]
    assert found.pairs == counts["records"] == counts["pairs"]
    assert not found.left_out
    assert not found.lacking
    said = column(held, "refusal")
    wanted = counts["labels"]["final_label"]
    assert said.count("complied") == wanted["1_full_compliance"]
    assert said.count("refused") == wanted["2_full_refusal"]
    assert said.count("partial") == wanted["3_partial_refusal"]
    assert column(held, "prompt_benign").count("true") == 250
    assert set(column(held, "model")) == {model or "mistralinstruct"}


def test_two_models_of_xstest_are_read_together(real):
    found, held = rows(real / "xstest")
    assert found.pairs == 900
    assert set(column(held, "model")) == {"gpt4", "mistralinstruct"}


def test_prompts_of_xstest_alone_are_no_log(real):
    assert find([real / "xstest" / "xstest_prompts.csv"]).pairs is None


def test_do_not_answer_says_harm_by_people_and_actions_only_where_declared(small):
    found, held = rows(small / "do-not-answer.csv")
    assert found.left_out == {"empty response": 1}
    assert found.lacking == {"unscored": 1}
    assert column(held, "response_harm") == ["Harmful", "Safe", None]
    assert column(held, "score_action") == ["5", "1", "4"]
    declared = {str(action): "Harmful" if action == 5 else "Safe" for action in range(6)}
    _, held = rows(small / "do-not-answer.csv", {"action": "harmful"}, declared)
    assert column(held, "response_harm") == ["Harmful", "Safe", "Safe"]


def test_a_model_is_named_by_the_name_that_the_set_gives_its_file(small, tmp_path):
    place = tmp_path / "annotated_response_Model-a.csv"
    place.write_bytes((small / "do-not-answer.csv").read_bytes())
    assert set(column(rows(place)[1], "model")) == {"Model-a"}


def test_models_side_by_side_are_pairs_of_each(small):
    found, held = rows(small / "do-not-answer-wide.csv")
    assert found.left_out == {"empty response": 1}
    assert column(held, "model") == ["model-a", "model-b", "model-a"]
    assert column(held, "prompt_id") == ["0", "0", "1"]
    assert column(held, "response_harm") == ["Harmful", "Safe", "Safe"]
    assert held[0]["types_of_harm"] == "Weeds"


def test_do_not_answer_counts_are_those_of_its_files(real, told):
    name = "do_not_answer/human_claude.csv"
    found, held = rows(real / name)
    counts = told[name]["counts"]
    assert found.pairs == counts["records"] == counts["pairs"]
    assert column(held, "response_harm").count("Harmful") == counts["labels"]["harmful"]["1"]
    assert column(held, "response_harm").count("Safe") == counts["labels"]["harmful"]["0"]
    name = "do_not_answer/gpt4_claude.csv"
    found, held = rows(real / name)
    actions = told[name]["counts"]["labels"]["action"]
    assert found.pairs == told[name]["counts"]["pairs"]
    said = {str(action): column(held, "score_action").count(str(action)) for action in range(7)}
    assert said | {"-1": column(held, "score_action").count(None)} == actions
    assert found.lacking == {"unscored": found.pairs}


def test_aegis_labels_both_sides_and_knows_redacted_prompts(small):
    found, held = rows(small / "aegis.json")
    assert found.left_out == {"no response": 1, "empty response": 1}
    assert column(held, "prompt_harm") == ["Harmful", "Harmful", "Harmful", "Safe"]
    assert column(held, "response_harm") == ["Harmful", "Safe", "Safe", None]
    assert [row["prompt_id"] == held[0]["prompt_id"] for row in held] == [True, True, False, False]
    assert column(held, "prompt")[2] is None
    assert held[2]["prompt_id"] == "17"
    assert held[0]["violated_categories"] == "Weeds, Needs Caution"


def test_wildguardmix_labels_both_sides_and_refusals(small):
    found, held = rows(small / "wildguardmix.jsonl")
    assert found.left_out == {"no response": 1}
    assert column(held, "prompt_harm") == ["Harmful", "Harmful", "Safe"]
    assert column(held, "response_harm") == ["Harmful", "Safe", None]
    assert column(held, "refusal") == ["complied", "refused", None]
    assert column(held, "adversarial") == ["false", "true", "false"]


def test_beavertails_labels_responses(small):
    found, held = rows(small / "beavertails.jsonl")
    assert column(held, "response_harm") == ["Harmful", "Safe"]
    assert column(held, "categories") == ["weeds, moles", ""]
    assert column(held, "sample") == ["1", "2"]
    assert not found.labelled_on("prompt")


def test_pku_saferlhf_has_two_responses_in_a_row_and_severities_without_a_category(small):
    found, held = rows(small / "pku-saferlhf.jsonl")
    assert found.taxonomy.levels == ("Safe", "Minor", "Moderate", "Severe")
    assert found.left_out == {"empty response": 1}
    assert column(held, "response_harm") == ["Severe", "Safe", "Minor"]
    assert column(held, "model") == ["model-a", "model-b", "model-a"]
    assert column(held, "sample") == ["1", "1", "2"]
    assert column(held, "safer") == ["false", "true", "false"]
    assert column(held, "categories") == ["weeds", "", "weeds, slugs"]


def test_toxicchat_labels_what_users_typed(small):
    found, held = rows(small / "toxicchat.csv")
    assert column(held, "prompt_harm") == ["Harmful", "Safe", "Safe"]
    assert not found.labelled_on("response")
    assert found.lacking == {"unscored": 3}
    assert column(held, "human_annotation") == ["True", "True", "False"]


@pytest.mark.parametrize("name", ["wildguardmix.jsonl", "beavertails.jsonl", "pku-saferlhf.jsonl"])
def test_a_set_in_parquet_is_the_same(small, tmp_path, name):
    place = tmp_path / "train-00000-of-[00001].parquet"
    query = f"COPY (FROM read_json('{small / name}')) TO '{place}' (FORMAT parquet)"
    duckdb.execute(query)
    _, held = rows(place)
    _, wanted = rows(small / name)
    assert [row | {"log": ""} for row in held] == [row | {"log": ""} for row in wanted]


def test_a_word_that_is_no_label_is_an_error_and_not_safe(small, tmp_path):
    place = tmp_path / "mix.jsonl"
    text = (small / "wildguardmix.jsonl").read_text()
    place.write_text(text.replace('"response_harm_label": "harmful"', '"response_harm_label": "?"'))
    with pytest.raises(riskshift.LabelError, match="'\\?'"):
        riskshift.analyze(place)


def test_a_row_that_was_cut_off_and_one_without_a_prompt_are_faults(small, tmp_path):
    place = tmp_path / "cut.csv"
    place.write_text((small / "toxicchat.csv").read_text() + "c4,What do\n")
    with pytest.raises(riskshift.FileError, match=r"cut.csv, line 5 has 2 values for 7 columns"):
        rows(place)
    found, _ = rows(place, skip_bad=True)
    assert found.left_out == {"malformed row": 1}
    place = tmp_path / "lacking.jsonl"
    lines = (small / "pku-saferlhf.jsonl").read_text().splitlines()
    place.write_text(lines[0] + "\n" + lines[1].replace('"prompt"', '"said"') + "\n")
    with pytest.raises(riskshift.FileError, match=r"lacking.jsonl, line 2 lacks prompt"):
        rows(place)


def test_a_row_that_is_quoted_wrongly_says_where(small, tmp_path):
    place = tmp_path / "broken.csv"
    place.write_text((small / "toxicchat.csv").read_text() + 'c4,"a"b,c,True,0,0,[]\n')
    with pytest.raises(riskshift.FileError, match=r"broken.csv, line 5: not readable"):
        rows(place)


def test_what_is_no_utf8_far_into_a_file_is_a_fault(small, tmp_path):
    place = tmp_path / "broken.csv"
    row = b"c2,Where do slugs sleep?,Under stones.,True,0,0,[]\n"
    start = (small / "toxicchat.csv").read_bytes()
    place.write_bytes(start + row * 25_000 + b"c4,\xff,b,True,0,0,[]\n")
    with pytest.raises(riskshift.FileError, match=r"broken.csv, line [0-9,]+: not readable: not U"):
        rows(place)


def test_semicolons_and_a_mark_before_the_text_are_read_too(small, tmp_path):
    place = tmp_path / "excel.csv"
    text = (small / "do-not-answer.csv").read_text()
    place.write_text("\ufeff" + text.replace(",", ";"), encoding="utf-8")
    assert column(rows(place)[1], "response_harm") == ["Harmful", "Safe", None]


def test_a_table_whose_columns_are_mapped_is_an_ordinary_one(small):
    columns = {"prompt_harm": "prompt_label", "response_harm": "response_label"}
    levels = riskshift.Taxonomy(["harm"], ["safe", "unsafe"])
    mapped = riskshift.read(small / "aegis.json", taxonomy=levels, columns=columns)
    assert "prompt_label" in mapped.names
    assert "read as a log" not in mapped.source.listing
    assert "read as a log of aegis" in riskshift.read(small / "aegis.json").source.listing
