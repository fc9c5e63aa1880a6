"""A law: nothing estimated from a sample is certain, so no interval has zero width."""

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy

TWO = Taxonomy(["a", "b"], ["Safe", "Low", "High"])
# Said to be severities, so that labels of which none is 0 are no riddle.
READ = {"taxonomy": TWO, "scale": "levels"}
NAMES = ("prompt_a", "prompt_b", "response_a", "response_b")
# Worst cases are bounds of what was seen; where everything is seen they meet. And in thousands of
# uses a chance is as good as certain where the rate is not small.
BOUNDS = ("worst_case", "known", "exposure", "ranges")
# Two bounds that differ by less than a tenth of what one record in a thousand weighs are one.
ROUNDING = 1e-4

laws = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])

levels = st.tuples(*[st.sampled_from((0, 0, 1, 2))] * 4)
# A few kinds of prompt, each many times over: what agrees, or never happens, does so everywhere.
kinds = st.lists(
    st.tuples(st.lists(levels, min_size=4, max_size=4), st.integers(1, 9)), min_size=1, max_size=4
)


def intervals(found, path=""):
    """Every pair of ends in plain data, with its place."""
    if isinstance(found, list):
        for at, item in enumerate(found):
            yield from intervals(item, f"{path}[{at}]")
    if not isinstance(found, dict):
        return
    for name, value in found.items():
        if name in BOUNDS:
            continue
        if name.endswith("low") and found.get(high := f"{name[:-3]}high") is not None:
            yield f"{path}.{name}", value, found[high]
        yield from intervals(value, f"{path}.{name}")


def assert_wide(result):
    found = list(intervals(result.to_dict()))
    narrow = [(path, low, high) for path, low, high in found if not high - low > ROUNDING]
    assert not narrow
    return found


def frame(rows, **columns):
    labels = dict(zip(NAMES, zip(*rows, strict=True), strict=True))
    whole = dict.fromkeys(NAMES, pl.Int64)
    return pl.DataFrame({**columns, **labels}, schema_overrides=whole)


def answers(found, *, alike=False):
    """Four answers to each prompt: by two models in two languages, which may be `alike`."""
    rows, prompts, models, languages = [], [], [], []
    prompt = 0
    for labels, copies in found:
        for _ in range(copies):
            for at, label in enumerate(2 * labels[:2] if alike else labels):
                rows.append((*labels[0][:2], *label[2:]))
                prompts.append(f"p{prompt}")
                models.append(("old", "new")[at % 2])
                languages.append(("de", "en")[at // 2])
            prompt += 1
    return frame(rows, prompt_id=prompts, model=models, language=languages)


@laws
@given(kinds, st.sampled_from(("wilson", "clopper-pearson")))
def test_of_rates_and_contrasts(found, interval):
    pairs = answers(found).with_columns(sample=pl.col("language"))
    options = {"resamples": 40, "permutations": 10, "interval": interval, **READ}
    assert assert_wide(riskshift.analyze(pairs, all_pairs=True, **options))
    assert_wide(riskshift.analyze(pairs.filter(model="old", language="de"), **options))


HARM, SAFE = (1, 0, 1, 0), (1, 0, 0, 0)
# As many prompts get better as get worse, in both languages the same ones.
UNDECIDED = [([HARM, SAFE, HARM, SAFE], 4), ([SAFE, HARM, SAFE, HARM], 4), ([SAFE] * 4, 9)]


@laws
@given(kinds, st.booleans(), st.booleans())
@example(UNDECIDED, True, True)
def test_of_differences_interactions_and_common_mixes(found, several, alike):
    pairs = answers(found, alike=alike)
    if not several:
        pairs = pairs.with_columns(prompt_id=pl.col("prompt_id") + pl.col("language"))
    result = riskshift.compare(
        pairs, baseline="old", by="language", standardize="pooled", resamples=40, **READ
    )
    assert result.interaction is not None
    assert assert_wide(result)


@laws
@given(kinds)
def test_of_corrected_rates_and_differences(found):
    pairs = answers(found).with_columns(
        prompt_id=pl.col("prompt_id") + pl.col("language"), language=None
    )
    people = pairs.filter(pl.col("prompt_id").str.contains("^p[0-9]*[02468]"))
    options = {"people": people, "resamples": 40, **READ}
    assert_wide(riskshift.compare(pairs, baseline="old", **options))
    assert_wide(riskshift.analyze(pairs, permutations=10, **options))


@laws
@given(kinds, st.booleans())
def test_of_a_graders_report_card(found, perfect):
    rows = [label for labels, copies in found for _ in range(copies) for label in labels]
    ids = [f"p{at}" for at in range(len(rows))]
    grader = frame(rows, prompt_id=ids)
    people = frame(rows if perfect else rows[1:] + rows[:1], prompt_id=ids)
    assert assert_wide(riskshift.grade(grader, people, **READ))


@laws
@given(kinds)
def test_of_agreement(found):
    rows, items, raters = [], [], []
    for labels, copies in found:
        for _ in range(copies):
            for rater in range(3):
                rows.append(labels[rater])
                items.append(f"u{len(items) // 3}")
                raters.append(f"r{rater}")
    rated = frame(rows, record_id=items, annotator=raters)
    assert assert_wide(riskshift.agree(rated, resamples=40, **READ))


def test_certainty_would_be_seen():
    with pytest.raises(AssertionError):
        assert not [p for p, low, high in intervals({"a": [{"low": 1, "high": 1}]}) if low >= high]
    nested = {"worst_case": {"low": 0, "high": 0}, "x": {"big_low": 0, "big_high": 0}}
    assert list(intervals(nested)) == [(".x.big_low", 0, 0)]
