"""The commands."""

from typing import Annotated

import typer

from riskshift.cli.data import card, collapse, convert, demo, doctor, formats, metrics
from riskshift.cli.labels import graders, label, label_studio, run, sample
from riskshift.cli.printing import put
from riskshift.cli.questions import agree, analyze, check, compare, grade, plan
from riskshift.version import __version__

app = typer.Typer(
    help="How risk moves from prompt to response: paired analysis of labelled pairs.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("metrics")(metrics.metrics)
app.command("formats")(formats.formats)
app.command("convert")(convert.convert)
app.command("collapse")(collapse.collapse)
app.command("analyze")(analyze.analyze)
app.command("agree")(agree.agree)
app.command("card")(card.card)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("grader")(grade.grader)
app.command("graders")(graders.graders)
app.command("label")(label.label)
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("sample")(sample.sample)
app.add_typer(label_studio.app, name="label-studio")


def _version(value: bool) -> None:
    if value:
        put(f"riskshift {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    # Taken out before, wherever it stands; here only for the help.
    debug: Annotated[
        bool, typer.Option("--debug", help="Say more about a fault; may stand anywhere.")
    ] = False,
) -> None:
    pass
