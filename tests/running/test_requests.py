"""What each request contains: the texts that a grader may see, and nothing of the other side."""

import json

import polars as pl
import pytest
from tests.running.conftest import completion, questions

from riskshift.graders.catalogue import NAMES, load

# Words that occur nowhere but in one text.
PROMPT, RESPONSE = "marigolds", "trellises"
PAIR = pl.DataFrame(
    {
        "prompt_id": ["p-secret-id"],
        "model": ["model-secret"],
        "prompt": [f"How do I grow {PROMPT}?"],
        "response": [f"Tie them to {RESPONSE}."],
        "note": ["private remark"],
    }
)


def sees(body):
    """Which of the two texts a request holds."""
    text = json.dumps(body)
    return {side for side, mark in (("prompt", PROMPT), ("response", RESPONSE)) if mark in text}


@pytest.fixture
def bodies(ask, serve):
    """The bodies of all requests that labelling one pair takes."""

    def asked(grader, **more):
        server = serve(lambda body: completion("?"))
        ask(PAIR, server, graders=f"{grader}=m", **more)
        return server.bodies

    return asked


def test_severities_are_asked_of_each_side_alone(bodies):
    assert [sees(body) for body in bodies("rubric", connections=1)[::2]] == [
        {"prompt"},
        {"response"},
    ]


def test_refusal_and_relevance_are_asked_of_both_sides_and_no_severity_with_them(bodies):
    for body in bodies("rubric-answer"):
        assert sees(body) == {"prompt", "response"}
        asked = body["response_format"]["json_schema"]["schema"]["properties"]
        assert set(asked) == {"refusal", "relevance"}


@pytest.mark.parametrize("side", ["prompt", "response"])
def test_a_side_that_is_not_asked_for_is_not_sent(bodies, side):
    assert {frozenset(sees(body)) for body in bodies("rubric", side=side)} == {frozenset({side})}


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).facts.endpoint == "chat"])
def test_no_grader_sees_the_response_when_it_grades_the_prompt(bodies, name):
    seen = [sees(body) for body in bodies(name, connections=1)]
    facts = load(name).facts
    if "prompt" in facts.sides:
        assert {"prompt"} in seen
    if "response" in facts.sides:
        assert {"response"} in seen
    if "pair" not in facts.sides:
        assert {"prompt", "response"} not in seen


def test_nothing_else_of_a_row_is_sent(bodies):
    for body in bodies("rubric") + bodies("rubric-answer"):
        text = json.dumps(body)
        assert not any(value in text for value in ("p-secret-id", "model-secret", "private remark"))


def test_the_body_is_the_model_and_what_the_declaration_says(bodies):
    for body in bodies("rubric"):
        assert set(body) == {"model", "messages", "temperature", "response_format"}
        assert body["model"] == "m"


def test_what_is_known_of_the_asking_machine_is_not_sent(ask, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key")
    server = serve(lambda body: completion("?"))
    ask(questions(1), server)
    assert set(server.paths) == {"/v1/chat/completions"}
    assert all(headers["authorization"] == "bearer sk-not-a-real-key" for headers in server.headers)
    assert not any("cookie" in headers or "referer" in headers for headers in server.headers)


def test_the_journal_and_the_output_hold_no_key(ask, serve, desk, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key")
    ask(questions(2), serve(), write_card="card.toml")
    for name in ("labelled.parquet", "labelled.journal", "card.toml"):
        assert b"sk-not-a-real-key" not in (desk / name).read_bytes()
