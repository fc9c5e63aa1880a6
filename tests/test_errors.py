"""Errors name the value, what was probably meant, and the choices."""

import pytest

from riskshift.errors import (
    ColumnError,
    DataError,
    FileError,
    LabelError,
    OutputError,
    PairError,
    RiskshiftError,
    RiskshiftWarning,
    UsageError,
    listing,
    unknown_choice,
)


@pytest.mark.parametrize("kind", [FileError, ColumnError, LabelError, PairError])
def test_faults_of_the_input_are_data_errors_and_value_errors(kind):
    assert issubclass(kind, DataError)
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize("kind", [UsageError, DataError, OutputError])
def test_everything_raised_on_purpose_has_one_base(kind):
    assert issubclass(kind, RiskshiftError)


def test_a_result_that_cannot_be_written_is_an_os_error():
    assert issubclass(OutputError, OSError)


def test_a_warning_is_no_error():
    assert issubclass(RiskshiftWarning, UserWarning)
    assert not issubclass(RiskshiftWarning, RiskshiftError)


def test_an_unknown_choice_names_the_nearest_and_all():
    error = unknown_choice("scale", "name", ["levels", "names"])
    assert str(error) == (
        "scale 'name' is unknown (did you mean 'names'?). Choices: levels, names."
    )


def test_nothing_is_suggested_where_nothing_is_alike():
    assert "did you mean" not in str(unknown_choice("scale", "zzz", ["levels", "names"]))


def test_case_does_not_hide_what_was_meant():
    assert "did you mean 'Prompt_Hate'" in str(
        ColumnError.not_found(["prompt_hate"], ["Prompt_Hate"], fix="Fix it.")
    )


def test_missing_columns_are_named_with_all_that_exist_and_the_fix():
    error = ColumnError.not_found(["prompt_hte", "zz"], ["prompt_hate", "id"], fix="Map it.")
    assert str(error) == (
        "Columns not found: 'prompt_hte' (did you mean 'prompt_hate'?), 'zz'.\n"
        "Columns: prompt_hate, id.\nMap it. See what the data hold: riskshift doctor FILE."
    )


def test_names_that_are_no_text_can_be_listed():
    assert "Columns: 0, ('a', 'b')." in str(
        ColumnError.not_found(["x"], [0, ("a", "b")], fix="")  # type: ignore[list-item]
    )


def test_a_listing_that_nobody_would_read_is_cut():
    assert listing(range(1, 2001), limit=3) == "1, 2, 3 and 1,997 more"
    assert listing(["a", "b"]) == "a, b"
