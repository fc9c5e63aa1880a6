"""Labelling: what is asked, what is kept, and what the file says."""

import polars as pl
import pytest

import riskshift
from riskshift.errors import UsageError
from tests.running.conftest import HARMS, levels, questions, text_of

SIDES = [f"{side}_{name}" for side in ("prompt", "response") for name in HARMS]


@pytest.fixture
def ask(openai, desk):
    """Label pairs through a local endpoint, and return the result and the rows."""

    def run(pairs, server, graders="rubric=m", output="labelled.parquet", **more):
        made = riskshift.label(pairs, output, graders=graders, base_url=server.url, **more)
        return made, pl.read_parquet(desk / output)

    return run


def test_every_pair_gets_every_label(ask, serve):
    server = serve()
    made, rows = ask(questions(5, models=("m1", "m2")), server)
    assert rows.height == 10
    assert rows.select(SIDES).null_count().sum_horizontal().item() == 0
    assert made.filled == dict.fromkeys(SIDES, 10)
    assert made.ungraded == {}
    assert set(rows["grader"]) == {"rubric=m"}
