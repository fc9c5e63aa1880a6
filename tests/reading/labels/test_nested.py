"""Labels of all categories in one column are read by declaration, whatever it holds them in."""

import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskshift

TWO = riskshift.Taxonomy(["hate", "spam"], ["Safe", "Harmful"])
IDS = ["a", "b", "c", "d"]
LISTS = [["hate"], [], None, ["spam", "hate"]]
FLAGS = [
    {"hate": True, "spam": False},
    {"hate": False, "spam": None},
    None,
    {"hate": True, "spam": True},
]
# What each says, as plain columns would.
OF_LISTS = {"response_hate": [1, 0, None, 1], "response_spam": [0, 0, None, 1]}
OF_FLAGS = {"response_hate": [1, 0, None, 1], "response_spam": [0, None, None, 1]}


def digest(data, **given):
    return riskshift.analyze(data, **given).to_dict()["data_hash"]


def plain(columns):
    return digest(pl.DataFrame({"prompt_id": IDS, **columns}), taxonomy=TWO)


def as_json(values):
    return [None if value is None else json.dumps(value) for value in values]


def parquet(table, tmp_path):
    pq.write_table(table, tmp_path / "pairs.parquet")
    return tmp_path / "pairs.parquet"


def jsonl(table, tmp_path):
    place = tmp_path / "pairs.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return place


def relation(table, tmp_path):
    return duckdb.sql(f"FROM '{parquet(table, tmp_path)}'")


FORMS = {
    "Parquet": parquet,
    "JSON lines": jsonl,
    "a Polars frame": lambda table, place: pl.from_arrow(table),
    "a lazy Polars frame": lambda table, place: pl.from_arrow(table).lazy(),
    "a pandas frame": lambda table, place: pd.DataFrame(table.to_pydict()),
    "a pandas frame from Arrow": lambda table, place: table.to_pandas(),
    "a PyArrow table": lambda table, place: table,
    "a DuckDB relation": relation,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("values", "columns"), [(LISTS, OF_LISTS), (FLAGS, OF_FLAGS)])
def test_it_says_what_plain_columns_would_say_in_every_form(tmp_path, form, values, columns):
    table = pa.table({"prompt_id": IDS, "met": values})
    data = FORMS[form](table, tmp_path)
    assert digest(data, categories_in="met") == plain(columns)


@pytest.mark.parametrize(("values", "columns"), [(LISTS, OF_LISTS), (FLAGS, OF_FLAGS)])
def test_it_may_be_text_in_json(tmp_path, values, columns):
    frame = pl.DataFrame({"prompt_id": IDS, "met": as_json(values)})
    frame.write_csv(tmp_path / "pairs.csv")
    for data in (frame, tmp_path / "pairs.csv"):
        assert digest(data, categories_in={"response": "met"}, taxonomy=TWO) == plain(columns)


def test_both_sides_share_the_categories_that_either_meets():
    frame = pl.DataFrame({"asked": [["hate"], []], "met": [[], ["spam"]]})
    result = riskshift.analyze(frame, categories_in={"prompt": "asked", "response": "met"})
    assert result.taxonomy == TWO
    assert result.rate("escalation").events == 1
    assert any(
        "no taxonomy was given, so the categories are those met" in note for note in result.notes
    )


def test_an_absent_list_is_missing_and_an_empty_one_is_safe():
    frame = pl.DataFrame({"met": [None, [], ["hate"]]}, schema={"met": pl.List(pl.String)})
    result = riskshift.analyze(frame, categories_in="met")
    harm = result.rate("response_harm")
    assert (harm.events, harm.trials) == (1, 2)


def test_an_object_may_hold_levels():
    said = [{"hate": 3, "spam": "Low"}, {"hate": 0, "spam": "Safe"}]
    frame = pl.DataFrame({"met": as_json(said)})
    four = pl.DataFrame({"response_hate": [3, 0], "response_spam": [1, 0]})
    taxonomy = riskshift.Taxonomy(["hate", "spam"])
    assert digest(frame, categories_in="met") == digest(four, taxonomy=taxonomy)


@pytest.mark.parametrize(
    ("values", "given", "said"),
    [
        (["hate, spam", "[]"], {}, r"row 0 .*met is 'hate, spam' \(1 rows\), which is no JSON"),
        (['[{"name": "hate"}]'], {}, "neither a list of names nor an object"),
        (
            ['["hate", "hatred"]'],
            {"taxonomy": TWO},
            "'hatred' .did you mean 'hate'... Its categories: hate, spam",
        ),
        (['{"hate": 7}'], {"taxonomy": TWO}, "response_hate in met is '7'. Levels: Safe < Harmful"),
        (["[]"], {}, "no category is met in met"),
    ],
)
def test_what_cannot_be_understood_is_an_error(values, given, said):
    with pytest.raises(riskshift.DataError, match=said):
        riskshift.analyze(pl.DataFrame({"met": values}), categories_in="met", **given)


def test_a_list_does_not_say_how_severe():
    with pytest.raises(riskshift.UsageError, match="Give one of two levels"):
        riskshift.analyze(
            pl.DataFrame({"met": [["hate"]]}),
            categories_in="met",
            taxonomy=riskshift.Taxonomy(["hate"]),
        )


def test_a_column_that_is_not_there_or_said_twice_is_an_error():
    frame = pl.DataFrame({"met": [["hate"]], "response_hate": [1]})
    with pytest.raises(riskshift.ColumnError, match="not found: 'mets'"):
        riskshift.analyze(frame, categories_in="mets")
    with pytest.raises(riskshift.ColumnError, match="has a column 'response_hate'"):
        riskshift.analyze(frame, categories_in="met")
    with pytest.raises(riskshift.UsageError, match="side of categories_in 'both'"):
        riskshift.analyze(frame, categories_in={"both": "met"})


def test_the_command_takes_a_column_for_each_side(tmp_path, capsys):
    from riskshift.cli.boundary import run

    place = tmp_path / "pairs.jsonl"
    place.write_text('{"asked": ["hate"], "met": []}\n{"asked": [], "met": ["spam"]}\n')
    asked = ["--categories-in", "met", "--categories-in", "prompt=asked", "--format", "json"]
    assert run(["analyze", str(place), *asked]) == 0
    assert json.loads(capsys.readouterr().out)["taxonomy"]["categories"] == ["hate", "spam"]
