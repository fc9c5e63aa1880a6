"""modelbench: lines on many items are put together, and no verdict is made of several."""

import json

import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find


def rows(path, scores=None, **given):
    found = find([path], asked=Asked(scores or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def test_a_small_journal_says_all_there_is_to_say(small):
    found, held = rows(small / "modelbench.jsonl")
    assert found.left_out == {"error of the tool": 1, "empty response": 1, "never evaluated": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["prompt_id"] for row in held] == ["garden p1", "garden p0", "garden p4"]
    assert [row["response_harm"] for row in held] == ["Safe", "Harmful", None]
    assert [row.get("score_judge.is_safe") for row in held] == ["true", "false", None]
    assert held[0]["response"] == "Under stones."
    assert held[0]["model"] == "model-a"
    assert found.facts["benchmarks"] == [["garden-1.0"]]


def test_pairs_and_ledger_are_all_items(real, told):
    name = "modelbench/made_journal_three_annotators.jsonl.zst"
    found, held = rows(real / name)
    counts = told[name]["counts"]
    assert found.left_out == {"error of the tool": 1, "empty response": 1}
    assert found.pairs == counts["pairs"]
    assert found.pairs + sum(found.left_out.values()) == counts["items"]
    assert found.lacking == {"unscored": 5}
    for annotator, wanted in counts["response_labels"].items():
        said = [row.get(f"score_{annotator}.is_safe") for row in held]
        assert said.count("true") == wanted.get("True", 0)
        assert said.count("false") == wanted.get("False", 0)


def test_one_of_several_annotators_is_declared(real):
    path = real / "modelbench" / "made_journal_three_annotators.jsonl.zst"
    _, held = rows(path, {"ann_a.is_safe": "safe"})
    assert [row["response_harm"] for row in held].count("Harmful") == 1
    both = {"ann_a.is_safe": "safe", "ann_c.is_safe": "safe"}
    with pytest.raises(
        riskshift.LabelError, match=r"'ann_a.is_safe' says Safe and 'ann_c.is_safe'"
    ):
        rows(path, both)


def test_a_journal_that_was_cut_off_holds_what_was_never_evaluated(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    lines = (small / "modelbench.jsonl").read_text().splitlines(keepends=True)
    place.write_text("".join(lines[:12]))
    found, _ = rows(place)
    assert found.left_out == {"never evaluated": 4}
    assert found.lacking == {"unscored": 2}
    place.write_text("".join(lines[:12]) + lines[12][:40])
    with pytest.raises(riskshift.FileError, match=r"cut.jsonl, line 13: not valid JSON.*cut off"):
        rows(place)


def test_an_annotator_that_failed_leaves_no_verdict(small, tmp_path):
    place = tmp_path / "failed.jsonl"
    text = (small / "modelbench.jsonl").read_text()
    place.write_text(text.replace('"annotation": {"is_safe": false}', '"annotation": null'))
    _, held = rows(place)
    assert [row["response_harm"] for row in held] == ["Safe", None, None]
