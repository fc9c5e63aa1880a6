"""Rates from strata of a grader's pairs that people labelled apart."""

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.graded.correction import corrected_difference
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.proportion import clopper_pearson, mover_difference, wilson
from riskshift.stats.resample import generator

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "strata.json").read_text())
MANY = 10**9  # graded pairs of a stratum, so many that their own chance is nothing


def strata(*labelled, graded, **options):
    """Correct from one pair a prompt: people's states by stratum, and graded pairs by stratum."""
    states = len(labelled[0])
    cells, pairs, weight = [], [], []
    for at, (counts, total) in enumerate(zip(labelled, graded, strict=True)):
        for state, n in enumerate([*counts, total - sum(counts)]):
            cell = np.zeros((len(labelled), states), int)
            if state < states:
                cell[at, state] = 1
            cells.append(cell)
            pairs.append([int(at == other) for other in range(len(labelled))])
            weight.append(n)
    return stratified_rate(np.array(cells), pairs, weight, **options)


def golden_rates(case, **options):
    """Correct a mean and a ratio from the pairs that R made."""
    pairs = {name: np.array(column) for name, column in case["pairs"].items()}
    prompt, known = pairs["prompt"] - 1, pairs["labelled"]
    cells, graded = np.zeros((case["prompts"], 3, 3)), np.zeros((case["prompts"], 3))
    np.add.at(cells, tuple(each[known] for each in (prompt, pairs["stratum"], pairs["people"])), 1)
    np.add.at(graded, (prompt, pairs["stratum"]), 1)
    event = np.stack([cells[:, :, :2].sum(axis=2), cells[:, :, 2]], axis=2)
    return [stratified_rate(part, graded, **options) for part in (event, cells)]


def spread(rate):
    """Variance of a linearised rate over whole prompts."""
    prompts = rate.weight.sum()
    return prompts / (prompts - 1) * float(rate.weight @ rate.influence**2)


@st.composite
def clustered(draw, states):
    kinds, parts = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    count = st.integers(0, 3)
    size = kinds * parts * states
    cells = np.array(draw(st.lists(count, min_size=size, max_size=size)))
    cells = cells.reshape(kinds, parts, states)
    more = np.array(draw(st.lists(count, min_size=kinds * parts, max_size=kinds * parts)))
    pairs = cells.sum(axis=2) + more.reshape(kinds, parts)
    weight = np.array(draw(st.lists(st.integers(1, 20), min_size=kinds, max_size=kinds)))
    assume((cells.sum(axis=2).any(axis=0) | ~pairs.any(axis=0)).all() and cells.any())
    return cells, pairs, weight


def test_two_strata_of_equal_size_give_newcombes_interval():
    rate = strata((14, 56), (48, 32), graded=(MANY, MANY))
    # Method 10 of Newcombe 1998; of the second stratum the non-events.
    difference = mover_difference(56 / 70, wilson(56, 70), 48 / 80, wilson(48, 80))
    assert 2 * rate.estimate - 1 == pytest.approx(56 / 70 - 48 / 80)
    ends = 2 * rate.interval.low - 1, 2 * rate.interval.high - 1
    assert ends == pytest.approx((difference.low, difference.high), rel=1e-6)
    assert rate.interval.method == "mover-wilson"


@pytest.mark.parametrize("method", [wilson, clopper_pearson])
def test_a_single_stratum_is_its_own_rate(method):
    alone = method(3, 60)
    rate = strata((57, 3), graded=[MANY], method=method)
    found = rate.estimate, rate.interval.low, rate.interval.high
    assert found == pytest.approx((0.05, alone.low, alone.high), rel=1e-6)
    if method is wilson:
        assert (rate.labelled, rate.effective_n) == (60, pytest.approx(60, rel=1e-6))
        assert rate.gain == pytest.approx(1, rel=1e-6)


def test_limits_are_the_sums_of_squares_written_out():
    rate = strata((95, 5), (12, 38), graded=(9 * MANY, MANY))
    p, w = np.array([0.05, 0.76]), np.array([0.9, 0.1])
    ends = [wilson(5, 100), wilson(38, 50)]
    theta = float(w @ p)
    down = sqrt(sum((w * (p - [end.low for end in ends])) ** 2))
    up = sqrt(sum((w * ([end.high for end in ends] - p)) ** 2))
    found = rate.estimate, rate.interval.low, rate.interval.high
    assert found == pytest.approx((theta, theta - down, theta + up), rel=1e-6)


@pytest.mark.parametrize("method", [wilson, clopper_pearson])
def test_shares_of_strata_that_were_labelled_to_the_last_pair_have_the_limits_of_a_proportion(
    method,
):
    """5 of 100 pairs flagged, all of them harmful and no other: only how many there are is open."""
    rate = strata((95, 0), (0, 5), graded=(95, 5), method=method)
    # The variance of shares is taken with n - 1.
    shares, no, yes = method(0.05 * 99, 99), method(0, 95), method(5, 5)
    down = sqrt((0.05 - shares.low) ** 2 + (0.05 * (1 - yes.low)) ** 2)
    up = sqrt((shares.high - 0.05) ** 2 + (0.95 * no.high) ** 2)
    found = rate.interval.low, rate.interval.high
    assert found == pytest.approx((max(0, 0.05 - down), 0.05 + up), rel=1e-9)


def test_a_ratio_weighs_strata_by_their_share_of_the_denominator():
    # Of 90 pairs in 100 people put half inside, of 10 all.
    rate = strata((50, 45, 5), (0, 12, 38), graded=(9 * MANY, MANY))
    inside = np.array([0.9 * 0.5, 0.1])
    theta = float(inside @ [0.1, 0.76]) / inside.sum()
    assert rate.estimate == pytest.approx(theta)
    share = np.array([0.9, 0.1]) / inside.sum()

    def moved(inside):
        held = np.array([0.9, 0.1]) * inside
        return float(held @ [0.1, 0.76]) / held.sum()

    terms = [
        share[0] * 0.5 * (0.1 - wilson(5, 50).low),
        share[1] * (0.76 - wilson(38, 50).low),
        # More of the first stratum inside, less of the second, pulls the rate down.
        theta - moved([wilson(50, 100).high, 1]),
        theta - moved([0.5, wilson(50, 50).low]),
    ]
    assert rate.interval.low == pytest.approx(theta - np.linalg.norm(terms), rel=1e-6)


def test_a_stratum_with_nobody_inside_may_hide_any_rate():
    rate = strata((40, 0, 0), (0, 30, 10), graded=(MANY, MANY))
    assert rate.estimate == pytest.approx(0.25)
    more = wilson(0, 40).high  # all of them events
    hidden = (0.25 + more) / (1 + more) - 0.25
    own = wilson(10, 40)
    assert rate.interval.high == pytest.approx(0.25 + np.hypot(hidden, own.high - 0.25), rel=1e-6)
    assert rate.interval.high > own.high
    assert strata((40, 0, 0), graded=[MANY]) is None


def test_the_linearised_error_is_that_of_the_rows_written_out():
    rng = generator(3, "strata rows")
    prompt = np.arange(400) // 4
    stratum = (rng.random(400) < 0.3).astype(int)
    known = rng.random(400) < np.where(stratum, 0.8, 0.4)
    state = rng.integers(0, 3, 400)
    cells, pairs = np.zeros((100, 2, 3)), np.zeros((100, 2))
    np.add.at(cells, (prompt[known], stratum[known], state[known]), 1)
    np.add.at(pairs, (prompt, stratum), 1)
    rate = stratified_rate(cells, pairs)
    d, y = (state >= 1).astype(float), (state == 2).astype(float)
    w = np.array([(stratum == h).mean() for h in (0, 1)])
    seen = [known & (stratum == h) for h in (0, 1)]
    inside = sum(w[h] * d[seen[h]].mean() for h in (0, 1))
    theta = sum(w[h] * y[seen[h]].mean() for h in (0, 1)) / inside
    assert rate.estimate == pytest.approx(theta)
    e = (y - theta * d) / inside
    means = np.array([e[part].mean() for part in seen])
    psi = means[stratum] / 400
    for h in (0, 1):
        psi[seen[h]] += w[h] * (e[seen[h]] - means[h]) / seen[h].sum()
    assert rate.influence == pytest.approx(np.bincount(prompt, weights=psi))


@pytest.mark.parametrize("name", ["alone", "shared"])
def test_rates_and_errors_agree_with_survey_svycontrast_of_sums_over_prompts(name):
    rates = golden_rates(GOLDEN[name])
    assert [rate.estimate for rate in rates] == pytest.approx(GOLDEN[name]["estimates"], rel=1e-12)
    assert [spread(rate) for rate in rates] == pytest.approx(GOLDEN[name]["variances"], rel=1e-12)


@pytest.mark.parametrize("method", ["approx", "simple", "full"])
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_errors_agree_with_survey_twophase_but_for_its_n_minus_1_in_each_stratum(kind, method):
    rate = golden_rates(GOLDEN["alone"])[kind == "ratio"]
    two = GOLDEN["alone"]["two_phases"][method]
    assert rate.estimate == pytest.approx(two[kind], rel=1e-12)
    pairs = GOLDEN["alone"]["pairs"]
    smallest = np.bincount(np.array(pairs["stratum"])[pairs["labelled"]]).min()
    # The variance within a stratum, a part of the whole, is divided by n - 1 there, by n here.
    assert 1 < two[f"{kind}_variance"] / spread(rate) < smallest / (smallest - 1)


@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_where_prompts_repeat_the_error_is_near_that_of_survey_twophase(kind):
    rate = golden_rates(GOLDEN["shared"])[kind == "ratio"]
    two = GOLDEN["shared"]["two_phases"]["full"]
    assert rate.estimate == pytest.approx(two[kind], rel=1e-12)
    # What pairs of one prompt have in common is estimated there from labelled pairs alone, here
    # with the strata's means from all: two estimates of one thing, of which chance is a part.
    assert spread(rate) == pytest.approx(two[f"{kind}_variance"], rel=0.1)


def test_about_the_file_errors_agree_with_survey_svydesign_fpc_in_each_stratum():
    case = GOLDEN["alone"]
    stratum, known = np.array(case["pairs"]["stratum"]), np.array(case["pairs"]["labelled"])
    n, of = np.bincount(stratum[known]), np.bincount(stratum)
    for kind, rate in zip(("mean", "ratio"), golden_rates(case, about="file"), strict=True):
        assert rate.estimate == pytest.approx(case["file"][kind], rel=1e-12)
        # One pair a prompt. The influence leaves both factors to the limits of each stratum.
        squares = np.bincount(stratum, weights=rate.influence**2)
        variance = float(squares @ ((1 - n / of) * n / (n - 1)))
        assert variance == pytest.approx(case["file"][f"{kind}_variance"], rel=1e-12)


def test_the_strata_shares_have_chance_of_their_own_unless_the_rate_is_about_the_file():
    few, many = ((95, 5), (12, 38)), (9 * MANY, MANY)
    wide = strata(*few, graded=(900, 100))
    assert wide.interval.low < strata(*few, graded=many).interval.low
    # All strata alike: how large they are does not matter.
    alike = strata((90, 10), (45, 5), graded=(900, 100))
    exact = strata((90, 10), (45, 5), graded=many)
    assert alike.interval.low == pytest.approx(exact.interval.low, rel=1e-6)
    file = strata(*few, graded=(900, 100), about="file")
    p, w, n = np.array([0.05, 0.76]), np.array([0.9, 0.1]), np.array([100, 50])
    size = n / (1 - n / [900, 100])
    ends = [wilson(a * b, b) for a, b in zip(p, size, strict=True)]
    down = sqrt(sum((w * (p - [end.low for end in ends])) ** 2))
    assert file.interval.low == pytest.approx(file.estimate - down)


def test_of_strata_that_people_labelled_in_full_nothing_is_uncertain():
    rate = strata((95, 5), (12, 38), graded=(100, 50), about="file")
    ends = rate.interval.low, rate.estimate, rate.interval.high
    assert ends == pytest.approx([43 / 150] * 3)
    assert rate.effective_n == np.inf


def test_differences_of_strata_use_their_correlation():
    rng = generator(5, "strata difference")
    cells, pairs = np.zeros((2, 300, 2, 2)), np.zeros((2, 300, 2))
    hard = rng.random(300) < 0.3
    for model in (0, 1):
        stratum, event = hard.astype(int), (hard & (rng.random(300) < 0.8)).astype(int)
        np.add.at(cells[model], (np.arange(300), stratum, event), 1)
        np.add.at(pairs[model], (np.arange(300), stratum), 1)
    a, b = (stratified_rate(cells[at], pairs[at]) for at in (0, 1))
    joint = corrected_difference(a, b)
    apart = corrected_difference(a, stratified_rate(cells[1][::-1], pairs[1][::-1]))
    assert joint.high - joint.low < apart.high - apart.low


@given(st.one_of(clustered(2), clustered(3)), st.sampled_from(["prompts", "file"]))
def test_every_interval_lies_in_the_unit_range_around_its_estimate(case, about):
    cells, pairs, weight = case
    rate = stratified_rate(cells, pairs, weight, about=about)
    assume(rate is not None)
    assert 0 <= rate.interval.low <= rate.estimate + 1e-12
    assert rate.estimate - 1e-12 <= rate.interval.high <= 1
    assert rate.effective_n >= 0
    if about == "prompts":
        assert rate.interval.low < rate.interval.high


@given(clustered(3))
def test_neither_order_nor_the_way_of_counting_prompts_matters(case):
    cells, pairs, weight = case
    rate = stratified_rate(cells, pairs, weight)
    assume(rate is not None)
    again = stratified_rate(*(np.repeat(part, weight, axis=0)[::-1] for part in (cells, pairs)))
    turned = stratified_rate(cells[:, ::-1], pairs[:, ::-1], weight)
    for other in (again, turned):
        found = other.estimate, other.interval.low, other.interval.high
        ends = rate.estimate, rate.interval.low, rate.interval.high
        assert found == pytest.approx(ends, rel=1e-9, abs=1e-9)


@given(clustered(2))
def test_exchanging_event_and_no_event_mirrors_the_result(case):
    cells, pairs, weight = case
    rate = stratified_rate(cells, pairs, weight)
    other = stratified_rate(cells[:, :, ::-1], pairs, weight)
    assert other.estimate == pytest.approx(1 - rate.estimate, abs=1e-9)
    assert other.interval.low == pytest.approx(1 - rate.interval.high, abs=1e-9)


@given(clustered(2))
def test_data_doubled_under_new_prompts_keep_the_rate_and_narrow_the_interval(case):
    cells, pairs, weight = case
    assume(weight.sum() > 1)
    once = stratified_rate(cells, pairs, weight)
    twice = stratified_rate(cells, pairs, 2 * weight)
    assert twice.estimate == pytest.approx(once.estimate, abs=1e-9)
    assert twice.interval.high - twice.interval.low <= once.interval.high - once.interval.low


@pytest.mark.parametrize(
    ("rate", "harm"),
    [(0.05, (0.02, 0.5)), (0.3, (0.1, 0.8))],
)
def test_the_interval_covers(rate, harm):
    # 600 repetitions at a true coverage of 95 % fall below 92.5 % once in 300.
    share = (rate - harm[0]) / (harm[1] - harm[0])
    rng = generator(1, "strata", str(rate))
    covered = []
    for _ in range(600):
        flagged = rng.binomial(3000, share)
        events = rng.binomial(100, harm)
        labelled = [(100 - event, event) for event in events]
        interval = strata(*labelled, graded=(3000 - flagged, flagged)).interval
        covered.append(interval.low <= rate <= interval.high)
    assert np.mean(covered) >= 0.925


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[[1, 0], [0, 1]]], [[1, 1, 1]]), "shape"),
        (([[1, 0], [0, 1]], [[1, 1]]), "shape"),
        (([[[1, 0], [0, -1]]], [[1, 1]]), "negative"),
        (([[[1, 0], [0, 1]]], [[1, 1]], [1, 2]), "1 counts of clusters"),
        (([[[1, 0], [0, 2]]], [[1, 1]]), "more labelled pairs"),
        (([[[1, 0], [0, 0]]], [[1, 1]]), "needs a labelled one"),
        (([[[0, 0], [0, 0]]], [[0, 0]]), "needs a labelled one"),
    ],
)
def test_counts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        stratified_rate(*arguments)


def test_what_a_rate_is_about_must_be_known():
    with pytest.raises(UsageError, match="about 'pairs' is unknown"):
        strata((57, 3), graded=[MANY], about="pairs")
