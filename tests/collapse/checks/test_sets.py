"""Sets of prompts: whole prompts in one set each, and no row without one."""

import duckdb
import polars as pl
import pytest

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.errors import DataError, PairError, RiskshiftWarning, UsageError
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"])
ENGINES = {
    "pandas": pl.DataFrame.to_pandas,
    "polars": lambda frame: frame,
    "polars lazy": pl.DataFrame.lazy,
    "pyarrow": pl.DataFrame.to_arrow,
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
}
TWINS = {"prompt_id": ["a", "b", "c", "d"], "set": ["s", "s", "t", "t"]}


@pytest.fixture(params=ENGINES)
def engine(request):
    """Put a Polars frame into an engine."""
    return ENGINES[request.param]


def pairs(**columns):
    n = len(next(iter(columns.values())))
    labels = {"prompt_harm": [0, 1] * (n // 2) + [0] * (n % 2), "response_harm": [0] * n}
    return pl.DataFrame(columns | labels)


def collapsed(data, **options):
    return collapse(riskshift.read(data, taxonomy=HARM, **options))


def test_a_set_is_the_cluster(engine):
    found = collapsed(engine(pairs(**TWINS)))
    assert (found.records.cluster, found.counts.units) == ("set", 2)
    assert found.records.in_sets


def test_its_column_may_have_another_name():
    found = collapsed(pairs(**TWINS).rename({"set": "twins"}), columns={"set": "twins"})
    assert (found.records.cluster, found.counts.units) == ("twins", 2)


def test_another_cluster_that_is_named_goes_before_it():
    found = collapsed(pairs(**TWINS), cluster="prompt_id")
    assert (found.records.cluster, found.counts.clusters) == ("prompt_id", None)
    assert not found.records.in_sets


def test_spaces_around_its_values_mean_nothing():
    assert collapsed(pairs(**TWINS | {"set": ["s", " s", "t ", "t"]})).counts.units == 2


def test_a_label_cannot_be_the_set():
    with pytest.raises(UsageError, match="both mapped to column 'prompt_harm'"):
        collapsed(pairs(**TWINS), columns={"set": "prompt_harm"})


class TestPromptsInSeveralSets:
    TWICE = pairs(
        prompt_id=["a", "b", "a", "c"], set=["s", "s", "t", "t"], model=["x", "x", "y", "y"]
    ).with_columns(prompt_harm=pl.lit(1))

    def test_they_are_named_with_their_sets(self, engine):
        with pytest.raises(PairError) as caught:
            collapsed(engine(self.TWICE))
        assert str(caught.value).split(": ", 1)[1] == (
            "1 prompt stands in several values of set: 'a' in 's', 't'.\n"
            "A set holds whole prompts. Fix set, or name another unit, such as the prompt: "
            "--cluster prompt_id. --skip-bad leaves these prompts out."
        )

    def test_they_are_left_out_and_counted_if_asked_for(self, engine):
        found = collapsed(engine(self.TWICE), skip_bad=True)
        assert found.records.skipped == {"prompt in several values of set": 2}
        assert found.counts.total == 2

    def test_of_many_a_few_are_shown(self):
        ids = [f"p{at}" for at in range(5)] * 2
        with pytest.raises(PairError, match=r"5 prompts stand .*'p2' in '0', '1'; \.\.\.\."):
            collapsed(
                pairs(prompt_id=ids, set=[0] * 5 + [1] * 5, model=["x"] * 5 + ["y"] * 5),
                prompt_labels="per-row",
            )

    def test_they_are_no_fault_where_another_cluster_is_named(self):
        assert collapsed(self.TWICE, cluster="prompt_id").counts.total == 4

    def test_texts_tell_prompts_apart_where_there_is_no_id(self):
        texts = pairs(prompt=["How?", "How?"], model=["x", "y"], set=["s", "t"])
        with pytest.raises(PairError, match=r"'How\?' in 's', 't'"):
            collapsed(texts, prompt_labels="per-row")


class TestBlanks:
    @pytest.mark.parametrize("blank", [None, "", "  "])
    def test_a_row_without_a_set_is_a_fault(self, engine, blank):
        with pytest.raises(DataError, match="set is missing in 1 of 4 rows") as caught:
            collapsed(engine(pairs(**TWINS | {"set": ["s", "s", "t", blank]})))
        assert "one that belongs to no other is a set of its own" in str(caught.value)

    def test_it_is_left_out_and_counted_if_asked_for(self):
        found = collapsed(pairs(**TWINS | {"set": ["s", "s", None, None]}), skip_bad=True)
        assert found.records.skipped == {"missing set": 2}


class TestColumnsThatMeanSomethingElse:
    SPLIT = pairs(set=["train", "test"] * 60)

    def test_few_large_sets_bring_a_warning(self):
        with pytest.warns(RiskshiftWarning, match="2 hold 120 rows.*training and test data"):
            collapsed(self.SPLIT)

    def test_a_mapped_column_or_another_cluster_brings_none(self):
        assert collapsed(self.SPLIT, columns={"set": "set"}).counts.units == 2
        ids = self.SPLIT.with_columns(prompt_id=pl.int_range(120))
        assert collapsed(ids, cluster="prompt_id").counts.units == 120
