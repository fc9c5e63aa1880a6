"""Cases as rows of a file: ids and labels, texts only if asked for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from riskshift.counts.case import Case
from riskshift.errors import UsageError
from riskshift.outputs.sheets import Row, check_sheet, write_sheet
from riskshift.picking.cases import IDENTITY
from riskshift.records import Records
from riskshift.taxonomy import SIDES


def refuse_counts(path: str | Path | None, records: Records) -> None:
    """Refuse to write cases of counts that were saved: the pairs are elsewhere.

    Raises
    ------
    UsageError
        If that is asked.
    """
    if path is not None and records.counted is not None:
        raise UsageError(
            f"{records.source.name}: counts were saved, and cases are pairs. Write them from the data that were "
            "collapsed (--cases-out)."
        )


def check_case_file(path: str | Path | None, *, text: bool) -> None:
    """Refuse a place where cases could not be written, before any work is done.

    Raises
    ------
    UsageError
        If texts are asked for, and no file that would hold them.
    OutputError
        If the suffix is unknown or the folder cannot be written to.
    """
    if path is not None:
        check_sheet(path)
    elif text:
        raise UsageError("texts of cases are written with the cases: give a file (--cases-out).")


def write_cases(
    path: str | Path,
    records: Records,
    cases: Sequence[tuple[Mapping[str, str], Case]],
    *,
    text: bool,
) -> Path:
    """Write cases, a row each.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.jsonl`` or ``.parquet``.
    records : Records
        Where they are from.
    cases : sequence of (mapping, Case)
        What is to stand before each, and the case.
    text : bool
        Whether the texts follow, made inert in CSV.
    """
    taxonomy = records.options.taxonomy
    first = list(cases[0][0]) if cases else []
    identity = [role for role in IDENTITY if records.column(role)]
    beside = [role for role in ("relevance", "refusal") if records.column(role)]
    labels = [f"{side}_{name}" for side in SIDES for name in taxonomy.categories]
    texts = [side for side in SIDES if text and records.column(side)]
    columns = [*first, *identity, *labels, *beside, "origin", *texts]

    def row(before: Mapping[str, str], case: Case) -> Row:
        sides = (case.prompt, case.response)
        named = [None if s is None else taxonomy.levels[s] for side in sides for s in side.values()]
        return [
            *before.values(),
            *(getattr(case, role) for role in identity),
            *named,
            *(None if (v := getattr(case, role)) is None else str(v) for role in beside),
            case.origin,
            *(getattr(case, f"{side}_text") for side in texts),
        ]

    return write_sheet(path, columns, [row(*item) for item in cases], texts=texts)
