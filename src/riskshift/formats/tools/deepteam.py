"""deepteam's risk assessments, and test runs of DeepEval."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from riskshift.formats.declared import Column, Declared
from riskshift.formats.exchange import ERROR, NO_RESPONSE, Entry
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log


def _either(snake: str, camel: str) -> Any:
    """Return how to read a member that versions spell in two ways."""
    return lambda record: record.get(snake) if snake in record else record.get(camel)


def _last(record: Any, role: str) -> Any:
    """Return what one of two speakers said last in a conversation."""
    said = [at(turn, "content") for turn in _list(record.get("turns")) if at(turn, "role") == role]
    return said[-1] if said else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _prompt(record: Any) -> Any:
    return record.get("input") or _last(record, "user")


def _response(record: Any) -> Any:
    output = _either("actual_output", "actualOutput")(record)
    # A callback that returned its answer and a number: versions of 2025 stored both.
    if isinstance(output, list) and len(output) == 2 and isinstance(output[0], str):
        return output[0] if isinstance(output[1], int | float) else output
    return _last(record, "assistant") if output is None else output


def _turns(record: Any) -> int | None:
    return len(_list(record.get("turns"))) or None


DEEPTEAM: Final = Format(
    name="deepteam",
    title="deepteam: risk assessments (JSON)",
    labels=(
        "Responses: Harmful if the metric of the vulnerability scored 0, Safe if it scored 1. Prompts are not labelled."
    ),
    source="Risk assessments saved by deepteam 1.0.10 and by a version of May 2025.",
    recognise=lambda log: {"test_cases", "overview.vulnerability_type_results"} <= log.paths,
    known={"score": "safe"},
    entries=Declared(
        lists=("test_cases",),
        left_out=(
            (ERROR, lambda case: case.get("error") is not None and _response(case) is None),
            (NO_RESPONSE, lambda case: _response(case) is None),
        ),
        # An error beside an answer is the metric's own.
        scores=lambda case: {"score": case.get("score") if case.get("error") is None else None},
        repeats=("prompt",),
        columns=(
            Column("prompt", _prompt, required=True),
            Column("response", _response),
            Column("turns", _turns),
            Column("vulnerability", "vulnerability"),
            Column("vulnerability_type", _either("vulnerability_type", "vulnerabilityType")),
            Column("attack_method", _either("attack_method", "attackMethod")),
            Column("risk_category", _either("risk_category", "riskCategory")),
        ),
    ),
)


def _scores(case: Any) -> Mapping[str, Any]:
    """Return what each metric scored, and whether that passed: the two may point either way."""
    scores = {"passed": case.get("success")}
    for metric in _list(_either("metrics_data", "metricsData")(case)):
        failed, name = at(metric, "error") is not None, at(metric, "name")
        scores[f"passed {name}"] = None if failed else at(metric, "success")
        scores[str(name)] = None if failed else at(metric, "score")
    return scores


def _run(of: str) -> Declared:
    return Declared(
        lists=(of,),
        shared={"model": "hyperparameters.model"},
        facts={"run": "identifier", "data set": "datasetAlias"},
        left_out=((NO_RESPONSE, lambda case: _response(case) is None),),
        scores=_scores,
        repeats=("prompt",),
        columns=(
            Column("prompt", _prompt, required=True),
            Column("response", _response),
            Column("turns", _turns),
            Column("case", "name"),
        ),
    )


_LISTS: Final = ("testCases", "conversationalTestCases")


def _cases(log: Log) -> Iterator[Entry]:
    for name in _LISTS:
        if name in log.paths:
            yield from _run(name)(log)


def _is_run(log: Log) -> bool:
    beside = {"metricsScores", "testPassed", "hyperparameters"} & log.paths
    case = next((found for name in _LISTS if (found := at(log.first[:1], f"0.{name}.0"))), None)
    scored = isinstance(case, dict) and ("metricsData" in case or "metrics_data" in case)
    return bool(set(_LISTS) & log.paths) and (bool(beside) or scored)


DEEPEVAL: Final = Format(
    name="deepeval",
    title="DeepEval: test runs (JSON)",
    labels=(
        "Neither side: its metrics are yours, so say with --score what one means. Prompts are not labelled."
    ),
    source="The classes that DeepEval writes its test runs from (test_run/api.py); no file was at hand.",
    recognise=_is_run,
    entries=_cases,
)
