"""Intervals of agreement against a second program, and what they may never do."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.coverage import agreement as lab

from riskshift.errors import UsageError
from riskshift.stats.clusters.table_interval import TableInterval, cluster_tables
from riskshift.stats.grading import agreement_of, card_intervals
from riskshift.stats.proportion import Interval
from riskshift.stats.raters.alpha import alpha_interval, krippendorff_alpha
from riskshift.stats.raters.kappa import weighted_kappa_interval

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "agreement_intervals.json").read_text())
PROMPTS = np.array(GOLDEN["prompts"])
PER_PROMPT = (np.arange(0, 121, 3), np.arange(120), np.ones(40))


def ends(made):
    return [made.interval.low, made.interval.high]


def cells():
    made = np.zeros((120, 4, 4))
    made[np.arange(120), *np.array(GOLDEN["two"]).T] = 1
    return made


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("shared", [False, True])
def test_intervals_of_alpha_are_those_of_the_second_program(metric, shared):
    expected = GOLDEN["intervals"][f"alpha {metric}{' shared' if shared else ''}"]
    units = np.array(GOLDEN["counts"])
    estimate = krippendorff_alpha(units, metric=metric)
    assert estimate == pytest.approx(expected["estimate"], rel=1e-9)
    clusters = PER_PROMPT if shared else None
    held = alpha_interval(units, metric=metric, clusters=clusters)
    assert ends(held) == pytest.approx(expected["ends"], abs=1e-7)


@pytest.mark.parametrize("shared", [False, True])
def test_intervals_of_kappa_and_macro_f1_are_those_of_the_second_program(shared):
    f1, kappa = (
        GOLDEN["intervals"][f"{name}{' shared' if shared else ''}"] for name in ("f1", "kappa")
    )
    single = cells()
    units = np.add.reduceat(single, np.arange(0, 120, 3)) if shared else single
    held = card_intervals(units, np.ones(len(units)))
    assert agreement_of(single.sum(axis=0)) == pytest.approx([f1["estimate"], kappa["estimate"]])
    assert ends(held[0]) == pytest.approx(f1["ends"], abs=1e-7)
    assert ends(held[1]) == pytest.approx(kappa["ends"], abs=1e-7)
    at = single.reshape(120, -1).argmax(axis=1)
    clusters = (PER_PROMPT[0], at, PER_PROMPT[2]) if shared else None
    alone = weighted_kappa_interval(single.sum(axis=0), clusters=clusters)
    assert ends(alone) == pytest.approx(kappa["ends"], abs=1e-7)


def test_the_order_of_clusters_and_how_they_are_counted_changes_nothing():
    units = np.add.reduceat(cells(), np.arange(0, 120, 3))
    turned = card_intervals(units[::-1], np.ones(40))
    kinds, many = np.unique(units.reshape(40, -1), axis=0, return_counts=True)
    counted = card_intervals(kinds.reshape(-1, 4, 4), many)
    for one, other, third in zip(card_intervals(units, np.ones(40)), turned, counted, strict=True):
        assert ends(one) == pytest.approx(ends(other), rel=1e-12)
        assert ends(one) == pytest.approx(ends(third), rel=1e-12)


def test_an_interval_goes_without_a_reason_and_a_reason_without_an_interval():
    with pytest.raises(UsageError, match="or a reason"):
        TableInterval(None)
    with pytest.raises(UsageError, match="or a reason"):
        TableInterval(Interval(0, 1, "wilson", 0.95), "none")
    assert cluster_tables(cells(), np.ones(120), None) is None


@pytest.mark.parametrize("safe", [0.9, 0.95])
def test_few_items_that_are_nearly_all_safe_get_no_false_certainty(safe):
    setting = lab.Setting(30, safe, 0.85, 3)
    rows = {
        (row.method, row.measure): row
        for row in lab.alpha_rows(setting, "ordinal", 200, np.random.default_rng(1))
    }
    assert rows["riskshift", "error"].holds
    assert rows["naive bootstrap", "coverage"].value < 0.9
    assert rows["riskshift", "coverage"].value > rows["naive bootstrap", "coverage"].value
