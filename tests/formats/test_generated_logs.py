"""Logs made of the records of the small ones, in any number: nothing is lost, and nothing invented.

A small log is taken apart into groups of records that belong together. Any of them, as often as one
likes and in any order, make another log of the tool, whose pairs and ledger must be those of its
groups read one by one. Copies get ids of their own, as a tool would give them.
"""

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.formats.catalogue import FORMATS, recognise
from riskshift.formats.log import Log
from riskshift.formats.scores import Asked
from riskshift.reading.layout import DataFile
from riskshift.reading.logs import find, unfold

LOGS = sorted((Path(__file__).parent / "logs").iterdir())
# Where documents keep their records.
LISTS = {
    "azure-evaluation.json": "rows",
    "azure-redteam.json": "attack_details",
    "deepeval.json": "testCases",
    "deepteam.json": "test_cases",
    "helm.json": "request_states",
    "inspect-paired.json": "samples",
    "inspect.json": "samples",
    "jailbreakbench.json": "jailbreaks",
    "promptfoo.json": "results.results",
}
# What records of JSON lines or of a list belong together by; those by None stand before all others.
GROUPS = {
    "azure-openai-stream.jsonl": lambda record: "all",
    "inspect-scout.parquet": lambda record: record["transcript_id"],
    "langsmith.jsonl": lambda record: record["trace_id"],
    "lm-eval.jsonl": lambda record: record["doc_id"],
    "garak-0.9.report.jsonl": lambda record: record.get("uuid"),
    "garak.report.jsonl": lambda record: record.get("uuid"),
    "modelbench.jsonl": lambda record: record.get("prompt_id"),
    "opentelemetry.jsonl": lambda record: "all",
    "pyrit.json": lambda record: "all",
}
# Records beside those, of which there shall be none.
BESIDE = {"deepeval.json": "conversationalTestCases"}
# Logs that are one record each: a copy is another file.
SINGLE = ("langfuse-trace.json", "petri.json", "potato.json")
# Not taken apart: its rows lie in several files, and pairedsafety.jsonl holds the other form.
FOLDERS = ("pairedsafety",)
ENCODINGS = {"jailbreakbench-judges.csv": "mac_roman"}
# Names of what tells records apart.
IDS = {
    *("id", "uid", "uuid", "hit_id", "prompt_id", "record_id", "sample_id", "doc_id", "custom_id"),
    *("trace_id", "span_id", "traceId", "spanId", "transcript_id", "conversation_id", "user_id"),
    *("original_prompt_id", "prompt_request_response_id", "behavior", "conv_id", "instance_id"),
}
FEW = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Taken:
    """A log taken apart: its groups of records, and how to put some of them together."""

    path: Path
    groups: list = field(default_factory=list)
    head: list = field(default_factory=list)

    def put(self, folder, chosen):
        """Write a log of these groups, each copy with ids of its own; return its files."""
        copies, made = Counter(), []
        for one in chosen:
            made.append(renamed(self.groups[one], copies[one]))
            copies[one] += 1
        if self.path.name in SINGLE:
            return [
                written(folder / f"{n}-{self.path.name}", json.dumps(record))
                for n, (record,) in enumerate(made)
            ]
        place = folder / self.path.name
        records = [record for group in made for record in group]
        if place.suffix == ".csv":
            out = io.StringIO()
            rows = csv.DictWriter(out, self.head, lineterminator="\n")
            rows.writeheader()
            rows.writerows(records)
            return [written(place, out.getvalue())]
        if place.suffix == ".parquet":
            lines = written(folder / "rows.jsonl", as_lines(records))
            columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in records[0]) + "}"
            with duckdb.connect() as connection:
                connection.execute(
                    f"COPY (FROM read_json('{lines}', columns={columns})) TO '{place}' (FORMAT parquet)"
                )
            return [place]
        if place.suffix == ".jsonl":
            return [written(place, as_lines([*self.head, *records]))]
        return [written(place, json.dumps(self.document(records)))]

    def document(self, records):
        """Return the JSON document that holds these records."""
        whole = json.loads(self.path.read_text())
        if isinstance(whole, list):
            return records
        if self.path.name == "harmbench.json":
            return {f"behavior-{n}": [record] for n, record in enumerate(records)}
        *way, last = LISTS[self.path.name].split(".")
        inner = whole
        for step in way:
            inner = inner[step]
        inner[last] = records
        return whole | ({BESIDE[self.path.name]: []} if self.path.name in BESIDE else {})


def written(place, text):
    place.write_text(text)
    return place


def as_lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def renamed(value, copy):
    """Return records with other ids, if this is not the first copy of them."""
    if copy == 0:
        return value
    if isinstance(value, list):
        return [renamed(one, copy) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: another(held, copy) if name in IDS and held else renamed(held, copy)
        for name, held in value.items()
    }


def another(name, copy):
    if isinstance(name, str):
        return f"{name}~{copy}"
    return name + 1_000 * copy if isinstance(name, int) else renamed(name, copy)


@cache
def taken(path):
    """Take a log apart."""
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(path.read_text(ENCODINGS.get(path.name, "utf-8"))))
        return Taken(path, [[row] for row in rows], list(rows.fieldnames))
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            found = connection.execute(f"FROM read_parquet('{path}')")
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return grouped(path, rows)
    if path.suffix == ".jsonl":
        return grouped(path, [json.loads(line) for line in path.read_text().splitlines()])
    whole = json.loads(path.read_text())
    if path.name in SINGLE:
        return Taken(path, [[whole]])
    if path.name == "harmbench.json":
        return Taken(path, [[record] for records in whole.values() for record in records])
    for step in LISTS.get(path.name, "").split("."):
        whole = whole[step] if step else whole
    return grouped(path, whole)


def grouped(path, records):
    key = GROUPS.get(path.name)
    if key is None:
        return Taken(path, [[record] for record in records])
    groups, head = {}, []
    for record in records:
        name = key(record)
        (head if name is None else groups.setdefault(name, [])).append(record)
    return Taken(path, list(groups.values()), head)


def counted(path, files):
    """Return how many pairs there are, and what is left out; read as what the small log is."""
    name = recognise(Log(path, path.name)).name
    found = unfold([DataFile(file, name, "none", file.name) for file in files], Asked())
    return Counter({"pairs": found.pairs, **found.left_out})


@cache
def alone(path, folder, one):
    """Return what a group is by itself."""
    place = folder / f"{path.name}-{one}"
    place.mkdir()
    return counted(path, taken(path).put(place, [one]))


@pytest.fixture(scope="module")
def singles(tmp_path_factory):
    return tmp_path_factory.mktemp("singles")


TAKEN = [path for path in LOGS if path.name not in FOLDERS]
ALL = pytest.mark.parametrize("path", TAKEN, ids=[path.name for path in TAKEN])


def test_every_format_is_taken_apart():
    names = {recognise(Log(path, path.name)).name for path in TAKEN}
    assert names == {one.name for one in FORMATS}


@ALL
def test_every_record_is_a_pair_or_stands_in_the_ledger(path, singles):
    for one in range(len(taken(path).groups)):
        assert alone(path, singles, one).total() >= 1, taken(path).groups[one]


@ALL
@FEW
@given(data=st.data())
def test_pairs_and_ledger_are_those_of_the_records(path, singles, tmp_path_factory, data):
    log = taken(path)
    chosen = data.draw(st.lists(st.integers(0, len(log.groups) - 1), min_size=1, max_size=8))
    files = log.put(tmp_path_factory.mktemp("log"), chosen)
    assert counted(path, files) == sum((alone(path, singles, one) for one in chosen), Counter())


def numbers(result):
    of_files = (
        *("source", "records", "timing", "left_out", "notes", "cases", "card"),
        *("disputes", "provenance"),
    )
    return {key: value for key, value in result.to_dict().items() if key not in of_files}


@ALL
@settings(FEW, max_examples=2)
@given(data=st.data())
def test_a_log_and_its_pairs_say_the_same(path, tmp_path_factory, data):
    log, folder = taken(path), tmp_path_factory.mktemp("log")
    chosen = data.draw(st.lists(st.integers(0, len(log.groups) - 1), min_size=1, max_size=8))
    files = log.put(folder, chosen)
    assume(recognise(Log(files[0], files[0].name)) is not None)
    found = find(files).pairs
    if not found.pairs:
        with pytest.raises(riskshift.DataError):
            riskshift.analyze(files)
        return
    made = riskshift.convert(files, folder / "pairs.parquet")
    if found.format.rated:
        assert said(riskshift.agree, files, made.taxonomy) == said(
            riskshift.agree, made.output, made.taxonomy
        )
        return
    few = {"resamples": 50, "permutations": 50}
    assert said(riskshift.analyze, files, None, **few) == said(
        riskshift.analyze, made.output, made.taxonomy, **few
    )


def said(job, data, taxonomy, **options):
    """Return what a job says of data; of those it refuses, that it does."""
    try:
        return numbers(job(data, taxonomy=taxonomy, **options))
    except riskshift.DataError as error:
        return type(error)
