"""What safety costs in relevance: is the response on task, by how severe it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import ON_TASK
from riskshift.analysis.plain import Keyed, Limits, Plain, Positive, Share, Signed
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts
from riskshift.stats.crosstabs.association import (
    chi_square,
    cramers_v,
    cramers_v_corrected,
    permutation_p,
    rao_scott,
    two_by_two,
)
from riskshift.stats.crosstabs.ordinal import Gamma, Trend, gamma, linear_by_linear
from riskshift.stats.multiple import holm
from riskshift.stats.resample import generator
from riskshift.written import MISSING, RELEVANCE

FEW: Final = 10
Rows = tuple[tuple[int, ...], ...]


# Records of relevance 1, 2 and 3.
OfRelevance = Annotated[tuple[int, ...], Limits(minItems=3, maxItems=3)]


@dataclass(frozen=True, slots=True)
class AssociationTest(Plain):
    """One test of whether relevance goes with severity or category.

    Parameters
    ----------
    name : str
        What is tested against what.
    family : str
        Tests of one family share Holm's correction.
    test : str
        Name of the test; says so where prompts repeat.
    rows, columns : tuple of str
        What the table's rows and columns are.
    table : tuple of tuple of int
        Counts.
    statistic : float or None
        Chi-square, or F where prompts repeat.
    df : float or None
        Its degrees of freedom.
    df_denominator : float or None
        The second number of degrees of freedom, which F alone has.
    p : float or None
        By permutation or Fisher; None where prompts repeat, because those tests assume independent
        records.
    p_asymptotic : float or None
        Of the chi-square; where prompts repeat, of the Rao-Scott test.
    p_holm : float or None
        Holm's correction of the p that counts.
    cramers_v : float or None
        Cramer's V, an effect size.
    cramers_v_corrected : float or None
        The same, corrected for bias.
    phi : float or None
        Phi, an effect size of two by two.
    odds_ratio : float or None
        Sample odds ratio; an infinite one is None with `unbounded`.
    unbounded : bool
        Whether the odds ratio is infinite.
    gamma, trend : Gamma or Trend or None
        For two ordinal sides only.
    exploratory : bool
        Whether a cell or margin holds fewer than 10 records.
    overlap : int
        Records that stand in more than one row.
    """

    name: str
    family: str
    test: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    table: Rows
    statistic: float | None = None
    df: float | None = None
    df_denominator: float | None = None
    p: Share | None = None
    p_asymptotic: Share | None = None
    p_holm: Share | None = None
    cramers_v: Share | None = None
    cramers_v_corrected: Share | None = None
    gamma: Gamma | None = None
    trend: Trend | None = None
    odds_ratio: Positive | None = None
    unbounded: bool = False
    phi: Signed | None = None
    exploratory: bool = False
    overlap: int = 0

    shape: ClassVar[str] = (
        "name family test rows columns table statistic df df_denominator p p_asymptotic "
        "p_holm cramers_v cramers_v_corrected gamma=gamma.estimate gamma_low=gamma.low "
        "gamma_high=gamma.high trend=trend.statistic trend_p=trend.p odds_ratio unbounded "
        "phi exploratory overlap"
    )

    @property
    def decisive_p(self) -> float | None:
        """The p that counts: exact or permutation where it is valid, else Rao-Scott's."""
        return self.p if self.p is not None else self.p_asymptotic


@dataclass(frozen=True, slots=True)
class Relevance(Plain):
    """Tables of relevance 1, 2, 3 and tests on them.

    Parameters
    ----------
    by_response_severity : dict of int to tuple of int
        Counts of relevance 1, 2, 3 by the response's highest severity.
    by_harmful_response_category : dict of str to tuple of int
        The same among responses harmful in a category.
    by_prompt_category : dict of str to tuple of int
        The same among prompts harmful in a category.
    quadrants : dict of str to dict of str to tuple of int
        The same by category and by whether prompt (P) and response (R) are harmful in it.
    tests : tuple of AssociationTest
        With Holm's correction within each family.
    missing : int
        Records without relevance.
    """

    by_response_severity: dict[int, OfRelevance]
    by_harmful_response_category: dict[str, OfRelevance]
    by_prompt_category: dict[str, OfRelevance]
    quadrants: dict[str, Annotated[dict[str, OfRelevance], Keyed("P+R+ P+R- P-R+ P-R-")]]
    tests: tuple[AssociationTest, ...]
    missing: int


def relevance(severities: Severities, settings: Settings) -> Relevance | None:
    """Tabulate relevance and test what it goes with.

    Returns
    -------
    Relevance or None
        None where the data has no relevance.
    """
    counts = severities.counts
    if counts.relevance is None:
        return None
    start = severities.harmful_from
    tally = _Tally(counts, counts.relevance)
    response = severities.response.of_complete
    levels = {level: response == level for level in range(severities.top + 1)}
    names = counts.taxonomy.categories
    prompts = {name: severities.prompt_in(c).at_least(start) for c, name in enumerate(names)}
    responses = {name: severities.response_in(c).at_least(start) for c, name in enumerate(names)}
    tests = [*_severity_tests(severities, tally, levels, settings)]
    tests += _category_tests(severities, tally, responses, settings)
    return Relevance(
        {level: tally.of(mask) for level, mask in levels.items()},
        {name: tally.of(answer == 1) for name, answer in responses.items()},
        {name: tally.of(answer == 1) for name, answer in prompts.items()},
        {
            name: {
                f"P{'+' if p else '-'}R{'+' if r else '-'}": tally.of(
                    (prompts[name] == p) & (responses[name] == r)
                )
                for p in (1, 0)
                for r in (1, 0)
            }
            for name in names
        },
        _holm_within_families(tests),
        int(counts.n[counts.relevance == MISSING].sum()),
    )


class _Tally:
    """Tables of pattern masks by relevance, pooled and by kind of cluster."""

    def __init__(self, counts: Counts, relevance: IntArray) -> None:
        self.counts = counts
        self.columns = [relevance == value for value in range(1, ON_TASK + 1)]

    def of(self, mask: BoolArray) -> tuple[int, ...]:
        return tuple(int(self.counts.n[mask & column].sum()) for column in self.columns)

    def table(self, rows: list[BoolArray], *, binary: bool) -> Rows:
        return tuple(_folded(self.of(row)) if binary else self.of(row) for row in rows)

    def by_cluster(self, rows: list[BoolArray], *, binary: bool) -> tuple[IntArray, IntArray]:
        columns = (
            [self.columns[-1], ~self.columns[-1] & np.any(self.columns, axis=0)]
            if binary
            else self.columns
        )
        cells, weight = self.counts.sums(*(row & column for row in rows for column in columns))
        return cells.reshape(len(cells), len(rows), len(columns)), weight


def _folded(row: tuple[int, ...]) -> tuple[int, ...]:
    return row[-1], sum(row[:-1])


def _severity_tests(
    severities: Severities, tally: _Tally, levels: dict[int, BoolArray], settings: Settings
) -> Iterator[AssociationTest]:
    names = severities.counts.taxonomy.levels
    yield _omnibus(
        "response_severity x relevance",
        tally,
        dict(zip(names, levels.values(), strict=True)),
        settings,
        ordinal=True,
    )
    response = severities.response.of_complete
    for level, name in enumerate(names):
        rest = (response != level) & (response != MISSING)
        yield _contrast("severity against the rest", tally, {name: levels[level], "the rest": rest})


def _category_tests(
    severities: Severities, tally: _Tally, harmful: dict[str, NDArray[np.int8]], settings: Settings
) -> Iterator[AssociationTest]:
    masks = {name: answer == 1 for name, answer in harmful.items()}
    if len(masks) > 1:
        yield _omnibus(
            "harmful_response_category x relevance", tally, masks, settings, ordinal=False
        )
    response = severities.response.of_complete
    anywhere = np.where(response == MISSING, MISSING, response >= severities.harmful_from)
    for name, answer in {"any category": anywhere, **harmful}.items():
        rows = {f"R+ ({name})": answer == 1, f"R- ({name})": answer == 0}
        yield _contrast("harmful against safe response", tally, rows)
    for a, b in combinations(masks, 2):
        yield _contrast("pairs of categories", tally, {a: masks[a], b: masks[b]})


def _omnibus(
    name: str, tally: _Tally, masks: dict[str, BoolArray], settings: Settings, *, ordinal: bool
) -> AssociationTest:
    rows = list(masks.values())
    table = tally.table(rows, binary=False)
    described = _described(name, "omnibus", masks, RELEVANCE, table, tally)
    effects = replace(
        described, cramers_v=cramers_v(table), cramers_v_corrected=cramers_v_corrected(table)
    )
    if tally.counts.clusters is not None:
        cells, weight = tally.by_cluster(rows, binary=False)
        corrected = _pooled(effects, cells, weight)
        if not ordinal:
            return corrected
        return replace(
            corrected, gamma=gamma(table, confidence=settings.confidence, clusters=(cells, weight))
        )
    pearson = chi_square(table)
    tested = replace(
        effects,
        test="permutation chi-square",
        statistic=pearson.statistic if pearson else None,
        df=pearson.df if pearson else None,
        p_asymptotic=pearson.p if pearson else None,
        p=permutation_p(
            table, draws=settings.permutations, rng=generator(settings.seed, "permutation", name)
        ),
    )
    if not ordinal:
        return tested
    return replace(
        tested, gamma=gamma(table, confidence=settings.confidence), trend=linear_by_linear(table)
    )


def _contrast(family: str, tally: _Tally, masks: dict[str, BoolArray]) -> AssociationTest:
    rows = list(masks.values())
    table = tally.table(rows, binary=True)
    columns = ("on-task", "less")
    described = _described(" against ".join(masks), family, masks, columns, table, tally)
    exact = two_by_two(table)
    effects = replace(
        described, odds_ratio=exact.odds_ratio, unbounded=exact.unbounded, phi=exact.phi
    )
    if tally.counts.clusters is not None:
        return _pooled(effects, *tally.by_cluster(rows, binary=True))
    return replace(effects, test="Fisher exact", p=exact.p)


def _described(
    name: str,
    family: str,
    masks: dict[str, BoolArray],
    columns: tuple[str, ...],
    table: Rows,
    tally: _Tally,
) -> AssociationTest:
    counts = np.array(table)
    few = bool((counts < FEW).any())  # margins are sums of cells, so a small margin has small cells
    twice = np.sum(list(masks.values()), axis=0) > 1
    known = np.any(tally.columns, axis=0)
    overlap = int(tally.counts.n[twice & known].sum())
    return AssociationTest(
        name, family, "", tuple(masks), columns, table, exploratory=few, overlap=overlap
    )


def _pooled(described: AssociationTest, cells: IntArray, weight: IntArray) -> AssociationTest:
    result = rao_scott(cells, weight)
    return replace(
        described,
        test="Rao-Scott F, because records share prompts",
        statistic=result.statistic if result else None,
        df=result.df if result else None,
        df_denominator=result.df_denominator if result else None,
        p_asymptotic=result.p if result else None,
    )


def _holm_within_families(tests: list[AssociationTest]) -> tuple[AssociationTest, ...]:
    adjusted: dict[int, float | None] = {}
    for family in dict.fromkeys(test.family for test in tests):
        at = [i for i, test in enumerate(tests) if test.family == family]
        adjusted |= dict(zip(at, holm([tests[i].decisive_p for i in at]), strict=True))
    return tuple(replace(test, p_holm=adjusted[i]) for i, test in enumerate(tests))
