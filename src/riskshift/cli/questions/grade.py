"""riskshift grader: a grader's report card against people."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options


@options.reads(*options.PAIRS, "model", "cluster", "prompt_labels")
def grader(
    people: Annotated[
        Path,
        typer.Option(
            "--people", metavar="FILE", help="Pairs labelled by people.", show_default=False
        ),
    ],
    graded: Annotated[
        Path,
        typer.Option(
            "--grader",
            metavar="FILE",
            help="The same pairs, and others, labelled by the grader.",
            show_default=False,
        ),
    ],
    people_map: options.PeopleMap = None,
    output: options.Output = None,
    charts: options.Charts = None,
    format: options.Format = "terminal",  # noqa: A002
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    cases: Annotated[
        int, typer.Option("--cases", metavar="N", help="List at most N of the worst errors.")
    ] = 50,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Leave prompts and responses out of the page.")
    ] = False,
    seed: options.Seed = 20260709,
    quiet: options.Quiet = False,
) -> None:
    """Hold a grader's labels against people's, on prompts and on responses."""
    from riskshift.jobs.grade import grade
    from riskshift.outputs.overwriting import refuse_overwriting

    options.check_outputs(output, format)
    refuse_overwriting({"-o": output}, {"--grader": graded, "--people": people, **reading.files})
    with options.progress(quiet=quiet) as told:
        result = grade(
            graded,
            people,
            confidence=confidence,
            cases=cases,
            text=not no_text,
            people_columns=options.people_columns(people_map),
            seed=seed,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        written = options.write_all(result, output, charts, text=not no_text)
    options.finish(result, written, output, format, quiet=quiet, text=not no_text)
