"""Looks at a gate whose data grow: what a looks file allows, and what check() makes of it."""

import json

import pytest

from riskshift import FileError, OutputError, Taxonomy, UsageError, check
from riskshift.jobs.gate.looks import Looks, read_looks, write_looks

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
RULE = "response_harm <= 1%"


def pairs(events, trials, **more):
    rows = {
        "prompt_id": [f"p{i}" for i in range(trials)],
        "prompt_harm": [0] * trials,
        "response_harm": [1] * events + [0] * (trials - events),
    }
    return rows | {name: [value] * trials for name, value in more.items()}


@pytest.fixture
def frame():
    import polars as pl

    return lambda *counts, **more: pl.DataFrame(pairs(*counts, **more))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "looks.json"


def asked(data, place, rules=RULE, **options):
    return check(data, rules, taxonomy=HARM, looks_file=place, **options)


def test_each_look_stands_at_the_confidence_of_its_share(frame, place):
    first = asked(frame(0, 40), place, looks=3)
    assert (first.look.number, first.look.planned, first.look.repeated) == (1, 3, False)
    assert first.confidence == pytest.approx(1 - 0.05 / 3)
    assert first.results[0].rate.interval.confidence == pytest.approx(first.confidence)
    second = asked(frame(0, 480), place)
    assert second.look.number == 2
    # 368 would pass by one look at 95 %; three looks need ln(0.025 / 3) / ln(0.99) = 477.
    assert second.verdict == "pass"
    assert "This is look 2 of 3: intervals stand at 98.33333333%" in " ".join(second.notes)


def test_what_passes_alone_need_not_pass_among_looks(frame, place):
    assert check(frame(0, 400), RULE, taxonomy=HARM).verdict == "pass"
    assert asked(frame(0, 400), place, looks=3).verdict == "inconclusive"


def test_the_same_data_are_the_same_look(frame, place):
    first = asked(frame(0, 40), place, looks=2)
    again = asked(frame(0, 40), place)
    assert (again.look.number, again.look.repeated) == (1, True)
    assert again.verdict == first.verdict
    assert len(read_looks(place).done) == 1
    assert asked(frame(0, 400), place).look.number == 2
    assert asked(frame(0, 40), place).look.number == 1


def test_no_look_is_left_after_the_last(frame, place):
    asked(frame(0, 40), place, looks=2)
    last = asked(frame(0, 41), place)
    assert "no look is left" in " ".join(last.notes)
    before = place.read_text()
    with pytest.raises(UsageError, match="all 2 planned looks are done"):
        asked(frame(0, 42), place)
    assert place.read_text() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"looks": 3}, "3 looks are asked for, but 2 were planned"),
        ({"rules": "response_harm <= 2%"}, "the rules are not those"),
        ({"rules": [RULE, "escalation <= 2%"]}, "'escalation <= 2%' differs"),
        ({"confidence": 0.9}, "the confidence is 0.9, but the looks were planned at 0.95"),
    ],
)
def test_a_plan_does_not_change_once_data_were_seen(frame, place, options, says):
    asked(frame(0, 40), place, looks=2)
    with pytest.raises(UsageError, match=says):
        asked(frame(0, 80), place, **options)


def test_rules_in_another_order_are_the_same_rules(frame, place):
    asked(frame(0, 40), place, [RULE, "escalation <= 2%"], looks=2)
    assert asked(frame(0, 80), place, ["escalation <= 2%", RULE]).look.number == 2


def test_a_look_is_at_all_that_was_there_and_more(frame, place):
    asked(frame(0, 40), place, looks=3)
    with pytest.raises(UsageError, match="there are 39 records, and 40 at the last look"):
        asked(frame(0, 39), place)
    with pytest.raises(UsageError, match="other ones than at the last look, but no more"):
        asked(frame(1, 40), place)


def test_labels_that_were_missing_are_more_data(frame, place):
    import polars as pl

    some = frame(0, 40).with_columns(
        response_harm=pl.when(pl.int_range(40) < 3).then(None).otherwise(pl.col("response_harm"))
    )
    asked(some, place, looks=2)
    assert asked(frame(0, 40), place).look.number == 2


def test_a_baseline_that_is_new_is_no_look_at_more_data(frame, place):
    rule = "response_harm - baseline <= 5%"
    asked(frame(0, 40), place, rule, looks=2, baseline=frame(1, 40))
    with pytest.raises(UsageError, match="there are 39 baseline records"):
        asked(frame(0, 50), place, rule, baseline=frame(1, 39))
    assert asked(frame(0, 50), place, rule, baseline=frame(1, 50)).look.number == 2


def test_the_same_data_read_otherwise_are_refused(frame, place):
    asked(frame(6, 40), place, "response_harm <= 5%", looks=2)
    looks = read_looks(place)
    look = looks.done[0]
    with pytest.raises(UsageError, match="the same data as at look 1 gave another verdict"):
        looks.with_look(look.data_hash, look.sizes, dict.fromkeys(look.verdicts, "fail"))


def test_without_looks_the_further_prompts_are_for_a_fresh_sample(frame, place):
    once = check(frame(0, 40), RULE, taxonomy=HARM)
    assert "about 328 further prompts at this rate would settle it, in a fresh sample of 368" in (
        once.results[0].sentence
    )
    assert "counted for a fresh sample" in " ".join(once.notes)
    planned = asked(frame(0, 40), place, looks=2)
    assert "fresh sample" not in str(planned)
    last = asked(frame(0, 41), place)
    assert "in a fresh sample of" in last.results[0].sentence


def test_the_error_of_all_looks_together_is_said(frame, place):
    notes = " ".join(asked(frame(0, 40), place, looks=4).notes)
    assert "fails with a chance of about 2.5%, and passes with about 2.5%, at any of 4 looks" in (
        notes
    )


def test_the_look_is_in_the_json_and_meets_the_schema(frame, place):
    import jsonschema

    from riskshift.report.writing import json_schema

    found = asked(frame(0, 40), place, looks=2).to_dict()
    jsonschema.validate(found, json_schema("gate"))
    assert found["look"] == {
        "number": 1,
        "planned": 2,
        "confidence_together": 0.95,
        "repeated": False,
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [({"looks": 2, "looks_file": None}, "--looks-file"), ({}, "say how many looks")],
)
def test_a_plan_needs_its_number_and_its_file(frame, place, options, says):
    with pytest.raises(UsageError, match=says):
        check(frame(0, 40), RULE, taxonomy=HARM, **{"looks_file": place} | options)


@pytest.mark.parametrize("looks", [0, -1, 2.5])
def test_a_plan_is_a_whole_number_of_looks(frame, place, looks):
    with pytest.raises(UsageError, match="looks is"):
        asked(frame(0, 40), place, looks=looks)
    assert not place.exists()


def test_a_folder_that_is_not_there_is_refused_before_any_work(frame, tmp_path):
    with pytest.raises(OutputError, match="Create it first"):
        check(frame(0, 40), "no rule at all", looks=2, looks_file=tmp_path / "no" / "looks.json")


def test_people_who_label_more_are_more_data(frame, place):
    labels = frame(0, 400)
    rule = "response_harm <= 5%"
    first = asked(frame(0, 400), place, rule, looks=2, people=labels.head(60))
    assert first.look.number == 1
    assert asked(frame(0, 400), place, rule, people=labels.head(60)).look.repeated
    with pytest.raises(UsageError, match="there are 50 records labelled by people, and 60"):
        asked(frame(0, 400), place, rule, people=labels.head(50))
    with pytest.raises(UsageError, match="are gone since the last look"):
        asked(frame(0, 401), place, rule)
    assert asked(frame(0, 400), place, rule, people=labels.head(90)).look.number == 2


def test_a_fault_in_the_data_costs_no_look(frame, place):
    with pytest.raises(Exception, match="persistence"):
        asked(frame(0, 40), place, "persistence[harm] <= 5%", looks=2)
    assert not place.exists()


def test_looks_come_back_as_they_were_written(place):
    looks = Looks.plan(3, rules=["b", "a"], confidence=0.9)
    looks = looks.with_look({"records": "x"}, {"records": 5}, {"a": "pass", "b": "fail"})
    assert read_looks(write_looks(place, looks)) == looks
    assert looks.rules == ("a", "b")


def _written(place, **changed):
    looks = Looks.plan(2, rules=["a"]).with_look({"r": "x"}, {"r": 5}, {"a": "pass"})
    place.write_text(json.dumps(looks.to_dict() | changed))
    return place


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"planned": 0},
        {"planned": True},
        {"planned": "2"},
        {"confidence": 1.0},
        {"confidence": None},
        {"rules": "a"},
        {"rules": [1]},
        {"done": [{}]},
        {"done": [1]},
        {"done": [{"data_hash": {}, "sizes": {}, "confidence": 0.9, "verdicts": []}]},
        {"done": [{"data_hash": {}, "sizes": {"r": "5"}, "confidence": 0.9, "verdicts": {}}]},
    ],
)
def test_what_is_no_looks_file_is_refused(place, changed):
    with pytest.raises(FileError, match="not a file of looks"):
        read_looks(_written(place, **changed))


@pytest.mark.parametrize("text", ["", "[]", "nothing", "\x00"])
def test_what_is_no_json_is_refused(place, text):
    place.write_text(text)
    with pytest.raises(FileError, match=r"looks"):
        read_looks(place)
