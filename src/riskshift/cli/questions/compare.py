"""riskshift compare: which model is safer on the same prompts."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options


@options.reads(*options.PAIRS, "prompt_labels")
def compare(
    paths: options.Paths,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="MODEL", help="Compare the others with it (default: all pairs)."
        ),
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", metavar="MODEL", help="Only these models (repeatable)."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="Such as escalation or 'persistence[sexual]' (repeatable).",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            "--margin",
            metavar="DIFFERENCE",
            help="How much worse a candidate may be.",
            parser=options.share,
        ),
    ] = 0.01,
    harm: Annotated[
        list[str] | None,
        typer.Option("--harm", metavar="NAME", help="Judge harm by this metric (repeatable)."),
    ] = None,
    helpful: Annotated[
        list[str] | None,
        typer.Option(
            "--helpful", metavar="NAME", help="Judge help on harmless prompts by it (repeatable)."
        ),
    ] = None,
    helpful_margin: Annotated[
        float | None,
        typer.Option(
            "--helpful-margin",
            metavar="DIFFERENCE",
            help="Their margin (default: --margin).",
            parser=options.share,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="Also compare the differences between its values, or those of 'A x B'.",
        ),
    ] = None,
    across: Annotated[
        str | None,
        typer.Option(
            "--across",
            metavar="WHAT",
            help="Also compare the differences between: categories.",
        ),
    ] = None,
    standardize: Annotated[
        str | None,
        typer.Option(
            "--standardize",
            metavar="MIX",
            help="Also on a common mix: pooled, baseline, or a file.",
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="FILE",
            help="A random sample of the pairs labelled by people: correct the differences.",
        ),
    ] = None,
    people_map: options.PeopleMap = None,
    card: options.Card = None,
    output: options.Output = None,
    charts: options.Charts = None,
    cases_out: options.CasesOut = None,
    text: options.CasesText = False,
    format: options.Format = "terminal",  # noqa: A002
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    seed: options.Seed = 20260709,
    quiet: options.Quiet = False,
) -> None:
    """Compare models on the same prompts.

    Models are told apart by a model column, or by file where there is none.
    """
    from riskshift.jobs.compare import MIXES
    from riskshift.jobs.compare import compare as compare_models
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import together

    options.check_outputs(output, format)
    refuse_overwriting(
        {"-o": output, "--cases-out": cases_out},
        {
            "data": paths,
            "--people": people,
            "--card": card,
            "--standardize": None if standardize in MIXES else standardize,
            **reading.files,
        },
    )
    with options.progress(quiet=quiet) as told, together():
        result = compare_models(
            paths,
            baseline=baseline,
            candidates=candidate or (),
            metrics=metric or (),
            margin=margin,
            harm=harm or (),
            helpful=helpful or (),
            helpful_margin=helpful_margin,
            by=by,
            across=across,
            standardize=standardize,
            people=people,
            people_columns=options.people_columns(people_map),
            card=card,
            cases_out=cases_out,
            cases_text=text,
            confidence=confidence,
            seed=seed,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        written = options.write_all(result, output, charts, cases=cases_out)
    options.finish(result, written, output, format, quiet=quiet)
