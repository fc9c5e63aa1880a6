"""Back to the rows for the prompts that only one of several models fails."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Final

import narwhals.stable.v2 as nw
import numpy as np

from riskshift.analysis.comparison.alone import Alone
from riskshift.analysis.metrics import Choice
from riskshift.analysis.severities import NO, YES, Severities
from riskshift.collapse.coding import Coding
from riskshift.collapse.pairs import Collapsed, layout_of
from riskshift.counts.case import Case
from riskshift.counts.clusters import Clusters
from riskshift.counts.pairs import Grouped, Table, group_name
from riskshift.engines import engine
from riskshift.picking.cases import case_of, ordered_rows
from riskshift.stats.resample import generator

# Prompts that one model fails alone, in order, by metric and model.
Failed = Mapping[tuple[str, str], Sequence[str]]
MOST: Final = 20
_PROMPT, _MODEL, _CODE = "riskshift_prompt", "riskshift_model", "riskshift_code"


@dataclass(frozen=True, slots=True)
class Failure:
    """A prompt that one model fails alone, by one metric."""

    metric: str
    model: str
    prompt: str


def failures(collapsed: Collapsed, models: Sequence[str], choices: Sequence[Choice]) -> Failed:
    """Find the prompts that only one of the models fails, in one pass over the rows.

    Parameters
    ----------
    collapsed : Collapsed
        Checked records and their patterns.
    models : sequence of str
        The models compared.
    choices : sequence of Choice
        Metrics whose denominator looks at the prompt alone.

    Returns
    -------
    mapping of (str, str) to list of str
        Prompts in order, by metric in the order of `choices`, then by model in the order of `models`.
    """
    with engine.explained(collapsed.records.source):
        return _failures(collapsed, models, choices)


def _failures(collapsed: Collapsed, models: Sequence[str], choices: Sequence[Choice]) -> Failed:
    records, model = collapsed.records, collapsed.records.column("model")
    judged = [choice for choice in choices if choice.metric.bad is not None]
    if records.prompt is None or model is None or not judged or records.counted is not None:
        return {}
    coding = Coding([key.column for key in collapsed.keys], collapsed.patterns)
    bits = list(_bits(collapsed, coding, judged))
    given, many = records.col(model).cast(nw.String), range(len(judged))
    # Most values are names already, and need not be made one.
    named = (
        nw.when(given.is_in(list(models))).then(given).otherwise(engine.named(records.at(model)))
    )
    coded = records.frame.with_columns(coding.of_rows().alias(_CODE))
    by_model = coded.select(
        records.col(records.prompt).cast(nw.String).alias(_PROMPT), named.alias(_MODEL), *bits
    ).filter(nw.col(_MODEL).is_in(list(models)))
    if _several(collapsed.groups[model]):
        by_model = by_model.group_by(_PROMPT, _MODEL).agg(
            *(nw.col(f"fails{at}").max() for at in many),
            *(nw.col(f"fine{at}").min() for at in many),
        )
    # Of the one that fails, the largest name is its own: those that do not have none.
    by_prompt = (
        by_model.with_columns(
            nw.when(nw.col(f"fails{at}") == 1).then(nw.col(_MODEL)).alias(f"who{at}") for at in many
        )
        .group_by(_PROMPT)
        .agg(
            *(nw.col(f"fails{at}").sum() for at in many),
            *(nw.col(f"fine{at}").sum() for at in many),
            *(nw.col(f"who{at}").max() for at in many),
        )
    )
    others = len(models) - 1
    alone = [(nw.col(f"fails{at}") == 1) & (nw.col(f"fine{at}") == others) for at in many]
    rows = engine.fetch(
        by_prompt.filter(reduce(or_, alone)).select(
            _PROMPT,
            *(
                nw.when(is_).then(nw.col(f"who{at}")).alias(f"who{at}")
                for at, is_ in enumerate(alone)
            ),
        )
    )
    found: dict[tuple[int, str], list[str]] = {}
    for prompt, *found_of in rows:
        for at, who in enumerate(found_of):
            if who is not None:
                found.setdefault((at, who), []).append(prompt)
    return {
        (choice.label, name): sorted(found[at, name])
        for at, choice in enumerate(judged)
        for name in models
        if (at, name) in found
    }


def _several(grouped: Grouped) -> bool:
    """Tell whether some model answered a prompt more than once."""
    clusters = grouped.table.clusters
    return isinstance(clusters, Clusters) and clusters.with_two_of(grouped.group) > 0


def _bits(collapsed: Collapsed, coding: Coding, choices: Sequence[Choice]) -> Iterator[nw.Expr]:
    """Tell of each row by each metric whether it fails, and whether it surely does not."""
    levels, codes, code = coding.levels(collapsed.keys), coding.of_patterns(), nw.col(_CODE)
    table = Table(levels, np.ones(len(levels), dtype=np.int64), None)
    severities = Severities(layout_of(collapsed.records, table).named(table))
    for at, choice in enumerate(choices):
        possible = choice.answers(severities).possible
        fault, fine = (YES, NO) if choice.metric.bad else (NO, YES)
        for name, bit in ((f"fails{at}", fault), (f"fine{at}", fine)):
            of = np.unique(codes[possible == bit]).tolist()
            held = code.is_in(of) if of else nw.lit(False)
            yield nw.when(held).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64)).alias(name)


def told_alone(found: Failed, *, ids: bool, seed: int, most: int = MOST) -> tuple[Alone, ...]:
    """Count failures by metric and model; name some of each, drawn with the seed.

    Parameters
    ----------
    found : mapping of (str, str) to sequence of str
        Prompts in order, by metric and model.
    ids : bool
        Whether prompts are told apart by ids. A text is never named.
    seed, most : int
        Which are named, and at most how many of a metric and model.
    """
    made = []
    for (metric, model), prompts in found.items():
        rng = generator(seed, "alone", metric, model)
        drawn = sorted(rng.choice(len(prompts), min(most, len(prompts)), replace=False).tolist())
        named = tuple(prompts[at] for at in drawn) if ids else ()
        made.append(Alone(metric, model, len(prompts), named))
    return tuple(made)


def failed_cases(
    collapsed: Collapsed, found: Failed, *, text: bool
) -> Iterator[tuple[Failure, Case]]:
    """Fetch what each model answered to the prompts that it fails alone."""
    records = collapsed.records
    if not found or records.prompt is None:
        return
    by_id = records.column("prompt_id") is not None
    chosen = records.col(records.prompt).cast(nw.String).is_in(sorted(set().union(*found.values())))
    columns, most = [key.column for key in collapsed.keys], collapsed.counts.total
    answers: dict[tuple[str | None, str], list[Case]] = {}
    for row in ordered_rows(records, chosen, columns, most, text=text or not by_id):
        case = case_of(records, row, collapsed.keys, text=True)
        key = case.prompt_id if by_id else case.prompt_text, group_name(case.model)
        kept = case if text else replace(case, prompt_text=None, response_text=None)
        answers.setdefault(key, []).append(kept)
    for (metric, model), prompts in found.items():
        for prompt in prompts:
            for case in answers.get((prompt, model), ()):
                yield Failure(metric, model, prompt), case
