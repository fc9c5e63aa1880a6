"""Whether rates differ between sources: tests, effect sizes, and columns that tell no sources."""

import polars as pl
import pytest
from scipy.stats import chi2_contingency

import riskshift
from riskshift.errors import ColumnError, RiskshiftWarning, UsageError
from riskshift.stats.crosstabs.association import rao_scott
from riskshift.stats.crosstabs.heterogeneity import between_groups, logits
from riskshift.stats.multiple import holm

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"taxonomy": TWO, "resamples": 50, "permutations": 50, "cases": 0}
EVENTS = {"x": (20, 60), "y": (35, 60), "z": (12, 60)}


def pairs(**columns):
    """Harmful prompts of three sources, so many of which got a harmful response."""
    rows = [
        {"prompt_harm": 1, "response_harm": int(i < events), "source": source}
        for source, (events, n) in EVENTS.items()
        for i in range(n)
    ]
    return pl.DataFrame(rows).with_columns(**{k: pl.Series(v) for k, v in columns.items()})


def by_metric(frame, **options):
    found = riskshift.analyze(frame, **FAST, **options).heterogeneity
    return {test.metric: test for test in found.tests}


def test_single_records_are_tested_by_the_chi_square_of_scipy():
    found = by_metric(pairs())["harmful_prompt_compliance"]
    table = [(events, n - events) for events, n in EVENTS.values()]
    other = chi2_contingency(table, correction=False)
    assert (found.sources, found.table) == (("x", "y", "z"), tuple(table))
    assert (found.statistic, found.df, found.p) == pytest.approx(
        (other.statistic, other.dof, other.pvalue)
    )
    assert found.cramers_v == pytest.approx((other.statistic / 180) ** 0.5)
    assert found.between == pytest.approx(
        between_groups(*logits(*zip(*EVENTS.values(), strict=True)))
    )
    assert not found.exploratory


def test_p_values_are_corrected_by_holm_and_what_cannot_be_tested_does_not_count():
    found = by_metric(pairs())
    assert found["benign_drift"].p is None
    assert found["benign_drift"].sources == ()
    assert [t.p_holm for t in found.values()] == holm([t.p for t in found.values()])


@pytest.mark.parametrize("across", [False, True])
def test_shared_prompts_are_allowed_for_by_rao_and_scott(across):
    # Each prompt has two records: of one source, or one of each of two sources.
    n = 180
    ids = [i % 90 for i in range(n)] if across else [i // 2 for i in range(n)]
    found = by_metric(pairs(prompt_id=ids, sample=list(range(n))))["harmful_prompt_compliance"]
    names, cells = list(EVENTS), {}
    for prompt, row in zip(ids, pairs().iter_rows(named=True), strict=True):
        cell = cells.setdefault(prompt, [[0, 0] for _ in names])
        cell[names.index(row["source"])][1 - row["response_harm"]] += 1
    other = rao_scott(list(cells.values()), [1] * 90)
    assert found.test == "Rao-Scott F, because records share prompts"
    assert (found.statistic, found.df, found.df_denominator, found.p) == pytest.approx(
        (other.statistic, other.df, other.df_denominator, other.p)
    )


def test_small_cells_are_exploratory_and_missing_labels_are_counted():
    frame = pairs().with_columns(
        response_harm=pl.when(pl.int_range(pl.len()) >= 4).then("response_harm")
    )
    found = by_metric(frame)["harmful_prompt_compliance"]
    assert (found.missing, sum(map(sum, found.table))) == (4, 176)
    assert not found.exploratory
    assert by_metric(frame.head(65))["harmful_prompt_compliance"].exploratory


def test_a_mapped_column_groups_without_being_asked():
    result = riskshift.analyze(
        pairs().rename({"source": "dataset"}), columns={"source": "dataset"}, **FAST
    )
    assert list(result.groups["dataset"]) == ["x", "y", "z"]
    assert (result.heterogeneity.column, result.heterogeneity.sources) == ("dataset", 3)


def test_one_source_is_no_grouping():
    result = riskshift.analyze(pairs().with_columns(source=pl.lit("x")), **FAST)
    assert result.groups == {}
    assert result.heterogeneity is None


def test_a_column_of_lists_is_left_alone_unless_it_was_named():
    frame = pairs().with_columns(source=pl.concat_list("source"))
    with pytest.warns(RiskshiftWarning, match="'source' holds List.*nothing is said by source"):
        assert riskshift.analyze(frame, **FAST).heterogeneity is None
    with pytest.raises(ColumnError, match="'source' holds List"):
        riskshift.analyze(frame, columns={"source": "source"}, **FAST)


def test_more_sources_than_can_be_told_apart_are_said_and_refused_where_named():
    many = pl.DataFrame(
        {
            "prompt_harm": [0] * 1_001,
            "response_harm": [0] * 1_001,
            "source": [f"s{i}" for i in range(1_001)],
        }
    )
    said = r"'source' has 1,001 different values, and at most 1,000 sources can be told apart"
    with pytest.warns(RiskshiftWarning, match=said):
        assert riskshift.analyze(many, **FAST).groups == {}
    with pytest.raises(UsageError, match=said):
        riskshift.analyze(many, columns={"source": "source"}, **FAST)
