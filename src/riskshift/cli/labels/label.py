"""riskshift label: ask graders about every text whose labels are missing."""

from pathlib import Path
from typing import Annotated

import typer

from riskshift.cli import options
from riskshift.cli.printing import put, say
from riskshift.errors import UsageError

Graders = Annotated[
    list[str],
    typer.Option(
        "--grader",
        metavar="NAME[=MODEL]",
        help="Who labels: a name of riskshift graders, or a file (repeatable).",
        show_default=False,
    ),
]
Price = Annotated[
    str | None,
    typer.Option(
        "--price", metavar="IN,OUT", help="Of a million tokens in and out, to say the cost."
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where models are asked (default: OPENAI_BASE_URL, else OpenAI).",
    ),
]
KeyVariable = Annotated[
    str,
    typer.Option("--key-variable", metavar="NAME", help="Environment variable that holds the key."),
]
Connections = Annotated[
    int, typer.Option("--connections", metavar="N", help="How many texts are asked at once.")
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", help="A silent request is asked again."),
]


@options.reads(
    *("source", "mapped", "scale", "invert", "skip_bad", "missing", "where", "refusals"),
    *("score", "score_value", "cuts", "memory_limit", "threads"),
)
def label(
    paths: options.Paths,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the pairs: .parquet, .jsonl or .csv."
        ),
    ],
    graders: Graders,
    rubric: Annotated[
        Path | None,
        typer.Option(
            "--rubric", metavar="FILE", help="A rubric of your own, for the grader rubric: TOML."
        ),
    ] = None,
    side: Annotated[
        str, typer.Option("--side", metavar="SIDE", help="prompt, response or both.")
    ] = "both",
    repeat: Annotated[
        int, typer.Option("--repeat", metavar="N", help="Ask everything N times: flicker.")
    ] = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Ask about at most N texts now.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and ask nothing.")
    ] = False,
    price: Price = None,
    base_url: BaseUrl = None,
    key_variable: KeyVariable = "OPENAI_API_KEY",
    connections: Connections = 16,
    timeout: Timeout = 120.0,
    write_card: Annotated[
        Path | None,
        typer.Option(
            "--write-card", metavar="FILE", help="Write a data card that says who labelled: .toml."
        ),
    ] = None,
    *,
    reading: options.Given,
    quiet: options.Quiet = False,
) -> None:
    """Label pairs: fill what is missing, keep what is there.

    Ended at any moment, the same command goes on where it was.
    """
    from riskshift.outputs.escape import lines
    from riskshift.running.journal import journal_of
    from riskshift.running.labelling.estimate import estimate_labelling
    from riskshift.running.labelling.label import label as grade

    shared = {
        "graders": graders,
        "rubric": rubric,
        "side": side,
        "repeat": repeat,
        "limit": limit,
        "connections": connections,
        "prices": None if price is None else parse_prices(price),
        **reading.arguments(),
    }
    with options.progress(quiet=quiet) as told:
        if dry_run:
            put(
                lines(str(estimate_labelling(paths, output=output, progress=told, **shared))) + "\n"
            )
            return
        try:
            made = grade(
                paths,
                output,
                base_url=base_url,
                key_variable=key_variable,
                timeout=timeout,
                write_card=write_card,
                progress=told,
                **shared,
            )
        except KeyboardInterrupt:
            if journal_of(output).exists():
                say(
                    f"riskshift: {journal_of(output)} holds what was answered; the same command goes on there."
                )
            raise
    for path in filter(None, (output, write_card)):
        options.wrote(path, quiet=quiet)
    put(lines(str(made)) + "\n")


def parse_prices(text: str) -> tuple[float, float]:
    """Read two prices.

    Examples
    --------
    >>> parse_prices("0.15, 0.60")
    (0.15, 0.6)
    """
    try:
        given, made = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--price {text!r}: write it as IN,OUT, such as 0.15,0.60.") from error
    if not (given >= 0 and made >= 0):
        raise UsageError(f"--price {text!r}: prices are numbers from 0 up.")
    return given, made
