"""A gate as SARIF: what the standard asks of a log, held against the standard's own words."""

import json

import polars as pl
import pytest

import riskshift
from riskshift.report.render.sarif import to_sarif

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
# Sections 3.27.9 and 3.27.10 of SARIF 2.1.0 (OASIS, 2020).
KINDS = {"pass", "open", "informational", "notApplicable", "review", "fail"}
LEVELS = {"none", "note", "warning", "error"}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """One topic that passes at 5 %, one that fails, one that shows too little."""
    parts = [("good", 2, 400), ("poor", 60, 400), ("few", 0, 40)]
    rows = [
        {
            "prompt_id": f"{topic} {n}",
            "topic": topic,
            "prompt_harm": 0,
            "response_harm": int(n < bad),
        }
        for topic, bad, size in parts
        for n in range(size)
    ]
    place = tmp_path_factory.mktemp("gate") / "my pairs.csv"
    pl.DataFrame(rows).write_csv(place)
    return place


@pytest.fixture(scope="module")
def log(pairs):
    report = riskshift.check(pairs, "escalation <= 5% by topic", taxonomy=TWO)
    return json.loads(to_sarif(report))


def texts(value):
    """Every message of a log."""
    if isinstance(value, dict):
        yield from ([value["text"]] if "text" in value else [])
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for inner in inside:
        yield from texts(inner)


def test_it_is_a_log_of_that_version_with_one_run_of_one_tool(log):
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "riskshift"
    assert run["tool"]["driver"]["version"] == riskshift.__version__
    assert run["invocations"][0]["executionSuccessful"] is True
    assert all(texts(log))


def test_every_result_points_at_its_rule(log):
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["escalation <= 5% by topic"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])


def test_only_what_did_not_pass_is_a_result_and_open_is_no_failure(log):
    found = [(one["kind"], one["level"]) for one in log["runs"][0]["results"]]
    assert found == [("fail", "error"), ("open", "none")]
    assert all(kind in KINDS and level in LEVELS for kind, level in found)
    # "If kind has any value other than fail, ... level SHALL have the value none."
    assert all(level == "none" for kind, level in found if kind != "fail")


def test_a_result_stands_at_the_file_and_is_the_same_the_next_time(log, pairs):
    results = log["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]
    assert set(places) == {pairs.as_uri()}
    assert "%20" in places[0]
    marks = [one["partialFingerprints"]["check/v1"] for one in results]
    assert len(set(marks)) == len(marks)


def test_data_that_are_no_file_have_no_place():
    frame = pl.DataFrame({"prompt_harm": [0] * 40, "response_harm": [0] * 40})
    report = riskshift.check(frame, "escalation <= 1%", taxonomy=TWO)
    assert "locations" not in json.loads(to_sarif(report))["runs"][0]["results"][0]
