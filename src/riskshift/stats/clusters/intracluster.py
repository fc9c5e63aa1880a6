"""How alike the records of one cluster are, and what that does to the variance of a rate.

Counts of two or more outcomes in clusters are taken as Dirichlet-multinomial: every cluster has
shares of its own, and the intra-cluster correlation rho is the part of a record's variance that
lies between clusters. With two outcomes this is the beta-binomial. From few events nothing
computed from the data alone tells rho, so it has a prior, and the rate has none: a prior on the
rate swamps rare events, one on rho fades wherever clusters with events show how alike they are.

The rule is riskshift's own, by simulated coverage (``benchmarks/coverage/rates.py``). The prior
of rho is Beta(2/5, 1/20): most of it near 1, where a cluster is worth one record, the rest
falling from 0. The second part is what data with any mixed cluster leave. The design effect is
a mean over rho, and the fewer events there are, the more its large values count.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

Floats = npt.NDArray[np.float64]

PRIOR: Final = (0.4, 0.05)
# Cells of rho, narrow near 0: where clusters are large the smallest matters. Each stands for its
# prior mass at its prior mean, for most of the mass near 1 lies closer to 1 than any midpoint.
_EDGES: Final = (np.arange(97) / 96) ** 4
_MASS: Final = np.diff(betainc(*PRIOR, _EDGES))
_RHO: Final = PRIOR[0] / sum(PRIOR) * np.diff(betainc(PRIOR[0] + 1, PRIOR[1], _EDGES)) / _MASS
_CAUTION: Final = 3.0  # with 1, coverage falls to 92 % where one cluster dominates
_LARGE: Final = 16.0
_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Design:
    """What sharing clusters does to the variance of a rate.

    Parameters
    ----------
    deff : float
        Records over independent records that tell as much, averaged over what the data say of
        rho; at least 1.
    pieces : float
        In how many equal, independent pieces the same variance would come: many, unless rho is
        large and one cluster dominates.
    """

    deff: float
    pieces: float


def design(counts: Floats, values: Floats, weight: Floats) -> Design:
    """Estimate the design effect of a mean over records that come in clusters.

    Parameters
    ----------
    counts : ndarray, shape (k, m)
        Records of each of k outcomes in each of m kinds of cluster; every cluster has a record.
    values : ndarray, shape (k,)
        What each outcome counts in the mean: 1 and 0 for a rate.
    weight : ndarray, shape (m,)
        Number of clusters of each kind.

    Returns
    -------
    Design
        It does not depend on the order of the outcomes, nor on how kinds are split.

    Notes
    -----
    At a given rho, sum n records are worth ``sum n / (1 + rho (sum n^2 / sum n - 1))``. Were
    clusters weighted by ``1 / (1 + (n - 1) rho)``, they would be worth ``B = sum n / (1 + (n - 1)
    rho)``, and where the mean d away from that of all records alike is no further than luck, they
    are: ``s B / (s + 3 B d^2)`` with s a record's variance, if that is more. Without it, clusters
    that agree with single records would take away what those say.

    The design effect is a power mean over rho, of exponent (1 - k) / (1 + k) where all but k
    records have the commonest outcome: arithmetic without any, geometric with one, and with many
    harmonic, which is the mean of what the records are worth. The posterior of rho is taken on a
    fixed grid. At each rho the shares are those of clusters weighted as above, with half a record
    more of each outcome, and are integrated out by Laplace's approximation under Jeffreys' prior.

    `pieces` is Satterthwaite's ``(sum v)^2 / sum v^2`` over independent parts v of the variance:
    for each cluster ``n^2 rho``, for each record ``1 - rho``.

    References
    ----------
    .. [1] A. Donner, "A review of inference procedures for the intraclass correlation coefficient
       in the one-way random effects model", International Statistical Review 54 (1986), p. 67-82.
    .. [2] M. S. Ridout, C. G. B. Demetrio, D. Firth, "Estimating intraclass correlation for binary
       data", Biometrics 55 (1999), p. 137-148.
    .. [3] J. E. Mosimann, "On the compound multinomial distribution, the multivariate
       beta-distribution, and correlations among proportions", Biometrika 49 (1962), p. 65-82.

    Examples
    --------
    Fifty clusters of 20, ten of them with one event: hardly alike. Without events: who knows.

    >>> design(np.array([[1.0, 0], [19, 20]]), np.array([1.0, 0]), np.array([10.0, 40])).deff < 1.2
    True
    >>> design(np.array([[0.0], [20]]), np.array([1.0, 0]), np.array([50.0])).deff > 10
    True
    """
    sizes, at = np.unique(counts.sum(axis=0), return_inverse=True)
    by_size = np.stack([np.bincount(at, weights=weight * outcome) for outcome in counts])
    pooled = by_size.sum(axis=1)
    clusters = np.asarray(np.bincount(at, weights=weight), np.float64)
    total = float(pooled.sum())
    mean = float(values @ pooled) / total
    variance = float(values**2 @ pooled) / total - mean**2
    alike, pieces = _worth(np.ones((len(_RHO), len(sizes))), sizes, clusters)
    best = 1 / (1 + np.outer(_RHO, sizes - 1))
    held, best_pieces = _worth(best, sizes, clusters)
    away = (best @ (values @ by_size) / (best @ by_size.sum(axis=0)) - mean) ** 2
    # Where all records count the same, no weighting moves the mean.
    held = held / (1 + _CAUTION * held * away / variance) if variance > 0 else held
    belief = correlation_belief(counts, weight)
    effects = np.maximum(1.0, total / np.maximum(alike, held))
    # Rounded, so that the last digits of a processor's logarithm do not show.
    deff = round(_power_mean(effects, belief, total - float(pooled.max())), _DIGITS)
    parts = float(belief @ np.where(held > alike, best_pieces, pieces))
    return Design(deff, round(parts, _DIGITS))


def _worth(each: Floats, sizes: Floats, clusters: Floats) -> tuple[Floats, Floats]:
    """Return what records are worth at each rho, weighted by `each`, and in how many pieces."""
    rho = _RHO[:, None]
    between, within = each**2 * sizes**2 * rho, each**2 * (1 - rho)
    spread = (between + within * sizes) @ clusters
    pieces = spread**2 / ((between**2 + within**2 * sizes) @ clusters)
    return (each @ (sizes * clusters)) ** 2 / spread, pieces


def _power_mean(effects: Floats, belief: Floats, rare: float) -> float:
    if rare == 1:
        return float(np.exp(belief @ np.log(effects)))
    exponent = (1 - rare) / (1 + rare)
    return float((belief @ effects**exponent) ** (1 / exponent))


def correlation_belief(counts: Floats, weight: Floats) -> Floats:
    """Return what the data say of rho: probabilities of the grid's values, small ones first."""
    size = counts.sum(axis=0)
    sizes, at = np.unique(size, return_inverse=True)
    by_size = np.stack([np.bincount(at, weights=weight * outcome) for outcome in counts])
    held = (1 / (1 + np.outer(_RHO, sizes - 1))) @ by_size.T + 0.5
    worth = held.sum(axis=1)
    shares = held / worth[:, None]
    spread = (1 - _RHO) / _RHO
    log_likelihood = -_rises(spread, size, weight)
    for outcome, share in zip(counts, shares.T, strict=True):
        log_likelihood += _rises(share * spread, outcome, weight)
        log_likelihood += float(weight @ outcome) * np.log(share)
    log_belief = np.log(_MASS) + log_likelihood - (len(counts) - 1) / 2 * np.log(worth)
    belief = np.exp(log_belief - log_belief.max())
    return np.asarray(belief / belief.sum())


def _rises(start: Floats, counts: Floats, weight: Floats) -> Floats:
    """Sum over clusters of ``log(a (a+1) ... (a+x-1) / a^x)``, for each a in `start`.

    Equal counts are taken together, so the cost does not grow with the kinds of cluster.
    """
    rising = counts > 1  # one record or none leaves the product at 1
    steps, at = np.unique(counts[rising], return_inverse=True)
    times = np.bincount(at, weights=weight[rising], minlength=len(steps))
    large = start > _LARGE
    sums = np.empty(len(start))
    sums[large] = _series(start[large, None], steps) @ times
    small = start[~large, None]
    sums[~large] = (gammaln(small + steps) - gammaln(small) - steps * np.log(small)) @ times
    return sums


def _series(a: Floats, x: Floats) -> Floats:
    """Return the same by Stirling's series, where the logarithms of gamma would cancel."""
    return np.asarray((a + x - 0.5) * np.log1p(x / a) - x + _tail(a + x) - _tail(a))


def _tail(a: Floats) -> Floats:
    """Return what Stirling's formula leaves out of the logarithm of gamma at a >= 16."""
    inverse = 1 / a**2
    terms = 1 / 12 - inverse * (
        1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188))
    )
    return np.asarray(terms / a)
