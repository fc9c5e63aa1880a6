"""riskshift card: a data card to fill in."""

from pathlib import Path
from typing import Annotated, Final

import typer

from riskshift.cli import options
from riskshift.cli.printing import put
from riskshift.errors import OutputError, UsageError

TEMPLATE: Final = "card.toml"


def card(
    template: Annotated[
        bool, typer.Option("--template", help="Print a card with every key, to be filled in.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there instead of printing."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Begin a data card: a TOML file that says where the data comes from.

    Give it to analyze, compare or check with --card.
    """
    from importlib.resources import files

    from riskshift.outputs.places import check_place, write_bytes

    if not template:
        raise UsageError("say what to do: --template prints a card to fill in.")
    made = files("riskshift.data").joinpath(TEMPLATE).read_bytes()
    if output is None:
        put(made.decode())
        return
    check_place(output)
    if output.is_file():
        raise OutputError(
            f"{output} exists already, and may hold a card that was filled in. Name another file."
        )
    write_bytes(output, made)
    options.wrote(output, quiet=quiet)
