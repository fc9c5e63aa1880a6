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
from riskshift.stats import table_bootstrap
from riskshift.stats.alpha import alpha_bootstrap, krippendorff_alpha
from riskshift.stats.resample import generator

RATERS = Path(__file__).parents[3] / "shared/data/raters_hate.csv"
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
def test_the_bootstrap_interval_holds_alpha_and_repeats_with_its_seed(metric):
    units, weight = [[3, 0, 0], [2, 1, 0], [0, 1, 2], [0, 0, 3]], [60, 9, 6, 12]
    options = {"metric": metric, "resamples": 2000, "confidence": 0.95}
    ends = alpha_bootstrap(units, weight, rng=generator(3), **options)
    assert ends.low < krippendorff_alpha(units, weight, metric=metric) < ends.high < 1
    assert ends == alpha_bootstrap(units, weight, rng=generator(3), **options)


@pytest.mark.parametrize("metric", METRICS)
def test_linearised_and_resampled_intervals_agree_on_many_items(metric, monkeypatch):
    units, weight = counts_of(PUBLISHED), np.arange(100, 112)
    options = {"metric": metric, "resamples": 20_000, "confidence": 0.95}
    drawn = alpha_bootstrap(units, weight, rng=generator(5), **options)
    monkeypatch.setattr(table_bootstrap, "MAX_CELLS", 4)
    linear = alpha_bootstrap(units, weight, rng=generator(5), **options)
    assert (drawn.method, linear.method, linear.resamples) == ("percentile", "linearised", 0)
    width = drawn.high - drawn.low
    assert linear.low == pytest.approx(drawn.low, abs=0.05 * width)
    assert linear.high == pytest.approx(drawn.high, abs=0.05 * width)


def test_clusters_of_one_item_are_the_items():
    units, weight = [[3, 0], [2, 1], [0, 3]], [60, 9, 12]
    options = {"metric": "nominal", "resamples": 500, "confidence": 0.9}
    alone = alpha_bootstrap(units, weight, rng=generator(1), **options)
    each = ([0, 1, 2, 3], [0, 1, 2], weight)
    assert alpha_bootstrap(units, weight, clusters=each, rng=generator(1), **options) == alone


@pytest.mark.parametrize("most", [4096, 1])
def test_items_that_come_in_identical_pairs_say_no_more_than_one_of_each(most, monkeypatch):
    monkeypatch.setattr(table_bootstrap, "MAX_CELLS", most)
    units, weight = [[3, 0], [2, 1], [0, 3]], np.array([60, 9, 12])
    options = {"metric": "interval", "resamples": 4000, "confidence": 0.95}
    single = alpha_bootstrap(units, weight, rng=generator(1), **options)
    pairs = ([0, 2, 4, 6], [0, 0, 1, 1, 2, 2], weight)
    paired = alpha_bootstrap(units, 2 * weight, clusters=pairs, rng=generator(1), **options)
    assert paired.high - paired.low == pytest.approx(single.high - single.low, rel=0.03)


def test_a_billion_items_cost_what_a_hundred_do():
    ends = alpha_bootstrap(
        [[3, 0], [2, 1], [0, 3]],
        [6 * 10**8, 10**8, 3 * 10**8],
        metric="nominal",
        resamples=1000,
        confidence=0.95,
        rng=generator(1),
    )
    assert 0 < ends.high - ends.low < 1e-4


def test_there_is_no_interval_where_resamples_cannot_vary_or_are_undefined():
    options = {"metric": "nominal", "resamples": 1000, "confidence": 0.95, "rng": generator(1)}
    assert alpha_bootstrap([[3, 0], [0, 3]], [50, 50], **options) is None
    assert alpha_bootstrap([[3, 0], [1, 2]], [1000, 1], **options) is None
    assert alpha_bootstrap([[3, 0]], [50], **options) is None
    assert alpha_bootstrap([[2, 1]], [1], **options) is None


def test_clusters_that_do_not_hold_the_items_are_refused():
    options = {"metric": "nominal", "resamples": 10, "confidence": 0.95, "rng": generator(1)}
    with pytest.raises(UsageError, match="not the items counted"):
        alpha_bootstrap([[3, 0], [2, 1]], [2, 2], clusters=([0, 2], [0, 1], [1]), **options)
    with pytest.raises(UsageError, match="CSR"):
        alpha_bootstrap([[3, 0], [2, 1]], [1, 1], clusters=([0, 1], [0, 1], [1]), **options)
    with pytest.raises(UsageError, match="resamples is 0"):
        alpha_bootstrap([[3, 0]], [9], **{**options, "resamples": 0})


@pytest.mark.parametrize("call", [krippendorff_alpha, alpha_bootstrap])
def test_impossible_ratings_are_refused(call):
    options = {"metric": "nominal"}
    if call is alpha_bootstrap:
        options |= {"resamples": 10, "confidence": 0.95, "rng": generator(1)}
    with pytest.raises(UsageError, match="at least 0"):
        call([[3, -1]], **options)
    with pytest.raises(UsageError, match="1 counts of items"):
        call([[3, 1]], [1, 2], **options)


@settings(max_examples=30)
@given(rated(kinds=5))
def test_the_interval_lies_within_the_range_of_alpha(ratings):
    units, weight = ratings
    options = {"metric": "ordinal", "resamples": 50, "confidence": 0.8, "rng": generator(1)}
    ends = alpha_bootstrap(units, weight, **options)
    assume(ends is not None)
    assert ends.low < ends.high <= 1


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
    assert round(krippendorff_alpha(kinds, weight, metric="ordinal"), 3) == 0.861
    members = defaultdict(list)
    for item, kind in kind_of.items():
        members[prompts[item]].append(kinds.index(kind))
    indptr = np.cumsum([0, *map(len, members.values())])
    clusters = indptr, np.concatenate(list(members.values())), np.ones(len(members))
    options = {"metric": "ordinal", "resamples": 4000, "confidence": 0.95}
    items = alpha_bootstrap(kinds, weight, rng=generator(1), **options)
    by_prompt = alpha_bootstrap(kinds, weight, clusters=clusters, rng=generator(1), **options)
    assert by_prompt.high - by_prompt.low > 1.1 * (items.high - items.low)
