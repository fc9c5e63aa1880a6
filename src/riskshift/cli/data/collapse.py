"""riskshift collapse: pairs as a file of counts."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.printing import put


@options.reads(*options.PAIRS, "by", "model", "cluster", "prompt_labels")
def collapse(
    paths: options.Paths,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Write the counts: *.counts.")
    ],
    reading: options.Given,
    apart: Annotated[
        bool,
        typer.Option(
            "--prompts-apart",
            help="No prompt stands in another part: keep no ids, not even as hashes.",
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the counts of labelled pairs, to be analyzed later, alone or with others."""
    from riskshift.jobs.data.collapse import save_counts
    from riskshift.outputs.escape import lines

    with options.progress(quiet=quiet) as told:
        made = save_counts(paths, output, apart=apart, progress=told, **reading.arguments())
    options.wrote(output, quiet=quiet)
    put(lines(str(made)) + "\n")
