"""riskshift plan: how much evidence is needed."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from riskshift.cli import options
from riskshift.errors import UsageError, listing

PICTURES: Final = (".svg", ".png")


def plan(
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="SHARE", help="The rate assumed, such as 0.03."),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option("--width", metavar="SHARE", help="Ask for an interval at most this wide."),
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
        ),
    ] = None,
    discordant: Annotated[
        float | None,
        typer.Option(
            "--discordant",
            metavar="SHARE",
            help="Share of prompts on which exactly one model shows the event.",
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like", metavar="PATH", help="Take what is not given from these pairs (repeatable)."
        ),
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
        typer.Option("--power", metavar="SHARE", help="Chance wanted of the verdict or the find."),
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
    source: options.From = None,
    taxonomy: options.TaxonomyFile = None,
    mapped: options.Map = None,
    scale: options.Scale = None,
    invert: options.Invert = None,
    model: options.Model = None,
    cluster: options.Cluster = None,
    prompt_labels: options.PromptLabels = "per-prompt",
    skip_bad: options.SkipBad = False,
    missing: options.Missing = None,
    confidence: options.Confidence = 0.95,
    memory_limit: options.Memory = None,
    quiet: options.Quiet = False,
) -> None:
    """Plan how much evidence is needed.

    Ask with one of --width, --rule and --difference. Without any: a table of widths.
    """
    import riskshift
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import together
    from riskshift.report.stories.plan import write_picture

    options.check_outputs((), format)
    for path in output or []:
        _check(path)
    refuse_overwriting({"-o": output}, {"--like": like, "--taxonomy": taxonomy})
    reading = _given(
        {
            "format": source,
            "columns": options.parse_columns(mapped) or None,
            "scale": scale,
            "invert": invert,
            "model": model,
            "cluster": cluster,
            "prompt_labels": None if prompt_labels == "per-prompt" else prompt_labels,
            "skip_bad": skip_bad or None,
            "missing": tuple(missing or ()) or None,
            "memory_limit": memory_limit,
        },
        like=bool(like),
    )
    if taxonomy is not None:
        reading["taxonomy"] = riskshift.Taxonomy.from_toml(taxonomy)
    with options.progress(quiet=quiet) as told:
        result = riskshift.plan(
            rate=rate,
            width=width,
            rule=rule,
            difference=difference,
            discordant=discordant,
            like=like or None,
            metric=metric,
            confidence=confidence,
            power=power,
            progress=told,
            **reading,
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


_FLAGS: Final = {
    "format": "--from",
    "columns": "--map",
    "prompt_labels": "--prompt-labels",
    "skip_bad": "--skip-bad",
    "missing": "--missing",
    "memory_limit": "--memory-limit",
}


def _given(reading: dict[str, Any], *, like: bool) -> dict[str, Any]:
    """Keep the options that were given; without data to read they would change nothing."""
    given = {name: value for name, value in reading.items() if value is not None}
    if given and not like:
        flags = listing(_FLAGS.get(name, f"--{name}") for name in given)
        raise UsageError(f"{flags}: without --like PATH there is nothing to read.")
    return given
