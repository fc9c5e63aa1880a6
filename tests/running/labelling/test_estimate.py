"""What labelling would take, told without a key, a package or a network."""

import pytest
from tests.running.conftest import questions

import riskshift


def test_requests_are_counted_as_they_would_be_made(desk):
    told = riskshift.estimate_labelling(
        questions(10, models=("m1", "m2")), graders=["rubric=m", "rubric-answer=m"], repeat=2
    )
    assert told.pairs == 20
    assert told.texts == told.requests == 2 * (10 + 20 + 20)
    assert told.tokens_out == 60 * 100
    assert told.seconds == pytest.approx(100 / 16)
    assert told.cost is None


def test_a_grader_that_asks_category_by_category_takes_more_requests(desk):
    told = riskshift.estimate_labelling(questions(3), graders="shieldgemma=m", side="prompt")
    assert told.texts == 3
    assert told.requests == 12


def test_cost_follows_the_prices(desk):
    told = riskshift.estimate_labelling(questions(2), graders="rubric=m", prices=(2.0, 8.0))
    assert told.cost == pytest.approx((2.0 * told.tokens_in + 8.0 * told.tokens_out) / 1e6)


def test_what_is_answered_already_is_not_counted(ask, serve, desk):
    server = serve()
    ask(questions(5), server, limit=4)
    told = riskshift.estimate_labelling(questions(5), graders="rubric=m", output="labelled.parquet")
    assert (told.texts, told.remembered) == (6, 4)
    limited = riskshift.estimate_labelling(
        questions(5), graders="rubric=m", output="labelled.parquet", limit=2
    )
    assert (limited.texts, limited.remembered) == (2, 4)


def test_the_estimate_is_near_to_what_is_sent(ask, serve, desk):
    server = serve()
    told = riskshift.estimate_labelling(questions(5), graders="rubric=m")
    made, _ = ask(questions(5), server)
    assert made.spent.requests == told.requests
    sent = sum(int(headers["content-length"]) for headers in server.headers)
    assert told.tokens_in * 4 == pytest.approx(sent, rel=0.05)
