"""Rates corrected for a grader's errors."""

import csv
import importlib
import json
import os
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.graded.correction import (
    corrected_difference,
    ppi_rate,
)
from riskshift.stats.proportion import mover_difference, wilson
from riskshift.stats.resample import generator

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests/golden/agreement_labels.json").read_text())
OF_FILE = json.loads((ROOT / "tests/golden/strata.json").read_text())
GRADED = ROOT.parent / "shared/data/people_and_graders.csv"
NO_SKIPS = os.environ.get("RISKSHIFT_NO_SKIPS") == "1"

# One pair a cluster: the four cells of people's label by the grader's, then the grader alone.
CELLS = np.pad(np.eye(4, dtype=int).reshape(4, 2, 2), ((0, 2), (0, 0), (0, 0)))
REST = np.pad(np.eye(2, dtype=int), ((4, 0), (0, 0)))
# The same with a third column: the grader left the pair blank.
CELLS3 = np.pad(np.eye(6, dtype=int).reshape(6, 2, 3), ((0, 3), (0, 0), (0, 0)))
REST3 = np.pad(np.eye(3, dtype=int), ((6, 0), (0, 0)))


def independent(counts, **options):
    """Correct a rate from six counts of pairs that share no cluster."""
    return ppi_rate(CELLS, REST, counts, **options)


@st.composite
def clustered(draw, states=2, most=3):
    kinds = draw(st.integers(2, 6))
    cell = st.integers(0, most)
    labelled = draw(st.lists(cell, min_size=kinds * states**2, max_size=kinds * states**2))
    unlabelled = draw(st.lists(cell, min_size=kinds * states, max_size=kinds * states))
    weight = draw(st.lists(st.integers(1, 20), min_size=kinds, max_size=kinds))
    labelled = np.array(labelled).reshape(kinds, states, states)
    return labelled, np.array(unlabelled).reshape(kinds, states), np.array(weight)


def oracle(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        if NO_SKIPS:
            raise
        pytest.skip(f"{name} is not installed")


def golden_states(model):
    """Counts per prompt of one model's pairs in the file that R made."""
    pairs = {name: np.array(column) for name, column in GOLDEN["pairs"].items()}
    labelled, rest = np.zeros((GOLDEN["prompts"], 3, 3)), np.zeros((GOLDEN["prompts"], 3))
    own, known = pairs["model"] == model, pairs["labelled"]
    prompt, people, grader = pairs["prompt"] - 1, pairs["people"], pairs["grader"]
    np.add.at(labelled, tuple(each[own & known] for each in (prompt, people, grader)), 1)
    np.add.at(rest, tuple(each[own & ~known] for each in (prompt, grader)), 1)
    return labelled, rest


@given(
    st.lists(st.integers(0, 40), min_size=6, max_size=6),
    st.floats(0.05, 1),
)
def test_estimate_and_error_agree_with_ppi_python_at_the_same_lam(counts, lam):
    ppi_py = oracle("ppi_py")
    assume(sum(counts[:4]) > 1 and sum(counts[4:]) > 0)
    people, grader, other = (
        np.repeat(values, counts[part]).astype(float)
        for values, part in (
            ([0, 0, 1, 1], slice(0, 4)),
            ([0, 1, 0, 1], slice(0, 4)),
            ([0, 1], slice(4, 6)),
        )
    )
    expected = float(np.squeeze(ppi_py.ppi_mean_pointestimate(people, grader, other, lam=lam)))
    rate = independent(counts, lam=lam)
    assert rate.estimate == pytest.approx(min(1, max(0, expected)), abs=1e-8)
    if abs(expected - round(expected)) > 1e-9:  # at 0 and 1 rounding decides
        assert rate.clipped == (not 0 <= expected <= 1)
    low, high = ppi_py.ppi_mean_ci(people, grader, other, lam=lam, alpha=0.05)
    error = sqrt(rate.weight @ rate.influence**2)
    assert error == pytest.approx(float(high[0] - low[0]) / 2 / 1.959963984540054, abs=1e-8)


def test_ratios_and_their_covariance_agree_with_survey_where_prompts_span_both_parts():
    rates = [ppi_rate(*golden_states(model), lam=GOLDEN["lam"]) for model in "ab"]
    assert [rate.estimate for rate in rates] == pytest.approx(GOLDEN["rates"], rel=1e-12)
    influence = np.array([rate.influence for rate in rates])
    prompts = GOLDEN["prompts"]
    covariance = prompts / (prompts - 1) * influence @ influence.T
    assert covariance == pytest.approx(np.array(GOLDEN["covariance"]), rel=1e-12)


def test_the_difference_of_two_corrected_rates_uses_their_correlation():
    a, b = (ppi_rate(*golden_states(model), lam=GOLDEN["lam"]) for model in "ab")
    (v_a, both), (_, v_b) = GOLDEN["covariance"]
    # Four pseudo-prompts that pull as hard as the prompt that pulls hardest never narrow it.
    assert both < 0
    joint = both / sqrt(v_a * v_b)
    expected = mover_difference(a.estimate, a.interval, b.estimate, b.interval, correlation=joint)
    interval = corrected_difference(a, b)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    turned = corrected_difference(b, a)
    assert (turned.low, turned.high) == pytest.approx((-interval.high, -interval.low))


def test_rates_that_agree_wherever_people_looked_are_not_certain_to_be_equal():
    rate = independent([180, 4, 2, 14, 1670, 130])
    interval = corrected_difference(rate, rate)
    assert interval.low == pytest.approx(-interval.high)
    width = rate.interval.high - rate.interval.low
    assert 0.1 * width < interval.high - interval.low < width


@given(clustered(2), clustered(2))
def test_no_difference_has_zero_width(case, other):
    kinds = min(len(case[2]), len(other[2]))
    a, b = (
        ppi_rate(labelled[:kinds], rest[:kinds], case[2][:kinds])
        for labelled, rest, _ in (case, other)
    )
    assume(a is not None and b is not None)
    interval = corrected_difference(a, b)
    assert interval.low < interval.high


def test_rates_over_other_clusters_or_at_other_levels_cannot_be_compared():
    rate = independent([180, 4, 2, 14, 1670, 130])
    with pytest.raises(UsageError, match="same kinds of cluster"):
        corrected_difference(rate, independent([180, 4, 2, 15, 1670, 130]))
    with pytest.raises(UsageError, match="same confidence"):
        corrected_difference(rate, independent([180, 4, 2, 14, 1670, 130], confidence=0.9))


def with_doubt(table):
    """People's label by the grader's, with the pairs that say that the grader may err."""
    table = np.array(table, float)
    rate = (table[1].sum() + 1) / (table.sum() + 2)
    occurs = table.any(axis=0)
    return table + table.sum(axis=0) / table.sum() + np.outer([1 - rate, rate], occurs)


def test_lam_is_tuned_on_the_labelled_pairs_with_doubt_added():
    rate = independent([180, 4, 2, 14, 1670, 130])
    table = with_doubt([[180, 4], [2, 14]])
    of_no, of_yes = table[1] / table.sum(axis=0)
    assert rate.lam == pytest.approx((of_yes - of_no) / (1 + 200 / 1800), rel=1e-12)
    assert rate.silence == 0


def test_word_and_silence_are_one_regression_on_what_the_grader_said():
    rate = ppi_rate(CELLS3, REST3, [150, 4, 16, 2, 14, 14, 1500, 130, 170])
    table = with_doubt([[150, 4, 16], [2, 14, 14]])
    said = table.sum(axis=0)
    # Least squares of people's label on the indicators of event and blank.
    rows = np.array([[1, f == 1, f == 2] for _ in (0, 1) for f in range(3)], float)
    root = np.sqrt(table.ravel())
    people = np.repeat([0.0, 1.0], 3)
    base, event, blank = np.linalg.lstsq(rows * root[:, None], people * root, rcond=None)[0]
    known = said[:2].sum() / said.sum()
    share = 1800 / 2000
    assert rate.lam == pytest.approx(event * known * share, rel=1e-9)
    others = base + event * said[1] / said[:2].sum()
    assert rate.silence == pytest.approx((base + blank - others) * share, rel=1e-9)
    assert rate.raw.trials == 170 + 1630


def test_the_effective_size_is_that_of_people_times_the_gain_of_the_rows_written_out():
    rng = generator(4, "rows")
    prompt = np.arange(240) // 4
    people = (rng.random(240) < rng.random(60)[prompt] / 2).astype(int)
    grader = np.where(rng.random(240) < 0.8, people, rng.integers(0, 2, 240))
    known = rng.random(240) < 0.5
    counts = np.zeros((60, 2, 2)), np.zeros((60, 2))
    np.add.at(counts[0], (prompt[known], people[known], grader[known]), 1)
    np.add.at(counts[1], (prompt[~known], grader[~known]), 1)
    rate = ppi_rate(*counts, confidence=0.9)

    # The doubt: a cell each, in prompts like the average labelled pair's.
    labelled, unlabelled = (part.reshape(60, -1).sum(axis=1) for part in counts)
    own, beside = (labelled @ part / labelled.sum() for part in (labelled, unlabelled))
    table = counts[0].sum(axis=0)
    added = (with_doubt(table) - table).ravel() / own
    cells = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    y, f = np.concatenate([people, *cells[:1] * 2]), np.concatenate([grader, *cells[1:] * 2])
    group = np.concatenate([prompt, *[np.arange(60, 64)] * 2])
    seen = np.concatenate([known, [True] * 4, [False] * 4])
    size = np.concatenate([np.ones(240), [own] * 4, [beside] * 4])  # pairs in a row
    prompts = np.append(np.ones(60), added)
    w = size * prompts[group]
    n, others = w[seen].sum(), w[~seen].sum()

    def variance(lam):
        e = y - lam * f
        psi = np.where(
            seen,
            (e - np.average(e[seen], weights=w[seen])) / n,
            lam * (f - np.average(f[~seen], weights=w[~seen])) / others,
        )
        return (prompts * np.bincount(group, weights=size * psi) ** 2).sum()

    assert rate.gain == pytest.approx(variance(0) / variance(rate.lam), rel=1e-9)
    assert rate.gain > 1
    assert rate.effective_n == pytest.approx(rate.people.effective_n * rate.gain, rel=1e-12)
    ends = wilson(rate.estimate * rate.effective_n, rate.effective_n, confidence=0.9)
    assert (rate.interval.low, rate.interval.high) == (ends.low, ends.high)


@given(clustered(3), st.integers(0, 3), st.sampled_from(["prompts", "file"]))
def test_a_grader_that_says_one_thing_of_all_pairs_says_nothing(case, said, about):
    labelled, unlabelled, weight = case
    people = labelled.sum(axis=2)
    one, others = np.zeros((len(weight), 3, 4), int), np.zeros((len(weight), 4), int)
    one[:, :, said], others[:, said] = people, unlabelled.sum(axis=1)
    rate = ppi_rate(one, others, weight, about=about)
    assume(rate is not None)
    assert (rate.lam, rate.silence, rate.gain) == (0, 0, 1)
    assert (rate.estimate, rate.interval) == (rate.people.estimate, rate.people.interval)
    assert rate.effective_n == rate.people.effective_n


@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=2),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    st.lists(st.integers(0, 300), min_size=3, max_size=3),
)
def test_a_grader_that_has_nothing_to_do_with_people_changes_nothing(people, grader, others):
    assume(sum(grader) and sum(others))
    table = np.outer(people, grader).ravel()
    rate = ppi_rate(CELLS3, REST3, [*table, *others])
    assert (rate.lam, rate.silence) == pytest.approx((0, 0), abs=1e-9)
    assert rate.gain == pytest.approx(1, abs=1e-9)
    assert rate.estimate == pytest.approx(rate.people.estimate, abs=1e-9)


def test_nothing_of_300_by_people_is_no_less_with_a_grader_that_never_flags():
    rate = independent([300, 0, 0, 0, 3000, 0])
    assert (rate.interval, rate.effective_n) == (wilson(0, 300), 300)
    # Nor with one that flags a few pairs that people did not see.
    rare = independent([300, 0, 0, 0, 2990, 10])
    assert (rare.interval, rare.gain) == (wilson(0, 300), 1)


def test_pairs_that_the_grader_left_blank_are_not_dropped():
    """It is silent on harm: of 1,000 pairs of which 250 are harmful it labels 100, all safe."""
    rate = ppi_rate(CELLS3, REST3, [75, 0, 0, 0, 0, 25, 675, 0, 225])
    assert (rate.people.events, rate.people.trials) == (25, 100)
    assert rate.estimate == pytest.approx(0.25)
    assert rate.silence > 0.8
    assert rate.gain > 3
    assert rate.lam == 0


def test_blanks_at_random_cost_and_blanks_that_tell_help():
    whole = independent([180, 4, 2, 14, 1670, 130])
    half = ppi_rate(CELLS3, REST3, [90, 2, 92, 1, 7, 8, 835, 65, 900])
    assert 1 < half.gain < whole.gain
    telling = ppi_rate(CELLS3, REST3, [180, 2, 2, 1, 7, 8, 1670, 65, 65])
    assert telling.gain > half.gain


def test_a_grader_that_is_always_right_is_trusted_and_one_that_guesses_is_not():
    right = independent([900, 0, 0, 100, 8980, 1020])
    assert right.lam > 0.85
    assert right.gain > 5
    guessing = independent([450, 450, 50, 50, 5100, 4900])
    assert guessing.lam < 0.01
    assert guessing.gain == pytest.approx(1, abs=0.01)
    contrary = independent([0, 900, 100, 0, 1020, 8980])
    assert (contrary.lam, contrary.gain, contrary.interval) == (0, 1, contrary.people.interval)


def test_a_grader_with_one_label_for_all_changes_nothing():
    rate = independent([180, 0, 20, 0, 1800, 0])
    assert rate.estimate == rate.people.estimate
    assert rate.raw.estimate == 0


def test_the_correction_undoes_a_known_error():
    # The grader finds every event and calls one safe answer in ten an event.
    rate = independent([810, 90, 0, 100, 8100, 1900])
    assert rate.raw.estimate == pytest.approx(2090 / 11000)
    assert rate.estimate == pytest.approx(0.1, abs=0.001)
    assert rate.interval.low < 0.1 < rate.interval.high < rate.raw.interval.low


@pytest.mark.parametrize("lam", [0, 0.7, 1])
def test_without_other_pairs_people_stand_alone(lam):
    rate = independent([180, 4, 2, 14, 0, 0], lam=lam)
    assert (rate.lam, rate.interval) == (0, wilson(16, 200))
    assert rate.effective_n == rate.people.effective_n == 200


@given(clustered())
def test_lam_zero_is_people_alone_with_their_clusters(case):
    labelled, unlabelled, weight = case
    events, trials = labelled[:, 1].sum(axis=1), labelled.sum(axis=(1, 2))
    assume(trials.any())
    rate = ppi_rate(labelled, unlabelled, weight, lam=0)
    interval, sample = clustered_interval(events, trials, weight)
    assert (rate.interval, rate.effective_n) == (interval, sample.n)
    assert rate.estimate == rate.people.estimate


def test_without_people_there_is_no_rate():
    assert independent([0, 0, 0, 0, 1670, 130]) is None
    outside = np.zeros((1, 3, 3))
    outside[0, 0, 0] = 9
    assert ppi_rate(outside, [[5, 5, 5]]) is None


def test_a_grader_that_saw_no_denominator_is_left_out():
    labelled = np.zeros((2, 3, 3))
    labelled[0, 1, 0], labelled[1, 2, 0] = 1, 1
    rate = ppi_rate(labelled, [[4, 0, 0], [3, 0, 0]], [70, 30])
    assert (rate.raw, rate.lam, rate.estimate) == (None, 0, 0.3)


def test_one_prompt_with_labels_says_nothing_beyond_itself():
    rate = ppi_rate([[[3, 0], [0, 2]], [[0, 0], [0, 0]]], [[0, 0], [1, 1]], [1, 50])
    assert (rate.interval.low, rate.interval.high, rate.lam) == (0, 1, 0)


def test_an_estimate_below_zero_is_moved_there_and_said_to_be():
    rate = independent([150, 30, 4, 1, 1900, 20], lam=1)
    assert rate.clipped
    assert rate.estimate == rate.interval.low == 0
    assert 0 < rate.interval.high < 0.2


@settings(max_examples=60)
@given(st.one_of(clustered(2), clustered(3)), st.sampled_from([None, 0.5, 1.0]))
def test_every_interval_lies_in_the_unit_range_around_its_estimate_and_has_width(case, lam):
    labelled, unlabelled, weight = case
    rate = ppi_rate(labelled, unlabelled, weight, lam=lam)
    assume(rate is not None)
    assert 0 <= rate.interval.low <= rate.estimate <= rate.interval.high <= 1
    assert rate.interval.low < rate.interval.high
    assert 0 <= rate.lam <= 1
    assert rate.gain > 0


@given(clustered())
def test_exchanging_event_and_no_event_mirrors_the_result(case):
    labelled, unlabelled, weight = case
    rate = ppi_rate(labelled, unlabelled, weight)
    assume(rate is not None)
    other = ppi_rate(labelled[:, ::-1, ::-1], unlabelled[:, ::-1], weight)
    assert other.estimate == pytest.approx(1 - rate.estimate, abs=1e-12)
    assert other.interval.low == pytest.approx(1 - rate.interval.high, abs=1e-9)
    assert other.lam == pytest.approx(rate.lam, abs=1e-12)


@given(clustered(3))
def test_neither_order_nor_the_way_of_counting_prompts_matters(case):
    labelled, unlabelled, weight = case
    rate = ppi_rate(labelled, unlabelled, weight)
    assume(rate is not None)
    singly = ppi_rate(*(np.repeat(part, weight, axis=0)[::-1] for part in (labelled, unlabelled)))
    ends = rate.estimate, rate.interval.low, rate.interval.high, rate.gain
    again = singly.estimate, singly.interval.low, singly.interval.high, singly.gain
    assert again == pytest.approx(ends, rel=1e-9, abs=1e-12)


@given(clustered(), st.floats(0.05, 1))
def test_data_doubled_under_new_prompts_keep_the_rate_and_narrow_the_interval(case, lam):
    labelled, unlabelled, weight = case
    assume(labelled.any(axis=(1, 2)).sum() > 1 and unlabelled.any())
    once = ppi_rate(labelled, unlabelled, weight, lam=lam)
    twice = ppi_rate(labelled, unlabelled, 2 * weight, lam=lam)
    assert twice.estimate == pytest.approx(once.estimate, abs=1e-12)
    assert twice.interval.high - twice.interval.low < once.interval.high - once.interval.low


@given(clustered())
def test_a_mean_is_a_ratio_whose_denominator_is_every_pair(case):
    labelled, unlabelled, weight = case
    mean = ppi_rate(labelled, unlabelled, weight)
    assume(mean is not None)
    states = np.zeros((len(weight), 3, 3))
    states[:, 1:, 1:] = labelled
    others = np.column_stack([np.zeros(len(weight)), unlabelled])
    assert ppi_rate(states, others, weight) == mean


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[[1, 0], [0, 1]]], [[1, 1], [2, 2]]), "shape"),
        (([[1, 2], [3, 4]], [[1, 1], [2, 2]]), "shape"),
        (([[[1, 0], [0, -1]]], [[1, 1]]), "negative"),
        (([[[1, 0], [0, 1]]], [[1, 1]], [1, 2]), "1 counts of clusters"),
    ],
)
def test_counts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        ppi_rate(*arguments)


@pytest.mark.parametrize("lam", [-0.1, 1.1, float("nan")])
def test_lam_outside_its_range_is_refused(lam):
    with pytest.raises(UsageError, match="lam is"):
        independent([180, 4, 2, 14, 1670, 130], lam=lam)


@pytest.mark.parametrize(
    ("labelled", "rate", "sensitivity", "specificity"),
    [(50, 0.1, 0.9, 0.95), (200, 0.01, 0.9, 0.99), (300, 0.3, 0.8, 0.9)],
)
def test_the_interval_covers_also_where_events_are_few(labelled, rate, sensitivity, specificity):
    # 600 repetitions at a true coverage of 95 % fall below 92.5 % once in 300.
    cells = np.array([1 - rate, 1 - rate, rate, rate]) * [
        specificity, 1 - specificity, 1 - sensitivity, sensitivity,
    ]  # fmt: skip
    flagged = cells[1] + cells[3]
    rng = generator(1, "correction", str(labelled))
    covered = []
    for _ in range(600):
        other = rng.binomial(10 * labelled, flagged)
        counts = [*rng.multinomial(labelled, cells), 10 * labelled - other, other]
        interval = independent(counts).interval
        covered.append(interval.low <= rate <= interval.high)
    assert np.mean(covered) >= 0.925


@pytest.mark.skipif(not GRADED.exists() and not NO_SKIPS, reason="no data")
def test_one_label_in_ten_and_a_grader_give_three_quarters_of_the_width_of_people_alone():
    with GRADED.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["gpt4_harmful"]]
    _, prompt = np.unique([row["prompt_id"] for row in rows], return_inverse=True)
    people, grader = (
        np.array([float(row[name]) for row in rows]).astype(int)
        for name in ("human_harmful", "gpt4_harmful")
    )
    rng, widths, errors = generator(1, "graded"), [], []
    for _ in range(200):
        known = np.zeros(len(rows), dtype=bool)
        known[rng.choice(len(rows), len(rows) // 10, replace=False)] = True
        cell = np.where(known, 2 * people + grader, 4 + grader)
        counts = np.bincount(prompt * 6 + cell, minlength=939 * 6).reshape(-1, 6)
        kinds, weight = np.unique(counts, axis=0, return_counts=True)
        rate = ppi_rate(kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:], weight)
        widths.append([i.high - i.low for i in (rate.interval, rate.people.interval)])
        errors.append(rate.estimate - people.mean())
    corrected, alone = np.median(widths, axis=0)
    assert corrected <= 0.75 * alone
    assert abs(np.mean(errors)) < 0.002


def test_about_the_file_only_the_choice_of_pairs_is_chance():
    counts = np.array([180, 4, 2, 14, 1670, 130])
    prompts, file = (independent(counts, lam=0.8, about=about) for about in ("prompts", "file"))
    assert (file.estimate, file.labelled) == (prompts.estimate, prompts.labelled)
    assert file.interval.high - file.interval.low < prompts.interval.high - prompts.interval.low
    # A random sample of n of all pairs: (1 - n/T) s^2 / n of y - lam T/(T - n) f, by the book.
    y, f = np.repeat([0, 0, 1, 1], counts[:4]), np.repeat([0, 1, 0, 1], counts[:4])
    n, total = counts[:4].sum(), counts.sum()
    spread = np.var(y - 0.8 * total / (total - n) * f, ddof=1) * (1 - n / total) / n
    found = file.weight @ file.influence**2 * n / (n - 1) * (1 - n / total)
    assert found == pytest.approx(spread, rel=1e-12)


@pytest.mark.parametrize("drawn", ["file_pairs", "file_prompts"])
def test_about_the_file_the_error_agrees_with_survey_svydesign_fpc(drawn):
    """Of pairs drawn one by one, and of whole prompts of three pairs each."""
    case = OF_FILE[drawn]
    prompt, people, grader, known = (np.array(column) for column in case["pairs"].values())
    # Chance chose pairs, or prompts: these are the clusters.
    unit = np.arange(len(prompt)) if drawn == "file_pairs" else prompt - 1
    labelled, rest = np.zeros((unit.max() + 1, 2, 2)), np.zeros((unit.max() + 1, 2))
    np.add.at(labelled, (unit[known], people[known], grader[known]), 1)
    np.add.at(rest, (unit[~known], grader[~known]), 1)
    rate = ppi_rate(labelled, rest, lam=case["lam"], about="file")
    assert rate.estimate == pytest.approx(case["estimate"], rel=1e-12)
    units = labelled.any(axis=(1, 2)).sum()
    variance = units / (units - 1) * rate.weight @ rate.influence**2 * (1 - known.mean())
    assert variance == pytest.approx(case["variance"], rel=1e-12)


def test_about_the_file_people_alone_have_the_finite_population_correction():
    people = independent([180, 4, 2, 14, 1670, 130], about="file").people
    size = 200 / (1 - 200 / 2000)
    assert people.effective_n == pytest.approx(size)
    ends = wilson(16 / 200 * size, size)
    assert (people.interval.low, people.interval.high) == (ends.low, ends.high)


def test_of_a_file_that_people_labelled_in_full_nothing_is_uncertain():
    rate = independent([180, 4, 2, 14, 0, 0], about="file")
    assert (rate.interval.low, rate.interval.high, rate.interval.method) == (0.08, 0.08, "known")
    assert rate.effective_n == np.inf


@given(clustered(), st.sampled_from([None, 0.5]))
def test_about_the_file_more_is_known_than_about_such_prompts(case, lam):
    labelled, unlabelled, weight = case
    assume(labelled.any(axis=(1, 2)).sum() > 1 and unlabelled.any())
    prompts, file = (
        ppi_rate(labelled, unlabelled, weight, lam=lam, about=about)
        for about in ("prompts", "file")
    )
    assert file.estimate == prompts.estimate
    assert file.people.interval.low >= prompts.people.interval.low
    assert file.people.interval.high <= prompts.people.interval.high
    assert 0 <= file.interval.low <= file.estimate <= file.interval.high <= 1


def test_what_a_rate_is_about_must_be_known():
    with pytest.raises(UsageError, match="about 'records' is unknown"):
        independent([180, 4, 2, 14, 1670, 130], about="records")


@pytest.mark.skipif(not GRADED.exists() and not NO_SKIPS, reason="no data")
def test_about_the_file_the_interval_holds_as_often_as_it_says():
    with GRADED.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["gpt4_harmful"]]
    people, grader = (
        np.array([float(row[name]) for row in rows]).astype(int)
        for name in ("human_harmful", "gpt4_harmful")
    )
    rng, held = generator(2, "graded file"), []
    for _ in range(600):
        known = np.zeros(len(rows), dtype=bool)
        known[rng.choice(len(rows), len(rows) // 10, replace=False)] = True
        cell = np.where(known, 2 * people + grader, 4 + grader)
        interval = independent(np.bincount(cell, minlength=6), about="file").interval
        held.append(interval.low <= people.mean() <= interval.high)
    # 600 repetitions at a true coverage of 95.5 % leave this range once in 300.
    assert 0.93 <= np.mean(held) <= 0.98
