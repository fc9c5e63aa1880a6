"""riskshift check: a release gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from riskshift.cli import options
from riskshift.cli.printing import put, say
from riskshift.errors import UsageError, unknown_choice

if TYPE_CHECKING:
    from riskshift.analysis.gate.result import GateReport

# By what --format takes the suffix of such a file; annotations go to the log of a build alone.
FORMATS: Final = {
    "text": ".txt",
    "github": "",
    "json": ".json",
    "junit": ".xml",
    "sarif": ".sarif",
    **{name: f".{name}" for name in ("md", "html", "tex", "csv")},
}
# What is printed as it is meant, by the format.
_KINDS: Final = {"json": "json", "sarif": "json", "github": "github"}
EXIT_CODES: Final = {"pass": 0, "fail": 1, "inconclusive": 3}


@options.reads(*options.PAIRS, "model", "cluster", "prompt_labels")
def check(
    paths: options.Paths,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule", metavar="RULE", help="Such as 'escalation <= 5% by model' (repeatable)."
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help='TOML file: rules = ["escalation <= 5%"].'),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="PATH", help="Pairs that rules with '- baseline' compare with."
        ),
    ] = None,
    baseline_model: Annotated[
        str | None,
        typer.Option("--baseline-model", metavar="NAME", help="The baseline's model, of several."),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="FILE",
            help="A sample of the pairs labelled by people: judge corrected rates.",
        ),
    ] = None,
    baseline_people: Annotated[
        Path | None,
        typer.Option(
            "--baseline-people",
            metavar="FILE",
            help="People's labels of the baseline, if --people does not hold them.",
        ),
    ] = None,
    people_map: options.PeopleMap = None,
    card: options.Card = None,
    absent: Annotated[
        str,
        typer.Option(
            "--absent",
            metavar="WHAT",
            help="Prompts that one side did not answer: missing (labels) or drop.",
        ),
    ] = "missing",
    looks: Annotated[
        int | None,
        typer.Option(
            "--looks",
            metavar="K",
            min=1,
            help="Judge growing data at most so often, at no more error.",
        ),
    ] = None,
    looks_file: Annotated[
        Path | None,
        typer.Option("--looks-file", metavar="FILE", help="JSON file that remembers the looks."),
    ] = None,
    no_degenerate: Annotated[
        bool,
        typer.Option(
            "--no-degenerate",
            help="Fail if a model that refuses, or answers, everything would pass too.",
        ),
    ] = False,
    attest: Annotated[
        Path | None,
        typer.Option(
            "--attest", metavar="FILE", help="Write an in-toto statement of the check (JSON)."
        ),
    ] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"Print {', '.join(FORMATS)} (text, unless -o is given).",
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Write .html, .md, .tex, .json, .csv, .xml (JUnit), .sarif or .txt (repeatable).",
        ),
    ] = None,
    *,
    reading: options.Given,
    confidence: options.Confidence = 0.95,
    quiet: options.Quiet = False,
) -> None:
    """Pass or fail a release by rules, or say that the evidence is not enough.

    Exit codes: 0 all checks pass, 1 one fails, 3 none fails but one lacks evidence, 2 bad usage
    or data.
    """
    from riskshift.jobs.gate.attest import Subjects
    from riskshift.jobs.gate.check import check as judge
    from riskshift.jobs.gate.check import read_rules
    from riskshift.outputs.overwriting import refuse_overwriting
    from riskshift.outputs.places import check_place, together, write_bytes
    from riskshift.report.attestation import to_statement
    from riskshift.report.writing import check_output

    if format is not None and format not in FORMATS:
        raise unknown_choice("--format", format, tuple(FORMATS))
    for path in output or ():
        check_output(path, "gate")
    if attest is not None:
        check_place(attest)
    refuse_overwriting(
        {"-o": output, "--attest": attest, "--looks-file": looks_file},
        {
            "data": paths,
            "--rules": rules,
            "--baseline": baseline,
            "--people": people,
            "--baseline-people": baseline_people,
            "--card": card,
            **reading.files,
        },
    )
    asked = [*(rule or []), *(read_rules(rules) if rules is not None else [])]
    if not asked:
        raise UsageError("no rule: give --rule 'escalation <= 5%' or --rules FILE.")
    with options.progress(quiet=quiet) as told, together():
        subjects = None
        if attest is not None:
            told("taking digests")
            subjects = Subjects.of(
                {
                    "data": paths,
                    "--baseline": baseline,
                    "--people": people,
                    "--baseline-people": baseline_people,
                },
                reading.values.get("source"),
            )
        report = judge(
            paths,
            asked,
            baseline=baseline,
            baseline_model=baseline_model,
            people=people,
            baseline_people=baseline_people,
            people_columns=options.people_columns(people_map),
            card=card,
            absent=absent,
            confidence=confidence,
            looks=looks,
            looks_file=looks_file,
            no_degenerate=no_degenerate,
            progress=told,
            **reading.arguments(),
        )
        told("writing")
        written = options.write_all(report, output, None)
        if attest is not None and subjects is not None:
            subjects.check_unchanged()
            statement = to_statement(report, subjects.digests)
            written.append(write_bytes(attest, statement.encode()))
    if format is not None or not output:
        put(_rendered(report, format or "text"), kind=_KINDS.get(format or "", "text"))
    elif not quiet:
        say(report.headline)
    for path in written:
        options.wrote(path, quiet=quiet)
    raise typer.Exit(EXIT_CODES[report.verdict])


def _rendered(report: "GateReport", format: str) -> str:  # noqa: A002
    from riskshift.report.render.gate import to_github
    from riskshift.report.writing import render

    return to_github(report) if format == "github" else render(report, FORMATS[format])
