"""riskshift plan: how much evidence is needed."""

from pathlib import Path
from typing import Annotated, Final

import typer

from riskshift.cli import options
from riskshift.errors import UsageError, listing

PICTURES: Final = (".svg", ".png")


@options.reads(*options.PAIRS, "model", "cluster", "prompt_labels")
def plan(
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="SHARE", help="The rate assumed, such as 0.03.", parser=options.share
        ),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(
            "--width",
            metavar="SHARE",
            help="Ask for an interval at most this wide.",
            parser=options.share,
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule", metavar="RULE", help="Ask for a verdict, such as 'escalation <= 0.05'."
        ),
    ] = None,
    difference: Annotated[
        float | None,
        typer.Option(
            "--difference",
            metavar="SHARE",
            help="Ask to find this difference of two models; with a rule on one, assume it.",
            parser=options.share,
        ),
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option(
            "--discordant",
            metavar="SHARE",
            help="Share of prompts on which exactly one model shows the event.",
            parser=options.share,
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like", metavar="PATH", help="Take what is not given from these pairs (repeatable)."
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="FILE",
            help="Some of the same pairs labelled by people: plan how many more they must label.",
        ),
    ] = None,
    people_map: options.PeopleMap = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            "--sensitivity",
            metavar="SHARE",
            help="Or assume which share of people's events the grader finds.",
        ),
    ] = None,
    specificity: Annotated[
        float | None,
        typer.Option(
            "--specificity",
            metavar="SHARE",
            help="And which share of the others it does not call events.",
        ),
    ] = None,
    graded: Annotated[
        int | None,
        typer.Option("--graded", metavar="N", help="Pairs that the grader labels."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="What is planned for, such as persistence[sexual] (default: escalation).",
        ),
    ] = None,
    power: Annotated[
        float,
        typer.Option(
            "--power",
            metavar="SHARE",
            help="Chance wanted of the verdict or the find.",
            parser=options.share,
        ),
    ] = 0.8,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Write .html, .md, .tex, .json, .csv, .svg or .png (repeatable).",
        ),
    ] = None,
    format: options.Format = "terminal",  # noqa: A002
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    quiet: options.Quiet = False,
) -> None:
    """Plan how much evidence is needed.

    Ask with one of --width, --rule and --difference. Without any: a table of widths. With
    --people, or --sensitivity and --specificity: how many of a grader's pairs people must label.
    """
    import riskshift
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import together
    from riskshift.report.stories.plan import write_picture

    options.check_outputs((), format)
    for path in output or []:
        _check(path)
    read = {"--like": like, "--people": people, **reading.files}
    refuse_overwriting({"-o": output}, read)
    idle = [flag for flag in reading.flags if flag != "--taxonomy"]  # names categories, anyway
    if idle and not like:
        raise UsageError(f"{listing(idle)}: without --like PATH there is nothing to read.")
    with options.progress(quiet=quiet) as told:
        result = riskshift.plan(
            rate=rate,
            width=width,
            rule=rule,
            difference=difference,
            discordant=discordant,
            like=like or None,
            people=people,
            people_columns=options.people_columns(people_map),
            sensitivity=sensitivity,
            specificity=specificity,
            graded=graded,
            metric=metric,
            confidence=confidence,
            power=power,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        with together():
            written = [
                (write_picture if path.suffix.lower() in PICTURES else riskshift.write)(
                    result, path
                )
                for path in output or []
            ]
    options.finish(result, written, output, format, quiet=quiet)


def _check(path: Path) -> None:
    from riskshift.report.stories.plan import check_picture
    from riskshift.report.writing import check_output

    if path.suffix.lower() in PICTURES:
        check_picture(path)
    else:
        check_output(path)
