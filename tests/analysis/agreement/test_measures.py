"""Ratings as a small table: resolving, merging and measuring them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.analysis.agreement.measures import agreement_by_label
from riskshift.analysis.agreement.resolving import RULES, check_rule, resolution, resolve
from riskshift.analysis.rates import Settings
from riskshift.counts.clusters import Clusters
from riskshift.counts.ratings import assemble_ratings, distinct_entries, merged_kinds, regrouped
from riskshift.errors import UsageError
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

FEW = Settings(resamples=200)
HATE = Taxonomy(["hate"], ["Safe", "Low", "High"])
counts = st.lists(st.integers(0, 4), min_size=2, max_size=5)


def ratings_of(items, prompts, raters=("a", "b", "c"), taxonomy=HATE):
    """Build ratings from items as {rater: response level} and prompts as lists of items."""
    seats = [(at, rater, level) for at, item in enumerate(items) for rater, level in item.items()]
    values = np.array([[MISSING, level] for _, _, level in seats])
    rater = np.array([raters.index(rater) for _, rater, _ in seats])
    sizes = np.bincount([at for at, _, _ in seats], minlength=len(items))
    indptr = np.append(0, np.cumsum(sizes))
    own = Clusters(indptr, np.arange(len(seats)), np.zeros(len(items), dtype=np.int64))
    ends = np.append(0, np.cumsum([len(prompt) for prompt in prompts]))
    together = Clusters(ends, np.concatenate(prompts), np.ones(len(prompts), dtype=np.int64))
    return assemble_ratings(taxonomy, raters, values, rater, own, together)


ITEMS = [{"a": 0, "b": 0, "c": 1}, {"a": 2, "b": 2}, {"c": 1}, {"a": 0, "b": 0, "c": 1}]


def test_equal_items_become_one_kind():
    ratings = ratings_of(ITEMS, [[0], [1], [2], [3]])
    assert sorted(ratings.items.weight.tolist()) == [1, 1, 2]
    assert ratings.prompts is None
    assert ratings.rated_by() == {"a": 3, "b": 3, "c": 3}


@given(st.permutations(range(4)), st.permutations(range(2)))
def test_the_order_in_which_items_and_prompts_come_does_not_matter(order, which):
    prompts = [[0, 1], [2, 3]]
    shuffled = ratings_of(
        [ITEMS[at] for at in order], [[order.index(at) for at in prompts[p]] for p in which]
    )
    assert shuffled.digest() == ratings_of(ITEMS, prompts).digest()


def test_items_of_one_prompt_are_told_from_items_of_two():
    assert (
        ratings_of(ITEMS, [[0, 1], [2, 3]]).digest() != ratings_of(ITEMS, [[0, 3], [1, 2]]).digest()
    )


def test_categories_that_nobody_labelled_are_dropped():
    values = np.array([[MISSING, MISSING, 1, MISSING], [MISSING, MISSING, 0, MISSING]])
    one = Clusters(np.array([0, 2]), np.array([0, 1]), np.array([0]))
    alone = Clusters(np.array([0, 1]), np.array([0]), np.array([7]))
    made = assemble_ratings(Taxonomy(["x", "y"]), ("a", "b"), values, np.array([0, 1]), one, alone)
    assert made.taxonomy.categories == ("x",)
    assert made.items.weight.tolist() == [7]


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=12))
def test_merging_kinds_keeps_how_often_each_occurs(kinds):
    indptr = np.append(0, np.cumsum([len(kind) for kind in kinds]))
    merged, position = merged_kinds(indptr, np.concatenate(kinds), np.ones(len(kinds), dtype=int))
    rows = [
        tuple(merged.indices[start:end])
        for start, end in zip(merged.indptr[:-1], merged.indptr[1:], strict=True)
    ]
    assert len(set(rows)) == len(rows)
    assert [rows[at] for at in position] == [tuple(sorted(kind)) for kind in kinds]
    expected = {row: [tuple(sorted(kind)) for kind in kinds].count(row) for row in rows}
    assert dict(zip(rows, merged.weight.tolist(), strict=True)) == expected


def test_distinct_rows_too_wide_for_one_number_are_found_all_the_same():
    rows = np.array([[9] * 40, [0] * 40, [9] * 40])
    distinct, inverse = distinct_entries(rows)
    assert distinct[inverse].tolist() == rows.tolist()
    assert len(distinct) == 2


def test_clusters_of_which_nothing_is_left_are_dropped():
    clusters = Clusters(np.array([0, 1, 3]), np.array([0, 1, 1]), np.array([2, 5]))
    kept = regrouped(clusters, np.array([-1, 0]))
    assert (kept.indptr.tolist(), kept.indices.tolist(), kept.weight.tolist()) == (
        [0, 2],
        [0, 0],
        [5],
    )
    assert len(regrouped(clusters, np.array([-1, -1]))) == 0


@given(counts, st.sampled_from(RULES[:-1]))
def test_a_resolved_label_is_one_that_some_rater_gave(levels, rule):
    found = resolve(np.array([levels]), rule)
    assert (found.level[0] == MISSING) == (sum(levels) == 0)
    assert found.level[0] == MISSING or levels[found.level[0]] > 0


@given(counts)
def test_no_rule_goes_above_the_highest_rating(levels):
    given_levels = np.array([levels])
    highest = resolve(given_levels, "max").level[0]
    assert all(resolve(given_levels, rule).level[0] <= highest for rule in RULES)


@given(counts)
def test_the_median_goes_up_exactly_where_the_middle_two_differ(levels):
    given_levels = np.repeat(np.arange(len(levels)), levels)
    found = resolve(np.array([levels]), "median")
    if len(given_levels):
        low, high = (np.quantile(given_levels, 0.5, method=m) for m in ("lower", "higher"))
        assert found.level[0] == high
        assert found.tied[0] == (low < high)
    else:
        assert not found.tied[0]


def test_the_adjudicator_wins_and_the_median_fills_in():
    levels = np.array([[2, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]])
    found = resolve(levels, "adjudicated", np.array([2, MISSING, 1, MISSING]))
    assert found.level.tolist() == [2, 2, 1, MISSING]
    assert found.fell_back.tolist() == [False, True, False, False]
    assert found.tied.tolist() == [False, True, False, False]


def test_rules_are_known_by_name():
    with pytest.raises(UsageError, match=r"did you mean 'median'"):
        check_rule("Median", None)


def test_raters_who_share_no_item_have_no_kappa():
    ratings = ratings_of([{"a": 0, "b": 1}, {"a": 1, "c": 1}], [[0], [1]])
    (item,) = agreement_by_label(ratings, FEW)
    pair = next(pair for pair in item.pairs if (pair.a, pair.b) == ("b", "c"))
    assert (pair.items, pair.kappa, pair.interval, pair.exact.estimate) == (0, None, None, None)
    assert pair.to_dict()["kappa"]["method"] == "undefined"


def test_two_raters_who_always_agree_leave_kappa_without_an_interval():
    ratings = ratings_of([{"a": 0, "b": 0}, {"a": 1, "b": 1}], [[0], [1]])
    (item,) = agreement_by_label(ratings, FEW)
    assert (item.pairs[0].kappa, item.pairs[0].interval) == (1.0, None)
    assert item.alpha["nominal"].estimate == pytest.approx(1.0)
    assert item.alpha["nominal"].interval is None


def test_the_other_items_of_a_prompt_do_not_make_its_single_ratings_count():
    alone = ratings_of([{"a": 0, "b": 1}, {"a": 1, "b": 1}, {"a": 2}], [[0, 1], [2]])
    without = ratings_of([{"a": 0, "b": 1}, {"a": 1, "b": 1}], [[0, 1]])
    one, other = (next(agreement_by_label(ratings, FEW)) for ratings in (alone, without))
    assert one.alpha["ordinal"].estimate == other.alpha["ordinal"].estimate
    assert (one.alone, other.alone) == (1, 0)


def test_a_rate_that_no_rater_moves_is_not_moved():
    ratings = ratings_of([{"a": 1, "b": 1}, {"a": 1, "b": 1}], [[0], [1]])
    found = resolution(ratings, FEW, rule="median")
    rater, by = found.furthest("response_harm")
    assert (rater, by) == ("a", 0.0)
    assert "escalation" not in found.chosen
