"""Association of two ordinal variables."""

import json
from math import atanh, sqrt, tanh
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import t_quantile
from riskshift.stats.crosstabs.ordinal import Gamma, gamma, linear_by_linear
from riskshift.stats.proportion import normal_quantile

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "association.json").read_text())
TABLES = GOLDEN["tables"]
CLUSTERED = GOLDEN["clustered"]
SATISFACTION = [[1, 3, 10, 6], [2, 3, 10, 7], [1, 6, 14, 12], [0, 1, 9, 11]]

tables = arrays(
    np.int64, st.tuples(st.integers(2, 4), st.integers(2, 4)), elements=st.integers(0, 9)
)
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("case", TABLES)
def test_ordinal_measures_agree_with_r(case):
    """The error of gamma comes from numerical derivatives, not from the closed form used here."""
    strength, trend = gamma(case["table"]), linear_by_linear(case["table"])
    estimate, error = case["gamma"]["estimate"], case["gamma"]["error"]
    half = normal_quantile(0.95) * error / (1 - estimate**2)
    assert strength.estimate == pytest.approx(estimate, rel=1e-10)
    expected = tanh(atanh(estimate) - half), tanh(atanh(estimate) + half)
    assert (strength.low, strength.high) == pytest.approx(expected, rel=1e-7)
    assert trend.statistic == pytest.approx(case["linear_by_linear"], rel=1e-10)
    assert trend.p == pytest.approx(case["linear_by_linear_p"], rel=1e-9)


def test_trend_with_scores_agrees_with_coin():
    case = GOLDEN["scored"]
    trend = linear_by_linear(
        case["table"], row_scores=case["row_scores"], column_scores=case["column_scores"]
    )
    assert trend.statistic == pytest.approx(case["statistic"], rel=1e-10)


def test_job_satisfaction_has_the_figures_agresti_printed():
    """Categorical Data Analysis: C = 1331, D = 849, gamma = 0.221; M^2 = 2.98."""
    assert gamma(SATISFACTION).estimate == pytest.approx((1331 - 849) / (1331 + 849), rel=1e-12)
    assert round(linear_by_linear(SATISFACTION).statistic, 2) == pytest.approx(2.98)


def test_gamma_of_clusters_agrees_with_survey_svymean():
    cells, weight = np.array(CLUSTERED["cells"]), np.array(CLUSTERED["weight"])
    pooled = np.tensordot(weight, cells, 1)
    strength = gamma(pooled, clusters=(cells, weight))
    estimate, error = CLUSTERED["gamma"]["estimate"], CLUSTERED["gamma"]["error"]
    half = t_quantile(CLUSTERED["df_t"], 0.95) * error / (1 - estimate**2)
    assert strength.estimate == pytest.approx(estimate, rel=1e-10)
    expected = tanh(atanh(estimate) - half), tanh(atanh(estimate) + half)
    assert (strength.low, strength.high) == pytest.approx(expected, rel=1e-7)


@quick
@given(tables)
def test_gamma_of_single_records_as_clusters_is_the_plain_one_up_to_its_quantile(table):
    plain = gamma(table)
    assume(plain is not None and plain.low is not None)
    n = table.sum()
    cells = np.eye(table.size).reshape(table.size, *table.shape)
    clustered = gamma(table, clusters=(cells, table.ravel()))
    ratio = sqrt(n / (n - 1)) * t_quantile(n - 1, 0.95) / normal_quantile(0.95)
    half = (atanh(plain.high) - atanh(plain.low)) / 2 * ratio
    assume(half < 8)  # beyond, tanh is 1 to the last digit
    expected = tanh(atanh(plain.estimate) - half), tanh(atanh(plain.estimate) + half)
    assert (clustered.low, clustered.high) == pytest.approx(expected, abs=1e-9)


@quick
@given(tables)
def test_gamma_turns_its_sign_when_one_variable_is_reversed(table):
    one, other = gamma(table), gamma(table[::-1])
    assert (one is None) == (other is None)
    if one is not None:
        assert other.estimate == -one.estimate
        assert gamma(table.T).estimate == one.estimate
    if one is not None and one.low is not None:
        assert -1 <= one.low < one.estimate < one.high <= 1
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


@quick
@given(tables)
def test_gamma_is_that_of_all_pairs_counted_one_by_one(table):
    records = np.repeat(np.argwhere(table >= 0), table.ravel(), axis=0)
    signs = np.sign(np.subtract.outer(records[:, 0], records[:, 0])) * np.sign(
        np.subtract.outer(records[:, 1], records[:, 1])
    )
    concordant, discordant = (signs > 0).sum(), (signs < 0).sum()
    strength = gamma(table)
    if concordant + discordant == 0:
        assert strength is None
    else:
        expected = (concordant - discordant) / (concordant + discordant)
        assert strength.estimate == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[5, 0], [0, 7]], Gamma(1.0, None, None)),
        ([[0, 5], [7, 0]], Gamma(-1.0, None, None)),
        ([[0, 1, 0], [1, 0, 1], [0, 1, 0]], Gamma(0.0, None, None)),
        ([[4, 9], [0, 0]], None),
        ([[0, 0], [0, 0]], None),
    ],
    ids=["one", "minus one", "no error", "one row", "nothing"],
)
def test_gamma_leaves_out_what_it_cannot_know(table, expected):
    assert gamma(table) == expected


def test_gamma_of_one_cluster_has_no_interval():
    cells = [[[3, 1], [1, 3]]]
    assert gamma(cells[0], clusters=(cells, [1])) == Gamma(0.8, None, None)


@quick
@given(tables, st.floats(0.1, 10), st.floats(-5, 5))
def test_trend_depends_on_scores_only_up_to_a_line(table, scale, shift):
    one = linear_by_linear(table)
    other = linear_by_linear(table, row_scores=shift + scale * np.arange(len(table)))
    assert (one is None) == (other is None)
    if one is not None:
        assert other.statistic == pytest.approx(one.statistic, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("table", [[[3, 4], [0, 0]], [[0, 3], [0, 4]], [[0, 0], [0, 0]]])
def test_one_row_or_column_has_no_trend(table):
    assert linear_by_linear(table, row_scores=[0.1, 0.7], column_scores=[0.3, 0.9]) is None


def test_clusters_and_scores_that_do_not_fit_the_table_are_refused():
    with pytest.raises(UsageError, match="add up"):
        gamma([[1, 2], [3, 4]], clusters=([[[1, 0], [0, 1]]], [2]))
    with pytest.raises(UsageError, match="scores"):
        linear_by_linear([[1, 2], [3, 4]], row_scores=[1, 2, 3])
