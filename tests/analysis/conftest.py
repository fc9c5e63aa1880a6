"""Counts of small frames, for tests of what is estimated from them."""

import polars as pl
import pytest

import riskshift
from riskshift.analysis.severities import Severities
from riskshift.collapse.pairs import collapse


@pytest.fixture(scope="session")
def taxonomy():
    """Two categories on three levels."""
    return riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])


@pytest.fixture(scope="session")
def counts_of(taxonomy):
    """A function from rows (severities of the prompt, then of the response) to counts."""

    def counted(*rows, taxonomy=taxonomy, **columns):
        names = [f"{side}_{c}" for side in ("prompt", "response") for c in taxonomy.categories]
        made = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        whole = dict.fromkeys(names, pl.Int64)
        frame = pl.DataFrame(made, schema_overrides=whole)
        frame = frame.with_columns(**{k: pl.Series(v) for k, v in columns.items()})
        records = riskshift.read(frame, taxonomy=taxonomy, prompt_labels="per-row", scale="levels")
        return collapse(records).counts

    return counted


@pytest.fixture(scope="session")
def severities_of(counts_of):
    """The same, as severities."""
    return lambda *rows, **columns: Severities(counts_of(*rows, **columns))
