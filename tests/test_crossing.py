"""How several columns are written as one grouping."""

import pytest

from riskshift.crossing import crossed_columns, cut
from riskshift.errors import UsageError


@pytest.mark.parametrize(
    ("name", "known", "columns"),
    [
        ("A", ["A", "B"], ("A",)),
        ("A x B", ["A", "B"], ("A", "B")),
        ("A × B", ["A", "B"], ("A", "B")),
        ("A  x\tB", ["A", "B"], ("A", "B")),
        ("A x B x C", ["A", "B", "C"], ("A", "B", "C")),
        ("A x B", ["A", "B", "A x B"], ("A x B",)),
        ("x x y", ["x", "y"], ("x", "y")),
        ("a x b x c", ["a x b", "c"], ("a x b", "c")),
        ("a x x b", ["a x", "b"], ("a x", "b")),
        ("a x x b", ["a", "x b"], ("a", "x b")),
        ("AxB", ["A", "B"], ("AxB",)),
        ("A x ", ["A"], ("A x ",)),
        ("A x C", ["A", "B"], ("A", "C")),
    ],
)
def test_a_grouping_names_its_columns(name, known, columns):
    assert crossed_columns(name, known) == columns


def test_nothing_is_guessed_where_a_name_can_be_read_in_two_ways():
    with pytest.raises(UsageError, match="'a', 'b x c' or 'a x b', 'c'"):
        crossed_columns("a x b x c", ["a", "b x c", "a x b", "c"])


def test_a_column_is_not_crossed_with_itself():
    with pytest.raises(UsageError, match="crosses a column with itself"):
        crossed_columns("A x A", ["A"])


def test_a_name_is_cut_at_signs_that_stand_alone():
    assert cut("box x y×z × w") == ["box", "y×z", "w"]
