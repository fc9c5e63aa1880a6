"""Options that several commands share."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, get_args

import typer

from riskshift.cli.printing import put, say
from riskshift.errors import UsageError, listing, unknown_choice

if TYPE_CHECKING:
    from riskshift.report.writing import Result
    from riskshift.taxonomy import Taxonomy

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Files (CSV, TSV, JSONL, JSON, Parquet, Excel; also .gz, .zst), folders, globs; - is standard input.",
        show_default=False,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FORMAT",
        help="csv, tsv, jsonl, json, parquet, xlsx or a tool's log (riskshift formats), if it is not told.",
    ),
]
TaxonomyFile = Annotated[
    Path | None,
    typer.Option(
        "--taxonomy",
        metavar="FILE",
        help="TOML file with categories, levels, harmful_from, descriptions; or harm: Safe and Harmful.",
    ),
]
Categories = Annotated[
    str | None,
    typer.Option("--categories", metavar="A,B", help="Its categories, instead of a file."),
]
Levels = Annotated[
    str | None,
    typer.Option(
        "--levels", metavar="SAFE,BAD", help="Its levels, mildest first, instead of a file."
    ),
]
HarmfulFrom = Annotated[
    str | None,
    typer.Option("--harmful-from", metavar="LEVEL", help="Of --levels the lowest that is harmful."),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="ROLE=COLUMN", help="Name the column that plays a role (repeatable)."
    ),
]
PeopleMap = Annotated[
    list[str] | None,
    typer.Option(
        "--people-map",
        metavar="ROLE=COLUMN",
        help="The same in people's file, where it differs (repeatable).",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale", metavar="SCALE", help="How labels are written: levels, names, 0-7, 0-2-4-6."
    ),
]
Invert = Annotated[
    list[str] | None,
    typer.Option(
        "--invert",
        metavar="LABEL",
        help="A label whose 1 or true is safe: column, role or category (repeatable).",
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Also report each value of a column, or of 'A x B' (repeatable).",
    ),
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Keep only this model's records.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="COLUMN",
        help="Records with equal values are not independent (default: set, else prompt).",
    ),
]
PromptLabels = Annotated[
    str,
    typer.Option(
        "--prompt-labels",
        metavar="HOW",
        help="per-prompt: they must agree within a prompt; per-row: they may differ.",
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave rows with faults out and count them.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        "--missing", metavar="MARK", help="What stands for no label, such as -1 (repeatable)."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COLUMN=VALUE", help="Read only these rows (repeatable)."),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        "--leave-out", metavar="COLUMN=VALUE", help="Leave these rows out, counted (repeatable)."
    ),
]
Refusals = Annotated[
    list[str] | None,
    typer.Option(
        "--refusal-scale",
        metavar="LEVEL=CODE",
        help="What is written for complied, partial, refused (repeatable).",
    ),
]
Partial = Annotated[
    str | None,
    typer.Option(
        "--partial-refusal", metavar="WHAT", help="Count it as answered (default) or refused."
    ),
]
Score = Annotated[
    list[str] | None,
    typer.Option(
        "--score",
        metavar="NAME=MEANING",
        help="What a yes of a log's scorer says: harmful, safe or refused (repeatable).",
    ),
]
ScoreValue = Annotated[
    list[str] | None,
    typer.Option(
        "--score-value",
        metavar="VALUE=LABEL",
        help="What such a scorer's word stands for: a level; complied, partial, refused (repeatable).",
    ),
]
Cuts = Annotated[
    str | None,
    typer.Option(
        "--cuts",
        "--cut",
        metavar="POINTS",
        help="Where such scores become levels: 0.5, 0.25,0.5,0.75, or 5 of 1 to 10.",
    ),
]
Turns = Annotated[
    str,
    typer.Option(
        "--turns",
        metavar="WHICH",
        help="Which exchanges of a log's conversations are pairs: last, or all.",
    ),
]
Labels = Annotated[
    list[Path] | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Labels of either side to join, by ids or equal texts (repeatable).",
    ),
]
CategoriesIn = Annotated[
    list[str] | None,
    typer.Option(
        "--categories-in",
        metavar="COLUMN",
        help="The column of a list or object of categories: COLUMN, or prompt=COLUMN (repeatable).",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory-limit", metavar="SIZE", help="DuckDB's memory, such as 2GB; beyond it, disk."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", help="How many threads of DuckDB work at once (default: all)."
    ),
]
Card = Annotated[
    Path | None,
    typer.Option(
        "--card",
        metavar="FILE",
        help="TOML file that says where the data comes from: riskshift card.",
    ),
]


def share(text: object) -> float:
    """Read a share, ``0.05`` or ``5%``; of a range, its checks are those of who takes it.

    Examples
    --------
    >>> share("5%"), share("0.05"), share("-2 %")
    (0.05, 0.05, -0.02)
    """
    try:
        return _share(str(text))
    except ValueError as error:
        # Typer would say no more of a ValueError than the value.
        raise typer.BadParameter(f"{text!r} is no number. Write a share as 0.05 or 5%.") from error


def _share(text: str) -> float:
    number = text.strip()
    value = float(number.removesuffix("%"))
    return value / 100 if number.endswith("%") else value


Confidence = Annotated[
    float,
    typer.Option("--confidence", metavar="LEVEL", help="Coverage of every interval.", parser=share),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Where random numbers start.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no list of files written.")
]


class Shared(NamedTuple):
    """An option of reading: the argument of `riskshift.read`, its type and its default."""

    argument: str
    type: Any
    default: Any = None

    @property
    def flag(self) -> str:
        """How it is written."""
        return str(get_args(self.type)[1].default)  # where an annotation keeps the first name

    def parameter(self, name: str) -> inspect.Parameter:
        """Return it as a parameter of a command."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(name, kind, default=self.default, annotation=self.type)


# By the parameter of a command, in the order of the help.
READING: Final = {
    "source": Shared("format", From),
    "taxonomy": Shared("taxonomy", TaxonomyFile),
    "categories": Shared("taxonomy", Categories),
    "levels": Shared("taxonomy", Levels),
    "harmful_from": Shared("taxonomy", HarmfulFrom),
    "mapped": Shared("columns", Map),
    "scale": Shared("scale", Scale),
    "invert": Shared("invert", Invert),
    "by": Shared("by", By),
    "model": Shared("model", Model),
    "cluster": Shared("cluster", Cluster),
    "prompt_labels": Shared("prompt_labels", PromptLabels, "per-prompt"),
    "skip_bad": Shared("skip_bad", SkipBad, False),
    "missing": Shared("missing", Missing),
    "where": Shared("where", Where),
    "leave_out": Shared("leave_out", LeaveOut),
    "refusals": Shared("refusal_scale", Refusals),
    "partial": Shared("partial_refusal", Partial),
    "score": Shared("scores", Score),
    "score_value": Shared("score_values", ScoreValue),
    "cuts": Shared("cuts", Cuts),
    "turns": Shared("turns", Turns, "last"),
    "labels": Shared("labels", Labels),
    "categories_in": Shared("categories_in", CategoriesIn),
    "memory_limit": Shared("memory_limit", Memory),
    "threads": Shared("threads", Threads),
}
# What says on the command line what else stands in the file of a taxonomy.
NAMED: Final = ("categories", "levels", "harmful_from")
# What every job takes that reads labels.
LABELS: Final = (
    *("source", "taxonomy", *NAMED, "mapped", "scale", "invert"),
    *(
        "skip_bad",
        "missing",
        "where",
        "leave_out",
        "refusals",
        "partial",
        "memory_limit",
        "threads",
    ),
)
# What every job takes that also reads the logs of tools.
PAIRS: Final = (
    *(*LABELS, "score", "score_value", "cuts"),
    *("turns", "labels", "categories_in"),
)
LAST: Final = ("memory_limit", "threads", "quiet")

STDOUT: Final = ("terminal", "json", "md", "tex", "html", "csv")
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "-o", "--output", metavar="OUT", help="Write .html, .md, .tex, .json or .csv (repeatable)."
    ),
]


def _drawable(folder: Path | None) -> Path | None:
    """Refuse charts before any work is done, where nothing draws them."""
    if folder is not None:
        from riskshift.report import charts

        charts.require()
    return folder


Charts = Annotated[
    Path | None,
    typer.Option(
        "--charts", metavar="DIR", help="Write every chart as SVG and PNG.", callback=_drawable
    ),
]
CasesOut = Annotated[
    Path | None,
    typer.Option("--cases-out", metavar="FILE", help="Write the cases: .csv, .jsonl or .parquet."),
]
CasesText = Annotated[bool, typer.Option("--text", help="With --cases-out: write their texts too.")]
Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help=f"Without -o, print {', '.join(STDOUT)}.")
]


def parse_columns(pairs: Sequence[str], flag: str = "--map") -> dict[str, str]:
    """Read ``role=column`` pairs.

    Raises
    ------
    UsageError
        If one has no ``=`` or a role is given twice.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not equals or not role.strip() or not column:
            raise UsageError(
                f"{flag} {pair!r}: write it as role=column, such as {flag} prompt_id=uid."
            )
        if role.strip() in columns:
            raise UsageError(f"{flag} names the role {role.strip()!r} twice.")
        columns[role.strip()] = column
    return columns


def people_columns(pairs: Sequence[str] | None) -> dict[str, str] | None:
    """Read the columns of people's file; None where they are not named."""
    return parse_columns(pairs, "--people-map") if pairs else None


def parse_refusals(pairs: list[str]) -> dict[str, list[str]]:
    """Read ``level=code`` pairs; a level may have several codes.

    Raises
    ------
    UsageError
        If one has no ``=``.
    """
    codes: dict[str, list[str]] = {}
    for pair in pairs:
        level, equals, code = pair.partition("=")
        if not equals or not level.strip() or not code.strip():
            raise UsageError(
                f"--refusal-scale {pair!r}: write it as level=code, such as --refusal-scale refused=1."
            )
        codes.setdefault(level.strip(), []).append(code)
    return codes


def parse_scores(pairs: list[str]) -> dict[str, str]:
    """Read ``name=meaning``; a name alone says harm.

    Examples
    --------
    >>> parse_scores(["judge", "detector=harmful", "a=b=refused"])
    {'judge': 'harmful', 'detector': 'harmful', 'a=b': 'refused'}
    """
    scores: dict[str, str] = {}
    for pair in pairs:
        name, equals, meaning = pair.rpartition("=")
        name = (name if equals else pair).strip()
        if not name:
            raise UsageError(
                f"--score {pair!r}: write it as NAME=harmful, NAME=safe or NAME=refused."
            )
        if name in scores:
            raise UsageError(f"--score names {name!r} twice.")
        scores[name] = meaning.strip() if equals else "harmful"
    return scores


def parse_score_values(pairs: list[str]) -> dict[str, str]:
    """Read ``value=label``; values in small letters.

    Raises
    ------
    UsageError
        If one has no ``=`` or a value is given twice.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        value, equals, label = pair.rpartition("=")
        word = value.strip().casefold()
        if not equals or not word or not label.strip():
            raise UsageError(
                f"--score-value {pair!r}: write it as VALUE=LABEL, such as Yes=Harmful."
            )
        if word in values:
            raise UsageError(f"--score-value says twice what {value.strip()!r} stands for.")
        values[word] = label.strip()
    return values


def parse_cuts(text: str) -> tuple[float, ...]:
    """Read cut points.

    Examples
    --------
    >>> parse_cuts("0.25, 0.5, 75%")
    (0.25, 0.5, 0.75)
    """
    try:
        return tuple(map(_share, text.split(",")))
    except ValueError as error:
        raise UsageError(f"--cuts {text!r}: write it as 0.5 or 0.25,0.5,0.75.") from error


def parse_categories_in(places: list[str]) -> dict[str, str]:
    """Read ``side=column``; a column alone is of the responses.

    Examples
    --------
    >>> parse_categories_in(["violated", "prompt=asked"])
    {'response': 'violated', 'prompt': 'asked'}
    """
    from riskshift.taxonomy import SIDES

    found: dict[str, str] = {}
    for place in places:
        side, equals, column = place.partition("=")
        if not (equals and side.strip() in SIDES):
            side, column = SIDES[1], place
        if side.strip() in found:
            raise UsageError(f"--categories-in names a column of the {side.strip()}s twice.")
        found[side.strip()] = column
    return found


def named_taxonomy(told: Mapping[str, str]) -> "Taxonomy":
    """Make a taxonomy of what the command line says of it.

    Examples
    --------
    >>> named_taxonomy({"categories": "fraud, spam", "levels": "Safe,Harmful"}).categories
    ('fraud', 'spam')
    """
    from riskshift.taxonomy import Taxonomy

    data: dict[str, Any] = {
        name: [part.strip() for part in told[name].split(",")]
        for name in ("categories", "levels")
        if name in told
    }
    start = told.get("harmful_from", "").strip()
    if start:
        data["harmful_from"] = int(start) if start.isdecimal() else start
    return Taxonomy.of(data)


# What is made of an option before `riskshift.read` takes it, by its argument.
_PARSED: Final[dict[str, Callable[[Any], Any]]] = {
    "columns": parse_columns,
    "refusal_scale": parse_refusals,
    "scores": parse_scores,
    "score_values": parse_score_values,
    "cuts": parse_cuts,
    "categories_in": parse_categories_in,
}


@dataclass(frozen=True, slots=True)
class Given:
    """Options of reading that a command was given, by its parameters."""

    values: dict[str, Any]

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Given":
        """Keep what is not the default."""
        kept = {
            name: value
            for name, value in values.items()
            if value not in (None, [], READING[name].default)
        }
        return cls(kept)

    @property
    def taxonomy(self) -> Path | None:
        """The file of the taxonomy."""
        return self.values.get("taxonomy")

    @property
    def files(self) -> dict[str, Any]:
        """The files that options name, by option; they may not be written over."""
        return {"--taxonomy": self.taxonomy, "--labels": self.values.get("labels")}

    @property
    def flags(self) -> list[str]:
        """How they are written."""
        return [READING[name].flag for name in self.values]

    def arguments(self) -> dict[str, Any]:
        """Return them as arguments of `riskshift.read`; the file of the taxonomy is read."""
        from riskshift.taxonomy import HARM, Taxonomy

        told = {name: value for name, value in self.values.items() if name in NAMED}
        made = {
            READING[name].argument: value for name, value in self.values.items() if name not in told
        }
        for argument, parse in _PARSED.items():
            if argument in made:
                made[argument] = parse(made[argument])
        if told and "taxonomy" in made:
            flags = listing(READING[name].flag for name in told)
            raise UsageError(f"{flags}: the taxonomy stands in a file already: --taxonomy.")
        if told:
            made["taxonomy"] = named_taxonomy(told)
        elif "taxonomy" in made:
            file = made["taxonomy"]
            is_name = str(file) == HARM.categories[0] and not file.exists()
            made["taxonomy"] = HARM if is_name else Taxonomy.from_toml(file)
        return made


def reads(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add options of reading to a command, in the place of its parameter `reading`.

    The command is handed those that were `Given`. Their order is that of `READING`; only DuckDB's
    limits stand further down, before --quiet.
    """
    ordered = sorted(names, key=list(READING).index)
    added = [READING[name].parameter(name) for name in ordered]

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            asked = {name: values.pop(name) for name in ordered}
            command(**values, reading=Given.of(asked))

        own = inspect.signature(command).parameters.values()
        shown = [new for one in own for new in (added if one.name == "reading" else [one])]
        shown.sort(key=lambda one: one.name in LAST)
        made = [one.replace(kind=one.KEYWORD_ONLY) for one in shown]
        run.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in made}
        return run

    return with_options


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show on the error stream what is being done, if a person is watching."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda step: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("starting")
        yield lambda step: shown.update(task, description=step)


def wrote(path: Path, *, quiet: bool) -> None:
    """Say on the error stream that a file was written."""
    if not quiet:
        say(f"wrote {path}")


def show(result: "Result") -> None:
    """Print the summary of a result for a person at a terminal."""
    from rich.console import Console

    from riskshift.report.render.terminal import render_terminal
    from riskshift.report.writing import tell

    console = Console()
    with console.capture() as shown:
        render_terminal(tell(result), console)
    put(shown.get())


def check_outputs(output: Sequence[Path] | None, format: str) -> None:  # noqa: A002
    """Refuse what could not be written, before any work is done."""
    from riskshift.report.writing import check_output

    if format not in STDOUT:
        raise unknown_choice("--format", format, STDOUT)
    for path in output or ():
        check_output(path)


def write_all(
    result: "Result",
    output: Sequence[Path] | None,
    charts: Path | None,
    *,
    text: bool = True,
    cases: Path | None = None,
) -> list[Path]:
    """Write a result wherever it was asked for, all or nothing; `cases` were written already."""
    from riskshift.outputs.places import together
    from riskshift.report import write, write_charts

    with together():
        written = [write(result, path, text=text) for path in output or ()]
        written += [] if cases is None else [cases]
        return written if charts is None else written + write_charts(result, charts)


def finish(
    result: "Result",
    written: Sequence[Path],
    output: Sequence[Path] | None,
    format: str,  # noqa: A002
    *,
    quiet: bool,
    text: bool = True,
) -> None:
    """Say what was written; print the result if it was to go nowhere else."""
    from riskshift.report.writing import render

    for path in written:
        wrote(path, quiet=quiet)
    if output:
        return
    if format == "terminal":
        show(result)
    else:
        put(render(result, f".{format}", text=text), kind=format)
