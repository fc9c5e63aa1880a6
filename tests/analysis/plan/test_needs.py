"""How much evidence a question needs, held against routes that share no code with it."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from riskshift.analysis.plan.needs import difference_plan, gate_plan, width_plan
from riskshift.analysis.plan.pilot import Disagreement, Pilot, matched_need, need
from riskshift.analysis.plan.result import Plan, exact
from riskshift.analysis.rates import Rate
from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import clustered_interval

# Twenty-five prompts with four answers each: 100 records, 6 events in 5 prompts.
EVENTS, TRIALS, PROMPTS = [0, 1, 2], [4, 4, 4], [20, 4, 1]


def file_like(events, trials, prompts, *, units=None, disagreements=()):
    interval, sample = clustered_interval(events, trials, prompts)
    total = int(np.dot(prompts, trials))
    rate = Rate("escalation", int(np.dot(prompts, events)), total, interval, sample.deff, sample.n)
    return Pilot("old.csv", rate, "prompt", units or sum(prompts), sum(prompts), disagreements)


@pytest.fixture
def pilot():
    return file_like(EVENTS, TRIALS, PROMPTS)


# Widths


@pytest.mark.parametrize(
    ("rate", "width", "confidence"),
    [(0.03, 0.02, 0.95), (0.5, 0.1, 0.95), (0.002, 0.01, 0.9), (0, 0.05, 0.99), (1, 0.2, 0.95)],
)
def test_the_width_is_the_first_that_statsmodels_reaches(rate, width, confidence):
    row = width_plan([rate], [width], asked=True, confidence=confidence).rows[0]

    def reached(n):
        low, high = proportion_confint(rate * n, n, alpha=1 - confidence, method="wilson")
        return high - low <= width

    n = row.need.independent
    assert reached(n)
    assert n == next(k for k in range(1, n + 1) if reached(k))
    expected = proportion_confint(rate * n, n, alpha=1 - confidence, method="wilson")
    assert (row.interval.low, row.interval.high) == pytest.approx(expected, abs=1e-12)


def test_every_rate_meets_every_width():
    planned = width_plan([0.01, 0.1], [0.02, 0.05], asked=False)
    assert [(row.rate, row.width) for row in planned.rows] == [
        (0.01, 0.02),
        (0.01, 0.05),
        (0.1, 0.02),
        (0.1, 0.05),
    ]
    assert len(planned.curves) == 2


def test_the_curve_meets_the_width_at_the_number_planned():
    planned = width_plan([0.03], [0.02], asked=True)
    n = planned.rows[0].need.independent
    [curve] = planned.curves
    assert all((width <= 0.02) == (at >= n) for at, width in curve)
    assert min(at for at, _ in curve) < n < max(at for at, _ in curve)


def test_a_width_out_of_reach_has_no_number_and_no_curve():
    planned = width_plan([0.5], [1e-4], asked=True)
    assert planned.rows[0].need == need(None)
    assert planned.rows[0].interval is None
    assert planned.curves == ((),)


# Gates


def outcomes(n, tolerance, confidence):
    x = np.arange(n + 1)
    low, high = proportion_confint(x, n, alpha=1 - confidence, method="beta")
    return np.nan_to_num(high, nan=1.0) <= tolerance, np.nan_to_num(low, nan=0.0) > tolerance


@pytest.mark.parametrize(
    ("rate", "tolerance", "confidence", "power"),
    [(0.01, 0.05, 0.95, 0.8), (0.2, 0.1, 0.95, 0.9), (0, 0.02, 0.9, 0.5), (0.5, 0.3, 0.99, 0.8)],
)
def test_the_gate_reaches_its_verdict_as_often_as_promised(rate, tolerance, confidence, power):
    planned = gate_plan("r", rate, tolerance, confidence=confidence, power=power)
    row, verdict = planned.rows[0], 0 if planned.aim == "pass" else 1

    def chance(n):
        reached = outcomes(n, tolerance, confidence)[verdict]
        return binom.pmf(np.arange(n + 1), n, rate)[reached].sum()

    n = row.need.independent
    assert all(chance(k) >= power for k in range(n, n + 30))
    assert chance(n - 1) < power
    passes, fails = outcomes(n, tolerance, confidence)
    assert row.passes_at == (int(passes.nonzero()[0].max()) if passes.any() else None)
    assert row.fails_at == (int(fails.nonzero()[0].min()) if fails.any() else None)


def test_the_events_at_the_edge_are_those_of_the_exact_test():
    """A gate passes where the one-sided binomial test at 2.5 % rejects a rate at the tolerance."""
    row = gate_plan("r", 0.03, 0.05).rows[0]
    n = row.need.independent

    def p(events, side):
        return binomtest(events, n, 0.05, alternative=side).pvalue

    assert p(row.passes_at, "less") <= 0.025 < p(row.passes_at + 1, "less")
    assert p(row.fails_at, "greater") < 0.025 <= p(row.fails_at - 1, "greater")


@pytest.mark.parametrize(("rate", "bound"), [(0.99, 0.95), (0.8, 0.9)])
def test_a_rate_that_must_be_high_is_its_opposite_that_must_be_low(rate, bound):
    high = gate_plan("r", rate, bound, bad=False)
    low = gate_plan("r", round(1 - rate, 9), round(1 - bound, 9))
    assert high.aim == low.aim
    for one, other in zip(high.rows, low.rows, strict=True):
        assert one.need == other.need
        n = one.need.independent
        assert (one.passes_at, one.fails_at) == (
            None if other.passes_at is None else n - other.passes_at,
            None if other.fails_at is None else n - other.fails_at,
        )


def test_at_the_tolerance_there_is_no_verdict_to_plan_for():
    planned = gate_plan("r", 0.05, 0.05)
    assert planned.aim is None
    assert planned.rows == ()


def test_the_gates_curve_shows_the_chance_that_was_planned():
    planned = gate_plan("r", 0.03, 0.05, power=0.9)
    n = planned.rows[0].need.independent
    assert all(power >= 0.9 for at, power in planned.curve if at >= n)
    assert planned.curve[0][1] < 0.1


# Differences


@pytest.mark.parametrize(
    ("difference", "discordant", "power"), [(0.2, 0.3, 0.8), (0.3, 0.3, 0.9), (0.15, 0.45, 0.5)]
)
def test_mcnemars_test_finds_the_difference_as_often_as_promised(difference, discordant, power):
    [row] = difference_plan(difference, discordant=discordant, power=power).rows
    more = (discordant + difference) / (2 * discordant)

    def chance(n):
        total = 0.0
        for m in range(n + 1):
            p = [mcnemar([[0, x], [m - x, 0]], exact=True).pvalue for x in range(m + 1)]
            found = np.array(p) <= 0.05 * (1 + 1e-9)
            total += binom.pmf(m, n, discordant) * binom.pmf(np.arange(m + 1), m, more)[found].sum()
        return total

    n = row.need.independent
    assert chance(n) >= power
    assert chance(n - 1) < power


def test_without_a_discordance_several_stand_side_by_side():
    planned = difference_plan(0.02)
    shares = [row.discordant for row in planned.rows]
    assert planned.source == "range"
    assert shares[0] == pytest.approx(0.02)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.2)


def test_known_rates_end_the_range_where_models_err_independently():
    shares = [row.discordant for row in difference_plan(0.02, rate=0.03).rows]
    assert shares[-1] == pytest.approx(0.03 * 0.95 + 0.05 * 0.97)
    assert max(shares[:-1]) < shares[-1]


def test_a_range_never_exceeds_all_prompts():
    assert all(row.discordant <= 1 for row in difference_plan(0.4).rows)


def test_a_files_disagreements_are_taken_but_never_below_the_difference():
    seen = (Disagreement("a", "b", 50, 0.01, 0.01), Disagreement("a", "c", 50, 0.05, 0.03))
    planned = difference_plan(0.05, like=file_like(EVENTS, TRIALS, PROMPTS, disagreements=seen))
    assert planned.source == "file"
    assert [(row.discordant, row.why) for row in planned.rows] == [(0.05, "a, b"), (0.08, "a, c")]


def test_of_many_disagreements_the_least_the_middle_and_the_largest_are_shown():
    seen = tuple(Disagreement("a", str(i), 50, 0.05 + 0.01 * i, 0.0) for i in range(1, 16))
    planned = difference_plan(0.05, like=file_like(EVENTS, TRIALS, PROMPTS, disagreements=seen))
    assert [row.why for row in planned.rows] == ["a, 1", "a, 8", "a, 15"]


# Prompts that several records share


def test_without_a_file_every_record_is_a_prompt():
    assert need(385) == need(385, file_like([0, 1], [1, 1], [90, 10]))


def test_shared_prompts_need_more_records(pilot):
    planned = need(400, pilot)
    assert planned.records == 4 * planned.units
    assert planned.records / 400 == pytest.approx(pilot.deff, rel=0.03)
    assert planned.records / 400 > pilot.deff  # few prompts cost something too


@pytest.mark.parametrize("independent", [30, 100, 1000])
def test_the_planned_prompts_are_the_fewest_whose_records_are_worth_it(pilot, independent):
    """The effective number of records with as many prompts, by the printed formula."""
    from scipy.stats import t

    def worth(prompts):
        records = 4 * prompts
        return records / pilot.deff * (t.ppf(0.975, records - 1) / t.ppf(0.975, prompts - 1)) ** 2

    planned = need(independent, pilot).units
    assert worth(planned) >= independent > worth(planned - 1)


@pytest.mark.parametrize("width", [0.02, 0.05])
def test_a_file_grown_to_the_plan_has_the_width(pilot, width):
    """A check on the whole: the same kinds of prompts, so many more of them, analyzed."""
    row = width_plan([0.06], [width], asked=True, like=pilot).rows[0]
    grown = np.array(PROMPTS) * row.need.units / sum(PROMPTS)
    interval, _ = clustered_interval(EVENTS, TRIALS, grown)
    # The design effect of a small file is shrunk towards caution, so the plan is no smaller.
    assert interval.high - interval.low <= width


def test_prompts_outside_the_denominator_must_be_drawn_too():
    like = file_like(EVENTS, TRIALS, PROMPTS, units=100)
    planned = need(200, like)
    assert planned.in_all == 4 * planned.units
    assert matched_need(50, like).in_all == 200
    assert matched_need(50, like).units == 50


def test_out_of_reach_stays_out_of_reach(pilot):
    assert need(None, pilot) == need(None)
    assert matched_need(None, pilot) == need(None)


# Laws

levels = st.sampled_from([0.8, 0.95, 0.99])
pilots = st.sampled_from([None, file_like(EVENTS, TRIALS, PROMPTS, units=40)])


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0.01, 0.5), st.floats(1, 5), levels, pilots)
def test_a_narrower_width_never_needs_less(rate, width, times, confidence, like):
    wide, narrow = (
        width_plan([rate], [w], asked=True, confidence=confidence, like=like).rows[0].need.in_all
        for w in (width, width / times)
    )
    assert narrow >= wide


@settings(max_examples=15, deadline=None)
@given(st.floats(0.0, 0.04), st.floats(0.06, 0.2), st.floats(0.3, 0.99), st.booleans(), pilots)
def test_a_higher_chance_never_needs_less(low, high, power, fails, like):
    truth, limit = (high, max(low, 0.01)) if fails else (low, high)
    rows = gate_plan("r", truth, limit, power=power, like=like).rows
    needed = [row.need.in_all for row in sorted(rows, key=lambda row: row.power)]
    assert needed == sorted(needed)


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 0.02), st.floats(0.05, 0.2), st.floats(1, 1.5), levels, pilots)
def test_a_tighter_tolerance_never_needs_less_to_pass(rate, tolerance, times, confidence, like):
    loose, tight = (
        gate_plan("r", rate, limit, confidence=confidence, like=like).rows[0].need.in_all
        for limit in (tolerance, tolerance / times)
    )
    assert tight >= loose


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 0.2), st.floats(1, 3), st.floats(0.5, 0.9), st.floats(0, 0.09))
def test_a_higher_chance_to_find_a_difference_never_needs_less(difference, times, power, more):
    share = min(1.0, difference * times)
    low, high = (
        difference_plan(difference, discordant=share, power=wanted).rows[0].need.independent
        for wanted in (power, power + more)
    )
    assert high >= low


# Words and plain data


def planned(answer, like=None):
    return Plan("escalation", "all", 0.95, 0.8, answer, like)


def test_the_words_give_the_number_and_what_it_assumes():
    plan = planned(width_plan([0.03], [0.02], asked=True))
    assert plan.need.units == 1143
    assert "1,143 independent prompts" in str(plan)
    assert any("as assumed" in note for note in plan.notes)


def test_the_words_say_what_shared_prompts_cost(pilot):
    plan = planned(width_plan([0.06], [0.05], asked=True, like=pilot), pilot)
    text = str(plan)
    assert f"{plan.need.records:,} records of {plan.need.units:,} prompts" in text
    assert f"design effect {pilot.deff:.2f}" in text
    assert any("only 6 events" in note for note in plan.notes)


def test_few_prompts_cannot_tell_the_design_effect():
    like = file_like([20, 30], [40, 40], [3, 2])
    plan = planned(width_plan([0.6], [0.2], asked=True, like=like), like)
    assert any("only 5 prompts that count" in note for note in plan.notes)


def test_a_file_whose_interval_reaches_across_the_tolerance_cannot_say_which_verdict_is_due(pilot):
    assert pilot.rate.interval.low < 0.08 < pilot.rate.interval.high
    plan = planned(gate_plan("escalation <= 8%", 0.06, 0.08, like=pilot), pilot)
    assert any("which verdict is due is not known" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (gate_plan("escalation <= 5%", 0.05, 0.05), "is the tolerance itself"),
        (gate_plan("escalation <= 5%", 0.08, 0.05), "the gate should fail"),
        (gate_plan("escalation <= 50%", 0.4999, 0.5), "More than 10,000,000"),
        (width_plan([0.5], [1e-4], asked=True), "More than 10,000,000"),
        (difference_plan(0.0001, discordant=0.9), "More than 10,000,000"),
        (difference_plan(0.02, discordant=0.08), "on 8% of the prompts"),
        (difference_plan(0.02), "Plan for a high one"),
        (width_plan([0.01, 0.5], [0.1], asked=False), "depends on the rate"),
    ],
)
def test_every_answer_is_said_in_words_and_as_plain_data(answer, said):
    import json

    plan = planned(answer)
    assert said in " ".join(str(plan).split())
    told = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert told["plan"]["question"] == answer.kind
    assert len(told["plan"]["rows"]) == len(answer.rows)
    assert len(list(plan.rows())) == max(1, len(answer.rows))
    assert plan._repr_html_().count("<p>") == len(plan.summary) + len(plan.notes)


@pytest.mark.parametrize(
    ("share", "text"), [(0.03, "3%"), (1.0, "100%"), (0.0005, "0.05%"), (1 / 3, "33.33%")]
)
def test_a_share_is_written_as_it_was_given(share, text):
    assert exact(share) == text


@pytest.mark.parametrize(
    "call",
    [
        lambda: width_plan([1.5], [0.1], asked=True),
        lambda: width_plan([0.5], [0], asked=True),
        lambda: gate_plan("r", 0.01, 1),
        lambda: gate_plan("r", 0.01, 0.05, power=1),
        lambda: gate_plan("r", 0.05, 0.05, power=2),
        lambda: gate_plan("r", float("nan"), 0.05),
        lambda: gate_plan("r", 0.01, 0.05, confidence=1),
        lambda: difference_plan(0),
        lambda: difference_plan(-0.1),
        lambda: difference_plan(float("nan")),
        lambda: difference_plan(0.1, discordant=0.05),
        lambda: difference_plan(0.1, discordant=1.1),
        lambda: difference_plan(0.1, rate=0.95),
        lambda: difference_plan(0.1, power=0),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(UsageError):
        call()


def test_rounding_never_adds_a_prompt():
    like = file_like([0, 1], [1, 1], [2, 1], units=10)
    assert need(3, like).in_all == 10
    assert need(7, like).in_all == ceil(70 / 3)
