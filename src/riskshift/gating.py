"""A release gate in one call: pass, fail, or not enough evidence to say."""

import os
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift import engine
from riskshift.analysis.gates import GateReport, GateResult
from riskshift.analysis.judging import Question, judge_difference, judge_rate
from riskshift.analysis.judging_corrected import judge_corrected
from riskshift.analysis.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rules import Rule, parse_rule
from riskshift.api import people_options, provenance, read, silent
from riskshift.collapse import Collapsed, cleaned, collapse
from riskshift.counts import NO_VALUE, Grouped, group_name
from riskshift.errors import (
    ColumnError,
    DataError,
    FileError,
    UsageError,
    listing,
    unknown_choice,
)
from riskshift.reading import combine
from riskshift.reading.doubled import double, sampled_by
from riskshift.records import ROLES, Columns, Records
from riskshift.stats.proportion import normal_quantile

_SIDE: Final = "riskshift_side"
_CANDIDATE: Final = "candidate"
_BASELINE: Final = "baseline"
_GROUP: Final = "group: "  # no value of a column can then be mistaken for the baseline


def check(
    data: Any,
    rules: str | Sequence[str],
    *,
    baseline: Any = None,
    baseline_model: str | None = None,
    people: Any = None,
    confidence: float = 0.95,
    progress: Callable[[str], None] = silent,
    **reading: Any,
) -> GateReport:
    """Judge labelled pairs by the rules of a release gate.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        The pairs; see `read`.
    rules : str or sequence of str
        Such as ``"escalation <= 5%"``, ``"persistence[sexual] <= 0.3 by model"`` or
        ``"escalation - baseline <= 1%"``.
    baseline : path, list of paths, data frame, or Records, optional
        Pairs of the release to compare with, on the same prompts.
    baseline_model : str, optional
        The model of the baseline, where it holds several.
    people : path, data frame or Records, optional
        People's labels of a random sample of the same pairs: rules are then judged on rates that
        are corrected for the grader's errors.
    confidence : float, default 0.95
        Two-sided coverage of the intervals; a gate errs on one side, with half the rest.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`, for data and baseline alike; ``model`` is of the data, and of the
        baseline where that holds several models.

    Returns
    -------
    GateReport

    Raises
    ------
    DataError
        If the data cannot be read, has faults, or holds nothing that a rule could be judged on.
    UsageError
        If a rule or an option cannot be honoured.

    Examples
    --------
    No event in 40 pairs is not enough to promise at most 1 %:

    >>> import polars as pl
    >>> from riskshift import Taxonomy
    >>> pairs = pl.DataFrame({"prompt_harm": [0] * 40, "response_harm": [0] * 40})
    >>> report = check(pairs, "escalation <= 1%", taxonomy=Taxonomy(["harm"], ["Safe", "Bad"]))
    >>> report.verdict, report.results[0].further
    ('inconclusive', 328)
    """
    normal_quantile(confidence)  # checks the level
    _check_reading(data, reading)
    progress("opening the data")
    records = data if isinstance(data, Records) else read(data, **reading)
    if people is not None and baseline is not None:
        raise UsageError("people's labels correct rates, not differences from a baseline.")
    parsed = _parsed(rules, records, compared=baseline is not None)
    records = _grouped(records, parsed)
    collapsed = collapse(records, progress=progress)
    _check_groups(records, collapsed, parsed)
    if people is not None:
        progress("correcting by people's labels")
        return _corrected(parsed, collapsed, people, confidence, reading)
    matched = None
    if baseline is not None:
        progress("opening the baseline")
        old = _baseline(baseline, reading, baseline_model, records)
        matched = _Matched(records, collapsed, old, _same_place(data, baseline), progress)
    elif baseline_model is not None:
        raise UsageError("a model of the baseline is named, but no baseline is given.")
    progress("judging")
    results = _judged(parsed, collapsed, matched, confidence)
    return GateReport(tuple(results), confidence, _provenance(collapsed, matched))


def read_rules(path: str | Path) -> list[str]:
    """Read rules from a TOML file: ``rules = ["escalation <= 5%", "..."]``.

    Raises
    ------
    FileError
        If the file cannot be read or is not TOML.
    UsageError
        If it has other keys or holds no rules.
    """
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{path}: cannot read the rules: {error}.") from error
    for key in found:
        if key != "rules":
            raise unknown_choice(f"{path}: key", key, ["rules"])
    rules = found.get("rules")
    if not isinstance(rules, list) or not rules or not all(isinstance(r, str) for r in rules):
        raise UsageError(
            f'{path} must hold a list of rules, such as rules = ["escalation <= 5%"]; '
            f"found {'nothing' if rules is None else repr(rules)}."
        )
    return rules


def _check_reading(data: Any, reading: dict[str, Any]) -> None:
    if isinstance(data, Records) and reading:
        raise UsageError(
            f"these records are read already, so {listing(sorted(reading))} would change nothing. "
            "Give such options to riskshift.read."
        )
    if reading.get("by"):
        raise UsageError("a gate groups rule by rule: write 'escalation <= 5% by model'.")


def _parsed(rules: str | Sequence[str], records: Records, *, compared: bool) -> list[Rule]:
    texts = [rules] if isinstance(rules, str) else list(rules)
    if not texts:
        raise UsageError("no rule: give at least one, such as 'escalation <= 5%'.")
    parsed = [parse_rule(text, records.options.taxonomy) for text in texts]
    for at, rule in enumerate(parsed):
        if any(replace(rule, text="") == replace(other, text="") for other in parsed[:at]):
            raise UsageError(f"rule {rule.text!r} is given twice.")
    differences = [rule for rule in parsed if rule.baseline]
    if differences and not compared:
        raise UsageError(
            f"rule {differences[0].text!r} compares with a baseline, and none is given: --baseline."
        )
    if compared and not differences:
        raise UsageError(
            "a baseline is given, but no rule compares with it. Write a rule such as "
            "'escalation - baseline <= 1%'."
        )
    if differences and records.options.cluster not in (None, records.prompt):
        raise UsageError(
            f"rule {differences[0].text!r} compares prompt by prompt, so --cluster cannot be honoured."
        )
    return parsed


def _grouped(records: Records, rules: Sequence[Rule]) -> Records:
    """Have the columns of the rules grouped by, and only those."""
    columns = [_column(records, rule) for rule in rules if rule.by is not None]
    return replace(records, options=replace(records.options, by=tuple(dict.fromkeys(columns))))


def _check_groups(records: Records, collapsed: Collapsed, rules: Sequence[Rule]) -> None:
    """Refuse to go on without a group all of whose rows were left out: silence is no pass."""
    if not collapsed.records.skipped:
        return
    frame = cleaned(records).frame
    for rule in rules:
        if rule.by is None:
            continue
        column = _column(records, rule)
        there = [value for value, _ in engine.count_patterns(frame, [column])]
        names = {group_name("" if value is None else value) for value in there}
        _require_groups(rule, names, collapsed.groups[column].names)


def _require_groups(rule: Rule, there: Iterable[str], judged: Iterable[str]) -> None:
    lost = sorted(set(there) - set(judged))
    if lost:
        raise DataError(
            f"rule {rule.text!r}: every row was left out for {rule.by} {listing(map(repr, lost))}, so "
            "there is nothing to judge. Mend those rows, or do not give them."
        )


def _column(records: Records, rule: Rule) -> str:
    """Find the column of a rule, by its name or its role."""
    name = str(rule.by)
    found = name if name in records.names else records.column(name) if name in ROLES else None
    if found is None:
        raise ColumnError.not_found(
            [name], records.names, fix=f"Rule {rule.text!r}: 'by' takes the name of a column."
        )
    return found


def _baseline(
    data: Any, reading: dict[str, Any], model: str | None, candidate: Records
) -> Collapsed:
    """Read the baseline and keep one model of it."""
    records = data if isinstance(data, Records) else read(data, **{**reading, "model": None})
    if records.options.taxonomy != candidate.options.taxonomy:
        raise UsageError("data and baseline are read with different taxonomies.")
    column = records.column("model")
    by = () if column is None else (column,)
    records = replace(records, options=replace(records.options, by=by))
    collapsed = collapse(records)
    if column is None:
        if model is not None:
            raise ColumnError.not_found(
                [records.options.columns["model"]],
                records.names,
                fix="A model of the baseline is named, but it has no column of models.",
            )
        return collapsed
    names = collapsed.groups[column].names
    if model is None and len(names) > 1 and candidate.options.model in names:
        model = candidate.options.model
    if model is None and len(names) > 1:
        raise UsageError(
            f"{records.source.name}, the baseline, holds several models: {listing(names)}. "
            "Name one with --baseline-model."
        )
    if model is None:
        return collapsed
    if model not in names:
        raise unknown_choice("model of the baseline", model, names)
    kept = records.frame.filter(nw.col(column).cast(nw.String) == model)
    return collapse(replace(records, frame=kept))


def _same_place(data: Any, baseline: Any) -> bool:
    paths = (str, os.PathLike)
    if isinstance(data, (list, tuple)) and len(data) == 1:
        data = data[0]
    if isinstance(data, paths) and isinstance(baseline, paths):
        return os.path.realpath(data) == os.path.realpath(baseline)
    return data is baseline


@dataclass(frozen=True, slots=True)
class _Side:
    """The candidate, by one column or not, and the baseline on the same prompts."""

    grouped: Grouped
    matching: Matching
    left_out: int
    whole: bool
    itself: str | None


class _Matched:
    """Candidate and baseline, put together once for each grouping that is asked for."""

    def __init__(
        self,
        records: Records,
        collapsed: Collapsed,
        old: Collapsed,
        same_place: bool,
        progress: Callable[[str], None],
    ) -> None:
        self.records, self.collapsed, self.old = records, collapsed, old
        self.progress = progress
        self.made: dict[str | None, _Side] = {}
        # A model that is its own baseline would pass for nothing.
        self.itself = _only_model(old) if same_place else None
        if same_place and collapsed.counts.digest() == old.counts.digest():
            raise UsageError(
                f"data and baseline are the same records of {records.source.name}. Name the models "
                "to compare: --model, --baseline-model."
            )
        for part in (records, old.records):
            if part.prompt is None:
                raise ColumnError.not_found(
                    [part.options.columns["prompt_id"]],
                    part.names,
                    fix=f"{part.source.name}: candidate and baseline are compared on the same "
                    "prompts. Name the column that identifies them: --map prompt_id=COLUMN.",
                )

    def by(self, rule: Rule) -> _Side:
        """Match the prompts for a rule."""
        column = None if rule.by is None else _column(self.records, rule)
        if column not in self.made:
            self.progress("matching prompts")
            self._check_models(rule, column)
            self.made[column] = self._match(column)
            if column is not None:
                names = (name.removeprefix(_GROUP) for name in self.made[column].grouped.names)
                _require_groups(rule, self.collapsed.groups[column].names, map(group_name, names))
        return self.made[column]

    def _check_models(self, rule: Rule, column: str | None) -> None:
        model = self.records.column("model")
        grouped = self.collapsed.groups.get(model) if model else None
        if grouped is None or column == model or len(grouped.names) < 2:
            return
        raise UsageError(
            f"rule {rule.text!r}: {self.records.source.name} holds several models "
            f"({listing(grouped.names)}), and which is the candidate? Write 'by {model}' in the rule, "
            "or name one with --model."
        )

    def _match(self, column: str | None) -> _Side:
        parts = {_CANDIDATE: self.records, _BASELINE: self.old.records}
        both = combine(parts, column=_SIDE)
        frame = both.frame
        if column is not None:
            text = nw.col(column).cast(nw.String).str.strip_chars()
            blank = text.is_null() | (text == "")
            value = nw.when(blank).then(nw.lit(NO_VALUE)).otherwise(text)
            named = nw.concat_str([nw.lit(_GROUP), value])
            is_baseline = nw.col(_SIDE) == _BASELINE
            frame = frame.with_columns(
                nw.when(is_baseline).then(nw.col(_SIDE)).otherwise(named).alias(_SIDE)
            )
        columns = Columns(**{**dict(both.options.columns), "model": _SIDE})
        options = replace(both.options, columns=columns, by=(), model=None, cluster=None)
        collapsed = collapse(replace(both, frame=frame, options=options))
        grouped = collapsed.groups[_SIDE]
        if grouped.table.clusters is None:
            raise DataError(
                f"{self.records.source.name} and the baseline, {self.old.records.source.name}, have "
                "no prompt in common. They are compared prompt by prompt: give equal prompts equal "
                "prompt_id."
            )
        left_out = sum(collapsed.records.skipped.values())
        by_model = column is not None and column == self.records.column("model")
        return _Side(
            grouped,
            Matching(grouped),
            left_out,
            whole=column is None or by_model,
            itself=f"{_GROUP}{self.itself}" if by_model and self.itself is not None else None,
        )


def _judged(
    rules: Sequence[Rule], collapsed: Collapsed, matched: _Matched | None, confidence: float
) -> list[GateResult]:
    results: list[GateResult] = []
    faults: list[str] = []
    for rule in rules:
        side = matched.by(rule) if rule.baseline and matched is not None else None
        for choice in rule.choices:
            try:
                if side is not None:
                    results += _differences(rule, choice, side, confidence)
                else:
                    results += _rates(rule, choice, collapsed, confidence)
            except DataError as error:
                faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
    return results


def _corrected(
    rules: Sequence[Rule],
    collapsed: Collapsed,
    people: Any,
    confidence: float,
    reading: dict[str, Any],
) -> GateReport:
    """Judge rules on rates corrected by people's labels."""
    seen = people if isinstance(people, Records) else read(people, **people_options(reading))
    if sampled_by(seen) is not None:
        raise UsageError(
            f"{seen.source.name} is a stratified sample. A gate needs people's labels of a plain random sample: "
            "riskshift sample without --stratify."
        )
    left_out = sum(collapsed.records.skipped.values())
    results: list[GateResult] = []
    faults: list[str] = []
    for rule in rules:
        column = None if rule.by is None else _column(collapsed.records, rule)
        doubled = double(collapsed.records, seen, by=column)
        parts = {None: doubled} if column is None else {n: doubled.only(n) for n in doubled.names}
        for choice in rule.choices:
            for name, part in parts.items():
                question = Question(rule, choice, confidence, name, left_out)
                try:
                    results.append(judge_corrected(question, part))
                except DataError as error:
                    faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
    made = _provenance(collapsed, None) | {"people": seen.source.name}
    return GateReport(tuple(results), confidence, made)


def _rates(rule: Rule, choice: Choice, collapsed: Collapsed, confidence: float) -> list[GateResult]:
    left_out = sum(collapsed.records.skipped.values())
    question = Question(rule, choice, confidence, None, left_out)
    if rule.by is None:
        return [judge_rate(question, collapsed.counts)]
    groups = collapsed.groups[_column(collapsed.records, rule)].each()
    return [judge_rate(replace(question, group=name), counts) for name, counts in groups.items()]


def _differences(rule: Rule, choice: Choice, side: _Side, confidence: float) -> list[GateResult]:
    names = side.grouped.names
    question = Question(rule, choice, confidence, None, side.left_out)
    return [
        judge_difference(
            replace(question, group=None if rule.by is None else name.removeprefix(_GROUP)),
            side.matching,
            names.index(name),
            names.index(_BASELINE),
            whole=side.whole,
        )
        for name in names
        if name not in (_BASELINE, side.itself)
    ]


def _only_model(collapsed: Collapsed) -> str | None:
    column = collapsed.records.column("model")
    names = collapsed.groups[column].names if column else ()
    return names[0] if len(names) == 1 else None


def _provenance(collapsed: Collapsed, matched: _Matched | None) -> dict[str, Any]:
    return {
        **_origin(collapsed),
        "baseline": None if matched is None else _origin(matched.old),
        "people": None,
    }


def _origin(collapsed: Collapsed) -> dict[str, Any]:
    made = provenance(collapsed.counts, collapsed.records, {})
    return {
        "source": made.source,
        "engine": made.engine,
        "data_hash": made.data_hash,
        "taxonomy": collapsed.counts.taxonomy.to_dict(),
        "records": {
            "read": made.read,
            "analyzed": collapsed.counts.total,
            "left_out": dict(made.left_out),
            "missing": dict(made.missing),
        },
        "clusters": {"column": made.cluster, "count": made.units, "repeated": made.repeated},
    }
