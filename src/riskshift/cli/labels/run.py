"""riskshift run: from prompts to a page."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.labels.label import (
    BaseUrl,
    Connections,
    KeyVariable,
    Price,
    Timeout,
    parse_prices,
)
from riskshift.cli.printing import put, say
from riskshift.errors import FileError, UsageError

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PROMPTS]...",
        help="Files of prompts: a row each, with a column prompt, and prompt_id where there are ids.",
        show_default=False,
    ),
]


@options.reads(*("source", "mapped", "where"))
def run(
    paths: Paths = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder; made if need be.")
    ] = Path("run"),
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="PROVIDER/MODEL", help="Who answers, by Inspect's name (repeatable)."
        ),
    ] = None,
    graders: Annotated[
        list[str] | None,
        typer.Option(
            "--grader",
            metavar="NAME[=MODEL]",
            help="Who labels: a name of riskshift graders, or a file (repeatable).",
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", help="Answers to each prompt, a model.")
    ] = 1,
    system_prompt: Annotated[
        Path | None,
        typer.Option(
            "--system-prompt", metavar="FILE", help="What models are told before each prompt."
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", metavar="T", help="Of the models.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="Of the longest answer.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Use the first N prompts.")
    ] = None,
    price: Price = None,
    base_url: BaseUrl = None,
    key_variable: KeyVariable = "OPENAI_API_KEY",
    connections: Connections = 16,
    timeout: Timeout = 120.0,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Scripted models and grader: no key, no network, no prompts."),
    ] = False,
    *,
    reading: options.Given,
    quiet: options.Quiet = False,
) -> None:
    """Send prompts to models, label both sides, and analyze: all into one folder.

    Ended at any moment, the same command goes on where it was.
    """
    from riskshift.outputs.escape import lines
    from riskshift.running.generating.demonstration import demonstrate
    from riskshift.running.generating.run import run as run_all

    if demo:
        if paths or models or graders:
            raise UsageError(
                "--demo brings its own prompts, models and grader; name none beside it."
            )
        with options.progress(quiet=quiet) as told:
            made = demonstrate(output, progress=told)
    else:
        if not paths:
            raise UsageError("name a file of prompts, or try it: riskshift run --demo.")
        with options.progress(quiet=quiet) as told:
            try:
                made = run_all(
                    paths,
                    output,
                    models=models or [],
                    graders=graders or [],
                    samples=samples,
                    system_prompt=None if system_prompt is None else _read(system_prompt),
                    temperature=temperature,
                    max_tokens=max_tokens,
                    limit=limit,
                    base_url=base_url,
                    key_variable=key_variable,
                    connections=connections,
                    timeout=timeout,
                    prices=None if price is None else parse_prices(price),
                    progress=told,
                    **reading.arguments(),
                )
            except KeyboardInterrupt:
                say(f"riskshift: {output} holds what was answered; the same command goes on there.")
                raise
    options.show(made.analysis)
    for path in made.written:
        options.wrote(path, quiet=quiet)
    put(lines(str(made)) + "\n")


def _read(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise FileError(f"{place}: cannot read the system prompt: {why}.") from error
