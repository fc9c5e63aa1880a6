"""riskshift sample: draw the pairs that people should label."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.printing import put
from riskshift.errors import UsageError


@options.reads(*options.PAIRS, "model", "prompt_labels")
def sample(
    paths: options.Paths,
    n: Annotated[
        int | None, typer.Option("--n", metavar="N", help="How many pairs to draw.")
    ] = None,
    stratify: Annotated[
        str | None,
        typer.Option(
            "--stratify",
            metavar="METRIC",
            help="Draw apart by the grader's value of a metric, such as escalation.",
        ),
    ] = None,
    allocation: Annotated[
        str,
        typer.Option(
            "--allocation", metavar="HOW", help="Of --stratify: equal or proportional numbers."
        ),
    ] = "equal",
    width: Annotated[
        float | None,
        typer.Option(
            "--width",
            metavar="SHARE",
            help="Say how many labels an interval so wide takes.",
            parser=options.share,
        ),
    ] = None,
    metric: Annotated[
        str,
        typer.Option("--metric", metavar="METRIC", help="Of --width: the rate that matters."),
    ] = "response_harm",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the pairs: .csv, .jsonl or .parquet."
        ),
    ] = None,
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    seed: options.Seed = 20260709,
    quiet: options.Quiet = False,
) -> None:
    """Draw the pairs that people should label, to correct a grader's rates.

    Give --n and -o to draw, --width to learn how many labels are needed, or both.
    """
    from riskshift.jobs import sample as sampling
    from riskshift.jobs.opening import read
    from riskshift.outputs.escape import lines
    from riskshift.outputs.overwriting import refuse_overwriting

    if (n is None) != (output is None) or (n is None and width is None):
        raise UsageError(
            "give --n N and -o FILE to draw pairs, or --width SHARE to learn how many are needed."
        )
    if stratify is None and allocation != "equal":
        raise UsageError("--allocation shares labels out among strata, so it needs --stratify.")
    if output is not None:
        sampling.check_new(output)
    refuse_overwriting({"-o": output}, {"data": paths, **reading.files})
    told: list[object] = []
    with options.progress(quiet=quiet) as step:
        step("opening the data")
        records = read(paths, **reading.arguments())
        if width is not None:
            told.append(
                sampling.labels_needed(
                    records, width=width, metric=metric, confidence=confidence, progress=step
                )
            )
        if n is not None:
            told.append(
                sampling.sample(
                    records,
                    n=n,
                    output=output,
                    stratify=stratify,
                    allocation=allocation,
                    seed=seed,
                    progress=step,
                )
            )
    if output is not None:
        options.wrote(output, quiet=quiet)
    put(lines("\n\n".join(map(str, told))) + "\n")
