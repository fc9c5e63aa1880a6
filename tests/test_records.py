"""Binding columns to roles, before anything is computed."""

import polars as pl
import pytest

import riskshift
from riskshift.errors import ColumnError, DataError, RiskshiftWarning, UsageError
from riskshift.records import Columns, label_roles
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])


def pairs(**extra):
    return pl.DataFrame({"prompt_harm": [0, 1], "response_harm": [1, 0], **extra})


def read(frame, **options):
    return riskshift.read(frame, taxonomy=HARM, **options)


def test_columns_fall_back_on_the_roles_own_names():
    columns = Columns(prompt_id="uid")
    assert (columns["prompt_id"], columns["model"]) == ("uid", "model")
    assert dict(columns) == {"prompt_id": "uid"}
    assert repr(columns) == "Columns(prompt_id='uid')"


def test_labels_are_paired_by_category():
    assert label_roles(HARM) == [("prompt_harm", "response_harm")]


def test_mapped_columns_play_their_roles():
    frame = pl.DataFrame({"in": [0], "out": [1], "uid": [7]})
    columns = {"prompt_harm": "in", "response_harm": "out", "prompt_id": "uid"}
    records = read(frame, columns=columns)
    assert records.labels == [("in", "out")]
    assert records.prompt == records.cluster == "uid"
    assert records.column("model") is None


def test_without_an_id_equal_texts_are_one_prompt():
    assert read(pairs(prompt=["a", "b"])).prompt == "prompt"
    assert read(pairs(prompt=["a", "b"], prompt_id=[1, 2])).prompt == "prompt_id"
    assert read(pairs()).prompt is None


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"columns": {"prompt_harm": "promt_harm"}}, ColumnError, "'promt_harm' .did you mean"),
        ({"columns": {"model": "x"}}, ColumnError, "--map names columns as role=column"),
        ({"columns": {"prompt_hrm": "a"}}, UsageError, "role 'prompt_hrm' is unknown"),
        ({"columns": {"response_harm": "prompt_harm"}}, UsageError, "both mapped to column"),
        ({"by": "modle"}, ColumnError, "--by takes the name of a column"),
        ({"by": ["prompt_harm", "prompt_harm"]}, UsageError, "by names a column twice"),
        ({"cluster": "batch"}, ColumnError, "--cluster takes the name of a column"),
        ({"model": "m"}, ColumnError, "--model needs a column of model names"),
        ({"scale": "azure"}, UsageError, "scale 'azure' is unknown"),
        ({"prompt_labels": "row"}, UsageError, "prompt_labels 'row' is unknown.*per-row"),
    ],
)
def test_what_cannot_be_bound_is_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        read(pairs(), **options)


def test_a_missing_label_column_is_named_with_those_that_exist():
    with pytest.raises(ColumnError) as caught:
        read(pairs().rename({"response_harm": "Response_Harm"}))
    assert "'response_harm' (did you mean 'Response_Harm'?)" in str(caught.value)
    assert "Columns: prompt_harm, Response_Harm." in str(caught.value)
    assert "--map" in str(caught.value)


def test_several_raters_point_to_their_agreement():
    with pytest.raises(DataError, match=r"several raters a pair .*'annotator'.*riskshift agree"):
        read(pairs(annotator=["x", "y"]))


def test_weights_are_not_supported_and_said_so():
    with pytest.warns(RiskshiftWarning, match="'weight': sampling weights are not supported"):
        read(pairs(weight=[1, 2]))


def test_a_column_of_weights_may_group():
    read(pairs(weight=[1, 2]), by="weight")


def test_bound_records_take_no_further_options():
    with pytest.raises(UsageError, match="read already, so scale would change nothing"):
        riskshift.analyze(read(pairs()), scale="levels")


def test_what_is_no_data_is_refused():
    with pytest.raises(UsageError, match="cannot read dict objects"):
        riskshift.analyze({"prompt_harm": [1]})
    with pytest.raises(UsageError, match="list of data must be a list of paths"):
        riskshift.analyze([pairs()])
