"""Pairs as they are, in the order of their file: all columns, and the labels that are there."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from riskshift.collapse.checks.labels import BadLabels, Key, label_key
from riskshift.collapse.selecting import selected
from riskshift.engines import engine
from riskshift.errors import ColumnError, DataError
from riskshift.formats.exchange import cell
from riskshift.jobs.opening import Grouping, Reading, bound, looked
from riskshift.records import Held, Options, Purpose, Records, Source, assemble, require_mapped
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import Taxonomy
from riskshift.written import BAD, parse_relevance

_TEXTS: Final = ("prompt", "response")
_OFF_SCALE: Final = "label not on the scale"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of a file, whether they have labels or not.

    Parameters
    ----------
    records : Records
        Where they come from.
    rows : list of list
        Their values; text, numbers, or None.
    labels : mapping of str to list
        By role the label of each row as a name of its level; None where there is none.
    left_out : mapping of str to int
        Rows that are not among them, by reason.
    """

    records: Records = field(repr=False)
    rows: list[list[Any]] = field(repr=False)
    labels: Mapping[str, list[str | None]] = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The user's names of the columns."""
        return self.records.names

    def column(self, role: str) -> list[Any]:
        """Return the values of the column that plays a role; of one that is not there, None each."""
        name = self.records.column(role)
        at = None if name is None else self.names.index(name)
        return [None if at is None else row[at] for row in self.rows]

    def text(self, role: str) -> list[str | None]:
        """Return texts; one that is blank is none."""
        held = (None if value is None else str(value) for value in self.column(role))
        return [None if value is None or not value.strip() else value for value in held]


def read_pairs(
    data: Any,
    levels: Mapping[str, Taxonomy],
    *,
    taxonomy: Taxonomy,
    wanted: Iterable[str],
    reading: Reading,
    progress: Callable[[str], None],
) -> Pairs:
    """Read pairs that need not be labelled.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Pairs; see `riskshift.read`.
    levels : mapping of str to Taxonomy
        By role of a severity the taxonomy that it belongs to.
    taxonomy : Taxonomy
        Of the columns that may be mapped.
    wanted : iterable of str
        Roles of the labels that matter: those that are there are kept.
    reading : Reading
        Options of `riskshift.read`.
    progress : callable
        Told what is being done, in a few words.

    Raises
    ------
    ColumnError
        If there are no texts.
    LabelError
        If a label is there that is not on the scale.
    DataError
        If the data cannot be read, or has several raters a pair.
    """
    progress("opening the data")
    given = cast("Grouping", {**reading, "taxonomy": taxonomy})
    records = bound(looked(data, reading, progress), given, _PURPOSE)
    records = selected(records)
    with engine.explained(records.source):
        frame, _ = engine.plain(records.frame, ())
        held = engine.fetch(frame.select(*map(records.at, records.names)))
    records.source.check_unchanged()
    rows = [[_plain(value) for value in row] for row in held]
    labels, bad = _labels(records, rows, levels, wanted)
    left_out = dict(records.skipped)
    if bad:
        left_out[_OFF_SCALE] = len(bad)
        kept = [at for at in range(len(rows)) if at not in bad]
        rows = [rows[at] for at in kept]
        labels = {role: [column[at] for at in kept] for role, column in labels.items()}
    pairs = Pairs(records, rows, labels, left_out)
    _share(pairs)
    return pairs


def _bind(
    held: Held, *, options: Options, source: Source, skipped: Mapping[str, int] | None = None
) -> Records:
    """Bind columns to roles; labels need not be there, texts must."""
    records = assemble(held, options=options, source=source, skipped=skipped)
    require_mapped(records)
    if not any(map(records.column, _TEXTS)):
        fix = f"{source.name} holds no texts to label. Name their columns: --map prompt=COLUMN --map response=COLUMN."
        raise ColumnError.not_found(list(_TEXTS), records.names, fix=fix)
    annotator = records.column("annotator")
    if annotator:
        raise DataError(
            f"{source.name} has several raters a pair (column {annotator!r}). Give one row a pair: what is labelled "
            "is its texts."
        )
    return records


_PURPOSE: Final = Purpose(_bind, lambda records: None, in_order=True)


def _labels(
    records: Records,
    rows: Sequence[Sequence[Any]],
    levels: Mapping[str, Taxonomy],
    wanted: Iterable[str],
) -> tuple[dict[str, list[str | None]], set[int]]:
    """Return the labels by role, and the rows that hold some which are not on their scale."""
    found: dict[str, list[str | None]] = {}
    off: set[int] = set()
    for role in dict.fromkeys(wanted):
        name = records.column(role)
        if name is None:
            found[role] = [None] * len(rows)
            continue
        at = records.names.index(name)
        options = records.options
        if role in levels:
            options = replace(
                options, taxonomy=replace(levels[role], refusal=options.taxonomy.refusal)
            )
        key, names = _key(records, options, role, name)
        counted = Counter(row[at] for row in rows)
        bad = BadLabels.among(list(counted.items()), [key])
        if bad and not (records.options.skip_bad and not bad.mixed):
            raise bad.error(records)
        level = {value: key.parse(value) for value in counted}
        named = {value: names[at] if at >= 0 else None for value, at in level.items()}
        found[role] = [named[row[at]] for row in rows]
        off |= {number for number, row in enumerate(rows) if level[row[at]] == BAD}
    return found, off


def _share(pairs: Pairs) -> None:
    """Let a prompt have the label that it has in other rows: graded anew it might get another one."""
    prompts = list(zip(pairs.column("prompt_id"), pairs.column("prompt"), strict=True))
    for role, labels in pairs.labels.items():
        if not role.startswith("prompt_"):
            continue
        known: dict[Any, set[str]] = {}
        for prompt, label in zip(prompts, labels, strict=True):
            if label is not None and prompt[1] is not None:
                known.setdefault(prompt, set()).add(label)
        for row, prompt in enumerate(prompts):
            there = known.get(prompt, ())
            if labels[row] is None and len(there) == 1:
                (labels[row],) = there


def _key(records: Records, options: Options, role: str, name: str) -> tuple[Key, Sequence[str]]:
    """Return how a label is read, and what its levels are called."""
    own = records.at(name)
    if role == "relevance":
        parse = options.marked(parse_relevance)
        return Key(own, name, parse, "Relevance is 1, 2 or 3", is_label=False), ("", "1", "2", "3")
    names = REFUSAL if role == "refusal" else options.taxonomy.levels
    return label_key(options, role, own, name), names


def _plain(value: Any) -> Any:
    known = value is None or isinstance(value, str | int | float | list | dict | tuple)
    return cell(value) if known else str(value)
