"""Findings without one part of the data are those of a run on the rest."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.left_out import left_out, main_findings
from riskshift.collapse.pairs import collapse

TAXONOMY = riskshift.Taxonomy(["a", "b", "c"], ["Safe", "Low", "High"])
FAST = {"resamples": 50, "permutations": 50, "cases": 0}
STILL = Settings(bootstrapped=False)


def pairs(rows, **columns):
    names = [f"{side}_{name}" for side in ("prompt", "response") for name in TAXONOMY.categories]
    made = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) | columns
    return pl.DataFrame(made, schema_overrides=dict.fromkeys(names, pl.Int64))


def analyzed(frame, **options):
    return riskshift.analyze(frame, **{"taxonomy": TAXONOMY, **FAST, **options})


def only(result, kind, name):
    (found,) = (
        o for o in result.leave_one_out.omissions if (o.part.kind, o.part.name) == (kind, name)
    )
    return found


def two_sources():
    """In x harm persists most in a and comes from harmless prompts; in y it is the other way."""
    rows, sources = [], []
    for source, (in_a, in_b) in {"x": (20, 10), "y": (2, 4)}.items():
        for i in range(30):
            rows += [(1, 0, 0, int(i < in_a), 0, 0), (0, 1, 0, 0, int(i < in_b), 0)]
            sources += [source, source]
        rows += [(0, 0, 0, 0, 0, 1)] * 3 if source == "x" else [(1, 0, 0, 2, 0, 0)] * 2
        sources += [source] * (3 if source == "x" else 2)
    return pairs(rows, source=sources)


def test_a_finding_that_hangs_on_one_source_turns_and_the_summary_names_it():
    result = analyzed(two_sources())
    found = only(result, "source", "x")
    assert found.findings.most_persistent == ("b",)
    assert found.findings.origin == "harmful"
    assert [(t.finding, t.before, t.after) for t in found.turns] == [
        ("most_persistent", "a", "b"),
        ("origin", "harmless", "harmful"),
    ]
    assert result.summary[-1].startswith(
        "Some findings hang on one part of the data: without source x, harm persists most in b and "
        "not in a and most escalations come from harmful prompts"
    )
    assert not any("is left out" in note for note in result.notes)


def test_where_nothing_turns_one_short_sentence_says_so():
    rows = [(1, 0, 0, int(i < 20), 0, 0) for i in range(40)] * 2
    result = analyzed(pairs(rows, source=["x", "y"] * 40))
    assert result.leave_one_out.turning == ()
    assert "No main finding turns when any one source or category is left out." in result.notes


def test_the_most_persistent_category_itself_cannot_be_asked_about_without_it():
    result = analyzed(two_sources())
    assert all(turn.finding == "origin" for turn in only(result, "category", "a").turns)


def test_ranges_name_what_moves_a_rate_most():
    result = analyzed(two_sources())
    (found,) = (
        r for r in result.leave_one_out.ranges if (r.metric, r.kind) == ("escalation", "source")
    )
    assert (found.low, found.low_without) == (pytest.approx(2 / 62), "x")
    assert (found.high, found.high_without) == (pytest.approx(3 / 63), "y")
    assert found.estimate == pytest.approx(5 / 125)
    assert found.moved_most_by == "x"


def test_only_the_fifty_largest_sources_are_left_out_and_that_is_said():
    rows = [(0, 0, 0, 0, 0, 0)] * 110
    result = analyzed(pairs(rows, source=[f"s{i % 55:02}" for i in range(110)]))
    (untried,) = result.leave_one_out.untried
    assert untried.sentence == ("Only the 50 largest of 55 sources were left out, one at a time.")


@pytest.mark.parametrize("missing", [False, True])
def test_an_omission_is_a_run_on_the_rest(missing):
    frame = two_sources().with_columns(
        prompt_id=pl.int_range(pl.len()) // 2, model=pl.Series(["m", "n"] * 62 + ["m"])
    )
    if missing:
        gone = pl.int_range(pl.len()) % 7 == 0
        frame = frame.with_columns(response_c=pl.when(~gone).then("response_c"))
    options = {"prompt_labels": "per-row"}
    whole = analyzed(frame, **options)
    for kind, name in (("source", "x"), ("source", "y"), ("model", "m"), ("model", "n")):
        alone = analyzed(frame.filter(pl.col(kind) != name), **options)
        assert only(whole, kind, name).findings == alone.leave_one_out.findings
    for name in TAXONOMY.categories:
        rest = TAXONOMY.without(name)
        alone = analyzed(frame, taxonomy=rest, **options)
        assert only(whole, "category", name).findings == alone.leave_one_out.findings


@given(st.lists(st.tuples(*[st.integers(-1, 2)] * 6), min_size=1, max_size=20))
@settings(max_examples=30)
def test_leaving_nothing_out_changes_nothing(rows):
    frame = pairs([[None if value < 0 else value for value in row] for row in rows])
    records = riskshift.read(frame, taxonomy=TAXONOMY, scale="levels")
    counts = collapse(records).counts
    found = left_out(counts, None, None, Settings())
    assert found.findings == main_findings(counts, STILL)
    result = analyzed(frame, scale="levels")
    for name, rate in found.findings.rates.items():
        assert rate == replace(result.rate(name), bootstrap=None)


def test_public_pairs_without_each_model_and_source_agree_with_separate_runs(shared):
    path = shared / "paired_public_labels.csv"
    frame = pl.read_csv(path)
    whole = riskshift.analyze(path, **FAST).leave_one_out
    for kind in ("model", "source"):
        for name in frame[kind].unique():
            rest = riskshift.analyze(frame.filter(pl.col(kind) != name), **FAST)
            (found,) = (o for o in whole.omissions if (o.part.kind, o.part.name) == (kind, name))
            assert found.findings == rest.leave_one_out.findings
            for metric, rate in found.findings.rates.items():
                assert rate == replace(rest.rate(metric), bootstrap=None)
