"""How many pairs people must label, held against textbook variances and against simulation."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.graded.correction import ppi_rate
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.planning.label_power import WAYS, GradedPairs, equal_shares
from riskshift.stats.planning.power import trials_for_width, trials_to_pass
from riskshift.stats.proportion import clopper_pearson

rates = st.floats(0.05, 0.6)
qualities = st.floats(0.55, 0.99)
ways = st.sampled_from(WAYS)


@st.composite
def graders(draw, least=2_000, most=50_000):
    return GradedPairs.assumed(
        draw(rates),
        sensitivity=draw(qualities),
        specificity=draw(qualities),
        pairs=draw(st.integers(least, most)),
    )


def correlation(graded):
    """Of people's labels and the grader's: phi of the two-by-two table."""
    cells = graded.shares[1:, 1:3]
    rows, columns = cells.sum(axis=1), cells.sum(axis=0)
    return (cells[1, 1] - rows[1] * columns[1]) / sqrt(rows.prod() * columns.prod())


@pytest.mark.parametrize(("rate", "sensitivity"), [(0.2, 0.9), (0.4, 0.7), (0.1, 0.95)])
@pytest.mark.parametrize("labels", [2_000, 10_000])
def test_labels_at_random_are_worth_what_the_variance_of_ppi_says(rate, sensitivity, labels):
    """Angelopoulos, Duchi and Zrnic 2023: with the best weight, 1 - r^2 N / (n + N) of var(y) / n."""
    graded = GradedPairs.assumed(rate, sensitivity=sensitivity, specificity=0.9, pairs=50_000)
    others = (graded.pairs - labels) / graded.pairs
    expected = labels / (1 - correlation(graded) ** 2 * others)
    assert graded.worth(labels, "random") == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("rate", "sensitivity"), [(0.3, 0.9), (0.4, 0.7)])
def test_labels_by_strata_are_worth_what_the_variance_of_double_sampling_says(rate, sensitivity):
    """Cochran 1977, chapter 12: within strata over their labels, between them over all pairs."""
    graded = GradedPairs.assumed(rate, sensitivity=sensitivity, specificity=0.9, pairs=50_000)
    of = graded.shares.sum(axis=0)[1:3]
    p = graded.shares[2, 1:3] / of
    variance = of**2 @ (p * (1 - p)) / 5_000 + of @ (p - rate) ** 2 / graded.pairs
    expected = rate * (1 - rate) / variance
    assert graded.worth(10_000, "strata") == pytest.approx(expected, rel=0.01)


def test_a_grader_that_knows_nothing_helps_nothing():
    graded = GradedPairs.assumed(0.1, sensitivity=0.3, specificity=0.7, pairs=10_000)
    assert graded.worth(500, "random") == pytest.approx(500, rel=1e-6)
    assert graded.labels_for_width(0.05, "random") == trials_for_width(0.1, 0.05)


@given(graders(), ways, st.integers(50, 900), st.integers(1, 900))
@settings(max_examples=40)
def test_more_labels_are_worth_more(graded, way, labels, more):
    assert graded.worth(labels + more, way) > graded.worth(labels, way)


@given(graders(), ways, st.floats(0.03, 0.1), st.floats(1.05, 2))
@settings(max_examples=20)
def test_a_narrower_interval_takes_more_labels(graded, way, width, times):
    wide, narrow = (graded.labels_for_width(w, way) for w in (width * times, width))
    most = graded.pairs + 1  # where not even all suffice
    assert (narrow or most) >= (wide or most)


@given(graders(20_000, 20_000), st.floats(0.03, 0.1))
@settings(max_examples=20)
def test_a_better_grader_and_more_graded_pairs_take_no_more_labels_at_random(graded, width):
    perfect = np.diag([0.0, 1 - graded.rate, graded.rate, 0.0])[:3]
    better = replace(graded, shares=(graded.shares + perfect) / 2)
    one = graded.labels_for_width(width, "random")
    assert better.labels_for_width(width, "random") <= one
    assert replace(graded, pairs=40_000).labels_for_width(width, "random") <= one


@given(graders(), st.floats(1, 8))
@settings(max_examples=30)
def test_all_pairs_labelled_are_worth_all_pairs_less_what_they_share(graded, deff):
    shared = replace(graded, deff=deff)
    for way in ("alone", "random"):
        assert shared.worth(graded.pairs, way) == pytest.approx(graded.pairs / deff, rel=0.01)
    assert 200 / deff <= shared.worth(200, "alone") <= 200


@given(st.integers(0, 300), st.lists(st.integers(1, 200), min_size=1, max_size=4))
def test_labels_are_shared_out_equally_and_none_is_lost(labels, sizes):
    labels = min(labels, sum(sizes))
    given_out = equal_shares(labels, np.array(sizes, float))
    assert given_out.sum() == pytest.approx(labels)
    assert (given_out <= np.array(sizes) + 1e-9).all()
    # A stratum with fewer than another is one that has no more.
    assert all(
        n >= given_out.max() - 1e-9 or n == size for n, size in zip(given_out, sizes, strict=True)
    )


def drawn_at_random(graded, labels, rng):
    cells = graded.shares[1:, 1:3]
    seen = rng.multinomial(labels, cells.ravel())
    others = rng.multinomial(graded.pairs - labels, cells.sum(axis=0))
    table, rest, at = np.zeros((6, 2, 2), int), np.zeros((6, 2), int), np.arange(4)
    table[at, at // 2, at % 2] = rest[4, 0] = rest[5, 1] = 1
    made = ppi_rate(table, rest, np.concatenate([seen, others]))
    size = made.effective_n
    return clopper_pearson(min(size, made.estimate * size), size)


def drawn_by_strata(graded, labels, rng):
    cells = graded.shares[1:, 1:3]
    every = rng.multinomial(graded.pairs, cells.sum(axis=0))
    held = equal_shares(labels, every.astype(float)).astype(int)
    harmful = rng.binomial(held, cells[1] / cells.sum(axis=0))
    table, pairs = np.zeros((6, 2, 2), int), np.zeros((6, 2), int)
    for kind in range(6):
        pairs[kind, kind % 2] = 1
        if kind < 4:
            table[kind, kind % 2, kind // 2] = 1
    weight = np.concatenate([held - harmful, harmful, every - held])
    return stratified_rate(table, pairs, weight, method=clopper_pearson).interval


@pytest.mark.parametrize("way", ["random", "strata"])
@pytest.mark.parametrize(
    ("rate", "tolerance", "sensitivity", "specificity"),
    [(0.03, 0.05, 0.9, 0.98), (0.1, 0.15, 0.8, 0.9), (0.05, 0.02, 0.6, 0.95)],
)
def test_a_gate_reaches_its_verdict_with_the_labels_planned(
    way, rate, tolerance, sensitivity, specificity
):
    graded = GradedPairs.assumed(
        rate, sensitivity=sensitivity, specificity=specificity, pairs=20_000
    )
    labels = graded.labels_for_rule(tolerance, way)
    draw = drawn_at_random if way == "random" else drawn_by_strata
    rng = np.random.default_rng(5)
    ends = [draw(graded, labels, rng) for _ in range(400)]
    right = [e.high <= tolerance if rate < tolerance else e.low > tolerance for e in ends]
    assert 0.8 - 2 * 0.02 < np.mean(right) < 0.95


def test_without_help_a_rule_takes_the_labels_of_an_ordinary_gate():
    graded = GradedPairs.assumed(0.03, sensitivity=0.9, specificity=0.98, pairs=20_000)
    assert graded.labels_for_rule(0.05, "alone") == trials_to_pass(0.03, 0.05)


@pytest.mark.parametrize("way", WAYS)
def test_too_few_graded_pairs_are_said_to_be_too_few(way):
    graded = GradedPairs.assumed(0.3, sensitivity=0.6, specificity=0.6, pairs=500)
    assert graded.labels_for_width(0.02, way) is None


def test_shares_that_are_none_are_refused():
    with pytest.raises(UsageError, match="add up to 1"):
        GradedPairs(np.full((3, 4), 0.1), 100)
    with pytest.raises(UsageError, match="3 states"):
        GradedPairs(np.full((2, 2), 0.25), 100)
