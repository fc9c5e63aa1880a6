"""Azure AI Content Safety through its own package, against a server that answers as the service does."""

import polars as pl
import pytest
from tests.running.conftest import level_of, present, questions

import riskshift
from riskshift.errors import EndpointError, UsageError
from riskshift.running.endpoints.content_safety import ContentSafety
from riskshift.running.endpoints.endpoint import Patience
from riskshift.running.labelling.label import label_through
from riskshift.running.raters import raters_of

NAMES = {"hate": "Hate", "self_harm": "SelfHarm", "sexual": "Sexual", "violence": "Violence"}
SECRET = "not-a-real-key-0123456789"
PASSING = ("429", "500", "cut", "not_json")


def severities(body):
    """The wire format of text:analyze, api-version 2023-10-01."""
    found = [
        {"category": name, "severity": level_of(body["text"], category)}
        for category, name in NAMES.items()
    ]
    return {"blocklistsMatch": [], "categoriesAnalysis": found}


@pytest.fixture
def label(monkeypatch, desk):
    """Label pairs by the service."""
    present("azure.ai.contentsafety")

    def run(pairs, server, **more):
        monkeypatch.setenv("CONTENT_SAFETY_ENDPOINT", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("CONTENT_SAFETY_KEY", SECRET)
        made = riskshift.label(pairs, "labelled.parquet", graders="azure-content-safety", **more)
        return made, pl.read_parquet("labelled.parquet")

    return run


def test_each_text_is_sent_alone_and_its_severities_are_merged_in_pairs(label, serve):
    server = serve(severities)
    pairs = questions(3, models=("m1", "m2"))
    made, rows = label(pairs, server)
    assert made.spent.requests == 3 + 6
    assert {body["text"] for body in server.bodies} == {*pairs["prompt"], *pairs["response"]}
    assert set(server.paths) == {"/contentsafety/text:analyze?api-version=2023-10-01"}
    assert server.headers[0]["ocp-apim-subscription-key"] == SECRET
    for row in rows.to_dicts():
        for category in NAMES:
            raw = level_of(row["response"], category)
            assert row[f"raw_response_{category}"] == raw
            assert row[f"response_{category}"] == ("Safe", "Low", "Medium", "High")[raw // 2]
    assert set(rows["grader"]) == {"azure-content-safety"}


def test_the_body_is_what_the_service_documents(label, serve):
    server = serve(severities)
    label(questions(1), server, side="prompt")
    (body,) = server.bodies
    assert body == {
        "text": questions(1)["prompt"][0],
        "categories": list(NAMES.values()),
        "outputType": "EightSeverityLevels",
    }


def test_a_category_that_the_service_leaves_out_is_missing_and_not_safe(label, serve):
    def lacking(body):
        told = severities(body)
        return told | {"categoriesAnalysis": told["categoriesAnalysis"][1:]}

    made, rows = label(questions(2), serve(lacking))
    assert rows["response_hate"].null_count() == 2
    assert made.ungraded == {"the grader left a category out": 4}


def test_a_long_text_is_sent_in_pieces_and_the_largest_severity_counts(label, serve):
    def answer(body):
        told = severities(body)
        for found in told["categoriesAnalysis"]:
            found["severity"] = 6 if "thorns" in body["text"] else 0
        return told

    server = serve(answer)
    pairs = questions(1).with_columns(response=pl.lit("Cut here. " * 1500 + "thorns"))
    _, rows = label(pairs, server)
    assert len(server.bodies) == 1 + 2
    assert max(len(body["text"]) for body in server.bodies) <= 10_000
    assert rows["response_hate"].to_list() == ["High"]


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_is_waited_out(label, serve, kind):
    server = serve(severities, lambda body, times: kind if times == 0 else None)
    made, _ = label(questions(1), server)
    assert made.ungraded == {}
    assert made.spent.retries == 2


def test_a_silent_service_is_asked_again(label, serve):
    server = serve(severities, lambda body, times: "stall" if times == 0 else None)
    made, _ = label(questions(1), server, side="prompt", timeout=0.5)
    assert made.ungraded == {}


def test_patience_ends_and_says_so(label, serve, monkeypatch):
    server = serve(severities, lambda body, times: "500")
    monkeypatch.setenv("CONTENT_SAFETY_ENDPOINT", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("CONTENT_SAFETY_KEY", SECRET)
    made = label_through(
        lambda rater: ContentSafety(patience=Patience(tries=2, first=0.01)),
        questions(1),
        "labelled.parquet",
        raters=raters_of("azure-content-safety", "both"),
    )
    assert made.ungraded == {"the grader could not be reached": 2}
    rows = pl.read_parquet("labelled.parquet")
    assert rows["ungraded"].item().startswith("prompt: the grader could not be reached (HTTP 500")


def test_a_wrong_key_ends_the_run_and_is_told_to_nobody(label, serve):
    told = {"error": {"code": "401", "message": f"wrong: {SECRET}"}}
    with pytest.raises(EndpointError, match="See CONTENT_SAFETY_ENDPOINT") as caught:
        label(questions(3), serve(lambda body: (401, told)))
    assert SECRET not in str(caught.value)


def test_texts_are_never_sent_on_to_another_place(label, serve):
    with pytest.raises(EndpointError, match="HTTP 307"):
        label(questions(1), serve(severities, lambda body, times: "redirect"))


def test_without_place_or_key_nothing_is_asked(desk, monkeypatch):
    present("azure.ai.contentsafety")
    monkeypatch.delenv("CONTENT_SAFETY_KEY", raising=False)
    with pytest.raises(UsageError, match="CONTENT_SAFETY_KEY"):
        riskshift.label(questions(1), "labelled.parquet", graders="azure-content-safety")
