"""riskshift label-studio: pairs to people and back."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.printing import put

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def label_studio() -> None:
    """Take pairs to people who label in Label Studio, and their labels back."""


@app.command("export")
@options.reads("source", "taxonomy", "mapped")
def export(
    paths: options.Paths,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Write config.xml and tasks.json here."),
    ],
    reading: options.Given,
    quiet: options.Quiet = False,
) -> None:
    """Write a labeling config and tasks, from pairs that riskshift sample drew."""
    from riskshift.labelstudio.exporting import export_label_studio, refuse_written_over

    refuse_written_over("-o", output, {"data": paths, **reading.files})
    with options.progress(quiet=quiet) as told:
        made = export_label_studio(paths, output, progress=told, **reading.arguments())
    for path in (made.config, made.tasks):
        options.wrote(path, quiet=quiet)
    put(
        f"{made.count:,} tasks. In Label Studio: make a project, paste {made.config.name} under Labeling Interface, "
        f"Code, and import {made.tasks.name}. When all is labelled: Export, JSON.\n"
    )


@app.command("import")
@options.reads("taxonomy", "mapped", "scale")
def import_(
    path: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS.json", help="A project's export as JSON.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the labels: .csv, .jsonl or .parquet."
        ),
    ],
    reading: options.Given,
    quiet: options.Quiet = False,
) -> None:
    """Read the annotations of people, one row each."""
    from riskshift.labelstudio.importing import import_label_studio
    from riskshift.outputs.escape import lines
    from riskshift.outputs.overwriting import refuse_overwriting

    refuse_overwriting({"-o": output}, {"annotations": path, **reading.files})
    made = import_label_studio(path, output=output, **reading.arguments())
    options.wrote(output, quiet=quiet)
    put(lines(str(made)) + "\n")
