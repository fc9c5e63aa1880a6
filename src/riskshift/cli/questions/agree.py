"""riskshift agree: how far raters agree, and one label an item."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options


@options.reads(*options.LABELS, "model", "cluster")
def agree(
    paths: options.Paths,
    resolve: Annotated[
        str,
        typer.Option(
            "--resolve",
            metavar="RULE",
            help="One label an item by: median, majority, max, adjudicated.",
        ),
    ] = "median",
    adjudicator: Annotated[
        str | None,
        typer.Option(
            "--adjudicator", metavar="NAME", help="Rater who settled disputes; not compared."
        ),
    ] = None,
    write_resolved: Annotated[
        Path | None,
        typer.Option(
            "--write-resolved",
            metavar="FILE",
            help="Write one record an item by the rule: .csv, .jsonl or .parquet.",
        ),
    ] = None,
    disputes: Annotated[
        int, typer.Option("--disputes", metavar="N", help="List at most N items in dispute.")
    ] = 20,
    output: options.Output = None,
    charts: options.Charts = None,
    format: options.Format = "terminal",  # noqa: A002
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    resamples: Annotated[
        int, typer.Option("--resamples", metavar="N", help="Draws of each bootstrap.")
    ] = 2_000,
    seed: options.Seed = 20260709,
    quiet: options.Quiet = False,
) -> None:
    """Measure how far raters agree, and resolve their labels to one an item.

    Raters stand in rows (a column annotator) or in columns (response_hate@alice).
    """
    from riskshift.jobs.agree import agree as compare_raters
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import together

    options.check_outputs(output, format)
    refuse_overwriting(
        {"-o": output, "--write-resolved": write_resolved},
        {"data": paths, **reading.files},
    )
    with options.progress(quiet=quiet) as told, together():
        result = compare_raters(
            paths,
            rule=resolve,
            adjudicator=adjudicator,
            write_resolved=write_resolved,
            disputes=disputes,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        written = options.write_all(result, output, charts)
    if write_resolved is not None:
        options.wrote(write_resolved, quiet=quiet)
    options.finish(result, written, output, format, quiet=quiet)
