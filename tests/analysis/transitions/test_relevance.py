"""What safety costs in relevance: tables, and tests that are valid for the data they are given."""

import numpy as np
import pytest
from scipy import stats

from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.relevance import relevance
from riskshift.stats.crosstabs.association import rao_scott
from riskshift.stats.multiple import holm

FAST = Settings(resamples=100, permutations=2000)
N = None


def crossed(table, **more):
    """Rows of harm in category a (0 to 2) by relevance (1 to 3), and their relevance."""
    cells = [(r, c + 1) for r, row in enumerate(table) for c, n in enumerate(row) for _ in range(n)]
    return [(0, 0, r, 0) for r, _ in cells], [c for _, c in cells]


@pytest.fixture(scope="module")
def table():
    return [[30, 20, 50], [5, 9, 16], [8, 2, 1]]


@pytest.fixture(scope="module")
def found(severities_of, table):
    rows, on_task = crossed(table)
    return relevance(severities_of(*rows, relevance=on_task), FAST)


def named(found, name):
    (test,) = (test for test in found.tests if test.name == name)
    return test


def test_data_without_relevance_has_none(severities_of):
    assert relevance(severities_of((0, 0, 1, 0)), FAST) is None


def test_tables_count_what_is_known(severities_of):
    rows = [(1, 0, 1, 0), (1, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 0), (1, 0, N, 0), (1, 0, 1, N)]
    found = relevance(severities_of(*rows, relevance=[3, 1, 2, None, 3, 3]), FAST)
    assert found.by_response_severity == {0: (1, 0, 0), 1: (0, 1, 1), 2: (0, 0, 0)}
    assert found.by_harmful_response_category == {"a": (0, 1, 2), "b": (0, 0, 0)}
    assert found.by_prompt_category == {"a": (1, 0, 3), "b": (0, 0, 0)}
    assert found.quadrants["a"] == {
        "P+R+": (0, 0, 2),
        "P+R-": (1, 0, 0),
        "P-R+": (0, 1, 0),
        "P-R-": (0, 0, 0),
    }
    assert found.missing == 1


class TestIndependentRecords:
    def test_chi_square_and_its_effect_sizes_agree_with_scipy(self, found, table):
        test = named(found, "response_severity x relevance")
        theirs = stats.chi2_contingency(table, correction=False)
        assert test.table == tuple(map(tuple, table))
        assert (test.statistic, test.df) == (pytest.approx(theirs.statistic), theirs.dof)
        assert test.p_asymptotic == pytest.approx(theirs.pvalue)
        assert test.cramers_v == pytest.approx(stats.contingency.association(table, "cramer"))
        assert test.test == "permutation chi-square"

    def test_permutation_p_is_close_to_the_asymptotic_where_cells_are_full(self, severities_of):
        rows, on_task = crossed([[40, 30, 60], [30, 35, 40], [25, 22, 18]])
        test = relevance(severities_of(*rows, relevance=on_task), FAST).tests[0]
        assert test.p == pytest.approx(test.p_asymptotic, abs=4 * (0.25 / 2000) ** 0.5)

    def test_gamma_and_trend_are_for_ordinal_sides_only(self, found, table):
        severities, on_task = np.repeat(list(np.ndindex(3, 3)), np.ravel(table), axis=0).T
        r = stats.pearsonr(severities, on_task).statistic
        theirs = (np.sum(table) - 1) * r**2
        severity = named(found, "response_severity x relevance")
        category = named(found, "harmful_response_category x relevance")
        assert -1 < severity.gamma.low < severity.gamma.estimate < severity.gamma.high < 1
        assert severity.trend.statistic == pytest.approx(theirs)
        assert (category.gamma, category.trend) == (None, None)
        assert category.to_dict()["gamma"] is None

    def test_contrasts_are_fishers(self, found, table):
        test = named(found, "High against the rest")
        folded = np.array([[1, 10], [66, 64]])
        assert test.table == ((1, 10), (66, 64))
        assert test.p == pytest.approx(stats.fisher_exact(folded).pvalue)
        assert test.odds_ratio == pytest.approx(1 * 64 / (10 * 66))
        assert (test.test, test.statistic, test.columns) == (
            "Fisher exact",
            None,
            ("on-task", "less"),
        )

    def test_families_are_corrected_by_themselves(self, found):
        for family in ("omnibus", "severity against the rest", "harmful against safe response"):
            tests = [test for test in found.tests if test.family == family]
            assert [test.p_holm for test in tests] == holm([test.p for test in tests])
        assert named(found, "a against b").p_holm is None

    def test_few_records_in_a_cell_are_exploratory(self, found):
        assert named(found, "response_severity x relevance").exploratory
        assert not named(found, "Low against the rest").exploratory

    def test_infinite_odds_ratio_is_none_and_unbounded(self, severities_of):
        rows, on_task = crossed([[5, 5, 20], [0, 0, 10], [0, 0, 0]])
        test = named(
            relevance(severities_of(*rows, relevance=on_task), FAST), "Low against the rest"
        )
        assert (test.odds_ratio, test.unbounded) == (None, True)
        assert test.to_dict()["unbounded"] is True

    def test_tables_with_an_empty_side_are_undefined(self, severities_of):
        rows, on_task = crossed([[0, 0, 9], [0, 0, 4], [0, 0, 0]])
        for test in relevance(severities_of(*rows, relevance=on_task), FAST).tests:
            assert (test.p, test.p_asymptotic, test.p_holm, test.statistic) == (None,) * 4
            assert (test.phi, test.cramers_v) == (None, None)

    def test_records_harmful_in_two_categories_are_counted_in_both_and_said(self, severities_of):
        rows = [(0, 0, 1, 1)] * 3 + [(0, 0, 1, 0)] * 4 + [(0, 0, 0, 1)] * 5 + [(0, 0, 1, 1)]
        on_task = [3, 3, 2, 3, 3, 2, 1, 3, 1, 1, 2, 3, None]
        test = named(
            relevance(severities_of(*rows, relevance=on_task), FAST),
            "harmful_response_category x relevance",
        )
        assert [sum(row) for row in test.table] == [7, 8]
        assert test.overlap == 3

    def test_effect_sizes_stay_within_one(self, severities_of):
        rows = [(0, 0, 0, 0), (1, 0, 0, 0), (2, 1, 2, 1)]
        found = relevance(severities_of(*rows, relevance=[3, 3, 1]), FAST)
        assert found.tests[0].cramers_v_corrected <= 1


class TestSharedPrompts:
    @pytest.fixture
    def shared(self, severities_of, table):
        rows, on_task = crossed(table)
        twice = [row for row in rows for _ in range(2)]
        prompts = [f"p{i}" for i in range(len(rows)) for _ in range(2)]
        samples = ["1", "2"] * len(rows)
        on_task = [r for r in on_task for _ in range(2)]
        return relevance(
            severities_of(*twice, prompt_id=prompts, sample=samples, relevance=on_task), FAST
        )

    def test_tests_for_independent_records_are_not_given(self, shared):
        for test in shared.tests:
            assert test.p is None
            assert test.test == "Rao-Scott F, because records share prompts"
            assert test.statistic is None or test.df_denominator > 0
            assert test.trend is None

    def test_repeating_every_answer_adds_no_evidence(self, shared, table):
        test = named(shared, "response_severity x relevance")
        once = stats.chi2_contingency(table, correction=False)
        assert test.statistic * once.dof == pytest.approx(once.statistic, rel=0.25)
        assert once.pvalue < test.p_asymptotic < 3 * once.pvalue
        assert test.p_holm is not None

    def test_gamma_is_as_sure_as_the_prompts_let_it_be(self, shared, found):
        pooled = named(shared, "response_severity x relevance").gamma
        alone = named(found, "response_severity x relevance").gamma
        assert pooled.estimate == pytest.approx(alone.estimate)
        assert pooled.high - pooled.low == pytest.approx(alone.high - alone.low, rel=0.1)

    def test_holm_takes_the_p_that_there_is(self, shared):
        tests = [test for test in shared.tests if test.family == "severity against the rest"]
        assert [t.p_holm for t in tests] == holm([t.p_asymptotic for t in tests])

    def test_sharing_prompts_never_makes_evidence_stronger(self, severities_of):
        """Most prompts got one answer of each kind: R's correction divides by 0.35."""
        kinds = [((1, 3), (1, 2))] * 8 + [((0, 3), (0, 2))] * 8
        kinds += [((1, 2), (1, 2))] * 2 + [((0, 3), (0, 3))] * 2
        pairs = [pair for kind in kinds for pair in kind]
        found = severities_of(
            *((0, 0, harm, 0) for harm, _ in pairs),
            relevance=[on_task for _, on_task in pairs],
            prompt_id=[f"p{i // 2}" for i in range(len(pairs))],
            sample=[str(i) for i in range(len(pairs))],
        )
        test = named(relevance(found, FAST), "R+ (a) against R- (a)")
        plain = stats.chi2_contingency(test.table, correction=False)
        assert test.table == ((8, 12), (12, 8))
        on, harmful = found.counts.relevance == 3, found.counts.response[:, 0] > 0
        masks = [row & column for row in (harmful, ~harmful) for column in (on, ~on)]
        cells, weight = found.counts.sums(*masks)
        assert rao_scott(cells.reshape(-1, 2, 2), weight, cautious=False).deff < 0.5
        assert test.statistic == pytest.approx(plain.statistic)
        assert plain.pvalue < test.p_asymptotic < 1.5 * plain.pvalue
