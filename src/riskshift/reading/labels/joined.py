"""Labels that stand in data of their own, joined to the rows whose they are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import narwhals.stable.v2 as nw

from riskshift.engines.engine import Frame, fetch, plain
from riskshift.errors import ColumnError, DataError, LabelError, listing
from riskshift.records import BLANKS, Held, Options, Records, label_roles
from riskshift.written import (
    BLANK,
    PLACEHOLDER,
    TRUE,
    as_mark,
    is_number,
    parse_flag,
    parse_relevance,
)

# What tells the records of one prompt apart, beside its id.
_BESIDE: Final = ("model", "sample", "conversation_id", "turn")
_TEXTS: Final = ("prompt", "response")
_REPLACES: Final = "replaces"
_KEY, _LABEL = "riskshift_key", "riskshift_label"
_FOUND, _WINS = "riskshift_found", "riskshift_wins"


@dataclass(frozen=True, slots=True)
class Joined:
    """Labels that were joined to data.

    Parameters
    ----------
    labels : Records
        The labels; they also keep open what they are read from.
    columns : mapping of str to str
        By the name of a column of the data the column of labels that fills it.
    labelled : mapping of str to int
        By role how many records have a label from here.
    note : str
        How many found their records, in a sentence.
    """

    labels: Records
    columns: Mapping[str, str]
    labelled: Mapping[str, int]
    note: str


@dataclass(frozen=True, slots=True)
class AllJoined:
    """All labels that were joined to data, one after another; a part of where the data come from."""

    each: Sequence[Joined] = ()

    @property
    def listing(self) -> str:
        """What was joined, to be put behind the name of the data."""
        names = dict.fromkeys(one.labels.source.listing for one in self.each)
        return f", with labels of {listing(names)}" if names else ""

    @property
    def notes(self) -> list[str]:
        """How many labels found their records."""
        return [one.note for one in self.each]

    @property
    def labelled(self) -> dict[str, int]:
        """By role how many records have a label from here."""
        return {role: n for one in self.each for role, n in one.labelled.items()}

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say where each value stands first among the labels of a column."""
        found: dict[str, str] = {}
        for one in self.each:
            if column in one.columns:
                found = one.labels.source.places(one.columns[column], values) | found
        return found

    def check_unchanged(self) -> None:
        """Make sure that the labels are what they were."""
        for one in self.each:
            one.labels.source.check_unchanged()


class _Way(NamedTuple):
    """By which roles some labels are joined."""

    key: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def of_texts(self) -> bool:
        return not set(self.key).isdisjoint(_TEXTS)


def with_labels(
    held: Held,
    tables: Sequence[Records],
    *,
    options: Options,
    name: str,
    settle: Callable[[Frame], Frame] = lambda frame: frame,
) -> tuple[Held, AllJoined]:
    """Join labels to rows; a label that nobody gave stays missing.

    Labels of prompts are joined by ``prompt_id``, else by ``record_id``, else by equal text. Labels
    of responses are joined by ``record_id``, else by ``prompt_id`` and whatever else tells records
    apart on both sides, else by equal texts of both.

    Parameters
    ----------
    held : Held
        The rows.
    tables : sequence of Records
        Labels, in the same engine.
    options : Options
        How to read the columns of both; a table may also call its columns as the roles.
    name : str
        What to call the rows in a message.
    settle : callable, optional
        Keeps what was computed, where an engine would compute it anew for each question.

    Returns
    -------
    Held
        The rows with their labels.
    AllJoined
        What was joined.

    Raises
    ------
    ColumnError
        If a table holds no labels, or nothing that says whose they are.
    LabelError
        If labels of one record contradict each other.
    DataError
        If no label finds a record, or one finds several and does not say which is meant.
    EngineError
        If the rows cannot be read.
    """
    each: list[Joined] = []
    for table in tables:
        for way in _ways(held, table, options, name):
            held, joined = _Joining(held, table, way, options, name, settle).joined()
            each.append(joined)
    return held, AllJoined(each)


def _theirs(table: Records, options: Options, role: str) -> str | None:
    """Return the column of a role in a table of labels, under its mapped name or its own."""
    return next((name for name in (options.columns[role], role) if name in table.columns), None)


def _ways(held: Held, table: Records, options: Options, name: str) -> list[_Way]:
    """Choose by what labels of prompts and of responses are joined."""
    prompts, responses = zip(*label_roles(options.taxonomy), strict=True)
    of_prompts = _held(table, options, (*prompts, "prompt_benign"))
    of_pairs = _held(table, options, (*responses, "relevance", "refusal"))
    if not of_prompts and not of_pairs:
        fix = (
            f"{table.source.name} is to hold labels of {listing(options.taxonomy.categories)}. Name other categories "
            "with --taxonomy, or other columns with --map."
        )
        raise ColumnError.not_found([*prompts, *responses], table.names, fix=fix)
    both = {
        role
        for role in _held(table, options, ("record_id", "prompt_id", *_BESIDE, *_TEXTS))
        if options.columns[role] in held.columns
    }
    of_prompt = ("prompt_id", *(role for role in _BESIDE if role in both))
    by_pair = _first_in(both, [("record_id",), of_prompt, _TEXTS])
    by_prompt = _first_in(both, [("prompt_id",), ("record_id",), ("prompt",)])
    if options.prompt_labels == "per-row":
        by_prompt = by_pair or by_prompt
    ways = [_Way(by_prompt, of_prompts), _Way(by_pair, of_pairs)]
    if by_prompt == by_pair:
        ways = [_Way(by_pair, of_prompts + of_pairs)]
    for way in ways:
        if way.labels and not way.key:
            raise ColumnError(
                f"{table.source.name} does not say which records of {name} its {listing(way.labels)} are of. Both must "
                "have record_id, or prompt_id (with model and sample, where a prompt has several responses), or the "
                f"texts: prompt, and for labels of responses response. Its columns: {listing(table.names)}. Those of "
                f"{name}: {listing(held.columns)}. See what the data hold: riskshift doctor FILE."
            )
    return [way for way in ways if way.labels]


def _held(table: Records, options: Options, roles: Iterable[str]) -> tuple[str, ...]:
    return tuple(role for role in roles if _theirs(table, options, role))


def _first_in(both: set[str], keys: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return next((key for key in keys if set(key) <= both), ())


def _text(column: str) -> nw.Expr:
    """Return values as they are compared: as text, without spaces around."""
    text = nw.col(column).cast(nw.String).str.strip_chars(BLANKS)
    return nw.when(~nw.col(column).is_null()).then(text)


class _Joining:
    """The way of some labels of a table to the rows."""

    def __init__(
        self,
        held: Held,
        table: Records,
        way: _Way,
        options: Options,
        name: str,
        settle: Callable[[Frame], Frame],
    ) -> None:
        self._settle = settle
        self._held, self._table, self._way = held, table, way
        self._options, self._name = options, name
        self._keys = [f"{_KEY}{at}" for at in range(len(way.key))]
        self._labels = [f"{_LABEL}{at}" for at in range(len(way.labels))]
        self._told = table.source.name
        said = {*BLANK, *map(as_mark, options.missing)}
        self._nothing = sorted(said | {f"{mark}.0" for mark in said if is_number(mark)})

    def joined(self) -> tuple[Held, Joined]:
        """Return the rows with the labels, and what was joined."""
        labels = self._by_key()
        many = int(fetch(labels.select(nw.len()))[0][0])
        keyed = self._keyed()
        found = keyed.join(labels, on=self._keys, how="left")
        lost = int(fetch(labels.join(keyed, on=self._keys, how="anti").select(nw.len()))[0][0])
        rows, met, labelled, contrary = self._counts(found)
        # One of several files of the data may have all its labels, and the others need these.
        if not met and not set(map(self._ours, self._way.labels)) <= set(self._held.columns):
            raise DataError(
                f"None of the {many:,} labels in {self._told} finds a record of {self._name} by {self._by}, which is "
                "compared as text. If both hold the texts, leave the ids out of the labels and they are joined by "
                "equal text."
            )
        self._refuse_ambiguous(found, met > many - lost)
        for role in contrary:
            self._refuse_contrary(found, role)
        own = {
            self._options.columns[role]: f"joined{len(self._held.columns) + at}"
            for at, role in enumerate(self._way.labels)
        }
        own |= {name: at for name, at in self._held.columns.items() if name in own}
        filled = [self._filled(at).alias(own[self._ours(role)]) for at, role in self._each()]
        helpers = [*self._keys, *self._labels, _FOUND, _WINS]
        held = Held(
            found.with_columns(*filled).drop(*helpers),
            {**self._held.columns, **own},
            self._held.shared,
        )
        columns = {self._ours(role): self._theirs(role) for role in self._way.labels}
        return held, Joined(self._table, columns, labelled, self._note(many, lost, rows, met))

    def _each(self) -> Iterator[tuple[int, str]]:
        return enumerate(self._way.labels)

    def _ours(self, role: str) -> str:
        return self._options.columns[role]

    def _theirs(self, role: str) -> str:
        return _theirs(self._table, self._options, role) or role

    @property
    def _by(self) -> str:
        return listing(self._way.key)

    def _by_key(self) -> Frame:
        """Return one row of labels for each key that names something.

        Raises
        ------
        LabelError
            If a key is labelled in two ways.
        """
        wins = [name for name in self._table.columns if name == _REPLACES]
        used = [self._table.at(self._theirs(role)) for role in self._way.key + self._way.labels]
        frame = _plain(self._table.frame, [*used, *map(self._table.at, wins)], self._told)
        keys = [_text(at).alias(key) for at, key in zip(used, self._keys, strict=False)]
        labels = [
            self._label(at).alias(label)
            for at, label in zip(used[len(keys) :], self._labels, strict=True)
        ]
        flag = nw.lit(0)
        if wins:
            said = _text(self._table.at(_REPLACES)).str.to_lowercase()
            flag = nw.when(said.is_in(sorted(TRUE))).then(nw.lit(1)).otherwise(nw.lit(0))
        rows = frame.select(*keys, *labels, flag.alias(_WINS))
        named = [nw.col(key) != "" for key in self._keys]
        if self._way.of_texts:  # a placeholder is no text of a prompt
            named.append(~nw.col(self._keys[0]).str.contains(PLACEHOLDER))
        rows = rows.filter(*named).with_columns(
            nw.col(label).str.to_lowercase().alias(f"{label}_low") for label in self._labels
        )
        by_key = rows.group_by(*self._keys).agg(
            nw.col(_WINS).max(),
            *(nw.col(label).min() for label in self._labels),
            *(nw.col(f"{label}_low").min().alias(f"{label}_from") for label in self._labels),
            *(nw.col(f"{label}_low").max().alias(f"{label}_to") for label in self._labels),
        )
        by_key = self._settle(by_key)
        self._refuse_two_labels(by_key)
        return by_key.select(*self._keys, *self._labels, _WINS, nw.lit(1).alias(_FOUND))

    def _keyed(self) -> Frame:
        """Return the rows with their keys beside them."""
        roles = [*self._way.key, *self._way.labels]
        used = [
            self._held.columns[name]
            for name in map(self._ours, roles)
            if name in self._held.columns
        ]
        frame = _plain(self._held.frame, used, self._name)
        return frame.with_columns(
            _text(self._held.columns[self._ours(role)]).alias(key)
            for role, key in zip(self._way.key, self._keys, strict=True)
        )

    def _label(self, column: str) -> nw.Expr:
        """Return the text of a label; null where there is none."""
        text = _text(column)
        return nw.when(~text.str.to_lowercase().is_in(self._nothing)).then(text)

    def _filled(self, at: int) -> nw.Expr:
        """Return the label that stands in the data, else the one that was joined."""
        label, name = nw.col(self._labels[at]), self._ours(self._way.labels[at])
        if name not in self._held.columns:
            return label
        there = self._label(self._held.columns[name])
        taken = there.is_null() | ((nw.col(_WINS) == 1) & ~label.is_null())
        return nw.when(taken).then(label).otherwise(_text(self._held.columns[name]))

    def _contrary(self, at: int) -> nw.Expr | None:
        """Tell where the data have another label, and the labels do not say that they replace it."""
        name = self._ours(self._way.labels[at])
        if name not in self._held.columns:
            return None
        there = self._label(self._held.columns[name]).str.to_lowercase()
        return (there != nw.col(self._labels[at]).str.to_lowercase()) & (nw.col(_WINS) == 0)

    def _counts(self, found: Frame) -> tuple[int, int, dict[str, int], list[str]]:
        """Count rows, those with a key that is labelled, labels by role; name roles that may contradict."""
        told = [nw.len().alias("riskshift_n"), nw.col(_FOUND).sum()]
        told += [(~nw.col(label).is_null()).cast(nw.Int64).sum() for label in self._labels]
        against = {role: self._contrary(at) for at, role in self._each()}
        asked = {role: differs for role, differs in against.items() if differs is not None}
        told += [
            nw.when(differs).then(nw.lit(1)).otherwise(nw.lit(0)).sum().alias(f"riskshift_{role}")
            for role, differs in asked.items()
        ]
        rows, met, *counts = (int(n or 0) for n in fetch(found.select(*told))[0])
        n = len(self._labels)
        labelled = dict(zip(self._way.labels, counts[:n], strict=True))
        contrary = [role for role, many in zip(asked, counts[n:], strict=True) if many]
        return rows, met, labelled, contrary

    def _refuse_two_labels(self, by_key: Frame) -> None:
        differ = nw.lit(False)
        for label in self._labels:
            same = nw.col(f"{label}_from") == nw.col(f"{label}_to")
            differ |= ~nw.when(nw.col(label).is_null()).then(nw.lit(True)).otherwise(same)
        twice = by_key.filter(differ)
        rows = fetch(twice.sort(*self._keys).head(1))
        if not rows:
            return
        held = dict(zip(twice.collect_schema().names(), rows[0], strict=True))
        at, role = next(
            (at, role)
            for at, role in self._each()
            if held[f"{self._labels[at]}_from"] != held[f"{self._labels[at]}_to"]
        )
        label = self._labels[at]
        keys = [held[key] for key in self._keys]
        many = int(fetch(twice.select(nw.len()))[0][0])
        raise LabelError(
            f"{self._told} labels {self._named(keys)} in two ways: {self._theirs(role)} is "
            f"{held[f'{label}_from']!r} and {held[f'{label}_to']!r} ({many:,} such in all). One record has one label: "
            "take one out, or resolve raters who differ first: riskshift agree."
        )

    def _refuse_ambiguous(self, found: Frame, several: bool) -> None:
        """Refuse a label of one response whose key several records have."""
        per_row = self._options.prompt_labels == "per-row"
        of_prompts = all(role.startswith("prompt_") for role in self._way.labels) and not per_row
        if not several or self._way.of_texts or of_prompts:
            return
        times = (
            found.filter(nw.col(_FOUND) == 1)
            .group_by(*self._keys)
            .agg(nw.len().alias("riskshift_n"))
        )
        *keys, n = fetch(times.filter(nw.col("riskshift_n") > 1).sort(*self._keys).head(1))[0]
        raise DataError(
            f"{self._told} labels {self._named(keys)}, and {self._name} has {n:,} records of it; which is meant is not "
            f"said. Add what tells them apart to the labels: record_id, or {listing(_BESIDE)}. Columns of "
            f"{self._name}: {listing(self._held.columns)}."
        )

    def _refuse_contrary(self, found: Frame, role: str) -> None:
        """Refuse labels that say another level than the data, however it is written."""
        at, parse = self._way.labels.index(role), self._parser(role)
        differs = self._contrary(at)
        there = self._label(self._held.columns[self._ours(role)]).alias("riskshift_there")
        both = found.filter(differs).with_columns(there) if differs is not None else found
        pairs = both.group_by("riskshift_there", self._labels[at]).agg(
            nw.len().alias("riskshift_n"), *(nw.col(key).min() for key in self._keys)
        )
        for mine, theirs, n, *keys in sorted(fetch(pairs), key=repr):
            if parse(mine) != parse(theirs):
                raise LabelError(
                    f"{self._told} labels {self._named(keys)} otherwise than {self._name}: {role} is {theirs!r} and "
                    f"was {mine!r} ({n:,} such). Take the label out of one of them; or add a column "
                    f"{_REPLACES} to the labels, true where they are to be taken instead."
                )

    def _parser(self, role: str) -> Callable[[object], int]:
        own = {
            "relevance": parse_relevance,
            "prompt_benign": parse_flag,
            "refusal": self._options.taxonomy.refusal.parse,
        }
        return own.get(role) or self._options.parser(role)

    def _named(self, keys: Sequence[str]) -> str:
        """Name a record by its ids; by the place of its label where it has only texts, which stay hidden."""
        if not self._way.of_texts:
            return ", ".join(
                f"{role} {key!r}" for role, key in zip(self._way.key, keys, strict=True)
            )
        first = self._theirs(self._way.key[0])
        places = self._table.source.places(first, keys[:1])
        return f"the text at {next(iter(places.values()), 'some place')}"

    def _note(self, many: int, lost: int, rows: int, met: int) -> str:
        sides = {
            "prompts" if role.startswith("prompt_") else "responses" for role in self._way.labels
        }
        skipped = sum(self._table.skipped.values())
        left = f" {skipped:,} malformed rows of {self._told} were left out." if skipped else ""
        return (
            f"Labels of {' and '.join(sorted(sides))} were joined to {self._name} from {self._told} by {self._by}: "
            f"{many - lost:,} of {many:,} found a record ({lost:,} found none), and {met:,} of {rows:,} records found "
            f"one ({rows - met:,} found none).{left}"
        )


def _plain(frame: Frame, columns: Sequence[str], name: str) -> Frame:
    """Give values one form; refuses lists and the like, as `collapse` does."""
    made, refused = plain(frame, dict.fromkeys(columns))
    if refused:
        raise ColumnError(
            f"{name}: a column by which labels are joined, or of labels, holds {listing(refused.values())}, and must "
            "hold numbers or text. Turn it into text first."
        )
    return made
