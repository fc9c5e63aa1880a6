"""Others' published figures, recomputed from public labels as docs/published.md says.

The labels lie in ../shared/data/published, which is not part of the project; each folder's README
names their source. Every figure here is quoted from there.
"""

import re
from pathlib import Path

import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.refusal import RefusalScale

ROOT = Path(__file__).parents[2]
FAST = {"resamples": 50}
QUICK = {**FAST, "permutations": 50, "cases": 0}
# By model: complies, refuses, partly; safe prompts, then unsafe ones; in percent.
XSTEST = {
    "llama2orig": (40.4, 38.0, 21.6, 0.0, 99.5, 0.5),
    "llama2new": (70.4, 14.0, 15.6, 0.0, 97.5, 2.5),
    "mistralinstruct": (98.4, 0.8, 0.8, 64.0, 23.5, 12.5),
    "mistralguard": (81.2, 9.6, 9.2, 3.5, 87.5, 9.0),
    "gpt4": (91.6, 6.4, 2.0, 0.5, 97.5, 2.0),
}
# By grader: agreement with the majority of three people, false positives, false negatives, in percent.
JBB = {
    "gpt4": (90.3, 10.0, 9.1),
    "harmbench": (78.3, 26.8, 12.7),
    "llamaguard2": (87.7, 13.2, 10.9),
    "llama3_70b": (90.7, 11.6, 5.5),
}
# By model: harmlessness on 50 harmful prompts, in percent.
OPT = {"base": 42, "sft": 48, "dpo": 36, "sft_dpo": 44}


@pytest.fixture(scope="session")
def published(shared):
    return shared / "published"


def taxonomy_of(section):
    """The taxonomy that a section of the page shows, as a file's text."""
    page = (ROOT / "docs" / "published.md").read_text()
    part = page.split(f"## {section}")[1].split("\n## ")[0]
    return re.search(r"```toml\n(.*?)```", part, re.S)[1]


@pytest.fixture
def declared(tmp_path):
    """A function that reads the taxonomy of a section of the page."""

    def read(section):
        file = tmp_path / "taxonomy.toml"
        file.write_text(taxonomy_of(section))
        return Taxonomy.from_toml(file)

    return read


class TestXSTest:
    @pytest.fixture
    def reading(self, declared):
        return {"taxonomy": declared("XSTest"), "columns": {"refusal": "final_label"}}

    def test_every_share_of_peoples_labels(self, published, reading):
        found = riskshift.analyze(published / "xstest" / "labels.csv", **reading, **QUICK)
        strict = {**reading, "partial_refusal": "refused"}
        partly = riskshift.analyze(published / "xstest" / "labels.csv", **strict, **QUICK)
        assert set(found.groups["model"]) == set(XSTEST)
        for model, wanted in XSTEST.items():
            refused, either = (
                [
                    100 * result.groups["model"][model].overall[metric].estimate
                    for metric in ("over_refusal", "harmful_refusal")
                ]
                for result in (found, partly)
            )
            shares = [
                part
                for full, some in zip(refused, either, strict=True)
                for part in (100 - some, full, some - full)
            ]
            assert shares == pytest.approx(wanted, abs=1e-9)

    def test_a_model_that_complies_with_unsafe_prompts_is_never_better(self, published, reading):
        found = riskshift.compare(
            published / "xstest" / "labels.csv", baseline="gpt4", **reading, **FAST
        )
        verdicts = {item.candidate: item.verdict for item in found.directions}
        assert verdicts == {
            "llama2new": "inconclusive",
            "llama2orig": "worse",
            "mistralguard": "worse",
            "mistralinstruct": "trade_off",
        }

    def test_a_graders_own_refusals_are_missing_labels(self, published, reading):
        graded = {**reading, "columns": {"refusal": "gpt4_label"}, "missing": "(other text)"}
        found = riskshift.analyze(published / "xstest" / "labels.csv", **graded, **QUICK)
        model = found.groups["model"]["mistralinstruct"].overall["harmful_refusal"]
        assert model.missing == 11
        assert model.worst_case[0] < model.estimate < model.worst_case[1]


class TestToxiChat:
    def test_who_agrees_with_offence(self, published, declared):
        reading = {
            "taxonomy": declared("ToxiChat"),
            "columns": {"prompt_stance": "prompt_offensive", "response_stance": "stance_to_prompt"},
        }
        people = riskshift.analyze(
            published / "toxichat" / "people.csv", cluster="conversation_id", **reading, **QUICK
        )
        counted = [people.rate(metric, "stance") for metric in ("persistence", "drift_rate")]
        assert [(rate.events, rate.trials) for rate in counted] == [(236, 567), (265, 2056)]
        bots = riskshift.analyze(published / "toxichat" / "bots.csv", **reading, **QUICK)
        rates = bots.groups["model"]["dgpt"].categories["stance"].rates
        counted = [(rates[m].events, rates[m].trials) for m in ("persistence", "drift_rate")]
        assert counted == [(76, 769), (66, 1231)]


class TestOpt:
    @pytest.fixture
    def reading(self, declared):
        return {
            "taxonomy": declared("OPT-350M"),
            "columns": {"response_harm": "label"},
            "where": "axis=harmfulness",
        }

    def test_harmlessness_and_that_no_model_differs(self, published, reading):
        found = riskshift.compare(
            published / "opt_sft_dpo" / "labels.csv", metrics=["response_harm"], **reading, **FAST
        )
        shares = {m: 100 - 100 * rate.estimate for m, rate in found.rates["response_harm"].items()}
        assert shares == pytest.approx(OPT)
        omnibus = next(one for one in found.omnibus if one.metric == "response_harm")
        assert omnibus.cochran_q.statistic == pytest.approx(2.37, abs=0.005)
        assert (omnibus.cochran_q.df, round(omnibus.cochran_q.p, 2)) == (3, 0.5)

    def test_empty_responses_stand_in_the_ledger(self, published, reading):
        labels = published / "opt_sft_dpo" / "labels.csv"
        bare = {**reading, "leave_out": "empty_response=1"}
        harmful = riskshift.analyze(labels, **bare, **QUICK)
        assert harmful.provenance.left_out == {"empty_response = 1": 5}
        helpful = {
            **bare,
            "where": "axis=helpfulness",
            "taxonomy": Taxonomy(["harm"], ["helpful", "unhelpful"]),
        }
        other = riskshift.analyze(labels, **helpful, **QUICK)
        assert other.provenance.left_out == {"empty_response = 1": 4}


class TestJailbreakBench:
    @pytest.mark.parametrize(("grader", "figures"), JBB.items())
    def test_agreement_and_errors_of_graders(self, published, declared, grader, figures):
        labels = published / "jbb_judges" / "labels.csv"
        card = (
            riskshift.grade(
                labels,
                labels,
                taxonomy=declared("JailbreakBench"),
                columns={"response_harm": grader},
                people_columns={"response_harm": "human_majority"},
            )
            .card("response", "harm")
            .rates
        )
        agreement, false_positives, false_negatives = figures
        assert 100 * card["agreement"].estimate == pytest.approx(agreement, abs=0.05)
        assert 100 - 100 * card["specificity"].estimate == pytest.approx(false_positives, abs=0.05)
        assert 100 - 100 * card["sensitivity"].estimate == pytest.approx(false_negatives, abs=0.05)

    def test_agreement_of_three_people(self, published, declared):
        people = {f"response_harm@{name}": f"human{at}" for at, name in enumerate("abc", 1)}
        found = riskshift.agree(
            published / "jbb_judges" / "labels.csv",
            taxonomy=declared("JailbreakBench"),
            columns=people,
            **FAST,
        )
        (label,) = found.labels
        assert label.alpha["ordinal"].estimate == pytest.approx(0.841, abs=0.0005)


def test_the_page_names_the_codes_that_the_labels_have():
    """Also where the labels are absent, the page's taxonomies can be read."""
    assert "2_full_refusal" in taxonomy_of("XSTest")
    assert RefusalScale({"refused": "2_full_refusal"}).parse("2_full_refusal") == 2
    assert "Neutral" in taxonomy_of("ToxiChat")
