"""What a filter keeps back is missing for a reason, and the bounds hold the truth all the same."""

import numpy as np
import pytest

from riskshift.analysis.metrics import OVERALL
from riskshift.analysis.severities import Severities
from riskshift.counts.pairs import Counts
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

DRAWS = 1_000
MEDIUM = 2
FOUR = Taxonomy(["hate", "violence"])
METRICS = [metric for metric in OVERALL if set(metric.needs) <= {"p", "r"}]


@pytest.fixture(scope="module")
def drawn():
    """Which draw each record is of, and its labels; draws differ in size and in how harmful."""
    draws, prompts, responses = [], [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        size = int(rng.integers(1, 60))
        asked, answered = rng.dirichlet((3, 1, 1, 1), 2)
        draws.append(np.full(size, seed))
        prompts.append(rng.choice(4, (size, 2), p=asked))
        responses.append(rng.choice(4, (size, 2), p=answered))
    return tuple(map(np.concatenate, (draws, prompts, responses)))


def blocked(prompt, response, sides):
    """Take the labels that a filter at medium keeps from being made: those of the response."""
    stopped = np.zeros(len(prompt), dtype=bool)
    for side, labels in (("prompt", prompt), ("response", response)):
        stopped |= (labels.max(axis=1) >= MEDIUM) & (side in sides)
    return np.where(stopped[:, None], MISSING, response)


def asked(metric, prompt, response):
    n = np.ones(len(prompt), dtype=np.int64)
    severities = Severities(Counts(FOUR, prompt, response, None, None, n, None))
    return severities.ask(metric.event, metric.given, metric.needs)


def shares(draws, inside, happened):
    """The share of each draw; NaN where none of its records is in the denominator."""
    given = np.bincount(draws, inside, DRAWS)
    return np.divide(
        np.bincount(draws, happened, DRAWS), given, np.full(DRAWS, np.nan), where=given > 0
    )


@pytest.mark.parametrize("sides", [("prompt",), ("response",), ("prompt", "response")], ids=str)
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_bounds_hold_the_truth_whatever_side_is_blocked(drawn, metric, sides):
    draws, prompt, response = drawn
    truth = shares(draws, *asked(metric, prompt, response).counted)
    seen = asked(metric, prompt, blocked(prompt, response, sides))
    low, high = (shares(draws, *seen.settled(high=most)) for most in (False, True))
    # Where one end has no denominator, the other is all that is known.
    low, high = np.where(np.isnan(low), high, low), np.where(np.isnan(high), low, high)
    told = ~np.isnan(truth)
    assert told.sum() > DRAWS / 2
    assert (low[told] <= truth[told] + 1e-12).all()
    assert (truth[told] <= high[told] + 1e-12).all()


def test_what_is_known_alone_does_not_hold_it(drawn):
    """Records that were let through are the harmless ones: their rate is far too low."""
    draws, prompt, response = drawn
    metric = next(metric for metric in METRICS if metric.name == "response_harm")
    truth = shares(draws, *asked(metric, prompt, response).counted)
    seen = asked(metric, prompt, blocked(prompt, response, ("response",)))
    known = shares(draws, *seen.counted)
    told = ~np.isnan(known)
    assert (known[told] <= truth[told] + 1e-12).all()
    assert np.nanmean(truth - known) > 0.1
    assert seen.unknown.any()
