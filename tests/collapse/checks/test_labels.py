"""What is wrong with labels and pairs, told at once, or left out and counted."""

import warnings

import polars as pl
import pytest

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.errors import DataError, LabelError, PairError, RiskshiftWarning
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])


def checked(before, after, **options):
    columns = {k: options.pop(k) for k in list(options) if isinstance(options[k], list)}
    frame = pl.DataFrame({"prompt_harm": before, "response_harm": after, **columns}, strict=False)
    return collapse(riskshift.read(frame, taxonomy=HARM, **options))


def message(kind, *arguments, **options):
    with pytest.raises(kind) as caught:
        checked(*arguments, **options)
    assert type(caught.value) is kind
    return str(caught.value)


def test_a_bad_label_names_place_column_value_rows_choices_and_fix():
    assert message(LabelError, ["Safe", "Severe", "Severe"], ["Low"] * 3) == (
        "the polars frame, row 1 (counted from 0): prompt_harm is 'Severe' (2 of 3 rows). "
        "Levels: Safe < Low < Medium < High (0 to 3).\n"
        "Fix the labels, or leave these rows out with --skip-bad."
    )


def test_all_bad_labels_are_named_the_most_frequent_first():
    told = message(LabelError, [9, 8, 8], [1.5, 0, -1], relevance=[4, 1, 1]).splitlines()
    assert [line.split(": ")[1].split(" (")[0] for line in told[:-1]] == [
        "prompt_harm is '8'",
        "prompt_harm is '9'",
        "response_harm is '-1.0'",
        "response_harm is '1.5'",
        "relevance is '4'",
    ]
    assert told[4].endswith("Relevance is 1, 2 or 3.")


def test_a_bad_flag_names_the_choices():
    assert "prompt_benign is 'maybe' (1 of 2 rows). Choices: true, false." in message(
        LabelError, [0, 1], [0, 1], prompt_benign=["yes", "maybe"]
    )


@pytest.mark.parametrize(("labels", "scale"), [([0, 2, 4, 6], "0-2-4-6"), ([0, 5, 7, 1], "0-7")])
def test_azures_severities_are_recognized_but_never_guessed(labels, scale):
    assert f"Azure's severities, declare it: --scale {scale}." in message(
        LabelError, labels, [0] * 4
    )
    severities = checked(labels, [0] * 4, scale=scale).counts.prompt[:, 0].tolist()
    assert severities == sorted({level // 2 for level in labels})


def test_nothing_is_suggested_for_other_numbers():
    assert "Azure" not in message(LabelError, [0, 2, 4, 8], [0] * 4)


def test_a_declared_scale_is_part_of_the_choices():
    told = message(LabelError, ["1", "High"], [0, 0], scale="levels")
    assert "prompt_harm is 'High' (1 of 2 rows)" in told
    assert "(0 to 3), written as --scale levels." in told


def test_severities_and_names_mixed_must_be_sorted_out():
    told = message(LabelError, ["1", "High"], [0, 0], skip_bad=True)
    assert "prompt_harm holds severities and level names mixed" in told
    assert "Write all of them as names or all as severities: Safe < Low < Medium < High" in told


def test_columns_may_differ_in_how_they_are_written():
    assert checked(["Safe", "High"], [0, 3]).counts.total == 2


def test_scores_are_recognized():
    told = message(LabelError, [n / 50 for n in range(50)], [0] * 50)
    assert "They look like scores between 0 and 1; turn scores into levels first." in told
    assert "prompt_harm has 44 further values like these." in told
    assert len(told.splitlines()) < 10


@pytest.mark.parametrize("skip_bad", [False, True])
def test_labels_that_are_all_even_are_suspicious(skip_bad):
    labels = [0, 2, 4] if skip_bad else [0, 2, 2]
    with pytest.warns(RiskshiftWarning, match="every label is even.*--scale 0-2-4-6"):
        checked(labels, [0, 0, 2], skip_bad=skip_bad)


@pytest.mark.parametrize(
    ("labels", "options"),
    [([0, 0], {}), ([2, 1], {}), (["Medium", "Safe"], {}), ([2, 0], {"scale": "levels"})],
)
def test_other_labels_are_not(labels, options):
    with warnings.catch_warnings(action="error"):
        checked(labels, [0] * len(labels), **options)


@pytest.mark.parametrize("blank", [None, ""])
def test_records_without_a_prompt_are_refused(blank):
    told = message(DataError, [0] * 3, [0] * 3, prompt_id=["a", blank, blank])
    assert "prompt_id is missing in 2 of 3 rows, first in the polars frame, row 1" in told
    assert "Fill it in, or leave these rows out with --skip-bad." in told


def test_records_without_a_cluster_are_refused():
    assert "site is missing in 1 of 2 rows" in message(
        DataError, [0, 1], [0, 1], site=["x", None], cluster="site"
    )


@pytest.mark.parametrize("blank", [None, "", float("nan")])
def test_records_without_a_prompt_can_be_left_out(blank):
    ids = [1.0, blank, 2.0] if isinstance(blank, float) else ["a", blank, "b"]
    collapsed = checked([0, 1, 3], [0] * 3, prompt_id=ids, skip_bad=True)
    assert collapsed.counts.total == 2
    assert (collapsed.read, dict(collapsed.records.skipped)) == (3, {"missing prompt_id": 1})


def test_a_duplicate_pair_is_named_with_the_ways_out():
    told = message(PairError, [0] * 4, [0] * 4, prompt_id=["a", "b", "a", "a"])
    assert "1 pair occurs more than once by (prompt_id): prompt_id 'a' (3 times)." in told
    assert "name the column that tells them apart: --map model=COLUMN or --map sample=" in told
    assert "--skip-bad leaves all of them out." in told


def test_many_duplicates_are_counted_and_a_few_named():
    told = message(
        PairError, [0] * 10, [0] * 10, prompt_id=[n // 2 for n in range(10)], model=["m"] * 10
    )
    assert "5 pairs occur more than once by (prompt_id, model): prompt_id '0', model 'm'" in told
    assert told.count("(2 times)") == 3
    assert "; ..." in told
    assert "--map sample=COLUMN" in told


@pytest.mark.parametrize("column", ["model", "sample", "turn"])
def test_a_column_that_tells_responses_apart_explains_repeats(column):
    counts = checked(
        [1, 1, 2], [0, 1, 2], prompt_id=["a", "a", "b"], **{column: ["x", "y", "x"]}
    ).counts
    assert (counts.total, counts.units) == (3, 2)


def test_a_sample_twice_is_a_duplicate():
    told = message(PairError, [0, 0], [0, 0], prompt_id=["a", "a"], sample=[1, 1])
    assert "by (prompt_id, sample): prompt_id 'a', sample '1' (2 times)" in told
    assert "--map sample" not in told


def test_of_one_text_different_responses_are_samples():
    counts = checked([1, 1], [0, 2], prompt=["hi", "hi"], response=["a", "b"]).counts
    assert (counts.total, counts.units) == (2, 1)


def test_of_one_text_equal_responses_are_duplicates():
    assert "by (prompt, response): prompt 'hi', response 'a' (2 times)" in message(
        PairError, [1, 1], [0, 0], prompt=["hi", "hi"], response=["a", "a"]
    )


def test_long_texts_are_cut_in_messages():
    told = message(PairError, [1, 1], [0, 0], prompt=["why " * 125] * 2, response=["a", "a"])
    assert "why " * 14 + "...'" in told
    assert "why " * 15 not in told


def test_a_column_may_play_two_roles():
    counts = checked(
        [1, 1], [0, 1], prompt_id=["a", "a"], run=[1, 2], columns={"sample": "run", "turn": "run"}
    ).counts
    assert counts.total == 2


def test_labels_of_one_prompt_that_differ_name_it():
    told = message(PairError, [0, 1, 2], [0] * 3, prompt_id=["a", "a", "b"], model=["x", "y", "x"])
    assert "the prompt's own labels differ between the records of 1 prompt: 'a'." in told
    assert "--prompt-labels per-row" in told


def test_labels_written_in_different_ways_do_not_differ():
    rows = (["High", "high", "HIGH ", ""], [0] * 4)
    extra = {"prompt_id": ["a"] * 4, "model": ["w", "x", "y", "z"]}
    assert checked(*rows, **extra).counts.total == 4
    bad = checked(
        ["High", "high", "Low", "Safe"], [0] * 4, prompt_id=["a", "a", "b", "b"],
        model=["x", "y", "x", "y"], skip_bad=True,
    )  # fmt: skip
    assert bad.counts.prompt.tolist() == [[3]]
    assert dict(bad.records.skipped) == {"prompt labels differ": 2}


def test_labels_may_be_judged_row_by_row():
    counts = checked(
        [0, 1], [0, 0], prompt_id=["a", "a"], model=["x", "y"], prompt_labels="per-row"
    ).counts
    assert counts.prompt.ravel().tolist() == [0, 1]


def test_another_cluster_keeps_what_belongs_together():
    counts = checked([0] * 4, [0, 1, 2, 3], site=["x", "x", "y", "y"], cluster="site").counts
    assert (counts.total, counts.units) == (4, 2)
    single = checked([0] * 4, [0, 1, 2, 3], site=["w", "x", "y", "z"], cluster="site").counts
    assert single.clusters is None


FAULTY = {
    "prompt": [0, 0, 7, 1, 2, 0, 0, 3, 3],
    "response": [0, 1, 0, 0, 0, 0, 0, 9, 1],
    "prompt_id": ["a", "a", "b", "c", "c", "d", "d", None, "e"],
    "model": ["x", "y", "x", "x", "y", "x", "x", "x", "x"],
}


def test_faults_of_every_kind_are_told_in_one_message():
    told = message(DataError, FAULTY["prompt"], FAULTY["response"],
                   prompt_id=FAULTY["prompt_id"], model=FAULTY["model"])  # fmt: skip
    for part in (
        "prompt_id is missing in 1 of 9 rows, first in the polars frame, row 7",
        "row 2 (counted from 0): prompt_harm is '7' (1 of 8 rows)",
        "1 pair occurs more than once by (prompt_id, model): prompt_id 'd', model 'x' (2 times)",
        "labels differ between the records of 1 prompt: 'c'",
    ):
        assert part in told


def test_faults_of_every_kind_are_left_out_and_counted():
    collapsed = checked(FAULTY["prompt"], FAULTY["response"], skip_bad=True,
                        prompt_id=FAULTY["prompt_id"], model=FAULTY["model"])  # fmt: skip
    clean = checked([0, 0, 3], [0, 1, 1], prompt_id=["a", "a", "e"], model=["x", "y", "x"])
    assert collapsed.counts.digest() == clean.counts.digest()
    assert dict(collapsed.records.skipped) == {
        "missing prompt_id": 1,
        "label not on the scale": 1,
        "duplicate pair": 2,
        "prompt labels differ": 2,
    }
    assert collapsed.read == 9


def test_where_nothing_is_left_the_reasons_are_given():
    told = message(DataError, [9, 0], [0, 8], skip_bad=True)
    assert told == (
        "the polars frame has no rows left to analyze; left out: label not on the scale (2)."
    )


def test_one_model_can_be_kept():
    frame = pl.DataFrame({"prompt_harm": [0, 1], "response_harm": [0, 9], "model": ["a", "b"]})
    collapsed = collapse(riskshift.read(frame, taxonomy=HARM, model="a"))
    assert collapsed.counts.total == 1
    assert collapsed.groups == {}
    with pytest.raises(DataError, match=r"no rows for model 'c'\. Models: a, b\."):
        collapse(riskshift.read(frame, taxonomy=HARM, model="c"))
