"""What was left out, and all that is needed to make the numbers again."""

from collections.abc import Sequence
from pathlib import PurePath

from riskshift.analysis.rates import Settings, unrounded
from riskshift.analysis.stated.provenance import Provenance
from riskshift.analysis.words import counted
from riskshift.report.document import Section, Table
from riskshift.version import __version__

Facts = Sequence[tuple[str, str]]


def source_name(source: str) -> str:
    """Name data without the folder it lay in: pages are sent around.

    Examples
    --------
    >>> source_name("/home/me/secret-project/pairs.csv"), source_name("a polars frame")
    ('pairs.csv', 'a polars frame')
    """
    return PurePath(source).name or source


def provenance_section(made: Provenance, settings: Settings) -> Section:
    """Say it of records that were analyzed or compared."""
    kept = [("records analyzed", f"{made.read - sum(made.left_out.values()):,}")]
    kept += [(f"of these with {reason}", f"{n:,}") for reason, n in made.missing.items()]
    unit = (
        counted(made.units, "record")
        if made.cluster is None
        else f"{counted(made.units, 'value')} of {made.cluster}"
    )
    return traced_section(
        made,
        settings,
        ledger=Table("Records", ("What", "Records"), ledger_rows(made, "records", kept)),
        sources=[("data", source_name(made.source))],
        units=[("independent units", unit)],
        draws=[resampled(settings), ("permutations", f"{settings.permutations:,}")],
    )


def resampled(settings: Settings) -> tuple[str, str]:
    """Say how often a bootstrap draws, of what has one."""
    return "bootstrap resamples", f"{settings.resamples:,}"


def ledger_rows(made: Provenance, what: str, kept: Facts) -> tuple[tuple[str, str], ...]:
    """Count what was read, what was left out with its reason, and what was kept."""
    left_out = [(f"left out: {reason}", f"{n:,}") for reason, n in made.left_out.items()]
    return ((f"{what} read", f"{made.read:,}"), *left_out, *kept)


def traced_section(
    made: Provenance,
    settings: Settings,
    *,
    ledger: Table,
    sources: Facts,
    hashed: str = "counts",
    units: Facts = (),
    draws: Facts = (),
) -> Section:
    """Put a ledger beside the facts that lead back to the data."""
    facts = (
        ("riskshift", __version__),
        *sources,
        ("engine", made.engine),
        (f"hash of the sorted {hashed}", made.data_hash),
        *units,
        ("confidence", unrounded(settings.confidence)),
        ("seed", str(settings.seed)),
        *draws,
        ("seconds", ", ".join(f"{step} {seconds:.2f}" for step, seconds in made.timing.items())),
    )
    return Section(
        "What was left out, and where the numbers come from",
        "provenance",
        (ledger, Table("Provenance", ("What", "Value"), facts, text_columns=2)),
    )
