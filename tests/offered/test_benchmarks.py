"""The benchmarks: made-up pairs are the same each time, and every part that the help names is there."""

from importlib import import_module

import polars as pl
import pytest
from benchmarks.__main__ import PARTS, SMALL
from benchmarks.speed.costs import Cost, Row
from benchmarks.speed.pairs import write


def test_pairs_are_the_same_each_time_and_one_prompt_has_one_label(tmp_path):
    paths = [write(tmp_path / f"{at}.parquet", 2_000, answers=4) for at in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    pairs = pl.read_parquet(paths[0])
    assert pairs.height == 2_000
    assert pairs["prompt_id"].n_unique() == pairs.select(r"^prompt_.*$").n_unique() == 500
    assert set(pairs["response_hate"]) == {0, 1, 2, 3}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_there(part):
    assert callable(getattr(import_module(f"benchmarks.speed.{PARTS[part][0]}"), part))


def test_the_small_run_is_made_of_parts():
    assert set(SMALL) < set(PARTS)


def test_a_ratio_leaves_the_start_out():
    row = Row("analyze", Cost(2.0), Cost(7.0, 300.0), goal=2, start=1.0)
    assert row.ratio == pytest.approx(3.0)
    assert str(row) == "| analyze | 2 s | 7 s | 300 MiB | 3 | 2 |"
