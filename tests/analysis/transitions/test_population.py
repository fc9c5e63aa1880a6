"""Everything estimated from one table of counts."""

import json

import pytest

from riskshift.analysis.metrics import category_metrics, overall_metrics
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.population import estimate

FAST = Settings(resamples=100, permutations=100)


@pytest.fixture
def counts(counts_of):
    rows = [(0, 0, 1, 0), (1, 0, 0, 0), (1, 1, 1, 0), (0, 2, 0, 2), (0, 0, 0, None)]
    return counts_of(*rows, relevance=[3, 1, 2, 3, 3])


def test_every_rate_stands_once_under_its_category(counts):
    population = estimate(counts, FAST)
    places = [(category, rate.name) for category, rate in population.rates()]
    taxonomy, told = counts.taxonomy, counts.told
    assert places == [("", metric.name) for metric in overall_metrics(taxonomy, told)] + [
        (category, metric.name)
        for category in ("a", "b")
        for metric in category_metrics(taxonomy, told)
    ]


def test_records_are_all_there_with_or_without_labels(counts):
    population = estimate(counts, FAST)
    assert population.records == 5
    assert population.overall["escalation"].trials == 4


def test_options_reach_the_contrasts(counts):
    assert estimate(counts, FAST, reference="b").contrasts.reference == "b"
    assert estimate(counts, FAST, all_pairs=True).contrasts.reference is None


def test_plain_data_hold_what_the_results_hold(counts):
    population = estimate(counts, FAST)
    found = json.loads(json.dumps(population.to_dict(), allow_nan=False))
    assert list(found) == [
        "overall",
        "categories",
        "contrasts",
        "exposure",
        "escalation_origin",
        "relevance",
        "one_bit",
        "sets",
        "records",
    ]
    assert found["overall"]["transition_matrix"] == [list(row) for row in population.matrix.rows]
    assert found["overall"]["mean_shift"] == population.shift.to_dict()
    assert found["categories"]["b"]["persistence"]["trials"] == 2
    assert found["relevance"]["missing"] == 0


def test_data_without_relevance_have_null(counts_of):
    population = estimate(counts_of((0, 0, 1, 0)), FAST)
    assert population.relevance is None
    assert population.to_dict()["relevance"] is None


def test_same_counts_and_seed_give_the_same_result(counts):
    assert estimate(counts, FAST) == estimate(counts, FAST)
