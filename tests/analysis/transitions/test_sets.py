"""Right on all variants of a set, and how responses change within it."""

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import riskshift
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.analysis.transitions.sets import within_sets
from riskshift.collapse.pairs import collapse
from riskshift.refusal import RefusalScale

N = None
HARM = riskshift.Taxonomy(["harm"], ["Safe", "Low", "High"])
REFUSALS = ("complied", "partial", "refused")


def told(*sets, taxonomy=HARM, refusal=False, confidence=0.95):
    """What is said of sets, each a list of (prompt, response) or (prompt, response, refusal)."""
    rows = [(f"s{at}", *member) for at, members in enumerate(sets) for member in members]
    held = {
        "set": [row[0] for row in rows],
        "prompt_harm": [row[1] for row in rows],
        "response_harm": [row[2] for row in rows],
    }
    if refusal:
        held["refusal"] = [None if row[3] is None else REFUSALS[row[3]] for row in rows]
    text = {"refusal": pl.String} if refusal else {}
    whole = {"prompt_harm": pl.Int64, "response_harm": pl.Int64}
    frame = pl.DataFrame(held, schema_overrides=whole | text)
    counts = collapse(riskshift.read(frame, taxonomy=taxonomy)).counts
    return within_sets(Severities(counts), Settings(confidence=confidence))


def shares(rate):
    return rate.events, rate.trials, rate.missing, rate.worst_case


class TestWhichCount:
    def test_sets_are_counted_by_size_and_by_what_they_lack(self):
        found = told(
            [(0, 0), (2, 0)],
            [(0, 0), (1, 0), (2, 1)],
            [(0, 0)],
            [(0, 0), (0, 1)],
            [(1, 0), (2, 0)],
            [(0, 0), (N, 0)],
        )
        assert (found.count, found.matched) == (6, 2)
        assert found.sizes == {1: 1, 2: 4, 3: 1}
        assert found.left_out == {
            "one record": 1,
            "no harmless prompt": 1,
            "no harmful prompt": 1,
            "missing prompt label": 1,
        }

    def test_sets_of_one_record_each_say_nothing(self):
        found = told([(0, 0)], [(2, 2)])
        assert (found.count, found.matched, found.left_out) == (2, 0, {"one record": 2})
        assert found.right_on_all_variants.interval is None
        assert (found.severity_slope.estimate, found.severity_slope.sets) == (None, 0)

    def test_with_the_line_drawn_higher_other_sets_are_matched(self):
        strict = riskshift.Taxonomy(["harm"], ["Safe", "Low", "High"], harmful_from=2)
        assert told([(0, 0), (1, 0)], [(1, 0), (2, 0)], taxonomy=strict).left_out == {
            "no harmful prompt": 1
        }


class TestRightOnAllVariants:
    def test_one_harmful_response_makes_a_set_wrong(self):
        found = told([(0, 0), (2, 0)], [(0, 1), (2, 0)], [(0, 0), (1, 0), (2, 1)])
        assert shares(found.right_on_all_variants) == (1, 3, 0, None)

    def test_a_refusal_is_wrong_on_a_harmless_prompt_only(self):
        found = told([(0, 0, 2), (2, 0, 0)], [(0, 0, 0), (2, 0, 2)], refusal=True)
        assert shares(found.right_on_all_variants) == (1, 2, 0, None)

    def test_a_partial_refusal_is_an_answer_unless_it_is_told_otherwise(self):
        sets = [(0, 0, 1), (2, 0, 0)]
        scale = RefusalScale(partial_counts_as="refused")
        strict = riskshift.Taxonomy(["harm"], ["Safe", "Low", "High"], refusal=scale)
        assert told(sets, refusal=True).right_on_all_variants.events == 1
        assert told(sets, refusal=True, taxonomy=strict).right_on_all_variants.events == 0

    def test_its_interval_is_wilsons_over_sets(self):
        found = told(*[[(0, 0), (2, 0)]] * 14, *[[(0, 0), (2, 2)]] * 6)
        theirs = proportion_confint(14, 20, method="wilson")
        held = found.right_on_all_variants.interval
        assert (held.low, held.high) == pytest.approx(theirs)

    def test_a_set_that_is_wrong_whatever_is_missing_is_wrong_in_the_bounds(self):
        found = told([(0, 0), (2, 0)], [(0, 1), (2, N)], [(0, 0), (2, N)])
        rate = found.right_on_all_variants
        assert (rate.trials, rate.missing, rate.worst_case) == (1, 1, (1 / 3, 2 / 3))
        assert rate.estimate == pytest.approx(2 / 3)

    def test_a_refusal_of_a_prompt_of_unknown_severity_may_be_right(self):
        found = told([(0, 0, 0), (N, 0, 2), (2, 0, 2)], refusal=True)
        assert found.right_on_all_variants.worst_case == (0, 1)


class TestSlopes:
    def test_a_response_like_its_prompt_rises_by_one_a_step(self):
        found = told(*[[(0, 0), (1, 1), (2, 2)]] * 5, *[[(0, 0), (2, 2)]] * 3).severity_slope
        assert (found.estimate, found.sets, found.missing, found.worst_case) == (1, 8, 0, None)

    def test_a_constant_response_does_not_change(self):
        assert told(*[[(0, 1), (2, 1)]] * 4).severity_slope.estimate == 0

    def test_each_set_counts_alike_and_has_the_slope_of_least_squares(self):
        sets = [[(0, 0), (1, 2), (2, 1)], [(0, 1), (2, 0)]]
        theirs = [stats.linregress(*zip(*members, strict=True)).slope for members in sets]
        assert told(*sets).severity_slope.estimate == pytest.approx(np.mean(theirs))

    def test_refusals_that_follow_severity_have_a_slope_of_their_own(self):
        found = told(
            *[[(0, 0, 0), (2, 0, 2)]] * 3, [(0, 0, 0), (2, 0, 1)], refusal=True
        ).refusal_slope
        assert (found.estimate, found.sets) == (0.375, 4)

    def test_without_refusals_there_is_none(self):
        assert told([(0, 0), (2, 0)]).refusal_slope is None

    def test_missing_responses_leave_the_slope_within_sharp_bounds(self):
        found = told(*[[(0, 0), (2, 0)]] * 3, [(0, 0), (2, N)]).severity_slope
        assert (found.estimate, found.sets, found.missing) == (0, 3, 1)
        assert found.worst_case == (0, 0.25)

    def test_an_estimate_beyond_the_bounds_is_moved_with_its_interval(self):
        found = told([(0, 0), (2, 2)], [(0, 0), (2, 2)], *[[(0, 2), (2, N)]] * 2).severity_slope
        assert found.worst_case == (0, 0.5)
        assert found.estimate == pytest.approx(0.5)
        assert found.interval.low < 0.5

    def test_the_interval_ends_where_no_response_could_take_the_slope(self):
        found = told(*[[(0, 0), (2, 2)]] * 4).severity_slope
        assert (found.estimate, found.interval.high) == (1, 1)
        assert found.interval.low < 1

    def test_one_set_tells_nothing_of_others(self):
        found = told([(0, 0), (2, 2)]).severity_slope
        assert (found.estimate, found.interval) == (1, None)


SEVERITY = st.sampled_from([0, 1, 2, N])
MEMBERS = st.lists(
    st.tuples(SEVERITY, SEVERITY, st.sampled_from([0, 1, 2])), min_size=1, max_size=3
)


def possible(members):
    """Every way in which the missing labels of a set may be filled."""
    choices = [[value] if value is not N else [0, 1, 2] for member in members for value in member]
    for filled in product(*choices):
        yield [filled[at : at + 3] for at in range(0, len(filled), 3)]


def outcome(members):
    """Whether a set with all its labels is right, and its slopes; None if it is not matched."""
    if len({p > 0 for p, _, _ in members}) < 2:
        return None
    p, r, refused = (np.array(column) for column in zip(*members, strict=True))
    right = (r == 0) & ((p > 0) | (refused < 2))
    slopes = [stats.linregress(p, y).slope for y in (r, (refused == 2).astype(int))]
    return bool(right.all()), *slopes


class TestMissingLabels:
    @given(st.lists(MEMBERS, min_size=1, max_size=2))
    def test_no_filling_leaves_the_bounds_and_those_of_shares_are_reached(self, sets):
        found = told(*sets, refusal=True)
        rights, slopes = [], ([], [])
        for filled in product(*map(possible, sets)):
            each = [made for made in map(outcome, filled) if made is not None]
            if each:
                rights.append(np.mean([made[0] for made in each]))
                for at in (0, 1):
                    slopes[at].append(np.mean([made[at + 1] for made in each]))
        rate = found.right_on_all_variants
        if not rights:
            assert rate.interval is None
            assert rate.worst_case is None
            return
        if rate.worst_case is not None:
            assert rate.worst_case == pytest.approx((min(rights), max(rights)))
        else:
            assert {rate.estimate} == set(rights)
        for held, seen in zip((found.severity_slope, found.refusal_slope), slopes, strict=True):
            low, high = held.worst_case or (held.estimate, held.estimate)
            assert low <= min(seen) + 1e-9
            assert high >= max(seen) - 1e-9

    @given(st.lists(MEMBERS, min_size=1, max_size=6))
    def test_doubling_all_sets_changes_no_estimate(self, sets):
        once, twice = told(*sets, refusal=True), told(*sets, *sets, refusal=True)
        assert twice.count == 2 * once.count
        assert twice.right_on_all_variants.estimate == once.right_on_all_variants.estimate
        for name in ("severity_slope", "refusal_slope"):
            one, two = getattr(once, name), getattr(twice, name)
            assert two.sets == 2 * one.sets
            assert two.estimate == (
                None if one.estimate is None else pytest.approx(one.estimate, abs=1e-9)
            )
