"""Compare models on the same prompts, in one call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Unpack

import narwhals.stable.v2 as nw

from riskshift.analysis.comparison.contrasts.across import across_categories
from riskshift.analysis.comparison.contrasts.across_findings import about_across, across_headline
from riskshift.analysis.comparison.contrasts.interaction import Interaction, interaction
from riskshift.analysis.comparison.differences import default_choices, paired_differences
from riskshift.analysis.comparison.findings import caveats, corrected_verdicts, headline
from riskshift.analysis.comparison.joint.directions import Asked, two_directions
from riskshift.analysis.comparison.left_out import left_out
from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.comparison.omnibus import omnibus_tests
from riskshift.analysis.comparison.result import Comparison
from riskshift.analysis.comparison.severity import ordinal_differences
from riskshift.analysis.comparison.shared import (
    Shared,
    grouped_by_model,
    pick_models,
    shared_prompts,
)
from riskshift.analysis.comparison.standardized import StandardizedRate, mix_of, standardized_rates
from riskshift.analysis.correction.differences import CorrectedComparison, corrected_differences
from riskshift.analysis.correction.sample import people_sample
from riskshift.analysis.metrics import Choice, refuse_untold
from riskshift.analysis.parts import summed_up
from riskshift.analysis.rates import DEFAULT_SEED, Rate, Settings, estimate_rate
from riskshift.analysis.severities import Severities
from riskshift.analysis.unstated import unstated
from riskshift.analysis.verdicts import DEFAULT_MARGIN
from riskshift.collapse.checks.placeholders import refuse_placeholders
from riskshift.collapse.checks.sets import about_sets
from riskshift.collapse.crossing import with_crossed
from riskshift.collapse.pairs import MAX_GROUPS, Collapsed, collapse
from riskshift.collapse.rated.beside import double, drawing_of
from riskshift.collapse.saving import about_counts
from riskshift.collapse.sources import models_by_source, source_column
from riskshift.counts.pairs import Counts, Grouped, group_name
from riskshift.crossing import crossed_columns
from riskshift.engines import engine
from riskshift.errors import ColumnError, DataError, UsageError, unknown_choice
from riskshift.jobs.card import Card, open_card, over_columns
from riskshift.jobs.case_file import check_case_file, refuse_counts, write_cases
from riskshift.jobs.opening import (
    Reading,
    opened,
    provenance,
    read,
    read_people,
    refuse_columns_alone,
    silent,
)
from riskshift.picking.alone import failed_cases, failures, told_alone
from riskshift.reading import combine
from riskshift.reading.paths import find_files, model_name
from riskshift.records import Columns, Records

EXAMPLES: Final = 3
MIXES: Final = ("pooled", "baseline")
ACROSS: Final = ("categories",)
_CELL: Final = "riskshift_cell"


def compare(
    data: Any,
    *,
    baseline: str | None = None,
    candidates: Sequence[str] = (),
    metrics: Sequence[str] = (),
    margin: float = DEFAULT_MARGIN,
    harm: Sequence[str] = (),
    helpful: Sequence[str] = (),
    helpful_margin: float | None = None,
    by: str | None = None,
    across: str | None = None,
    standardize: Any = None,
    people: Any = None,
    people_columns: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    interval: str = "wilson",
    seed: int = DEFAULT_SEED,
    resamples: int = 10_000,
    card: Card = None,
    cases_out: str | Path | None = None,
    cases_text: bool = False,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Comparison:
    """Compare models on the prompts that they share.

    Parameters
    ----------
    data : path, list of paths, data frame, mapping or Records
        Pairs with a ``model`` column; or several files without one (also a folder or a glob of them),
        each a model named after it; or a mapping of model names to such data.
    baseline : str, optional
        Compare the others with this model; default: every pair.
    candidates : sequence of str, optional
        Only these models; default: all.
    metrics : sequence of str, optional
        Such as ``"escalation"`` or ``"persistence[sexual]"``; default: the usual ones. The two directions
        are judged whatever is named here.
    margin : float, default 0.01
        How much worse a candidate may be and still be called not worse.
    harm, helpful : sequence of str, optional
        Metrics by which the two directions are judged; default: compliance with harmful prompts,
        escalation and severe responses; and refusing harmless prompts, or being on task there.
    helpful_margin : float, optional
        The margin of the metrics of help; default: `margin`.
    by : str, optional
        Also compare the differences between the values of this column, or of several: ``"A x B"``.
    across : {"categories"}, optional
        Also compare the differences between categories, in the metrics of categories.
    standardize : {"pooled", "baseline"} or data, optional
        Also give rates on a common mix of prompts: of all models, of the baseline, or of other data.
    people : path, data frame or Records, optional
        People's labels of a sample of the pairs, drawn at random or by strata: differences are then
        also given corrected for the grader's errors, with verdicts of their own.
    people_columns, confidence, interval, seed, resamples
        As in `analyze`.
    card : path or DataCard, optional
        Where the data comes from: models, sources of prompts, who labelled. It changes no number.
    cases_out : path, optional
        Write the prompts that only one model fails, by metric of the two directions, with what it
        answered: ids and labels, in ``.csv``, ``.jsonl`` or ``.parquet``.
    cases_text : bool, default False
        Whether the texts stand there too.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`, such as ``columns`` or ``taxonomy``.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If there are not two models with a common prompt, or the data has faults.
    UsageError
        If an option cannot be honoured.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift import Taxonomy
    >>> pairs = pl.DataFrame(
    ...     {
    ...         "prompt_id": ["a", "b", "c"] * 2,
    ...         "model": ["old"] * 3 + ["new"] * 3,
    ...         "prompt_harm": [1, 1, 1] * 2,
    ...         "response_harm": [1, 1, 1, 0, 0, 1],
    ...     }
    ... )
    >>> harm = Taxonomy(["harm"], ["Safe", "Harmful"])
    >>> result = compare(pairs, baseline="old", taxonomy=harm)
    >>> item = result.difference("persistence[harm]", "new")
    >>> item.baseline_only, item.candidate_only, item.p
    (2, 0, 0.5)
    """
    settings = Settings(confidence, interval, seed, resamples)
    refuse_columns_alone(people, people_columns)
    check_case_file(cases_out, text=cases_text)
    stated = open_card(card, people=people is not None)
    if across not in (None, *ACROSS):
        raise unknown_choice("across", across, ACROSS)
    records = _one_model_each(data, reading, progress)
    refuse_counts(cases_out, records)
    _check_cluster(records.options.cluster)
    records = _numbered(records, by).by_prompt()
    collapsed, grouped = _by_model(records, progress)
    records = collapsed.records
    refuse_placeholders(records)
    told = over_columns(stated, collapsed)
    pairs = pick_models(grouped.names, baseline, candidates)
    named = [(grouped.names[b], grouped.names[c]) for b, c in pairs]
    choices = default_choices(collapsed.counts, metrics)
    asked = Asked.of(collapsed.counts, harm, helpful)
    refuse_untold(asked.choices, collapsed.counts.told)
    every = [*choices, *(choice for choice in asked.choices if choice not in choices)]
    served = margin if helpful_margin is None else helpful_margin
    margins = {choice.label: served for choice in asked.helpful}
    matching = Matching(grouped)
    models = [grouped.names[at] for at in sorted({at for pair in pairs for at in pair})]
    shared = shared_prompts(matching, pairs)
    shared = replace(shared, examples=_examples(records, shared))
    progress("comparing")
    judged = paired_differences(matching, pairs, every, settings, margin=margin, margins=margins)
    told_of = {choice.label for choice in choices}
    differences = [item for item in judged if item.metric in told_of]
    omnibus = omnibus_tests(matching, pairs, every, judged)
    rates = _rates(grouped, models, every, settings)
    progress("leaving out each source and category")
    sources = models_by_source(collapsed, source_column(records))
    without = left_out(
        grouped, sources, pairs, choices, differences, settings, margin=margin, margins=margins
    )
    turned, steady = summed_up(without)
    contrasts = None
    if across is not None:
        contrasts = tuple(across_categories(matching, pairs, choices, settings))
    mixed, mix = _standardized(
        matching, grouped, models, choices, settings, standardize, baseline, reading
    )
    corrected = None
    if people is not None:
        progress("correcting by people's labels")
        seen = read_people(
            people,
            reading,
            like=collapsed.records,
            model=reading.get("model"),
            columns=people_columns,
        )
        corrected = _corrected(collapsed, collapse(seen), named, every, settings, margin, margins)
    directions = tuple(
        two_directions(
            judged, asked, confidence=confidence, corrected=corrected_verdicts(corrected)
        )
    )
    shown = corrected
    if corrected is not None:
        kept = [item for item in corrected.differences if item.metric in told_of]
        shown = replace(corrected, differences=tuple(kept))
    progress("finding the prompts that one model fails alone")
    failed = failures(collapsed, models, asked.choices)
    if cases_out is not None:
        fetched = failed_cases(collapsed, failed, text=cases_text)
    by_group = None
    if by is not None:
        progress(f"comparing by {by}")
        by_group = _interaction(records, by, named, choices, settings, progress)
    made = provenance(collapsed.counts, records, {})
    if cases_out is not None:  # last, when nothing can go wrong any more
        written = [({"metric": item.metric}, case) for item, case in fetched]
        write_cases(cases_out, collapsed.records, written, text=cases_text)
    return Comparison(
        taxonomy=records.options.taxonomy,
        settings=settings,
        models=tuple(models),
        baseline=baseline,
        margin=margin,
        helpful_margin=served,
        coverage=shared,
        rates=rates,
        differences=tuple(differences),
        omnibus=tuple(omnibus),
        ordinal=tuple(ordinal_differences(matching, pairs, settings)),
        mix=mix,
        standardized=tuple(mixed),
        interaction=by_group,
        corrected=shown,
        across=contrasts,
        alone=told_alone(failed, ids=records.column("prompt_id") is not None, seed=seed),
        provenance=made,
        directions=directions,
        summary=(
            *headline(
                models,
                baseline,
                shared,
                differences,
                omnibus,
                corrected,
                directions,
                judged=judged,
                rates=rates,
            ),
            *turned,
            *across_headline(contrasts),
        ),
        notes=(
            *records.source.notes,
            *about_counts(records),
            *caveats(
                shared,
                differences,
                standardized=mix is not None,
                corrected=corrected is not None,
            ),
            *steady,
            *about_sets(records),
            *unstated(told),
            *about_across(contrasts, differences, corrected=corrected is not None),
        ),
        card=told,
        leave_one_out=without,
    )


def _check_cluster(named: str | None) -> None:
    if named is not None:
        raise UsageError(
            "models are compared prompt by prompt; another cluster cannot be honoured."
        )


def _one_model_each(data: Any, reading: Reading, progress: Callable[[str], None]) -> Records:
    """Read data that has a model column, or one source a model."""
    if isinstance(data, Mapping):
        progress("opening the data")
        parts = {name: read(part, **reading) for name, part in data.items()}
        return combine(parts, column=next(iter(parts.values())).options.columns["model"])
    together = opened(data, reading, progress)
    if together.column("model") is not None:
        return together
    paths = _paths(data, reading)
    if len(paths) < 2:
        return together
    names = [model_name(path) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    parts = {name: read(path, **reading) for name, path in zip(names, paths, strict=True)}
    return combine(parts, column=together.options.columns["model"])


def _paths(data: Any, reading: Reading) -> Sequence[Any]:
    """Return what was named as one source each; a folder or a glob is the files that it stands for."""
    if isinstance(data, (list, tuple)) and len(data) > 1:
        return data
    named = list(data) if isinstance(data, (list, tuple)) else [data]
    if not all(isinstance(path, str | Path) for path in named):
        return named
    return [file.name for file in find_files(named, format=reading.get("format"))]


def _numbered(records: Records, by: str | None) -> Records:
    """Let the groups tell apart a model's responses to one prompt, if nothing else does."""
    if records.prompt is None:
        raise ColumnError.not_found(
            [records.options.columns["prompt_id"]],
            records.names,
            fix="models are compared on the same prompts: name the column that identifies them, "
            "--map prompt_id=COLUMN.",
        )
    if by is None:
        return records
    if records.counted is not None and by not in records.counted.head.groups:
        raise unknown_choice("--by", by, list(records.counted.head.groups))
    columns = [by] if records.counted is not None else crossed_columns(by, records.columns)
    records.require(columns, fix="--by takes the name of a column, or of several: 'A x B'.")
    if records.column("model") in columns:
        raise UsageError(
            "--by groups differences between models; the model column itself cannot be the group."
        )
    if records.counted is not None:  # what tells responses apart was checked when it was saved
        return records
    records = with_crossed(records, [by])
    if records.column("sample") is not None:
        return records
    return _with_roles(records, sample=by)


def _with_roles(records: Records, **roles: str) -> Records:
    columns = Columns(**{**dict(records.options.columns), **roles})
    return replace(records, options=replace(records.options, columns=columns))


def _by_model(records: Records, progress: Callable[[str], None]) -> tuple[Collapsed, Grouped]:
    """Collapse records, and return their counts by model too."""
    collapsed = collapse(records, progress=progress)
    return collapsed, grouped_by_model(collapsed.groups, records.column("model"))


def _examples(records: Records, shared: Shared) -> dict[str, tuple[str, ...]]:
    """Name some of the prompts that each model lacks."""
    prompt, model = records.prompt, records.column("model")
    if prompt is None or model is None or records.counted is not None:
        return {}
    ids = records.frame.select(
        records.col(prompt).cast(nw.String).alias("prompt"),
        engine.named(records.at(model)).alias("model"),
    )
    everyone = ids.filter(nw.col("model").is_in(list(shared.lacking))).select("prompt").unique()
    found = {}
    for name, lacking in shared.lacking.items():
        if lacking:
            have = ids.filter(nw.col("model") == name).select("prompt").unique()
            absent = everyone.join(have, on="prompt", how="anti").sort("prompt").head(EXAMPLES)
            with engine.explained(records.source):
                found[name] = tuple(row[0] for row in engine.fetch(absent))
    return found


def _corrected(
    collapsed: Collapsed,
    seen: Collapsed,
    pairs: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    settings: Settings,
    margin: float,
    margins: Mapping[str, float],
) -> CorrectedComparison:
    doubled = double(collapsed, seen, by=collapsed.records.column("model"))
    sample = people_sample(
        doubled, source=seen.records.source.name, drawing=drawing_of(seen.records)
    )
    return corrected_differences(
        doubled, sample, pairs, choices, settings, margin=margin, margins=margins
    )


def _rates(
    grouped: Grouped, models: Sequence[str], choices: Sequence[Choice], settings: Settings
) -> dict[str, dict[str, Rate]]:
    each = {name: Severities(counts) for name, counts in grouped.each().items() if name in models}
    return {
        choice.label: {
            name: estimate_rate(
                choice.label,
                severities.counts,
                choice.answers(severities),
                settings,
            )
            for name, severities in each.items()
        }
        for choice in choices
    }


def _standardized(
    matching: Matching,
    grouped: Grouped,
    models: Sequence[str],
    choices: Sequence[Choice],
    settings: Settings,
    standardize: Any,
    baseline: str | None,
    reading: Reading,
) -> tuple[list[StandardizedRate], str | None]:
    if standardize is None:
        return [], None
    target, label = _target(grouped, models, standardize, baseline, reading)
    positions = [grouped.names.index(name) for name in models]
    rates: list[StandardizedRate] = []
    for choice in choices:
        mix = mix_of(target, choice)
        if mix:
            rates += standardized_rates(matching, positions, choice, mix, settings)
    return rates, label


def _target(
    grouped: Grouped,
    models: Sequence[str],
    standardize: Any,
    baseline: str | None,
    reading: Reading,
) -> tuple[Counts, str]:
    """Return the counts whose mix of prompts is common, and what to call it."""
    if isinstance(standardize, str) and standardize == "pooled":
        chosen = [at for at, name in enumerate(grouped.names) if name in models]
        members = (grouped.group[:, None] == chosen).any(axis=1)
        return grouped.layout.counts(grouped.table.where(members)), "pooled"
    if isinstance(standardize, str) and standardize == "baseline":
        if baseline is None:
            raise UsageError("--standardize baseline needs a --baseline.")
        return grouped.each()[baseline], f"baseline ({baseline})"
    records = read(standardize, **reading)
    return collapse(records).counts, records.source.name


def _interaction(
    records: Records,
    by: str,
    pairs: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    settings: Settings,
    progress: Callable[[str], None],
) -> Interaction:
    model = records.column("model")
    if model is None:
        raise DataError(f"{records.source.name} has no column of models to compare.")
    if records.counted is not None:
        grouped = records.counted.crossed(model, by, called=_both)
        _refuse_many(by, len(grouped.names))
    else:
        grouped = _cells(records, model, by, progress)
    cells = [_cell(name) for name in grouped.names]
    positions = {(name, group): at for at, (name, group) in enumerate(cells)}
    groups = sorted({group for _, group in cells})
    if len(groups) < 2:
        raise UsageError(
            f"--by {by}: there is only one group, {groups[0]!r}; nothing to compare it with."
        )
    return interaction(Matching(grouped), by, groups, pairs, positions, choices, settings)


def _cells(records: Records, model: str, by: str, progress: Callable[[str], None]) -> Grouped:
    """Collapse records by model and group at once."""
    columns = [records.at(model), records.at(by)]
    frame, _ = engine.plain(records.frame, columns)
    with engine.explained(records.source):
        many, _ = engine.repeats(frame, columns)
    _refuse_many(by, many)
    # How long the first name is stands before both, so that no name can hold what parts them.
    first, second = map(engine.named, columns)
    length = first.str.len_chars().cast(nw.String)
    cell = nw.concat_str([length, nw.lit(":"), first, second])
    held, column = replace(records, frame=frame).with_own(_CELL, cell)
    return _by_model(_with_roles(held, model=column), progress)[1]


def _refuse_many(by: str, many: int) -> None:
    if many > MAX_GROUPS:
        raise UsageError(
            f"--by {by}: {many:,} groups of a model; at most {MAX_GROUPS:,} can be reported. Group by a column with "
            "fewer values."
        )


def _both(model: str, group: str) -> str:
    """Name a model and a group at once, as the engine does."""
    return f"{len(model)}:{model}{group}"


def _cell(name: str) -> tuple[str, str]:
    """Take a model and a group apart again."""
    length, _, both = name.partition(":")
    return group_name(both[: int(length)]), group_name(both[int(length) :])
