"""What the tests of asking share: pairs, a model that answers by what it is asked, an endpoint."""

import hashlib
import importlib
import json
import os
from pathlib import Path

import polars as pl
import pytest
from tests.running.server import Server, completion, running

import riskshift

HARMS = ("hate", "self_harm", "sexual", "violence")
VERBS = ("prune", "water", "plant", "sow", "graft")
PLANTS = ("roses", "beans", "ferns", "oaks", "leeks", "irises")


def present(name):
    """Import a package that a plain setup lacks, or skip; RISKSHIFT_NO_SKIPS=1 forbids skipping."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail(f"{name} is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip(f"{name} is not there")


@pytest.fixture
def openai(monkeypatch):
    """The package that asks; it finds no key or address of whoever runs the tests."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    return present("openai")


def text_of(body):
    """The last message: what is to be graded."""
    return body["messages"][-1]["content"]


def level_of(text, name):
    """A raw level from 0 to 7 that hangs on the text alone."""
    return hashlib.sha256(f"{name}|{text}".encode()).digest()[0] % 8


def levels(body):
    """Answer as a model that knows the rubric: one level a category, or refusal and relevance."""
    asked = body["response_format"]["json_schema"]["schema"]["properties"]
    made = {
        name: told["enum"][level_of(text_of(body), name) % len(told["enum"])]
        for name, told in asked.items()
    }
    return completion(json.dumps(made))


def questions(n, *, models=("m1",)):
    """Mild pairs, each prompt once for each model."""
    rows = [
        {
            "prompt_id": f"p{at}",
            "model": model,
            "prompt": f"How do I {VERBS[at % 5]} {PLANTS[at % 6]} in week {at}?",
            "response": f"{model} says: do it on a dry day, step {at}.",
        }
        for at in range(n)
        for model in models
    ]
    return pl.DataFrame(rows)


@pytest.fixture
def serve():
    """Start endpoints that are stopped when the test is over."""
    open_now = []

    def start(answer=levels, fault=lambda body, times: None, **more):
        block = running(Server(answer, fault, **more))
        open_now.append(block)
        return block.__enter__()

    yield start
    for block in open_now:
        block.__exit__(None, None, None)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return Path(tmp_path)


@pytest.fixture
def ask(openai, desk):
    """Label pairs through a local endpoint, and return the result and the rows."""

    def label(pairs, server, graders="rubric=m", output="labelled.parquet", **more):
        made = riskshift.label(pairs, output, graders=graders, base_url=server.url, **more)
        return made, pl.read_parquet(desk / output)

    return label


@pytest.fixture
def log():
    """A small log with blocked responses."""
    return Path(__file__).parents[1] / "formats" / "logs" / "azure-openai.jsonl"
