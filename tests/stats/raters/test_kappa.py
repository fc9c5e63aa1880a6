"""Weighted kappa of two raters and its intervals."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from riskshift.errors import UsageError
from riskshift.stats.clusters.table_interval import NEVER, UNDEFINED, standard_error
from riskshift.stats.raters.kappa import (
    disagreement,
    kappa_gradient,
    weighted_kappa,
    weighted_kappa_interval,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "agreement_labels.json").read_text())


@st.composite
def tables(draw, most=30):
    levels = draw(st.integers(2, 5))
    cells = draw(st.lists(st.integers(0, most), min_size=levels**2, max_size=levels**2))
    return np.array(cells).reshape(levels, levels)


def error_of(table, weights):
    """Large-sample standard error, over n as in the literature and not over n - 1."""
    table = np.asarray(table)
    distance = disagreement(len(table), weights)
    cells = np.eye(table.size).reshape(-1, *table.shape)
    n = table.sum()
    slope = lambda made: kappa_gradient(made, distance)  # noqa: E731
    return standard_error(cells, table.ravel(), slope) * np.sqrt((n - 1) / n)


@pytest.mark.parametrize("name", GOLDEN["kappas"])
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_and_its_standard_error_agree_with_vcd(name, weights):
    golden = GOLDEN["kappas"][name]
    of = golden["linear"] if weights == "none" else golden[weights]
    kappa, error = of["unweighted" if weights == "none" else "weighted"]
    assert weighted_kappa(golden["table"], weights=weights) == pytest.approx(kappa, rel=1e-12)
    assert error_of(golden["table"], weights) == pytest.approx(error, rel=1e-9)


@given(tables(), st.sampled_from(["linear", "quadratic"]))
def test_kappa_and_its_standard_error_agree_with_statsmodels(table, weights):
    assume(weighted_kappa(table, weights=weights) is not None and table.sum() > 1)
    with warnings.catch_warnings(action="ignore"):  # theirs, where a row is empty
        expected = cohens_kappa(table, wt=weights)
    assume(expected.std_kappa > 1e-6)
    assert weighted_kappa(table, weights=weights) == pytest.approx(expected.kappa, abs=1e-12)
    assert error_of(table, weights) == pytest.approx(expected.std_kappa, rel=1e-7)


@given(tables(most=200), st.sampled_from(["none", "linear", "quadratic"]))
def test_the_interval_lies_around_kappa(table, weights):
    held = weighted_kappa_interval(table, weights=weights).interval
    assume(held is not None)
    assert -1 <= held.low <= weighted_kappa(table, weights=weights) <= held.high <= 1
    assert held.low < held.high
    turned = weighted_kappa_interval(table.T, weights=weights).interval
    assert [turned.low, turned.high] == pytest.approx([held.low, held.high])


@pytest.mark.parametrize("table", [[[9, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_kappa_is_undefined_where_chance_never_disagrees(table):
    assert weighted_kappa(table) is None
    assert weighted_kappa_interval(table).reason == UNDEFINED


def test_few_records_without_disagreement_have_kappa_one_and_no_interval():
    assert weighted_kappa([[9, 0], [0, 3]]) == 1
    made = weighted_kappa_interval([[9, 0], [0, 3]])
    assert made.interval is None
    assert made.reason == NEVER


def test_a_kappa_table_must_be_square_and_its_weights_known():
    with pytest.raises(UsageError, match="square"):
        weighted_kappa([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(UsageError, match="'cubic' is unknown"):
        weighted_kappa([[1, 2], [3, 4]], weights="cubic")


def test_of_many_records_the_interval_is_the_large_sample_one():
    table = 100 * np.array(GOLDEN["kappas"]["four"]["table"])
    held = weighted_kappa_interval(table).interval
    kappa, half = weighted_kappa(table), 1.959963984540054 * error_of(table, "quadratic")
    assert [held.low, held.high] == pytest.approx([kappa - half, kappa + half], abs=0.03 * half)


def test_records_that_come_in_identical_pairs_widen_the_interval_of_kappa():
    table = 20 * np.array(GOLDEN["kappas"]["three"]["table"])
    alone = weighted_kappa_interval(table).interval
    cells = np.arange(9)
    pairs = (np.arange(0, 20, 2), np.repeat(cells, 2), table.ravel() // 2)
    paired = weighted_kappa_interval(table, clusters=pairs).interval
    assert (paired.high - paired.low) / (alone.high - alone.low) == pytest.approx(2**0.5, rel=0.05)
