"""Records: labelled (prompt, response) pairs, still in their engine, with the roles of their columns."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from riskshift.counts.saved import Saved
from riskshift.crossing import crossed_columns, cut
from riskshift.errors import (
    ColumnError,
    DataError,
    RiskshiftWarning,
    UsageError,
    listing,
    unknown_choice,
)
from riskshift.taxonomy import SIDES, LevelParser, Taxonomy, check_scale, level_parser
from riskshift.written import BAD, MISSING, as_mark

ROLES = (
    "prompt_id",
    "model",
    "prompt",
    "response",
    "relevance",
    "prompt_benign",
    "record_id",
    "sample",
    "conversation_id",
    "turn",
    "annotator",
    "refusal",
    "set",
    "source",
)
# Of these the columns tell rows apart or name who is meant: spaces around the values mean nothing.
NAMING = (
    "prompt_id",
    "model",
    "record_id",
    "sample",
    "conversation_id",
    "turn",
    "annotator",
    "set",
)
# What str.strip() takes off, spelt out because engines differ in what they take for a blank.
BLANKS = "".join(chr(at) for at in range(0x3001) if chr(at).isspace())
_AROUND = f"^[{BLANKS}]+|[{BLANKS}]+$"
# Columns of ours for the labels of a side that the data has not.
_ABSENT = "absent"
# Between the name of a column of labels and whose they are.
RATER = "@"
PROMPT_LABELS = ("per-prompt", "per-row")


def stripped(text: nw.Expr) -> nw.Expr:
    """Take the spaces off that stand around a text, the same in every engine."""
    # An engine's own function for it may be slow: DuckDB's takes ten times as long as this.
    return text.str.replace_all(_AROUND, "")


class Columns(Mapping[str, str]):
    """Which column plays which role, where its name is not the role's own.

    Parameters
    ----------
    **roles : str
        Column names by role: ``prompt_id``, ``model``, ``prompt``, ``response``, ``relevance``,
        ``prompt_benign``, ``record_id``, ``sample``, ``conversation_id``, ``turn``, ``annotator``,
        ``refusal``, ``set``, ``source``, and ``prompt_<category>`` and ``response_<category>`` for
        the labels.

    Examples
    --------
    >>> columns = Columns(prompt_id="uid", response_hate="out_hate")
    >>> columns["prompt_id"], columns["model"]
    ('uid', 'model')
    """

    def __init__(self, **roles: str) -> None:
        self._named = dict(roles)

    @classmethod
    def of(cls, given: Mapping[str, str] | None) -> "Columns":
        """Return columns as they are, and make them of any other mapping or of nothing."""
        return given if isinstance(given, Columns) else cls(**(given or {}))

    def __getitem__(self, role: str) -> str:
        return self._named.get(role, role)

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __repr__(self) -> str:
        return f"Columns({', '.join(f'{role}={name!r}' for role, name in self._named.items())})"


class Source(Protocol):
    """Where records come from, for messages that say where a fault stands."""

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        ...

    @property
    def engine(self) -> str:
        """The engine that holds the rows."""
        ...

    @property
    def listing(self) -> str:
        """The same, and what was found beside the data and not read."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What the data do not say, where a tool wrote them, for whoever reads the result."""
        ...

    @property
    def facts(self) -> Mapping[str, Sequence[Any]]:
        """What the data know of how they were made, by name: ``log``, ``date``, a setting."""
        ...

    def check_unchanged(self) -> None:
        """Refuse data that is not what it was when it was opened."""
        ...

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say where the first row with each value stands, by the value's text."""
        ...

    def explain(self, message: str) -> DataError:
        """Turn what the engine could not read into a message that helps."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Rows whose columns bear our own names, so that no engine has to understand the user's.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows, in the engine they came in; columns are called ``c0``, ``c1``, ...
    columns : mapping of str to str
        By the user's name of a column its name in the frame. Columns without a name, or with that
        of another, are not among them.
    shared : tuple of str
        Names that several columns have, so that none is meant, as they stand.
    """

    frame: nw.LazyFrame[Any]
    columns: Mapping[str, str]
    shared: tuple[str, ...] = ()

    @classmethod
    def named(cls, frame: nw.LazyFrame[Any], names: Sequence[str]) -> "Held":
        """Say what the columns of a frame, which are called as by `own_names`, are called by the user."""
        own = own_names(len(names))
        columns, shared = by_name(names)
        return cls(frame, {name: own[at] for name, at in columns.items()}, shared)


def own_names(n: int) -> list[str]:
    """Return names of columns that every engine understands, and none for anything else."""
    return [f"c{at}" for at in range(n)]


def by_name(names: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return where each column that has a name of its own stands, and names that several share.

    Names that differ in case alone are equal, in every format and engine.

    Examples
    --------
    >>> by_name(["id", "", "note", "Note"])
    ({'id': 0}, ('note', 'Note'))
    """
    told = [name for name in names if name.strip()]
    times = Counter(name.casefold() for name in told)
    shared = tuple(name for name in told if times[name.casefold()] > 1)
    places = {name: at for at, name in enumerate(names) if name.strip() and name not in shared}
    return places, shared


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows whose column holds a value, as text.

    Parameters
    ----------
    column : str
        By the user's name.
    value : str
        As it is written, without spaces around; empty where nothing stands.

    Examples
    --------
    >>> Condition.of("axis=harm"), str(Condition.of("axis = harm"))
    (Condition(column='axis', value='harm'), 'axis = harm')
    """

    column: str
    value: str

    @classmethod
    def of(cls, text: str) -> "Condition":
        """Read ``COLUMN=VALUE``.

        Raises
        ------
        UsageError
            If there is no ``=``, or nothing before it.
        """
        column, equals, value = text.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"{text!r}: write it as COLUMN=VALUE, such as language=en.")
        return cls(column.strip(), value.strip())

    def __str__(self) -> str:
        return f"{self.column} = {self.value}" if self.value else f"{self.column} is empty"


@dataclass(frozen=True, slots=True)
class Options:
    """How to read the columns; the same for files and frames.

    Parameters
    ----------
    taxonomy : Taxonomy
        Categories and levels.
    columns : Columns
        Roles of columns with other names.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How labels are written; None accepts severities and level names.
    by : sequence of str
        Columns to group by, each a grouping of its own; ``"A x B"`` is two of them crossed.
    model : str, optional
        Keep only this model's records.
    cluster : str, optional
        Column whose equal values share their luck; default: the set, else the prompt.
    prompt_labels : {"per-prompt", "per-row"}
        Whether the labels of one prompt must agree across its records.
    skip_bad : bool
        Leave rows with faults out and count them, instead of stopping.
    missing : sequence of str
        What stands where there is no label, such as ``"-1"`` or ``"ERROR"``, beside what always
        says so: nothing, NaN, null and NA.
    by_people : bool
        Whether these are people's labels of pairs that a grader labels in a file of its own: level
        names may then stand beside the numbers of a scale, and no row is left out.
    invert : sequence of str
        Labels whose numbers, true and false count down to harm, by column, role or category.
    where : sequence of Condition
        Only the rows that meet all of these are meant.
    leave_out : sequence of Condition
        Rows that meet one of these are left out and counted.
    categories_in : mapping of str to str
        By side the column that holds the labels of all its categories, as a list or an object.
    categories_met : bool
        Whether the taxonomy is of the categories that such columns hold; the given one is none.
    """

    taxonomy: Taxonomy = field(default_factory=Taxonomy)
    columns: Columns = field(default_factory=Columns)
    scale: str | None = None
    by: tuple[str, ...] = ()
    model: str | None = None
    cluster: str | None = None
    prompt_labels: str = "per-prompt"
    skip_bad: bool = False
    missing: tuple[str, ...] = ()
    by_people: bool = False
    invert: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    leave_out: tuple[Condition, ...] = ()
    categories_in: Mapping[str, str] = field(default_factory=dict)
    categories_met: bool = False

    def __post_init__(self) -> None:
        check_scale(self.scale, self.taxonomy)
        for side in self.categories_in:
            if side not in SIDES:
                raise unknown_choice("side of categories_in", side, SIDES)
        known = (*ROLES, *(name for pair in label_roles(self.taxonomy) for name in pair))
        for role in self.columns:
            label, rater, name = role.partition(RATER)
            rated = label in known and (label == "refusal" or label not in ROLES)
            own = rater and name and rated
            if role not in known and not own:
                raise unknown_choice("role", role, known)
        if self.prompt_labels not in PROMPT_LABELS:
            raise unknown_choice("prompt_labels", self.prompt_labels, PROMPT_LABELS)
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"by names a column twice: {listing(self.by)}.")
        labels = [role for pair in label_roles(self.taxonomy) for role in pair]
        choices = [*labels, *self.taxonomy.categories, *(self.columns[role] for role in labels)]
        for name in self.invert:
            if name not in choices:
                raise unknown_choice("invert", name, list(dict.fromkeys(choices)))
        parse = level_parser(self.taxonomy, self.scale)
        for mark in self.missing:
            if parse(mark) >= 0:
                raise UsageError(
                    f"missing {mark!r} is a label: {self.taxonomy.levels[parse(mark)]}. It cannot also say that there "
                    "is none."
                )

    def parser(self, role: str) -> LevelParser:
        """Return what reads the labels of a role, such as ``response_hate``."""
        category = role.partition("_")[2]
        inverted = not {role, category, self.columns[role]}.isdisjoint(self.invert)
        return level_parser(
            self.taxonomy,
            self.scale,
            also_names=self.by_people,
            inverted=inverted,
            marks=map(as_mark, self.missing),
        )

    def marked(self, parse: Callable[[object], int]) -> Callable[[object], int]:
        """Let the declared marks say that a value is missing, where they are no values."""
        marks = {as_mark(mark) for mark in self.missing}

        def read(value: object) -> int:
            found = parse(value)
            return MISSING if found == BAD and as_mark(value) in marks else found

        return read if marks else parse

    def uses(self, column: str) -> bool:
        """Tell whether a column has a role, groups, or holds the labels of one rater."""
        roles = (*ROLES, *(role for pair in label_roles(self.taxonomy) for role in pair))
        groupings = {*self.by, *(part for by in self.by for part in cut(by))}
        named = {*(self.columns[role] for role in roles), *groupings, self.cluster}
        named |= set(self.categories_in.values())
        return column in named or column.partition(RATER)[0] in named


@dataclass(frozen=True, slots=True)
class Records:
    """Pairs bound to their roles; nothing has been computed yet.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows, in the engine they came in, under our own names: see `at`.
    columns : mapping of str to str
        By the user's name of a column its name in the frame.
    options : Options
        How to read them.
    source : Source
        Where they come from.
    skipped : mapping of str to int
        Rows left out so far, by reason.
    placeholders : int
        Rows whose prompt's text is a placeholder, where texts tell prompts apart.
    models : narwhals.LazyFrame or None
        The model of every row, where only the rows of one are kept: for the message if it has none.
    all_kinds : bool
        Whether every kind of cluster is kept, however many: what is matched or counted in prompts needs it.
    counted : Saved or None
        What is left of the rows, where they were collapsed earlier and are not here.
    """

    frame: nw.LazyFrame[Any] = field(repr=False)  # engines print rows, and rows hold texts
    columns: Mapping[str, str]
    options: Options
    source: Source = field(repr=False)
    skipped: Mapping[str, int] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    placeholders: int = 0
    models: nw.LazyFrame[Any] | None = field(default=None, repr=False)
    all_kinds: bool = False
    counted: Saved | None = field(default=None, repr=False)

    def column(self, role: str) -> str | None:
        """Return the column that plays `role`, by the user's name, or None if the data has none."""
        name = self.options.columns[role]
        return name if name in self.columns else None

    @property
    def names(self) -> list[str]:
        """The user's names of all columns that have one of their own."""
        return list(self.columns)

    def at(self, column: str) -> str:
        """Return the name in the frame of a column that the user calls `column`."""
        return self.columns[column]

    def col(self, column: str) -> nw.Expr:
        """Return the values of a column that the user calls `column`."""
        return nw.col(self.columns[column])

    def require(self, wanted: Iterable[str], *, fix: str) -> None:
        """Refuse to go on without some columns, by the user's names.

        Raises
        ------
        ColumnError
            If one is not there, or several bear its name.
        """
        missing = [name for name in wanted if name not in self.columns]
        for name in missing:
            twins = [other for other in self.shared if other.casefold() == name.casefold()]
            if name in twins:
                raise ColumnError(
                    f"{self.source.name}: two columns are called {twins[0]!r} and {twins[1]!r}; names must differ by "
                    "more than case."
                )
        if missing:
            raise ColumnError.not_found(missing, self.names, fix=fix)

    def with_own(self, column: str, values: nw.Expr) -> tuple["Records", str]:
        """Add a column of ours that may play a role.

        Returns
        -------
        Records
            With the column.
        str
            What it is called there: `column`, or that and a mark if the user has such a column.
        """
        while column in self.columns:
            column += "_"
        frame = self.frame.with_columns(values.alias(column))
        return replace(self, frame=frame, columns={**self.columns, column: column}), column

    def mapped(self, role: str) -> bool:
        """Tell whether a role was given a column by name."""
        return role in list(self.options.columns)

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Columns of the labels, (prompt side, response side) for each category."""
        columns = self.options.columns
        return [(columns[p], columns[r]) for p, r in label_roles(self.options.taxonomy)]

    @property
    def absent(self) -> frozenset[str]:
        """Columns of labels that stand for a side which the data has not."""
        return frozenset(name for name, own in self.columns.items() if own.startswith(_ABSENT))

    @property
    def prompt(self) -> str | None:
        """Column that tells prompts apart: the id, else the text; None if each row is its own."""
        return self.column("prompt_id") or self.column("prompt")

    @property
    def sets(self) -> str | None:
        """Column that tells which prompts belong together; None if the data does not say."""
        return self.column("set")

    @property
    def cluster(self) -> str | None:
        """Column whose equal values are not independent."""
        return self.options.cluster or self.sets or self.prompt

    @property
    def in_sets(self) -> bool:
        """Whether sets of prompts are what is independent."""
        return self.sets is not None and self.cluster == self.sets

    def by_prompt(self) -> "Records":
        """Return them with the prompt for the cluster, for what is matched prompt by prompt."""
        options = replace(self.options, cluster=self.prompt)
        return replace(self, options=options, all_kinds=True)

    def only(self, condition: nw.Expr) -> "Records":
        """Keep the rows that are meant; the others are none of these records."""
        return replace(self, frame=self.frame.filter(condition))

    def where(self, condition: nw.Expr, *, reason: str, rows: int) -> "Records":
        """Keep the rows that meet a condition and remember how many were left out, and why."""
        skipped = {**self.skipped, reason: self.skipped.get(reason, 0) + rows}
        return replace(self, frame=self.frame.filter(condition), skipped=skipped)


class NoRows:
    """Stands for the rows of counts that were saved: whoever asks it anything is told what is missing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, question: str) -> Any:
        raise UsageError(
            f"{self._name}: counts were saved, and this needs the pairs themselves. Give the data that were collapsed. "
            "Counts are enough for riskshift analyze, compare and check, without people's labels."
        )


@dataclass(frozen=True, slots=True)
class Purpose:
    """What rows are read for: how their columns are bound, and their labels checked.

    Engines give rows in any order unless it is wanted `in_order` of the files.
    """

    bind: Callable[..., Records]
    check: Callable[[Records], object]
    in_order: bool = False


def label_roles(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Return the label roles of each category, prompt side first."""
    return [(f"{SIDES[0]}_{name}", f"{SIDES[1]}_{name}") for name in taxonomy.categories]


def bind(
    held: Held,
    *,
    options: Options,
    source: Source,
    skipped: Mapping[str, int] | None = None,
) -> Records:
    """Check that every needed column is there and bind columns to roles.

    Raises
    ------
    ColumnError
        If a label column, a mapped column or a grouping column is missing.
    DataError
        If the data has several raters a pair.
    """
    records = assemble(
        with_both_sides(held, options), options=options, source=source, skipped=skipped
    )
    _refuse_raters(options)
    roles = [role for pair in label_roles(options.taxonomy) for role in pair]
    fix = f"{source.name} must have a prompt_ and a response_ column for each category, or those of one side alone. "
    if options.by_people:
        fix += f"Rename its columns: {listing(roles)}."
    else:
        fix += (
            f"Map other names with --map {roles[0]}=COLUMN, or name other categories with "
            f"--taxonomy FILE{_other_categories(records)}."
        )
    records.require([name for pair in records.labels for name in pair], fix=fix)
    require_mapped(records)
    annotator = records.column("annotator")
    if annotator:
        raise DataError(
            f"{source.name} has several raters a pair (column {annotator!r}); rates need one label a "
            "pair. Measure and resolve their agreement first: riskshift agree."
        )
    return records


def _refuse_raters(options: Options) -> None:
    """Refuse labels that are mapped for raters of their own."""
    raters = [role for role in options.columns if RATER in role]
    if raters:
        raise UsageError(
            f"role {raters[0]!r} is one rater's label; rates need one label a pair. Measure and resolve the raters' "
            "agreement first: riskshift agree."
        )


def with_both_sides(held: Held, options: Options) -> Held:
    """Give data that label one side alone the other's columns, whose labels are then all missing.

    One column of a side, one that is mapped, or one that is called nearly like it means that the
    side is there: what is not found then is a fault.
    """
    names = [*held.columns, *held.shared]
    sides = list(zip(*label_roles(options.taxonomy), strict=True))
    there = [{options.columns[role] for role in side} & set(names) for side in sides]
    for at, side in enumerate(sides):
        columns = [options.columns[role] for role in side]
        whole = len(there[1 - at]) == len(side)
        mapped = not options.by_people and not set(side).isdisjoint(list(options.columns))
        if not there[at] and whole and not mapped and not _misspelt(columns, names, options):
            own = {name: f"{_ABSENT}{position}" for position, name in enumerate(columns)}
            missing = nw.lit(None, nw.String)
            frame = held.frame.with_columns(*(missing.alias(name) for name in own.values()))
            return replace(held, frame=frame, columns={**held.columns, **own})
    return held


def _misspelt(columns: Sequence[str], names: Sequence[str], options: Options) -> bool:
    """Tell whether a column is called nearly like one of those that are looked for."""
    roles = (*ROLES, *(role for pair in label_roles(options.taxonomy) for role in pair))
    known = {options.columns[role] for role in roles}
    others = [name.casefold() for name in names if name not in known]
    return any(get_close_matches(name.casefold(), others, n=1, cutoff=0.8) for name in columns)


def bind_people(
    held: Held,
    *,
    options: Options,
    source: Source,
    skipped: Mapping[str, int] | None = None,
) -> Records:
    """Bind people's labels of pairs that are mapped as the grader's are, as far as they can be.

    A role whose mapped column is not there plays under its own name, and level names may stand for
    the numbers of a scale, as in files that riskshift writes. Of the roles that are no labels
    people's file needs none.

    Raises
    ------
    ColumnError
        If a label column is missing.
    DataError
        If the data has several raters a pair.
    """
    names = held.columns
    labels = {role for pair in label_roles(options.taxonomy) for role in pair}
    columns = {
        role: column
        for role, column in dict(options.columns).items()
        if column in names or (role in labels and role not in names)
    }
    # Under its own name a label is as riskshift writes it, so only the grader's column is inverted.
    invert = [
        role
        for role in labels
        if options.parser(role).inverted and (columns.get(role, role) == options.columns[role])
    ]
    theirs = replace(options, columns=Columns(**columns), by_people=True, invert=tuple(invert))
    return bind(held, options=theirs, source=source, skipped=skipped)


def assemble(
    held: Held,
    *,
    options: Options,
    source: Source,
    skipped: Mapping[str, int] | None = None,
) -> Records:
    """Bind columns to roles, whatever labels there are.

    Raises
    ------
    ColumnError
        If a grouping column, the cluster or the models are missing.
    UsageError
        If two labels are mapped to one column.
    """
    records = Records(held.frame, held.columns, options, source, dict(skipped or {}), held.shared)
    names = records.names
    _refuse_shared(records)
    # A role whose column has a twin must not pass for one that has none.
    roles = (*ROLES, *(role for pair in label_roles(options.taxonomy) for role in pair))
    records.require(
        (options.columns[role] for role in roles if options.columns[role] in held.shared), fix=""
    )
    groupings = [name for by in options.by for name in crossed_columns(by, names)]
    records.require(groupings, fix="--by takes the name of a column, or of several: 'A x B'.")
    records.require(
        [options.cluster] if options.cluster else [], fix="--cluster takes the name of a column."
    )
    if "weight" in names and "weight" not in groupings:
        warnings.warn(
            f"{source.name} has a column 'weight': sampling weights are not supported, and every "
            "record counts the same.",
            RiskshiftWarning,
            stacklevel=4,
        )
    return records if options.model is None else _only_model(records, options.model)


def _other_categories(records: Records) -> str:
    """Name the categories that columns of both sides speak of, as an option that can be typed."""
    names = set(records.names)
    ends = [name.removeprefix("prompt_") for name in records.names if name.startswith("prompt_")]
    found = [end for end in ends if f"response_{end}" in names and end not in ("id", "text")]
    if not found or any("," in end for end in found):
        return ""
    return f" or, if these are labels, --categories {listing(found).replace(', ', ',')} --levels SAFE,HARMFUL"


def require_mapped(records: Records, besides: Iterable[str] = ()) -> None:
    """Refuse roles that were mapped to columns that are not there.

    Raises
    ------
    ColumnError
        If there are some; `besides` are roles that need no column of that name.
    """
    columns, exempt = records.options.columns, frozenset(besides)
    mapped = [columns[role] for role in columns if role not in exempt]
    records.require(mapped, fix="--map names columns as role=column.")


def _refuse_shared(records: Records) -> None:
    """Refuse a column of labels that plays another role too."""
    roles = [role for pair in label_roles(records.options.taxonomy) for role in pair]
    held: dict[str, str] = {}
    for role in (*roles, "relevance", "prompt_benign", "refusal", "source", *NAMING):
        column = records.options.columns[role]
        other = held.get(column, role)
        if role not in (*NAMING, "source"):
            held[column] = role
        if other is not role and column in records.columns:
            raise UsageError(f"{other} and {role} are both mapped to column {column!r}.")


def _only_model(records: Records, model: str) -> Records:
    column = records.options.columns["model"]
    records.require([column], fix="--model needs a column of model names.")
    named = stripped(records.col(column).cast(nw.String))
    models = records.frame.select(named.alias("model"))
    return replace(records, frame=records.frame.filter(named == model.strip()), models=models)
