"""A release gate in one call: pass, fail, or not enough evidence to say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.analysis.gate.corrected import of_corrected_difference, of_corrected_rate
from riskshift.analysis.gate.degenerate import (
    IMAGINED,
    Degenerate,
    Imagined,
    imagined,
    imagined_groups,
)
from riskshift.analysis.gate.evidence import Evidence, of_difference, of_rate
from riskshift.analysis.gate.judging import judge
from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import GateReport, GateResult, LookAt
from riskshift.analysis.gate.rules import Rule, parse_rule
from riskshift.analysis.metrics import refuse_untold
from riskshift.analysis.stated.provenance import Release, Releases
from riskshift.analysis.words import printable
from riskshift.collapse.checks.sets import about_sets
from riskshift.collapse.pairs import Collapsed, collapse
from riskshift.collapse.rated.beside import tabulate_beside
from riskshift.counts.doubled import Doubled
from riskshift.counts.pairs import Counts
from riskshift.engines import engine
from riskshift.errors import DataError, UsageError, unknown_choice
from riskshift.jobs.card import Card, open_card, over_columns
from riskshift.jobs.gate.looks import Looks, read_looks, write_looks
from riskshift.jobs.gate.release import (
    BASELINE,
    Matched,
    PeopleLabels,
    Side,
    column_of,
    read_baseline,
    require_groups,
    same_place,
    with_column_of,
)
from riskshift.jobs.gate.unnamed import refuse_pooled, warnings_of
from riskshift.jobs.opening import (
    Grouping,
    opened,
    provenance,
    refuse_columns_alone,
    silent,
)
from riskshift.outputs.places import check_folder
from riskshift.records import Records
from riskshift.stats.proportion import normal_quantile
from riskshift.toml_file import read_toml

ABSENT: Final = ("missing", "drop")


def check(
    data: Any,
    rules: str | Sequence[str],
    *,
    baseline: Any = None,
    baseline_model: str | None = None,
    people: Any = None,
    baseline_people: Any = None,
    people_columns: Mapping[str, str] | None = None,
    absent: str = "missing",
    confidence: float = 0.95,
    looks: int | None = None,
    looks_file: str | Path | None = None,
    no_degenerate: bool = False,
    card: Card = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Grouping],
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
        People's labels of a sample of the same pairs, drawn at random or by strata: rules are then
        judged on rates that are corrected for the grader's errors. With a baseline, of its pairs
        too.
    baseline_people : path, data frame or Records, optional
        People's labels of the baseline's pairs, where `people` does not hold them.
    people_columns : Columns or mapping, optional
        Columns of people's files by role, where they are not those of `data`.
    absent : {"missing", "drop"}
        What a prompt is that only the candidate or only the baseline answered: one whose answer on
        the other side lacks its labels, so that it may be the worst; or left out, which is said
        with the verdict.
    confidence : float, default 0.95
        Two-sided coverage of the intervals; a gate errs on one side, with half the rest. With
        `looks`, of all looks together.
    looks : int, optional
        How often at most the gate will be judged on data that grow. Each look then asks for more
        than `confidence`, so that all of them together err no more often. Only the first look needs
        it.
    looks_file : path, optional
        Where the looks are remembered (JSON), from one to the next. Data of an earlier look are that
        look again.
    no_degenerate : bool, default False
        Fail where a model that refuses everything, or one that answers everything, would pass the
        same rules on the same prompts.
    card : path or DataCard, optional
        Where the data comes from, that of a baseline too: models, sources of prompts, who labelled.
        It changes no number.
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
        If a rule or an option cannot be honoured, or looks, rules, confidence or data are not what
        the looks so far allow.

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
    planned = _planned(looks, looks_file, rules, confidence)
    if absent not in ABSENT:
        raise unknown_choice("absent", absent, ABSENT)
    refuse_columns_alone(people, people_columns)
    if reading.get("by"):
        raise UsageError("a gate groups rule by rule: write 'escalation <= 5% by model'.")
    stated = open_card(card, people=people is not None)
    records = opened(data, reading, progress)
    if baseline_people is not None and (people is None or baseline is None):
        raise UsageError("people's labels of a baseline need a baseline, and people's labels too.")
    parsed = _parsed(rules, records, compared=baseline is not None)
    records = _grouped(records, parsed)
    collapsed = collapse(records, progress=progress)
    for rule in parsed:
        refuse_untold(rule.choices, collapsed.counts.told)
    _check_groups(records, collapsed, parsed)
    refuse_pooled(collapsed, parsed)
    old = None
    if baseline is not None:
        progress("opening the baseline")
        old = read_baseline(baseline, reading, baseline_model, records)
    elif baseline_model is not None:
        raise UsageError("a model of the baseline is named, but no baseline is given.")
    labels = None
    if people is not None:
        progress("reading people's labels")
        labels = PeopleLabels.of(
            people,
            baseline_people,
            collapsed,
            old,
            reading,
            columns=people_columns,
            narrowed=bool(records.options.model or baseline_model),
        )
    matched = None
    if old is not None:
        same = same_place(data, baseline)
        matched = Matched(collapsed, old, labels, same, progress)
    doubts = [] if labels is None else labels.doubts(collapsed, old)
    progress("judging")
    made = _provenance(collapsed, labels, matched)
    told = over_columns(stated, collapsed, *([] if matched is None else [matched.old]))
    how, look, number = _How(confidence, drop=absent == "drop"), None, 0
    if planned is not None:
        at = _held(collapsed, old, labels)
        number = planned.number(*at)
        each = planned.confidence_each
        how = replace(how, confidence=each, grows=number < planned.planned)
        look = LookAt(number, planned.planned, confidence, repeated=number <= len(planned.done))
    results = _judged(parsed, collapsed, labels, matched, how)
    unwanted = _unwanted(parsed, collapsed, matched, how)
    if planned is not None and looks_file is not None:
        write_looks(looks_file, planned.with_look(*at, {r.title: r.verdict for r in results}))
    untold = (
        *map(printable, collapsed.records.source.notes),
        *warnings_of(collapsed),
        *(() if old is None else about_sets(collapsed.records)),
        *map(printable, told.remarks),
    )
    return GateReport(
        tuple(results),
        how.confidence,
        made,
        tuple(doubts),
        look,
        untold,
        unwanted,
        no_degenerate,
        told,
    )


def read_rules(path: str | Path) -> list[str]:
    """Read rules from a TOML file: ``rules = ["escalation <= 5%", "..."]``.

    Raises
    ------
    FileError
        If the file cannot be read or is not TOML.
    UsageError
        If it has other keys or holds no rules.
    """
    found = read_toml(path, "rules")
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


def _planned(
    looks: int | None, file: str | Path | None, rules: str | Sequence[str], confidence: float
) -> Looks | None:
    """Return the looks so far, or plan them; None where there is to be one look only."""
    if file is None:
        if looks is not None:
            raise UsageError("looks are planned, but no file to remember them in: --looks-file.")
        return None
    check_folder(Path(file).parent)
    texts = [rules] if isinstance(rules, str) else list(rules)
    found = read_looks(file)
    if found is not None:
        found.same_plan(looks, texts, confidence)
        return found
    if looks is None:
        raise UsageError(f"{file} is not there yet: say how many looks there will be: --looks.")
    return Looks.plan(looks, rules=texts, confidence=confidence)


def _held(
    collapsed: Collapsed, old: Collapsed | None, labels: PeopleLabels | None
) -> tuple[dict[str, str], dict[str, int]]:
    """Say what is looked at: a hash of each part, and how much it holds."""
    sides = {"records": collapsed.counts}
    if old is not None:
        sides["baseline records"] = old.counts
    held = {
        name: (counts.digest(), counts.total, _labels(counts)) for name, counts in sides.items()
    }
    for name, doubled in () if labels is None else labels.parts(collapsed, old):
        people = doubled.people
        held[name] = people.digest(), int(people.n[doubled.labelled].sum()), _labels(people)
    hashes = {name: digest for name, (digest, _, _) in held.items()}
    sizes = {name: size for name, (_, size, _) in held.items()}
    return hashes, sizes | {f"labels of {name}": known for name, (_, _, known) in held.items()}


def _labels(counts: Counts) -> int:
    """Count the labels that are there."""
    known = (counts.prompt >= 0).sum(axis=1) + (counts.response >= 0).sum(axis=1)
    if counts.refusal is not None:
        known += counts.refusal >= 0
    return int(counts.n @ known)


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
    for rule in rules:
        records = with_column_of(records, rule)
    columns = [column_of(records, rule) for rule in rules if rule.by is not None]
    return replace(records, options=replace(records.options, by=tuple(dict.fromkeys(columns))))


def _check_groups(records: Records, collapsed: Collapsed, rules: Sequence[Rule]) -> None:
    """Refuse to go on without a group all of whose rows were left out: silence is no pass."""
    if not collapsed.records.skipped:
        return
    for rule in rules:
        if rule.by is None:
            continue
        column = column_of(records, rule)
        if records.counted is not None:
            met = records.counted.head.met.get(column, ())
            require_groups(rule, met, collapsed.groups[column].names)
            continue
        with engine.explained(records.source):
            names = engine.names(records.frame, records.at(column))
        require_groups(rule, names, collapsed.groups[column].names)


@dataclass(frozen=True, slots=True)
class _How:
    """How sure each interval is, whether further records may be judged with these, what is dropped."""

    confidence: float
    grows: bool = False
    drop: bool = False


def _judged(
    rules: Sequence[Rule],
    collapsed: Collapsed,
    labels: PeopleLabels | None,
    matched: Matched | None,
    how: _How,
) -> list[GateResult]:
    results: list[GateResult] = []
    faults: list[str] = []
    for rule in rules:
        if rule.baseline and matched is not None:
            asked = _differences(rule, matched.by(rule), labels, how)
        elif labels is not None:
            asked = _corrected_rates(rule, collapsed, labels, how)
        else:
            asked = _rates(rule, collapsed, how)
        for question, look in asked:
            try:
                results.append(judge(question, look()))
            except DataError as error:
                faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
    return results


def _unwanted(
    rules: Sequence[Rule], collapsed: Collapsed, matched: Matched | None, how: _How
) -> tuple[Degenerate, ...]:
    """Judge models that nobody wants by the same rules, on the same prompts."""
    told = collapsed.counts.told
    return tuple(
        Degenerate.judged(model, told, passes=_passes(rules, model, collapsed, matched, how))
        for model in IMAGINED
    )


def _passes(
    rules: Sequence[Rule],
    model: Imagined,
    collapsed: Collapsed,
    matched: Matched | None,
    how: _How,
) -> bool:
    groups = {name: imagined_groups(grouped, model) for name, grouped in collapsed.groups.items()}
    alone = replace(collapsed, counts=imagined(collapsed.counts, model), groups=groups)
    for rule in rules:
        if rule.baseline and matched is not None:
            side = matched.by(rule).imagined(model)
            asked = _differences(rule, side, None, how)
        else:
            asked = _rates(rule, alone, how)
        for question, look in asked:
            try:
                if judge(question, look()).verdict != "pass":
                    return False
            except DataError:  # nothing to judge is no pass
                return False
    return True


_Asked = tuple[Question, Callable[[], Evidence]]


def _questions(
    rule: Rule, groups: Iterable[str | None], left_out: int, how: _How
) -> list[Question]:
    return [
        Question(rule, choice, how.confidence, group, left_out, grows=how.grows)
        for choice in rule.choices
        for group in groups
    ]


def _rates(rule: Rule, collapsed: Collapsed, how: _How) -> list[_Asked]:
    left_out = sum(collapsed.records.skipped.values())
    counts: dict[str | None, Counts] = {None: collapsed.counts}
    if rule.by is not None:
        counts = dict(collapsed.groups[column_of(collapsed.records, rule)].each().items())
    return [
        (question, partial(of_rate, question, counts[question.group]))
        for question in _questions(rule, counts, left_out, how)
    ]


def _corrected_rates(
    rule: Rule, collapsed: Collapsed, labels: PeopleLabels, how: _How
) -> list[_Asked]:
    left_out = sum(collapsed.records.skipped.values())
    column = None if rule.by is None else column_of(collapsed.records, rule)
    doubled = tabulate_beside(labels.beside(collapsed, baseline=False), by=column)
    parts: dict[str | None, Doubled] = {None: doubled}
    if column is not None:
        parts = {name: doubled.only(name) for name in doubled.names}
    return [
        (
            question,
            partial(
                of_corrected_rate,
                question,
                parts[question.group],
                stratified_by=labels.stratified_by,
            ),
        )
        for question in _questions(rule, parts, left_out, how)
    ]


def _differences(rule: Rule, side: Side, labels: PeopleLabels | None, how: _How) -> list[_Asked]:
    names = {None if rule.by is None else side.group(name): name for name in side.candidates}
    made: list[_Asked] = []
    for question in _questions(rule, names, side.left_out, how):
        name = names[question.group]
        if labels is not None and side.doubled is not None:
            look: Callable[[], Evidence] = partial(
                of_corrected_difference,
                question,
                side.doubled,
                name,
                BASELINE,
                stratified_by=labels.stratified_by,
                whole=side.whole,
                drop=how.drop,
            )
        else:
            at = side.grouped.names.index
            pair = at(name), at(BASELINE)
            look = partial(
                of_difference, question, side.matching, *pair, whole=side.whole, drop=how.drop
            )
        made.append((question, look))
    return made


def _provenance(
    collapsed: Collapsed, labels: PeopleLabels | None, matched: Matched | None
) -> dict[str, Any]:
    return Releases(
        candidate=_origin(collapsed),
        baseline=None if matched is None else _origin(matched.old),
        people=None if labels is None else labels.source,
    ).to_dict()


def _origin(collapsed: Collapsed) -> Release:
    made = provenance(collapsed.counts, collapsed.records, {})
    return Release(made, collapsed.counts.taxonomy)
