"""Two models with several answers a prompt: the sign-flip test and the clustered interval."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import t_quantile
from riskshift.stats.matched.paired import mcnemar_exact, tango_exact
from riskshift.stats.matched.paired_clusters import clustered_tango, sign_flip

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "paired_exact.json").read_text())


def ends(interval):
    return interval.low, interval.high


def mirrored(interval):
    return -interval.high, -interval.low


@st.composite
def clusters(draw, most_pairs=5, kinds=6):
    m = draw(st.integers(1, kinds))
    cells = np.array([[0, 0, 0, 0]] * m)
    for row in cells:
        for cell in draw(st.lists(st.integers(0, 3), max_size=most_pairs)):
            row[cell] += 1
    assume(cells.any())
    weight = [draw(st.integers(1, 40)) for _ in range(m)]
    return (*cells.T, np.array(weight))


# The sign-flip test


@pytest.mark.parametrize("case", [*GOLDEN["sign_flip"], GOLDEN["sign_flip_many"]])
def test_sign_flip_agrees_with_r(case):
    lean = case["lean"]
    assert sign_flip(lean, np.ones(len(lean))) == pytest.approx(case["p"], rel=1e-9)


leans = st.lists(st.integers(-4, 4), min_size=1, max_size=9)


@given(leans, st.sampled_from([1, 0.5, 1 / 3, 0.1]))
def test_every_choice_of_signs_counts_once(lean, scale):
    turned = [abs(np.dot(signs, lean)) for signs in product((-1, 1), repeat=len(lean))]
    expected = np.mean(np.array(turned) >= abs(sum(lean)))
    found = sign_flip(np.array(lean) * scale, np.ones(len(lean)))
    assert found == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 20))
def test_repeating_the_same_answers_is_no_evidence(a_only, b_only, times):
    once = mcnemar_exact(a_only, b_only)
    assert sign_flip([times, -times, 0], [a_only, b_only, 50]) == pytest.approx(once, rel=1e-9)


@given(leans, st.integers(1, 50))
def test_swapping_the_models_keeps_p(lean, weight):
    lean, weight = np.array(lean), np.full(len(lean), weight)
    assert sign_flip(lean, weight) == pytest.approx(sign_flip(-lean, weight), rel=1e-9)


@given(leans, st.randoms(use_true_random=False))
def test_neither_order_nor_kinds_nor_even_prompts_change_p(lean, random):
    shuffled = random.sample(lean, len(lean))
    one = sign_flip([*shuffled, 0], [*np.ones(len(lean)), 70])
    kinds, weight = np.unique(lean, return_counts=True)
    assert one == pytest.approx(sign_flip(kinds, weight), rel=1e-9)


def test_many_uneven_prompts_are_normal():
    rng = np.random.default_rng(8)
    lean = rng.normal(0.02, 1, 4_000)
    expected = 2 * norm.sf(abs(lean.sum()) / np.sqrt(lean @ lean))
    assert sign_flip(lean, np.ones(4_000)) == pytest.approx(expected, rel=1e-9)


def test_where_exact_sums_end_they_are_normal_but_for_their_steps():
    """8,020 steps: the chance of a sum of 180 or more, in steps of 2."""
    spread = np.sqrt(9 * 2_520 + 4 * 230)
    expected = 2 * norm.sf(179 / spread)
    assert sign_flip([3, -3, 2, -2], [1_300, 1_220, 100, 130]) == pytest.approx(expected, rel=1e-3)


def test_one_prompt_that_outweighs_all_others_leaves_them_to_decide():
    """Whichever its sign, the sum reaches as far where the others' does."""
    lean = np.random.default_rng(2).uniform(-0.5, 0.5, 3_000)
    expected = norm.sf(lean.sum() / np.sqrt(lean @ lean))
    assert sign_flip([*lean, 5_000.25], np.ones(3_001)) == pytest.approx(expected, rel=1e-5)


def test_few_prompts_of_any_size_are_turned_one_by_one():
    """50 sizes without a common step, held to 200,000 random turns."""
    rng = np.random.default_rng(4)
    lean = rng.normal(0.3, 1, 50) ** 3
    turns = rng.choice([-1, 1], (200_000, 50)) @ lean
    expected = np.mean(np.abs(turns) >= abs(lean.sum()))
    assert sign_flip(lean, np.ones(50)) == pytest.approx(expected, rel=0.03)


def test_no_lean_is_no_evidence():
    assert sign_flip([0, 0], [4, 9]) == 1
    assert sign_flip([2], [0]) == 1
    assert sign_flip([], []) == 1


@pytest.mark.parametrize(
    ("lean", "weight", "message"),
    [
        ([1, 2], [1], "must be 1-d"),
        ([1, float("nan")], [1, 1], "finite"),
        ([1, 2], [1, 0.5], "whole counts"),
        ([1, 2], [1, -1], "whole counts"),
    ],
)
def test_leans_that_cannot_be_are_refused(lean, weight, message):
    with pytest.raises(UsageError, match=message):
        sign_flip(lean, weight)


# Tango's interval over clusters


def test_the_design_effect_is_the_survey_variance_with_three_clusters_added():
    """Variance by R's survey package; the rest by hand from the documented rule."""
    data = GOLDEN["clusters"]
    size, a_only, b_only = (np.array(data[name]) for name in ("size", "a_only", "b_only"))
    lean, n, groups = a_only - b_only, size.sum(), len(size)
    discordant = np.abs(lean).sum()
    typical = (size**2).sum() / n
    added = 3 * discordant / (lean != 0).sum()
    above = data["variance"] * n**2 + added * typical
    deff = above / (discordant - lean.sum() ** 2 / n + added)
    ones = np.ones(groups)
    interval, sample = clustered_tango(0 * ones, a_only, b_only, size - a_only - b_only, ones)
    effective = n / deff * (t_quantile(n - 1, 0.95) / t_quantile(groups - 1, 0.95)) ** 2
    assert sample.deff == pytest.approx(deff, rel=1e-9)
    assert (sample.n, sample.clusters) == (pytest.approx(effective, rel=1e-9), groups)
    toward, away = (np.maximum(side, 0).sum() * effective / n for side in (lean, -lean))
    plain = tango_exact(0, toward, away, effective - toward - away)
    assert sign_flip(lean, ones) < 0.05
    assert ends(interval) == pytest.approx(ends(plain), abs=1e-12)


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any))
def test_clusters_of_one_pair_give_the_plain_interval(table):
    rows = np.eye(4, dtype=int)
    interval, sample = clustered_tango(*rows, table)
    assert ends(interval) == pytest.approx(ends(tango_exact(*table)), abs=1e-12)
    assert (sample.deff, sample.n, sample.clusters) == (1.0, sum(table), sum(table))


@given(clusters())
def test_clusters_never_make_the_interval_narrower(data):
    both, a_only, b_only, neither, weight = data
    interval, sample = clustered_tango(*data)
    size, lean = both + a_only + b_only + neither, a_only - b_only
    toward, away = np.maximum(lean, 0) @ weight, np.maximum(-lean, 0) @ weight
    plain = tango_exact(0, toward, away, size @ weight - toward - away)
    assert sample.deff >= 1
    assert sample.n <= size @ weight * (1 + 1e-12)
    assert interval.low <= plain.low + 1e-12
    assert interval.high >= plain.high - 1e-12


@given(clusters())
def test_zero_is_left_out_only_where_whole_prompts_reject(data):
    interval, _ = clustered_tango(*data)
    if interval.low > 0 or interval.high < 0:
        assert sign_flip(data[1] - data[2], data[4]) < 0.05


@given(clusters())
def test_swapping_the_models_mirrors_the_clustered_interval(data):
    both, a_only, b_only, neither, weight = data
    swapped, _ = clustered_tango(both, b_only, a_only, neither, weight)
    interval, _ = clustered_tango(*data)
    assert ends(swapped) == pytest.approx(mirrored(interval), abs=1e-12)


@given(clusters())
def test_twice_the_prompts_narrow_the_clustered_interval(data):
    *cells, weight = data
    assume(weight.sum() > 1)
    once, _ = clustered_tango(*cells, weight)
    twice, _ = clustered_tango(*cells, 2 * weight)
    assert twice.high - twice.low < once.high - once.low


@given(clusters(), st.randoms(use_true_random=False))
def test_order_of_kinds_and_empty_clusters_do_not_matter(data, random):
    order = random.sample(range(len(data[4])), len(data[4]))
    shuffled = [np.append(column[order], 0) for column in data[:4]]
    again, _ = clustered_tango(*shuffled, np.append(data[4][order], 7))
    assert ends(again) == pytest.approx(ends(clustered_tango(*data)[0]), abs=1e-12)


def test_repeated_answers_that_never_vary_are_worth_one_each():
    """1,000 prompts, each answered 5 times alike, say about as much as 1,000 pairs."""
    cells = 5 * np.eye(4, dtype=int)
    _, sample = clustered_tango(*cells, [100, 120, 80, 700])
    assert sample.deff == pytest.approx(5, rel=0.01)
    assert sample.n == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize("times", [2, 5, 20])
@pytest.mark.parametrize("discordant", [(4, 0), (7, 1), (30, 12)])
def test_repeating_the_same_answers_moves_the_interval_by_little(times, discordant):
    table = (20, *discordant, 276 - sum(discordant))
    once = tango_exact(*table)
    often, _ = clustered_tango(*(times * np.eye(4, dtype=int)), table)
    assert ends(often) == pytest.approx(ends(once), abs=0.02 * (once.high - once.low))


def test_one_cluster_says_nothing_beyond_itself():
    interval, sample = clustered_tango([1], [2], [0], [1], [1])
    assert ends(interval) == (-1, 1)
    assert (sample.n, sample.clusters) == (0, 1)


def test_no_pairs_have_no_difference():
    with pytest.raises(UsageError, match="no pairs"):
        clustered_tango([0], [0], [0], [0], [5])


def test_negative_counts_of_clusters_are_refused():
    with pytest.raises(UsageError, match="none negative"):
        clustered_tango([0], [-1], [2], [0], [5])
