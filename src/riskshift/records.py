"""Records: labelled (prompt, response) pairs, still in their engine, with the roles of their columns."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from riskshift.errors import (
    ColumnError,
    DataError,
    RiskshiftWarning,
    UsageError,
    listing,
    unknown_choice,
)
from riskshift.taxonomy import SIDES, Taxonomy, check_scale

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
)
PROMPT_LABELS = ("per-prompt", "per-row")


class Columns(Mapping[str, str]):
    """Which column plays which role, where its name is not the role's own.

    Parameters
    ----------
    **roles : str
        Column names by role: ``prompt_id``, ``model``, ``prompt``, ``response``, ``relevance``,
        ``prompt_benign``, ``record_id``, ``sample``, ``conversation_id``, ``turn``, and
        ``prompt_<category>`` and ``response_<category>`` for the labels.

    Examples
    --------
    >>> columns = Columns(prompt_id="uid", response_hate="out_hate")
    >>> columns["prompt_id"], columns["model"]
    ('uid', 'model')
    """

    def __init__(self, **roles: str) -> None:
        self._named = dict(roles)

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

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say where the first row with each value stands, by the value's text."""
        ...

    def explain(self, message: str) -> DataError:
        """Turn what the engine could not read into a message that helps."""
        ...


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
        Columns to group by, each a grouping of its own.
    model : str, optional
        Keep only this model's records.
    cluster : str, optional
        Column whose equal values share their luck; default: the prompt.
    prompt_labels : {"per-prompt", "per-row"}
        Whether the labels of one prompt must agree across its records.
    skip_bad : bool
        Leave rows with faults out and count them, instead of stopping.
    by_people : bool
        Whether these are people's labels of pairs that a grader labels in a file of its own: level
        names may then stand beside the numbers of a scale, and no row is left out.
    """

    taxonomy: Taxonomy = field(default_factory=Taxonomy)
    columns: Columns = field(default_factory=Columns)
    scale: str | None = None
    by: tuple[str, ...] = ()
    model: str | None = None
    cluster: str | None = None
    prompt_labels: str = "per-prompt"
    skip_bad: bool = False
    by_people: bool = False

    def __post_init__(self) -> None:
        check_scale(self.scale, self.taxonomy)
        known = (*ROLES, *(name for pair in label_roles(self.taxonomy) for name in pair))
        for role in self.columns:
            if role not in known:
                raise unknown_choice("role", role, known)
        if self.prompt_labels not in PROMPT_LABELS:
            raise unknown_choice("prompt_labels", self.prompt_labels, PROMPT_LABELS)
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"by names a column twice: {listing(self.by)}.")


@dataclass(frozen=True, slots=True)
class Records:
    """Pairs bound to their roles; nothing has been computed yet.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows, in the engine they came in.
    options : Options
        How to read them.
    source : Source
        Where they come from.
    skipped : mapping of str to int
        Rows left out so far, by reason.
    """

    frame: nw.LazyFrame[Any] = field(repr=False)  # engines print rows, and rows hold texts
    options: Options
    source: Source
    skipped: Mapping[str, int] = field(default_factory=dict)

    def column(self, role: str) -> str | None:
        """Return the column that plays `role`, or None if the data has none."""
        name = self.options.columns[role]
        return name if name in self.names else None

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return self.frame.collect_schema().names()

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Columns of the labels, (prompt side, response side) for each category."""
        columns = self.options.columns
        return [(columns[p], columns[r]) for p, r in label_roles(self.options.taxonomy)]

    @property
    def prompt(self) -> str | None:
        """Column that tells prompts apart: the id, else the text; None if each row is its own."""
        return self.column("prompt_id") or self.column("prompt")

    @property
    def cluster(self) -> str | None:
        """Column whose equal values are not independent."""
        return self.options.cluster or self.prompt

    def where(self, condition: nw.Expr, *, reason: str, rows: int) -> "Records":
        """Keep the rows that meet a condition and remember how many were left out, and why."""
        skipped = {**self.skipped, reason: self.skipped.get(reason, 0) + rows}
        return replace(self, frame=self.frame.filter(condition), skipped=skipped)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What rows are read for: how their columns are bound, and their labels checked."""

    bind: Callable[..., Records]
    check: Callable[[Records], object]


def label_roles(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Return the label roles of each category, prompt side first."""
    return [(f"{SIDES[0]}_{name}", f"{SIDES[1]}_{name}") for name in taxonomy.categories]


def bind(
    frame: nw.LazyFrame[Any],
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
    records = assemble(frame, options=options, source=source, skipped=skipped)
    roles = [role for pair in label_roles(options.taxonomy) for role in pair]
    fix = f"{source.name} must have a prompt_ and a response_ column for each category. "
    if options.by_people:
        fix += f"Rename its columns: {listing(roles)}."
    else:
        fix += (
            f"Map other names with --map {roles[0]}=COLUMN, or name other categories with "
            "--taxonomy FILE."
        )
    _require([name for pair in records.labels for name in pair], records.names, fix=fix)
    require_mapped(records)
    annotator = records.column("annotator")
    if annotator:
        raise DataError(
            f"{source.name} has several raters a pair (column {annotator!r}); rates need one label a "
            "pair. Measure and resolve their agreement first: riskshift agree."
        )
    return records


def bind_people(
    frame: nw.LazyFrame[Any],
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
    names = frame.collect_schema().names()
    labels = {role for pair in label_roles(options.taxonomy) for role in pair}
    columns = {
        role: column
        for role, column in dict(options.columns).items()
        if column in names or (role in labels and role not in names)
    }
    held = replace(options, columns=Columns(**columns), by_people=True)
    return bind(frame, options=held, source=source, skipped=skipped)


def assemble(
    frame: nw.LazyFrame[Any],
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
    records = Records(frame, options, source, dict(skipped or {}))
    names = records.names
    _refuse_shared(records)
    _require(options.by, names, fix="--by takes the name of a column.")
    _require(
        [options.cluster] if options.cluster else [],
        names,
        fix="--cluster takes the name of a column.",
    )
    if "weight" in names and "weight" not in options.by:
        warnings.warn(
            f"{source.name} has a column 'weight': sampling weights are not supported, and every "
            "record counts the same.",
            RiskshiftWarning,
            stacklevel=4,
        )
    return records if options.model is None else _only_model(records, options.model)


def require_mapped(records: Records, besides: Iterable[str] = ()) -> None:
    """Refuse roles that were mapped to columns that are not there.

    Raises
    ------
    ColumnError
        If there are some; `besides` are roles that need no column of that name.
    """
    columns, exempt = records.options.columns, frozenset(besides)
    mapped = [columns[role] for role in columns if role not in exempt]
    _require(mapped, records.names, fix="--map names columns as role=column.")


def _refuse_shared(records: Records) -> None:
    """Refuse two labels that were mapped to one column."""
    roles = [role for pair in label_roles(records.options.taxonomy) for role in pair]
    held: dict[str, str] = {}
    for role in (*roles, "relevance", "prompt_benign"):
        column = records.options.columns[role]
        other = held.setdefault(column, role)
        if other is not role:
            raise UsageError(f"{other} and {role} are both mapped to column {column!r}.")


def _require(wanted: Iterable[str], names: Sequence[str], *, fix: str) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ColumnError.not_found(missing, names, fix=fix)


def _only_model(records: Records, model: str) -> Records:
    column = records.column("model")
    if column is None:
        raise ColumnError.not_found(
            [records.options.columns["model"]],
            records.names,
            fix="--model needs a column of model names.",
        )
    return replace(records, frame=records.frame.filter(nw.col(column).cast(nw.String) == model))
