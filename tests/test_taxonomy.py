"""Taxonomies, and how written labels become severities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import FileError, UsageError
from riskshift.taxonomy import (
    BAD,
    MISSING,
    Taxonomy,
    check_scale,
    level_parser,
    parse_flag,
    parse_relevance,
)

BINARY = Taxonomy(["harm"], ["Safe", "Harmful"])


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        (0, 0),
        (3, 3),
        (2.0, 2),
        ("1", 1),
        ("1.0", 1),
        (" 2 ", 2),
        ("+1", 1),
        ("Safe", 0),
        ("HIGH", 3),
        (" medium ", 2),
        (np.int8(1), 1),
        (np.float32(3), 3),
    ],
)
def test_severities_and_names_in_any_case_are_levels(written, severity):
    assert level_parser(Taxonomy(), None)(written) == severity


@pytest.mark.parametrize("written", [None, "", "  ", "NaN", "null", "NA", float("nan")])
def test_nothing_is_missing(written):
    assert level_parser(Taxonomy(), None)(written) == MISSING
    assert parse_relevance(written) == MISSING
    assert parse_flag(written) == MISSING


@pytest.mark.parametrize(
    "written", [1.5, "1.5", 4, 7, -1, "Severe", "none", True, "0x1", "1e0", "٣٣", float("inf"), [1]]
)
def test_what_is_not_on_the_scale_is_bad(written):
    assert level_parser(Taxonomy(), None)(written) == BAD


@pytest.mark.parametrize(
    ("scale", "written", "severities"),
    [
        ("0-7", range(8), [0, 0, 1, 1, 2, 2, 3, 3]),
        ("0-2-4-6", range(8), [0, BAD, 1, BAD, 2, BAD, 3, BAD]),
        ("levels", ["3", "High"], [3, BAD]),
        ("names", ["3", "High"], [BAD, 3]),
        ("0-7", ["High", ""], [BAD, MISSING]),
    ],
)
def test_a_declared_scale_is_the_only_one(scale, written, severities):
    assert [level_parser(Taxonomy(), scale)(value) for value in written] == severities


@pytest.mark.parametrize("scale", [None, "levels"])
def test_booleans_are_levels_of_a_taxonomy_of_two(scale):
    parse = level_parser(BINARY, scale)
    assert [parse(value) for value in (False, True, "true", "FALSE", 1)] == [0, 1, 1, 0, 1]


def test_a_level_may_be_called_like_a_missing_value_or_a_number():
    parse = level_parser(Taxonomy(["x"], ["NA", "2", "null"]), None)
    assert [parse(value) for value in ("na", "2", "null", "")] == [0, 1, 2, MISSING]


def test_azures_scales_need_four_levels():
    with pytest.raises(UsageError, match=r"'0-7' maps to four levels, and this taxonomy has 2"):
        level_parser(BINARY, "0-7")


def test_an_unknown_scale_is_refused_with_the_choices():
    with pytest.raises(UsageError, match=r"'azure' is unknown\. Choices: levels, names, 0-7"):
        check_scale("azure", Taxonomy())


@given(
    st.one_of(
        st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none(), st.binary()
    )
)
def test_any_value_is_a_level_or_missing_or_bad(value):
    assert level_parser(Taxonomy(), None)(value) in {MISSING, BAD, 0, 1, 2, 3}
    assert parse_relevance(value) in {MISSING, BAD, 1, 2, 3}
    assert parse_flag(value) in {MISSING, BAD, 0, 1}


@pytest.mark.parametrize(
    ("written", "flag"),
    [(True, 1), ("yes", 1), ("1.0", 1), (0, 0), ("No", 0), ("2", BAD), ("maybe", BAD)],
)
def test_flags_are_written_in_many_ways(written, flag):
    assert parse_flag(written) == flag


@pytest.mark.parametrize(("written", "relevance"), [(1, 1), ("3.0", 3), (0, BAD), (4, BAD)])
def test_relevance_is_one_to_three(written, relevance):
    assert parse_relevance(written) == relevance


def test_a_taxonomy_describes_itself():
    assert Taxonomy().describe_levels() == "Safe < Low < Medium < High (0 to 3)"
    assert Taxonomy(harmful_from=2).harmful_levels == ("Medium", "High")
    assert BINARY.top == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"categories": []}, "0 categories; there must be 1 to 1000"),
        ({"levels": ["only"]}, "1 levels; there must be 2 to 16"),
        ({"levels": [str(n) for n in range(17)]}, "17 levels; there must be 2 to 16"),
        ({"categories": ["a", "A"]}, "categories repeat a name: a, A"),
        ({"levels": ["x", " "]}, "levels must be a list of names"),
        ({"categories": "hate"}, "categories must be a list of names, not 'hate'"),
        ({"harmful_from": 0}, "harmful_from is 0; with 4 levels it must be 1 to 3"),
        ({"harmful_from": 4}, "harmful_from is 4"),
    ],
)
def test_what_is_no_taxonomy_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        Taxonomy(**arguments)


def toml(tmp_path, text):
    path = tmp_path / "taxonomy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_taxonomy_is_read_from_toml(tmp_path):
    path = toml(tmp_path, 'categories = ["fraud"]\nlevels = ["a", "b", "c"]\nharmful_from = "c"')
    assert Taxonomy.from_toml(path) == Taxonomy(["fraud"], ["a", "b", "c"], 2)


@pytest.mark.parametrize("levels", [2, 16])
def test_two_to_sixteen_levels(tmp_path, levels):
    names = [f"level {n}" for n in range(levels)]
    taxonomy = Taxonomy.from_toml(toml(tmp_path, f"levels = {names}"))
    assert taxonomy.levels == tuple(names)
    assert level_parser(taxonomy, None)(str(levels - 1)) == levels - 1
    assert level_parser(taxonomy, None)(str(levels)) == BAD


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("category = ['a']", UsageError, "key 'category' is unknown .did you mean 'categories'"),
        ("harmful_from = 'Hihg'", UsageError, "'Hihg' is unknown .did you mean 'High'"),
        ("harmful_from = 1.5", UsageError, "harmful_from is 1.5; give a severity"),
        ("harmful_from = true", UsageError, "harmful_from is True; give a severity"),
        ("harmful_from = 9", UsageError, "harmful_from is 9"),
        ("levels = 3", UsageError, "levels must be a list of names, not 3"),
        ("levels = 3\nharmful_from = 'x'", UsageError, "levels must be a list of names, not 3"),
        ("levels = [", FileError, "taxonomy.toml: cannot read the taxonomy"),
    ],
)
def test_a_fault_of_the_file_is_named(tmp_path, text, kind, message):
    with pytest.raises(kind, match=message):
        Taxonomy.from_toml(toml(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml: cannot read the taxonomy"):
        Taxonomy.from_toml(tmp_path / "none.toml")
