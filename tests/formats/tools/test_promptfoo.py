"""promptfoo: what is a pair, which text is its prompt, and what is a label."""

import json

import pytest

import riskshift
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find

REAL = ("eval_v2_2023.json", "made_pf0123.json", "made_pf0123.jsonl", "redteam_action_v3.json")


def rows(path, scores=None, **given):
    found = find([path], asked=Asked(scores or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_ledger_are_all_records(real, told, name):
    counts = told[f"promptfoo/{name}"]["counts"]
    found, _ = rows(real / "promptfoo" / name, {"pass": "safe"})
    reasons = {"error of the tool": "error", "empty response": "empty_response"}
    left_out = {reasons[reason]: n for reason, n in found.left_out.items()}
    blocked = found.lacking.get("blocked", 0)
    assert left_out | ({"blocked": blocked} if blocked else {}) == counts["left_out"]
    assert found.pairs - blocked == counts["pairs"]
    assert found.pairs + sum(left_out.values()) == counts["records"]
    assert found.lacking.get("unscored", 0) == counts["unscored_pairs"]


def test_verdicts_are_those_that_were_counted(real, told):
    for name in REAL:
        _, held = rows(real / "promptfoo" / name, {"pass": "safe"})
        said = [row["response_harm"] for row in held if row["status"] is None]
        wanted = told[f"promptfoo/{name}"]["counts"]["response_labels"]["assertions"]
        assert said.count("Harmful") == wanted["fail"]
        assert said.count("Safe") == wanted.get("pass", 0)


def test_the_text_that_was_sent_is_the_prompt(real):
    found, held = rows(real / "promptfoo" / "redteam_action_v3.json")
    assert found.rewritten == 4
    assert {row["sample"] for row in held} == {"1", "jailbreak 1", "crescendo 1"}
    assert len({row["prompt_id"] for row in held}) == 2
    assert len({row["prompt_intent"] for row in held}) == 2


@pytest.mark.parametrize("name", ["promptfoo.json", "promptfoo.jsonl"])
def test_a_small_log_says_all_there_is_to_say(small, name):
    found, held = rows(small / name)
    assert found.left_out == {"empty response": 1, "error of the tool": 1}
    assert found.lacking == {"blocked": 1, "unscored": 3}
    assert [row["response_harm"] for row in held] == [
        *("Harmful", "Safe", "Harmful"),
        *(None, None, None, None),
    ]
    assert [row.get("sample") for row in held[:3]] == ["1", "2", "jailbreak 1"]
    assert held[2]["prompt"] == "Tell a story of tall weeds."
    assert held[2]["prompt_intent"] == "How do I grow tall weeds?"
    assert held[3]["blocked_response"] == "The response was filtered."
    assert "response" not in held[3]
    assert held[4]["response"] == '{"roses": ["Alba", "Gallica", "Damask"]}'
    assert [row.get("strategy") for row in held[:3]] == [None, None, "jailbreak"]
    assert held[0]["plugin"] == "harmful:gardening"


def test_what_the_log_knows_of_its_run_is_kept(small):
    found, _ = rows(small / "promptfoo.json")
    assert found.facts["version"] == ["0.123.1"]
    assert found.facts["date"] == ["2026-01-02T03:04:05.000Z"]
    assert found.told == "read as a log of promptfoo 0.123.1"


def test_other_assertions_are_labels_only_where_they_are_declared(small):
    _, held = rows(small / "promptfoo.json", {"is-refusal": "refused"})
    assert [row.get("refusal") for row in held[4:]] == ["complied", "refused", None]
    assert [row["response_harm"] for row in held[4:]] == [None, None, None]


def test_no_assertion_is_no_verdict(small):
    _, held = rows(small / "promptfoo.json", {"pass": "safe"})
    assert held[-1]["status"] == "unscored"


def test_the_table_of_results_is_refused_with_what_to_give_instead(tmp_path):
    place = tmp_path / "results.csv"
    place.write_text("prompt,[a] {{prompt}},Status,Score,Grader Reason\nHow?,So.,PASS,1,ok\n")
    with pytest.raises(riskshift.FileError, match="promptfoo export eval"):
        riskshift.analyze(place)


def changed(small, tmp_path, change):
    document = json.loads((small / "promptfoo.json").read_text())
    change(document)
    place = tmp_path / "changed.json"
    place.write_text(json.dumps(document))
    return place


def test_an_unknown_version_is_read_with_a_warning(small, tmp_path):
    place = changed(small, tmp_path, lambda document: document["results"].update(version=9))
    with pytest.warns(riskshift.RiskshiftWarning, match="results.version is 9; known are 2, 3"):
        assert rows(place)[0].pairs == 7


def test_a_record_without_a_prompt_is_a_fault_that_can_be_skipped(small, tmp_path):
    def change(document):
        del document["results"]["results"][1]["prompt"]

    place = changed(small, tmp_path, change)
    with pytest.raises(riskshift.FileError, match=r"changed.json, record 2 lacks prompt"):
        rows(place)
    found, _ = rows(place, skip_bad=True)
    assert found.left_out["malformed row"] == 1
    assert found.pairs == 6


def test_a_log_that_was_cut_off_says_where(small, tmp_path):
    whole = (small / "promptfoo.json").read_text()
    place = tmp_path / "cut.json"
    place.write_text(whole[: len(whole) // 2])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    lines = (small / "promptfoo.jsonl").read_text()
    place = tmp_path / "cut.jsonl"
    place.write_text(lines[:-40])
    with pytest.raises(
        riskshift.FileError, match=r"line 9: not valid JSON.*cut off here.*skip-bad"
    ):
        riskshift.analyze(place)
    assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1
