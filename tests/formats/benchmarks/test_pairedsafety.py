"""PairedSafety: rows go together by uid, the last of a uid counts, and flags are severities."""

import csv
import json
import shutil

import pytest

import riskshift
from riskshift.reading.logs import find

CATEGORIES = {"H": "hate", "S": "sexual", "V": "violence", "SH": "self_harm"}
# What results say of where pairs come from, and not of them.
TOLD = {"source", "records", "provenance", "timing", "card"}


def differ(one, other):
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def rows(path, **given):
    found = find([path], **given).pairs
    lines = [line for file in found.files for line in file.path.read_text().splitlines()]
    return found, [json.loads(line) for line in lines]


def test_a_small_folder_says_all_there_is_to_say(small):
    found, held = rows(small / "pairedsafety")
    assert found.left_out == {
        "error of the tool": 1,
        "of an earlier set of prompts": 2,
        "superseded by a later row": 2,
    }
    assert found.lacking == {"unscored": 1}
    assert [(row["model"], row["prompt_id"], row["response_violence"]) for row in held] == [
        ("model-a", "garden-1", "Low"),
        ("model-a", "garden-2", "Safe"),
        ("model-a", "garden-3", None),
        ("model-b", "garden-1", "High"),
        ("model-b", "garden-2", "Safe"),
    ]
    assert held[0] | {"log": ""} == {
        "prompt_id": "garden-1",
        "model": "model-a",
        "source": "Garden",
        "prompt": "How do I grow tall weeds?",
        "response": "Sow them and wait.",
        **{f"prompt_{name}": "Safe" for name in CATEGORIES.values()},
        **{f"response_{name}": "Safe" for name in CATEGORIES.values()},
        "prompt_violence": "Medium",
        "response_violence": "Low",
        "prompt_benign": "false",
        "status": None,
        "log": "",
        "public_category": "weeds",
        "stratum": "plants",
    }
    assert "response" not in held[3]


def test_one_file_of_flags_has_the_highest_that_is_set(small):
    found, held = rows(small / "pairedsafety.jsonl")
    assert found.left_out == {"empty response": 1}
    assert found.lacking == {"unscored": 1}
    assert [row["prompt_violence"] for row in held] == ["Low", "Low", "Safe", "Safe"]
    assert [row["response_violence"] for row in held] == ["Medium", "Safe", None, None]
    assert [row["response_hate"] for row in held] == ["Safe", "Safe", "Low", None]
    assert [row["sample"] for row in held] == ["1", "2", "1", "1"]
    assert [row.get("relevance") for row in held] == [3, 1, 2, None]
    assert [row["hit_id"] for row in held] == ["h1", "h2", "h3", "h4"]


def in_its_layout(plain, folder):
    """Write labelled pairs as PairedSafety keeps them, with stale and re-graded rows."""
    with plain.open() as opened:
        pairs = list(csv.DictReader(opened))
    (folder / "graded").mkdir(parents=True)
    prompts, graded = {}, {}
    files = {}
    for row in pairs:
        uid = row["prompt_id"]
        idx = len(prompts)
        if uid not in prompts:
            benign = {"true": "safe", "false": "unsafe"}.get(row["prompt_benign"], "")
            prompts[uid] = {
                "uid": uid,
                "source": row["source"],
                "public_label": benign,
                "public_category": "",
                "stratum": row["stratum"],
                "idx": idx,
            }
            graded[uid] = {"idx": idx, "uid": uid, "labels": labels(row, "prompt"), "error": None}
        grade = {"idx": 7, "uid": uid, "model": row["model"], "error": None}
        files.setdefault(row["model"], []).append(grade | {"labels": labels(row, "response")})
    write(folder / "prompts.jsonl", prompts.values())
    stale = {"idx": 0, "uid": "gone-1", "labels": dict.fromkeys(CATEGORIES, 3), "error": None}
    first = next(iter(graded.values()))
    failed = first | {"labels": None, "error": "timed out"}
    write(folder / "graded" / "prompts.jsonl", [stale, failed, *graded.values()])
    for model, held in files.items():
        again = [row | {"labels": None, "error": "timed out"} for row in held[:5]]
        wrong = [row | {"labels": dict.fromkeys(CATEGORIES, 3)} for row in held[5:9]]
        write(folder / "graded" / f"response_{model}.jsonl", [stale, *again, *wrong, *held])
    return len(pairs), 1 + len(files)


def labels(row, side):
    given = {key: row[f"{side}_{name}"] for key, name in CATEGORIES.items()}
    return {key: int(value) for key, value in given.items() if value != ""}


def write(place, held):
    place.write_text("".join(f"{json.dumps(row)}\n" for row in held))


def test_the_numbers_are_those_of_the_plain_file(real, tmp_path):
    plain = real.parent / "data" / "paired_public_labels.csv"
    pairs, stale = in_its_layout(plain, tmp_path / "made")
    found, _ = rows(tmp_path / "made")
    assert found.pairs == pairs == 1800
    assert found.left_out["of an earlier set of prompts"] == stale == 4
    assert found.left_out["superseded by a later row"] == 1 + 3 * 9
    made = riskshift.analyze(tmp_path / "made", by="model").to_dict()
    held = riskshift.analyze(plain, by="model").to_dict()
    assert differ(made, held) <= TOLD


def test_a_folder_can_be_converted_and_gives_the_same_numbers(small, tmp_path):
    shutil.copytree(small / "pairedsafety", tmp_path / "run")
    riskshift.convert(tmp_path / "run", tmp_path / "pairs.jsonl")
    made = riskshift.analyze(tmp_path / "pairs.jsonl").to_dict()
    held = riskshift.analyze(tmp_path / "run").to_dict()
    assert differ(made, held) <= TOLD


def test_a_row_without_a_uid_and_one_cut_off_are_faults_that_can_be_skipped(small, tmp_path):
    shutil.copytree(small / "pairedsafety", tmp_path / "run")
    place = tmp_path / "run" / "graded" / "response_model-b.jsonl"
    place.write_text(place.read_text() + '{"idx": 2, "model": "model-b", "labels": null}\n{"idx"')
    with pytest.raises(riskshift.FileError, match=r"response_model-b.jsonl, line 3 lacks uid"):
        rows(tmp_path / "run")
    found, _ = rows(tmp_path / "run", skip_bad=True)
    assert found.left_out["malformed row"] == 2
    assert found.pairs == 5


def test_a_grade_that_is_no_severity_is_an_error(small, tmp_path):
    shutil.copytree(small / "pairedsafety", tmp_path / "run")
    place = tmp_path / "run" / "graded" / "response_model-b.jsonl"
    place.write_text(place.read_text().replace('"V": 3', '"V": 4'))
    with pytest.raises(riskshift.LabelError, match="'4'"):
        riskshift.analyze(tmp_path / "run")


def test_a_folder_without_grades_is_no_log(small, tmp_path):
    shutil.copytree(small / "pairedsafety", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "graded")
    files = find([tmp_path / "run"])
    assert files.pairs is None
