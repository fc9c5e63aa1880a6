"""JailbreakBench: artifacts of attacks, and its comparison of judges with people."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from riskshift.formats.declared import Column, Declared
from riskshift.formats.exchange import Entry, Exchange, Fact, Numbering
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log

_NO_ATTEMPT: Final = "no attempt"
_JUDGES: Final = (
    *("human1", "human2", "human3", "human_majority"),
    *("harmbench_cf", "gpt4_cf", "llamaguard2_cf", "llama3_cf"),
)
_TEXTS: Final = ("goal", "prompt", "target_response")


def _not_attempted(record: Any) -> bool:
    # An attack that never came to a prompt is stored as one that failed.
    return record.get("prompt") is None and record.get("response") is None


_artifact: Final = Declared(
    lists=("jailbreaks",),
    shared={
        "model": "parameters.model",
        "method": "parameters.method",
        "attack_type": "parameters.attack_type",
        "defense": "parameters.defense",
    },
    facts={
        "date": "parameters.evaluation_date",
        "method": "parameters.method",
        "provider": "parameters.evaluation_llm_provider",
    },
    left_out=((_NO_ATTEMPT, _not_attempted),),
    scores=lambda record: {
        name: value for name, value in record.items() if name.startswith("jailbroken")
    },
    repeats=("prompt_id", "model", "method", "attack_type"),
    columns=(
        Column("prompt_id", "behavior", required=True),
        Column("prompt", "prompt"),
        Column("prompt_intent", "goal"),
        Column("response", "response"),
        Column("behavior", "behavior"),
        Column("category", "category"),
        Column("number_of_queries", "number_of_queries"),
        Column("queries_to_jailbreak", "queries_to_jailbreak"),
    ),
)


def _compares_judges(log: Log) -> bool:
    line = log.start.partition(b"\n")[0]
    return all(name.encode() in line for name in ("target_response", "human_majority", "llama3_cf"))


def _encoding(log: Log) -> str:
    """Tell how the table is written: the one that is published is not UTF-8."""
    with log.open() as opened:
        try:
            for line in opened:
                line.decode("utf-8")
        except UnicodeDecodeError:
            return "mac_roman"
    return "utf-8"


def _judged(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    encoding = _encoding(log)
    if encoding == "mac_roman":
        yield Fact("encoding", "Mac OS Roman, as it is no UTF-8")
    with log.open() as opened:
        rows = csv.DictReader(line.decode(encoding).removeprefix("\ufeff") for line in opened)
        try:
            for row in rows:
                lacking = next(
                    (name for name in (*_TEXTS, *_JUDGES) if row.get(name) is None), None
                )
                if lacking:
                    log.fault(f"{log.name}, line {rows.line_num:,} lacks {lacking}.")
                    continue
                yield Exchange(
                    prompt_id=row["goal"],
                    prompt=row["prompt"],
                    prompt_intent=row["goal"],
                    response=row["target_response"],
                    sample=str(nth(row["goal"])),
                    scores={name: row[name] for name in _JUDGES},
                )
        except csv.Error as error:
            log.fault(f"{log.name}, line {rows.line_num:,}: not valid CSV: {error}.")


def _entries(log: Log) -> Iterator[Entry]:
    return _judged(log) if _compares_judges(log) else _artifact(log)


JAILBREAKBENCH: Final = Format(
    name="jailbreakbench",
    title="JailbreakBench: artifacts of attacks (JSON), comparison of judges with people (CSV)",
    labels=(
        "Responses: Harmful if the benchmark's judge said that the jailbreak worked; in the comparison, if most of "
        "three people said so. Prompts are not labelled."
    ),
    source=(
        "Attack artifacts of GCG and PAIR of March 2024, the project's test artifact (JailbreakBench/artifacts), and "
        "the comparison of judges on 300 responses."
    ),
    recognise=lambda log: {"parameters", "jailbreaks"} <= log.paths or _compares_judges(log),
    known={"jailbroken": "harmful", "human_majority": "harmful"},
    entries=_entries,
)

JAILBREAKBENCH_SUBMISSION: Final = Refused(
    name="a submission to JailbreakBench",
    recognise=lambda log: {"summaries", "test_logs", "eval_logs"} <= log.paths,
    why=(
        "It repeats every attack in its logs, for several models and defenses. Give the artifact that comes of it: a "
        "JSON file with parameters and jailbreaks."
    ),
)
