"""Report cards: shares, their intervals, the bias and the two sides, from counts."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.analysis.grader.cards import asymmetries, report_cards
from riskshift.analysis.rates import Settings
from riskshift.collapse.pairs import collapse
from riskshift.collapse.rated.beside import double
from riskshift.stats.clusters.cluster import clustered_interval, correlation
from riskshift.stats.clusters.table_interval import ALONE, TOO_LITTLE, UNDEFINED
from riskshift.stats.grading import agreement_of, card_intervals, f1_gradient, report_card
from riskshift.stats.matched.paired import tango_exact
from riskshift.stats.matched.paired_clusters import clustered_tango
from riskshift.stats.proportion import mover_difference, wilson

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
FAST = Settings(resamples=300)


def doubled(prompts, responses, ids=None):
    """Two-level labels as (by people, by the grader); equal ids share a prompt."""
    n = len(prompts)
    base = {"prompt_id": list(ids or range(n)), "sample": list(range(n))}
    made = []
    for at in (0, 1):
        sides = {
            "prompt_harm": [pair[at] for pair in prompts],
            "response_harm": [pair[at] for pair in responses],
        }
        rows = pl.DataFrame(base | sides)
        made.append(riskshift.read(rows, taxonomy=TWO, prompt_labels="per-row"))
    people, grader = made
    return double(collapse(grader), collapse(people))


def by_side(table, settings=FAST):
    return {(card.side, card.category): card for card in report_cards(table, settings)}


PAIRS = [(1, 1)] * 7 + [(0, 1)] * 3 + [(1, 0)] * 2 + [(0, 0)] * 18
FLIPPED = PAIRS[::-1]


def test_records_that_stand_alone_get_plain_intervals():
    card = by_side(doubled(PAIRS, FLIPPED))["response", "harm"]
    ends = {"sensitivity": (7, 9), "specificity": (18, 21), "precision": (7, 10)}
    for name, (events, trials) in ends.items():
        rate = card.rates[name]
        assert (rate.events, rate.trials) == (events, trials)
        assert rate.interval == wilson(events, trials)
        assert rate.deff is None
    assert card.bias.estimate == pytest.approx(1 / 30)
    assert card.bias.interval == tango_exact(7, 3, 2, 18)
    assert (card.rates["people_harmful"].events, card.rates["grader_harmful"].events) == (9, 10)


def test_the_sides_are_compared_with_their_correlation():
    table = doubled(PAIRS, FLIPPED)
    cards = report_cards(table, FAST)
    found = {item.measure: item for item in asymmetries(table, cards, FAST) if item.category}
    people, grader = np.array(PAIRS).T, np.array(FLIPPED).T
    sides = []
    for y, f in (people, grader):
        sides += [((y == 1) & (f == 1)).astype(int), (y == 1).astype(int)]
    joint = correlation(*sides, np.ones(30))
    wanted = mover_difference(7 / 9, wilson(7, 9), 7 / 9, wilson(7, 9), correlation=joint)
    held = found["sensitivity"].gap.interval
    assert (held.low, held.high) == pytest.approx((wanted.low, wanted.high))
    assert found["sensitivity"].gap.estimate == 0


def test_shared_prompts_make_wider_intervals():
    alone = by_side(doubled(PAIRS * 4, FLIPPED * 4))["response", "harm"]
    table = doubled(PAIRS * 4, FLIPPED * 4, ids=list(range(30)) * 4)
    shared = by_side(table)["response", "harm"]
    assert shared.counts == alone.counts
    y, f = np.array(FLIPPED).T
    both, flagged, missed, neither = (
        4 * ((y == i) & (f == j)) for i, j in ((1, 1), (0, 1), (1, 0), (0, 0))
    )
    wanted, sample = clustered_interval(both, both + missed, np.ones(30))
    found = shared.rates["sensitivity"].interval
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert shared.rates["sensitivity"].effective_n == pytest.approx(sample.n)
    held, _ = clustered_tango(both, flagged, missed, neither, np.ones(30))
    ends = held.low, held.high
    assert (shared.bias.interval.low, shared.bias.interval.high) == pytest.approx(ends, abs=1e-12)
    for name, rate in shared.rates.items():
        other = alone.rates[name].interval
        assert rate.interval.high - rate.interval.low > other.high - other.low


def frames(rows, taxonomy=THREE):
    """Rows of eight labels: people's prompt and response, then the grader's."""
    names = ("prompt_a", "prompt_b", "response_a", "response_b")
    made = []
    for start in (0, 4):
        columns = {name: [row[start + at] for row in rows] for at, name in enumerate(names)}
        frame = pl.DataFrame(
            {"prompt_id": list(range(len(rows)))} | columns,
            schema_overrides=dict.fromkeys(names, pl.Int64),
        )
        made.append(riskshift.read(frame, taxonomy=taxonomy, scale="levels"))
    return made


def test_all_together_takes_the_record_as_one_unit():
    # Both categories always agree, so a second label of the record says nothing new.
    rows = [(0, 0, i, i, 0, 0, j, j) for i, j in [(1, 1)] * 12 + [(1, 0)] * 8 + [(0, 0)] * 30]
    people, grader = frames(rows)
    cards = by_side(double(collapse(grader), collapse(people)))
    pooled, single = (cards["response", name].rates["sensitivity"] for name in (None, "a"))
    assert (pooled.events, pooled.trials) == (24, 40)
    assert pooled.deff > 1.7
    assert pooled.interval.high - pooled.interval.low >= 0.95 * (
        single.interval.high - single.interval.low
    )


label = st.one_of(st.none(), st.integers(0, 2))


@settings(max_examples=40)
@given(st.lists(st.tuples(*[label] * 8), min_size=1, max_size=12))
def test_all_together_adds_up_to_its_categories(rows):
    if not any(row[at] is not None and row[at + 4] is not None for row in rows for at in range(4)):
        return
    people, grader = frames(rows)
    cards = by_side(double(collapse(grader), collapse(people)), Settings(resamples=20))
    for at, side in enumerate(("prompt", "response")):
        parts = [cards[side, name] for name in THREE.categories]
        pooled = cards[side, None]
        assert pooled.labels == sum(card.labels for card in parts)
        assert np.array_equal(pooled.table, sum(np.array(card.table) for card in parts))
        for c, card in enumerate(parts):
            told = [(row[2 * at + c], row[2 * at + c + 4]) for row in rows]
            known = [pair for pair in told if None not in pair]
            wanted = np.zeros((3, 3), int)
            for pair in known:
                wanted[pair] += 1
            assert np.array_equal(card.table, wanted)
            assert card.counts == report_card(wanted)
            for rate in card.rates.values():
                assert (rate.estimate is None) == (rate.trials == 0)
                if rate.interval:
                    assert 0 <= rate.interval.low <= rate.estimate <= rate.interval.high <= 1
            if known:
                held = card.bias.interval
                assert -1 <= held.low <= card.bias.estimate <= held.high <= 1


def test_swapping_grader_and_people_swaps_errors():
    one = by_side(doubled(PAIRS, FLIPPED))["response", "harm"]
    turned = [pair[::-1] for pair in FLIPPED]
    other = by_side(doubled(PAIRS, turned))["response", "harm"]
    assert one.counts.false_positive == other.counts.false_negative
    assert one.rates["sensitivity"].estimate == other.rates["precision"].estimate
    assert one.bias.estimate == -other.bias.estimate
    assert one.bias.interval.low == pytest.approx(-other.bias.interval.high)
    assert one.weighted_kappa.estimate == other.weighted_kappa.estimate


def test_macro_f1_and_kappa_lie_within_their_intervals():
    card = by_side(doubled(PAIRS, FLIPPED))["response", "harm"]
    for made in (card.macro_f1, card.weighted_kappa):
        assert made.interval.low < made.estimate < made.interval.high


def test_of_many_clusters_the_interval_is_what_resampling_them_gives():
    rng = np.random.default_rng(2)
    cells = rng.multinomial(6, [0.5, 0.1, 0.05, 0.35], size=400).reshape(-1, 2, 2)
    held = card_intervals(cells, np.ones(400, int))
    drawn = rng.multinomial(400, np.full(400, 1 / 400), size=2_000)
    made = [report_card(np.tensordot(many, cells, 1)) for many in drawn]
    for one, values in zip(
        held, ([c.macro_f1 for c in made], [c.weighted_kappa for c in made]), strict=True
    ):
        low, high = np.quantile(values, [0.025, 0.975])
        ends = [one.interval.low, one.interval.high]
        assert ends == pytest.approx([low, high], abs=0.15 * (high - low))


def test_the_slope_of_macro_f1_is_what_one_more_label_does():
    table = np.array([[80.0, 6, 1], [4, 10, 3], [2, 1, 7]])
    slope = f1_gradient(table)
    for cell in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[cell] = 1e-4
        moved = [agreement_of(table + sign * step)[0] for sign in (1, -1)]
        assert slope[cell] == pytest.approx((moved[0] - moved[1]) / 2e-4, rel=1e-5, abs=1e-9)


def test_one_cluster_or_one_level_has_a_reason_and_no_interval():
    assert {made.reason for made in card_intervals([[[3, 1], [1, 2]]], [1])} == {ALONE}
    f1, kappa = card_intervals([[[1, 0], [0, 0]]], [9])
    assert (f1.reason, kappa.reason) == (TOO_LITTLE, UNDEFINED)
    with pytest.raises(riskshift.UsageError, match="confidence is 0"):
        card_intervals([[[1, 0], [0, 0]]], [9], confidence=0)
