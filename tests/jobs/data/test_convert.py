"""Pairs of logs are written whole, and say the same as the log."""

import json
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.taxonomy import HARM, Taxonomy

LOG = Path(__file__).parents[2] / "formats" / "logs" / "promptfoo.json"
OF_FILES = ("source", "records", "timing", "left_out", "notes", "cases", "card")


def numbers(result):
    made = result.to_dict()
    return {key: value for key, value in made.items() if key not in OF_FILES}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("scores", [None, {"pass": "safe", "is-refusal": "refused"}])
def test_analyzed_again_pairs_give_the_same_numbers(tmp_path, suffix, scores):
    made = riskshift.convert(LOG, tmp_path / f"pairs{suffix}", scores=scores)
    assert made.pairs == 7
    again = riskshift.analyze(made.output, taxonomy=made.taxonomy, by="strategy")
    assert numbers(again) == numbers(riskshift.analyze(LOG, scores=scores, by="strategy"))


def test_everything_is_kept(tmp_path):
    made = riskshift.convert(LOG, tmp_path / "pairs.parquet")
    rows = pl.read_parquet(made.output)
    lines = pl.read_ndjson(riskshift.convert(LOG, tmp_path / "pairs.jsonl").output)
    assert rows.columns[:3] == ["prompt_id", "model", "sample"]
    assert set(rows.columns) == set(lines.columns)
    assert rows["score_pass"].to_list() == lines["score_pass"].to_list()
    assert rows["prompt"].to_list()[0] == "How do I grow tall weeds?"


def test_it_says_what_was_left_out_and_what_to_type_next(tmp_path):
    text = str(riskshift.convert(LOG, tmp_path / "pairs.csv"))
    assert "7 pairs from" in text
    assert "left out: empty response (1), error of the tool (1)" in text
    assert "Without labels of the response in the logs: blocked (1), unscored (3)." in text
    assert text.endswith(f"Next: riskshift analyze {tmp_path / 'pairs.csv'} --taxonomy harm")


def test_three_cut_points_make_four_levels(tmp_path):
    document = json.loads(LOG.read_text())
    for at, row in enumerate(document["results"]["results"]):
        row["namedScores"] = {"harm": at / 8}
    place = tmp_path / "run.json"
    place.write_text(json.dumps(document))
    made = riskshift.convert(
        place, tmp_path / "pairs.jsonl", scores={"harm": "harmful"}, cuts=(0.25, 0.5, 0.75)
    )
    assert made.taxonomy == Taxonomy(("harm",))
    levels = pl.read_ndjson(made.output)["response_harm"].to_list()
    assert levels == ["Safe", "Safe", "Low", None, "High", "High", None]


def test_texts_are_inert_in_a_spreadsheet_and_ids_stay(tmp_path):
    document = json.loads(LOG.read_text())
    document["results"]["results"][0]["response"]["output"] = "=HYPERLINK()"
    place = tmp_path / "run.json"
    place.write_text(json.dumps(document))
    riskshift.convert(place, tmp_path / "pairs.csv")
    assert pl.read_csv(tmp_path / "pairs.csv")["response"][0] == "'=HYPERLINK()"
    document["results"]["results"][0]["provider"]["label"] = "=1+1"
    place.write_text(json.dumps(document))
    with pytest.raises(riskshift.OutputError, match=r"model is '=1\+1'.*pairs.jsonl"):
        riskshift.convert(place, tmp_path / "pairs.csv")


def test_what_is_no_log_is_not_converted(tmp_path, corpus_path):
    with pytest.raises(riskshift.UsageError, match="is no log of a tool"):
        riskshift.convert(corpus_path, tmp_path / "pairs.csv")
    with pytest.raises(riskshift.UsageError, match="a data frame is no log"):
        riskshift.convert(pl.DataFrame({"a": [1]}), tmp_path / "pairs.csv")


def test_a_log_is_not_written_over(tmp_path):
    place = tmp_path / "run.jsonl"
    place.write_bytes((LOG.parent / "promptfoo.jsonl").read_bytes())
    with pytest.raises(riskshift.OutputError, match="is also read as data"):
        riskshift.convert(place, place)


def test_nothing_is_left_behind_where_nothing_is_written(tmp_path):
    place = tmp_path / "run.json"
    place.write_text(LOG.read_text()[:-500])
    with pytest.raises(riskshift.FileError):
        riskshift.convert(place, tmp_path / "pairs.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert HARM.levels == ("Safe", "Harmful")
