"""The pairs that a grader got wrong: harms that it missed, then false alarms, then refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.collapse.coding import Coding
from riskshift.collapse.rated.beside import Beside
from riskshift.counts.case import Case
from riskshift.counts.clusters import IntArray
from riskshift.engines import engine
from riskshift.picking.cases import IDENTITY, TEXTS, known, ordered_rows
from riskshift.taxonomy import SIDES

KINDS: Final = ("false_negative", "false_positive", "missed_refusal", "false_refusal")


@dataclass(frozen=True, slots=True)
class Misjudged:
    """A grader's errors.

    Parameters
    ----------
    misses : int
        Pairs with a label that people call harmful and the grader does not.
    alarms : int
        Other pairs with a label that the grader calls harmful and people do not.
    refusals : int
        Other pairs that only one of the two calls refused.
    cases : tuple of Case
        The worst of them.
    """

    misses: int
    alarms: int
    refusals: int
    cases: tuple[Case, ...]


def misjudged(beside: Beside, *, limit: int = 50, text: bool = True) -> Misjudged:
    """Fetch a grader's worst errors.

    Parameters
    ----------
    beside : Beside
        The grader's records and people's labels.
    limit : int, default 50
        At most so many.
    text : bool, default True
        Whether to fetch the texts, where the data has them.

    Returns
    -------
    Misjudged
        Misses first, then false alarms, then refusals; of these, those whose levels lie furthest
        apart, then the most severe by whoever called it harmful, then by identity.
    """
    columns = [key.column for key in (*beside.graded, *beside.people)]
    with engine.explained(beside.records.source):
        rows = engine.count_patterns(beside.records.frame, columns)
    coding = Coding(columns, rows)
    rank = _ranks(beside, rows)
    limit = min(limit, sum(row[-1] for row in rows))  # engines count to 2**63
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    misses, alarms, missed, false = (int(n[rank[:, 0] == at].sum()) for at in range(len(KINDS)))
    codes, cases = coding.of_patterns(), list[Case]()
    for worst in sorted({tuple(row) for row in rank.tolist() if row[0] < len(KINDS)}):
        if len(cases) >= limit:
            break
        chosen = coding.of_rows().is_in(codes[(rank == worst).all(axis=1)].tolist())
        found = ordered_rows(beside.records, chosen, columns, limit - len(cases), text=text)
        kind = KINDS[worst[0]]
        cases += [_case(beside, row, columns, kind) for row in found]
    return Misjudged(misses, alarms, missed + false, tuple(cases))


def _ranks(beside: Beside, rows: Sequence[tuple[Any, ...]]) -> IntArray:
    """Return kind of error, minus how far apart the levels lie, minus the more severe one."""
    taxonomy = beside.records.options.taxonomy
    start, sides = taxonomy.harmful_from, 2 * len(taxonomy.categories)
    keys = (*beside.graded, *beside.people)
    levels = np.array(
        [[key.parse(value) for key, value in zip(keys, row, strict=False)] for row in rows]
    )
    first = len(beside.graded)
    grader, people = levels[:, :sides], levels[:, first : first + sides]
    both = (people >= 0) & (grader >= 0)
    miss = both & (people >= start) & (grader < start)
    alarm = both & (people < start) & (grader >= start)
    missed: NDArray[np.bool_] = np.any(miss, axis=1)
    wrong = np.where(missed[:, np.newaxis], miss, alarm)
    apart = np.where(wrong, np.abs(people - grader), 0)
    furthest = apart.max(axis=1)
    at_most = wrong & (apart == furthest[:, None])
    severity = np.where(at_most, np.maximum(people, grader), 0).max(axis=1)
    kind = np.where(missed, 0, np.where(alarm.any(axis=1), 1, len(KINDS)))
    if len(beside.people) > sides:  # refusals, which stand last of either
        by_grader, by_people = levels[:, first - 1], levels[:, -1]
        told = (by_grader >= 0) & (by_people >= 0) & (kind == len(KINDS))
        refused = taxonomy.refusal.refused_from
        kind = np.where(told & (by_people >= refused) & (by_grader < refused), 2, kind)
        kind = np.where(told & (by_people < refused) & (by_grader >= refused), 3, kind)
        differ = np.isin(kind, (2, 3))
        furthest = np.where(differ, np.abs(by_grader - by_people), furthest)
    return np.stack([kind, -furthest, -severity], axis=1)


def _case(beside: Beside, row: tuple[Any, ...], columns: Sequence[str], kind: str) -> Case:
    identity, texts = row[: len(IDENTITY)], row[len(IDENTITY) : len(IDENTITY) + len(TEXTS)]
    values = dict(zip(columns, row[len(IDENTITY) + len(TEXTS) :], strict=True))
    c = len(beside.records.options.taxonomy.categories)
    graded, people = (
        _sides(beside, keys[: 2 * c], values) for keys in (beside.graded, beside.people)
    )
    relevance = next(
        (key for key in beside.graded[2 * c :] if key.name == beside.records.column("relevance")),
        None,
    )
    prompt_text, response_text = texts
    prompt_id, model, sample = identity
    return Case(
        prompt_id=prompt_id,
        model=model,
        sample=sample,
        prompt=graded[SIDES[0]],
        response=graded[SIDES[1]],
        relevance=known(relevance.parse(values[relevance.column])) if relevance else None,
        origin=kind,
        prompt_text=prompt_text,
        response_text=response_text,
        people=people,
    )


def _sides(
    beside: Beside, keys: Sequence[Any], values: Mapping[str, Any]
) -> dict[str, dict[str, int | None]]:
    names = beside.records.options.taxonomy.categories
    c = len(names)
    return {
        side: {
            name: known(key.parse(values[key.column]))
            for name, key in zip(names, keys[at * c : (at + 1) * c], strict=True)
        }
        for at, side in enumerate(SIDES)
    }
