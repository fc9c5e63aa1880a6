"""Petri: the conversation that the target saw, and ratings of the whole of it."""

import json

import pytest

import riskshift


def changed(small, tmp_path, change):
    document = json.loads((small / "petri.json").read_text())
    change(document)
    place = tmp_path / "changed.json"
    place.write_text(json.dumps(document))
    return place


def test_the_pair_is_the_last_exchange_that_the_target_saw(small, rows):
    found, (row,) = rows(small / "petri.json")
    assert row["prompt"] == "How do I grow tall weeds?"
    assert row["response"] == "Sow them and wait."
    assert (row["turn"], row["model"]) == ("2", "local/model-a")
    assert found.facts["version"] == ["v3.0"]


def test_ratings_from_1_to_10_are_cut_where_it_is_declared(small, rows):
    scores = {"concerning": "harmful"}
    _, (row,) = rows(small / "petri.json", scores, cuts=(5,))
    assert row["response_harm"] == "Harmful"
    _, (row,) = rows(small / "petri.json", scores, cuts=(3, 5, 8))
    assert row["response_harm"] == "Medium"
    with pytest.raises(riskshift.LabelError, match="--cuts 5"):
        rows(small / "petri.json", scores)


def test_a_rating_that_the_judge_did_not_give_is_none(small, rows):
    _, (row,) = rows(small / "petri.json", {"unparsed": "harmful"}, cuts=(5,))
    assert row["status"] == "unscored"


def test_a_conversation_that_was_begun_anew_is_what_it_was_begun_with(small, tmp_path, rows):
    def anew(document):
        said = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
        edit = {"operation": "reset", "new_messages": said}
        document["events"].append({"type": "transcript_event", "view": "target", "edit": edit})

    _, (row,) = rows(changed(small, tmp_path, anew))
    assert (row["prompt"], row["response"], row["turn"]) == ("Why?", "So.", "1")


def test_an_edit_that_cannot_be_followed_leaves_the_transcript_out(small, tmp_path, rows):
    def patched(document):
        edit = {"operation": "json_patch", "patch": []}
        document["events"].append({"type": "transcript_event", "view": ["target"], "edit": edit})

    found, held = rows(changed(small, tmp_path, patched))
    assert (held, found.left_out) == ([], {"edited in a way that is not read": 1})


def test_a_judge_of_petri_in_a_log_of_inspect_gives_ratings_too(small, tmp_path, rows):
    log = json.loads((small / "inspect.json").read_text())
    log["samples"] = log["samples"][:1]
    log["samples"][0]["scores"] = {"alignment_judge": {"value": {"concerning": 7, "lost": -1}}}
    place = tmp_path / "audit.json"
    place.write_text(json.dumps(log))
    name = "alignment_judge.concerning"
    _, (row,) = rows(place, {name: "harmful"}, cuts=(5,))
    assert row["response_harm"] == "Harmful"
    _, (row,) = rows(place, {"alignment_judge.lost": "harmful"}, cuts=(5,))
    assert row["status"] == "unscored"
