"""How alike the records of one cluster are."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, dirichlet_multinomial

from riskshift.stats.clusters.intracluster import _MASS, _RHO, _rises, correlation_belief, design

EVENT = np.array([1.0, 0.0])
GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "intracluster.json").read_text())


@st.composite
def clusters(draw, outcomes=2, most=6, kinds=6):
    cell = st.lists(st.integers(0, most), min_size=outcomes, max_size=outcomes).filter(any)
    counts = draw(st.lists(cell, min_size=1, max_size=kinds))
    weight = [draw(st.integers(1, 30)) for _ in counts]
    return np.array(counts, dtype=float).T, np.array(weight, dtype=float)


def outcomes(case):
    x, n, w = (np.array(case[column], dtype=float) for column in "xnw")
    return np.stack([x, n - x]), w


@pytest.mark.parametrize("name", GOLDEN["tables"])
def test_design_effect_is_near_the_integral_over_the_correlation_and_the_rate_by_r(name):
    """Laplace's approximation over the rate is coarse from very few events, and fine from many."""
    case = GOLDEN["tables"][name]
    counts, weight = outcomes(case)
    loose = (counts @ weight).min() <= 10 and name != "apart"
    found = design(counts, EVENT, weight).deff
    assert found == pytest.approx(case["deff"][0], rel=0.12 if loose else 0.02)


def test_belief_is_the_prior_times_scipys_beta_binomial():
    counts, weight = outcomes(GOLDEN["tables"]["unequal"])
    x, n = counts[0], counts.sum(axis=0)
    belief = []
    for rho, mass in zip(_RHO, _MASS, strict=True):
        each = weight / (1 + (n - 1) * rho)
        worth = each @ n + 1
        rate, spread = (each @ x + 0.5) / worth, (1 - rho) / rho
        log_likelihood = weight @ betabinom.logpmf(x, n, rate * spread, (1 - rate) * spread)
        belief.append(np.log(mass) + log_likelihood - np.log(worth) / 2)
    belief = np.exp(np.array(belief) - max(belief))
    # scipy's own logarithms of gamma cancel where rho is smallest.
    assert correlation_belief(counts, weight) == pytest.approx(belief / belief.sum(), abs=1e-5)


def test_belief_of_three_outcomes_is_the_prior_times_scipys_dirichlet_multinomial():
    counts = np.array([[1.0, 0, 2, 0], [0, 2, 0, 0], [4, 3, 3, 5]])
    weight, size = np.array([6.0, 3, 2, 40]), 5
    belief = []
    for rho, mass in zip(_RHO, _MASS, strict=True):
        each = weight / (1 + (size - 1) * rho)
        worth = each.sum() * size + 1.5
        shares = (counts @ each + 0.5) / worth
        law = dirichlet_multinomial(shares * (1 - rho) / rho, size)
        log_likelihood = sum(
            w * law.logpmf(c.astype(int)) for c, w in zip(counts.T, weight, strict=True)
        )
        belief.append(np.log(mass) + log_likelihood - np.log(worth))
    belief = np.exp(np.array(belief) - max(belief))
    assert correlation_belief(counts, weight) == pytest.approx(belief / belief.sum(), abs=1e-5)


@pytest.mark.parametrize("start", [1e-6, 0.3, 15.9, 16.1, 1e4, 1e9])
@pytest.mark.parametrize("times", [1, 2, 7, 100])
def test_rises_are_sums_of_logarithms(start, times):
    plain = sum(np.log1p(i / start) for i in range(times))
    found = _rises(np.array([start]), np.array([float(times)]), np.ones(1))
    assert found[0] == pytest.approx(plain, rel=1e-9, abs=1e-13)


@given(clusters())
def test_the_order_of_outcomes_and_the_splitting_of_kinds_change_nothing(data):
    counts, weight = data
    one, other = (design(c, EVENT, 2 * weight) for c in (counts, counts[::-1]))
    split = design(np.tile(counts, 2), EVENT, np.tile(weight, 2))
    assert (other.deff, other.pieces) == pytest.approx((one.deff, one.pieces), rel=1e-8)
    assert (split.deff, split.pieces) == pytest.approx((one.deff, one.pieces), rel=1e-8)


@given(clusters(outcomes=3))
def test_design_effect_lies_between_one_and_the_size_that_a_record_lives_in(data):
    counts, weight = data
    n = counts.sum(axis=0)
    found = design(counts, np.array([1.0, -1, 0]), weight)
    assert 1 <= found.deff <= (weight @ n**2) / (weight @ n) + 1e-9
    assert found.pieces >= 1 - 1e-9


def test_clusters_that_agree_are_one_piece_each_and_one_that_dominates_is_one():
    alike = design(np.array([[20.0, 0], [0, 20]]), EVENT, np.array([25.0, 25]))
    assert alike.deff == pytest.approx(20, rel=0.02)
    assert alike.pieces == pytest.approx(50, rel=0.05)
    dominated = design(np.array([[400.0, 0, 9], [0, 10, 1]]), EVENT, np.array([1.0, 20, 2]))
    assert dominated.pieces == pytest.approx(1, abs=0.2)


def test_the_cost_does_not_grow_with_the_number_of_clusters():
    """A million clusters of three kinds are three kinds, and the belief is sharp."""
    counts = np.array([[0.0, 1, 2], [2, 1, 0]])
    found = design(counts, EVENT, np.array([460_000.0, 80_000, 460_000]))
    assert found.deff == pytest.approx(1.84, abs=0.03)
