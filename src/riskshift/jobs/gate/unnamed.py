"""What a gate is not told: which model is meant, and which rows share a prompt."""

from collections.abc import Iterator, Sequence

from riskshift.analysis.gate.rules import Rule
from riskshift.analysis.words import printable
from riskshift.collapse.checks.placeholders import about_placeholders
from riskshift.collapse.likely import like_models, like_prompts, values_of
from riskshift.collapse.pairs import Collapsed
from riskshift.errors import UsageError, listing
from riskshift.jobs.gate.release import column_of


def refuse_pooled(collapsed: Collapsed, rules: Sequence[Rule]) -> None:
    """Refuse rules that would judge several models as if they were one.

    Raises
    ------
    UsageError
        If there are some: a good model would make up for a bad one.
    """
    records = collapsed.records
    model = records.column("model")
    grouped = collapsed.groups.get(model) if model else None
    if model is None or grouped is None or len(grouped.names) < 2:
        return
    for rule in rules:
        column = None if rule.by is None else column_of(records, rule)
        if column == model or (column is not None and _tells_models_apart(collapsed, column)):
            continue
        raise UsageError(
            f"rule {rule.text!r}: {records.source.name} holds several models ({listing(grouped.names)}), and a gate "
            "judges one at a time: a good one would make up for a bad one. "
            + (
                f"Write 'by {model}' in the rule, or name one with --model."
                if column is None
                else f"Name one with --model, or judge each by a rule with 'by {model}'."
            )
        )


def _tells_models_apart(collapsed: Collapsed, column: str) -> bool:
    """Tell whether each value of a column belongs to one model."""
    both = collapsed.together(column, str(collapsed.records.column("model")))
    return len({group for group, _ in both}) == len(both)


def warnings_of(collapsed: Collapsed) -> Iterator[str]:
    """Say what the data does not say, and which column probably would."""
    records = collapsed.records
    if records.column("model") is None:
        for name in like_models(records):
            many = values_of(records, name)
            if many is not None and many > 1:
                yield (
                    f"No column is called model, and {name!r} looks as if it named {many:,} models, which are "
                    f"judged as one. Say so: --map model={printable(name)}."
                )
    if records.placeholders:
        yield f"{printable(about_placeholders(records))} Each was taken as a prompt of its own."
    if records.cluster is not None:
        return
    text = (
        "No column says which rows share a prompt, so each row was taken as a prompt of its own. If some share "
        "one, the intervals are too narrow, and a check may pass or fail without evidence."
    )
    told = []
    for role, name in like_prompts(records)[:3]:
        many = values_of(records, name)
        if many is not None:
            held = f"{many:,} values in {collapsed.counts.total:,} rows"
            told.append(f"{printable(name)!r} ({held}): --map {role}={printable(name)}")
    looks = (
        f" A column that looks like one: {'; '.join(told)}."
        if told
        else " Name it: --map prompt_id=COLUMN."
    )
    yield text + looks
