"""Labels whose 1 or true means safe are never read the wrong way round."""

import json

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.collapse.pairs import collapse
from riskshift.direction import points
from riskshift.errors import LabelError, UsageError

TWO = Taxonomy(["harm"], ["Safe", "Unsafe"])
MAPPED = {"prompt_harm": "prompt_is_safe", "response_harm": "response_is_safe"}


def harmful(data, **options):
    counts = collapse(riskshift.read(data, **options)).counts
    return int(counts.n[counts.response[:, 0] >= 1].sum()), counts.total


def frame(column, values, prompt=(0, 1)):
    return pl.DataFrame({"prompt_harm": list(prompt), column: values})


def test_a_column_called_is_safe_must_be_inverted(faults):
    path = faults / "polarity" / "is_safe.csv"
    with pytest.raises(LabelError, match="--invert response_is_safe"):
        harmful(path, taxonomy=TWO, columns=MAPPED)
    for invert in ("harm", ["prompt_harm", "response_harm"], list(MAPPED.values())):
        assert harmful(path, taxonomy=TWO, columns=MAPPED, invert=invert) == (3, 20)


def test_names_in_the_metadata_must_agree_with_the_taxonomy(faults):
    path = faults / "polarity" / "classlabel.parquet"
    taxonomy = Taxonomy.from_toml(faults / "polarity" / "harm.toml")
    with pytest.raises(
        LabelError, match=r"0 is 'harmful', 1 is 'unharmful'.*--invert response_harm"
    ):
        harmful(path, taxonomy=taxonomy)
    assert harmful(path, taxonomy=taxonomy, invert="harm") == (2, 20)
    # Other names of the levels, whose direction is known by their words.
    with pytest.raises(LabelError, match="--invert prompt_harm"):
        harmful(path, taxonomy=TWO)


def class_labels(path, names, values):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    feature = {"names": names, "_type": "ClassLabel"}
    told = {"info": {"features": {"prompt_harm": feature, "response_harm": feature}}}
    table = pa.table({"prompt_harm": values, "response_harm": values})
    table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(table, path)
    return table


def test_names_that_no_turning_round_mends_say_so(tmp_path):
    path = tmp_path / "sorted.parquet"
    table = class_labels(path, ["High", "Low", "Medium", "Safe"], [0, 3])
    for data in (path, table):
        with pytest.raises(LabelError, match="Turn the numbers into these names"):
            harmful(data, taxonomy=Taxonomy(["harm"]))


def test_names_that_agree_are_no_fault_but_turning_them_is(tmp_path):
    path = tmp_path / "right.parquet"
    class_labels(path, ["Safe", "Unsafe"], [0, 1])
    assert harmful(path, taxonomy=TWO) == (1, 2)
    with pytest.raises(LabelError, match="Leave out --invert response_harm"):
        harmful(path, taxonomy=TWO, invert="harm")


@pytest.mark.parametrize(
    "column",
    [
        "is_safe",
        "isSafe",
        "safe",
        "Response_Safe",
        "harmless",
        "benign",
        "not_harmful",
        "non_toxic",
        "response_is_not_unsafe",
        "acceptable",
        "safety_score",
        "is_response_0_safe",
    ],
)
@pytest.mark.parametrize("values", [[1, 1], [True, False], ["true", "False"], ["1.0", "0"]])
def test_names_of_columns_that_point_away_from_harm(column, values):
    data = frame(column, values)
    told = {"taxonomy": TWO, "columns": {"response_harm": column}}
    with pytest.raises(LabelError, match=f"--invert {column}"):
        harmful(data, **told)
    safe = sum(str(value).casefold() in ("1", "1.0", "true") for value in values)
    assert harmful(data, **told, invert=column) == (2 - safe, 2)
    assert harmful(data, **told, scale="levels") == (safe, 2)


@pytest.mark.parametrize(
    "column", ["is_unsafe", "notSafe", "unsafe", "judge", "harmful", "less_safe"]
)
def test_other_names_of_columns_are_taken(column):
    options = {"taxonomy": TWO, "columns": {"response_harm": column}}
    assert harmful(frame(column, [1, 0]), **options) == (1, 2)


def test_a_category_called_safe_is_a_column_of_that_name():
    data = pl.DataFrame({"prompt_safe": [1, 0], "response_safe": [1, 1]})
    with pytest.raises(LabelError, match="--invert prompt_safe"):
        harmful(data, taxonomy=Taxonomy(["safe"], ["no", "yes"]))


def test_names_of_levels_say_their_direction_whatever_the_column_is_called():
    data = frame("is_safe", ["Safe", "Unsafe"])
    options = {"taxonomy": TWO, "columns": {"response_harm": "is_safe"}}
    assert harmful(data, **options) == (1, 2)
    with pytest.raises(LabelError, match="--invert is_safe has nothing to turn"):
        harmful(data, **options, invert="is_safe")


def test_more_than_two_levels_are_turned_round_too():
    data = frame("response_harm", [0, 3], prompt=(3, 0))
    counts = collapse(
        riskshift.read(data, taxonomy=Taxonomy(["harm"]), invert="response_harm")
    ).counts
    assert sorted(
        zip(counts.prompt[:, 0].tolist(), counts.response[:, 0].tolist(), strict=True)
    ) == [
        (0, 0),
        (3, 3),
    ]


@pytest.mark.parametrize(
    ("levels", "fix"),
    [
        (["Unsafe", "Safe"], 'levels = ["Safe", "Unsafe"]'),
        (["harmful", "unharmful"], 'levels = ["unharmful", "harmful"]'),
        (["High", "Medium", "Low"], 'levels = ["Low", "Medium", "High"]'),
        (["Safe", "Mostly safe", "Bad"], 'harmful_from = "Bad"'),
        (["Toxic", "Borderline", "Not toxic"], 'levels = ["Not toxic", "Borderline", "Toxic"]'),
    ],
)
def test_levels_whose_names_speak_against_their_order_are_refused(levels, fix):
    with pytest.raises(UsageError) as caught:
        Taxonomy(["harm"], levels)
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    "levels",
    [
        ["Safe", "Controversial", "Unsafe"],
        ["Safe", "Not safe"],
        ["Harmless", "Less harmful", "Harmful"],
        ["no", "yes"],
        ["Low harm", "High harm"],
        ["None", "Mild", "Moderate", "Severe"],
    ],
)
def test_levels_in_their_order_are_taken(levels):
    assert Taxonomy(["harm"], levels).levels == tuple(levels)


def test_a_flag_of_benign_prompts_must_not_say_harmful():
    data = frame("response_harm", [0, 1]).with_columns(is_harmful=pl.Series([1, 0]))
    with pytest.raises(LabelError, match="is_harmful says that its true values are harmful"):
        harmful(data, taxonomy=TWO, columns={"prompt_benign": "is_harmful"})


def test_only_labels_can_be_inverted():
    with pytest.raises(UsageError, match=r"invert 'response_ham' is unknown .did you mean"):
        riskshift.read(frame("response_harm", [0, 1]), taxonomy=TWO, invert="response_ham")


def test_peoples_names_beside_an_inverted_column_stay_as_they_are():
    graded = pl.DataFrame({"prompt_id": ["a", "b"], "prompt_harm": [0, 0], "is_safe": [1, 0]})
    people = pl.DataFrame(
        {"prompt_id": ["a", "b"], "prompt_harm": ["Safe"] * 2, "response_harm": ["Safe", "Unsafe"]}
    )
    numbers = people.with_columns(response_harm=pl.Series([0, 1]))
    for labels in (people, numbers):
        report = riskshift.grade(
            graded, labels, taxonomy=TWO, columns={"response_harm": "is_safe"}, invert="is_safe"
        )
        assert (report.misses, report.alarms) == (0, 0)


def test_words_of_both_directions_say_nothing():
    assert points("safe_or_unsafe") == 0
