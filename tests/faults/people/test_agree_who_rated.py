"""Who rated is a role like others: it can be mapped, and mistyped with a message that helps."""

import gzip

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.errors import ColumnError, DataError, UsageError

TWO = Taxonomy(["harm"], ["Safe", "Harmful"])
HUMANS = {"record_id": "Index", "response_harm@human1": "human1", "response_harm@human2": "human2"}


def test_a_mistyped_column_of_raters_is_not_found(faults):
    with pytest.raises(ColumnError, match=r"Column not found: 'ratr' \(did you mean 'rater'\?\)"):
        riskshift.agree(
            faults / "agree-who-rated" / "rows.csv", taxonomy=TWO, columns={"annotator": "ratr"}
        )


def test_files_are_raters_named_after_them(faults):
    paths = [faults / "agree-who-rated" / name for name in ("ann.csv", "bob.csv")]
    result = riskshift.agree(paths, taxonomy=TWO)
    assert result.raters == {"ann": 2, "bob": 2}
    exact = result.on("response_harm").exact
    assert (result.items, exact.events, exact.trials) == (2, 1, 2)
    rows = riskshift.agree(
        faults / "agree-who-rated" / "rows.csv", taxonomy=TWO, columns={"annotator": "rater"}
    )
    assert rows.raters == result.raters
    assert rows.on("response_harm").exact == exact


def test_columns_of_raters_can_be_mapped(faults):
    path = faults / "agree-who-rated" / "jbb_style.csv"
    result = riskshift.agree(path, taxonomy=TWO, columns=HUMANS)
    assert result.raters == {"human1": 2, "human2": 2}
    assert result.on("response_harm").exact.events == 2
    three = riskshift.agree(path, taxonomy=TWO, columns=HUMANS | {"response_harm@third": "human3"})
    assert three.raters == {"human1": 2, "human2": 2, "third": 2}


def test_a_mapped_column_of_a_rater_must_be_there(faults):
    path = faults / "agree-who-rated" / "jbb_style.csv"
    with pytest.raises(ColumnError, match=r"'humn2' \(did you mean 'human"):
        riskshift.agree(path, taxonomy=TWO, columns=HUMANS | {"response_harm@human2": "humn2"})
    with pytest.raises(UsageError, match="two raters are both mapped to column 'human1'"):
        riskshift.agree(path, taxonomy=TWO, columns=HUMANS | {"response_harm@human2": "human1"})
    for role in ("respnse_harm@human1", "response_harm@", "model@human1"):
        with pytest.raises(UsageError, match=f"role '{role}' is unknown"):
            riskshift.agree(path, taxonomy=TWO, columns={role: "human1"})


def test_labels_of_raters_are_no_rates():
    data = pl.DataFrame({"response_harm": [0], "human1": [0], "human2": [1]})
    with pytest.raises(UsageError, match="riskshift agree"):
        riskshift.read(data, taxonomy=TWO, columns={"response_harm@human1": "human1"})


def test_a_folder_of_files_and_names_with_dots(tmp_path):
    rows = "record_id,response_harm\n1,0\n2,1\n"
    (tmp_path / "gpt-4.1.csv").write_text(rows)
    (tmp_path / "gpt-4.2.csv.gz").write_bytes(gzip.compress(rows.encode()))
    for data in (tmp_path, str(tmp_path / "*")):
        assert set(riskshift.agree(data, taxonomy=TWO).raters) == {"gpt-4.1", "gpt-4.2"}


def test_files_without_a_common_item_are_no_raters(tmp_path):
    for name, at in (("a", 1), ("b", 2)):
        (tmp_path / f"{name}.csv").write_text(f"record_id,response_harm\n{at},0\n")
    with pytest.raises(DataError, match="no item was rated twice"):
        riskshift.agree(tmp_path, taxonomy=TWO)


def test_one_label_a_pair_names_every_way_out():
    with pytest.raises(DataError) as caught:
        riskshift.agree(pl.DataFrame({"record_id": [1], "response_harm": [0]}), taxonomy=TWO)
    for way in ("--map annotator=COLUMN", "--map response_harm@NAME=COLUMN", "a file a rater"):
        assert way in str(caught.value)
