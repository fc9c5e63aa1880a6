"""Whether rates differ between the sources of the prompts, and by how much."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal

import numpy as np

from riskshift.analysis.metrics import Choice, overall_metrics
from riskshift.analysis.plain import Limits, Plain, Positive, Share
from riskshift.analysis.severities import Severities
from riskshift.analysis.transitions.population import Population
from riskshift.counts.clusters import BoolArray, Clusters, IntArray, RandomGroups, distinct_rows
from riskshift.counts.pairs import Grouped
from riskshift.stats.crosstabs.association import (
    chi_square,
    cramers_v,
    cramers_v_corrected,
    rao_scott,
)
from riskshift.stats.crosstabs.heterogeneity import between_groups, logits
from riskshift.stats.multiple import holm

TESTED: Final = (
    "escalation",
    "harmful_prompt_compliance",
    "benign_drift",
    "response_harm",
    "over_refusal",
)
FEW: Final = 10
Test = Literal["chi-square", "Rao-Scott F, because records share prompts"]
RAO_SCOTT: Final = "Rao-Scott F, because records share prompts"


@dataclass(frozen=True, slots=True)
class SourceTest(Plain):
    """Whether one rate differs between the sources of the prompts.

    Parameters
    ----------
    metric : str
        The rate.
    sources : tuple of str
        Those with a record in its denominator.
    table : tuple of tuple of int
        By source, the records with the event and those without.
    test : {"chi-square", "Rao-Scott F, because records share prompts"}
        Name of the test.
    statistic : float or None
        Chi-square, or F where prompts repeat; None where the table has one row or column.
    df : float or None
        Its degrees of freedom.
    df_denominator : float or None
        The second number of degrees of freedom, which F alone has.
    p : float or None
        Of no difference between sources.
    p_holm : float or None
        Holm's correction of it, for all rates tested.
    cramers_v : float or None
        Cramer's V, an effect size.
    cramers_v_corrected : float or None
        The same, corrected for bias.
    between : float or None
        Standard deviation between sources in log odds, beyond chance (DerSimonian and Laird); a
        description and no test. None of fewer than two sources.
    exploratory : bool
        Whether a cell holds fewer than 10 records.
    missing : int
        Records of which missing labels leave open whether they count, or as what; where there are
        some, the table is that of the complete records.
    """

    metric: str
    sources: tuple[str, ...]
    table: tuple[Annotated[tuple[int, ...], Limits(minItems=2, maxItems=2)], ...]
    test: Test
    statistic: Positive | None
    df: Positive | None
    df_denominator: Positive | None
    p: Share | None
    p_holm: Share | None
    cramers_v: Share | None
    cramers_v_corrected: Share | None
    between: Positive | None
    exploratory: bool
    missing: int


@dataclass(frozen=True, slots=True)
class Heterogeneity(Plain):
    """Whether rates differ between the sources of the prompts.

    Parameters
    ----------
    column : str
        The column that says where a prompt comes from.
    sources : int
        How many there are.
    tests : tuple of SourceTest
        A test for each main rate.
    """

    column: str
    sources: int
    tests: tuple[SourceTest, ...]

    shape: ClassVar[str] = "column sources tests"


def heterogeneity(column: str, grouped: Grouped, groups: Mapping[str, Population]) -> Heterogeneity:
    """Test whether the main rates differ between sources.

    Parameters
    ----------
    column : str
        The column of the sources.
    grouped : Grouped
        Counts by source.
    groups : mapping of str to Population
        What was estimated for each.

    Returns
    -------
    Heterogeneity
        Chi-square on the table of source by event; where records share prompts, with Rao and
        Scott's correction. P-values corrected by Holm.

    References
    ----------
    .. [1] J. N. K. Rao, A. J. Scott, "On chi-squared tests for multiway contingency tables with
       cell proportions estimated from survey data", Annals of Statistics 12 (1984), p. 46-60.
    .. [2] R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials
       7 (1986), p. 177-188.
    """
    severities = Severities(grouped.layout.named(grouped.table))
    counts = severities.counts
    metrics = [m for m in overall_metrics(counts.taxonomy, counts.told) if m.name in TESTED]
    made = [
        _tested(Choice(metric, None), severities, grouped, groups)
        for metric in sorted(metrics, key=lambda metric: TESTED.index(metric.name))
    ]
    adjusted = holm([test.p for test in made])
    tests = tuple(replace(test, p_holm=p) for test, p in zip(made, adjusted, strict=True))
    return Heterogeneity(column, len(grouped.names), tests)


def _tested(
    choice: Choice, severities: Severities, grouped: Grouped, groups: Mapping[str, Population]
) -> SourceTest:
    counts, answers = severities.counts, choice.answers(severities)
    inside, happened = answers.counted
    size = len(grouped.names)
    events, trials = (
        np.bincount(grouped.group, weights=counts.n * mask, minlength=size).astype(np.int64)
        for mask in (happened, inside)
    )
    there = np.flatnonzero(trials)
    names = tuple(grouped.names[at] for at in there)
    events, trials = events[there], trials[there]
    table = np.stack([events, trials - events], axis=1)
    rates = [groups[name].overall[choice.metric.name] for name in names]
    deff = [rate.deff or 1.0 for rate in rates]
    described = SourceTest(
        metric=choice.metric.name,
        sources=names,
        table=tuple((int(yes), int(no)) for yes, no in table),
        test="chi-square" if counts.clusters is None else RAO_SCOTT,
        statistic=None,
        df=None,
        df_denominator=None,
        p=None,
        p_holm=None,
        cramers_v=cramers_v(table),
        cramers_v_corrected=cramers_v_corrected(table),
        between=between_groups(*logits(events, trials, deff)),
        exploratory=bool((table < FEW).any()),
        missing=int(counts.n[answers.unknown].sum()),
    )
    if counts.clusters is None:
        pearson = chi_square(table)
        if pearson is None:
            return described
        return replace(described, statistic=pearson.statistic, df=float(pearson.df), p=pearson.p)
    held = rao_scott(*_by_cluster(counts.clusters, grouped, inside, happened))
    if held is None:
        return described
    rest = held.df_denominator
    return replace(described, statistic=held.statistic, df=held.df, df_denominator=rest, p=held.p)


def _by_cluster(
    clusters: Clusters | RandomGroups, grouped: Grouped, inside: BoolArray, happened: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return the tables of kinds of clusters, shape (kinds, sources, 2), and how many of each.

    Most clusters are of one source. They are merged before they get a column for every other.
    """
    size = len(grouped.names)
    times = clusters.times if isinstance(clusters, RandomGroups) else 1
    cell, at = np.unique(
        clusters.kind * size + grouped.group[clusters.indices], return_inverse=True
    )
    yes, no = (
        np.bincount(at, weights=mask[clusters.indices] * times, minlength=len(cell)).astype(
            np.int64
        )
        for mask in (happened, inside & ~happened)
    )
    kind, source = cell // size, cell % size
    alone = (np.bincount(kind, minlength=len(clusters.weight)) == 1)[kind]
    merged, weight = distinct_rows(
        np.stack([source[alone], yes[alone], no[alone]], axis=1), clusters.weight[kind[alone]]
    )
    cells = np.zeros((len(merged), size, 2), dtype=np.int64)
    cells[np.arange(len(merged)), merged[:, 0]] = merged[:, 1:]
    left, row = np.unique(kind[~alone], return_inverse=True)
    mixed = np.zeros((len(left), size, 2), dtype=np.int64)
    mixed[row, source[~alone]] = np.stack([yes[~alone], no[~alone]], axis=1)
    rows, times = distinct_rows(mixed.reshape(len(left), 2 * size), clusters.weight[left])
    return (
        np.concatenate([cells, rows.reshape(len(rows), size, 2)]),
        np.concatenate([weight, times]),
    )
