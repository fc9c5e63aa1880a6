"""Rows that repeat or contradict each other, found in the engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift.collapse.checks.labels import Key, label_keys
from riskshift.collapse.checks.one_message import Faults, or_skip, shown_value
from riskshift.collapse.likely import like_raters
from riskshift.counts.clusters import Clusters
from riskshift.counts.pairs import Grouped, group_name
from riskshift.engines import engine
from riskshift.errors import DataError, PairError, listing
from riskshift.records import NAMING, Records, stripped
from riskshift.taxonomy import MAX_LEVELS
from riskshift.written import MISSING

_SHARED: Final = "which records share a prompt"
_TOGETHER: Final = (
    "which prompts belong together, and one that belongs to no other is a set of its own"
)


def check_ids(records: Records, faults: Faults, also: Mapping[str, str] | None = None) -> Records:
    """Find records that do not say which prompt they answer; return the others, names tidied.

    Names have no spaces around them then, but for those of models: that one is written in several
    ways is told.

    Parameters
    ----------
    records : Records
        The rows.
    faults : Faults
        Where faults are noted.
    also : mapping of str to str, optional
        Further columns that must be filled, and what each tells.

    Returns
    -------
    Records
        Without rows where such a column is blank.
    """
    shared = dict.fromkeys(filter(None, (records.prompt, records.cluster)), _SHARED)
    if records.in_sets:
        shared[str(records.sets)] = _TOGETHER
    needed = shared | dict(also or {})
    records, all_there = _tidied(records, [*needed])
    for column, tells in () if all_there else needed.items():
        blank = engine.is_blank(records.frame, records.at(column))
        count = engine.count_rows(records.frame.filter(blank))
        if count:
            faults.add(records, partial(_no_id, records, column, count, tells))
            records = records.where(~blank, reason=f"missing {column}", rows=count)
    return records


def _tidied(records: Records, needed: Sequence[str]) -> tuple[Records, bool]:
    """Take spaces off names where there are any, and tell whether the needed columns are filled."""
    named = {records.column(role) for role in NAMING if role != "model"} | {records.options.cluster}
    columns = [records.at(column) for column in sorted(filter(None, named))]
    tidy = {at: f"{at}_tidy" for at in engine.texts_among(records.frame, columns)}
    both = records.frame.with_columns(stripped(nw.col(at)).alias(own) for at, own in tidy.items())
    spaced = [nw.col(at) != nw.col(own) for at, own in tidy.items()]
    filled = [records.at(column) for column in needed]
    blank = [engine.is_blank(both, tidy.get(at, at)) for at in filled]
    held = engine.somewhere(both, [*spaced, *blank])
    changed = [stripped(nw.col(at)) for at, there in zip(tidy, held, strict=False) if there]
    frame = records.frame.with_columns(*changed) if changed else records.frame
    return replace(records, frame=frame), not any(held[len(tidy) :])


def _no_id(records: Records, column: str, count: int, tells: str) -> DataError:
    source, total = records.source, engine.count_rows(records.frame)
    place = source.places(column, [None]).get("")
    first = f", first in {place}" if place else ""
    return DataError(
        f"{source.name}: {column} is missing in {count:,} of {total:,} rows{first}. It tells {tells}. "
        f"Fill it in{or_skip(records, ', or leave these rows out with --skip-bad')}."
    )


def check_samples(records: Records, faults: Faults) -> Records:
    """Find pairs that occur twice where a column tells the responses to one prompt apart.

    That column is ``sample`` or ``turn``, or the response where the prompt's text is its identity.

    Returns
    -------
    Records
        Without the duplicates.
    """
    key = sample_key(records)
    if key is None or not engine.occur_twice(records.frame, _held(records, key)):
        return records
    return _without_duplicates(records, key, faults)


def check_duplicates(records: Records, by_prompt: Grouped, faults: Faults) -> Records:
    """Find prompts that a model answered more than once, where nothing numbers its responses.

    Parameters
    ----------
    records : Records
        The rows, to name the pairs.
    by_prompt : Grouped
        Their counts by model, clustered by prompt.

    Returns
    -------
    Records
        Without the duplicates.
    """
    prompt, clusters = records.prompt, by_prompt.table.clusters
    if prompt is None or clusters is None or sample_key(records) is not None:
        return records
    model = records.column("model")
    key = list(dict.fromkeys([prompt, *([model] if model else [])]))
    # Random groups do not tell which records share a prompt.
    twice = (
        clusters.with_two_of(by_prompt.group) > 0
        if isinstance(clusters, Clusters)
        else _answered_twice(records, prompt, model)
    )
    if not twice:
        return records
    if model and not engine.occur_twice(records.frame, _held(records, key)):
        faults.add(records, lambda: _one_name(records, model), always=True)
        return records
    return _without_duplicates(records, key, faults)


def _answered_twice(records: Records, prompt: str, model: str | None) -> bool:
    """Tell whether a model, by its name and not as that is written, answered a prompt twice."""
    if model is None:
        return engine.occur_twice(records.frame, [records.at(prompt)])
    called = engine.named(records.at(model)).alias("riskshift_model")
    frame = records.frame.select(records.col(prompt).alias("riskshift_prompt"), called)
    return engine.occur_twice(frame, ["riskshift_prompt", "riskshift_model"])


def _one_name(records: Records, model: str) -> PairError:
    """Name the models that are one by name, though not as they are written."""
    written: dict[str, list[str]] = {}
    for value, _ in engine.count_patterns(records.frame, [records.at(model)]):
        written.setdefault(group_name("" if value is None else value), []).append(
            "nothing" if value is None else shown_value(value)
        )
    alike = [", ".join(sorted(values, key=len)) for values in written.values() if len(values) > 1]
    return PairError(
        f"{records.source.name}: {model} writes one name in several ways: {'; '.join(sorted(alike))}. "
        "Read as one model, it answers prompts more than once. Write the name in one way, or give "
        "different models different names."
    )


def sample_key(records: Records) -> list[str] | None:
    """Return the columns that no two records may share, if some column numbers the samples."""
    numbers = [column for column in map(records.column, ("sample", "turn")) if column]
    response = records.column("response")
    if records.column("prompt_id") is None and response:
        numbers.append(response)
    model = records.column("model")
    prompt = records.prompt
    key = [prompt, *([model] if model else []), *numbers] if numbers and prompt else None
    return key and list(dict.fromkeys(key))  # a column may play two roles


def _held(records: Records, key: Sequence[str]) -> list[str]:
    return [records.at(column) for column in key]


def _without_duplicates(records: Records, key: Sequence[str], faults: Faults) -> Records:
    held = _held(records, key)
    counted = records.frame.group_by(*held).agg(nw.len().alias("riskshift_n"))
    twice = counted.filter(nw.col("riskshift_n") > 1)
    both = twice.select(nw.len().alias("riskshift_pairs"), nw.col("riskshift_n").sum())
    ((many, rows),) = engine.fetch(both)
    faults.add(records, lambda: _duplicates(records, key, twice, many))
    return records.where(nw.len().over(*held) == 1, reason="duplicate pair", rows=int(rows))


def _duplicates(records: Records, key: Sequence[str], twice: engine.Frame, many: int) -> PairError:
    held = _held(records, key)
    shown = engine.fetch(twice.sort(*held).head(3).select(*held, "riskshift_n"))
    examples = "; ".join(f"{told_apart(key, row)} ({row[-1]} times)" for row in shown)
    has_sample = records.column("sample") or records.column("turn")
    fix = "Remove the duplicates"
    if not has_sample:
        fix += ", or if they are several responses to one prompt, name the column that tells them apart: --map "
        fix += "sample=COLUMN" if records.column("model") else "model=COLUMN or --map sample=COLUMN"
    raters = like_raters(records)
    who = raters[0] if raters else "COLUMN"
    return PairError(
        f"{records.source.name}: {many:,} {'pair occurs' if many == 1 else 'pairs occur'} more than once by "
        f"({', '.join(key)}): {examples}{'; ...' if many > len(shown) else ''}.\n"
        f"{fix}.{or_skip(records, ' --skip-bad leaves all of them out.')}\n"
        "If several raters labelled the same pairs, remove none: settle on one label a pair with riskshift agree "
        f"--map annotator={who} --write-resolved FILE."
    )


def check_prompt_labels(
    records: Records, rows: Sequence[tuple[Any, ...]], by_prompt: Grouped, faults: Faults
) -> Records:
    """Find prompts whose own labels differ between their records.

    Parameters
    ----------
    records : Records
        The rows, to name the prompts.
    rows : sequence of tuple
        Their patterns, with the labels as they are written.
    by_prompt : Grouped
        Their counts, clustered by prompt.

    Returns
    -------
    Records
        Without those prompts.
    """
    prompt, clusters = records.prompt, by_prompt.table.clusters
    if prompt is None or clusters is None or records.options.prompt_labels == "per-row":
        return records
    keys = label_keys(records)[: len(records.options.taxonomy.categories)]
    labels, many = by_prompt.table.values[:, : len(keys)], None
    if isinstance(clusters, Clusters):
        many = clusters.with_unequal(labels)
    if many == 0:
        return records
    unequal = _unequal_prompts(records.frame, records.at(prompt), rows, keys)
    if many is None:  # random groups do not tell which labels share a prompt
        many = engine.count_rows(unequal)
    if not many:
        return records
    faults.add(records, lambda: _unequal(records, unequal, many))
    if not records.options.skip_bad:
        return records
    theirs, kept = (
        records.frame.join(unequal, on=records.at(prompt), how=how) for how in ("semi", "anti")
    )
    reason, dropped = "prompt labels differ", engine.count_rows(theirs)
    skipped = {**records.skipped, reason: records.skipped.get(reason, 0) + dropped}
    return replace(records, frame=kept, skipped=skipped)


def _unequal_prompts(
    frame: engine.Frame, prompt: str, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]
) -> engine.Frame:
    """Return the prompts with unequal labels, however they are written."""
    levels, spans, unequal = [], [], []
    for at, key in enumerate(keys):
        values = {row[at] for row in rows} - {None}
        low, high = f"riskshift_low{at}", f"riskshift_high{at}"
        levels += [
            _severity(key, values, missing=MAX_LEVELS).alias(low),
            _severity(key, values, missing=MISSING).alias(high),
        ]
        spans += [nw.col(low).min(), nw.col(high).max()]
        unequal.append(nw.col(low) < nw.col(high))
    by_prompt = frame.select(prompt, *levels).group_by(prompt).agg(*spans)
    return by_prompt.filter(nw.any_horizontal(*unequal, ignore_nulls=False)).select(prompt)


def _severity(key: Key, values: Iterable[Any], *, missing: int) -> nw.Expr:
    level: nw.Expr = nw.lit(missing, nw.Int64)
    for value in values:
        if key.parse(value) != MISSING:
            severity = nw.lit(key.parse(value), nw.Int64)
            level = nw.when(nw.col(key.column) == value).then(severity).otherwise(level)
    return level


def _unequal(records: Records, prompts: engine.Frame, many: int) -> PairError:
    examples = engine.fetch(prompts.sort(records.at(str(records.prompt))).head(5))
    return PairError(
        f"{records.source.name}: the prompt's own labels differ between the records of {many:,} "
        f"{'prompt' if many == 1 else 'prompts'}: {listing(shown_value(row[0]) for row in examples)}"
        f"{' ...' if many > len(examples) else ''}.\n"
        "One prompt has one severity. Fix the labels, or accept a label per record with "
        "--prompt-labels per-row. --skip-bad leaves these prompts out."
    )


def told_apart(key: Sequence[str], row: Sequence[object]) -> str:
    """Name a row by the columns that tell it apart, with which it begins."""
    return ", ".join(
        f"{column} {shown_value(value)}" for column, value in zip(key, row, strict=False)
    )
