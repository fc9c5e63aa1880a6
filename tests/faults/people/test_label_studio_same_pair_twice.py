"""A pair is known by its identity, not by its task, and advice on repeats thinks of raters."""

import copy
import json

import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.errors import LabelError, PairError
from riskshift.labelstudio.importing import import_label_studio

TWO = Taxonomy(["harm"], ["Safe", "Harmful"])


def task(at, person, response="Safe", **data):
    given = {"prompt_harm": "Safe", "response_harm": response}
    result = [
        {"from_name": name, "to_name": "x", "type": "choices", "value": {"choices": [choice]}}
        for name, choice in given.items()
    ]
    made = {"id": 10 * at, "completed_by": person, "was_cancelled": False, "result": result}
    return {"id": at, "data": {"prompt": "a", "response": "b"} | data, "annotations": [made]}


def imported(tmp_path, *tasks):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    return import_label_studio(path, taxonomy=TWO)


def test_two_people_in_tasks_of_their_own_are_two_raters(faults, tmp_path):
    folder = faults / "label-studio-same-pair-twice"
    out = tmp_path / "x.jsonl"
    made = import_label_studio(folder / "two_people_as_two_tasks.json", output=out, taxonomy=TWO)
    assert made.several
    assert "annotator" in made.columns
    assert made.annotators == {"1": 2, "2": 2}
    assert "riskshift agree LABELLED" in str(made)
    agreed = riskshift.agree(out, taxonomy=TWO, columns={"record_id": "prompt_id"})
    assert agreed.items == 2


def test_one_annotation_exported_twice_counts_once(faults, tmp_path):
    folder = faults / "label-studio-same-pair-twice"
    out = tmp_path / "x.jsonl"
    made = import_label_studio(folder / "exported_twice.json", output=out, taxonomy=TWO)
    assert not made.several
    assert made.annotators == {"1": 2}
    assert made.left_out == {"the same labels of a pair by the same person again": 2}
    # The command that it recommends runs.
    riskshift.analyze(folder / "judge.csv", people=out, taxonomy=TWO, resamples=20, permutations=20)


def test_two_choices_are_both_named(faults):
    path = faults / "label-studio-same-pair-twice" / "two_results.json"
    with pytest.raises(LabelError, match=r"not one choice but \['Safe', 'Harmful'\]"):
        import_label_studio(path, taxonomy=TWO)


def test_two_labels_of_one_person_for_one_pair_are_a_fault(tmp_path):
    tasks = [task(1, 1, "Safe", prompt_id="p"), task(2, 1, "Harmful", prompt_id="p")]
    with pytest.raises(PairError, match=r"task 2: annotator 1 labelled the same pair in .*task 1"):
        imported(tmp_path, *tasks)


@pytest.mark.parametrize("ids", [{"model": "m"}, {"sample": 1}, {"turn": 2}])
def test_pairs_of_one_prompt_are_told_apart(tmp_path, ids):
    other = {name: f"{value}!" for name, value in ids.items()}
    tasks = [task(1, 1, prompt_id="p", **ids), task(2, 2, prompt_id="p", **other)]
    assert not imported(tmp_path, *tasks).several
    assert imported(tmp_path, *tasks, task(3, 2, prompt_id="p", **ids)).several


def test_the_record_id_comes_first(tmp_path):
    first = task(1, 1, prompt_id="p", record_id="r")
    second = copy.deepcopy(first) | {"id": 2}
    second["annotations"][0]["completed_by"] = {"email": "ann@example.org"}
    assert imported(tmp_path, first, second).several
    second["data"]["record_id"] = "s"
    assert not imported(tmp_path, first, second).several


@pytest.mark.parametrize(
    ("column", "named"), [("rater", "rater"), ("worker_id", "worker_id"), ("x", "COLUMN")]
)
def test_advice_on_repeats_thinks_of_raters(write, column, named):
    rows = f"prompt_id,{column},prompt_harm,response_harm\na,ann,0,0\na,bob,0,1\n"
    with pytest.raises(PairError) as caught:
        riskshift.analyze(write("pairs.csv", rows), taxonomy=TWO)
    assert (
        f"remove none: settle on one label a pair with riskshift agree --map annotator={named}"
        in str(caught.value)
    )
