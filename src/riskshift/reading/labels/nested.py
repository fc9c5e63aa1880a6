"""Labels that stand in one column, as a list or an object of categories, spread to a column each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift.engines.engine import Frame, count_patterns, quoted, translated
from riskshift.errors import ColumnError, DataError, LabelError, UsageError, listing
from riskshift.reading.duckdb_options import literal
from riskshift.records import Held, Options, Source
from riskshift.taxonomy import HARM, Taxonomy
from riskshift.written import BAD, BLANK, FALSE, TRUE, as_mark

_TEXT: Final = "riskshift_nested"
# More different values than this are no labels.
MOST: Final = 10_000
_NOTHING: Final = {*BLANK, "none", "<na>", "nat"}
_FORMS: Final = (
    'Write it as a list of the categories that are met, ["hate"], or as an object that says of each, '
    '{"hate": true, "violence": false}.'
)
Values = Mapping[str, str] | Sequence[str] | None
"""What one row says: of each category something, or which ones are met, or nothing at all."""


def with_categories(
    held: Held, *, options: Options, source: Source
) -> tuple[Held, Options, list[str]]:
    """Spread the columns of categories that were declared, a column for each category and side.

    Nothing is missing and not safe; an empty list is safe in all categories; an object says nothing
    of a category that it does not hold.

    Parameters
    ----------
    held : Held
        The rows.
    options : Options
        `categories_in` names the columns by side; without a taxonomy it is made of what is met.
    source : Source
        Where the rows come from, for messages.

    Returns
    -------
    Held
        The rows with columns of labels.
    Options
        With the taxonomy of those labels.
    list of str
        What was taken for what, in sentences.

    Raises
    ------
    ColumnError
        If a column is not there, or one of the labels is there already.
    LabelError
        If a value is no list or object of categories, or a label is not on the scale.
    DataError
        If a category is unknown, or none is met and none declared.
    EngineError
        If the rows cannot be read.
    """
    columns: dict[str, dict[str, Values]] = {}
    for side, column in options.categories_in.items():
        if column not in held.columns:
            raise ColumnError.not_found(
                [column], held.columns, fix="--categories-in takes the name of a column."
            )
        frame = _with_text(held, column, f"{_TEXT}_{side}", source)
        held = replace(held, frame=frame)
        columns[side] = _read(frame, column, f"{_TEXT}_{side}", options, source)
    if not columns:
        return held, options, []
    taxonomy = options.taxonomy
    if options.categories_met:
        taxonomy = _met(columns, options, source)
        options = replace(options, taxonomy=taxonomy)
    notes = []
    for side, values in columns.items():
        held = _spread(held, side, values, options, source)
        named = (
            f"no taxonomy was given, so the categories are those met there: {listing(taxonomy.categories)}"
            if options.categories_met
            else "an empty list is safe in every category of the taxonomy"
        )
        column = options.categories_in[side]
        notes.append(f"Labels of {side}s are read from the column {column!r}; {named}.")
    return held, options, notes


def _with_text(held: Held, column: str, name: str, source: Source) -> Frame:
    """Add the values of a column as JSON, in the engine where it can."""
    own, frame = held.columns[column], held.frame
    if frame.implementation.is_duckdb():
        is_text = frame.collect_schema()[own] == nw.String
        value = f"trim({quoted(own)})" if is_text else f"to_json({quoted(own)})::VARCHAR"
        with translated():
            made: Frame = nw.from_native(frame.to_native().project(f"*, {value} AS {quoted(name)}"))
        return made
    with translated():
        rows = frame.collect()
    texts = [_as_json(value, column, source) for value in rows.get_column(own).to_list()]
    series = nw.new_series(name, texts, nw.String, backend=rows.implementation)
    return rows.with_columns(series).lazy()


def _as_json(value: Any, column: str, source: Source) -> str | None:
    if isinstance(value, str):
        return value
    if hasattr(value, "tolist"):  # pandas keeps a list from a file as an array
        value = value.tolist()
    if not isinstance(value, list | tuple | dict) and as_mark(value) in _NOTHING:
        return None
    try:
        return json.dumps(value, ensure_ascii=False, default=_bare)
    except TypeError as error:
        raise LabelError(
            f"{source.name}: {column!r} holds {type(value).__name__} objects. {_FORMS}"
        ) from error


def _bare(value: Any) -> Any:
    """Return what JSON can hold of a number of numpy's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError


def _read(
    frame: Frame, column: str, name: str, options: Options, source: Source
) -> dict[str, Values]:
    """Read each different value once."""
    rows = count_patterns(frame, [name], limit=MOST + 1)
    if len(rows) > MOST:
        raise DataError(
            f"{source.name}: {column!r} has more than {MOST:,} different values. Does it hold categories?"
        )
    nothing = {*BLANK, *map(as_mark, options.missing)}
    found: dict[str, Values] = {}
    for text, n in sorted((row for row in rows if row[0] is not None), key=lambda row: str(row[0])):
        try:
            found[text] = None if as_mark(text) in nothing else _categories(text)
        except ValueError as error:
            places = source.places(column, [text])
            where = next(iter(places.values()), source.name)
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            raise LabelError(
                f"{where}: {column} is {shown!r} ({n:,} rows), {error}. {_FORMS}"
            ) from error
    return found


def _categories(text: str) -> Values:
    """Read what one value says.

    Examples
    --------
    >>> _categories('["hate"]'), _categories('{"hate": true, "spam": null}')
    (['hate'], {'hate': 'true'})
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("which is no JSON") from error
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [one.strip() for one in value]
    if isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values()):
        said = {name.strip(): _word(one) for name, one in value.items() if one is not None}
        return {name: word for name, word in said.items() if word.casefold() not in BLANK}
    raise ValueError("which is neither a list of names nor an object with a label for each")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _met(columns: Mapping[str, Mapping[str, Values]], options: Options, source: Source) -> Taxonomy:
    """Make a taxonomy of the categories that are met; of two levels where they say yes or no."""
    said = [values for held in columns.values() for values in held.values() if values is not None]
    names = sorted({name for values in said for name in values})
    if not names:
        raise DataError(
            f"{source.name}: no category is met in {listing(options.categories_in.values())}, so nothing says which "
            "there are. Name them with --taxonomy FILE."
        )
    words = {
        word.casefold()
        for values in said
        if isinstance(values, Mapping)
        for word in values.values()
    }
    two = words <= TRUE | FALSE
    made = Taxonomy(tuple(names), HARM.levels) if two else Taxonomy(tuple(names))
    return replace(made, refusal=options.taxonomy.refusal)


def _spread(
    held: Held, side: str, values: Mapping[str, Values], options: Options, source: Source
) -> Held:
    """Add the labels of a side, read and checked."""
    _refuse_unknown(values, options, side, source)
    columns: dict[str, str] = {}
    labels: dict[str, list[str | None]] = {}
    for category in options.taxonomy.categories:
        role = f"{side}_{category}"
        name = options.columns[role]
        if name in held.columns:
            raise ColumnError(
                f"{source.name} has a column {name!r}, and --categories-in names {options.categories_in[side]!r} for "
                f"labels of {side}s too. Only one of them can be meant: map the other away or leave it out."
            )
        columns[name] = f"nested{len(held.columns) + len(columns)}"
        labels[columns[name]] = [_label(said, category, options) for said in values.values()]
        _check(values, labels[columns[name]], role, options, source)
    frame = _looked_up(held.frame, f"{_TEXT}_{side}", list(values), labels)
    return replace(held, frame=frame, columns={**held.columns, **columns})


def _refuse_unknown(
    values: Mapping[str, Values], options: Options, side: str, source: Source
) -> None:
    known = options.taxonomy.categories
    names = sorted({name for said in values.values() if said is not None for name in said})
    unknown = [name for name in names if name not in known]
    if unknown:
        close = get_close_matches(unknown[0], known, n=1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(
            f"{source.name}: {options.categories_in[side]!r} names categories that the taxonomy has not: "
            f"{listing(map(repr, unknown))}{meant}. Its categories: {listing(known)}. Name them all with --taxonomy "
            "FILE, or give no taxonomy to take those that are met."
        )
    if len(options.taxonomy.levels) > 2 and any(isinstance(said, list) for said in values.values()):
        raise UsageError(
            f"{source.name}: the lists in {options.categories_in[side]!r} say which categories are met and not how "
            f"severely, and the taxonomy has the levels {options.taxonomy.describe_levels()}. Give one of two levels."
        )


def _label(said: Values, category: str, options: Options) -> str | None:
    """Return what a row says of a category, as its column would have it."""
    if said is None:
        return None
    if isinstance(said, Mapping):
        return said.get(category)
    met = int(category in said)
    numbers = options.scale not in (None, "names")
    return str(met) if numbers else options.taxonomy.levels[met]


def _check(
    values: Mapping[str, Values],
    labels: Sequence[str | None],
    role: str,
    options: Options,
    source: Source,
) -> None:
    parse = options.marked(options.parser(role))
    side = role.partition("_")[0]
    for text, label in zip(values, labels, strict=True):
        if label is not None and parse(label) == BAD:
            column = options.categories_in[side]
            where = next(iter(source.places(column, [text]).values()), source.name)
            raise LabelError(
                f"{where}: {role} in {column} is {label!r}. Levels: {options.taxonomy.describe_levels()}. Fix the "
                "label, or name other levels with --taxonomy FILE."
            )


def _looked_up(
    frame: Frame, key: str, texts: Sequence[str], labels: Mapping[str, Sequence[str | None]]
) -> Frame:
    """Give each row the labels of its text."""
    if frame.implementation.is_duckdb():
        at = quoted(f"{key}_at")
        made = (f"list_extract({_list(said)}, {at}) AS {own}" for own, said in labels.items())
        place = f"list_position({_list(texts)}, {quoted(key)}) AS {at}"
        with translated():
            numbered = frame.to_native().project(f"*, {place}")
            left = f"* EXCLUDE ({quoted(key)}, {at})"
            found: Frame = nw.from_native(numbered.project(", ".join([left, *made])))
        return found
    rows = frame.collect()
    number = {text: place for place, text in enumerate(texts)}
    places = [number.get(text) if isinstance(text, str) else None for text in rows.get_column(key)]
    series = [
        nw.new_series(
            own,
            [None if place is None else said[place] for place in places],
            nw.String,
            backend=rows.implementation,
        )
        for own, said in labels.items()
    ]
    return rows.drop(key).with_columns(*series).lazy()


def _list(texts: Sequence[str | None]) -> str:
    shown = ", ".join("NULL" if text is None else literal(text) for text in texts)
    return f"CAST([{shown}] AS VARCHAR[])"
