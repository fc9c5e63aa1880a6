"""One call from data to results: every option is honoured, and results are what they look like."""

import dataclasses
import re
import warnings

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import riskshift
from riskshift import Taxonomy, analyze, read
from riskshift.errors import ColumnError, UsageError
from riskshift.report.writing import to_json
from riskshift.stats.proportion import clopper_pearson, wilson

TWO = Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"resamples": 200, "permutations": 200}


@pytest.fixture(scope="module")
def pairs():
    """Six prompts to two models, in two languages, grouped in three goals."""
    prompts = [f"p{i}" for i in range(6)]
    return pl.DataFrame(
        {
            "prompt_id": prompts * 2,
            "model": ["a"] * 6 + ["b"] * 6,
            "goal": ["g1", "g1", "g2", "g2", "g3", "g3"] * 2,
            "language": ["de", "fr"] * 6,
            "prompt": [f"question {p}" for p in prompts] * 2,
            "response": [f"answer {i}" for i in range(12)],
            "prompt_hate": [0, 1, 2, 3, 0, 0] * 2,
            "response_hate": [1, 1, 0, 3, 0, 2, 0, 0, 0, 3, 0, 3],
            "prompt_fraud": [0, 0, 0, 1, 1, 0] * 2,
            "response_fraud": [0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0],
        }
    )


@pytest.fixture(scope="module")
def taxonomy():
    return Taxonomy(["hate", "fraud"])


@pytest.fixture(scope="module")
def run(pairs, taxonomy):
    def analyzed(**options):
        return analyze(pairs, taxonomy=taxonomy, **(FAST | options))

    return analyzed


class TestOptions:
    def test_confidence_is_that_of_every_interval(self, run):
        result = run(confidence=0.8)
        assert result.to_dict()["confidence"] == pytest.approx(0.8)
        assert {r.interval.confidence for _, r in result.population.rates() if r.trials} == {0.8}
        assert {c.interval.confidence for c in result.population.contrasts.items} == {0.8}
        assert result.population.shift.interval.confidence == pytest.approx(0.8)
        wide = run(confidence=0.99).rate("escalation").interval
        narrow = result.rate("escalation").interval
        assert wide.low < narrow.low < narrow.high < wide.high

    @pytest.mark.parametrize("confidence", [0, 1, 95, -0.5])
    def test_impossible_confidence_is_refused(self, run, confidence):
        with pytest.raises(UsageError, match="between 0 and 1"):
            run(confidence=confidence)

    @pytest.mark.parametrize("labels_by", [None, "grader", "people"])
    def test_a_grader_s_mistakes_are_spoken_of_unless_people_labelled(self, run, labels_by):
        notes = run(labels_by=labels_by).notes
        assert notes[0].startswith("The labels are taken as they are.")
        assert ("grader" in " ".join(notes)) is (labels_by != "people")

    def test_people_s_labels_correct_a_grader_s_only(self, run):
        with pytest.raises(UsageError, match=r"labels_by 'people' .*\(--people FILE\)"):
            run(labels_by="people", people="people.csv")

    def test_what_corrected_rates_speak_of_needs_people_s_labels(self, run):
        with pytest.raises(UsageError, match=r"about 'file' .*labels too \(--people FILE\)"):
            run(about="file")

    @pytest.mark.parametrize(
        ("name", "method"), [("wilson", wilson), ("clopper-pearson", clopper_pearson)]
    )
    def test_interval_is_the_one_asked_for(self, run, name, method):
        result = run(interval=name, model="a")
        for _, rate in result.population.rates():
            if rate.trials:
                assert rate.interval == method(rate.events, rate.trials)
        assert {c.interval.method for c in result.population.contrasts.items} == {f"mover-{name}"}

    def test_unknown_interval_names_the_known(self, run):
        with pytest.raises(UsageError, match=r"did you mean 'wilson'.*wilson, clopper-pearson"):
            run(interval="wilsn")

    def test_seed_moves_the_bootstrap_and_nothing_else(self, run):
        one, same, other = (run(seed=seed).rate("escalation") for seed in (1, 1, 2))
        assert one == same
        assert one.interval == other.interval
        assert run(seed=1).to_dict()["seed"] == 1
        boots = {
            (contrast.bootstrap.low, contrast.bootstrap.high)
            for seed in range(8)
            for contrast in run(seed=seed, resamples=50).population.contrasts.items
        }
        assert len(boots) > 1

    @pytest.mark.parametrize(
        "wrong", [{"seed": -1}, {"seed": 1.5}, {"resamples": 0}, {"permutations": -3}]
    )
    def test_impossible_draws_are_refused(self, run, wrong):
        (name,) = wrong
        with pytest.raises(UsageError, match=f"{name} is {wrong[name]}"):
            run(**wrong)

    def test_draws_are_as_many_as_asked_for(self, run):
        result = run(resamples=123)
        assert result.rate("escalation").bootstrap.resamples == 123
        assert result.to_dict()["resamples"] == 123

    def test_reference_is_compared_with_the_others(self, run):
        contrasts = run(reference="fraud").population.contrasts
        assert [(c.a, c.b) for c in contrasts.items] == [("fraud", "hate")]
        assert (contrasts.reference, contrasts.chosen_from_data) == ("fraud", False)

    def test_unknown_reference_names_the_categories(self, run):
        with pytest.raises(UsageError, match=r"'haet'.*did you mean 'hate'.*hate, fraud"):
            run(reference="haet")

    def test_all_pairs_are_compared(self, corpus_path):
        contrasts = analyze(corpus_path, all_pairs=True, cases=0, **FAST).population.contrasts
        assert len({frozenset((c.a, c.b)) for c in contrasts.items}) == 6
        assert contrasts.reference is None
        assert all(c.difference >= 0 for c in contrasts.items)
        assert {c["family"] for c in contrasts.to_dict()} == {"all pairs"}

    @pytest.mark.parametrize("by", ["language", ["language"], ("language",)])
    def test_by_groups(self, run, by):
        groups = run(by=by).groups
        assert list(groups) == ["model", "language"]
        assert {value: group.records for value, group in groups["language"].items()} == {
            "de": 6,
            "fr": 6,
        }

    def test_every_grouping_stands_by_itself(self, run):
        assert list(run(by=["language", "goal"]).groups) == ["model", "language", "goal"]

    def test_model_keeps_only_its_records(self, run):
        result = run(model="b")
        assert result.population.records == 6
        assert result.groups == {}
        everything = run()
        assert result.population.matrix == everything.groups["model"]["b"].matrix

    def test_cluster_widens_what_its_records_share(self, run):
        by_prompt, by_goal = run(), run(cluster="goal")
        told = {"column": "goal", "count": 3, "repeated": True, "groups": None}
        assert by_goal.to_dict()["clusters"] == told
        assert by_prompt.to_dict()["clusters"]["count"] == 6
        narrow, wide = (r.rate("escalation").interval for r in (by_prompt, by_goal))
        assert wide.high - wide.low > narrow.high - narrow.low

    @pytest.mark.parametrize(("limit", "kept"), [(0, 0), (2, 2), (50, 12)])
    def test_cases_are_at_most_so_many_and_the_worst(self, run, limit, kept):
        cases = run(cases=limit).cases
        assert len(cases) == kept
        loud = [case for case in cases if max(case.response.values())]
        rises = [max(c.response.values()) - max(c.prompt.values()) for c in loud]
        assert rises == sorted(rises, reverse=True)
        assert cases[: len(loud)] == tuple(loud)
        if cases:
            assert (cases[0].prompt_id, cases[0].model, rises[0]) == ("p5", "b", 3)

    def test_text_is_left_out_on_request(self, run):
        with_text, without = run().cases[0], run(text=False).cases[0]
        assert (with_text.prompt_text, with_text.response_text) == ("question p5", "answer 11")
        assert (without.prompt_text, without.response_text) == (None, None)
        assert without.to_dict() == with_text.to_dict()

    def test_columns_with_other_names(self, pairs, taxonomy, run):
        renamed = pairs.rename({"prompt_id": "uid", "response_hate": "out"})
        columns = {"prompt_id": "uid", "response_hate": "out"}
        for mapped in (columns, riskshift.Columns(**columns)):
            result = analyze(renamed, taxonomy=taxonomy, columns=mapped, **FAST)
            assert result.provenance.data_hash == run().provenance.data_hash
        with pytest.raises(ColumnError, match="response_hate"):
            analyze(renamed, taxonomy=taxonomy)

    def test_progress_is_told_in_words(self, run):
        told = []
        run(progress=told.append)
        assert told[0] == "opening the data"
        assert "estimating" in told

    def test_records_are_read_once_and_analyzed_often(self, pairs, taxonomy, run):
        records = read(pairs, taxonomy=taxonomy)
        assert analyze(records, **FAST).rate("escalation") == run().rate("escalation")
        with pytest.raises(UsageError, match=r"read already, so by, model would change nothing"):
            analyze(records, model="a", by="language")

    def test_frames_are_not_changed(self, pairs, taxonomy):
        before = pairs.clone()
        analyze(pairs, taxonomy=taxonomy, **FAST)
        assert pairs.equals(before)


class TestResult:
    def test_results_cannot_be_changed(self, run):
        result = run()
        rate = result.rate("escalation")
        for frozen, field in (
            (result, "population"),
            (result.population, "records"),
            (rate, "events"),
            (rate.interval, "low"),
            (result.cases[0], "model"),
            (result.provenance, "seed"),
            (result.population.contrasts.items[0], "difference"),
        ):
            assert dataclasses.is_dataclass(frozen)
            with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
                setattr(frozen, field, 0)

    def test_text_says_the_findings_and_every_rate(self, run):
        result = run()
        lines = str(result).splitlines()
        assert " ".join(lines).startswith(" ".join(result.summary))
        assert lines[-1] == str(result.population.overall["severe_response"])
        assert "escalation: 3 of 12, 25.0% [" in str(result)
        assert "(wilson, 95%)" in str(result)

    def test_level_is_never_rounded_to_certainty(self, run):
        assert "(wilson, 99.9%)" in str(run(confidence=0.999).rate("escalation"))

    def test_rate_without_trials_says_so(self):
        frame = pl.DataFrame({"prompt_harm": [0], "response_harm": [0]})
        rate = analyze(frame, taxonomy=TWO).rate("persistence", "harm")
        assert str(rate) == "persistence: undefined (no records in the denominator)"
        assert (rate.estimate, rate.interval, rate.worst_case) == (None, None, None)

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            (("escalations",), "did you mean 'escalation'"),
            (("persistence", "spam"), "Choices: "),
            (("persistence",), "persistence is asked of one category"),
            (("escalation", "harm"), "category metric 'escalation' is unknown"),
            (("refusal",), "the data do not tell it"),
        ],
    )
    def test_unknown_metric_or_category_says_what_there_is(self, run, asked, says):
        with pytest.raises(UsageError, match=re.escape(says)):
            run().rate(*asked)

    def test_a_category_may_stand_in_brackets_as_on_the_command_line(self, run):
        result = run()
        category = result.taxonomy.categories[0]
        assert result.rate(f"persistence[{category}]") is result.rate("persistence", category)

    def test_notebook_page_escapes_what_comes_from_the_data(self):
        hostile = '<img src=x onerror="alert(1)">'
        odd = Taxonomy([hostile], ["Safe", "<b>Harmful</b>"])
        frame = pl.DataFrame({f"prompt_{hostile}": [1, 0], f"response_{hostile}": [1, 1]})
        page = analyze(frame, taxonomy=odd)._repr_html_()
        assert "<img" not in page
        assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in page
        assert "<table>" in page
        assert "nan" not in page.casefold()

    def test_notebook_page_has_a_row_for_every_rate(self, run):
        result = run()
        rates = list(result.population.rates())
        assert result._repr_html_().count("<tr>") == len(rates) + 1


class TestFrames:
    @pytest.fixture
    def result(self, pairs, taxonomy):
        return analyze(pairs.filter(pl.col("prompt_id") != "p9"), taxonomy=taxonomy, **FAST)

    @pytest.mark.parametrize(
        ("library", "kind"),
        [("polars", pl.DataFrame), ("pandas", pd.DataFrame), ("pyarrow", pa.Table)],
    )
    def test_any_library_on_request(self, result, library, kind):
        frame = result.to_frame(library)
        assert type(frame) is kind
        rows = list(result.rows())
        assert len(frame) == len(rows)
        assert list(getattr(frame, "column_names", None) or frame.columns) == list(rows[0])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = pl.DataFrame(frame) if library != "pyarrow" else pl.from_arrow(frame)
        first = again.filter(pl.col("metric") == "escalation", pl.col("by") == "").row(
            0, named=True
        )
        assert (first["events"], first["trials"], first["group"]) == (3, 12, "")
        assert first["low"] == result.rate("escalation").interval.low

    @pytest.mark.parametrize(
        ("convert", "kind"),
        [
            (lambda f: f, pl.DataFrame),
            (lambda f: f.lazy(), pl.DataFrame),
            (lambda f: f.to_pandas(), pd.DataFrame),
            (lambda f: f.to_arrow(), pa.Table),
        ],
    )
    def test_the_library_the_data_came_in_is_the_default(self, pairs, taxonomy, convert, kind):
        result = analyze(convert(pairs), taxonomy=taxonomy, **FAST)
        assert type(result.to_frame()) is kind

    def test_files_come_back_in_a_library_that_is_there(self, pairs, taxonomy, tmp_path):
        pairs.write_csv(tmp_path / "pairs.csv")
        result = analyze(tmp_path / "pairs.csv", taxonomy=taxonomy, **FAST)
        assert result.provenance.engine == "duckdb"
        assert type(result.to_frame()) is pl.DataFrame

    def test_undefined_is_null(self):
        frame = pl.DataFrame({"prompt_harm": [0], "response_harm": [0]})
        found = analyze(frame, taxonomy=TWO).to_frame()
        empty = found.filter(pl.col("trials") == 0)
        assert len(empty) > 0
        assert empty["estimate"].null_count() == empty["low"].null_count() == len(empty)
        assert found["estimate"].is_nan().any() is False

    def test_unknown_library_names_the_known(self, result):
        with pytest.raises(UsageError, match=r"'pollars'.*did you mean 'polars'.*pandas, pyarrow"):
            result.to_frame("pollars")

    def test_without_any_library_it_says_what_to_install(self, result, monkeypatch):
        import importlib.util

        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(ImportError, match="pip install polars"):
            result.to_frame()


class TestData:
    def test_every_way_in_gives_the_same_numbers(self, pairs, taxonomy, tmp_path):
        pairs.write_csv(tmp_path / "pairs.csv")
        pairs.write_parquet(tmp_path / "pairs.parquet")
        pairs.write_ndjson(tmp_path / "pairs.jsonl")
        arrow = pairs.to_arrow()
        connection = duckdb.connect()
        connection.register("pairs", arrow)
        ways = [
            pairs,
            pairs.to_pandas(),
            arrow,
            connection.table("pairs"),
            tmp_path / "pairs.csv",
            str(tmp_path / "pairs.parquet"),
            [tmp_path / "pairs.jsonl"],
        ]
        hashes = {analyze(way, taxonomy=taxonomy, **FAST).provenance.data_hash for way in ways}
        assert len(hashes) == 1

    @pytest.mark.parametrize("data", [None, 7, {"prompt_hate": [1]}, object()])
    def test_other_objects_are_refused(self, data):
        with pytest.raises(UsageError, match="cannot read"):
            analyze(data)

    def test_wide_taxonomies_work(self):
        many = Taxonomy([f"c{i}" for i in range(30)], ["Safe", "Harmful"])
        columns = {f"{s}_c{i}": [i % 2, 0, 1] for s in ("prompt", "response") for i in range(30)}
        result = analyze(pl.DataFrame(columns), taxonomy=many, cases=3, resamples=50)
        assert len(result.population.categories) == 30
        assert "NaN" not in to_json(result)
