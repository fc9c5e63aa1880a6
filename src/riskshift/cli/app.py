"""The commands, and what becomes of errors."""

import os
import sys
import warnings
from typing import Annotated, Any, TextIO

import typer

from riskshift.cli import agree, analyze, check, compare, demo, grade, label_studio, plan, sample
from riskshift.errors import RiskshiftError, RiskshiftWarning
from riskshift.version import __version__

BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141

app = typer.Typer(
    help="How risk moves from prompt to response: paired analysis of labelled pairs.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo")(demo.demo)
app.command("analyze")(analyze.analyze)
app.command("agree")(agree.agree)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("grader")(grade.grader)
app.command("plan")(plan.plan)
app.command("sample")(sample.sample)
app.add_typer(label_studio.app, name="label-studio")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"riskshift {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a fault of the input is one message and exit code 2."""
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", RiskshiftWarning)
    try:
        app()
    except RiskshiftError as error:
        typer.echo(f"riskshift: {_inert(str(error))}", err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)  # not 1, which says that a gate fails
    except OSError as error:
        # Of standard output, such as a full disk; files that are read or written say more.
        typer.echo(f"riskshift: cannot go on: {_inert(str(error))}.", err=True)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        typer.echo("riskshift: interrupted; nothing was half written.", err=True)
        sys.exit(INTERRUPTED)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, RiskshiftWarning):
        typer.echo(f"riskshift: warning: {_inert(str(message))}", err=True)


def _inert(text: str) -> Any:
    # Values from the data stand in messages; they must not act on the terminal.
    from riskshift.outputs.escape import lines

    return lines(text)
