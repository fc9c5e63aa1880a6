"""The packaged corpus and the public labels give the figures their authors published.

Source of every number here unless it says otherwise: microsoft/PairedSafety
(analysis/statistical_uncertainty, analysis/relevance_significance) and arXiv 2604.26052. Only the
counts are theirs row by row; see tests/published/test_corpus.py.
"""

import json
from dataclasses import replace
from fractions import Fraction
from math import sqrt

import pytest

import riskshift
from riskshift.report.stories.transitions.story import story
from riskshift.stats.proportion import wilson

OVERALL = {
    "escalation": (40, 1250, 0.023587077127465488, 0.04328059440379139),
    "preservation": (447, 1250, 0.33150323793765046, 0.38456931852827025),
    "reduction": (763, 1250, 0.5830671175558136, 0.637056406082967),
    "conditional_reduction": (763, 854, 0.8709581288716903, 0.9124034038336919),
    "response_harm": (141, 1250, 0.09643590657050778, 0.13153666269637823),
}
# category: persistence, drift, escalations, prompts with room to escalate
CATEGORIES = {
    "hate": ((24, 329), 13, 13, 1154),
    "self_harm": ((12, 106), 6, 6, 1216),
    "sexual": ((47, 189), 11, 17, 1142),
    "violence": ((19, 230), 14, 16, 1144),
}
# Percentile bootstrap of whole records.
CONTRASTS = {
    "hate": (0.10929837320307483, 0.24431274216438245),
    "self_harm": (0.04778292998595743, 0.22108766419269543),
    "violence": (0.09543312677209359, 0.23762693233215323),
}
# The same at 1 - 0.05 / 3, for three contrasts named before the data were seen.
SIMULTANEOUS = {
    "hate": (0.09531, 0.25952),
    "self_harm": (0.02763, 0.23925),
    "violence": (0.08000, 0.25333),
}
BY_RESPONSE_SEVERITY = {0: (28, 71, 1010), 1: (1, 6, 88), 2: (0, 14, 25), 3: (0, 1, 6)}
QUADRANTS = {
    "hate": [(0, 0, 24), (14, 7, 284), (0, 0, 13), (15, 85, 808)],
    "self_harm": [(0, 2, 10), (1, 5, 88), (0, 1, 5), (28, 84, 1026)],
    "sexual": [(0, 7, 40), (4, 10, 128), (0, 3, 8), (25, 72, 953)],
    "violence": [(0, 6, 13), (7, 7, 197), (1, 3, 10), (21, 76, 909)],
}
FISHER_HARMFUL_AGAINST_SAFE = {
    "any category": 0.015430863469405864,
    "hate": 0.043072061393699776,
    "self_harm": 0.4073398776285656,
    "sexual": 0.06411091251413992,
    "violence": 0.0006729221083596458,
}
PER_MODEL = {
    "llama-3.3-70b": {
        "escalation": (32, 600),
        "preservation": (327, 600),
        "reduction": (241, 600),
        "response_harm": (86, 600),
        "harmful_prompt_compliance": (57, 285),
        "benign_drift": (29, 315),
        "compliance_escalation": 3,
        "unsolicited_elaboration": 29,
    },
    "gpt-oss-120b": {
        "escalation": (29, 600),
        "preservation": (305, 600),
        "reduction": (266, 600),
        "response_harm": (48, 600),
        "harmful_prompt_compliance": (21, 285),
        "benign_drift": (27, 315),
        "compliance_escalation": 2,
        "unsolicited_elaboration": 27,
    },
    "deepseek-v3.1": {
        "escalation": (47, 600),
        "preservation": (307, 600),
        "reduction": (246, 600),
        "response_harm": (93, 600),
        "harmful_prompt_compliance": (49, 285),
        "benign_drift": (44, 315),
        "compliance_escalation": 3,
        "unsolicited_elaboration": 44,
    },
}


def counted(rate):
    return rate.events, rate.trials


@pytest.fixture(scope="module")
def against_sexual(corpus_path):
    result = riskshift.analyze(corpus_path, reference="sexual", permutations=100, cases=0)
    return {contrast.b: contrast for contrast in result.population.contrasts.items}


@pytest.fixture(scope="module")
def tests_of_relevance(corpus):
    return {(test.family, test.name): test for test in corpus.population.relevance.tests}


class TestCorpus:
    @pytest.mark.parametrize("metric", OVERALL)
    def test_counts_and_wilson_intervals_are_the_published(self, corpus, metric):
        events, trials, low, high = OVERALL[metric]
        rate = corpus.rate(metric)
        assert counted(rate) == (events, trials)
        assert (rate.interval.low, rate.interval.high) == pytest.approx((low, high), abs=1e-9)
        assert (rate.interval.method, rate.deff) == ("wilson", None)

    def test_prompts_are_harmful_as_often_as_published(self, corpus):
        assert counted(corpus.rate("prompt_prevalence")) == (854, 1250)
        assert counted(corpus.rate("harmful_prompt_compliance")) == (109, 854)
        assert counted(corpus.rate("benign_drift")) == (32, 396)

    @pytest.mark.parametrize("category", CATEGORIES)
    def test_category_counts_are_the_published(self, corpus, category):
        persistence, drift, escalations, room = CATEGORIES[category]
        rates = corpus.population.categories[category].rates
        assert counted(rates["persistence"]) == persistence
        assert counted(rates["drift_rate"]) == (drift, 1250 - persistence[1])
        assert counted(rates["drift_share"]) == (drift, drift + persistence[0])
        assert counted(rates["category_escalation"]) == (escalations, 1250)
        assert counted(rates["category_escalation_room"]) == (escalations, room)

    @pytest.mark.parametrize("category", CATEGORIES)
    def test_what_stayed_and_what_came_in_add_up_to_the_response_prevalence(self, corpus, category):
        found = corpus.population.categories[category]
        stayed, drifted = found.rates["persistence"], found.rates["drift_rate"]
        harmful, prompts = found.rates["response_prevalence"], found.rates["prompt_prevalence"]
        assert stayed.events + drifted.events == harmful.events
        share = Fraction(prompts.events, prompts.trials)
        from_persistence = share * Fraction(stayed.events, stayed.trials)
        from_drift = (1 - share) * Fraction(drifted.events, drifted.trials)
        assert from_persistence + from_drift == Fraction(harmful.events, harmful.trials)
        assert found.from_persistence == pytest.approx(float(from_persistence))
        assert found.from_drift == pytest.approx(float(from_drift))

    def test_escalations_come_from_where_the_paper_says(self, corpus):
        origin = corpus.population.escalation_origin
        safe, harmful = origin.unsolicited_elaboration, origin.compliance_escalation
        assert counted(safe.of_escalations) == (32, 40)
        assert counted(safe.of_records) == (32, 1250)
        assert counted(harmful.of_escalations) == (8, 40)
        assert counted(harmful.of_records) == (8, 1250)
        interval = safe.of_escalations.interval
        assert (round(interval.low, 4), round(interval.high, 4)) == (0.6524, 0.8950)
        assert origin.topic_mandated is None
        assert sum(origin.landing_severity.values()) == 40

    def test_matrix_has_the_published_margins(self, corpus):
        matrix = corpus.population.matrix
        rows = matrix.rows
        assert sum(map(sum, rows)) == 1250
        assert sum(rows[0]) == 1250 - 854
        assert [sum(column) for column in zip(*rows, strict=True)] == [1109, 95, 39, 7]
        assert sum(rows[p][r] for p in range(4) for r in range(4) if r > p) == 40
        assert matrix.at(prompt="Safe", response="Safe") == 396 - 32


class TestContrasts:
    @pytest.mark.parametrize("other", CONTRASTS)
    def test_bootstrap_of_whole_records_agrees_with_the_published(self, corpus, other):
        found = {contrast.b: contrast for contrast in corpus.population.contrasts.items}[other]
        assert found.a == "sexual"
        ours = found.bootstrap
        assert (ours.low, ours.high) == pytest.approx(CONTRASTS[other], abs=0.005)
        assert (ours.method, ours.resamples) == ("percentile", 10_000)

    @pytest.mark.parametrize("other", CONTRASTS)
    def test_main_interval_is_mover_and_lies_near_the_published_bootstrap(self, corpus, other):
        """MOVER is the main interval because it has a width at zero events, where a bootstrap has none.

        It differs from the published percentile ends by up to 0.0055, at one end (self_harm, low).
        """
        found = {contrast.b: contrast for contrast in corpus.population.contrasts.items}[other]
        main = found.interval
        assert main.method == "mover-wilson"
        assert (main.low, main.high) == pytest.approx(CONTRASTS[other], abs=0.01)

    @pytest.mark.parametrize("other", SIMULTANEOUS)
    def test_contrasts_named_in_advance_agree_with_the_published_bonferroni(
        self, against_sexual, other
    ):
        ours = against_sexual[other].bootstrap_simultaneous
        assert ours.confidence == pytest.approx(1 - 0.05 / 3)
        assert (ours.low, ours.high) == pytest.approx(SIMULTANEOUS[other], abs=0.005)

    def test_difference_is_that_of_the_two_rates(self, against_sexual):
        assert against_sexual["hate"].difference == pytest.approx(47 / 189 - 24 / 329, abs=1e-15)

    def test_reference_picked_from_the_data_pays_for_every_pair(self, corpus, against_sexual):
        contrasts = corpus.population.contrasts
        assert (contrasts.reference, contrasts.chosen_from_data) == ("sexual", True)
        for contrast in contrasts.items:
            assert contrast.simultaneous.confidence == pytest.approx(1 - 0.05 / 6)
            named = against_sexual[contrast.b]
            assert contrast.simultaneous.low < named.simultaneous.low
            assert contrast.simultaneous.high > named.simultaneous.high


class TestRelevance:
    def test_tables_are_the_published(self, corpus):
        relevance = corpus.population.relevance
        assert relevance.by_response_severity == BY_RESPONSE_SEVERITY
        for category, rows in QUADRANTS.items():
            assert list(relevance.quadrants[category].values()) == rows
            assert list(relevance.quadrants[category]) == ["P+R+", "P+R-", "P-R+", "P-R-"]
            stayed, gone, came, _ = rows
            harmful = tuple(a + b for a, b in zip(stayed, came, strict=True))
            prompts = tuple(a + b for a, b in zip(stayed, gone, strict=True))
            assert relevance.by_harmful_response_category[category] == harmful
            assert relevance.by_prompt_category[category] == prompts

    def test_severity_and_relevance(self, tests_of_relevance):
        test = tests_of_relevance["omnibus", "response_severity x relevance"]
        assert (test.test, test.df) == ("permutation chi-square", 6)
        assert test.statistic == pytest.approx(50.16856980735566, rel=1e-12)
        assert test.p_asymptotic == pytest.approx(4.349097982231202e-09, rel=1e-9)
        # Published as 3.0e-4 to 4.2e-4, by Monte Carlo too; the room is four standard errors of ours.
        room = 4 * sqrt(3.6e-4 / 50_000)
        assert 3.0e-4 - room < test.p < 4.2e-4 + room
        assert test.cramers_v == pytest.approx(0.14165954935316666, rel=1e-12)
        assert test.cramers_v_corrected == pytest.approx(0.13301819121710803, rel=1e-12)
        assert test.exploratory

    def test_severity_two_against_the_rest(self, tests_of_relevance):
        test = tests_of_relevance["severity against the rest", "Medium against the rest"]
        assert test.table == ((25, 14), (1104, 107))
        assert test.odds_ratio == pytest.approx(0.17307194616977226, rel=1e-12)
        assert test.p == pytest.approx(5.683022326287873e-06, rel=1e-9)
        assert test.phi == pytest.approx(-0.15911854674037548, rel=1e-12)

    def test_category_and_relevance(self, tests_of_relevance):
        test = tests_of_relevance["omnibus", "harmful_response_category x relevance"]
        assert test.statistic == pytest.approx(14.409852404309166, rel=1e-12)
        assert test.cramers_v == pytest.approx(0.22214591961996177, rel=1e-12)
        assert test.cramers_v_corrected == pytest.approx(0.1704698852175639, rel=1e-12)
        assert test.p_asymptotic == pytest.approx(0.02537834775636588, rel=1e-9)
        assert test.p == pytest.approx(0.014, abs=4 * sqrt(0.014 / 50_000))
        assert test.overlap == 5

    @pytest.mark.parametrize("category", FISHER_HARMFUL_AGAINST_SAFE)
    def test_harmful_against_safe_response(self, tests_of_relevance, category):
        name = f"R+ ({category}) against R- ({category})"
        test = tests_of_relevance["harmful against safe response", name]
        assert test.p == pytest.approx(FISHER_HARMFUL_AGAINST_SAFE[category], rel=1e-9)
        assert test.unbounded == (category == "hate")
        assert (test.odds_ratio is None) == (category == "hate")

    def test_hate_against_violence(self, tests_of_relevance):
        test = tests_of_relevance["pairs of categories", "hate against violence"]
        assert test.p == pytest.approx(0.00023332489132289757, rel=1e-9)

    def test_holm_stays_within_a_family(self, tests_of_relevance):
        family = [
            test
            for (family, _), test in tests_of_relevance.items()
            if family == "harmful against safe response"
        ]
        smallest = min(family, key=lambda test: test.p)
        assert smallest.p_holm == pytest.approx(5 * smallest.p, rel=1e-12)
        assert max(family, key=lambda test: test.p).p_holm == pytest.approx(0.4073398776, rel=1e-9)


class TestPublicPairs:
    """Three models on the same 600 prompts; labels by a rubric grader, not people."""

    @pytest.mark.parametrize("model", PER_MODEL)
    def test_counts_of_each_model_are_the_published(self, public_pairs, model):
        population = public_pairs.groups["model"][model]
        published = dict(PER_MODEL[model])
        for name in ("unsolicited_elaboration", "compliance_escalation"):
            origin = getattr(population.escalation_origin, name)
            assert counted(origin.of_records) == (published.pop(name), 600)
        assert {name: counted(population.overall[name]) for name in published} == published

    @pytest.mark.parametrize("model", PER_MODEL)
    def test_one_record_a_prompt_is_independent(self, public_pairs, model):
        population = public_pairs.groups["model"][model]
        for _, rate in population.rates():
            assert (rate.deff, rate.effective_n, rate.bootstrap) == (None, None, None)
            if rate.trials:
                assert rate.interval == wilson(rate.events, rate.trials)

    def test_records_that_share_prompts_are_worth_half_as_many(self, public_pairs):
        rate = public_pairs.rate("escalation")
        assert counted(rate) == (108, 1800)
        assert 1.9 < rate.deff < 2.2
        alone = wilson(108, 1800)
        wider = (rate.interval.high - rate.interval.low) / (alone.high - alone.low)
        assert 1.35 < wider < 1.5
        boot = rate.bootstrap
        assert boot.high - boot.low == pytest.approx(
            rate.interval.high - rate.interval.low, rel=0.1
        )

    def test_the_report_says_that_records_share_prompts(self, public_pairs):
        said = " ".join(story(public_pairs).caveats)
        assert "1,800 records share 600 values of prompt_id" in said
        assert "design effect 2.0" in said

    def test_benign_labels_split_the_unsolicited_escalations(self, public_pairs):
        origin = public_pairs.population.escalation_origin
        unsolicited, mandated = origin.unsolicited_elaboration, origin.topic_mandated
        assert counted(unsolicited.of_records) == (100, 1800)
        assert 0 < mandated.of_records.events < 100
        assert counted(mandated.of_escalations) == (mandated.of_records.events, 108)

    def test_topic_mandated_counts_benign_prompts_that_escalate(self, public_pairs, shared):
        import polars as pl

        rows = pl.read_csv(shared / "paired_public_labels.csv")
        worst = {
            side: pl.max_horizontal(f"{side}_{category}" for category in CATEGORIES)
            for side in ("prompt", "response")
        }
        expected = rows.filter(
            pl.col("prompt_benign") & (worst["prompt"] == 0) & (worst["response"] > 0)
        )
        mandated = public_pairs.population.escalation_origin.topic_mandated
        assert mandated.of_records.events == len(expected)


def test_the_numbers_quoted_here_are_those_of_the_collected_figures(shared):
    figures = json.loads((shared / "published_figures.json").read_text(encoding="utf-8"))
    assert {name: tuple(figures["overall"][name]) for name in OVERALL} == {
        name: row[:2] for name, row in OVERALL.items()
    }
    assert {name: tuple(figures["wilson_95"][name]) for name in OVERALL} == {
        name: row[2:] for name, row in OVERALL.items()
    }
    for category, (persistence, drift, escalations, room) in CATEGORIES.items():
        assert tuple(figures["category_persistence"][category]) == persistence
        assert figures["category_drift_counts"][category] == drift
        assert figures["category_escalation_counts"][category] == escalations
        assert 1250 - figures["prompts_with_severity_3"][category] == room
        quadrants = figures["quadrants_relevance_123"][category]
        assert [tuple(row) for row in quadrants.values()] == QUADRANTS[category]
    published = figures["persistence_contrasts_95_paired_bootstrap"]
    assert {name: tuple(published[f"sexual-{name}"]) for name in CONTRASTS} == CONTRASTS
    assert figures["escalation_origin"] == {"safe_prompt": [32, 40], "harmful_prompt": [8, 40]}
    by_severity = figures["response_severity_by_relevance_123"]
    assert {int(level): tuple(row) for level, row in by_severity.items()} == BY_RESPONSE_SEVERITY
    per_model = figures["public_mini_eval"]["per_model"]
    assert {
        model: {
            name: tuple(value) if isinstance(value, list) else value for name, value in rows.items()
        }
        for model, rows in per_model.items()
    } == PER_MODEL


def test_results_are_the_same_on_every_run(corpus, corpus_path):
    again = riskshift.analyze(corpus_path)
    timeless = replace(corpus.provenance, timing={})
    assert replace(again, provenance=timeless) == replace(corpus, provenance=timeless)
