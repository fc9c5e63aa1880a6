"""Where corrected rates stand besides their own table: the summary, and the rows of a spreadsheet."""

import numpy as np
import polars as pl

import riskshift
from riskshift.analysis.words import percent

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"resamples": 50, "permutations": 50}


def draw(seed):
    """A grader's labels of 400 pairs and people's of 80, drawn at random."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.random(400) < 0.5, rng.random(400) < 0.3]).astype(int)
    graded = truth ^ (rng.random((400, 2)) < 0.08)
    made = [
        pl.DataFrame({"prompt_id": range(400), "prompt_harm": at[:, 0], "response_harm": at[:, 1]})
        for at in (graded, truth)
    ]
    return made[0], made[1].sample(80, seed=seed)


def test_the_summary_says_the_corrected_rates_first():
    grader, people = draw(22)
    result = riskshift.analyze(grader, people=people, taxonomy=TWO, **FAST)
    rate = result.corrected.rate("escalation")
    low, high = rate.corrected.interval.low, rate.corrected.interval.high
    said = f"escalation is {percent(rate.corrected.estimate)} ({percent(low)} to {percent(high)}), "
    by = "by the grader" if low <= rate.raw.estimate <= high else "not"
    assert result.summary[0].startswith("Corrected by people's labels of 80 pairs, ")
    assert f"{said}{by} {percent(rate.raw.estimate)}" in result.summary[0]
    few = riskshift.analyze(grader, people=people[:20], taxonomy=TWO, **FAST)
    assert not any("Corrected by" in sentence for sentence in few.summary)


def test_corrected_rates_stand_in_the_rows_of_all_records_only():
    grader, people = draw(23)
    marked = grader.with_columns(half=pl.Series([f"h{i % 2}" for i in range(len(grader))]))
    options = {"taxonomy": TWO} | FAST
    result = riskshift.analyze(marked, people=people, by="half", **options)
    known = {rate.metric: rate.corrected for rate in result.corrected.rates}
    seen = set()
    for row in result.rows():
        made = (row["corrected_estimate"], row["corrected_low"], row["corrected_high"])
        label = f"{row['metric']}[{row['category']}]" if row["category"] else row["metric"]
        if row["by"] or label not in known or known[label].estimate is None:
            assert made == (None, None, None)
        else:
            held = known[label].interval
            assert made == (known[label].estimate, held.low, held.high)
            seen.add(label)
    assert "escalation" in seen
    assert "persistence[harm]" in seen
    assert result.to_frame("polars")["corrected_estimate"].drop_nulls().len() == len(seen)
    alone = riskshift.analyze(grader, **options)
    assert {row["corrected_estimate"] for row in alone.rows()} == {None}
