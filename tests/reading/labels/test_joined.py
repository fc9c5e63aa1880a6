"""Labels in files of their own find their records, and nothing is invented for the others."""

import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.taxonomy import HARM

PAIRS = [
    {"prompt_id": "a", "model": "x", "prompt": "How?", "response": "So.", "response_harm": 0},
    {"prompt_id": "a", "model": "y", "prompt": "How?", "response": "Thus.", "response_harm": 1},
    {"prompt_id": "b", "model": "x", "prompt": "Why?", "response": "Hm.", "response_harm": 0},
    {"prompt_id": "b", "model": "y", "prompt": "Why?", "response": "Yes.", "response_harm": 1},
    {"prompt_id": "c", "model": "x", "prompt": "Who?", "response": "No.", "response_harm": 0},
]
PROMPTS = [
    {"prompt_id": "a", "prompt_harm": 1},
    {"prompt_id": "b", "prompt_harm": 0},
    {"prompt_id": "d", "prompt_harm": 1},
]


def written(place, rows):
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


@pytest.fixture
def pairs(tmp_path):
    return written(tmp_path / "pairs.jsonl", PAIRS)


def with_labels(tmp_path, pairs, rows, **given):
    labels = written(tmp_path / "labels.jsonl", rows)
    return riskshift.analyze(pairs, taxonomy=HARM, labels=labels, **given)


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def filled(by_prompt, rows=PAIRS):
    """The rows as somebody would write them who has the labels of the prompts."""
    return [{**row, "prompt_harm": by_prompt.get(row["prompt_id"])} for row in rows]


def digest(rows, tmp_path, **given):
    whole = written(tmp_path / "whole.jsonl", rows)
    return riskshift.analyze(whole, taxonomy=HARM, **given).to_dict()["data_hash"]


class TestWhatIsJoined:
    def test_labels_of_prompts_go_to_all_records_of_the_prompt_and_others_stay_missing(
        self, tmp_path, pairs
    ):
        result = with_labels(tmp_path, pairs, PROMPTS)
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)

    def test_what_did_not_join_is_counted_on_both_sides(self, tmp_path, pairs):
        notes = with_labels(tmp_path, pairs, PROMPTS).to_dict()["notes"]
        assert any(
            "by prompt_id: 2 of 3 found a record (1 found none), and 4 of 5 records found one (1 found none)."
            in note
            for note in notes
        )

    def test_without_ids_equal_texts_are_one(self, tmp_path, pairs):
        by_text = [{"prompt": " How? ", "prompt_harm": 1}, {"prompt": "Why?", "prompt_harm": 0}]
        result = with_labels(tmp_path, pairs, by_text)
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)

    def test_labels_of_responses_need_both_texts_or_what_tells_records_apart(self, tmp_path):
        bare = written(tmp_path / "bare.jsonl", without(PAIRS, "response_harm"))
        for key in (("prompt_id", "model"), ("prompt", "response")):
            rows = [{name: row[name] for name in (*key, "response_harm")} for row in PAIRS]
            result = with_labels(tmp_path, bare, rows)
            assert result.to_dict()["data_hash"] == digest(PAIRS, tmp_path)

    def test_both_sides_and_several_files_are_joined(self, tmp_path):
        bare = written(tmp_path / "bare.jsonl", without(PAIRS, "response_harm"))
        one = written(tmp_path / "prompts.jsonl", PROMPTS)
        other = written(tmp_path / "responses.jsonl", without(PAIRS, "prompt", "response"))
        result = riskshift.analyze(bare, taxonomy=HARM, labels=[one, other])
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)

    def test_ids_of_records_come_first(self, tmp_path):
        rows = [{**row, "record_id": at} for at, row in enumerate(PAIRS)]
        bare = written(tmp_path / "bare.jsonl", without(rows, "response_harm"))
        given = [
            {"record_id": str(at), "response_harm": row["response_harm"]}
            for at, row in enumerate(rows)
        ]
        result = with_labels(tmp_path, bare, given)
        assert result.to_dict()["data_hash"] == digest(PAIRS, tmp_path)

    def test_a_label_is_filled_in_only_where_none_stands(self, tmp_path):
        rows = [{**row, "prompt_harm": 1 if row["prompt_id"] == "a" else None} for row in PAIRS]
        result = with_labels(tmp_path, written(tmp_path / "half.jsonl", rows), PROMPTS[:2])
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)

    def test_a_missing_label_is_no_label(self, tmp_path, pairs):
        rows = [{"prompt_id": "a", "prompt_harm": None}, {"prompt_id": "b", "prompt_harm": "NA"}]
        result = with_labels(tmp_path, pairs, rows)
        assert result.to_dict()["data_hash"] == digest(filled({}), tmp_path)

    def test_a_placeholder_is_no_text_of_a_prompt(self, tmp_path):
        rows = [{**row, "prompt": "[REDACTED]"} for row in without(PAIRS, "prompt_id")[:2]]
        rows.append({"prompt": "Who?", "response": "No.", "response_harm": 0})
        given = [{"prompt": "[REDACTED]", "prompt_harm": 1}, {"prompt": "Who?", "prompt_harm": 0}]
        with pytest.warns(riskshift.RiskshiftWarning, match="placeholder"):
            notes = with_labels(tmp_path, written(tmp_path / "r.jsonl", rows), given).notes
        assert any("1 of 1 found a record" in note and "1 of 3 records" in note for note in notes)

    def test_the_columns_may_be_mapped_in_the_data_alone(self, tmp_path):
        rows = [{**without([row], "prompt_id")[0], "uid": row["prompt_id"]} for row in PAIRS]
        place = written(tmp_path / "renamed.jsonl", rows)
        result = with_labels(tmp_path, place, PROMPTS, columns={"prompt_id": "uid"})
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)


class TestWhatIsRefused:
    def refused(self, tmp_path, pairs, rows, match, **given):
        with pytest.raises(riskshift.DataError, match=match) as error:
            with_labels(tmp_path, pairs, rows, **given)
        return str(error.value)

    def test_a_label_that_contradicts_one_already_there(self, tmp_path, pairs):
        rows = [{"prompt_id": "b", "model": "y", "response_harm": "Safe"}]
        said = self.refused(tmp_path, pairs, rows, "otherwise than")
        assert "prompt_id 'b', model 'y'" in said
        assert "response_harm is 'Safe' and was '1' (1 such)" in said

    def test_but_not_where_the_file_says_that_it_replaces(self, tmp_path, pairs):
        rows = [{"prompt_id": "b", "model": "y", "response_harm": 0, "replaces": True}]
        result = with_labels(tmp_path, pairs, rows)
        changed = [
            {**row, "response_harm": 0} if row["response"] == "Yes." else row for row in PAIRS
        ]
        assert result.to_dict()["data_hash"] == digest(changed, tmp_path)

    def test_the_same_level_in_other_words_is_no_contradiction(self, tmp_path, pairs):
        rows = [{"prompt_id": "b", "model": "y", "response_harm": "Harmful"}]
        assert with_labels(tmp_path, pairs, rows).to_dict()["data_hash"] == digest(PAIRS, tmp_path)

    def test_a_key_that_is_labelled_in_two_ways(self, tmp_path, pairs):
        rows = [*PROMPTS, {"prompt_id": "a", "prompt_harm": 0}]
        said = self.refused(tmp_path, pairs, rows, "in two ways")
        assert "prompt_id 'a'" in said
        assert "'0' and '1'" in said
        assert with_labels(tmp_path, pairs, [*PROMPTS, PROMPTS[0]]) is not None

    def test_texts_stay_hidden_and_the_place_is_named(self, tmp_path, pairs):
        rows = [{"prompt": "How?", "prompt_harm": 0}, {"prompt": "How?", "prompt_harm": 1}]
        said = self.refused(tmp_path, pairs, rows, r"labels.jsonl, line 1")
        assert "How?" not in said

    def test_a_label_of_a_response_that_several_records_could_have(self, tmp_path, pairs):
        said = self.refused(
            tmp_path, pairs, [{"prompt_id": "a", "response_harm": 0}], "2 records of it"
        )
        assert "model, sample" in said

    def test_labels_that_find_nothing(self, tmp_path, pairs):
        self.refused(
            tmp_path, pairs, [{"prompt_id": "z", "prompt_harm": 0}], "None of the 1 labels"
        )

    def test_but_data_that_have_their_labels_need_none(self, tmp_path, pairs):
        rows = [{"prompt_id": "z", "model": "x", "response_harm": 0}]
        result = with_labels(tmp_path, pairs, rows)
        assert result.to_dict()["data_hash"] == digest(PAIRS, tmp_path)
        assert any("0 of 1 found a record (1 found none)" in note for note in result.notes)

    def test_a_file_that_does_not_say_whose_the_labels_are(self, tmp_path, pairs):
        said = self.refused(
            tmp_path, pairs, [{"row": 1, "prompt_harm": 0}], "does not say which records"
        )
        assert "riskshift doctor" in said

    def test_a_file_without_labels_of_these_categories(self, tmp_path, pairs):
        rows = [{"prompt_id": "a", "prompt_hate": 0}]
        assert "riskshift doctor" in self.refused(tmp_path, pairs, rows, "not found: 'prompt_harm'")

    def test_a_bad_label_is_told_by_its_place_in_the_file_of_labels(self, tmp_path, pairs):
        rows = [PROMPTS[0], {"prompt_id": "b", "prompt_harm": "Severe"}]
        self.refused(tmp_path, pairs, rows, r"labels.jsonl, line 2: prompt_harm is 'Severe'")

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, pairs):
        (tmp_path / "labels.csv").write_text("prompt_id,prompt_harm\na,1\nb,0,9\n")
        with pytest.raises(riskshift.FileError, match=r"labels.csv, line 3"):
            riskshift.analyze(pairs, taxonomy=HARM, labels=tmp_path / "labels.csv")


FRAMES = {
    "polars": pl.DataFrame,
    "polars, lazy": lambda rows: pl.DataFrame(rows).lazy(),
    "pandas": pd.DataFrame,
    "pyarrow": pa.Table.from_pylist,
}


class TestFrames:
    @pytest.mark.parametrize("library", FRAMES)
    def test_frames_of_one_library_are_joined_as_files_are(self, tmp_path, library):
        make = FRAMES[library]
        result = riskshift.analyze(make(PAIRS), taxonomy=HARM, labels=make(PROMPTS))
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)
        assert any("2 of 3 found a record" in note for note in result.notes)

    def test_relations_of_one_connection_are_joined(self, tmp_path):
        connection = duckdb.connect()
        for name, rows in (("pairs", PAIRS), ("labels", PROMPTS)):
            connection.register(f"{name}_held", pa.Table.from_pylist(rows))
        held, labels = (connection.sql(f"FROM {name}_held") for name in ("pairs", "labels"))
        result = riskshift.analyze(held, taxonomy=HARM, labels=labels)
        assert result.to_dict()["data_hash"] == digest(filled({"a": 1, "b": 0}), tmp_path)

    def test_what_cannot_meet_is_refused_with_the_way_out(self, pairs):
        for data, labels in (
            (pairs, pl.DataFrame(PROMPTS)),
            (pl.DataFrame(PAIRS), pairs),
            (pl.DataFrame(PAIRS), pd.DataFrame(PROMPTS)),
        ):
            with pytest.raises(riskshift.UsageError, match="both as files, or both as frames"):
                riskshift.analyze(data, taxonomy=HARM, labels=labels)


# One answer of promptfoo's red team that its grader found harmful.
LINE = {
    "success": False,
    "failureReason": 1,
    "gradingResult": {"pass": False, "componentResults": []},
    "testCase": {"assert": [{"type": "promptfoo:redteam:harmful:weeds"}]},
    "metadata": {"pluginId": "harmful:weeds"},
}


class TestLogs:
    @pytest.fixture
    def log(self, tmp_path):
        results = [
            LINE
            | {
                "provider": {"id": "x"},
                "prompt": {"raw": text},
                "response": {"output": f"{text} So."},
            }
            for text in ("Why?", "How?", "Who?")
        ]
        place = tmp_path / "run.json"
        place.write_text(json.dumps({"results": {"version": 3, "results": results}}))
        return place

    def test_a_log_gets_the_labels_that_it_lacks_and_says_no_more_that_it_lacks_them(
        self, tmp_path, log
    ):
        labels = written(tmp_path / "labels.jsonl", [{"prompt": "Why?", "prompt_harm": 1}])
        result = riskshift.analyze(log, labels=labels)
        assert result.population.overall["prompt_prevalence"].events == 1
        assert any("1 of 1 found a record" in note for note in result.notes)
        assert not any("does not label prompts" in note for note in result.notes)
        assert any("--labels FILE" in note for note in riskshift.analyze(log).notes)

    @pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
    def test_converted_it_has_them_and_says_the_same(self, tmp_path, log, suffix):
        labels = written(tmp_path / "labels.jsonl", [{"prompt": "Why?", "prompt_harm": 1}])
        made = riskshift.convert(log, tmp_path / f"pairs{suffix}", labels=labels)
        again = riskshift.analyze(made.output, taxonomy=made.taxonomy).to_dict()
        assert again["overall"] == riskshift.analyze(log, labels=labels).to_dict()["overall"]
        assert "with labels of" in str(made)

    def test_the_order_of_a_log_is_kept(self, tmp_path):
        results = [
            LINE
            | {"provider": {"id": "x"}, "prompt": {"raw": f"{at}?"}, "response": {"output": "So."}}
            for at in range(3_000)
        ]
        log = tmp_path / "run.json"
        log.write_text(json.dumps({"results": {"version": 3, "results": results}}))
        labels = written(tmp_path / "labels.jsonl", [{"prompt": "7?", "prompt_harm": 1}])
        made = riskshift.convert(log, tmp_path / "pairs.jsonl", labels=labels)
        assert pl.read_ndjson(made.output)["prompt"].to_list() == [f"{at}?" for at in range(3_000)]

    def test_the_doctor_takes_them(self, tmp_path, log):
        labels = written(tmp_path / "labels.jsonl", [{"prompt": "Why?", "prompt_harm": 1}])
        found = riskshift.doctor(log, labels=labels)
        assert str(found.then).endswith(f"--labels {labels}")
        assert any("Prompts: 1 labelled in full" in line for line in found.told)

    def test_a_taxonomy_without_labels_would_change_nothing(self, tmp_path, log):
        with pytest.raises(riskshift.UsageError, match="--labels FILE"):
            riskshift.convert(log, tmp_path / "pairs.csv", taxonomy=HARM)


ids = st.text("abc", min_size=1, max_size=2)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(ids, min_size=1, max_size=12),
    st.dictionaries(ids, st.sampled_from([0, 1]), min_size=1),
)
def test_labels_that_are_joined_say_the_same_as_labels_that_stand_there(prompts, labels):
    rows = pl.DataFrame({"prompt_id": prompts, "sample": range(len(prompts)), "response_harm": 0})
    given_apart = pl.DataFrame({"prompt_id": list(labels), "prompt_harm": list(labels.values())})
    whole = rows.with_columns(
        pl.Series("prompt_harm", [labels.get(prompt) for prompt in prompts], pl.Int64)
    )
    if not set(prompts) & set(labels):
        with pytest.raises(riskshift.DataError, match="None of the"):
            riskshift.analyze(rows, taxonomy=HARM, labels=given_apart)
        return
    joined = riskshift.analyze(rows, taxonomy=HARM, labels=given_apart, resamples=10)
    there = riskshift.analyze(whole, taxonomy=HARM, resamples=10)
    assert joined.to_dict()["data_hash"] == there.to_dict()["data_hash"]
