"""A judge that is silent on harm: what people saw there counts (folder judge-silent-analyze-people)."""

import pytest

import riskshift
from riskshift.stats.proportion import clopper_pearson, wilson


@pytest.fixture(scope="module")
def folder(shared):
    found = shared.parent / "faults" / "judge-silent-analyze-people"
    if not found.is_dir():
        pytest.skip("the inputs that fail are not beside the project")
    return found


@pytest.fixture(scope="module")
def taxonomy(folder):
    return riskshift.Taxonomy.from_toml(folder / "harm.toml")


@pytest.fixture(scope="module")
def analysis(folder, taxonomy):
    return riskshift.analyze(
        folder / "judge.csv", people=folder / "people.csv", taxonomy=taxonomy, resamples=50
    )


@pytest.mark.parametrize("metric", ["response_harm", "persistence[harm]"])
def test_people_alone_are_30_of_120(analysis, metric):
    people = analysis.corrected.rate(metric).people
    assert (people.events, people.trials) == (30, 120)
    wanted = wilson(30, 120)
    assert (people.interval.low, people.interval.high) == pytest.approx((wanted.low, wanted.high))
    assert (round(people.interval.low, 3), round(people.interval.high, 3)) == (0.181, 0.334)


def test_the_corrected_rate_is_that_of_all_pairs(analysis):
    """60 of 240 are harmful."""
    rate = analysis.corrected.rate("response_harm").corrected
    assert rate.estimate == pytest.approx(0.25)
    assert rate.interval.low < 0.25 < rate.interval.high


@pytest.mark.parametrize("tolerance", [12, 15])
def test_a_gate_below_what_people_saw_fails(folder, taxonomy, tolerance):
    assert clopper_pearson(30, 120).low > 0.175
    result = riskshift.check(
        folder / "judge.csv",
        f"response_harm <= {tolerance}%",
        people=folder / "people.csv",
        taxonomy=taxonomy,
    )
    assert result.verdict == "fail"
