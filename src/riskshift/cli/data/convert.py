"""riskshift convert: the logs of a tool as a file of pairs."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.printing import put


@options.reads(
    *("source", "taxonomy", "skip_bad", "score", "score_value", "cuts"),
    *("turns", "labels", "memory_limit", "threads"),
)
def convert(
    paths: options.Paths,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the pairs: .parquet, .jsonl or .csv."
        ),
    ],
    reading: options.Given,
    quiet: options.Quiet = False,
) -> None:
    """Write the pairs of a tool's logs, with all that the logs tell of them."""
    from riskshift.jobs.data.convert import convert as write
    from riskshift.outputs.escape import lines

    with options.progress(quiet=quiet) as told:
        made = write(paths, output, progress=told, **reading.arguments())
    options.wrote(output, quiet=quiet)
    put(lines(str(made)) + "\n")
