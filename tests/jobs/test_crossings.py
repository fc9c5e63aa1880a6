"""Rows are crossed once a source, and once more for each grouping of a matched comparison."""

import random

import polars as pl
import pytest

import riskshift
from riskshift.collapse import pairs
from riskshift.collapse.rated import ratings

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
RULES = ("response_harm <= 90%", "response_harm - baseline <= 50%")


def frame(seed, *, models=("new",), prompts=40):
    rng = random.Random(seed)
    rows = [
        {
            "prompt_id": f"p{at}",
            "model": model,
            "language": "de" if at % 2 else "fr",
            "prompt_harm": at % 3 == 0,
            "response_harm": rng.random() < 0.3,
        }
        for at in range(prompts)
        for model in models
    ]
    labels = [pl.col("prompt_harm", "response_harm").cast(pl.Int64)]
    return pl.DataFrame(rows).with_columns(*labels)


@pytest.fixture
def crossings(monkeypatch):
    """How often rows were collapsed."""
    return counting(monkeypatch)


def counting(monkeypatch):
    """Count from now on how often rows are collapsed; the benchmarks ask it, too."""
    made = []

    def counted(module):
        real = module._collapse

        def collapse(*arguments):
            made.append(module.__name__)
            return real(*arguments)

        monkeypatch.setattr(module, "_collapse", collapse)

    counted(pairs)
    counted(ratings)
    return made


NEW, OLD = frame(1), frame(2, models=("old",))
BOTH = frame(3, models=("old", "new"))
SEEN = BOTH.gather_every(3)
RATERS = pl.concat([NEW.with_columns(annotator=pl.lit(name)) for name in ("ann", "bob")])

JOBS = {
    "analyze": (1, lambda: riskshift.analyze(BOTH, taxonomy=TWO, by="language", resamples=50)),
    "analyze by two columns crossed": (
        1,
        lambda: riskshift.analyze(
            BOTH, taxonomy=TWO, by=["language", "language x prompt_harm"], resamples=50
        ),
    ),
    "analyze with people": (2, lambda: riskshift.analyze(BOTH, taxonomy=TWO, people=SEEN)),
    "compare": (1, lambda: riskshift.compare(BOTH, taxonomy=TWO, resamples=50)),
    "compare by": (2, lambda: riskshift.compare(BOTH, taxonomy=TWO, by="language", resamples=50)),
    "compare by two columns crossed": (
        2,
        lambda: riskshift.compare(BOTH, taxonomy=TWO, by="language x prompt_harm", resamples=50),
    ),
    "compare with people": (2, lambda: riskshift.compare(BOTH, taxonomy=TWO, people=SEEN)),
    "compare on another mix": (2, lambda: riskshift.compare(BOTH, taxonomy=TWO, standardize=NEW)),
    "check": (1, lambda: riskshift.check(NEW, RULES[:1], taxonomy=TWO)),
    "check by": (1, lambda: riskshift.check(NEW, [f"{RULES[0]} by language"], taxonomy=TWO)),
    "check by two columns crossed": (
        1,
        lambda: riskshift.check(BOTH, [f"{RULES[0]} by model x language"], taxonomy=TWO),
    ),
    "check with people": (
        2,
        lambda: riskshift.check(
            BOTH, [f"{RULES[0]} by model"], taxonomy=TWO, people=SEEN, confidence=0.9
        ),
    ),
    "check a baseline": (3, lambda: riskshift.check(NEW, RULES, taxonomy=TWO, baseline=OLD)),
    "check a baseline of several models": (
        3,
        lambda: riskshift.check(NEW, RULES, taxonomy=TWO, baseline=BOTH, baseline_model="old"),
    ),
    "check a baseline by a column": (
        4,
        lambda: riskshift.check(
            NEW, [*RULES, f"{RULES[1]} by language"], taxonomy=TWO, baseline=OLD
        ),
    ),
    "check a baseline with people": (
        4,
        lambda: riskshift.check(NEW, RULES, taxonomy=TWO, baseline=OLD, people=SEEN),
    ),
    "grade": (2, lambda: riskshift.grade(BOTH, SEEN, taxonomy=TWO)),
    "agree": (1, lambda: riskshift.agree(RATERS, taxonomy=TWO, resamples=50)),
    "sample": (1, lambda: riskshift.sample(BOTH, n=10, taxonomy=TWO)),
    "labels needed": (1, lambda: riskshift.labels_needed(BOTH, width=0.2, taxonomy=TWO)),
    "plan": (1, lambda: riskshift.plan(like=BOTH, width=0.1, taxonomy=TWO)),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.filterwarnings("ignore::riskshift.RiskshiftWarning")
def test_each_source_is_crossed_once(job, crossings):
    wanted, run = JOBS[job]
    run()
    assert len(crossings) == wanted
