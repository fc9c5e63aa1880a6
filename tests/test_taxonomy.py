"""Taxonomies, and how written labels become severities."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import FileError, UsageError
from riskshift.taxonomy import Taxonomy, check_scale, level_parser
from riskshift.written import BAD, MISSING, parse_flag, parse_relevance

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


GENERAL = {"Safe": "Does nobody harm.", "Harmful": "Does somebody harm."}
OWN = {"Harmful": "Costs somebody money."}


def test_a_category_has_descriptions_of_its_own_or_the_general_ones():
    taxonomy = Taxonomy(["fraud", "theft"], BINARY.levels, descriptions=GENERAL | {"fraud": OWN})
    assert taxonomy.describe("fraud", 1) == OWN["Harmful"]
    assert taxonomy.describe("fraud", 0) == taxonomy.describe("theft", 0) == GENERAL["Safe"]
    assert taxonomy.describe("theft", 1) == GENERAL["Harmful"]


def test_what_is_not_described_has_no_description():
    taxonomy = Taxonomy(["fraud", "theft"], BINARY.levels, descriptions={"fraud": OWN})
    assert taxonomy.describe("fraud", 0) is None
    assert taxonomy.describe("theft", 1) is None


def test_the_default_levels_and_no_others_are_described_unless_asked():
    for category in Taxonomy().categories:
        told = [Taxonomy().describe(category, severity) for severity in range(4)]
        assert None not in told
        assert len(set(told)) == 4
    assert Taxonomy(["fraud"], harmful_from=2).describe("fraud", 1) == Taxonomy().describe(
        "hate", 1
    )
    assert Taxonomy(levels=["Safe", "Low", "High"]).describe("hate", 1) is None
    assert Taxonomy(levels=["Safe", "Low", "Medium", "Worse"]).describe("hate", 1) is None


def test_who_describes_anything_describes_everything():
    assert Taxonomy(descriptions={"Low": "Mild."}).describe("hate", 2) is None
    assert Taxonomy(descriptions={"hate": {"Low": "Mild."}}).describe("sexual", 1) is None
    assert Taxonomy(descriptions={}).describe("hate", 1) is None


def test_a_category_may_be_called_like_a_level():
    taxonomy = Taxonomy(["High", "other"], descriptions={"High": {"High": "Own.", "Low": "Mild."}})
    assert [taxonomy.describe("High", severity) for severity in (3, 1)] == ["Own.", "Mild."]
    assert taxonomy.describe("other", 3) is None
    assert Taxonomy(["High"], descriptions={"High": "General."}).describe("High", 3) == "General."
    assert Taxonomy(["High"], descriptions={"High": "General."}).describe("High", 1) is None


@pytest.mark.parametrize("severity", [-1, 4])
def test_a_severity_that_does_not_exist_has_no_description(severity):
    with pytest.raises(UsageError, match=f"severity {severity} is none of 0 to 3"):
        Taxonomy().describe("hate", severity)


def test_a_category_that_does_not_exist_has_no_description():
    with pytest.raises(UsageError, match=r"'hat' is unknown .did you mean 'hate'"):
        Taxonomy().describe("hat", 1)


def test_wording_changes_no_taxonomy():
    worded = Taxonomy(["fraud"], BINARY.levels, descriptions=GENERAL | {"fraud": OWN})
    plain = Taxonomy(["fraud"], BINARY.levels)
    assert worded == plain
    assert hash(worded) == hash(plain)
    assert worded.to_dict() == plain.to_dict()
    assert repr(worded) == repr(plain)


def test_descriptions_cannot_be_changed_from_outside_and_survive_copies():
    given = {"Harmful": "Does harm.", "fraud": dict(OWN)}
    taxonomy = Taxonomy(["fraud"], BINARY.levels, descriptions=given)
    given["fraud"]["Harmful"] = given["Harmful"] = "Something else."
    copies = [
        taxonomy, copy.deepcopy(taxonomy), pickle.loads(pickle.dumps(taxonomy)),
        replace(taxonomy, categories=["theft", "fraud"]),
    ]  # fmt: skip
    assert [made.describe("fraud", 1) for made in copies] == [OWN["Harmful"]] * 4
    assert isinstance(hash(taxonomy.descriptions), int)


def test_default_descriptions_do_not_stand_in_the_way_of_other_levels():
    assert replace(Taxonomy(), levels=["Fine", "Bad"]).describe("hate", 1) is None


def test_a_description_is_one_line():
    taxonomy = Taxonomy(descriptions={"Low": "  Mild,\n  and in\tpassing. \n"})
    assert taxonomy.describe("hate", 1) == "Mild, and in passing."


@pytest.mark.parametrize(
    ("descriptions", "message"),
    [
        ({"Lwo": "x"}, r"descriptions: level 'Lwo' is unknown .did you mean 'Low'.*Choices: Safe, Low"),
        ({"hate": "x"}, "descriptions: level 'hate' is unknown"),
        ({0: "x"}, "descriptions: level '0' is unknown"),
        ({"hat": {"Low": "x"}}, "descriptions: category 'hat' is unknown .did you mean 'hate'.*Choices: hate, self"),
        ({"Low": {"hate": "x"}}, "descriptions: category 'Low' is unknown"),
        ({"hate": {"Lwo": "x"}}, r"descriptions\.hate: level 'Lwo' is unknown .did you mean 'Low'"),
        ({"Low": " \n"}, r"descriptions: Low must be a sentence, not ' \\n'"),
        ({"Low": 1}, "descriptions: Low must be a sentence, not 1"),
        ({"hate": {"Low": ["x"]}}, r"descriptions\.hate: Low must be a sentence, not \['x'\]"),
        ("x", "descriptions must be a table of sentences, not 'x'"),
        ("", "descriptions must be a table of sentences, not ''"),
        (["Low"], "descriptions must be a table of sentences"),
        (("Low",), "descriptions must be a table of sentences"),
    ],
)  # fmt: skip
def test_what_is_no_description_is_refused(descriptions, message):
    with pytest.raises(UsageError, match=f"^taxonomy: {message}"):
        Taxonomy(descriptions=descriptions)


def toml(tmp_path, text):
    path = tmp_path / "taxonomy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_taxonomy_is_read_from_toml(tmp_path):
    path = toml(tmp_path, 'categories = ["fraud"]\nlevels = ["a", "b", "c"]\nharmful_from = "c"')
    assert Taxonomy.from_toml(path) == Taxonomy(["fraud"], ["a", "b", "c"], 2)


def test_descriptions_are_read_from_toml(tmp_path):
    text = """
        levels = ["Fine", "1. mild", "Bad"]
        [descriptions]
        Fine = "Nothing."
        "1. mild" = "A little."
        [descriptions.hate]
        Bad = "A lot."
    """
    taxonomy = Taxonomy.from_toml(toml(tmp_path, text))
    assert [taxonomy.describe("hate", at) for at in range(3)] == ["Nothing.", "A little.", "A lot."]
    assert taxonomy.describe("sexual", 2) is None


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
        ("descriptions = 3", UsageError, "descriptions must be a table of sentences, not 3"),
        ("[descriptions]\nLwo = 'x'", UsageError, "level 'Lwo' is unknown .did you mean 'Low'"),
        ("[descriptions.hat]\nLow = 'x'", UsageError, "'hat' is unknown .did you mean 'hate'"),
        (
            "[descriptions.hate]\nLow = ''",
            UsageError,
            r"descriptions\.hate: Low must be a sentence",
        ),
        ("[description]\nLow = 'x'", UsageError, "did you mean 'descriptions'"),
        ("levels = [", FileError, "taxonomy.toml: cannot read the taxonomy"),
    ],
)
def test_a_fault_of_the_file_is_named(tmp_path, text, kind, message):
    with pytest.raises(kind, match=message):
        Taxonomy.from_toml(toml(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml: cannot read the taxonomy"):
        Taxonomy.from_toml(tmp_path / "none.toml")


def test_codes_stand_for_levels_beside_their_names(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text(
        'categories = ["a"]\nlevels = ["No", "Yes"]\n[codes]\nNo = ["1", "Neutral"]\nYes = ["0", "agree"]\n'
    )
    taxonomy = Taxonomy.from_toml(file)
    parse = level_parser(taxonomy, None)
    values = ("neutral", "Agree", 0, "0.0", 1.0, "no", "YES", None, "other", 2)
    assert [parse(value) for value in values] == [0, 1, 1, 1, 0, 0, 1, MISSING, BAD, BAD]
    assert taxonomy == Taxonomy(["a"], ["No", "Yes"])
    assert replace(taxonomy, harmful_from=1).codes == taxonomy.codes


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({"Maybe": "1"}, "codes: level 'Maybe' is unknown"),
        ({"No": "1", "Yes": "1.0"}, "'1.0' stands for No and Yes"),
        ({"No": "yes"}, "'yes' stands for Yes and No"),
        ({"No": " "}, "' ' is blank"),
        ("No", "codes must be a table"),
    ],
)
def test_codes_that_cannot_be_meant_are_refused(codes, message):
    with pytest.raises(UsageError, match=message):
        Taxonomy(["a"], ["No", "Yes"], codes=codes)
