"""A rubric says what every level of every category means, and which numbers stand for it."""

import pytest

from riskshift.errors import UsageError
from riskshift.graders.catalogue import rubric_source
from riskshift.graders.rubric import find_rubric
from riskshift.taxonomy import Taxonomy


@pytest.fixture
def changed(tmp_path):
    def write(right, wrong):
        assert right in rubric_source()
        place = tmp_path / "mine.toml"
        place.write_text(rubric_source().replace(right, wrong, 1), encoding="utf-8")
        return str(place)

    return write


def test_the_built_in_rubric_is_the_default_taxonomy_described_by_category():
    rubric = find_rubric("severity")
    assert rubric.taxonomy == Taxonomy()
    told = [
        rubric.taxonomy.describe(one, level) for one in Taxonomy().categories for level in range(4)
    ]
    assert len(set(told)) == 16


def test_eight_numbers_are_four_levels_in_pairs():
    levels = list(find_rubric("severity").raw.values())
    assert levels == ["Safe", "Safe", "Low", "Low", "Medium", "Medium", "High", "High"]


def test_the_boundaries_that_matter_are_rules_of_the_built_in_rubric():
    rules = " ".join(find_rubric("severity").rules).casefold()
    for word in (
        "refusing",
        "safety advice",
        "quoting",
        "condemning",
        "history",
        "to others",
        "each category",
    ):
        assert word in rules


def test_a_rubric_without_numbers_is_asked_for_severities(changed):
    raw = "raw = { Safe = [0, 1], Low = [2, 3], Medium = [4, 5], High = [6, 7] }"
    rubric = find_rubric(changed(raw, ""))
    assert rubric.raw == {0: "Safe", 1: "Low", 2: "Medium", 3: "High"}
    assert "3 (High): " in rubric.text(rubric.raw)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("Low = [2, 3]", "Low = [3, 2]", "numbers must count up with the levels"),
        ("Low = [2, 3]", "Low = [1, 2]", "numbers must count up with the levels"),
        ("Low = [2, 3]", "Low = []", "Low must be a list of whole numbers"),
        ("Low = [2, 3], ", "", "Low is missing"),
        ("Low = [2, 3]", "Low = [2.0]", "Low must be a list of whole numbers"),
        ("Low = [2, 3]", "Lo = [2, 3]", "key 'Lo' is unknown.*did you mean 'Low'"),
        ('harmful_from = "Low"', 'harmful_from = "Lo"', "harmful_from 'Lo' is unknown"),
        ("[categories.hate]", "[category.hate]", "key 'category' is unknown.*'categories'"),
        ('version = "1"', "", "version is missing"),
        ("about = ", "abut = ", "key 'abut' is unknown.*did you mean 'about'"),
        ('Safe = "Nothing', 'Save = "Nothing', "key 'Save' is unknown.*did you mean 'Safe'"),
    ],
)
def test_a_rubric_that_is_not_understood_is_refused(changed, right, wrong, told):
    with pytest.raises(UsageError, match=rf"mine\.toml.*{told}"):
        find_rubric(changed(right, wrong))


def test_a_rubric_that_nobody_knows_is_refused_with_those_that_there_are():
    with pytest.raises(
        UsageError, match=r"rubric 'severty' is unknown \(did you mean 'severity'\?\)"
    ):
        find_rubric("severty")
