"""LangSmith: exported runs with what feedback said of them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from riskshift.formats.chat import answered, asked, is_filter_error, is_filtered, parsed
from riskshift.formats.exchange import (
    ERROR,
    NO_RESPONSE,
    Entry,
    Exchange,
    Fact,
    LeftOut,
    Numbering,
    digest,
)
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_FIELDS: Final = frozenset({"run_type", "trace_id", "inputs", "outputs"})
_STEP: Final = "a step within another run"
_NO_CALL: Final = "no call of a model"
_MODELS: Final = (
    *("extra.metadata.ls_model_name", "extra.invocation_params.model", "extra.metadata.model"),
    *("outputs.model", "extra.invocation_params.model_name"),
)


def _entries(log: Log) -> Iterator[Entry]:
    rooted = any(_is_root(run) for _, run in _runs(Log(log.path, log.name, skip_bad=True)))
    nth = Numbering()
    project = None
    for place, run in _runs(log):
        project = project or run.get("session_id")
        lacking = next((name for name in ("id", "inputs") if run.get(name) is None), None)
        if lacking:
            log.fault(f"{place} lacks {lacking}.")
        else:
            yield _entry(run, nth, rooted=rooted)
    if project is not None:
        yield Fact("project", str(project))


def _runs(log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, path, run in log.records("runs"):
        if path:
            continue
        if isinstance(run, dict):
            yield place, {name: parsed(value) for name, value in run.items()}
        else:
            log.fault(f"{place} is no object.")


def _is_root(run: Mapping[str, Any]) -> bool:
    return not (run.get("parent_run_id") or run.get("parent_run_ids"))


def _entry(run: Mapping[str, Any], nth: Numbering, *, rooted: bool) -> Entry:
    # Where whole runs are there, the calls within them repeat what they asked and answered.
    if rooted and not _is_root(run):
        return LeftOut(_STEP)
    if not rooted and run.get("run_type") != "llm":
        return LeftOut(_NO_CALL)
    blocked = is_filtered(run.get("outputs")) or is_filter_error(run.get("error"))
    if not blocked and (run.get("error") or run.get("status") == "error"):
        return LeftOut(ERROR)
    if not run.get("outputs") and not blocked:
        return LeftOut(NO_RESPONSE)
    example = run.get("reference_example_id")
    prompt_id = digest(run["inputs"]) if example in (None, "") else str(example)
    model = next((found for path in _MODELS if (found := at(run, path))), None)
    model = None if model is None else str(model)
    thread = at(run, "extra.metadata.thread_id") or at(run, "extra.metadata.session_id")
    return Exchange(
        prompt=asked(run["inputs"]),
        response=answered(run.get("outputs")),
        prompt_id=prompt_id,
        model=model,
        sample=str(nth(prompt_id, model)),
        scores=dict(_scores(run.get("feedback_stats"))),
        blocked=blocked,
        tags={
            "name": run.get("name"),
            "run_type": run.get("run_type"),
            "thread": thread,
            "tags": ", ".join(map(str, run.get("tags") or [])) or None,
        },
    )


def _scores(stats: Any) -> Iterator[tuple[str, Any]]:
    """Yield what feedback said: the mean of numbers, or the one word that all gave."""
    for name, said in stats.items() if isinstance(stats, dict) else ():
        mean = at(said, "avg") if isinstance(said, dict) else said
        words = at(said, "values") if isinstance(said, dict) else None
        if mean is None and isinstance(words, dict) and words:
            yield name, next(iter(words)) if len(words) == 1 else words
        else:
            yield name, mean


LANGSMITH: Final = Format(
    name="langsmith",
    title="LangSmith: exported runs with feedback (JSON, JSON lines, Parquet)",
    labels="None by itself: what feedback says must be declared. Prompts are not labelled.",
    source=(
        "LangSmith's documentation of the format of runs and of its SDK (2024 to 2026). Held against no exported file."
    ),
    recognise=lambda log: log.names >= _FIELDS or log.holds("runs.0.run_type"),
    entries=_entries,
    table=True,
    note="Of several words of feedback on one run LangSmith exports the mean; a mean between the ends needs --cuts.",
)
