"""Outcomes of models on the same prompts: merged and asked in turn, they stay what they are."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift.analysis.comparison.matching import Outcomes

HARM = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])


@st.composite
def outcomes(draw):
    """Events of three models on some kinds of prompt, of up to two answers each."""
    kinds = draw(st.integers(1, 12))
    trials = np.array(draw(st.lists(st.integers(0, 2), min_size=3 * kinds, max_size=3 * kinds)))
    events = np.array([draw(st.integers(0, most)) for most in trials.tolist()])
    weight = draw(st.lists(st.integers(1, 9), min_size=kinds, max_size=kinds))
    return Outcomes(events.reshape(-1, 3), trials.reshape(-1, 3), np.array(weight))


@given(outcomes())
def test_merging_kinds_of_prompt_changes_no_two_models(made):
    merged = made.merged()
    assert merged.weight.sum() == made.weight.sum()
    assert len(merged.weight) <= len(made.weight)
    for a, b in ((0, 1), (2, 0)):
        ours, plain = merged.pair(a, b), made.pair(a, b)
        for name in ("x_a", "n_a", "x_b", "n_b", "weight"):
            assert np.array_equal(getattr(ours, name), getattr(plain, name))


def test_what_a_metric_lacks_does_not_hang_on_what_was_asked_before():
    responses = {"a": [1, None, None, 0], "b": [1, 0, None, 1], "c": [None, 0, 0, 0]}
    frame = pl.DataFrame(
        {
            "prompt_id": ["p", "q", "r", "s"] * 3,
            "model": [model for model in responses for _ in range(4)],
            "prompt_harm": [1, 1, 0, 0] * 3,
            "response_harm": [one for given in responses.values() for one in given],
        }
    )
    names = ("response_harm", "persistence[harm]", "drift_rate[harm]")
    together = riskshift.compare(frame, taxonomy=HARM, metrics=names, resamples=50)
    lacking = {(d.metric, d.baseline, d.candidate): d.missing for d in together.differences}
    assert lacking["response_harm", "a", "b"] == 3
    assert lacking["persistence[harm]", "a", "b"] == 1
    assert lacking["drift_rate[harm]", "b", "c"] == 1
    for name in names:
        alone = riskshift.compare(frame, taxonomy=HARM, metrics=[name], resamples=50)
        for item in alone.differences:
            assert item.missing == lacking[name, item.baseline, item.candidate]
