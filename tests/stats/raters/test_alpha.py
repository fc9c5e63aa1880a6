"""Krippendorff's alpha and its interval."""

import csv
import importlib
import os
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.clusters.table_interval import (
    ALONE,
    NEVER,
    TOO_LITTLE,
    TOO_WIDE,
    UNDEFINED,
    standard_error,
)
from riskshift.stats.raters.alpha import (
    alpha_gradient,
    alpha_interval,
    coincidences,
    krippendorff_alpha,
)

RATERS = Path(__file__).parents[4] / "shared/data/raters_hate.csv"
METRICS = ("nominal", "ordinal", "interval")

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): 4 observers, 12 units, values
# 1 to 5, a dot where an observer gave none.
PUBLISHED = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]


def counts_of(observers, levels="12345"):
    units = zip(*observers, strict=True)
    return np.array([[unit.count(level) for level in levels] for unit in units])


def oracle(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            raise
        pytest.skip(f"{name} is not installed")


@st.composite
def rated(draw, kinds=8, most=4):
    levels = draw(st.integers(2, 5))
    row = st.lists(st.integers(0, most), min_size=levels, max_size=levels)
    units = draw(st.lists(row, min_size=1, max_size=kinds))
    weight = draw(st.lists(st.integers(1, 20), min_size=len(units), max_size=len(units)))
    return np.array(units), np.array(weight)


@pytest.mark.parametrize(
    ("metric", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_the_published_one(metric, printed):
    assert round(krippendorff_alpha(counts_of(PUBLISHED), metric=metric), 3) == printed


@given(rated(), st.sampled_from(METRICS))
def test_alpha_agrees_with_the_krippendorff_package(ratings, metric):
    package = oracle("krippendorff")
    units, weight = ratings
    alpha = krippendorff_alpha(units, weight, metric=metric)
    assume(alpha is not None)
    spread = np.repeat(units, weight, axis=0)
    levels = np.arange(units.shape[1])
    expected = package.alpha(value_counts=spread, value_domain=levels, level_of_measurement=metric)
    assert alpha == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(rated(), st.sampled_from(METRICS))
def test_alpha_depends_neither_on_the_order_of_items_nor_on_how_they_are_counted(ratings, metric):
    units, weight = ratings
    alpha = krippendorff_alpha(units, weight, metric=metric)
    one_by_one = krippendorff_alpha(np.repeat(units, weight, axis=0)[::-1], metric=metric)
    assert one_by_one == (None if alpha is None else pytest.approx(alpha, rel=1e-9, abs=1e-9))


@given(rated(), st.sampled_from(METRICS))
def test_alpha_reads_the_scale_from_either_end(ratings, metric):
    units, weight = ratings
    alpha = krippendorff_alpha(units, weight, metric=metric)
    turned = krippendorff_alpha(units[:, ::-1], weight, metric=metric)
    assert turned == (None if alpha is None else pytest.approx(alpha, rel=1e-9, abs=1e-9))


@given(rated())
def test_with_two_levels_every_metric_gives_the_same_alpha(ratings):
    units, weight = ratings[0][:, :2], ratings[1]
    alphas = [krippendorff_alpha(units, weight, metric=metric) for metric in METRICS]
    assume(alphas[0] is not None)
    assert alphas[1:] == [pytest.approx(alphas[0], rel=1e-9, abs=1e-9)] * 2


@pytest.mark.parametrize("metric", METRICS)
def test_items_with_one_rating_do_not_count(metric):
    units = counts_of(PUBLISHED)
    lonely = np.vstack([units, np.eye(5, dtype=int), np.zeros((1, 5), dtype=int)])
    assert krippendorff_alpha(lonely, metric=metric) == krippendorff_alpha(units, metric=metric)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("units", [[[3, 0], [2, 0]], [[1, 0], [0, 1]], [[0, 0]]])
def test_alpha_is_undefined_where_chance_would_agree_as_well(units, metric):
    assert krippendorff_alpha(units, metric=metric) is None


def test_full_agreement_on_several_levels_is_one():
    assert krippendorff_alpha([[3, 0], [0, 3]], metric="ordinal") == 1


def test_an_unknown_metric_is_named_with_the_choices():
    with pytest.raises(UsageError, match=r"'ratio' is unknown.*nominal, ordinal, interval"):
        krippendorff_alpha([[3, 0]], metric="ratio")


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_holds_alpha(metric):
    units, weight = [[3, 0, 0], [2, 1, 0], [0, 1, 2], [0, 0, 3]], [60, 9, 6, 12]
    held = alpha_interval(units, weight, metric=metric).interval
    assert -1 <= held.low < krippendorff_alpha(units, weight, metric=metric) < held.high <= 1
    wider = alpha_interval(units, weight, metric=metric, confidence=0.99).interval
    assert wider.low < held.low < held.high < wider.high


@pytest.mark.parametrize("metric", METRICS)
def test_of_many_items_the_interval_is_what_resampling_them_gives(metric):
    units, weight = counts_of(PUBLISHED), np.arange(100, 112)
    held = alpha_interval(units, weight, metric=metric).interval
    rng, total = np.random.default_rng(5), weight.sum()
    drawn = [
        krippendorff_alpha(units, rng.multinomial(total, weight / total), metric=metric)
        for _ in range(2_000)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert [held.low, held.high] == pytest.approx([low, high], abs=0.1 * (high - low))


@pytest.mark.parametrize("metric", METRICS)
def test_the_standard_error_is_that_of_the_jackknife(metric):
    units, weight = counts_of(PUBLISHED), np.arange(100, 112)
    pairs = coincidences(units)
    error = standard_error(pairs, weight, lambda table: alpha_gradient(table, metric))
    without = [
        krippendorff_alpha(units, weight - (np.arange(12) == kind), metric=metric)
        for kind in range(12)
    ]
    # A unit with one rating pairs with nothing: leaving it out leaves no item fewer.
    paired = units.sum(axis=1) > 1
    n, values = weight[paired].sum(), np.array(without)[paired]
    mean = weight[paired] @ values / n
    jackknife = np.sqrt((n - 1) / n * (weight[paired] @ (values - mean) ** 2))
    assert error == pytest.approx(jackknife, rel=0.01)


def test_clusters_of_one_item_are_the_items():
    units, weight = [[3, 0], [2, 1], [0, 3]], [60, 9, 12]
    alone = alpha_interval(units, weight, metric="nominal", confidence=0.9).interval
    each = ([0, 1, 2, 3], [0, 1, 2], weight)
    shared = alpha_interval(units, weight, metric="nominal", clusters=each, confidence=0.9)
    assert [shared.interval.low, shared.interval.high] == pytest.approx([alone.low, alone.high])


def test_items_that_come_in_identical_pairs_say_no_more_than_one_of_each():
    units, weight = [[3, 0], [2, 1], [0, 3]], np.array([600, 90, 120])
    single = alpha_interval(units, weight, metric="interval").interval
    pairs = ([0, 2, 4, 6], [0, 0, 1, 1, 2, 2], weight)
    paired = alpha_interval(units, 2 * weight, metric="interval", clusters=pairs).interval
    assert paired.high - paired.low == pytest.approx(single.high - single.low, rel=0.05)


@given(rated(kinds=4), st.sampled_from(METRICS))
def test_sharing_prompts_never_narrows_an_interval(ratings, metric):
    units, weight = ratings
    alone = alpha_interval(units, weight, metric=metric).interval
    twos = ([*range(0, 2 * len(units) + 1, 2)], np.repeat(np.arange(len(units)), 2), weight)
    shared = alpha_interval(units, 2 * weight, metric=metric, clusters=twos).interval
    free = alpha_interval(units, 2 * weight, metric=metric).interval
    assume(None not in (alone, shared, free))
    assert shared.high - shared.low >= free.high - free.low - 1e-9


def test_a_billion_items_cost_what_a_hundred_do():
    weight = [6 * 10**8, 10**8, 3 * 10**8]
    held = alpha_interval([[3, 0], [2, 1], [0, 3]], weight, metric="nominal").interval
    assert 0 < held.high - held.low < 1e-4


def test_where_too_little_is_known_there_is_a_reason_instead_of_an_interval():
    def reason(units, weight, **clusters):
        made = alpha_interval(units, weight, metric="nominal", **clusters)
        assert made.interval is None
        return made.reason

    assert reason([[3, 0]], [50]) == UNDEFINED
    assert reason([[1, 0], [0, 1]], [50, 50]) == UNDEFINED
    assert reason([[2, 1]], [1]) == ALONE
    one_prompt = [0, 2], [0, 1], [1]
    assert reason([[2, 1], [3, 0]], [1, 1], clusters=one_prompt) == ALONE
    assert reason([[3, 0], [1, 2]], [1000, 1]) == TOO_LITTLE
    assert reason([[2, 0], [1, 1], [0, 2]], [6, 3, 3]) == TOO_WIDE


@pytest.mark.parametrize("items", [10, 10**6])
def test_raters_who_never_differ_leave_nothing_to_make_an_interval_of(items):
    made = alpha_interval([[3, 0], [0, 3]], [items, items], metric="nominal")
    assert made.reason == NEVER


def test_clusters_that_do_not_hold_the_items_are_refused():
    with pytest.raises(UsageError, match="not the items counted"):
        alpha_interval([[3, 0], [2, 1]], [2, 2], metric="nominal", clusters=([0, 2], [0, 1], [1]))
    with pytest.raises(UsageError, match="CSR"):
        alpha_interval([[3, 0], [2, 1]], [1, 1], metric="nominal", clusters=([0, 1], [0, 1], [1]))
    with pytest.raises(UsageError, match="confidence is 2"):
        alpha_interval([[3, 0]], [9], metric="nominal", confidence=2)


@pytest.mark.parametrize("call", [krippendorff_alpha, alpha_interval])
def test_impossible_ratings_are_refused(call):
    options = {"metric": "nominal"}
    with pytest.raises(UsageError, match="at least 0"):
        call([[3, -1]], **options)
    with pytest.raises(UsageError, match="1 counts of items"):
        call([[3, 1]], [1, 2], **options)


@settings(max_examples=30)
@given(rated(kinds=5))
def test_the_interval_lies_within_the_range_of_alpha(ratings):
    units, weight = ratings
    held = alpha_interval(units, weight, metric="ordinal", confidence=0.8).interval
    assume(held is not None)
    estimate = krippendorff_alpha(units, weight, metric="ordinal")
    assert -1 <= held.low <= estimate <= held.high <= 1
    assert held.low < held.high


@pytest.mark.skipif(
    not RATERS.exists() and os.environ.get("RISKSHIFT_NO_SKIPS") != "1", reason="no data"
)
def test_three_raters_of_harmful_answers_agree_as_reported_and_less_surely_by_prompt():
    levels, prompts = defaultdict(Counter), {}
    with RATERS.open(newline="") as lines:
        for row in csv.DictReader(lines):
            levels[row["item_id"]][int(row["level_1_5"])] += 1
            prompts[row["item_id"]] = row["prompt_id"]
    kind_of = {item: tuple(count[k] for k in range(1, 6)) for item, count in levels.items()}
    kinds = sorted(set(kind_of.values()))
    weight = [sum(kind == each for each in kind_of.values()) for kind in kinds]
    assert round(krippendorff_alpha(kinds, weight, metric="ordinal"), 3) == pytest.approx(0.861)
    members = defaultdict(list)
    for item, kind in kind_of.items():
        members[prompts[item]].append(kinds.index(kind))
    indptr = np.cumsum([0, *map(len, members.values())])
    clusters = indptr, np.concatenate(list(members.values())), np.ones(len(members))
    items = alpha_interval(kinds, weight, metric="ordinal").interval
    by_prompt = alpha_interval(kinds, weight, metric="ordinal", clusters=clusters).interval
    assert by_prompt.high - by_prompt.low > 1.1 * (items.high - items.low)
