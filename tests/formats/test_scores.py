"""A score is a label only where it is known or declared what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import LabelError, UsageError
from riskshift.formats.scores import Asked, Labeller


def label(said, known=None, **asked):
    return Labeller(Asked(**asked), known or {})(said, "a.json, record 1")


def test_no_score_is_read_unasked():
    assert label({"judge": 1, "pass": False}) == {}


@pytest.mark.parametrize(
    ("meaning", "yes", "no"),
    [("harmful", "Harmful", "Safe"), ("safe", "Safe", "Harmful")],
)
def test_a_yes_says_what_it_was_declared_to_say(meaning, yes, no):
    for value in (True, 1, 1.0, "Yes", "true", "C"):
        assert label({"judge": value}, scores={"judge": meaning}) == {"response_harm": yes}
    for value in (False, 0, 0.0, "No", "false", "I"):
        assert label({"judge": value}, scores={"judge": meaning}) == {"response_harm": no}


def test_refusals_are_no_harm():
    asked = {"scores": {"judge": "refused"}}
    assert label({"judge": True}, **asked) == {"refusal": "refused"}
    assert label({"judge": "no"}, **asked) == {"refusal": "complied"}
    values = {"p": "partial"}
    assert label({"judge": "P"}, values=values, **asked) == {"refusal": "partial"}


@pytest.mark.parametrize("value", [None, "", " ", float("nan"), "NaN"])
def test_no_score_is_no_label(value):
    assert label({"judge": value}, scores={"judge": "harmful"}) == {}


@pytest.mark.parametrize("value", [0.4, "Maybe", 3, "P", {"a": 1}])
def test_what_is_neither_yes_nor_no_must_be_declared(value):
    with pytest.raises(LabelError, match=r"a.json, record 1: score 'judge' is .* --score-value"):
        label({"judge": value}, scores={"judge": "harmful"})


def test_words_are_read_as_declared():
    asked = {"scores": {"judge": "harmful"}, "values": {"maybe": "Harmful"}}
    assert label({"judge": "Maybe"}, **asked) == {"response_harm": "Harmful"}


@given(st.floats(0, 1))
def test_a_cut_point_belongs_to_the_harm_above_it(score):
    asked = {"scores": {"judge": "harmful"}, "cuts": (0.25, 0.5, 0.75)}
    level = label({"judge": score}, **asked)["response_harm"]
    assert level == ("Safe", "Low", "Medium", "High")[int(min(score, 0.99) * 4)]


def test_scores_of_safety_are_cut_from_the_other_end():
    asked = {"scores": {"judge": "safe"}, "cuts": (0.5,)}
    assert label({"judge": 0.9}, **asked) == {"response_harm": "Safe"}
    assert label({"judge": 0.1}, **asked) == {"response_harm": "Harmful"}


@given(st.integers(1, 10))
def test_scores_that_end_above_1_are_cut_where_it_is_declared(score):
    asked = {"scores": {"judge": "harmful"}, "cuts": (3, 5, 8)}
    level = label({"judge": score}, **asked)["response_harm"]
    assert level == ("Safe", "Low", "Medium", "High")[(score >= 3) + (score >= 5) + (score >= 8)]


@pytest.mark.parametrize(("cuts", "value"), [((5,), -1), ((0.5,), 7), ((0.5,), -0.1)])
def test_a_score_off_its_scale_is_not_cut(cuts, value):
    with pytest.raises(LabelError, match="neither yes nor no"):
        label({"judge": value}, scores={"judge": "harmful"}, cuts=cuts)


def test_where_scores_end_must_be_known_to_turn_them_around():
    with pytest.raises(UsageError, match="not known what their safest is"):
        Asked({"judge": "safe"}, cuts=(5,))


@pytest.mark.parametrize(
    "cuts", [(0.5, 0.6), (0.5, 0.4, 0.6), (0.0,), (-1.0,), (float("inf"),), (float("nan"),)]
)
def test_cut_points_that_make_no_levels_are_refused(cuts):
    with pytest.raises(UsageError, match="cuts are"):
        Asked({"judge": "harmful"}, cuts=cuts)


def test_what_is_declared_of_nothing_is_refused():
    with pytest.raises(UsageError, match="name it with --score"):
        Asked(cuts=(0.5,))
    with pytest.raises(UsageError, match="score 'bad' is unknown"):
        Asked({"judge": "bad"})
    with pytest.raises(UsageError, match="score value 'Severe' is unknown"):
        Asked({"judge": "harmful"}, {"yes": "Severe"})


def test_a_declared_scorer_takes_the_place_of_a_known_one():
    scores, known = {"redteam": True, "judge": 1}, {"redteam": "safe"}
    assert label(scores, known) == {"response_harm": "Safe"}
    assert label(scores, known, scores={"judge": "harmful"}) == {"response_harm": "Harmful"}
    both = label(scores, known, scores={"judge": "refused"})
    assert both == {"response_harm": "Safe", "refusal": "refused"}


def test_scorers_that_contradict_each_other_are_refused():
    with pytest.raises(LabelError, match="'a' says Harmful and 'b' says Safe"):
        label({"a": 1, "b": 0}, scores={"a": "harmful", "b": "harmful"})
    assert label({"a": 1, "b": None}, scores={"a": "harmful", "b": "harmful"})


def test_a_declared_scorer_must_be_met():
    labeller = Labeller(Asked({"juge": "harmful"}), {})
    with pytest.raises(UsageError, match=r"a.json holds no scores"):
        labeller.check_met("a.json")
    labeller({"judge": 1}, "a.json, record 1")
    with pytest.raises(UsageError, match=r"score 'juge' is unknown .did you mean 'judge'"):
        labeller.check_met("a.json")


def test_what_scorers_said_is_counted_and_not_without_end():
    labeller = Labeller(Asked(), {})
    for at in range(30):
        labeller({"judge": at % 25}, "")
    assert labeller.met["judge"]["0"] == 2
    assert labeller.met["judge"]["other"] == 5
    assert sum(labeller.met["judge"].values()) == 30
