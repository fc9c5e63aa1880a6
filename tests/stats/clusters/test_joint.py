"""How far two estimates from the same clusters move together, with caution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import correlation
from riskshift.stats.clusters.joint import cautious_correlation, cautious_influence


def both(*columns):
    return cautious_correlation(*columns), correlation(*columns)


class TestOfMeans:
    @pytest.mark.parametrize("n", [2, 5, 40])
    def test_of_rates_that_agree_everywhere_it_stays_below_one(self, n):
        cautious, plain = both([0, 1], [1, 1], [0, 1], [1, 1], [n, n])
        assert plain == pytest.approx(1)
        assert 0 < cautious < 1
        # Four more records, two of which agree: the same as Pearson's correlation of all of them.
        with_four = [0] * n + [1] * n + [1, 1, 0, 0], [0] * n + [1] * n + [1, 0, 1, 0]
        assert cautious == pytest.approx(stats.pearsonr(*with_four).statistic)

    @pytest.mark.parametrize("n", [3, 30])
    def test_differences_reach_from_minus_one_to_one(self, n):
        gains = [1, 0, -1]
        cautious = cautious_correlation(gains, [1] * 3, gains, [1] * 3, [n, 50, n], least=-1)
        records = [1] * n + [0] * 50 + [-1] * n
        with_four = [*records, 1, 1, -1, -1], [*records, 1, -1, 1, -1]
        assert cautious == pytest.approx(stats.pearsonr(*with_four).statistic)

    def test_it_never_narrows_an_interval(self):
        cautious, plain = both([0, 1], [1, 1], [1, 0], [1, 1], [9, 9])
        assert cautious == pytest.approx(-1)
        assert plain == pytest.approx(-1)

    def test_it_hardly_matters_with_many_records(self):
        cautious, plain = both([1, 0, 1, 0], [1] * 4, [1, 0, 0, 1], [1] * 4, [600, 600, 200, 200])
        assert cautious == pytest.approx(plain, abs=0.002)

    def test_a_mean_of_nothing_is_refused(self):
        with pytest.raises(UsageError, match="without records"):
            cautious_correlation([0], [0], [1], [2], [3])


class TestOfInfluence:
    @given(
        st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=8),
        st.integers(1, 40),
    )
    def test_it_lies_below_one_and_at_or_below_the_plain_one(self, pulls, n):
        a, b = np.array(pulls, float).T
        weight = np.full(len(a), n)
        found = cautious_influence(a, b, weight)
        scale = np.sqrt((weight @ a**2) * (weight @ b**2))
        plain = weight @ (a * b) / scale if scale else 0.0
        assert -1 <= found < 1
        assert found <= plain + 1e-12
        assert found == pytest.approx(cautious_influence(b, a, weight))
        assert found == pytest.approx(cautious_influence(5 * a, 2 * b, weight))

    def test_kinds_that_no_cluster_has_count_for_nothing(self):
        alone = cautious_influence([1, -1], [1, -1], [8, 8])
        assert cautious_influence([1, -1, 50], [1, -1, 50], [8, 8, 0]) == pytest.approx(alone)
        assert alone == pytest.approx(16 / 20)

    def test_what_does_not_vary_is_uncorrelated(self):
        assert cautious_influence([0, 0], [1, -1], [3, 3]) == pytest.approx(0)

    def test_lengths_must_agree(self):
        with pytest.raises(UsageError, match="equal length"):
            cautious_influence([1, 2], [1], [1, 1])
