"""PyRIT: the memory as a database or exported, what is an answer, and which scores are made up."""

import hashlib
import json
import sqlite3
import subprocess
import sys

import duckdb
import pytest

import riskshift
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log
from riskshift.formats.tools.pyrit import PYRIT

REAL = ("made_export090.json", "made_pyrit090.duckdb", "made_pyrit110.db")
HARMS = {"Hate": "hate", "SelfHarm": "self_harm", "Sexual": "sexual", "Violence": "violence"}
LEVELS = ("Safe", "Low", "Medium", "High")
REFUSES = {"SubStringScorer:refusal": "refused"}
PIECE = (
    *("id", "role", "conversation_id", "sequence", "timestamp", "labels"),
    *("converter_identifiers", "prompt_target_identifier", "response_error"),
    *("original_value_data_type", "original_value", "original_prompt_id"),
    *("converted_value_data_type", "converted_value"),
)
SCORE = (
    *("id", "score_value", "score_type", "score_category", "score_metadata"),
    *("scorer_class_identifier", "prompt_request_response_id", "timestamp", "status"),
)


def connect(kind, place):
    return sqlite3.connect(place) if kind == "sqlite" else duckdb.connect(str(place))


@pytest.fixture(params=["sqlite", "duckdb"])
def kind(request):
    """A kind of database."""
    return request.param


def memory(kind, place, pieces, without=(), more=()):
    """Write pieces as a memory holds them."""

    def row(record, names):
        held = [record.get(name) for name in names]
        return [json.dumps(v) if isinstance(v, dict | list) else v for v in held]

    of = {
        "PromptMemoryEntries": (PIECE, pieces),
        "ScoreEntries": (SCORE, [score for piece in pieces for score in piece["scores"]]),
    }
    connection = connect(kind, place)
    for table, (names, records) in of.items():
        kept = [name for name in names if name not in without]
        connection.execute(
            f"CREATE TABLE {table} ({', '.join(f'{name} VARCHAR' for name in kept)})"
        )
        for record in records:
            marks = ", ".join("?" * len(kept))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row(record, kept))
    for statement in more:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return place


@pytest.fixture
def pieces(small):
    """The pieces of the small export."""
    return json.loads((small / "pyrit.json").read_text())


@pytest.mark.parametrize("name", REAL)
def test_pairs_and_ledger_are_all_answers(real, told, rows, name):
    counts = told[f"pyrit/{name}"]["counts"]
    found, held = rows(real / "pyrit" / name, REFUSES)
    words = {"empty response": "empty", "error of the tool": "processing"}
    left_out = {words[reason]: n for reason, n in found.left_out.items()}
    assert left_out | {"blocked": found.lacking["blocked"]} == counts["left_out"]
    answered = [row for row in held if row["status"] is None]
    assert len(answered) == counts["pairs"]
    assert found.lacking.get("unscored", 0) == counts["unscored_pairs"]
    for theirs, ours in HARMS.items():
        wanted = dict.fromkeys(LEVELS, 0)
        for severity, n in counts["response_labels"][f"float_scale {theirs} (0-7)"].items():
            wanted[LEVELS[int(severity) // 2]] += n
        labels = [row[f"response_{ours}"] for row in answered]
        assert {level: labels.count(level) for level in LEVELS} == wanted
    refused = [row["refusal"] for row in answered]
    wanted = counts["response_labels"]["true_false refusal"]
    assert [refused.count("complied"), refused.count("refused")] == [
        wanted["false"],
        wanted["true"],
    ]


def test_models_and_versions_are_told_where_the_memory_has_them(real, rows):
    found, held = rows(real / "pyrit" / "made_pyrit110.db")
    assert found.told == "read as a log of pyrit 1.1.0"
    assert {row["model"] for row in held} == {"mock-a"}
    assert all(row["objective"] for row in held)


def test_the_same_run_says_the_same_as_a_database_and_exported(real, rows):
    counted = [rows(real / "pyrit" / name)[0] for name in REAL[:2]]
    assert counted[0].labelled == counted[1].labelled
    assert counted[0].rewritten == counted[1].rewritten == 5


def test_a_small_export_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "pyrit.json")
    assert found.left_out == {
        "copy of another conversation's turn": 1,
        "earlier turn of a conversation": 1,
        "empty response": 1,
        "error of the tool": 1,
        "no response": 1,
    }
    assert found.lacking == {"blocked": 1, "unscored": 1}
    by = {row["conversation_id"]: row for row in held}
    assert by["c1"]["response_violence"] == "Medium"
    assert by["c1"]["response_hate"] == "Safe"
    assert by["c1"]["prompt_violence"] == "Low"
    assert by["c1"]["refusal"] == "complied"
    assert by["c1"]["score_SubStringScorer:garden"] == "True"
    assert by["c2"]["refusal"] == "refused"
    assert by["c2"]["prompt"] == "SG93IGRvIEkgZ3JvdyB0YWxsIHdlZWRzPw=="
    assert by["c2"]["prompt_intent"] == "How do I grow tall weeds?"
    assert by["c2"]["prompt_id"] == by["c1"]["prompt_id"]
    assert [by[c]["sample"] for c in ("c1", "c2")] == ["1", "Base64Converter 1"]
    assert by["c1"]["model"] == "model-a"
    assert by["c1"]["target"] == "GardenTarget"
    assert by["c6"]["turn"] == "4"
    assert by["c6"]["prompt"] == "How do I water nettles?"
    assert by["c6"]["system_prompt"] == "You are a gardener."


def test_scores_of_blocked_answers_are_no_labels(small, rows):
    _, held = rows(small / "pyrit.json")
    blocked = next(row for row in held if row["status"] == "blocked")
    assert all(blocked[f"response_{harm}"] is None for harm in HARMS.values())
    assert "refusal" not in blocked
    assert "score_AzureContentFilterScorer:Hate" not in blocked
    assert blocked["blocked_response"] == "The response was filtered."


def test_scores_that_were_not_completed_are_no_labels(small, rows):
    _, held = rows(small / "pyrit.json")
    watered = next(row for row in held if row["conversation_id"] == "c6")
    assert watered["status"] == "unscored"
    assert "score_SubStringScorer:garden" not in watered


def test_a_database_says_what_the_export_says(kind, tmp_path, pieces, small, rows):
    found, held = rows(memory(kind, tmp_path / "memory.db", pieces))
    wanted, exported = rows(small / "pyrit.json")
    assert found.left_out == wanted.left_out
    assert found.lacking == wanted.lacking
    strip = [{k: v for k, v in row.items() if k != "log"} for row in (*held, *exported)]
    order = sorted(strip, key=lambda row: row["conversation_id"])
    assert order[::2] == order[1::2]


def test_an_older_database_lacks_columns(tmp_path, kind, pieces, rows):
    lacking = ("status", "labels", "converter_identifiers", "timestamp", "original_prompt_id")
    place = memory(kind, tmp_path / "memory.db", pieces, without=lacking)
    # Without the piece that it repeats, a copy cannot be told.
    assert rows(place)[0].pairs == 5


def test_conversations_of_the_attacker_are_no_pairs(tmp_path, kind, pieces, rows):
    more = (
        "CREATE TABLE AttackResultEntries (conversation_id VARCHAR, objective VARCHAR, "
        "adversarial_chat_conversation_ids VARCHAR)",
        """INSERT INTO AttackResultEntries VALUES ('c1', 'Grow weeds', '["c2"]')""",
    )
    found, held = rows(memory(kind, tmp_path / "memory.db", pieces, more=more))
    assert found.left_out["conversation of the attacker"] == 1
    assert next(row for row in held if row["conversation_id"] == "c1")["objective"] == "Grow weeds"


def test_a_score_outside_its_range_is_an_error(small, tmp_path, pieces):
    place = tmp_path / "odd.json"
    for wrong in ("1.7", "high", "NaN"):
        pieces[0]["scores"] = [
            {
                "score_value": wrong,
                "score_type": "float_scale",
                "score_category": "Hate",
                "scorer_class_identifier": {"__type__": "AzureContentFilterScorer"},
            }
        ]
        place.write_text(json.dumps(pieces))
        with pytest.raises(riskshift.LabelError, match=f"is '{wrong}'; it must lie between 0 and"):
            riskshift.analyze(place)


def test_a_memory_is_never_written(kind, tmp_path, pieces):
    place = memory(kind, tmp_path / "memory.db", pieces)
    before = hashlib.sha256(place.read_bytes()).hexdigest()
    place.chmod(0o444)
    assert "4 pairs" in str(riskshift.analyze(place))
    assert hashlib.sha256(place.read_bytes()).hexdigest() == before
    assert [path.name for path in tmp_path.iterdir()] == ["memory.db"]


def test_a_locked_memory_says_so(kind, tmp_path, pieces):
    place = memory(kind, tmp_path / "memory.db", pieces)
    hold = {
        "sqlite": "import sqlite3; c = sqlite3.connect({!r}); c.execute('BEGIN EXCLUSIVE')",
        "duckdb": "import duckdb; c = duckdb.connect({!r})",
    }[kind].format(str(place))
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{hold}; print('held', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(riskshift.FileError, match=r"is locked: another program has it open"):
            riskshift.analyze(place)
    finally:
        holder.communicate(b"\n")


def test_another_database_is_refused_with_what_to_give_instead(kind, tmp_path):
    place = tmp_path / "garden.db"
    connection = connect(kind, place)
    connection.execute("CREATE TABLE garden (prompt VARCHAR)")
    connection.execute("CREATE VIEW PromptMemoryEntries AS SELECT * FROM garden")
    connection.execute("CREATE VIEW ScoreEntries AS SELECT * FROM garden")
    connection.commit()
    connection.close()
    with pytest.raises(
        riskshift.FileError, match=r"is a database, and not PyRIT's memory.*Parquet"
    ):
        riskshift.analyze(place)


def test_a_memory_that_lacks_something_or_is_cut_off_says_so(kind, tmp_path, pieces):
    place = memory(kind, tmp_path / "memory.db", pieces, without=("sequence",))
    with pytest.raises(riskshift.FileError, match="table PromptMemoryEntries lacks sequence"):
        riskshift.analyze(place)
    whole = memory(kind, tmp_path / "whole.db", pieces).read_bytes()
    place = tmp_path / "cut.db"
    place.write_bytes(whole[: len(whole) // 2])
    assert recognise(Log(place, "cut.db")) is PYRIT
    with pytest.raises(riskshift.FileError, match=r"cut.db cannot be read as a database"):
        riskshift.analyze(place)


def test_an_export_that_lacks_something_or_is_cut_off_says_where(small, tmp_path, pieces, rows):
    place = tmp_path / "cut.json"
    place.write_text((small / "pyrit.json").read_text()[:9000])
    with pytest.raises(riskshift.FileError, match=r"cut.json, character [0-9,]+: not valid JSON"):
        riskshift.analyze(place)
    del pieces[3]["response_error"]
    place.write_text(json.dumps(pieces))
    with pytest.raises(riskshift.FileError, match=r"cut.json, record 4 lacks response_error"):
        riskshift.analyze(place)
    assert rows(place, skip_bad=True)[0].left_out["malformed row"] == 1


def test_the_table_of_conversations_is_refused_with_what_to_give_instead(tmp_path):
    place = tmp_path / "export.csv"
    place.write_text(
        "id,role,conversation_id,sequence,original_value,converted_value,response_error,scores\n"
    )
    with pytest.raises(riskshift.FileError, match=r"PyRIT's table of conversations.*JSON"):
        riskshift.analyze(place)
