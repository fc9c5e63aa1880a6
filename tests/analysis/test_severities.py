"""Severities of a side, and questions that a missing label leaves open."""

import pytest

N = None


def answers(severity, question):
    return dict(zip(severity.value.tolist(), question.tolist(), strict=True))


def test_highest_label_is_the_severity(severities_of):
    found = severities_of((0, 2, 1, 0), (1, 1, 0, 0))
    assert sorted(found.prompt.value.tolist()) == [1, 2]
    assert sorted(found.response.value.tolist()) == [0, 1]
    assert sorted(found.prompt_in(0).value.tolist()) == [0, 1]


@pytest.mark.parametrize("row", [(2, N, 0, 0), (0, N, 0, 0), (N, N, 0, 0)])
def test_one_missing_label_makes_the_highest_missing(severities_of, row):
    assert severities_of(row).prompt.value.tolist() == [-1]
    assert severities_of(row).response.value.tolist() == [0]


def test_the_labels_that_are_there_say_how_high_it_is_at_least(severities_of):
    assert severities_of((2, N, 0, 0)).prompt.least.tolist() == [2]
    assert severities_of((N, N, 0, 0)).prompt.least.tolist() == [-1]


def test_at_least_and_below_answer_where_the_severity_is_known(severities_of):
    found = severities_of((0, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)).prompt
    assert answers(found, found.at_least(1)) == {0: 0, 1: 1, 2: 1}
    assert answers(found, found.below(1)) == {0: 1, 1: 0, 2: 0}
    assert answers(found, found.below(2)) == {0: 1, 1: 1, 2: 0}


def test_a_label_that_is_too_high_settles_below_whatever_is_missing(severities_of):
    found = severities_of((2, N, 0, 0)).prompt
    assert (found.below(1).tolist(), found.below(2).tolist()) == ([0], [0])
    assert found.at_least(1).tolist() == [-1]
    open_ = severities_of((0, N, 0, 0)).prompt
    assert open_.below(1).tolist() == [-1]


def test_comparisons_need_both_sides(severities_of):
    found = severities_of((1, 0, 2, 0), (1, 0, 1, 0), (1, 0, 0, N))
    up = found.response.above(found.prompt).tolist()
    same = found.response.equals(found.prompt).tolist()
    down = found.prompt.above(found.response).tolist()
    assert sorted(zip(up, same, down, strict=True)) == [(-1, -1, -1), (0, 1, 0), (1, 0, 0)]
