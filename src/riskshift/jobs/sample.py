"""Draw the pairs that people should label, so that a grader's rates can be corrected."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Unpack

import numpy as np

from riskshift.analysis.correction.sample import STATES, states
from riskshift.analysis.metrics import Choice, choose_one, refuse_untold
from riskshift.analysis.plain import Plain
from riskshift.analysis.plan.labels import (
    Drawn,
    LabelsNeeded,
    allocate,
    check_allocation,
    needed,
)
from riskshift.analysis.rates import DEFAULT_SEED
from riskshift.analysis.severities import Severities
from riskshift.collapse.checks.labels import label_keys
from riskshift.collapse.coding import Coding
from riskshift.collapse.identity import identity_of, refuse_twins
from riskshift.collapse.pairs import collapse, layout_of
from riskshift.collapse.rated.beside import CHANCE, STRATUM
from riskshift.counts.clusters import BoolArray
from riskshift.counts.pairs import Counts, Table
from riskshift.engines import engine
from riskshift.errors import DataError, OutputError, UsageError, listing
from riskshift.jobs.opening import Reading, opened, silent
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.sheets import Row, check_sheet, write_sheet
from riskshift.picking.draw import draw
from riskshift.records import Records
from riskshift.written import MISSING

_TEXTS: Final = ("prompt", "response")


@dataclass(frozen=True, slots=True)
class Sample(Plain):
    """Pairs drawn for people to label, without the grader's labels.

    Parameters
    ----------
    source : str
        Where they were drawn from.
    pairs : int
        Graded pairs that could have been drawn.
    blank : int
        Pairs among them that lack a label by the grader. They are drawn like all others: what
        people say of them is what a correction needs to know.
    stratified_by : str or None
        The metric by whose value the strata are; None for a plain random sample.
    seed : int
        Where random numbers started.
    strata : tuple of Drawn
        How many were drawn from what.
    empty : tuple of str
        Strata without any pair.
    columns : tuple of str
        What identifies a pair, its texts, the labels to fill in, its stratum and chance.
    rows : tuple of tuple
        The pairs, in random order.
    texts : tuple of str
        The columns that are there to be read.
    """

    source: str
    pairs: int
    blank: int
    stratified_by: str | None
    seed: int
    strata: tuple[Drawn, ...]
    empty: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=False)
    texts: tuple[str, ...] = ()

    shape: ClassVar[str] = "source drawn pairs blank stratified_by seed strata empty"

    @property
    def drawn(self) -> int:
        """Pairs that were drawn."""
        return len(self)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        within = f" within {self.stratified_by}" if self.stratified_by else ""
        lines = [
            f"{len(self):,} of {self.pairs:,} graded pairs of {self.source}, drawn at random{within} "
            f"(seed {self.seed})."
        ]
        if self.stratified_by:
            lines += [f"  {part.name}: {part.drawn:,} of {part.pairs:,}" for part in self.strata]
        lines += [f"  {name}: no pairs, so none drawn" for name in self.empty]
        if self.blank:
            lines.append(
                f"  lacking a label by the grader, and drawn like all others: {self.blank:,} of the {self.pairs:,}"
            )
        return "\n".join([*lines, *self.advice])

    @property
    def advice(self) -> tuple[str, ...]:
        """How the sample must be used, for what follows to be right."""
        told = [
            "Label all of it, the dull and the difficult pairs too. Do not swap, add or drop pairs.",
            "The grader's labels are left out on purpose: people must not see them.",
        ]
        if self.stratified_by:
            told.append(
                f"The columns {STRATUM} and {CHANCE} must stay in the file, but hide them from the people who label: "
                "they tell what the grader thought."
            )
        if not self.texts:
            told.append("There are no texts in it: people must look them up by id.")
        told.append("When it is filled in: riskshift analyze GRADED --people LABELLED.")
        return tuple(told)


def sample(
    data: Any,
    *,
    n: int,
    output: str | Path | None = None,
    stratify: str | None = None,
    allocation: str = "equal",
    seed: int = DEFAULT_SEED,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Sample:
    """Draw the pairs that people should label.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        Pairs labelled by a grader; see `read`.
    n : int
        How many to draw, without replacement.
    output : path, optional
        A ``.csv``, ``.jsonl`` or ``.parquet`` file to write them to. It must not exist: it could
        hold people's work.
    stratify : str, optional
        A metric, such as ``"escalation"`` or ``"persistence[sexual]"``: pairs are drawn apart from
        those with the event, those without, those outside its denominator, by the grader, and
        those whose labels do not tell.
    allocation : {"equal", "proportional"}
        How many each stratum gets; at least two, or all it has.
    seed : int
        The same seed and pairs give the same sample, whatever the order, the file or the engine.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`.

    Returns
    -------
    Sample

    Raises
    ------
    UsageError
        If `n` is less than 1 or more than there are, the metric is unknown, or an option cannot be
        honoured.
    DataError
        If the data has faults, or nothing tells its pairs apart.
    OutputError
        If the sample cannot be written, or would be read as `data`.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift.taxonomy import Taxonomy
    >>> graded = pl.DataFrame(
    ...     {"record_id": ["a", "b", "c"], "prompt_harm": [1, 1, 0], "response_harm": [0, 1, 0]}
    ... )
    >>> drawn = sample(graded, n=2, taxonomy=Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> len(drawn), drawn.columns[:3], round(drawn.strata[0].probability, 3)
    (2, ('record_id', 'prompt_harm', 'response_harm'), 0.667)
    """
    _check(n, seed)
    check_allocation(allocation)
    place = None if output is None else check_new(output)
    refuse_overwriting({"output": output}, {"data": data})
    records = opened(data, reading, progress)
    choice = None if stratify is None else choose_one(stratify, records.options.taxonomy)
    collapsed = collapse(records, progress=progress)
    records = collapsed.records
    refuse_untold([] if choice is None else [choice], collapsed.counts.told)
    with engine.explained(records.source):
        made = _drawn(records, choice, n, allocation, seed, progress)
    records.source.check_unchanged()
    if place is not None:
        progress("writing")
        write_sheet(place, made.columns, made.rows, texts=made.texts)
    return made


def labels_needed(
    data: Any,
    *,
    width: float,
    metric: str = "response_harm",
    confidence: float = 0.95,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> LabelsNeeded:
    """Say roughly how many pairs people must label for an interval of a wanted width.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        Pairs labelled by a grader; see `read`.
    width : float
        Distance wanted between the ends of the interval, such as 0.05.
    metric : str, default "response_harm"
        The rate that matters.
    confidence : float, default 0.95
        Coverage of the interval.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`.

    Returns
    -------
    LabelsNeeded

    Raises
    ------
    UsageError
        If the metric is unknown or the width is not between 0 and 1.
    DataError
        If the data has faults or no pair belongs to the metric's denominator.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift.taxonomy import Taxonomy
    >>> graded = pl.DataFrame({"prompt_harm": [1, 0] * 500, "response_harm": [0, 1, 0, 0] * 250})
    >>> harm = Taxonomy(["harm"], ["Safe", "Harmful"])
    >>> found = labels_needed(graded, width=0.1, taxonomy=harm)
    >>> found.alone, found.helped
    (286, ((0.5, 232), (0.7, 170), (0.9, 71)))
    """
    records = opened(data, reading, progress)
    choice = choose_one(metric, records.options.taxonomy)
    counts = collapse(records, progress=progress).counts
    refuse_untold([choice], counts.told)
    state = states(Severities(counts), choice)
    trials = int(counts.n[state >= 1].sum())
    if not trials:
        raise DataError(
            f"{records.source.name}: by the grader no pair belongs to {choice.label} ({choice.metric.given_formula}), "
            "so nothing can be said about its rate."
        )
    events = int(counts.n[state == STATES.index("yes")].sum())
    return needed(
        choice.label,
        events=events,
        trials=trials,
        pairs=counts.total,
        width=width,
        confidence=confidence,
    )


def _check(n: int, seed: int) -> None:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise UsageError(f"n is {n!r}; draw at least 1 pair.")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(f"seed is {seed!r}; it must be a whole number.")


def check_new(output: str | Path) -> Path:
    """Refuse a place where a sample could not be written, or where something stands already.

    Raises
    ------
    OutputError
        In both cases.
    """
    place = check_sheet(output)
    if place.exists():
        raise OutputError(
            f"{place} exists already, and may hold people's labels. Name another file, or remove it first."
        )
    return place


def _blank(counts: Counts) -> BoolArray:
    """Tell which patterns lack a label of the grader's; of a side without any, none is lacking."""
    named = {"p": counts.prompt, "r": counts.response}
    labels = [named[side] for side in sorted(counts.sides)]
    if counts.refusal is not None:
        labels.append(counts.refusal[:, None])
    return np.asarray((np.column_stack(labels) == MISSING).any(axis=1))


def _drawn(
    records: Records,
    choice: Choice | None,
    n: int,
    allocation: str,
    seed: int,
    progress: Callable[[str], None],
) -> Sample:
    identity = identity_of(records)
    refuse_twins(records)
    progress("drawing")
    counts, coding = _patterns(records)
    masks, empty = _strata(counts, choice)
    every = {name: int(counts.n[mask].sum()) for name, mask in masks.items()}
    sizes = {name: size for name, size in every.items() if size}
    _refuse_too_many(records, n, sum(sizes.values()))
    shared = {"": n} if choice is None else allocate(n, sizes, allocation)
    strata = tuple(Drawn(name, sizes[name], shared[name]) for name in sizes)
    texts = [records.column(role) for role in _TEXTS]
    fetched = list(dict.fromkeys([*identity.values(), *filter(None, texts)]))
    labels = _labels(records)
    codes = coding.of_patterns()
    ranked: list[tuple[str, Row]] = []
    for part in strata:
        here = coding.of_rows().is_in(codes[masks[part.name]].tolist())
        for rank, values in draw(records, here, fetched, n=part.drawn, seed=seed):
            blank = [None] * len(labels)
            ranked.append((rank, (*values, *blank, part.name or None, part.probability)))
    ranked.sort(key=lambda row: row[0])  # mixed, so that the order does not tell the stratum
    return Sample(
        source=records.source.name,
        pairs=sum(sizes.values()),
        blank=int(counts.n[_blank(counts)].sum()),
        stratified_by=None if choice is None else choice.label,
        seed=seed,
        strata=strata,
        empty=tuple(empty),
        columns=_distinct([*fetched, *labels, STRATUM, CHANCE]),
        rows=tuple(row for _, row in ranked),
        texts=tuple(name for name in texts if name and name not in identity.values()),
    )


def _strata(counts: Counts, choice: Choice | None) -> tuple[dict[str, BoolArray], list[str]]:
    """Return the patterns of each stratum, and the names of those without pairs."""
    if choice is None:
        return {"": np.ones(len(counts.n), dtype=bool)}, []
    state = states(Severities(counts), choice)
    state = np.where(state == MISSING, STATES.index("blank"), state)
    masks = {f"{choice.label}: {name}": state == at for at, name in enumerate(STATES)}
    held = {name for name, mask in masks.items() if counts.n[mask].sum()}
    wanted = ["no", "yes"] if choice.metric.given_formula == "all" else ["outside", "no", "yes"]
    named = (f"{choice.label}: {name}" for name in wanted)
    return masks, [name for name in named if name not in held]


def _patterns(records: Records) -> tuple[Counts, Coding]:
    """Return the patterns of the labels as they are written, and the codes that find their rows."""
    keys = label_keys(records)
    rows = engine.count_patterns(records.frame, [key.column for key in keys])
    coding = Coding([key.column for key in keys], rows)
    values = np.array(
        [[key.parse(value) for key, value in zip(keys, row, strict=False)] for row in rows]
    )
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    table = Table(values, n, None)
    return layout_of(records, table).named(table), coding


def _labels(records: Records) -> list[str]:
    """Return the columns that people fill in, prompt side first; a side the data has not, they need not."""
    sides = [
        column
        for side in zip(*records.labels, strict=True)
        if not records.absent.issuperset(side)
        for column in side
    ]
    beside = map(records.column, ("relevance", "refusal"))
    return [*sides, *filter(None, beside)]


def _distinct(columns: Iterable[str]) -> tuple[str, ...]:
    names: Sequence[str] = list(columns)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"the sample would have two columns {listing(twice)}; rename those of the data."
        )
    return tuple(names)


def _refuse_too_many(records: Records, n: int, pairs: int) -> None:
    if n > pairs:
        raise UsageError(
            f"n is {n:,}, and {records.source.name} has {pairs:,} graded pairs to draw from. Draw {pairs:,} at most."
        )
