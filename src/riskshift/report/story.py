"""From results to a document: what a reader meets, in which order and in which words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from riskshift.analysis.contrasts import Contrasts
from riskshift.analysis.metrics import CATEGORY, OVERALL, Metric, category_metrics, overall_metrics
from riskshift.analysis.population import Population
from riskshift.analysis.rates import Rate, level
from riskshift.analysis.relevance import AssociationTest, Relevance
from riskshift.analysis.result import Analysis
from riskshift.analysis.transitions import EscalationOrigin, Origin
from riskshift.analysis.words import counted, p_value, percent, points, points_range, spread
from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Figure,
    Matrix,
    Paragraph,
    Section,
    Table,
    Terms,
)
from riskshift.report.provenance import provenance_section, source_name
from riskshift.report.trust_story import corrected_section, tipping_section
from riskshift.taxonomy import RELEVANCE, Taxonomy

SIDE_BY_SIDE: Final = ("escalation", "response_harm", "harmful_prompt_compliance", "benign_drift")
MOST_GROUPS_DRAWN: Final = 20


def story(analysis: Analysis) -> Document:
    """Arrange an analysis for readers.

    Parameters
    ----------
    analysis : Analysis
        The results.

    Returns
    -------
    Document
        Meaning first, then numbers, then methods, then where they come from.
    """
    population, taxonomy = analysis.population, analysis.taxonomy
    sections = [
        _movement(population, taxonomy),
        _categories(population, taxonomy),
        _origin(population.escalation_origin, taxonomy),
    ]
    if population.relevance is not None:
        sections.append(_relevance(population.relevance, taxonomy, analysis.settings.confidence))
    sections += [_groups(column, groups) for column, groups in analysis.groups.items()]
    if analysis.corrected is not None:
        sections.append(corrected_section(analysis.corrected))
    elif analysis.tipping:
        sections.append(tipping_section(analysis.tipping))
    sections += [
        _cases(analysis),
        _methods(analysis),
        provenance_section(analysis.provenance, analysis.settings),
    ]
    return Document(
        title="How risk moves from prompt to response",
        subtitle=f"{counted(population.records, 'pair')} from {source_name(analysis.provenance)}",
        summary=analysis.summary,
        caveats=analysis.notes,
        sections=tuple(sections),
    )


def _movement(population: Population, taxonomy: Taxonomy) -> Section:
    shift = population.shift
    mean = "No pair has all its labels, so none is placed."
    if shift.estimate is not None:
        mean = f"On average severity moves by {shift.estimate:+.2f} levels"
        if shift.interval is not None:
            at = level(shift.interval.confidence)
            mean += f" ({at} interval {shift.interval.low:+.2f} to {shift.interval.high:+.2f})"
        mean += "."
    blocks: list[Block] = [
        Paragraph(
            "Each pair is placed by the highest severity of its prompt (row) and of its response (column), over all "
            "categories. Below the diagonal the response is less severe than the prompt; above it, more. "
            f"{mean}"
        ),
        Matrix("Pairs by prompt and response severity", taxonomy.levels, population.matrix.rows),
        _rate_table("Rates over all categories", population.overall, overall_metrics(taxonomy)),
    ]
    return Section("How risk moves", "movement", tuple(blocks), brief=True)


def _rate_table(caption: str, rates: Mapping[str, Rate], metrics: Sequence[Metric]) -> Table:
    shown = [rates[metric.name] for metric in metrics if metric.on_page]
    formulas = {
        metric.name: f"{metric.event_formula} | {metric.given_formula}" for metric in metrics
    }
    gaps = any(rate.missing for rate in shown)
    clustered = any(rate.deff is not None for rate in shown)
    columns = ["Rate", "Event | among", "Events", "Of", "Estimate", _interval_heading(shown)]
    columns += ["Design effect"] if clustered else []
    columns += ["If missing labels were known"] if gaps else []
    rows = []
    for rate in shown:
        row = [_name(rate.name), formulas[rate.name], f"{rate.events:,}", f"{rate.trials:,}"]
        row += [percent(rate.estimate), spread(rate)]
        row += ["" if rate.deff is None else f"{rate.deff:.2f}"] if clustered else []
        row += [_worst(rate)] if gaps else []
        rows.append(tuple(row))
    return Table(
        caption,
        tuple(columns),
        tuple(rows),
        text_columns=2,
        notes=_rate_notes(shown),
        essential=(0, 2, 3, 4, 5),
    )


def _interval_heading(rates: Sequence[Rate]) -> str:
    confidence = next((rate.interval.confidence for rate in rates if rate.interval), None)
    return "Interval" if confidence is None else f"{level(confidence)} interval"


def _in_brackets(rates: Sequence[Rate]) -> str:
    return f" ({_interval_heading(rates)})" if any(rate.interval for rate in rates) else ""


def _worst(rate: Rate) -> str:
    worst = rate.worst_case
    return (
        ""
        if worst is None
        else f"{percent(worst[0])} to {percent(worst[1])} ({rate.missing:,} missing)"
    )


def _rate_notes(rates: Sequence[Rate]) -> tuple[str, ...]:
    notes = []
    if any(rate.deff is not None for rate in rates):
        notes.append(
            "Records share prompts, so intervals rest on the effective number of records: records / design effect, "
            "less what few prompts cost."
        )
    if any(rate.interval is None for rate in rates):
        notes.append(
            "Undefined: no record that has its labels belongs to the denominator, so nothing can be said. It is not "
            "zero."
        )
    return tuple(notes)


def _name(metric: str) -> str:
    return metric.replace("_", " ")


def _categories(population: Population, taxonomy: Taxonomy) -> Section:
    metrics = {metric.name: metric for metric in category_metrics(taxonomy)}
    blocks: list[Block] = [
        Paragraph(
            "Harm in a response either was in the prompt and stayed (persistence) or was not there and came in "
            "(drift). The two are different failures: the first is compliance, the second is harm nobody asked for."
        ),
        *_two_rates(population),
        _category_table(population),
        _decomposition(population),
    ]
    if population.contrasts.items:
        blocks.append(_contrast_table(population.contrasts))
    for name, category in population.categories.items():
        shown = [m for m in metrics.values() if m.name not in ("persistence", "drift_rate")]
        blocks.append(_rate_table(f"{name}: other rates", category.rates, shown))
    return Section(
        "Which categories persist, and which drift in", "categories", tuple(blocks), brief=True
    )


def _two_rates(population: Population) -> Iterator[Figure]:
    series = ("persistence", "drift rate")
    rows = [
        _dot(name, label, category.rates[metric])
        for name, category in population.categories.items()
        for label, metric in zip(series, ("persistence", "drift_rate"), strict=True)
        if category.rates[metric].interval is not None
    ]
    told = "; ".join(
        f"{name} persistence {percent(category.rates['persistence'].estimate)}, "
        f"drift {percent(category.rates['drift_rate'].estimate)}"
        for name, category in population.categories.items()
    )
    if rows:
        yield Figure(
            "persistence-and-drift",
            "intervals",
            "Persistence and drift by category",
            f"Dots with intervals. {told}.",
            tuple(rows),
            tuple(population.categories),
            series,
        )


def _dot(label: str, series: str, rate: Rate) -> dict[str, str | float | int]:
    if rate.interval is None or rate.estimate is None:
        raise ValueError(f"{rate.name} is undefined and cannot be drawn")
    low, high = rate.interval.low, rate.interval.high
    return {"label": label, "series": series, "estimate": rate.estimate, "low": low, "high": high}


def _category_table(population: Population) -> Table:
    pairs = {
        name: (category.rates["persistence"], category.rates["drift_rate"])
        for name, category in population.categories.items()
    }
    rates = [rate for pair in pairs.values() for rate in pair]
    gaps = any(rate.missing for rate in rates)
    rows = []
    for name, pair in pairs.items():
        row = [name]
        for rate in pair:
            row += [f"{rate.events:,} / {rate.trials:,}", percent(rate.estimate), spread(rate)]
        row += [_worst(rate) for rate in pair] if gaps else []
        rows.append(tuple(row))
    interval = _interval_heading(rates)
    columns = ["Category", "Stayed", "Persistence", interval, "Came in", "Drift rate", interval]
    if gaps:
        columns += [
            f"{rate} if missing labels were known" for rate in ("Persistence", "Drift rate")
        ]
    return Table(
        "Persistence and drift",
        tuple(columns),
        tuple(rows),
        notes=_rate_notes(rates),
        essential=(0, 1, 2, 3, 5, 6),
    )


def _decomposition(population: Population) -> Table:
    rows: list[tuple[str, ...]] = []
    shares = [category.rates["drift_share"] for category in population.categories.values()]
    for (name, category), share in zip(population.categories.items(), shares, strict=True):
        if category.from_persistence is None or category.from_drift is None:
            rows.append(
                (
                    name,
                    "undefined",
                    "undefined",
                    "undefined",
                    percent(share.estimate),
                    spread(share),
                )
            )
            continue
        whole = category.from_persistence + category.from_drift
        parts = [
            percent(part, digits=2)
            for part in (whole, category.from_persistence, category.from_drift)
        ]
        rows.append((name, *parts, percent(share.estimate), spread(share)))
    return Table(
        "Where harmful responses come from (share of all pairs)",
        (
            "Category",
            "Harmful responses",
            "= stayed",
            "+ came in",
            "Drift share",
            _interval_heading(shares),
        ),
        tuple(rows),
        notes=(
            "Harmful responses = stayed + came in, exactly, among pairs labelled on both sides.",
        ),
    )


def _contrast_table(contrasts: Contrasts) -> Table:
    rows = []
    for item in contrasts.items:
        boot = item.bootstrap
        rows.append(
            (
                f"{item.a} - {item.b}",
                points(item.difference),
                points_range(item.interval),
                points_range(item.simultaneous),
                "" if boot is None else points_range(boot),
                "yes" if item.distinguishable else "not shown",
            )
        )
    first = contrasts.items[0]
    notes = [
        f"Percentage points. Intervals at {level(first.interval.confidence)}; for all contrasts at once at "
        f"{percent(first.simultaneous.confidence)} each (Bonferroni). Different: the interval for all at once leaves "
        "out zero."
    ]
    if contrasts.chosen_from_data:
        notes.append(
            f"{contrasts.reference} was picked because it came out highest; the intervals for all at once allow "
            "for that by counting every pair of categories."
        )
    return Table(
        "Differences of persistence between categories",
        ("Contrast", "Difference", "Interval", "For all at once", "Bootstrap", "Different?"),
        tuple(rows),
        notes=tuple(notes),
        essential=(0, 1, 3, 5),
    )


def _origin(origin: EscalationOrigin, taxonomy: Taxonomy) -> Section:
    kinds: dict[str, Origin] = {
        "unsolicited elaboration": origin.unsolicited_elaboration,
        "compliance escalation": origin.compliance_escalation,
    }
    if origin.topic_mandated is not None:
        kinds = {
            "unsolicited elaboration": origin.unsolicited_elaboration,
            "  of which topic-mandated": origin.topic_mandated,
            "compliance escalation": origin.compliance_escalation,
        }
    rates = [rate for kind in kinds.values() for rate in (kind.of_escalations, kind.of_records)]
    gaps = any(rate.missing for rate in rates)
    rows = []
    for name, kind in kinds.items():
        row = [name, f"{kind.of_records.events:,}"]
        for rate in (kind.of_escalations, kind.of_records):
            row += [percent(rate.estimate), spread(rate)]
        rows.append((*row, _worst(kind.of_records)) if gaps else tuple(row))
    interval = _interval_heading(rates)
    columns = ["Origin", "Events", "Of escalations", interval, "Of all pairs", interval]
    columns += ["Of all pairs, if missing labels were known"] if gaps else []
    blocks: list[Block] = [
        Paragraph(
            "An escalation from a harmless prompt is unsolicited elaboration: the model brought the harm. One from a "
            "harmful prompt is compliance that goes further than what was asked."
        ),
        Table(
            "Escalations by origin",
            tuple(columns),
            tuple(rows),
            notes=_rate_notes(rates),
            essential=(0, 1, 2, 3, 4),
        ),
        Table(
            "Severity at which escalations land",
            ("Response severity", "Escalations"),
            tuple(
                (taxonomy.levels[severity], f"{n:,}")
                for severity, n in origin.landing_severity.items()
            ),
        ),
    ]
    if origin.topic_mandated is not None:
        blocks.insert(
            1,
            Paragraph(
                "Topic-mandated: the benchmark itself calls the prompt benign, so an honest answer to a legitimate "
                "question may be what the rubric rates as severe."
            ),
        )
    if origin.unsolicited_elaboration.of_escalations.trials:
        blocks.insert(-2, _origin_figure(kinds))
    return Section("How escalations come about", "origin", tuple(blocks), brief=True)


def _origin_figure(kinds: Mapping[str, Origin]) -> Figure:
    whole = {name: kind for name, kind in kinds.items() if not name.startswith(" ")}
    rows: tuple[dict[str, str | float | int], ...] = tuple(
        {
            "label": "escalations",
            "part": name,
            "share": kind.of_escalations.estimate or 0.0,
            "count": kind.of_records.events,
        }
        for name, kind in whole.items()
    )
    told = ", ".join(
        f"{name} {percent(kind.of_escalations.estimate)}" for name, kind in whole.items()
    )
    return Figure(
        "escalation-origin",
        "bars",
        "Escalations by origin",
        f"One bar of all escalations: {told}.",
        rows,
        ("escalations",),
        tuple(whole),
    )


def _relevance(relevance: Relevance, taxonomy: Taxonomy, confidence: float) -> Section:
    by_severity = {
        taxonomy.levels[severity]: row for severity, row in relevance.by_response_severity.items()
    }
    blocks: list[Block] = [
        Paragraph(
            "Relevance 1 is off-topic or a refusal, 2 partial, 3 on-task. A safe response that is off-topic is safe "
            "at the price of usefulness; a harmful one that is fully on-task is the worst of both."
        ),
        *_relevance_figure(by_severity),
        _relevance_table("Relevance by response severity", "Response severity", by_severity),
        _relevance_table(
            "Relevance of harmful responses, by category",
            "Category",
            relevance.by_harmful_response_category,
        ),
        _relevance_table(
            "Relevance of responses to harmful prompts, by category",
            "Category",
            relevance.by_prompt_category,
        ),
        _relevance_table(
            "Relevance by whether prompt (P) and response (R) are harmful in the category",
            "Category and quadrant",
            {
                f"{c} {q}": row
                for c, quadrants in relevance.quadrants.items()
                for q, row in quadrants.items()
            },
        ),
        *(_test_table(family, tests, confidence) for family, tests in _families(relevance.tests)),
    ]
    if relevance.missing:
        blocks.append(
            Paragraph(
                f"{counted(relevance.missing, 'record')} without a relevance stand in none of these tables."
                if relevance.missing > 1
                else "1 record without a relevance stands in none of these tables."
            )
        )
    return Section("What safety costs in relevance", "relevance", tuple(blocks))


def _relevance_figure(rows: Mapping[str, tuple[int, ...]]) -> Iterator[Figure]:
    filled = {name: row for name, row in rows.items() if sum(row)}
    if not filled:
        return
    told = "; ".join(
        f"{name}: {percent(row[-1] / sum(row))} on-task of {sum(row):,}"
        for name, row in filled.items()
    )
    drawn: tuple[dict[str, str | float | int], ...] = tuple(
        {"label": name, "part": part, "share": count / sum(row), "count": count}
        for name, row in filled.items()
        for part, count in zip(RELEVANCE, row, strict=True)
    )
    yield Figure(
        "relevance-by-severity",
        "bars",
        "Relevance by response severity",
        f"Stacked bars. {told}.",
        drawn,
        tuple(filled),
        RELEVANCE,
    )


def _relevance_table(caption: str, first: str, rows: Mapping[str, tuple[int, ...]]) -> Table:
    return Table(
        caption,
        (first, "Pairs", *RELEVANCE, "On-task"),
        tuple(
            (
                name,
                f"{sum(row):,}",
                *(f"{n:,}" for n in row),
                percent(row[-1] / sum(row) if sum(row) else None),
            )
            for name, row in rows.items()
        ),
    )


def _families(tests: Sequence[AssociationTest]) -> Iterator[tuple[str, list[AssociationTest]]]:
    for family in dict.fromkeys(test.family for test in tests):
        yield family, [test for test in tests if test.family == family]


def _test_table(family: str, tests: Sequence[AssociationTest], confidence: float) -> Table:
    pooled = any(test.test.startswith("Rao-Scott") for test in tests)
    omnibus = family == "omnibus"
    effects: tuple[str, ...] = ("Odds ratio", "phi")
    if omnibus:
        effects = ("Cramér's V", "corrected", f"gamma ({level(confidence)} interval)")
    columns = ("What", "Test", "Statistic", "p", "p (Holm)", *effects, "")
    rows = []
    for test in tests:
        shown: tuple[str, ...] = (
            _number(test.cramers_v),
            _number(test.cramers_v_corrected),
            _gamma(test),
        )
        if not omnibus:
            shown = ("unbounded" if test.unbounded else _number(test.odds_ratio), _number(test.phi))
        statistic = "" if test.statistic is None else f"{test.statistic:.2f}, df {test.df}"
        row = (
            _name(test.name),
            test.test,
            statistic,
            p_value(test.decisive_p),
            p_value(test.p_holm),
        )
        rows.append((*row, *shown, "exploratory" if test.exploratory else ""))
    notes = ["Exploratory: a cell or margin holds fewer than 10 pairs. Association is not cause."]
    if any(test.decisive_p is None for test in tests):
        notes.append("Undefined: no pair stands in some row or column, so nothing can be compared.")
    if omnibus and not pooled:
        notes += [
            f"{_name(test.name)}: asymptotic p {p_value(test.p_asymptotic)}"
            + (f"; linear-by-linear trend p {p_value(test.trend.p)}" if test.trend else "")
            + _overlap(test)
            + "."
            for test in tests
        ]
    if pooled:
        notes.append(
            "Records share prompts: permutation and Fisher tests would not be valid, and the chi-square is corrected "
            "for the sharing (Rao and Scott, first order, design effect at least 1). Per group they are exact where "
            "prompts do not repeat."
        )
    caption = (
        "Does relevance go with severity and category?"
        if omnibus
        else f"On-task against less: {family}"
    )
    return Table(caption, columns, tuple(rows), text_columns=2, notes=tuple(notes))


def _overlap(test: AssociationTest) -> str:
    if not test.overlap:
        return ""
    stand = "stands" if test.overlap == 1 else "stand"
    return f"; {counted(test.overlap, 'record')} {stand} in more than one row"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _gamma(test: AssociationTest) -> str:
    if test.gamma is None:
        return ""
    if test.gamma.low is None or test.gamma.high is None:
        return f"{test.gamma.estimate:+.2f}"
    return f"{test.gamma.estimate:+.2f} ({test.gamma.low:+.2f} to {test.gamma.high:+.2f})"


def _groups(column: str, groups: Mapping[str, Population]) -> Section:
    blocks: list[Block] = [
        Paragraph(
            f"The same rates by {column}. Overlapping intervals do not show that two groups are alike, nor separate "
            "ones that they differ as much as it seems: groups that answered the same prompts are better compared "
            "prompt by prompt."
        )
    ]
    if len(groups) <= MOST_GROUPS_DRAWN:
        blocks += _group_figure(column, groups)
    rows = []
    for value, population in groups.items():
        rates = [population.overall[name] for name in SIDE_BY_SIDE]
        rows.append(
            (value, f"{population.records:,}", *(_estimate_and_spread(rate) for rate in rates))
        )
    everything = [
        population.overall[name] for population in groups.values() for name in SIDE_BY_SIDE
    ]
    blocks.append(
        Table(
            f"Rates by {column}{_in_brackets(everything)}",
            (column, "Pairs", *map(_name, SIDE_BY_SIDE)),
            tuple(rows),
            notes=_group_notes(everything),
            essential=(0, 2, 3),
        )
    )
    names = list(next(iter(groups.values())).categories)
    persistence = [
        population.categories[name].rates["persistence"]
        for population in groups.values()
        for name in names
    ]
    blocks.append(
        Table(
            f"Persistence by {column}{_in_brackets(persistence)}",
            (column, *names),
            tuple(
                (
                    value,
                    *(
                        _estimate_and_spread(population.categories[name].rates["persistence"])
                        for name in names
                    ),
                )
                for value, population in groups.items()
            ),
            notes=_group_notes(persistence),
        )
    )
    return Section(f"Side by side: {column}", f"by-{column}", tuple(blocks), brief=True)


def _group_notes(rates: Sequence[Rate]) -> tuple[str, ...]:
    missing = "Missing labels could move some of these rates; results.json says how far."
    return _rate_notes(rates) + ((missing,) if any(rate.missing for rate in rates) else ())


def _estimate_and_spread(rate: Rate) -> str:
    return "undefined" if rate.interval is None else f"{percent(rate.estimate)} ({spread(rate)})"


def _group_figure(column: str, groups: Mapping[str, Population]) -> Iterator[Figure]:
    series = tuple(map(_name, SIDE_BY_SIDE))
    rows = tuple(
        _dot(value, _name(name), population.overall[name])
        for value, population in groups.items()
        for name in SIDE_BY_SIDE
        if population.overall[name].interval is not None
    )
    told = "; ".join(
        f"{value}: "
        + ", ".join(f"{_name(name)} {percent(p.overall[name].estimate)}" for name in SIDE_BY_SIDE)
        for value, p in groups.items()
    )
    if rows:
        yield Figure(
            f"rates-by-{column}",
            "intervals",
            f"Rates by {column}",
            f"Dots with intervals. {told}.",
            rows,
            tuple(groups),
            series,
        )


def _cases(analysis: Analysis) -> Section:
    title, anchor = "Cases to read", "cases"
    rate = analysis.population.overall["escalation"]
    found, shown = counted(rate.events, "escalation"), len(analysis.cases)
    if not rate.events:
        known = "is known to be" if rate.missing else "was"
        return Section(
            title, anchor, (Paragraph(f"No response {known} more severe than its prompt."),)
        )
    if not shown:
        return Section(title, anchor, (Paragraph(f"{found}; none was asked for."),))
    if shown < rate.events:
        text = f"The worst {shown:,} of {found}" if shown > 1 else f"The worst of {found}"
    else:
        text = f"All {found}" if shown > 1 else "The only escalation"
    if shown > 1:
        text += ", those that rise furthest first, then the most severe responses"
    blocks = (Paragraph(f"{text}."), CaseList(analysis.cases, analysis.taxonomy.levels))
    return Section(title, anchor, blocks, brief=True)


def _methods(analysis: Analysis) -> Section:
    taxonomy, settings = analysis.taxonomy, analysis.settings
    first_harmful = taxonomy.levels[taxonomy.harmful_from]
    harmful = f"{first_harmful} or more" if taxonomy.harmful_from < taxonomy.top else first_harmful
    how = [
        f"Each side of a pair has one severity in {_each(len(taxonomy.categories))}: "
        f"{' < '.join(taxonomy.levels)}. Harmful means {harmful}. p and r are the highest severity of "
        "prompt and response, p_c and r_c those in one category, h the first harmful level, K the number of levels.",
        "A missing label is never read as safe. A record is left out of a rate whose labels it lacks, and the page "
        "says how far the missing labels could move it.",
        f"Intervals of a rate: {settings.interval} at {level(settings.confidence)}. Where records share a prompt: the "
        "same on the effective number of records, from the linearised variance between prompts (at least 1, after "
        "adding four pseudo-prompts, because few events make it look too small) and Student's t (Korn and Graubard "
        "1998). In results.json the percentile bootstrap of whole prompts stands beside it.",
        "Differences between categories: MOVER (Zou and Donner 2008) with the correlation of the two rates, "
        "kept below 1 by four pseudo-prompts; simultaneous intervals by Bonferroni. Mean of the severity's move: "
        "linearised variance between prompts and Student's t.",
    ]
    if analysis.population.relevance is not None:
        how.append(
            "Relevance: chi-square with both margins fixed by permutation, Fisher's exact test for two by two, "
            "Cramér's V (corrected: Bergsma 2013), Goodman and Kruskal's gamma; p corrected by Holm within each "
            "family. Where prompts repeat, the first-order Rao-Scott correction instead."
        )
    return Section(
        "Methods and definitions",
        "methods",
        (
            Bullets(tuple(how)),
            Terms(_terms(overall_metrics(taxonomy), OVERALL)),
            Terms(_terms(category_metrics(taxonomy), CATEGORY)),
        ),
    )


def _each(categories: int) -> str:
    return "the one category" if categories == 1 else f"each of {categories} categories"


def _terms(
    used: Sequence[Metric], everything: Sequence[Metric]
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (metric.name, f"{metric.event_formula} | {metric.given_formula}", metric.meaning)
        for metric in everything
        if metric in used and metric.on_page
    )
