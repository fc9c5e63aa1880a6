"""riskshift analyze: the main job."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options


@options.reads(*options.PAIRS, "by", "model", "cluster", "prompt_labels")
def analyze(
    paths: options.Paths,
    output: options.Output = None,
    charts: options.Charts = None,
    format: options.Format = "terminal",  # noqa: A002
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    interval: Annotated[
        str, typer.Option("--interval", metavar="METHOD", help="wilson or clopper-pearson.")
    ] = "wilson",
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="CATEGORY", help="Compare others with it (default: the highest)."
        ),
    ] = None,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="Compare every pair of categories.")
    ] = False,
    cases: Annotated[
        int,
        typer.Option("--cases", metavar="N", help="List at most N pairs, of every cell some."),
    ] = 100,
    cases_out: options.CasesOut = None,
    text: options.CasesText = False,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Leave prompts and responses out of the page.")
    ] = False,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="FILE",
            help="Some of the same pairs labelled by people: correct the rates.",
        ),
    ] = None,
    people_map: options.PeopleMap = None,
    about: Annotated[
        str | None,
        typer.Option(
            "--about",
            metavar="WHAT",
            help="What corrected rates speak of: prompts (like these, the default) or this file.",
        ),
    ] = None,
    labels_by: Annotated[
        str | None,
        typer.Option("--labels-by", metavar="WHO", help="Who made the labels: people or grader."),
    ] = None,
    card: options.Card = None,
    seed: options.Seed = 20260709,
    quiet: options.Quiet = False,
) -> None:
    """Analyze labelled pairs and report."""
    import riskshift
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import together

    options.check_outputs(output, format)
    refuse_overwriting(
        {"-o": output, "--cases-out": cases_out},
        {
            "data": paths,
            "--people": people,
            "--card": card,
            **reading.files,
        },
    )
    with options.progress(quiet=quiet) as told, together():
        result = riskshift.analyze(
            paths,
            confidence=confidence,
            interval=interval,
            seed=seed,
            reference=reference,
            all_pairs=all_pairs,
            cases=cases,
            cases_out=cases_out,
            cases_text=text,
            text=not no_text,
            people=people,
            people_columns=options.people_columns(people_map),
            about=about or "prompts",
            labels_by=labels_by,
            card=card,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        written = options.write_all(result, output, charts, text=not no_text, cases=cases_out)
    options.finish(result, written, output, format, quiet=quiet, text=not no_text)
