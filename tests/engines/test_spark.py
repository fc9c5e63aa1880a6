"""PySpark, in local mode with several partitions, says what DuckDB says."""

import random
import warnings

import polars as pl
import pytest

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.counts.counts_file import of_bytes
from riskshift.errors import DataError
from riskshift.picking.cases import cases_to_read

TWO = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
LABELS = ["prompt_a", "prompt_b", "response_a", "response_b"]
ANSWERS = 3


def pairs(*, blank=0.1, prompts=40):
    """Answers of three models, some labels missing."""
    rng = random.Random(7)
    rows = []
    for at in range(prompts):
        prompt = [rng.choice((0, 0, 1, 2)) for _ in TWO.categories]
        for answer in range(ANSWERS):
            response = [None if rng.random() < blank else rng.choice((0, 0, 0, 1, 2)) for _ in "ab"]
            rows.append([f" p{at}" if answer else f"p{at}", f"m{answer}", rng.choice(["de", None])])
            rows[-1] += [*prompt, *response]
    schema = ["prompt_id", "model", "language", *LABELS]
    return pl.DataFrame(rows, schema=schema, orient="row")


def outcome(data, **options):
    with warnings.catch_warnings(action="ignore"):
        collapsed = collapse(riskshift.read(data, taxonomy=TWO, **options))
    groups = {
        column: {name: counts.digest() for name, counts in grouped.each().items()}
        for column, grouped in collapsed.groups.items()
    }
    cases = [case.to_dict() for case in cases_to_read(collapsed, limit=7, seed=1)]
    return collapsed.counts.digest(), groups, cases, dict(collapsed.records.skipped)


def parquet(frame, folder):
    path = folder / "pairs.parquet"
    frame.write_parquet(path)
    return path


def doubled(frame):
    return pl.concat([frame, frame.head(4)])


def contradicted(frame):
    other = (pl.col("model") == "m1") & pl.col("prompt_id").str.ends_with("1")
    return frame.with_columns(prompt_a=pl.when(other).then(2).otherwise(0))


def lone(frame):
    return frame.filter(pl.col("model") == "m2")


@pytest.mark.parametrize(
    "change", [pairs, lambda: lone(pairs())], ids=["prompts repeat", "none do"]
)
@pytest.mark.parametrize("most", [0, 500_000], ids=["worst cases", "drawn cases"])
def test_counts_groups_and_cases_are_those_of_duckdb(spread, tmp_path, monkeypatch, change, most):
    monkeypatch.setattr("riskshift.picking.cases.MOST_SORTED", most)
    frame = change()
    assert outcome(spread(frame), by="language") == outcome(parquet(frame, tmp_path), by="language")


@pytest.mark.parametrize("spoil", [doubled, contradicted])
def test_faults_are_those_of_duckdb(spread, tmp_path, spoil):
    frame = spoil(pairs())
    told = []
    for data in (spread(frame), parquet(frame, tmp_path)):
        with pytest.raises(DataError) as raised:
            outcome(data)
        told.append(str(raised.value).partition(": ")[2])
        told.append(outcome(data, skip_bad=True))
    assert told[:2] == told[2:]


def test_every_number_of_an_analysis_is_that_of_duckdb(spread, tmp_path):
    frame = pairs()
    told = []
    for data in (spread(frame), parquet(frame, tmp_path)):
        with warnings.catch_warnings(action="ignore"):
            result = riskshift.analyze(data, taxonomy=TWO, resamples=200, permutations=200)
        told.append(result.to_dict())
    assert told[0].pop("engine") == "pyspark"
    assert told[1].pop("engine") == "duckdb"
    for result in told:
        del result["source"], result["timing"]
    assert told[0] == told[1]


def test_the_counts_that_are_saved_are_those_of_duckdb(spread, tmp_path):
    frame, held = pairs(), []
    for at, data in enumerate((spread(frame), parquet(frame, tmp_path))):
        with warnings.catch_warnings(action="ignore"):
            riskshift.save_counts(data, tmp_path / f"{at}.counts", taxonomy=TWO, by="language")
        saved = of_bytes((tmp_path / f"{at}.counts").read_bytes(), str(at))
        ids = saved.links["cluster"].ids.tolist()
        held.append((ids, saved.grouped("language").pooled().digest()))
    assert held[0] == held[1]


def test_random_groups_are_those_of_duckdb(spread, tmp_path, monkeypatch):
    monkeypatch.setattr("riskshift.engines.kinds.MOST_LINKED", 0)
    monkeypatch.setattr("riskshift.engines.random_groups.FEW", 0)
    frame, found = pairs(), []
    for data in (spread(frame), parquet(frame, tmp_path)):
        with warnings.catch_warnings(action="ignore"):
            made = riskshift.analyze(data, taxonomy=TWO, resamples=20, permutations=20).provenance
        found.append((made.data_hash, made.groups))
    assert found[0] == found[1]
    assert found[0][1] is not None


def test_the_same_pairs_are_drawn(spread, tmp_path):
    frame = pairs()
    with warnings.catch_warnings(action="ignore"):
        drawn = [
            riskshift.sample(data, n=9, taxonomy=TWO).rows
            for data in (spread(frame), parquet(frame, tmp_path))
        ]
    assert drawn[0] == drawn[1]


def test_no_more_rows_come_to_the_driver_than_there_are_patterns(spread, monkeypatch):
    from pyspark.sql.classic.dataframe import DataFrame

    frame = spread(pairs(blank=0, prompts=300).drop("prompt_b", "response_b"))
    brought = []
    real = DataFrame.collect

    def collect(self):
        rows = real(self)
        brought.append(len(rows))
        return rows

    monkeypatch.setattr(DataFrame, "collect", collect)
    for way in ("toPandas", "toArrow", "toLocalIterator"):
        monkeypatch.setattr(DataFrame, way, None)
    collapsed = collapse(riskshift.read(frame, taxonomy=riskshift.Taxonomy(["a"], TWO.levels)))
    # A prompt has 3 levels and each of its answers, too.
    kinds = 3 * 3**ANSWERS
    assert collapsed.counts.total == 300 * ANSWERS
    assert max(brought) <= kinds * ANSWERS < 300 * ANSWERS
    assert len(brought) == 5  # names, models, patterns, whether prompts repeat, kinds of prompt
