"""Candidate and baseline of a release gate, prompt by prompt, and people's labels of both."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import narwhals.stable.v2 as nw

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.correction.sample import doubts_about
from riskshift.analysis.gate.degenerate import Imagined, imagined_groups
from riskshift.analysis.gate.rules import Rule
from riskshift.collapse.checks.placeholders import refuse_placeholders
from riskshift.collapse.crossing import cross
from riskshift.collapse.pairs import Collapsed, collapse
from riskshift.collapse.purposes import PAIRS
from riskshift.collapse.rated.beside import (
    Beside,
    check_shared,
    drawing_of,
    set_beside,
    tabulate_beside,
)
from riskshift.counts.adding import added
from riskshift.counts.doubled import Doubled, Drawing
from riskshift.counts.head import NO_IDS
from riskshift.counts.pairs import Grouped, group_name
from riskshift.counts.saved import Saved
from riskshift.crossing import crossed_columns
from riskshift.engines import engine
from riskshift.errors import ColumnError, DataError, UsageError, listing, unknown_choice
from riskshift.jobs.opening import Grouping, Reading, bound, looked, read_people, silent
from riskshift.reading import combine
from riskshift.reading.counts import holds_counts
from riskshift.records import ROLES, Columns, Records, stripped

CANDIDATE: Final = "candidate"
BASELINE: Final = "baseline"
_SIDE: Final = "riskshift_side"
_GROUP: Final = "group: "  # no value of a column can then be mistaken for the baseline


def column_of(records: Records, rule: Rule) -> str:
    """Find the column of a rule, by its name or its role."""
    name = str(rule.by)
    found = name if name in records.names else records.column(name) if name in ROLES else None
    if found is None:
        records.require([name], fix=f"Rule {rule.text!r}: 'by' takes the name of a column.")
    return found or name


def with_column_of(records: Records, rule: Rule) -> Records:
    """Add the column of a rule that asks for several columns crossed, by their names or roles."""
    if records.counted is not None:  # what is crossed was crossed when it was collapsed
        return records
    roles = {role: records.column(role) or role for role in ROLES}
    known = {role: column for role, column in roles.items() if column in records.columns}
    known |= {column: column for column in records.columns}
    named = () if rule.by is None else crossed_columns(rule.by, known)
    if len(named) < 2:
        return records
    return cross(records, str(rule.by), [known.get(name, name) for name in named])


def require_groups(rule: Rule, there: Iterable[str], judged: Iterable[str]) -> None:
    """Refuse to go on if a group that is there is not judged: silence is no pass."""
    lost = sorted(set(there) - set(judged))
    if lost:
        raise DataError(
            f"rule {rule.text!r}: every row was left out for {rule.by} {listing(map(repr, lost))}, so "
            "there is nothing to judge. Mend those rows, or do not give them."
        )


def read_baseline(data: Any, reading: Reading, model: str | None, candidate: Records) -> Collapsed:
    """Read the baseline and keep one model of it."""
    taxonomy = reading.get("taxonomy") or candidate.options.taxonomy
    every: Reading = {**reading, "model": None, "taxonomy": taxonomy}
    if isinstance(data, Records):
        records = data
    else:
        found = looked(data, every, silent)
        _refuse_half(candidate, counts=holds_counts(found))
        records = bound(found, cast("Grouping", every) if candidate.counted is None else {}, PAIRS)
    if records.options.taxonomy != candidate.options.taxonomy:
        raise UsageError("data and baseline are read with different taxonomies.")
    column = records.column("model")
    by = () if column is None else (column,)
    collapsed = collapse(replace(records, options=replace(records.options, by=by)))
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
    return collapsed.only(column, model)


def _refuse_half(candidate: Records, *, counts: bool) -> None:
    """Refuse counts beside pairs: they are matched as what they are."""
    if counts != (candidate.counted is not None):
        told = (
            "the baseline holds counts and the data do not"
            if counts
            else "the data hold counts and the baseline does not"
        )
        raise UsageError(
            f"{told}. Collapse both, or give the pairs of both: riskshift collapse FILE -o FILE.counts."
        )


def same_place(data: Any, baseline: Any) -> bool:
    """Tell whether both are the same file or object."""
    paths = (str, os.PathLike)
    if isinstance(data, (list, tuple)) and len(data) == 1:
        data = data[0]
    if isinstance(data, paths) and isinstance(baseline, paths):
        return os.path.realpath(data) == os.path.realpath(baseline)
    return data is baseline


@dataclass(frozen=True, slots=True)
class PeopleLabels:
    """People's labels of the candidate's pairs, and of the baseline's where there is one.

    Parameters
    ----------
    candidate : Collapsed
        People's labels; `shared` says that some may be of the baseline's pairs.
    baseline : Collapsed or None
        People's labels of the baseline's pairs; None without a baseline.
    shared : bool
        Whether both are the same records.
    drawings : tuple of Drawing
        How both samples were drawn; once, where they are the same.
    joined : dict of bool to Beside
        What `beside` has put together: the candidate's, and, by True, the baseline's.
    """

    candidate: Collapsed
    baseline: Collapsed | None
    shared: bool
    drawings: tuple[Drawing, ...]
    joined: dict[bool, Beside] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        people: Any,
        baseline_people: Any,
        candidate: Collapsed,
        baseline: Collapsed | None,
        reading: Reading,
        *,
        columns: Mapping[str, str] | None = None,
        narrowed: bool = False,
    ) -> "PeopleLabels":
        """Read people's labels, and refuse such as are nobody's or could be of either side.

        `columns` are those of people's files by role, where they are not the grader's. `narrowed`
        says that models were named: people's labels of others are then passed over.

        Raises
        ------
        DataError
            If they cannot be read, or some are of no pair, or of one on either side.
        UsageError
            If the samples were drawn in different ways.
        """
        named = reading.get("model")
        if baseline is None:
            seen = collapse(
                read_people(people, reading, like=candidate.records, model=named, columns=columns)
            )
            return cls(seen, None, False, (drawing_of(seen.records),))
        if baseline_people is None:
            read = read_people(people, reading, like=candidate.records, columns=columns)
            seen = collapse(_of_models(read, [candidate, baseline]) if narrowed else read)
            check_shared(seen, candidate, baseline)
            return cls(seen, seen, True, (drawing_of(seen.records),))
        seen = collapse(
            read_people(people, reading, like=candidate.records, model=named, columns=columns)
        )
        read = read_people(baseline_people, reading, like=baseline.records, columns=columns)
        other = collapse(_of_models(read, [baseline]) if narrowed else read)
        drawings = drawing_of(seen.records), drawing_of(other.records)
        metrics = [drawing.metric for drawing in drawings]
        if metrics[0] != metrics[1]:
            told = " and ".join(metric or "a plain random sample" for metric in metrics)
            names = " and ".join(part.records.source.name for part in (seen, other))
            raise UsageError(
                f"{names} were drawn in different ways ({told}), so they cannot be "
                "compared. Draw both alike."
            )
        return cls(seen, other, False, drawings)

    @property
    def stratified_by(self) -> str | None:
        """The metric by which the samples were drawn; None for plain random samples."""
        return self.drawings[0].metric

    def doubts(self, candidate: Collapsed, baseline: Collapsed | None) -> list[str]:
        """Say what in the labels does not fit how they were drawn.

        Raises
        ------
        DataError
            If strata were drawn by other labels than the grader's here.
        """
        parts = [part for _, part in self.parts(candidate, baseline)]
        if len(self.drawings) == 1:
            return doubts_about(parts, self.drawings[0], source=self.source)
        return [
            doubt
            for part, drawing, source in zip(parts, self.drawings, self._sources(), strict=True)
            for doubt in doubts_about([part], drawing, source=source)
        ]

    def parts(
        self, candidate: Collapsed, baseline: Collapsed | None
    ) -> Iterator[tuple[str, Doubled]]:
        """Yield them beside each side's graded records, with what to call them."""
        beside = self.beside(candidate, baseline=False)
        yield "records labelled by people", tabulate_beside(beside)
        if baseline is not None:
            beside = self.beside(baseline, baseline=True)
            yield "baseline records labelled by people", tabulate_beside(beside)

    @property
    def source(self) -> str:
        """What to call the labels."""
        return " and ".join(dict.fromkeys(self._sources()))

    def _sources(self) -> list[str]:
        parts = (self.candidate, self.baseline)
        return [part.records.source.name for part in parts if part is not None]

    def beside(self, graded: Collapsed, *, baseline: bool) -> Beside:
        """Put them beside one side's graded records, row by row; once."""
        if baseline not in self.joined:
            seen = self.baseline if baseline and self.baseline is not None else self.candidate
            self.joined[baseline] = set_beside(graded, seen, elsewhere=self.shared)
        return self.joined[baseline]


@dataclass(frozen=True, slots=True)
class Side:
    """The candidate, by one column or not, and the baseline on the same prompts.

    Parameters
    ----------
    grouped : Grouped
        The counts of both, by side.
    matching : Matching
        The same, prompt by prompt.
    doubled : Doubled or None
        The same with people's labels, where there are any.
    left_out : int
        Rows left out in reading.
    whole : bool
        Whether a group of the candidate is meant to cover all of the baseline's prompts.
    itself : frozenset of str
        The groups that are the baseline itself.
    """

    grouped: Grouped
    matching: Matching
    doubled: Doubled | None
    left_out: int
    whole: bool
    itself: frozenset[str]

    @property
    def candidates(self) -> list[str]:
        """The groups that are compared with the baseline."""
        return [name for name in self.grouped.names if name != BASELINE and name not in self.itself]

    def imagined(self, model: Imagined) -> "Side":
        """Let the candidate's prompts be answered by a model that nobody wants."""
        mine = self.grouped.group != self.grouped.names.index(BASELINE)
        grouped = imagined_groups(self.grouped, model, mine)
        return replace(self, grouped=grouped, matching=Matching(grouped), doubled=None)

    def group(self, name: str) -> str:
        """Return the value of the rule's column that a group stands for."""
        return name.removeprefix(_GROUP)


class Matched:
    """Candidate and baseline, put together once for each grouping that is asked for."""

    def __init__(
        self,
        collapsed: Collapsed,
        old: Collapsed,
        labels: PeopleLabels | None,
        same_place: bool,
        progress: Callable[[str], None],
    ) -> None:
        self.collapsed, self.old, self.labels = collapsed, old, labels
        self.records = records = collapsed.records
        self.progress = progress
        self.made: dict[str | None, Side] = {}
        # A model that is its own baseline would pass for nothing.
        self.itself = _only_model(old) if same_place else None
        if same_place and collapsed.counts.digest() == old.counts.digest():
            raise UsageError(
                f"data and baseline are the same records of {records.source.name}. Name the models "
                "to compare: --model, --baseline-model."
            )
        refuse_placeholders(records, old.records)
        for part in (records, old.records):
            if part.prompt is None:
                raise ColumnError.not_found(
                    [part.options.columns["prompt_id"]],
                    part.names,
                    fix=f"{part.source.name}: candidate and baseline are compared on the same "
                    "prompts. Name the column that identifies them: --map prompt_id=COLUMN.",
                )

    def by(self, rule: Rule) -> Side:
        """Match the prompts for a rule."""
        column = None if rule.by is None else column_of(self.records, rule)
        if column not in self.made:
            self.progress("matching prompts")
            self.made[column] = self._match(column)
            if column is not None:
                side = self.made[column]
                names = (group_name(side.group(name)) for name in side.grouped.names)
                require_groups(rule, self.collapsed.groups[column].names, names)
        return self.made[column]

    def _match(self, column: str | None) -> Side:
        if self.records.counted is not None and self.old.records.counted is not None:
            saved = self._of_counts(self.records.counted, self.old.records.counted, column)
            return self._side(column, saved.grouped(_SIDE, by_prompt=True), saved.head.left_out)
        parts = {CANDIDATE: self.records, BASELINE: self.old.records}
        beside = None
        if self.labels is not None:
            beside = self.labels.beside(self.collapsed, baseline=False)
            other = self.labels.beside(self.old, baseline=True)
            parts = {CANDIDATE: beside.records, BASELINE: other.records}
        side = _SIDE
        while any(side in part.names for part in parts.values()):
            side += "_"
        both = combine(parts, column=side)
        frame, own = both.frame, both.at(side)
        if column is not None:
            named = nw.concat_str([nw.lit(_GROUP), engine.named(both.at(column))])
            is_baseline = nw.col(own) == BASELINE
            frame = frame.with_columns(
                nw.when(is_baseline).then(nw.col(own)).otherwise(named).alias(own)
            )
        columns = Columns(**{**dict(both.options.columns), "model": side})
        options = replace(both.options, columns=columns, by=(), model=None, cluster=both.prompt)
        collapsed = collapse(replace(both, frame=frame, options=options, all_kinds=True))
        doubled = None
        if beside is not None:
            both_sides = Beside(collapsed.records, collapsed.keys, beside.people)
            doubled = tabulate_beside(both_sides, by=side)
        return self._side(column, collapsed.groups[side], collapsed.records.skipped, doubled)

    def _of_counts(self, mine: Saved, theirs: Saved, column: str | None) -> Saved:
        """Put counts that were saved together, as the records are."""
        if NO_IDS in (mine.head.ids, theirs.head.ids):
            raise DataError(
                "counts without ids cannot be matched prompt by prompt: collapse both without --prompts-apart."
            )
        names = [CANDIDATE] * len(mine.n)
        if column is not None:
            names = [f"{_GROUP}{name}" for name in mine.names_of_patterns(column)]
        parts = (mine.as_side(_SIDE, names), theirs.as_side(_SIDE, [BASELINE] * len(theirs.n)))
        sources = (self.records.source.name, f"{self.old.records.source.name}, the baseline")
        return added(dict(zip(sources, parts, strict=True)))

    def _side(
        self,
        column: str | None,
        grouped: Grouped,
        skipped: Mapping[str, int],
        doubled: Doubled | None = None,
    ) -> Side:
        if grouped.table.clusters is None:
            raise DataError(
                f"{self.records.source.name} and the baseline, {self.old.records.source.name}, have "
                "no prompt in common. They are compared prompt by prompt: give equal prompts equal "
                "prompt_id."
            )
        by_model = column is not None and column == self.records.column("model")
        return Side(
            grouped,
            Matching(grouped),
            doubled,
            sum(skipped.values()),
            whole=column is None or by_model,
            itself=self._itself(column),
        )

    def _itself(self, column: str | None) -> frozenset[str]:
        """Find the groups of the candidate whose records are all the baseline's."""
        model = self.records.column("model")
        if column is None or model is None or self.itself is None:
            return frozenset()
        both = self.collapsed.together(column, model)
        others = {group for group, name in both if name != self.itself}
        return frozenset(f"{_GROUP}{group}" for group, _ in both if group not in others)


def _of_models(people: Records, graded: Sequence[Collapsed]) -> Records:
    """Keep people's labels of the models that are judged, where all data tell models apart."""
    column = people.column("model")
    columns = [part.records.column("model") for part in graded]
    if column is None or None in columns:
        return people
    names = [
        value
        for part, own in zip(graded, columns, strict=True)
        for value, _ in engine.count_patterns(part.records.frame, [part.records.at(str(own))])
    ]
    named = stripped(people.col(column).cast(nw.String))
    kept = people.frame.filter(named.is_in([str(name).strip() for name in names]))
    return replace(people, frame=kept)


def _only_model(collapsed: Collapsed) -> str | None:
    column = collapsed.records.column("model")
    names = collapsed.groups[column].names if column else ()
    return names[0] if len(names) == 1 else None
