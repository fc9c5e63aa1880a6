"""How refusals are written: names, yes and no, and what is declared; numbers never unasked."""

import pytest

from riskshift import Taxonomy, UsageError
from riskshift.refusal import RefusalScale
from riskshift.written import BAD, MISSING


@pytest.mark.parametrize(
    ("value", "level"),
    [
        *[("complied", 0), (" Partial ", 1), ("REFUSED", 2), ("yes", 2), ("no", 0)],
        *[(True, 2), (False, 0), ("true", 2), (None, MISSING), ("", MISSING), ("NaN", MISSING)],
        *[(float("nan"), MISSING), (1, BAD), ("0", BAD), (2.0, BAD), ("maybe", BAD), ("none", BAD)],
    ],
)
def test_names_and_yes_and_no_are_understood_and_numbers_are_not(value, level):
    assert RefusalScale().parse(value) == level


def test_codes_are_as_declared_whatever_else_they_might_mean():
    scale = RefusalScale({"complied": ["1", "yes"], "refused": "0"})
    assert [scale.parse(value) for value in (1, "1.0", "yes", 0, "no", "refused")] == [
        0,
        0,
        0,
        2,
        0,
        2,
    ]
    assert scale == RefusalScale({"refused": 0.0, "complied": ["YES", 1]})
    assert RefusalScale(scale.codes) == scale


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({"refuses": "1"}, "'refuses' is unknown .*did you mean 'refused'"),
        ({"refused": "1", "complied": "1.0"}, "'1.0' is both refused and complied"),
        ({"refused": " "}, "' ' is blank"),
        ({"refused": {"a": 1}}, "must be a code or a list of codes"),
        ("refused", "must be a table of codes"),
    ],
)
def test_what_cannot_be_meant_is_refused(codes, message):
    with pytest.raises(UsageError, match=message):
        RefusalScale(codes)


def test_partial_refusals_stand_on_the_side_that_is_declared():
    assert (
        RefusalScale().refused_from,
        RefusalScale(partial_counts_as="refused").refused_from,
    ) == (2, 1)
    with pytest.raises(UsageError, match="partial_counts_as 'both' is unknown"):
        RefusalScale(partial_counts_as="both")


def test_a_taxonomy_file_declares_them(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text(
        '[refusal]\nrefused = ["2_full"]\npartial = "3_part"\npartial_counts_as = "refused"\n'
    )
    told = Taxonomy.from_toml(file)
    assert told.refusal == RefusalScale({"refused": "2_full", "partial": "3_part"}, "refused")
    assert told == Taxonomy()
    file.write_text('[refusal]\nrefuse = "x"\n')
    with pytest.raises(UsageError, match=r"t.toml: refusal key 'refuse' .*did you mean 'refused'"):
        Taxonomy.from_toml(file)
