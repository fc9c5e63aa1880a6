"""Add counts of several parts, as if their pairs had been collapsed at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.head import NO_IDS, Head
from riskshift.counts.saved import Links, Saved
from riskshift.errors import DataError, PairError, listing

_TOGETHER: Final = "Collapse all of them at once instead"


def added(parts: Mapping[str, Saved]) -> Saved:
    """Add the counts of several parts, as if their pairs had been collapsed at once.

    Parameters
    ----------
    parts : mapping of str to Saved
        By what to call each in a message.

    Returns
    -------
    Saved

    Raises
    ------
    DataError
        If they are not of the same kind of data.
    PairError
        If a pair stands in two parts, or the labels of a prompt in one contradict those in another.

    Notes
    -----
    The records of a prompt that stands in several parts are one cluster.
    """
    names, held = list(parts), list(parts.values())
    if len(held) == 1:
        return held[0]
    for name, part in zip(names[1:], held[1:], strict=True):
        _refuse_unlike(names[0], held[0].head, name, part.head)
        _refuse_untold(name, part.head)
    _refuse_untold(names[0], held[0].head)
    groups = _united([part.head.groups for part in held])
    starts = np.cumsum([0, *(len(part.n) for part in held)])
    values = np.concatenate([_renamed(part, groups) for part in held])
    links = {
        column: _joined([part.links[column] for part in held], starts) for column in held[0].links
    }
    head = replace(held[0].head, groups=groups, **_told([part.head for part in held]))
    n = np.concatenate([part.n for part in held])
    pairs = np.sort(np.concatenate([part.pairs for part in held]))
    made = Saved(head, values, n, links, pairs)
    _refuse_parted_sets(held, made, listing(names))
    _refuse_repeats(made, listing(names))
    _refuse_contradictions(made, listing(names))
    return made


def _refuse_unlike(one: str, first: Head, other: str, head: Head) -> None:
    mine, theirs = _compared(first), _compared(head)
    for what, told in mine.items():
        if told != theirs[what]:
            raise DataError(
                f"{one} and {other} cannot be added: they differ in {what} ({_short(told)} and "
                f"{_short(theirs[what])}). Collapse them with the same options, from data with the same columns."
            )


def _refuse_untold(name: str, head: Head) -> None:
    """Refuse a part that does not say which prompts and groups are the same as those of others."""
    if head.forms:
        raise DataError(
            f"{name} cannot be added to others: {_short(dict(head.forms))}. Engines write such values in ways of their "
            "own, so nothing tells which are the same. Turn the column into text or whole numbers, then collapse it."
        )
    if head.placeholders and head.ids != NO_IDS:
        raise DataError(
            f"{name} cannot be added to others: {head.placeholders:,} of its rows hold a placeholder instead of the "
            "prompt's text, so nothing tells which prompts are the same. Collapse it with an id of prompts: --map "
            "prompt_id=COLUMN."
        )


def _compared(head: Head) -> dict[str, object]:
    return {
        "categories and levels": head.taxonomy.to_dict(),
        "what partial refusals count as": head.taxonomy.refusal.partial_counts_as,
        "columns by role": dict(sorted(head.columns.items())),
        "--cluster": head.cluster,
        "--prompt-labels": head.prompt_labels,
        "the rows that are meant": head.meant,
        "groups": tuple(head.groups),
        "groups that were asked for (--by)": head.asked,
        "whether ids are kept": head.ids,
    }


def _short(told: object) -> str:
    if isinstance(told, dict):
        return ", ".join(f"{key}: {value}" for key, value in told.items()) or "nothing"
    return (", ".join(map(str, told)) or "nothing") if isinstance(told, tuple) else str(told)


def _renamed(part: Saved, groups: Mapping[str, tuple[str, ...]]) -> IntArray:
    """Let the groups of a part have their positions among the groups of all."""
    values = part.values.copy()
    for at, (column, names) in enumerate(groups.items(), start=part.head.width):
        place = {name: position for position, name in enumerate(names)}
        of = np.array([place[name] for name in part.head.groups[column]], dtype=np.int64)
        values[:, at] = of[values[:, at]]
    return values


def _told(heads: Sequence[Head]) -> dict[str, Any]:
    """Put together what parts say of themselves, each thing once."""
    facts, met = {name: () for head in heads for name in head.facts}, [head.met for head in heads]
    return {
        "named": _united([head.named for head in heads]),
        "met": _united([{**head.groups, **head.met} for head in heads]) if any(met) else {},
        "placeholders": sum(head.placeholders for head in heads),
        "skipped": dict(sum((Counter(head.skipped) for head in heads), Counter())),
        "before": {name: rows for head in heads for name, rows in head.before.items()},
        "sources": tuple(dict.fromkeys(name for head in heads for name in head.sources)),
        "notes": tuple(dict.fromkeys(note for head in heads for note in head.notes)),
        "facts": {
            name: tuple(dict.fromkeys(f for head in heads for f in head.facts.get(name, ())))
            for name in facts
        },
    }


def _united(each: Sequence[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Put names of the same columns together."""
    return {
        column: tuple(sorted({name for names in each for name in names.get(column, ())}))
        for held in each
        for column in held
    }


def _joined(each: Sequence[Links], starts: IntArray) -> Links:
    """Put what shares a value in several parts together."""
    entries = np.cumsum([0, *(len(links.kinds.indices) for links in each)])
    many = np.cumsum([0, *(len(links.kinds.weight) for links in each)])
    indptr = np.concatenate(
        [np.zeros(1, dtype=np.int64)]
        + [links.kinds.indptr[1:] + at for links, at in zip(each, entries, strict=False)]
    )
    indices = np.concatenate(
        [links.kinds.indices + at for links, at in zip(each, starts, strict=False)]
    )
    weight = np.concatenate([links.kinds.weight for links in each])
    kinds = Clusters(indptr, indices, weight)
    ids = np.concatenate([links.ids for links in each])
    kind = np.concatenate([links.kind + at for links, at in zip(each, many, strict=False)])
    order = np.argsort(ids, kind="stable")
    ids, kind = ids[order], kind[order]
    again = np.zeros(len(ids), dtype=np.bool_)
    again[1:] = ids[1:] == ids[:-1]
    if not again.any():
        return Links(kinds, ids, kind)
    several = again.copy()
    several[:-1] |= again[1:]
    kinds, new = _with_united(kinds, kind[several], np.cumsum(~again[several]) - 1)
    first = ~again
    kind = kind[first]
    kind[several[first]] = new
    return Links(kinds, ids[first], kind)


def _with_united(kinds: Clusters, kind: IntArray, cluster: IntArray) -> tuple[Clusters, IntArray]:
    """Add the kinds of clusters whose records stand in several, which these then no longer are.

    Parameters
    ----------
    kinds : Clusters
        What there is.
    kind, cluster : ndarray of int, shape (pieces,)
        Of which kind each piece is, and which cluster it is a piece of, ascending.

    Returns
    -------
    kinds : Clusters
        With a further kind for each cluster.
    new : ndarray of int, shape (clusters,)
        Which these are.
    """
    sizes = np.diff(kinds.indptr)[kind]
    ends = np.cumsum(sizes)
    places = np.arange(ends[-1]) + np.repeat(kinds.indptr[:-1][kind] - (ends - sizes), sizes)
    of = np.repeat(cluster, sizes)
    indices = kinds.indices[places]
    order = np.lexsort((indices, of))
    totals = np.bincount(of)
    weight = kinds.weight - np.bincount(kind, minlength=len(kinds.weight))
    united = Clusters(
        np.concatenate([kinds.indptr, kinds.indptr[-1] + np.cumsum(totals)]),
        np.concatenate([kinds.indices, indices[order]]),
        np.concatenate([weight, np.ones(len(totals), dtype=np.int64)]),
    )
    return united, len(kinds.weight) + np.arange(len(totals))


def _refuse_parted_sets(parts: Sequence[Saved], made: Saved, names: str) -> None:
    """Refuse prompts in several parts where sets are what is independent: which set each is in is not kept."""
    prompts = made.links.get("prompt")
    if "set" not in made.head.columns or prompts is None:
        return
    many = sum(len(part.links["prompt"].ids) for part in parts) - len(prompts.ids)
    if many:
        raise PairError(
            f"{names}: {many:,} {'prompt stands' if many == 1 else 'prompts stand'} in several parts, and the data has "
            "sets of prompts. Counts do not keep which set a prompt is in, so nothing tells whether the parts agree. "
            f"{_TOGETHER}."
        )


def _refuse_repeats(made: Saved, names: str) -> None:
    """Refuse pairs that stand in several parts."""
    twice = int((made.pairs[1:] == made.pairs[:-1]).sum())
    if twice:
        raise PairError(
            f"{names}: {twice:,} {'pair stands' if twice == 1 else 'pairs stand'} in several parts. Leave out the part "
            f"that repeats them. {_TOGETHER} to see which they are."
        )
    twice = 0 if made.head.numbered else _answered_twice(made)
    if twice:
        raise PairError(
            f"{names}: {twice:,} {'prompt was' if twice == 1 else 'prompts were'} answered by one model in several "
            "parts, and nothing tells the answers apart, so they may be the same pairs. If they are further answers, "
            "collapse each part with the column that numbers them: --map sample=COLUMN."
        )


def _answered_twice(made: Saved) -> int:
    """Count the prompts that a model answered more than once."""
    prompts = made.prompts
    if prompts is None:
        return 0
    column, model = made.head.columns.get("model"), np.zeros_like(made.n)
    if column is not None:
        model = made.values[:, made.head.width + list(made.head.groups).index(column)]
    return prompts.kinds.with_two_of(model)


def _refuse_contradictions(made: Saved, names: str) -> None:
    """Refuse prompts whose own labels differ between parts."""
    prompts = made.prompts
    if prompts is None or made.head.prompt_labels == "per-row":
        return
    labels = made.values[:, : len(made.head.taxonomy.categories)]
    many = prompts.kinds.with_unequal(labels)
    if many:
        raise PairError(
            f"{names}: the prompt's own labels of {many:,} {'prompt' if many == 1 else 'prompts'} differ between the "
            f"parts. One prompt has one severity. {_TOGETHER} to see which they are, or accept a label per record: "
            "collapse each part with --prompt-labels per-row."
        )
