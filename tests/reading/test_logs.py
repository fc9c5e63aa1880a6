"""Logs are read as pairs, wherever pairs are; what is no log is read as before."""

import gzip
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift import FileError, UsageError
from riskshift.formats.exchange import Exchange, LeftOut
from riskshift.formats.format import Format
from riskshift.reading import logs
from riskshift.reading.layout import DataFile
from riskshift.reading.logs import find
from riskshift.scratch import scratch
from riskshift.taxonomy import HARM

LOG = Path(__file__).parents[1] / "formats" / "logs" / "promptfoo.json"
PAIRS = "prompt_id,prompt_harm,response_harm\na,0,1\nb,1,0\n"


@pytest.fixture
def log(tmp_path):
    return shutil.copy(LOG, tmp_path / "run.json")


def told(result):
    return result.provenance.source


def test_a_log_is_analyzed_as_it_is_and_it_is_said(log):
    result = riskshift.analyze(log)
    assert told(result) == f"{log} (read as a log of promptfoo 0.123.1)"
    assert result.taxonomy == HARM
    assert result.provenance.left_out == {"empty response": 1, "error of the tool": 1}
    assert (result.provenance.read, result.provenance.analyzed) == (9, 7)
    rate = result.rate("response_harm")
    assert (rate.events, rate.trials) == (2, 3)


def test_what_the_log_does_not_say_is_said(log):
    notes = " ".join(riskshift.analyze(log).notes)
    assert "promptfoo does not label prompts" in notes
    assert "1 response was blocked by a filter" in notes
    assert "The prompts of 1 pairs were rewritten" in notes


def test_what_was_blocked_is_neither_safe_nor_harmful(log):
    worst = riskshift.analyze(log).rate("response_harm").worst_case
    assert worst is not None
    # Three are labelled; of the blocked one and the three unscored anything is possible.
    assert worst == (pytest.approx(2 / 7), pytest.approx(6 / 7))


def test_every_job_reads_logs(log):
    scores = {"pass": "safe"}
    compared = riskshift.compare(log, scores=scores)
    assert set(compared.models) == {"model-a", "model-b"}
    assert "read as a log of promptfoo" in told(compared)
    assert any("does not label prompts" in note for note in compared.notes)
    report = riskshift.check(log, "response_harm <= 99%", model="model-a")
    assert any("blocked" in warning for warning in report.warnings)
    assert riskshift.plan(width=0.2, metric="response_harm", like=log, scores=scores)
    assert str(riskshift.labels_needed(log, width=0.3, scores=scores))


def test_a_baseline_without_a_taxonomy_is_read_like_the_candidate(log, tmp_path):
    riskshift.convert(log, tmp_path / "old.csv")
    report = riskshift.check(
        log, "response_harm - baseline <= 90%", baseline=tmp_path / "old.csv", model="model-a"
    )
    assert report.results


def test_people_label_a_log_without_saying_the_taxonomy_again(log, tmp_path):
    riskshift.convert(log, tmp_path / "people.csv")
    report = riskshift.grade(log, tmp_path / "people.csv")
    assert report.card("response").rates["sensitivity"].trials == 2


def test_a_log_is_read_from_standard_input_and_packed(log, tmp_path, monkeypatch):
    whole = Path(log).read_bytes()
    packed = tmp_path / "run.gz"
    packed.write_bytes(gzip.compress(whole))
    hashes = {riskshift.analyze(log).provenance.data_hash}
    hashes.add(riskshift.analyze(packed).provenance.data_hash)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(whole)))
    hashes.add(riskshift.analyze("-").provenance.data_hash)
    assert len(hashes) == 1


def test_a_format_can_be_named(log, tmp_path):
    assert riskshift.analyze(log, format="promptfoo").provenance.analyzed == 7
    place = tmp_path / "pairs.csv"
    place.write_text(PAIRS)
    with pytest.raises(FileError, match=r"pairs.csv is no log of promptfoo.*riskshift doctor"):
        riskshift.analyze(place, format="promptfoo")
    with pytest.raises(UsageError, match="input format 'promptfo' is unknown"):
        riskshift.analyze(place, format="promptfo")


def test_named_as_a_plain_file_a_log_is_none(log):
    with pytest.raises(riskshift.DataError, match=r"not|no|cannot"):
        riskshift.analyze(log, format="jsonl")


def test_a_folder_of_logs_is_read_and_what_lies_beside_is_counted(log, tmp_path):
    (tmp_path / "notes.csv").write_text(PAIRS)
    (tmp_path / "page.html").write_text("<p>")
    other = tmp_path / "second.json"
    document = json.loads(Path(log).read_text())
    for row in document["results"]["results"]:
        row["provider"]["label"] += "-new"
    other.write_text(json.dumps(document))
    result = riskshift.analyze(tmp_path)
    assert result.provenance.analyzed == 14
    assert told(result) == (
        "2 files (read as logs of promptfoo 0.123.1) (besides them 1 of another kind, 1 beside logs)"
    )


def test_a_log_that_is_read_twice_is_refused(log, tmp_path):
    shutil.copy(log, tmp_path / "copy.json")
    with pytest.raises(riskshift.PairError, match="more than once"):
        riskshift.analyze(tmp_path)


def test_logs_and_other_files_do_not_stand_together(log, tmp_path):
    place = tmp_path / "pairs.csv"
    place.write_text(PAIRS)
    with pytest.raises(UsageError, match=r"cannot be read together.*riskshift convert"):
        riskshift.analyze([log, place], taxonomy=HARM)


def test_scores_are_declared_of_logs_alone(log, tmp_path):
    place = tmp_path / "pairs.csv"
    place.write_text(PAIRS)
    with pytest.raises(UsageError, match="in the log of a tool means, and this is none"):
        riskshift.analyze(place, taxonomy=HARM, scores={"judge": "harmful"})
    with pytest.raises(UsageError, match="score 'judge' is unknown"):
        riskshift.analyze(log, scores={"judge": "harmful"})


def test_a_log_without_pairs_is_told_and_no_crash(tmp_path):
    place = tmp_path / "empty.json"
    place.write_text('{"results": {"version": 3, "results": []}}')
    with pytest.raises(riskshift.DataError, match="read as a log of promptfoo, holds no pairs"):
        riskshift.analyze(place)


def test_a_log_that_changes_while_it_is_read_is_refused(log):
    records = riskshift.read(log)
    with Path(log).open("a") as opened:
        opened.write(" ")
    with pytest.raises(FileError, match="changed while it was read"):
        riskshift.analyze(records)


def test_own_columns_of_a_log_can_group_and_play_roles(log):
    result = riskshift.analyze(log, by="strategy", cluster="prompt_intent")
    assert "jailbreak" in result.groups["strategy"]
    assert result.provenance.cluster == "prompt_intent"


def test_a_fault_is_placed_by_the_pair(log):
    with pytest.raises(riskshift.LabelError, match=r"run.json, pair [0-9]+: template is"):
        riskshift.analyze(log, columns={"response_harm": "template"})


LEFT = st.sampled_from(["error of the tool", "never evaluated"]).map(LeftOut)
MADE = st.builds(
    Exchange,
    prompt=st.text(max_size=5),
    response=st.none() | st.text(max_size=5),
    prompt_id=st.integers(0, 10**9).map(str),
    labels=st.fixed_dictionaries({"response_harm": st.sampled_from(["Safe", "Harmful", None])}),
    blocked=st.booleans(),
    tags=st.dictionaries(
        st.text(max_size=4), st.none() | st.integers() | st.floats() | st.lists(st.text(max_size=2))
    ),
)


@given(st.lists(LEFT | MADE, max_size=30))
def test_what_goes_in_comes_out_as_a_pair_or_in_the_ledger(entries):
    made = Format(
        name="generated",
        title="",
        labels="",
        source="",
        recognise=lambda log: True,
        entries=lambda log: iter(entries),
    )
    with scratch() as folder, pytest.MonkeyPatch.context() as patch:
        (folder / "log").write_text("{}")
        patch.setattr(logs, "NAMES", ("generated",))
        patch.setattr(logs, "named", lambda name: made)
        file = DataFile(folder / "log", "generated", "none", "log")
        found = logs.unfold([file], logs.Asked())
        lines = [line for one in found.files for line in one.path.read_bytes().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert found.pairs + sum(found.left_out.values()) == len(entries)
    assert len(rows) == found.pairs
    pairs = [
        one
        for one in entries
        if isinstance(one, Exchange) and (one.blocked or (one.response or "").strip())
    ]
    assert found.pairs == len(pairs)
    assert found.lacking.get("blocked", 0) == sum(one.blocked for one in pairs)
    known = [one.labels["response_harm"] for one in pairs if not one.blocked]
    assert found.lacking.get("unscored", 0) == known.count(None)
    for level in HARM.levels:
        assert [row["response_harm"] for row in rows].count(level) == known.count(level)


def test_files_that_are_no_logs_are_found_as_before(tmp_path):
    place = tmp_path / "pairs.csv"
    place.write_text(PAIRS)
    found = find([place])
    assert found.pairs is None
    assert [file.format for file in found.files] == ["csv"]


def test_progress_is_told_in_records_and_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "_OFTEN", 3)
    place = shutil.copy(LOG.with_suffix(".jsonl"), tmp_path / "run.jsonl")
    said = []
    find([place], progress=said.append)
    size = Path(place).stat().st_size
    assert said[0].endswith("as a log of promptfoo")
    assert [one.rpartition(": ")[2].split(",")[0] for one in said[1:3]] == [
        "3 records",
        "6 records",
    ]
    assert all(one.endswith(f" of {size:,} bytes") for one in said[1:])
