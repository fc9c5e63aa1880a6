"""Sets of prompts in every job: the cluster, or plainly not."""

import json

import polars as pl
import pytest
from jsonschema import Draft202012Validator

import riskshift
from riskshift.report.writing import json_schema
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])
MODELS = ("careful", "open")


def rows(model):
    """Twenty sets of three prompts; the open model answers every fourth set with harm."""
    for at in range(20):
        for severity in range(3):
            harm = severity if model == "open" and at % 4 == 0 else 0
            refused = severity == 2 or (model == "careful" and at % 5 == 0)
            yield {
                "prompt_id": f"s{at}v{severity}",
                "set": f"s{at}",
                "model": model,
                "prompt_harm": severity,
                "response_harm": harm,
                "refusal": "refused" if refused else "complied",
            }


PAIRS = pl.DataFrame([row for model in MODELS for row in rows(model)])
WITHOUT = PAIRS.drop("set")


@pytest.fixture(scope="module")
def result():
    return riskshift.analyze(PAIRS, taxonomy=HARM, resamples=200)


class TestAnalyze:
    def test_models_are_judged_by_themselves_and_never_pooled(self, result):
        assert result.population.sets is None
        told = {name: group.sets for name, group in result.groups["model"].items()}
        assert {name: sets.right_on_all_variants.events for name, sets in told.items()} == {
            "careful": 16,
            "open": 15,
        }
        note = "What is said within sets is said of each model by itself, never of several at once."
        assert note in result.notes

    @pytest.mark.parametrize("model", MODELS)
    def test_a_model_alone_is_told_the_same(self, result, model):
        alone = riskshift.analyze(PAIRS, taxonomy=HARM, model=model, resamples=200)
        assert alone.population.sets == result.groups["model"][model].sets
        assert any("sets with a harmless and a harmful prompt" in said for said in alone.summary)

    def test_other_groups_are_told_where_there_is_one_model(self):
        one = PAIRS.filter(pl.col("model") == "open").with_columns(
            half=pl.col("set").is_in([f"s{at}" for at in range(10)])
        )
        found = riskshift.analyze(one, taxonomy=HARM, by="half", resamples=200)
        assert {name: group.sets.count for name, group in found.groups["half"].items()} == {
            "false": 10,
            "true": 10,
        }
        several = PAIRS.with_columns(half=pl.lit("x"))
        found = riskshift.analyze(several, taxonomy=HARM, by="half", resamples=200)
        assert found.groups["half"]["x"].sets is None

    def test_sets_are_what_intervals_and_provenance_are_about(self, result):
        assert result.to_dict()["clusters"] == {
            "column": "set",
            "count": 20,
            "repeated": True,
            "groups": None,
        }
        prompts = riskshift.analyze(WITHOUT, taxonomy=HARM, resamples=200)
        rate, other = (found.rate("response_harm") for found in (result, prompts))
        assert rate.estimate == other.estimate
        assert rate.effective_n < other.effective_n

    def test_another_cluster_is_honoured_and_nothing_is_said_within_sets(self):
        found = riskshift.analyze(
            PAIRS, taxonomy=HARM, cluster="prompt_id", model="open", resamples=200
        )
        assert found.population.sets is None
        assert any("nothing is said within sets" in note for note in found.notes)

    def test_without_sets_nothing_is_said_of_them(self):
        found = riskshift.analyze(WITHOUT, taxonomy=HARM, resamples=200)
        assert all(group.sets is None for group in found.groups["model"].values())
        assert not any("within sets" in note for note in found.notes)

    def test_sets_that_lack_a_variant_are_counted(self):
        one = PAIRS.filter(pl.col("model") == "open", pl.col("prompt_id") != "s3v0")
        found = riskshift.analyze(one, taxonomy=HARM, resamples=200)
        assert found.population.sets.left_out == {"no harmless prompt": 1}
        assert any(note.startswith("1 of 20 sets is not known to hold") for note in found.notes)

    @pytest.mark.parametrize("suffix", ["html", "md", "tex", "json", "csv"])
    def test_every_format_is_written(self, result, tmp_path, suffix):
        path = tmp_path / f"report.{suffix}"
        riskshift.write(result, path)
        text = path.read_text()
        assert suffix == "csv" or "right" in text
        if suffix == "json":
            sets = json.loads(text)["groups"]["model"]["open"]["sets"]
            assert sets["right_on_all_variants"]["trials"] == 20

    def test_it_meets_the_schema(self, result):
        alone = riskshift.analyze(PAIRS, taxonomy=HARM, model="open", resamples=200)
        for made in (result, alone):
            Draft202012Validator(json_schema("analysis")).validate(made.to_dict())


class TestRaters:
    def test_agreement_is_by_sets_too(self):
        one = PAIRS.filter(pl.col("model") == "open").drop("model", "refusal")
        both = pl.concat([one.with_columns(annotator=pl.lit(name)) for name in ("x", "y")])
        found = riskshift.agree(both, taxonomy=HARM, resamples=200)
        assert (found.provenance.cluster, found.provenance.units) == ("set", 20)


class TestWhatIsMatchedPromptByPrompt:
    def test_a_comparison_is_the_same_and_says_that_it_does_not_allow_for_sets(self):
        with_sets, without = (
            riskshift.compare(data, baseline="careful", taxonomy=HARM) for data in (PAIRS, WITHOUT)
        )
        assert with_sets.differences == without.differences
        assert with_sets.coverage == without.coverage
        told = [note for note in with_sets.notes if note not in without.notes]
        assert len(told) == 1
        assert "as if the prompts of a set were independent" in told[0]

    def test_so_does_a_gate_against_a_baseline(self):
        rule = "response_harm - baseline <= 20%"

        def checked(data):
            one, other = (data.filter(pl.col("model") == name) for name in ("open", "careful"))
            return riskshift.check(one, rule, baseline=other, taxonomy=HARM)

        with_sets, without = checked(PAIRS), checked(WITHOUT)
        assert with_sets.results == without.results
        assert any("as if the prompts of a set" in said for said in with_sets.warnings)

    def test_a_gate_of_one_model_rests_on_sets(self):
        open_only = [data.filter(pl.col("model") == "open") for data in (PAIRS, WITHOUT)]
        one, other = (
            riskshift.check(data, "response_harm <= 40%", taxonomy=HARM).results[0].to_dict()
            for data in open_only
        )
        assert one["rate"]["high"] > other["rate"]["high"]

    def test_a_plan_like_matched_models_is_the_same(self):
        one, other = (
            riskshift.plan(metric="response_harm", difference=0.1, like=data, taxonomy=HARM)
            for data in (PAIRS, WITHOUT)
        )
        assert one.to_dict()["plan"] == other.to_dict()["plan"]
