"""What each request contains: the text of its own side, whole, marked off, and nothing of the other."""

import json
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.graders import NAMES
from riskshift.graders import load as read_anew
from riskshift.graders.asking import Task
from riskshift.graders.template import sent

load = cache(read_anew)
HOSTILE = tomllib.loads((Path(__file__).parent / "hostile.toml").read_text(encoding="utf-8"))[
    "texts"
]
ALONE = [(name, side) for name in NAMES for side in load(name).facts.sides if side != "pair"]
QUOTING = [one for one in NAMES if "BEGIN " in load(one).shown(load(one).facts.sides[0])]
PROMPT, RESPONSE = "Why do tulips close at night?", "To keep their pollen dry."


def bodies(name, side, prompt=PROMPT, response=RESPONSE):
    return [one.body for one in load(name).requests(Task(side, prompt, response))]


def texts(value):
    """Yield every text within a request."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@pytest.mark.parametrize(("name", "side"), ALONE)
def test_a_request_of_one_side_holds_its_text_and_never_the_other(name, side):
    own, other = (PROMPT, RESPONSE) if side == "prompt" else (RESPONSE, PROMPT)
    for body in bodies(name, side):
        assert sum(text.count(own) for text in texts(body)) == 1
        assert other not in json.dumps(body)


@pytest.mark.parametrize(("name", "side"), ALONE)
@given(other=st.text())
def test_the_other_side_changes_nothing_of_a_request(name, side, other):
    prompt, response = (PROMPT, other) if side == "prompt" else (other, RESPONSE)
    assert bodies(name, side, prompt, response) == bodies(name, side)


def test_only_graders_that_say_so_see_both_sides():
    pairs = {name for name in NAMES if "pair" in load(name).facts.sides}
    assert pairs == {"nemotron-safety-guard", "rubric-answer", "wildguard"}
    for name in pairs:
        assert all(text in json.dumps(bodies(name, "pair")) for text in (PROMPT, RESPONSE))


def test_a_grader_of_both_sides_grades_the_prompt_alone_first():
    for name in ("nemotron-safety-guard", "wildguard"):
        assert load(name).facts.sides == ("prompt", "pair")


def test_the_grader_of_refusal_and_relevance_gives_no_severity():
    grader = load("rubric-answer")
    assert grader.facts.sides == ("pair",)
    assert grader.facts.gives == ("refusal", "relevance")
    assert grader.taxonomy is None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("name", "side"), ALONE)
def test_a_hostile_text_changes_a_request_only_where_the_text_stands(name, side, text):
    """Take the text and its mark out, and what is left is what a mild text leaves."""

    def left(said):
        rest = [
            re.sub(r"(BEGIN|END) [0-9a-f]{16}\b", r"\1 MARK", one.replace(sent(said), "TEXT"))
            for body in bodies(name, side, said, said)
            for one in texts(body)
        ]
        return rest, [len(body) for body in bodies(name, side, said, said)]

    assert left(text) == left(PROMPT)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", QUOTING)
def test_a_hostile_text_cannot_end_before_its_end(name, text):
    side = load(name).facts.sides[0]
    said = bodies(name, side, text, text)[0]["messages"][-1]["content"]
    mark = re.search(r"BEGIN ([0-9a-f]{16})\n", said)[1]
    assert mark not in text
    assert f"BEGIN {mark}\n{sent(text)}\nEND {mark}" in said


@pytest.mark.parametrize("name", NAMES)
def test_a_request_is_the_same_every_time_and_json(name):
    side = load(name).facts.sides[0]
    assert bodies(name, side) == bodies(name, side)
    assert json.loads(json.dumps(bodies(name, side))) == bodies(name, side)


@pytest.mark.parametrize("name", NAMES)
def test_no_request_names_a_model_or_holds_a_key(name):
    for side in load(name).facts.sides:
        for body in bodies(name, side):
            assert not body.keys() & {"model", "api_key", "key", "headers", "user"}


@pytest.mark.parametrize("name", ["rubric", "rubric-answer"])
def test_the_rubrics_send_a_schema_that_asks_for_every_member_and_no_other(name):
    asked = bodies(name, load(name).facts.sides[0])[0]["response_format"]
    schema = asked["json_schema"]["schema"]
    assert asked["json_schema"]["strict"] is True
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False


def test_the_rubric_asks_for_whole_numbers_from_0_to_7():
    schema = bodies("rubric", "prompt")[0]["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["hate", "self_harm", "sexual", "violence"]
    assert all(one["enum"] == list(range(8)) for one in schema["properties"].values())


def test_what_stands_before_the_text_is_the_same_for_every_text():
    """So that servers can keep it: the rubric is long, and the texts are many."""
    one, other = (bodies("rubric", "prompt", text)[0]["messages"] for text in (PROMPT, RESPONSE))
    assert one[0] == other[0]
    assert one[-1] != other[-1]


@pytest.mark.parametrize("name", ["shieldgemma", "granite-guardian"])
def test_one_guideline_a_call_and_a_call_for_each_category(name):
    grader = load(name)
    asked = grader.requests(Task("response", response=RESPONSE))
    assert tuple(one.part for one in asked) == grader.taxonomy.categories
    assert len({json.dumps(one.body) for one in asked}) == len(asked)


def test_a_long_text_goes_to_azure_in_pieces_that_hold_all_of_it():
    text = "roses and tulips\n" * 1500
    asked = load("azure-content-safety").requests(Task("prompt", text))
    assert [one.part for one in asked] == ["1 of 3", "2 of 3", "3 of 3"]
    assert "".join(one.body["text"] for one in asked) == text
    assert max(len(one.body["text"]) for one in asked) <= 10_000


def test_a_side_that_a_grader_does_not_take_is_refused_with_those_that_it_takes():
    with pytest.raises(UsageError, match=r"wildguard grades no 'response'.*prompt, pair"):
        load("wildguard").requests(Task("response", response="Hello"))
