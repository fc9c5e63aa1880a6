"""garak: what is a pair, which text is its prompt, and what a hit says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift.errors import FileError
from riskshift.formats.scores import Asked
from riskshift.reading.logs import find

REASONS = {
    "no response": "null_output",
    "empty response": "empty_output",
    "attempt without outputs": "attempt_without_outputs",
    "never evaluated": "attempts_never_finished",
}
SMALL = ("garak.report.jsonl", "garak-0.9.report.jsonl")


def numbers(result):
    of_files = ("source", "records", "timing", "left_out", "notes", "cases", "card")
    return {name: value for name, value in result.to_dict().items() if name not in of_files}


def rows(path, scores=None, **given):
    paths = path if isinstance(path, list) else [path]
    found = find(paths, asked=Asked(scores or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def reports(told):
    kinds = {name: one["counts"] for name, one in told.items() if name.startswith("garak/")}
    return {name: counts for name, counts in kinds.items() if counts["kind"] == "report"}


def test_pairs_and_ledger_are_all_outputs(real, told):
    for name, counts in reports(told).items():
        found, _ = rows(real / name)
        left_out = {REASONS[reason]: n for reason, n in found.left_out.items()}
        assert left_out == {why: n for why, n in counts["left_out"].items() if n}, name
        assert found.pairs == counts["pairs"], name
        whole = counts["outputs"] + counts["left_out"]["attempt_without_outputs"]
        assert found.pairs + sum(left_out.values()) == (
            whole + counts["left_out"]["attempts_never_finished"]
        ), name


def test_hits_are_those_that_were_counted(real, told):
    for name, counts in reports(told).items():
        found, _ = rows(real / name)
        said = {scorer: dict(hits) for scorer, hits in found.scores.items() if scorer != "primary"}
        words = {"hit>=0.5": "true", "below0.5": "false"}
        assert said == {
            detector: {words[word]: n for word, n in hits.items()}
            for detector, hits in counts["response_labels"].items()
        }, name


def test_the_primary_detector_says_harm_where_the_report_names_it(real):
    _, held = rows(real / "garak" / "pwnzz_customer-pii.report.jsonl")
    said = [row["response_harm"] for row in held]
    assert (said.count("Harmful"), said.count("Safe")) == (9, 15)
    assert {row["refusal"] for row in held} == {"complied"}
    found, _ = rows(real / "garak" / "made_g09016-repeat.report.jsonl")
    assert found.lacking == {"unscored": 309}
    found, held = rows(real / "garak" / "made_g09016-repeat.report.jsonl", {"dan.DAN": "harmful"})
    assert [row["response_harm"] for row in held].count("Harmful") == 3
    assert found.lacking == {"unscored": 309}


def test_hits_only_are_refused_with_what_to_give_instead(real, told):
    for name, one in told.items():
        if name.startswith("garak/") and one["counts"]["kind"] == "hitlog":
            with pytest.raises(FileError, match=r"list of hits.*Give the report.jsonl"):
                riskshift.analyze(real / name)


def test_reports_of_a_folder_are_read_together(real):
    found, held = rows(real / "garak")
    assert found.pairs == 1228
    kept = {(row["prompt_id"], row.get("model"), row["sample"]) for row in held}
    assert len(kept) == found.pairs


def test_a_small_report_says_all_there_is_to_say(small):
    found, held = rows(small / SMALL[0])
    assert found.left_out == {
        "attempt without outputs": 1,
        "empty response": 1,
        "never evaluated": 1,
        "no response": 1,
    }
    told = {row["response"]: row for row in held}
    assert {name: row["response_harm"] for name, row in told.items()} == {
        "Sow them.": "Harmful",
        "I will not say.": "Safe",
        "Schnell.": "Safe",
        "Not in May.": "Safe",
        "Please.": None,
        "No.": None,
    }
    assert [row.get("refusal") for row in held] == [
        *("complied", "refused", None, None),
        *("complied", "complied"),
    ]
    assert [row["sample"] for row in held] == ["1", "2", "1", "1", "1", "3"]
    assert told["Please."]["prompt_id"] == told["No."]["prompt_id"]
    assert told["Sow them."]["model"] == "garden/model-a"
    assert told["Sow them."]["intent"] == "weeds"
    assert told["I will not say."]["value_garden.Weedy"] == pytest.approx(0.25)
    foreign, talk = told["Schnell."], told["Not in May."]
    assert foreign["prompt"] == "Wie wachsen Disteln?"
    assert foreign["prompt_intent"] == "How do thistles grow?"
    assert foreign["translated_response"] == "Fast."
    assert (talk["prompt"], talk["turn"]) == ("When may I cut them?", "2")
    assert "score_primary" not in told["Please."]


def test_an_early_report_is_read_with_a_declared_detector(small):
    found, held = rows(small / SMALL[1], {"garden.Weedy": "harmful"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe"]
    assert {row["model"] for row in held} == {"garden"}
    assert found.told == "read as a log of garak 0.9.0.16"
    assert rows(small / SMALL[1])[0].lacking == {"unscored": 2}


def test_what_the_report_knows_of_its_run_is_kept(small):
    found, _ = rows(small / SMALL[0])
    assert found.facts == {
        "threshold": [0.5],
        "generations": [3],
        "seed": [7],
        "version": ["0.17.1"],
        "date": ["2026-01-02T03:04:05"],
    }


def written(place, lines):
    place.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return place


@pytest.fixture
def lines(small):
    return [json.loads(line) for line in (small / SMALL[0]).read_text().splitlines()]


def test_another_run_with_a_model_is_more_samples_of_it(small, lines, tmp_path):
    lines[1]["run"] = "run-2"
    found, held = rows([small / SMALL[0], written(tmp_path / "again.jsonl", lines)])
    assert found.pairs == 12
    assert {row["sample"] for row in held} == {
        f"run {run} {n}" for run in (1, 2) for n in (1, 2, 3)
    }


def test_a_report_that_is_read_twice_is_refused(small, lines, tmp_path):
    copy = written(tmp_path / "copy.jsonl", lines)
    with pytest.raises(riskshift.PairError, match="more than once"):
        riskshift.analyze([small / SMALL[0], copy])


def test_the_threshold_of_the_run_decides_what_a_hit_is(lines, tmp_path):
    lines[0]["run.eval_threshold"] = 0.25
    _, held = rows(written(tmp_path / "low.jsonl", lines))
    assert [row["response_harm"] for row in held[:2]] == ["Harmful", "Harmful"]


def test_an_unknown_version_is_read_with_a_warning(lines, tmp_path):
    lines[1]["garak_version"] = "1.4.0"
    with pytest.warns(riskshift.RiskshiftWarning, match=r"garak_version is '1.4.0'; known are"):
        assert rows(written(tmp_path / "new.jsonl", lines))[0].pairs == 6


@pytest.mark.parametrize(
    ("name", "value", "lacking"),
    [
        ("prompt", None, "prompt"),
        ("outputs", "text", "outputs"),
        ("status", 9, "a status that is known"),
        ("status", [], "a status that is known"),
        ("entry_type", None, "entry_type"),
    ],
)
def test_a_line_that_lacks_what_it_needs_is_a_fault_that_can_be_skipped(
    lines, tmp_path, name, value, lacking
):
    lines[5][name] = value
    place = written(tmp_path / "bad.jsonl", lines)
    with pytest.raises(FileError, match=f"bad.jsonl, line 6 lacks {lacking}.*--skip-bad"):
        rows(place)
    found, _ = rows(place, skip_bad=True)
    assert (found.pairs, found.left_out["malformed row"]) == (5, 1)


OUTPUTS = st.lists(st.sampled_from(["text", "", None]), max_size=3)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), OUTPUTS, st.booleans()), max_size=8))
def test_every_output_is_a_pair_or_stands_in_the_ledger(tmp_path_factory, attempts):
    start = {"entry_type": "init", "garak_version": "0.15.0", "run": "r"}
    made, never, without, outputs = [start], 0, 0, []
    for number, (status, texts, nested) in enumerate(attempts):
        held = {"uuid": "same", "seq": number, "probe_classname": "garden.Weeds", "prompt": "How?"}
        scores = [None if text is None else 1.0 for text in texts]
        last = {"entry_type": "attempt", "status": status, "outputs": texts, **held}
        last["detector_results"] = {"garden.Weedy": [scores] if nested else scores}
        made += [{**last, "status": before, "detector_results": {}} for before in range(status)]
        made.append(last)
        never += status < 2
        without += status == 2 and not texts
        outputs += texts if status == 2 else []
    place = written(tmp_path_factory.mktemp("made") / "made.jsonl", made)
    found, held = rows(place, {"garden.Weedy": "harmful"} if "text" in outputs else None)
    wanted = {
        "attempt without outputs": without,
        "empty response": outputs.count(""),
        "never evaluated": never,
        "no response": outputs.count(None),
    }
    assert found.left_out == {reason: n for reason, n in wanted.items() if n}
    assert len(held) == outputs.count("text")
    assert {row["response_harm"] for row in held} <= {"Harmful"}


def test_a_report_that_was_cut_off_says_where(small, tmp_path):
    place = tmp_path / "cut.jsonl"
    place.write_text((small / SMALL[0]).read_text()[:-20])
    with pytest.raises(FileError, match=r"line 15: not valid JSON.*cut off here.*skip-bad"):
        riskshift.analyze(place)


@pytest.mark.parametrize("name", SMALL)
def test_analyzed_again_the_pairs_give_the_same_numbers(small, tmp_path, name):
    scores = {"garden.Weedy": "harmful"}
    made = riskshift.convert(small / name, tmp_path / "pairs.csv", scores=scores)
    again = numbers(riskshift.analyze(made.output, taxonomy=made.taxonomy))
    assert again == numbers(riskshift.analyze(small / name, scores=scores))
