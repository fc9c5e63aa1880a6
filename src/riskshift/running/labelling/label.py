"""Label pairs: ask graders about every text whose labels are missing, and keep what is there."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.errors import EndpointError, UsageError, listing
from riskshift.graders.asking import FAILED, Outcome
from riskshift.jobs.commands import command
from riskshift.jobs.opening import Reading, silent
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.places import check_file, together, write_bytes
from riskshift.outputs.sheets import check_sheet
from riskshift.running.endpoints.endpoint import Endpoint, Spent
from riskshift.running.journal import Journal
from riskshift.running.labelling.changes import say_what_changed, say_where_changed
from riskshift.running.labelling.flicker import Flicker, measure
from riskshift.running.labelling.grading import duration, grade, outcome_of
from riskshift.running.labelling.labelled import write_labelled
from riskshift.running.pairs import Pairs, read_pairs
from riskshift.running.raters import Rater, levels_of, raters_of, taxonomy_of
from riskshift.running.tasks import Item, Plan, plan_tasks
from riskshift.taxonomy import Taxonomy
from riskshift.version import __version__

Graders = str | Rater | Iterable[str | Rater]
_BESIDE: Final = ("refusal", "relevance")
# A text that starts to be asked may take long; of more the machine has no use.
MOST_CONNECTIONS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """What `label` wrote, and how its labels came about.

    Parameters
    ----------
    output : Path
        The file of pairs.
    source : str
        Where the pairs come from.
    graders : tuple of str
        Who was asked: ``NAME=MODEL``.
    taxonomy : Taxonomy or None
        Of the severities; None if nobody gives any.
    pairs : int
        How many pairs there are.
    asked : int
        Texts that were asked about now, a text once a grader and repetition.
    remembered : int
        Texts whose answers stood in the journal already.
    filled : dict of str to int
        Labels that were missing and are there now, by role.
    kept : int
        Labels that were there before.
    ungraded : dict of str to int
        Texts without labels, by reason.
    flicker : tuple of Flicker
        How often each grader changed its mind, where everything was asked several times.
    spent : Spent
        Requests and tokens of now.
    seconds : float
        How long the asking took.
    cost : float or None
        What the tokens cost, where prices were given.
    as_raters : bool
        Whether several graders label the same, so that each has rows of its own.
    columns : dict of str to str
        Columns by role, where their names are not the roles' own.
    card : Path or None
        The data card, if one was written.
    left_out : dict of str to int
        Rows of the data that are not in the output, by reason.
    """

    output: Path
    source: str
    graders: tuple[str, ...]
    taxonomy: Taxonomy | None
    pairs: int
    asked: int
    remembered: int
    filled: dict[str, int]
    kept: int
    ungraded: dict[str, int]
    flicker: tuple[Flicker, ...]
    spent: Spent
    seconds: float
    cost: float | None = None
    as_raters: bool = False
    columns: dict[str, str] = field(default_factory=dict)
    card: Path | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.pairs:,} pairs from {self.source}: {sum(self.filled.values()):,} labels by "
            f"{listing(self.graders)}, {self.kept:,} kept as they were.",
            self._told_spent(),
        ]
        lines += [f"  left out, {reason}: {n:,}" for reason, n in self.left_out.items()]
        lines += [f"  without labels, {reason}: {n:,}" for reason, n in self.ungraded.items()]
        if FAILED in self.ungraded:
            lines.append("  The same command asks again for those that could not be reached.")
        lines += [f"  flicker: {told}" for told in self.flicker]
        return "\n".join([*lines, f"Next: {self._next()}"])

    def _told_spent(self) -> str:
        spent = self.spent
        parts = [f"{self.asked:,} texts asked in {duration(self.seconds)}"]
        parts += [f"{self.remembered:,} answered before"] if self.remembered else []
        repeated = f" ({spent.retries:,} of them again)" if spent.retries else ""
        parts.append(f"{spent.requests:,} requests{repeated}")
        if spent.tokens_in or spent.tokens_out:
            parts.append(f"{spent.tokens_in:,} tokens in, {spent.tokens_out:,} out")
        parts += [] if self.cost is None else [f"cost {money(self.cost)}"]
        return f"  {'; '.join(parts)}."

    def _next(self) -> str:
        verb = "agree" if self.as_raters else "analyze"
        card = [] if self.card is None or self.as_raters else ["--card", str(self.card)]
        return command(verb, [self.output], self.taxonomy, columns=self.columns, flags=card)


def label(
    data: Any,
    output: str | Path,
    *,
    graders: Graders,
    rubric: str | Path | None = None,
    side: str = "both",
    repeat: int = 1,
    limit: int | None = None,
    base_url: str | None = None,
    key_variable: str = "OPENAI_API_KEY",
    connections: int = 16,
    timeout: float = 120.0,
    prices: tuple[float, float] | None = None,
    write_card: str | Path | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Labelled:
    """Label pairs with graders: fill what is missing, keep what is there.

    Every text is asked about once, however many rows repeat it. Answers are written to a journal
    beside the output as they come; the same call goes on where an earlier one was ended.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Pairs with their texts; labels need not be there. See `read`.
    output : path
        Where to write: ``.parquet``, ``.jsonl`` or ``.csv``. The journal stands beside it.
    graders : str, Rater, or several
        ``"NAME"`` or ``"NAME=MODEL"``: a grader that is shipped, or the path of its file. Several that
        label the same become raters, with rows of their own.
    rubric : path, optional
        A TOML file with a rubric of your own, for the grader ``rubric``.
    side : {"prompt", "response", "both"}
        What to label.
    repeat : int, default 1
        How often everything is asked. The first answer is the label; the others tell its flicker.
    limit : int, optional
        Ask about at most so many texts now.
    base_url : str, optional
        Of the endpoint; default: the environment's ``OPENAI_BASE_URL``, else OpenAI.
    key_variable : str
        The environment variable that holds the key.
    connections : int
        How many texts are on their way at once.
    timeout : float
        Seconds after which a silent request is asked again.
    prices : (float, float), optional
        Of a million tokens in and out, to say what it cost.
    write_card : path, optional
        A ``.toml`` file for a data card that says who labelled.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`, but for the taxonomy, which the graders have.

    Returns
    -------
    Labelled

    Raises
    ------
    UsageError
        If a grader is unknown, a key or package is not there, or an option cannot be honoured.
    DataError
        If the data cannot be read or hold no texts.
    EndpointError
        If the endpoint refuses all requests or is gone. What was answered is kept.
    OutputError
        If the output cannot be written, or would be read as `data`.
    """
    raters = raters_of(graders, side, rubric=rubric)

    def connect(rater: Rater) -> Endpoint:
        kind = rater.grader.facts.endpoint
        if kind == "azure-content-safety":
            from riskshift.running.endpoints.content_safety import ContentSafety

            return ContentSafety(connections=connections, timeout=timeout)
        from riskshift.running.endpoints.openai_compatible import OpenAICompatible

        return OpenAICompatible(
            kind,
            rater.model,
            base_url=base_url,
            key_variable=key_variable,
            timeout=timeout,
        )

    if not timeout > 0:
        raise UsageError(f"timeout is {timeout}; give some seconds.")
    return label_through(
        connect,
        data,
        output,
        raters=raters,
        side=side,
        repeat=repeat,
        limit=limit,
        connections=connections,
        prices=prices,
        write_card=write_card,
        progress=progress,
        **reading,
    )


def label_through(
    connect: Callable[[Rater], Endpoint],
    data: Any,
    output: str | Path,
    *,
    raters: Sequence[Rater],
    side: str = "both",
    repeat: int = 1,
    limit: int | None = None,
    connections: int = 16,
    prices: tuple[float, float] | None = None,
    write_card: str | Path | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Labelled:
    """Label pairs through endpoints of the caller; takes and raises what `label` does.

    Parameters
    ----------
    connect : callable
        From a rater to where it is asked. Called only for raters that have something to ask.
    """
    check_counts(repeat=repeat, limit=limit, connections=connections)
    place = check_sheet(output)
    card = None if write_card is None else check_file(write_card, [".toml"], rule="Cards end in")
    refuse_overwriting({"output": place, "write_card": card}, {"data": data})
    pairs, plan = planned(
        data, raters, side=side, repeat=repeat, reading=reading, progress=progress
    )
    began = time.monotonic()
    journal = Journal.beside(place)
    try:
        outcomes = _remembered(journal, plan)
        left = [item for key, item in plan.items.items() if key not in outcomes]
        left = _limited(left, limit)
        say_what_changed(journal, plan)
        endpoints = {rater: connect(rater) for rater in raters if _is_asked(rater, left)}
        say_where_changed(journal, plan, endpoints)
        remembered = len(outcomes)
        try:
            outcomes |= grade(left, endpoints, journal, connections=connections, progress=progress)
        except EndpointError as error:
            raise EndpointError(
                f"{error}\nNothing is lost: {journal.path} holds what was answered, and the same command goes on there."
            ) from None
    finally:
        journal.close()
    seconds = time.monotonic() - began
    progress("writing")
    flicker = measure(plan.wishes, outcomes)
    with together():
        ledger = write_labelled(place, pairs, plan, outcomes)
        if card is not None:
            write_bytes(card, card_text(raters, side, flicker).encode())
    spent = _sum(endpoint.spent for endpoint in endpoints.values())
    named = {
        role: column for role, column in pairs.records.options.columns.items() if role != column
    }
    return Labelled(
        place,
        pairs.records.source.listing,
        tuple(rater.name for rater in raters),
        taxonomy_of(raters),
        len(pairs.rows),
        len(left),
        remembered,
        dict(ledger.filled),
        _kept(pairs, raters, side),
        dict(sorted(ledger.ungraded.items())),
        flicker,
        spent,
        seconds,
        cost_of(spent.tokens_in, spent.tokens_out, prices),
        plan.as_raters,
        named,
        card,
        dict(pairs.left_out),
    )


def planned(
    data: Any,
    raters: Sequence[Rater],
    *,
    side: str,
    repeat: int,
    reading: Reading,
    progress: Callable[[str], None],
) -> tuple[Pairs, Plan]:
    """Read the pairs, and say what must be asked of them."""
    for name in ("taxonomy", "by", "cluster"):
        if name in reading:
            raise TypeError(f"label() got an unexpected keyword argument {name!r}")
    levels = levels_of(raters)
    pairs = read_pairs(
        data,
        levels,
        taxonomy=taxonomy_of(raters) or Taxonomy(),
        wanted=[*levels, *_BESIDE],
        reading=reading,
        progress=progress,
    )
    _check_texts(pairs, side)
    return pairs, plan_tasks(pairs, raters, side=side, repeat=repeat)


def check_counts(*, repeat: int, limit: int | None, connections: int) -> None:
    """Refuse numbers that make no sense."""
    for name, value, most in (
        ("repeat", repeat, 100),
        ("limit", 1 if limit is None else limit, None),
        ("connections", connections, MOST_CONNECTIONS),
    ):
        if not isinstance(value, int) or value < 1 or (most and value > most):
            upper = f" to {most:,}" if most else " or more"
            raise UsageError(f"{name} is {value!r}; it must be a whole number, 1{upper}.")


def cost_of(given: int, made: int, prices: tuple[float, float] | None) -> float | None:
    """Return what tokens cost, by the prices of a million in and out."""
    return None if prices is None else (given * prices[0] + made * prices[1]) / 1e6


def money(cost: float) -> str:
    """Write a cost: cents, or where it is less than one the digits that matter.

    Examples
    --------
    >>> money(12.3456), money(0.00123)
    ('12.35', '0.0012')
    """
    return f"{cost:,.2f}" if cost >= 1 else f"{cost:.2g}"


def card_text(raters: Sequence[Rater], side: str, flicker: Sequence[Flicker]) -> str:
    """Write the part of a data card that says who labelled: see `riskshift card`."""
    lines = [
        "# Who labelled, as riskshift label knows it. riskshift card --template has the rest.\n"
    ]
    for one, tasks in (("prompt", {"prompt"}), ("response", {"response", "pair"})):
        who = [rater for rater in raters if any(r.startswith(f"{one}_") for r in rater.roles(side))]
        if not who:
            continue
        names = [*map(_described, who)]
        asked = {rater.name for rater in who}
        names += [str(told) for told in flicker if told.grader in asked and told.side in tasks]
        lines += [f"[labels.{one}]", 'by = "grader"', f"who = {quoted('. '.join(names))}"]
        lines += [f"raters = {len(who)}"] if len(who) > 1 else []
        prints = [f"{r.grader.facts.name}: {r.grader.fingerprint}" for r in who]
        told_how = f"as declared, by fingerprint: {', '.join(prints)}"
        lines += [f"instructions = {quoted(told_how)}", ""]
    return "\n".join(lines)


def _described(rater: Rater) -> str:
    facts = rater.grader.facts
    model = f" with {rater.model}" if rater.model else ""
    return f"{facts.name} {facts.version}{model} (riskshift label {__version__})"


def quoted(text: str) -> str:
    """Write a text as TOML does."""
    # What JSON writes for a string is one of TOML, too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _remembered(journal: Journal, plan: Plan) -> dict[str, Outcome]:
    """Read the labels anew from answers that are there."""
    return {
        key: outcome_of(item, journal.lines[key].tries)
        for key, item in plan.items.items()
        if key in journal.lines
    }


def _limited(items: Sequence[Item], limit: int | None) -> list[Item]:
    return list(items if limit is None else items[:limit])


def _is_asked(rater: Rater, items: Iterable[Item]) -> bool:
    return any(item.rater == rater for item in items)


def _check_texts(pairs: Pairs, side: str) -> None:
    lacking = [
        role
        for role in ("prompt", "response")
        if side in (role, "both") and pairs.records.column(role) is None
    ]
    if lacking:
        other = "response" if lacking[0] == "prompt" else "prompt"
        fix = f"--map {lacking[0]}=COLUMN names it; --side {other} labels the other side alone."
        pairs.records.require([pairs.records.options.columns[lacking[0]]], fix=fix)


def _kept(pairs: Pairs, raters: Sequence[Rater], side: str) -> int:
    roles = dict.fromkeys(role for rater in raters for role in rater.roles(side))
    return sum(label is not None for role in roles for label in pairs.labels[role])


def _sum(parts: Iterable[Spent]) -> Spent:
    total = Spent()
    for part in parts:
        total.requests += part.requests
        total.retries += part.retries
        total.tokens_in += part.tokens_in
        total.tokens_out += part.tokens_out
    return total
