"""Weighted kappa of two raters and its intervals."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from riskshift.errors import UsageError
from riskshift.stats import table_bootstrap
from riskshift.stats.kappa import kappa_bootstrap, weighted_kappa, weighted_kappa_interval
from riskshift.stats.resample import generator

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "agreement_labels.json").read_text())


@st.composite
def tables(draw, most=30):
    levels = draw(st.integers(2, 5))
    cells = draw(st.lists(st.integers(0, most), min_size=levels**2, max_size=levels**2))
    return np.array(cells).reshape(levels, levels)


@pytest.mark.parametrize("name", GOLDEN["kappas"])
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_and_its_interval_agree_with_vcd(name, weights):
    golden = GOLDEN["kappas"][name]
    of = golden["linear"] if weights == "none" else golden[weights]
    kappa, error = of["unweighted" if weights == "none" else "weighted"]
    interval = weighted_kappa_interval(golden["table"], weights=weights)
    assert weighted_kappa(golden["table"], weights=weights) == pytest.approx(kappa, rel=1e-12)
    assert interval.high - interval.low == pytest.approx(2 * 1.959963984540054 * error, rel=1e-9)
    limits = of["plain_limits" if weights == "none" else "limits"]
    assert [interval.low, interval.high] == pytest.approx(limits, rel=1e-9)


@given(tables(), st.sampled_from([("linear", "linear"), ("quadratic", "quadratic")]))
def test_kappa_and_its_interval_agree_with_statsmodels(table, names):
    weights, theirs = names
    interval = weighted_kappa_interval(table, weights=weights, confidence=0.9)
    assume(interval is not None and -1 < interval.low < interval.high < 1)
    expected = cohens_kappa(table, wt=theirs)
    assert weighted_kappa(table, weights=weights) == pytest.approx(expected.kappa, abs=1e-12)
    half = 1.6448536269514722 * expected.std_kappa
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=1e-7)


@pytest.mark.parametrize("table", [[[9, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_kappa_is_undefined_where_chance_never_disagrees(table):
    assert weighted_kappa(table) is None
    assert weighted_kappa_interval(table) is None
    options = {"resamples": 10, "confidence": 0.95, "rng": generator(1)}
    assert kappa_bootstrap(table, **options) is None


def test_raters_who_never_disagree_have_kappa_one_and_no_interval():
    assert weighted_kappa([[9, 0], [0, 3]]) == 1
    assert weighted_kappa_interval([[9, 0], [0, 3]]) is None


def test_a_kappa_table_must_be_square_and_its_weights_known():
    with pytest.raises(UsageError, match="square"):
        weighted_kappa([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(UsageError, match="'cubic' is unknown"):
        weighted_kappa([[1, 2], [3, 4]], weights="cubic")


def test_linearised_kappa_has_the_large_sample_standard_error(monkeypatch):
    table = np.array(GOLDEN["kappas"]["four"]["table"])
    monkeypatch.setattr(table_bootstrap, "MAX_CELLS", 1)
    ends = kappa_bootstrap(table, resamples=1, confidence=0.95, rng=generator(1))
    error = GOLDEN["kappas"]["four"]["quadratic"]["weighted"][1]
    n = table.sum()
    assert ends.method == "linearised"
    half = 1.959963984540054 * error * np.sqrt(n / (n - 1))
    assert (ends.high - ends.low) / 2 == pytest.approx(half, rel=1e-9)


def test_resampled_kappa_is_near_its_large_sample_interval():
    table = 10 * np.array(GOLDEN["kappas"]["four"]["table"])
    ends = kappa_bootstrap(table, resamples=5000, confidence=0.95, rng=generator(1))
    large = weighted_kappa_interval(table)
    assert [ends.low, ends.high] == pytest.approx([large.low, large.high], abs=0.003)


def test_records_that_come_in_identical_pairs_widen_the_interval_of_kappa():
    table = 2 * np.array(GOLDEN["kappas"]["three"]["table"])
    options = {"resamples": 3000, "confidence": 0.95}
    alone = kappa_bootstrap(table, rng=generator(1), **options)
    cells = np.arange(9)
    pairs = (np.arange(0, 20, 2), np.repeat(cells, 2), table.ravel() // 2)
    paired = kappa_bootstrap(table, clusters=pairs, rng=generator(1), **options)
    assert (paired.high - paired.low) / (alone.high - alone.low) == pytest.approx(2**0.5, rel=0.1)
