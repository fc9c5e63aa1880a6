"""A statement names the bytes that were judged, the rules and the verdicts."""

import base64
import hashlib
import json
import os

import polars as pl
import pytest

import riskshift
from riskshift.errors import FileError, UsageError
from riskshift.jobs.gate.attest import Subjects
from riskshift.report.attestation import PREDICATE, to_statement

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
RULES = ["escalation <= 50%", "escalation <= 1%"]


@pytest.fixture
def pairs(tmp_path):
    frame = pl.DataFrame({"prompt_id": range(40), "prompt_harm": 0, "response_harm": 0})
    frame.write_csv(tmp_path / "pairs.csv")
    return tmp_path / "pairs.csv"


@pytest.fixture
def statement(pairs):
    report = riskshift.check(pairs, RULES, taxonomy=TWO)
    return json.loads(to_statement(report, Subjects.of({"data": pairs}).digests))


def test_the_subject_is_the_file_by_its_bytes(statement, pairs):
    sha = hashlib.sha256(pairs.read_bytes()).hexdigest()
    assert statement["subject"] == [{"name": str(pairs), "digest": {"sha256": sha}}]


def test_too_little_evidence_is_never_passed(statement):
    predicate = statement["predicate"]
    assert statement["predicateType"] == PREDICATE
    assert predicate["result"] == "FAILED"
    assert predicate["passedTests"] == ["escalation <= 50%"]
    assert predicate["failedTests"] == ["escalation <= 1%"]
    assert predicate["riskshift"]["verdict"] == "inconclusive"
    assert [row["verdict"] for row in predicate["riskshift"]["verdicts"]] == [
        "pass",
        "inconclusive",
    ]
    assert predicate["riskshift"]["version"] == riskshift.__version__


def test_the_rules_are_the_configuration(statement):
    (rules,) = statement["predicate"]["configuration"]
    held = base64.b64decode(rules["content"])
    assert json.loads(held) == RULES
    assert rules["digest"]["sha256"] == hashlib.sha256(held).hexdigest()


def test_a_library_of_in_toto_takes_it_for_a_statement(statement):
    if os.environ.get("RISKSHIFT_NO_SKIPS") != "1":
        pytest.importorskip("in_toto_attestation")
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    made = Statement.copy_from_pb(ParseDict(statement, Message()))
    made.validate()
    assert made.pb.predicate_type == PREDICATE
    assert made.pb.predicate["result"] == "FAILED"
    made.pb.subject[0].digest.clear()
    with pytest.raises(ValueError, match="digest"):
        made.validate()


def test_every_file_of_a_folder_is_a_subject(tmp_path, pairs):
    (tmp_path / "more.csv").write_bytes(pairs.read_bytes())
    assert sorted(Subjects.of({"data": [tmp_path]}).digests) == sorted(
        map(str, tmp_path.glob("*.csv"))
    )


def test_standard_input_cannot_be_looked_up():
    with pytest.raises(UsageError, match="standard input"):
        Subjects.of({"data": ["-"]})


def test_a_file_that_changed_since_is_refused(pairs):
    subjects = Subjects.of({"data": pairs})
    pairs.write_text(pairs.read_text() + "40,0,0\n")
    with pytest.raises(FileError, match="changed while it was read"):
        subjects.check_unchanged()
