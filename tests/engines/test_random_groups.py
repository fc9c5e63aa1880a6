"""Clusters of too many kinds are put into random groups: the same in every engine, and as sure."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.counts.clusters import RandomGroups
from riskshift.engines.random_groups import GROUPS

ONE = riskshift.Taxonomy(["a"], ["Safe", "Low", "High"])
OPTIONS = {"taxonomy": ONE, "scale": "levels", "resamples": 200}
HELD = "riskshift.engines.kinds.MOST_LINKED"


def pairs(prompts=600, answers=4, seed=1, *, alike=0.6):
    """Several answers a prompt, more alike within a prompt than between prompts."""
    rng = np.random.default_rng(seed)
    own = rng.choice([0, 0, 1, 2], prompts)
    tends = rng.choice([0, 1, 2], prompts, p=[0.7, 0.2, 0.1])
    copied = rng.random((prompts, answers)) < alike
    free = rng.choice([0, 1, 2], (prompts, answers), p=[0.7, 0.2, 0.1])
    response = np.where(copied, tends[:, None], free)
    return pl.DataFrame(
        {
            "prompt_id": np.repeat([f"p{at}" for at in range(prompts)], answers),
            "model": np.tile([f"m{at}" for at in range(answers)], prompts),
            "prompt_a": np.repeat(own, answers),
            "response_a": response.ravel(),
            "source": np.repeat(np.where(np.arange(prompts) % 2, "one", "two"), answers),
        }
    )


def in_groups(monkeypatch, most=0):
    monkeypatch.setattr(HELD, most)
    monkeypatch.setattr("riskshift.engines.random_groups.FEW", 0)


def test_the_switch_changes_how_sure_numbers_are_and_no_number(monkeypatch):
    frame = pairs(prompts=6_000)
    kinds = riskshift.analyze(frame, **OPTIONS)
    in_groups(monkeypatch)
    groups = riskshift.analyze(frame, **OPTIONS)
    many = groups.provenance.groups
    assert kinds.provenance.groups is None
    assert 0.9 * GROUPS < many <= GROUPS  # by chance some are empty
    assert groups.provenance.units == kinds.provenance.units == 6_000
    for name, rate in kinds.population.overall.items():
        other = groups.population.overall[name]
        assert (rate.events, rate.trials, rate.estimate) == (
            other.events,
            other.trials,
            other.estimate,
        )
        if rate.interval is not None:
            wide, found = (r.interval.high - r.interval.low for r in (rate, other))
            assert found == pytest.approx(wide, rel=0.12), name
            assert other.bootstrap is None
    told = [note for note in groups.notes if "groups of them" in note]
    assert len(told) == 1
    assert f"estimated from {many:,} groups of them" in told[0]
    assert "the width of an interval to about 2%. The numbers themselves come from all" in told[0]
    assert not [note for note in kinds.notes if "groups of them" in note]
    assert groups.to_dict()["clusters"]["groups"] == many


def test_the_switch_stands_where_it_says(monkeypatch):
    frame = pairs(prompts=50)
    counts = riskshift.analyze(frame, **OPTIONS).provenance
    for most, grouped in ((counts.units * 4, None), (2, GROUPS)):
        in_groups(monkeypatch, most)
        found = riskshift.analyze(frame, **OPTIONS).provenance.groups
        assert (found is None) == (grouped is None)


@pytest.mark.parametrize("spoil", ["twice", "labels"])
def test_faults_are_found_without_kinds(monkeypatch, spoil):
    frame = pairs(prompts=30)
    if spoil == "twice":
        frame = pl.concat([frame, frame.head(1)])
    else:
        first = pl.arange(pl.len()) == 0
        frame = frame.with_columns(
            pl.when(first).then(2 - pl.col("prompt_a")).otherwise("prompt_a")
        )
        frame = frame.with_columns(prompt_a=pl.when(first).then(1).otherwise(pl.col("prompt_a")))
    told = []
    for most in (2**23, 0):
        in_groups(monkeypatch, most)
        with pytest.raises(riskshift.PairError) as raised:
            riskshift.analyze(frame, **OPTIONS)
        told.append(str(raised.value))
        left = riskshift.analyze(frame, skip_bad=True, **OPTIONS)
        told.append((left.provenance.left_out, left.provenance.analyzed))
    assert told[:2] == told[2:]


def test_models_written_in_several_ways_are_found_without_kinds(monkeypatch):
    frame = pairs(prompts=20, answers=2)
    frame = frame.with_columns(
        model=pl.when(pl.col("model") == "m1").then(pl.lit("m0 ")).otherwise("model")
    )
    for most in (2**23, 0):
        in_groups(monkeypatch, most)
        with pytest.raises(riskshift.PairError, match="writes one name in several ways"):
            riskshift.analyze(frame, **OPTIONS)


@pytest.mark.parametrize("clusters", [1, 2, 3, 40])
def test_few_large_clusters_stay_what_they_are(monkeypatch, clusters):
    frame = pairs(prompts=200).with_columns(topic=pl.int_range(pl.len()) % clusters)
    kinds = riskshift.analyze(frame, cluster="topic", **OPTIONS)
    monkeypatch.setattr(HELD, 0)
    found = riskshift.analyze(frame, cluster="topic", **OPTIONS)
    assert found.population.overall == kinds.population.overall
    assert (found.provenance.groups, found.provenance.units) == (None, clusters)


def test_what_is_matched_keeps_kinds(monkeypatch):
    frame = pairs(prompts=60)
    whole = riskshift.compare(frame, **OPTIONS).to_dict()
    in_groups(monkeypatch)
    found = riskshift.compare(frame, **OPTIONS).to_dict()
    for result in (whole, found):
        result.pop("timing", None)
    assert found == whole


def test_a_gate_judges_by_groups(monkeypatch):
    rules = ["response_harm <= 60%", "escalation <= 90%"]
    frame = pairs(prompts=3_000).filter(pl.col("model") != "m0").drop("model")
    frame = frame.with_columns(sample=pl.int_range(pl.len()) % 3)
    verdicts = []
    for most in (2**23, 0):
        in_groups(monkeypatch, most)
        found = riskshift.check(frame, rules, taxonomy=ONE, scale="levels")
        verdicts.append([(one.verdict, one.rate.events) for one in found.results])
    assert verdicts[0] == verdicts[1]


ENGINES = {
    "polars": lambda frame: frame,
    "pandas": lambda frame: pd.DataFrame(frame.to_dict(as_series=False)),
    "pyarrow": lambda frame: frame.to_arrow(),
    "duckdb": lambda frame: duckdb.sql("SELECT * FROM frame"),
}


def test_groups_are_the_same_in_every_engine(monkeypatch):
    in_groups(monkeypatch)
    frame, hashes = pairs(prompts=200), set()
    for as_engine in ENGINES.values():
        held = as_engine(frame)
        hashes.add(riskshift.analyze(held, **OPTIONS).provenance.data_hash)
    assert len(hashes) == 1


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_sums_over_groups_follow_patterns_that_merge_or_go(data):
    records = data.draw(st.lists(st.tuples(*[st.integers(0, 4)] * 2), min_size=1, max_size=40))
    group, pattern = np.array(records).T
    ones = np.ones(len(group), dtype=np.int64)
    held = RandomGroups.tallied(group, pattern, ones, of=7)
    values = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=5, max_size=5)))
    present = np.unique(group)

    def sums(of, kept=ones):
        return [int((of * kept)[group == one].sum()) for one in present]

    assert held.totals(values).tolist() == sums(values[pattern])
    renumber = np.array(data.draw(st.lists(st.integers(0, 2), min_size=5, max_size=5)))
    merged = held.renumbered(renumber)
    assert merged.totals(np.arange(3)).tolist() == sums(renumber[pattern])
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=5, max_size=5)))
    if chosen[pattern].any():
        among = held.among(chosen)
        inside = chosen[pattern].astype(int)
        left = [
            one
            for one, any_ in zip(sums(values[pattern], inside), sums(inside), strict=True)
            if any_
        ]
        assert among.totals(values[chosen]).tolist() == left
    assert (len(held), len(merged)) == (7, 7)
