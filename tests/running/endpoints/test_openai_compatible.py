"""Endpoints that speak as OpenAI's: what passes, what concerns one text, what concerns all."""

import asyncio
import json
import time

import pytest
from tests.running.conftest import completion

from riskshift.errors import EndpointError, UsageError
from riskshift.graders.asking import FAILED, FILTERED, Request
from riskshift.running.endpoints.endpoint import Patience
from riskshift.running.endpoints.openai_compatible import OpenAICompatible

BODY = {"messages": [{"role": "user", "content": "How do I prune roses?"}]}
SECRET = "sk-not-a-real-key-0123456789"
PASSING = ("429", "500", "stall", "cut", "not_json", "no_field", "wrong_type")


def hello(body):
    return completion("hello")


@pytest.fixture
def ask(openai):
    """Ask an endpoint once and return the reply and what was spent."""

    def once(server, *, times=1, tries=3, timeout=0.5, url=None, **more):
        async def work():
            patience = Patience(tries=tries, first=0.01)
            endpoint = OpenAICompatible(
                "chat", "m", base_url=url or server.url, timeout=timeout, patience=patience, **more
            )
            try:
                replies = [await endpoint.ask(Request(BODY)) for _ in range(times)]
            finally:
                await endpoint.close()
            return replies[-1], endpoint.spent

        return asyncio.run(work())

    return once


def test_an_answer_comes_back_as_it_was_given(ask, serve):
    server = serve(lambda body: completion("hello", finish="length", refusal="no"))
    reply, spent = ask(server)
    assert (reply.answer.text, reply.answer.finish, reply.answer.declined) == (
        "hello",
        "length",
        "no",
    )
    assert (spent.requests, spent.retries, spent.tokens_in, spent.tokens_out) == (1, 0, 10, 5)


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_is_waited_out(ask, serve, kind):
    server = serve(hello, lambda body, times: kind if times == 0 else None)
    reply, spent = ask(server)
    assert reply.answer.text == "hello"
    assert (spent.requests, spent.retries) == (2, 1)


@pytest.mark.parametrize("kind", PASSING)
def test_patience_ends(ask, serve, kind):
    server = serve(hello, lambda body, times: kind)
    reply, spent = ask(server)
    assert reply.answer.failed == FAILED
    assert reply.answer.text is None
    assert spent.requests == len(server.bodies) == 3
    assert reply.detail


def test_an_endpoint_that_is_not_there_is_a_failure(ask, serve):
    reply, spent = ask(None, url="http://127.0.0.1:9/v1")
    assert (reply.answer.failed, reply.detail, spent.requests) == (FAILED, "connection", 3)


def test_nothing_is_asked_before_an_endpoint_wants_to_be_asked_again(openai, serve):
    came = []

    def fault(body, times):
        came.append(time.monotonic())
        return "429" if len(came) == 1 else None

    async def work():
        endpoint = OpenAICompatible("chat", "m", base_url=server.url)
        await endpoint.ask(Request(BODY))
        others = [endpoint.ask(Request({**BODY, "seed": seed})) for seed in range(5)]
        await asyncio.gather(*others)
        await endpoint.close()

    server = serve(hello, fault)
    asyncio.run(work())
    assert min(came[1:]) - came[0] >= 0.05  # its Retry-After


@pytest.mark.parametrize(
    "error",
    [
        {"code": "content_filter"},
        {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}},
        {"code": "content_policy_violation"},
        {"code": "invalid_prompt"},
    ],
)
def test_a_filter_that_blocks_the_request_is_no_failure_and_no_label(ask, serve, error):
    server = serve(lambda body: (400, {"error": {"message": "flagged", **error}}))
    reply, spent = ask(server)
    assert reply.answer.failed == FILTERED
    assert spent.requests == 1


def test_a_request_that_one_text_makes_impossible_fails_alone(ask, serve):
    told = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    server = serve(lambda body: (400, told) if len(server.bodies) > 1 else completion("hello"))
    reply, _ = ask(server, times=9)
    assert (reply.answer.failed, reply.detail) == (FAILED, "HTTP 400, context_length_exceeded")


def test_requests_that_are_refused_from_the_start_end_the_run(ask, serve):
    told = {"error": {"code": "unsupported_parameter", "param": "response_format"}}
    server = serve(lambda body: (400, told))
    with pytest.raises(EndpointError, match=r"HTTP 400, unsupported_parameter, response_format"):
        ask(server, times=9)
    assert len(server.bodies) == 5


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "See whether OPENAI_API_KEY holds a key that may ask m"),
        (403, "See whether OPENAI_API_KEY"),
        (404, "whether it has the model m, and whether the base URL ends in /v1"),
    ],
)
def test_a_key_or_model_that_is_wrong_ends_the_run_at_once(ask, serve, status, told):
    server = serve(lambda body: (status, {"error": {"message": "no"}}))
    with pytest.raises(EndpointError, match=told):
        ask(server)
    assert len(server.bodies) == 1


def test_a_quota_that_is_used_up_ends_the_run(ask, serve):
    server = serve(lambda body: (429, {"error": {"code": "insufficient_quota"}}))
    with pytest.raises(EndpointError, match="insufficient_quota"):
        ask(server)
    assert len(server.bodies) == 1


def test_texts_are_never_sent_on_to_another_place(ask, serve):
    with pytest.raises(EndpointError, match="name the place itself with --base-url"):
        ask(serve(hello, lambda body, times: "redirect"))


def test_the_key_is_sent_to_the_endpoint_and_told_to_nobody(ask, serve, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    server = serve(lambda body: (401, {"error": {"message": f"wrong: {SECRET}", "code": SECRET}}))
    with pytest.raises(EndpointError) as caught:
        ask(server, key_variable="MY_KEY")
    assert server.headers[0]["authorization"] == f"bearer {SECRET}"
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None  # what --debug would show


def test_a_password_in_the_address_is_told_to_nobody(ask, serve):
    server = serve(lambda body: (403, {}))
    url = f"http://me:secret@127.0.0.1:{server.port}/v1?token=secret"
    with pytest.raises(EndpointError) as caught:
        ask(server, url=url)
    assert f"http://127.0.0.1:{server.port}/v1 refuses" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_a_key_openai_is_not_asked(ask):
    with pytest.raises(UsageError, match="put it into the environment variable OPENAI_API_KEY"):
        ask(None, url="https://api.openai.com/v1/")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", "no url"])
def test_what_is_no_address_is_refused(ask, url):
    with pytest.raises(UsageError, match="write it like http://localhost:8000/v1"):
        ask(None, url=url)


def test_moderations_come_back_as_json(openai, serve):
    held = {"id": "x", "results": [{"category_scores": {"hate": 0.2}}]}
    server = serve(lambda body: held)

    async def work():
        endpoint = OpenAICompatible("openai-moderation", "omni", base_url=server.url)
        reply = await endpoint.ask(Request({"input": "roses"}))
        await endpoint.close()
        return reply

    reply = asyncio.run(work())
    assert json.loads(reply.answer.text) == held
    assert server.paths == ["/v1/moderations"]
    assert server.bodies == [{"model": "omni", "input": "roses"}]
