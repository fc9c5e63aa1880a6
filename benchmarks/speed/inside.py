"""In this process: how often rows are crossed, many models, reports."""

import json
import runpy
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

import riskshift
from benchmarks.speed.costs import Asked, Cost, Row, work
from benchmarks.speed.pairs import CATEGORIES, CORPUS, SEED

MODELS: Final = 50
PROMPTS: Final = 1_000
_TEST: Final = Path(__file__).parents[2] / "tests" / "jobs" / "test_crossings.py"


def crossings(asked: Asked) -> Iterator[Row]:
    """Count how often each command crosses the rows; the test says how often it may."""
    test = runpy.run_path(str(_TEST))
    for job, (wanted, run) in test["JOBS"].items():
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", riskshift.RiskshiftWarning)
            made = test["counting"](patch)
            run()
        once, times = Cost(1), Cost(len(made))
        yield Row(f"crossings of the rows, {job}", once, times, goal=wanted, unit="x")


def comparing(asked: Asked) -> Iterator[Row]:
    """Compare many models, beside joining their labels."""
    frame = _many_models()
    highest = pl.max_horizontal(f"response_{category}" for category in CATEGORIES)
    labels = frame.select("prompt_id", "model", r=highest)

    def joined() -> pl.DataFrame:
        both = labels.join(labels, on="prompt_id").filter(pl.col("model") < pl.col("model_right"))
        return both.group_by("model", "model_right", "r", "r_right").len()

    ours = work(lambda: riskshift.compare(frame), times=2)
    what = f"compare, {MODELS} models x {PROMPTS:,} prompts in a data frame"
    yield Row(what, work(joined, times=2), ours)


def reports(asked: Asked) -> Iterator[Row]:
    """Write every kind of report, beside writing the same result as plain JSON."""
    results = {
        "the corpus": riskshift.analyze(CORPUS),
        "50 models": riskshift.compare(_many_models()),
    }
    for name, result in results.items():
        plain = work(partial(_plain, result), times=3)
        for suffix in (".json", ".csv", ".md", ".tex", ".html"):
            written = partial(riskshift.write, result, asked.folder / f"report{suffix}")
            yield Row(f"write {suffix}, {name}", plain, work(written, times=3))


def _plain(result: Any) -> str:
    return json.dumps(result.to_dict())


def _many_models() -> pl.DataFrame:
    rng = np.random.default_rng(SEED)
    shape = (PROMPTS, len(CATEGORIES))
    asked = np.tile((rng.random(shape) < 0.2) * rng.integers(1, 4, shape), (MODELS, 1))
    answered = asked * (rng.random(asked.shape) < 0.4)
    ids = {
        "prompt_id": np.tile(np.arange(PROMPTS), MODELS),
        "model": np.repeat(np.arange(MODELS), PROMPTS).astype(str),
    }
    labels = {"prompt": asked, "response": answered}
    columns = {
        f"{side}_{category}": levels[:, at]
        for side, levels in labels.items()
        for at, category in enumerate(CATEGORIES)
    }
    return pl.DataFrame(ids | columns)
