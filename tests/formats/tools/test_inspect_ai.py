"""Inspect AI: what is a pair, which text is its prompt, what is a label, and what is read once."""

import json
import math
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift.errors import FileError
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log
from riskshift.formats.scores import Asked
from riskshift.packing import zips
from riskshift.reading.logs import find

REASONS = {
    "error of the tool": "error",
    "no response": "no_choices",
    "empty response": "empty_response",
}
ZSTD = 93


def numbers(result):
    of_files = ("source", "records", "timing", "left_out", "notes", "cases", "card")
    return {name: value for name, value in result.to_dict().items() if name not in of_files}


def rows(path, scores=None, values=None, **given):
    paths = path if isinstance(path, list) else [path]
    found = find(paths, asked=Asked(scores or {}, values or {}), **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def packed(document, place, method=zipfile.ZIP_DEFLATED, *, ended=True):
    """Write a log as Inspect packs it: a member for each sample, the header last."""
    header = {name: value for name, value in document.items() if name != "samples"}
    with zips().ZipFile(place, "w", method) as made:
        start = {name: header[name] for name in ("version", "eval", "plan")}
        made.writestr("_journal/start.json", json.dumps(start))
        for sample in document["samples"]:
            name = f"samples/{sample['id']}_epoch_{sample['epoch']}.json"
            made.writestr(name, json.dumps(sample))
        made.writestr("summaries.json", "[]")
        if ended:
            made.writestr("header.json", json.dumps(header))
    return place


@pytest.fixture
def document(small):
    return json.loads((small / "inspect.json").read_text())


def real_names(told):
    return [name for name in told if name.startswith("inspect/")]


def test_pairs_and_ledger_are_all_records(real, told):
    for name in real_names(told):
        counts = told[name]["counts"]
        found, held = rows(real / name)
        left_out = {REASONS[reason]: n for reason, n in found.left_out.items()}
        blocked = found.lacking.get("blocked", 0)
        assert left_out | ({"blocked": blocked} if blocked else {}) == counts["left_out"], name
        assert found.pairs - blocked == counts["pairs"], name
        assert found.pairs + sum(left_out.values()) == counts["samples"], name
        scored = [row for row in held if any(column.startswith("score_") for column in row)]
        assert sum(row["status"] != "blocked" for row in scored) == (
            counts["pairs"] - counts["unscored_pairs"]
        ), name


def test_scores_are_those_that_were_counted(real, told):
    for name in real_names(told):
        _, held = rows(real / name)
        for scorer, wanted in told[name]["counts"]["response_labels"].items():
            if "strong_reject" in scorer:
                continue
            said = [row.get(f"score_{scorer}") for row in held if row["status"] != "blocked"]
            none = wanted.get("grade_not_found", 0) + wanted.get("unscored", 0)
            assert said.count(None) == none, name
            for value, n in wanted.items():
                if value.startswith('"'):
                    assert said.count(json.loads(value)) == n, name


def test_known_scorers_say_refusals(real):
    _, held = rows(real / "inspect" / "made_strong_reject_epochs3.eval")
    said = [row.get("refusal") for row in held]
    assert (said.count("complied"), said.count("refused"), said.count(None)) == (18, 3, 6)
    _, held = rows(real / "inspect" / "made_xstest_0285.eval")
    said = [row.get("refusal") for row in held]
    assert (said.count("complied"), said.count("partial"), said.count(None)) == (14, 1, 2)


def test_declared_scorers_are_labels(real):
    found, held = rows(real / "inspect" / "agentharm_chat.eval", {"model_graded_qa": "harmful"})
    said = [row["response_harm"] for row in held]
    assert (said.count("Harmful"), said.count("Safe"), said.count(None)) == (25, 16, 3)
    assert found.lacking == {"unscored": 3}


def test_retries_are_read_once(real, told):
    both = [real / "inspect" / f"agentharm_retry{n}_error.eval" for n in (2, 1)]
    found, held = rows(both, {"model_graded_qa": "harmful"})
    assert found.pairs == 64
    assert found.left_out == {
        "error of the tool": 1,
        "repeated in another log of the run": 35,
    }
    assert len({(row["prompt_id"], row["sample"]) for row in held}) == 64
    assert len({row["prompt"] for row in held}) > 60  # the loop's own words are no prompt


def test_the_same_log_in_two_layouts_is_read_once(real):
    found, _ = rows([real / "inspect" / f"old_0341.{kind}" for kind in ("eval", "json")])
    assert (found.pairs, found.left_out) == (1, {"repeated in another log of the run": 1})


@pytest.mark.parametrize("method", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTD])
def test_a_small_log_says_all_there_is_to_say(small, document, tmp_path, method):
    place = small / "inspect.json"
    if method is not None:
        place = packed(document, tmp_path / "made.eval", method, ended=method != ZSTD)
    found, held = rows(place, {"harm_judge": "harmful"})
    assert found.left_out == {"empty response": 1, "error of the tool": 1, "no response": 1}
    assert found.lacking == {"blocked": 1, "unscored": 2}
    told = {(row["prompt_id"].split()[1], row["sample"]): row for row in held}
    said = {key: row["response_harm"] for key, row in told.items()}
    assert said == {
        ("weeds", "1"): "Harmful",
        ("weeds", "2"): "Safe",
        ("slugs", "1"): None,
        ("roses", "1"): None,
        ("tulips", "1"): None,
        ("thistles", "1"): "Harmful",
        ("hedges", "1"): "Safe",
        ("7", "1"): "Safe",
    }
    assert told["weeds", "2"]["response"] == "Rather grow beans."
    assert told["slugs", "1"]["blocked_response"] == "This was filtered."
    assert "score_harm_judge" not in told["tulips", "1"]
    loop, talk, picture = (told[name, "1"] for name in ("thistles", "hedges", "7"))
    assert loop["prompt"] == "How do I plant thistles?"
    assert (loop["limit"], loop["turns"]) == ("message", 2)
    assert "conversation_id" not in loop
    assert (talk["prompt"], talk["turn"]) == ("When may I cut them?", "2")
    assert talk["prompt_intent"] == "Tell me of hedges."
    assert talk["conversation_id"]
    assert picture["prompt"] == "What grows here?"
    assert picture["beside_text"] == "image"
    assert picture["response"] == "Nettles grow here."
    one = told["weeds", "1"]
    assert (one["model"], one["source"], one["task"]) == ("local/model-a", "beds", "garden")
    assert one["bed"] == "north"
    assert (one["score_tone.kindness"], one["score_tone.is_refusal"]) == (3, 0)


def test_what_the_log_knows_of_its_run_is_kept(small):
    found, _ = rows(small / "inspect.json")
    assert found.told == "read as a log of inspect 0.3.285"
    assert found.facts["date"] == ["2026-01-02T03:04:05+00:00"]
    assert found.facts["status"] == ["success"]
    assert found.facts["temperature"] == [0.5]


def later(document, created, **eval_):
    return {**document, "eval": {**document["eval"], "created": created, **eval_}}


def test_of_a_run_what_was_done_counts_and_then_what_is_later(small, document, tmp_path):
    again = later(document, "2026-01-03T00:00:00Z")
    samples = {sample["id"]: dict(sample) for sample in document["samples"][1:]}
    del samples["moles"]["error"]
    samples["moles"] |= {"output": samples["weeds"]["output"]}
    samples["hedges"]["error"] = {"message": "away"}
    retried = packed(
        {**again, "samples": [samples["moles"], samples["hedges"], samples["weeds"]]},
        tmp_path / "a-retry.eval",
    )
    found, held = rows([retried, small / "inspect.json"], {"harm_judge": "harmful"})
    assert found.left_out == {
        "empty response": 1,
        "no response": 1,
        "repeated in another log of the run": 3,
    }
    assert found.pairs == 9
    from_retry = {row["prompt_id"] for row in held if row["log"].endswith("a-retry.eval")}
    assert from_retry == {"garden moles", "garden weeds"}


def test_another_run_of_a_task_is_more_samples_of_it(small, document, tmp_path):
    other = packed(
        later(document, "2025-01-01T00:00:00", task_id="garden-2"), tmp_path / "other.eval"
    )
    found, held = rows([small / "inspect.json", other])
    assert found.pairs == 16
    weeds = {row["sample"] for row in held if row["prompt_id"] == "garden weeds"}
    assert weeds == {f"run {run} {epoch}" for run in (1, 2) for epoch in (1, 2)}
    assert held[0]["sample"] == "run 2 1"


def test_a_pair_without_a_number_in_its_id_shares_it_across_models(small, document, tmp_path):
    other = packed(
        later(document, "2026-01-01T00:00:00Z", task_id="g-3", model="local/b"),
        tmp_path / "other.eval",
    )
    _, held = rows([small / "inspect.json", other])
    assert len({row["prompt_id"] for row in held}) == 7
    assert {row["sample"] for row in held} == {"1", "2"}


def changed(document, tmp_path, change):
    change(document)
    place = tmp_path / "changed.json"
    place.write_text(json.dumps(document))
    return place


def test_an_unknown_version_is_read_with_a_warning(document, tmp_path):
    place = changed(document, tmp_path, lambda held: held.update(version=9))
    with pytest.warns(riskshift.RiskshiftWarning, match="version is 9; known is 2"):
        assert rows(place)[0].pairs == 8


def test_a_sample_that_lacks_what_it_needs_is_a_fault_that_can_be_skipped(document, tmp_path):
    def change(held):
        del held["samples"][2]["epoch"]
        held["samples"][3] = "text"

    place = changed(document, tmp_path, change)
    with pytest.raises(FileError, match=r"changed.json, sample 3 lacks epoch.*--skip-bad"):
        rows(place)
    found, _ = rows(place, skip_bad=True)
    assert found.left_out["malformed row"] == 2
    assert found.pairs == 7


def test_a_log_without_its_model_is_refused(document, tmp_path):
    place = changed(document, tmp_path, lambda held: held["eval"].pop("model"))
    with pytest.raises(FileError, match=r"changed.json lacks eval.model"):
        rows(place)


@pytest.mark.parametrize("samples", [None, []])
def test_a_run_that_ended_before_its_first_sample_holds_no_pairs(document, tmp_path, samples):
    place = changed(document, tmp_path, lambda held: held.update(samples=samples, status="error"))
    found, _ = rows(place)
    assert (found.pairs, found.facts["status"]) == (0, ["error"])
    with pytest.raises(riskshift.DataError, match="holds no pairs"):
        riskshift.analyze(place)


def test_what_was_cut_off_says_so(small, document, tmp_path):
    whole = (small / "inspect.json").read_text()
    place = tmp_path / "cut.json"
    place.write_text(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    content = packed(document, tmp_path / "whole.eval").read_bytes()
    place = tmp_path / "cut.eval"
    place.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match=r"a log of Inspect AI that was cut off.*Copy it again"):
        riskshift.analyze(place)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, ZSTD])
def test_a_damaged_sample_is_named(document, tmp_path, method):
    place = packed(document, tmp_path / "made.eval", method)
    with zipfile.ZipFile(place) as held:
        info = held.getinfo("samples/moles_epoch_1.json")
    content = bytearray(place.read_bytes())
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    content[at : at + 20] = bytes(20)
    place.write_bytes(content)
    with pytest.raises(FileError, match=r"samples/moles_epoch_1.json.*--skip-bad"):
        rows(place)
    found, _ = rows(place, skip_bad=True)
    assert found.left_out == {"empty response": 1, "malformed row": 1, "no response": 1}


@pytest.mark.parametrize("layout", [{"separators": (",", ":")}, {"indent": 2}, {}])
def test_events_are_passed_over_and_what_follows_them_is_read(tmp_path, layout):
    nested = {"events": [{"model_usage": {}}], "model_usage": {}}
    sample = {
        "id": "a",
        "epoch": 1,
        "input": "How?",
        "metadata": {"x": 1, "deep": nested},
        "output": {"choices": [{"message": {"content": "attachment://1"}, "stop_reason": "stop"}]},
        "events": [nested, '],"model_usage":{}'],
        "model_usage": {},
        "limit": {"type": "token"},
        "attachments": {"1": "So."},
        "error_retries": [],
    }
    plain = {name: value for name, value in sample.items() if name != "metadata"}
    again = {**sample, "id": "b", "error_retries": [nested]}
    failed = {**plain, "id": "c", "error": {"message": "away"}}
    place = tmp_path / "made.eval"
    with zipfile.ZipFile(place, "w") as made:
        made.writestr("_journal/start.json", '{"version": 2, "eval": {"task": "t", "model": "m"}}')
        for one in (sample, {**plain, "id": "d"}, again, failed):
            made.writestr(f"samples/{one['id']}.json", json.dumps(one, **layout))
    found, held = rows(place)
    assert [(row["response"], row["limit"]) for row in held] == [("So.", "token")] * 3
    assert found.left_out == {"error of the tool": 1}


KINDS = ("pair", "error", "none", "empty", "blocked", "ungraded")


@given(st.lists(st.sampled_from(KINDS), max_size=8), st.sampled_from([None, 8, ZSTD]))
def test_every_sample_is_a_pair_or_stands_in_the_ledger(tmp_path_factory, kinds, method):
    samples = []
    for number, kind in enumerate(kinds):
        text = "" if kind == "empty" else "So."
        stop = "content_filter" if kind == "blocked" else "stop"
        choices = [{"message": {"role": "assistant", "content": text}, "stop_reason": stop}]
        samples.append(
            {
                "id": f"s/{number}",
                "epoch": 1,
                "input": "How?",
                "output": {"choices": [] if kind == "none" else choices},
                "scores": {"judge": {"value": math.nan if kind == "ungraded" else "C"}},
                "error": {"message": "away"} if kind == "error" else None,
            }
        )
    eval_ = {"task": "t", "task_id": "1", "model": "m"}
    document = {"version": 2, "status": "success", "eval": eval_, "plan": {}, "samples": samples}
    place = tmp_path_factory.mktemp("made") / "made.eval"
    if method is None:
        place.write_text(json.dumps(document))
    else:
        packed(document, place, method)
    declared = {"judge": "harmful"} if set(kinds) & {"pair", "blocked", "ungraded"} else None
    found, held = rows(place, declared)
    ledger = {"empty": "empty response", "error": "error of the tool", "none": "no response"}
    wanted = {ledger[kind]: kinds.count(kind) for kind in ledger if kind in kinds}
    assert found.left_out == wanted
    assert [row["response_harm"] for row in held] == [
        "Harmful" if kind == "pair" else None for kind in kinds if kind not in ledger
    ]
    assert found.lacking.get("blocked", 0) == kinds.count("blocked")


def test_other_zip_files_are_no_log(tmp_path):
    place = tmp_path / "other.zip"
    with zipfile.ZipFile(place, "w") as made:
        made.writestr("header.json", "{}")
        made.writestr("word/document.xml", "<a/>")
    assert recognise(Log(place, "other.zip")) is None


@pytest.mark.parametrize("scores", [{"harm_judge": "harmful"}, {"tone.is_refusal": "refused"}])
def test_analyzed_again_the_pairs_give_the_same_numbers(small, tmp_path, scores):
    log = small / "inspect.json"
    made = riskshift.convert(log, tmp_path / "pairs.parquet", scores=scores)
    again = numbers(riskshift.analyze(made.output, taxonomy=made.taxonomy))
    assert again == numbers(riskshift.analyze(log, scores=scores))
