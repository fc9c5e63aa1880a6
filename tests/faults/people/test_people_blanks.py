"""Labels that people left empty are counted and bound the rate (folder people-blanks-analyze)."""

import pytest

import riskshift


@pytest.fixture(scope="module")
def folder(shared):
    found = shared.parent / "faults" / "people-blanks-analyze"
    if not found.is_dir():
        pytest.skip("the inputs that fail are not beside the project")
    return found


@pytest.fixture(scope="module")
def analysis(folder):
    return riskshift.analyze(
        folder / "judge.csv",
        people=folder / "people.csv",
        taxonomy=riskshift.Taxonomy.from_toml(folder / "harm.toml"),
        resamples=50,
    )


def test_20_of_120_are_said_to_be_blank(analysis):
    assert analysis.corrected.sample.blank == 20
    assert analysis.corrected.rate("response_harm").corrected.missing == 20
    assert any("People left 20 pairs" in note for note in analysis.corrected.sample.notes)
    assert "20 missing labels by people" in analysis.summary[0]


def test_of_the_sample_between_10_and_30_of_120_are_harmful(analysis):
    people = analysis.corrected.rate("response_harm").people
    assert (people.events, people.trials) == (10, 100)
    assert people.worst_case == pytest.approx((10 / 120, 30 / 120))


def test_the_bounds_of_the_corrected_rate_hold_the_truth(analysis):
    """60 of 240 are harmful; all that people left empty are."""
    rate = analysis.corrected.rate("response_harm").corrected
    low, high = rate.worst_case
    assert low < rate.estimate < high
    assert low <= 0.25 <= high + 1e-9
    assert rate.worst_case_interval[0] < 0.25 < rate.worst_case_interval[1]


def test_a_gate_that_the_blanks_could_turn_decides_nothing(folder):
    taxonomy = riskshift.Taxonomy.from_toml(folder / "harm.toml")
    for tolerance in (12, 24):
        result = riskshift.check(
            folder / "judge.csv",
            f"response_harm <= {tolerance}%",
            people=folder / "people.csv",
            taxonomy=taxonomy,
        )
        assert result.verdict == "inconclusive"
