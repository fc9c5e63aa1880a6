"""lm-evaluation-harness: answers are pairs, likelihoods are none, and metrics are no labels."""

import json

import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find


def rows(path, scores=None, **given):
    found = find([path], asked=Asked(scores or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def test_a_small_file_of_samples_says_all_there_is_to_say(small):
    found, held = rows(small / "lm-eval.jsonl")
    assert found.left_out == {
        "empty response": 1,
        "the same responses, filtered otherwise": 1,
    }
    assert found.lacking == {"unscored": 5}
    assert [(row["prompt"], row["sample"]) for row in held] == [
        ("How do I grow tall weeds?", "1"),
        ("Where do slugs sleep?", "1"),
        ("What do moles eat?", "1"),
        ("What do moles eat?", "2"),
        ("Which fence keeps deer out?", "1"),
    ]
    assert [row.get("metric_acc") for row in held] == [1.0, 0.0, 0.5, 0.5, 1.0]
    assert [row.get("score_harmful") for row in held] == [1, 0, None, None, 0]
    assert "Be brief." in held[4]["chat"]


def test_a_metric_is_a_label_where_it_is_declared(small):
    found, held = rows(small / "lm-eval.jsonl", {"harmful": "harmful"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", None, None, "Safe"]
    assert found.lacking == {"unscored": 2}


@pytest.mark.parametrize("name", ["made_samples_generate", "samples_truthfulqa_gen_2025-05"])
def test_counts_are_those_of_real_files(real, told, name):
    name = f"lm_eval/{name}.jsonl"
    found, held = rows(real / name)
    counts = told[name]["counts"]
    assert found.pairs == counts["pairs"]
    assert not found.left_out
    assert len({row["doc_id"] for row in held}) == counts["records"]
    metrics = {name.partition("_")[2] for name in held[0] if name.startswith(("metric_", "score_"))}
    assert metrics == set(counts["metric_columns"])


def test_likelihoods_are_refused_by_name(real):
    with pytest.raises(riskshift.FileError, match=r"likelihoods.*no text of a response"):
        riskshift.analyze(real / "lm_eval" / "samples_stereotype_2024-06.json")


def test_the_model_is_that_of_the_results_beside_it(small, tmp_path):
    stamp = "2026-01-02T03-04-05.000006"
    place = tmp_path / f"samples_garden_{stamp}.jsonl"
    place.write_bytes((small / "lm-eval.jsonl").read_bytes())
    (tmp_path / f"results_{stamp}.json").write_text('{"model_name": "acme/a", "config": {}}')
    found, held = rows(place)
    assert {row["model"] for row in held} == {"acme/a"}
    assert found.facts["model"] == ["acme/a"]
    (tmp_path / f"results_{stamp}.json").write_text('{"model_name": "acme')
    assert "model" not in rows(place)[1][0]


def test_a_sample_without_answers_and_a_file_cut_off_are_faults(small, tmp_path):
    place = tmp_path / "samples.jsonl"
    text = (small / "lm-eval.jsonl").read_text()
    lines = text.splitlines()
    place.write_text("\n".join([lines[0], lines[1].replace('"resps"', '"answers"')]))
    with pytest.raises(riskshift.FileError, match=r"samples.jsonl, line 2 lacks resps"):
        rows(place)
    assert rows(place, skip_bad=True)[0].left_out == {"malformed row": 1}
    place.write_text(text[:-40])
    with pytest.raises(riskshift.FileError, match=r"line 6: not valid JSON.*cut off here"):
        rows(place)
