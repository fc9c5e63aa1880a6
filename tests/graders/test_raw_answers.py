"""What each shipped grader makes of raw answers, as files beside this one list them."""

import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.graders import NAMES, asking
from riskshift.graders import load as read_anew
from riskshift.graders.asking import SIDES, Answer, Graded, Task, Ungraded

load = cache(read_anew)
RAW = Path(__file__).parent / "raw"
TEXTS = {"prompt": "How do roses grow?", "response": "Slowly, and towards the light."}


def listed(name):
    return tomllib.loads((RAW / f"{name}.toml").read_text(encoding="utf-8"))


def cases(kind):
    for name in NAMES:
        told = listed(name)
        for side in SIDES:
            for at, case in enumerate(told.get(side, {}).get(kind, ()), 1):
                yield pytest.param(name, side, *case, id=f"{name}-{side}-{at}")


def answer(said):
    return Answer(said, finish="stop") if isinstance(said, str) else Answer(**said)


def outcome(name, side, said):
    """Have a grader read one answer, or one a category."""
    grader = load(name)
    task = Task(side, **TEXTS)
    if isinstance(said, dict) and "text" not in said:
        rest = listed(name)["rest"]
        answers = [said.get(one.part, rest) for one in grader.requests(task)]
    else:
        answers = [said] * len(grader.requests(task))
    return grader.read(task, [answer(one) for one in answers])


@pytest.mark.parametrize(
    ("name", "side", "said", "labels", "raw"),
    [
        pytest.param(*case.values, *([{}] if len(case.values) == 4 else []), id=case.id)
        for case in cases("read")
    ],
)
def test_an_answer_gives_the_labels_that_it_says_and_the_lowest_level_elsewhere(
    name, side, said, labels, raw
):
    taxonomy = load(name).taxonomy
    of = "prompt" if side == "prompt" else "response"
    lowest = {f"{of}_{one}": taxonomy.levels[0] for one in taxonomy.categories} if taxonomy else {}
    found = outcome(name, side, said)
    assert isinstance(found, Graded)
    assert found.labels == lowest | labels
    assert {role: found.raw.get(role) for role in raw} == pytest.approx(raw)
    assert found.saw_other_side is (side == "pair")


@pytest.mark.parametrize(("name", "side", "said", "reason"), list(cases("unread")))
def test_any_other_answer_gives_a_reason_and_no_label(name, side, said, reason):
    found = outcome(name, side, said)
    assert isinstance(found, Ungraded), found
    assert found.reason == getattr(asking, reason.upper()), found


@pytest.mark.parametrize("name", NAMES)
def test_every_grader_is_held_against_thirty_answers_and_more(name):
    told = listed(name)
    assert set(told) - {"rest"} == set(load(name).facts.sides)
    assert (
        sum(len(told[side][kind]) for side in told if side != "rest" for kind in told[side]) >= 30
    )


GOOD = {name: listed(name)[load(name).facts.sides[0]]["read"][0][0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"finish": "content_filter"}, asking.FILTERED),
        ({"failed": asking.FILTERED}, asking.FILTERED),
        ({"failed": asking.FAILED}, asking.FAILED),
        ({"declined": "No."}, asking.DECLINED),
        ({"finish": "refusal"}, asking.DECLINED),
    ],
)
def test_what_is_known_of_an_answer_counts_before_its_words(name, told, reason):
    side = load(name).facts.sides[0]
    assert outcome(name, side, {"text": GOOD[name], **told}).reason == reason


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_came_back_is_silence(name):
    assert outcome(name, load(name).facts.sides[0], {"text": None}).reason == asking.SILENT


@pytest.mark.parametrize("name", [name for name in NAMES if name != "shieldgemma"])
@pytest.mark.parametrize("finish", ["length", "max_tokens", "model_length"])
def test_an_answer_that_was_cut_off_is_none_even_if_it_could_be_read(name, finish):
    said = {"text": GOOD[name], "finish": finish}
    assert outcome(name, load(name).facts.sides[0], said).reason == asking.CUT_OFF


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_without_a_text_nothing_is_asked_and_nothing_is_safe(name, text):
    grader = load(name)
    task = Task(grader.facts.sides[0], prompt=text, response=text)
    assert grader.requests(task) == ()
    assert grader.read(task, []) == Ungraded(asking.NO_TEXT)


def test_the_largest_severity_of_a_long_texts_pieces_counts():
    grader = load("azure-content-safety")
    task = Task("prompt", prompt="roses " * 3000)
    said = '{"categoriesAnalysis": [{"category": "Hate", "severity": %d}, %s]}'
    rest = ", ".join(
        f'{{"category": "{one}", "severity": 0}}' for one in ("SelfHarm", "Sexual", "Violence")
    )
    found = grader.read(task, [Answer(said % (1, rest)), Answer(said % (5, rest))])
    assert found.labels["prompt_hate"] == "Medium"
    assert found.raw["prompt_hate"] == 5


def test_a_piece_without_an_answer_leaves_the_whole_text_without_a_label():
    grader = load("azure-content-safety")
    task = Task("prompt", prompt="roses " * 3000)
    told = [Answer(GOOD["azure-content-safety"]), Answer(failed=asking.FAILED)]
    assert grader.read(task, told) == Ungraded(asking.FAILED)


def test_answers_of_another_number_than_requests_are_a_fault_of_whoever_asks():
    with pytest.raises(ValueError, match="0 answers to 1 requests"):
        load("rubric").read(Task("prompt", prompt="Hello"), [])


# What answers are made of, so that Hypothesis finds near misses.
WORDS = """
safe unsafe S1 , yes no <score> </score> <think> </think> ``` Safety: Categories: None Harmful request:
{ } [ ] : 0 7 null "hate" "violence" "User Safety" "refusal" "categoriesAnalysis" "results" I'm sorry
<|channel|>final<|message|>
"""
SHARDS = st.sampled_from([*WORDS.split(), " ", "\n", "9" * 5000])
SAID = st.text() | st.lists(SHARDS).map("".join)


@pytest.mark.parametrize("name", NAMES)
@given(said=SAID)
def test_whatever_is_answered_there_are_all_labels_or_one_reason(name, said):
    grader = load(name)
    for side in grader.facts.sides:
        found = outcome(name, side, said)
        if isinstance(found, Ungraded):
            assert found.reason in asking.REASONS
            assert len(found.detail) < 100
        elif grader.taxonomy:
            of = "prompt" if side == "prompt" else "response"
            given = {found.labels[f"{of}_{one}"] for one in grader.taxonomy.categories}
            assert given <= set(grader.taxonomy.levels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "long", [" ", "\n", "*", "```\n", "<think>", "Safety:", "{", "[", "9", "S1,"]
)
def test_a_very_long_answer_is_refused_without_trying_every_way_to_read_it(name, long):
    """A pattern that goes back over what it has read would not end here."""
    found = outcome(name, load(name).facts.sides[0], f"x{long * 100_000}x")
    assert isinstance(found, Ungraded)
