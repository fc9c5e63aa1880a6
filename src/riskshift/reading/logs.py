"""Logs of tools, turned into files of pairs that are then read as any other."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.formats.catalogue import NAMES, named
from riskshift.formats.exchange import (
    BLOCKED,
    EARLIER,
    EMPTY,
    FIELDS,
    MALFORMED,
    NO_RESPONSE,
    UNSCORED,
    Earlier,
    Entry,
    Exchange,
    Fact,
    LeftOut,
    cell,
    digest,
)
from riskshift.formats.format import Format
from riskshift.formats.log import Log
from riskshift.formats.scores import MEANINGS, Asked, Labeller, likely_meaning
from riskshift.packing import unreadable
from riskshift.reading.layout import DataFile
from riskshift.reading.paths import find_files, tidy, told_passed
from riskshift.records import BLANKS, ROLES, label_roles
from riskshift.scratch import remove, scratch_folder
from riskshift.taxonomy import HARM, SIDES, Taxonomy

_REFUSAL: Final = "refusal"
_STATUS: Final = "status"
_LOG: Final = "log"
_SCORE: Final = "score_"
_IN_PLACE: Final = "blocked_response"
_OURS: Final = (_STATUS, _LOG, _IN_PLACE)
_fields: Final = attrgetter(*FIELDS)
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
# The least that DuckDB is told of the longest line: it holds many such at once.
_SHORT: Final = 1 << 20
# Types of columns, each holding those before it; of a column without values it does not matter.
TYPES: Final = ("VARCHAR", "BIGINT", "DOUBLE", "VARCHAR")
# Which exchanges of a conversation are pairs.
LAST: Final = "last"
ALL: Final = "all"
TURNS: Final = (LAST, ALL)
# Records between two words about progress.
_OFTEN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of logs of one format, as files, and what else was in the logs.

    Parameters
    ----------
    format : Format
        Of the logs.
    folder : Path
        Where the files lie; it goes with the process, or earlier.
    files : sequence of DataFile
        The pairs of each log that has some, as JSON lines.
    originals : sequence of DataFile
        The logs.
    taxonomy : Taxonomy
        Of their labels.
    columns : mapping of str to str
        Names of the columns of the pairs, and their types in SQL.
    pairs : int
        How many there are.
    left_out : mapping of str to int
        Records that are no pairs, by reason.
    lacking : mapping of str to int
        Pairs without labels of the response, by why: blocked, unscored.
    labelled : mapping of str to int
        Pairs with a label, by role.
    scores : mapping of str to mapping of str to int
        By scorer what it said, and of how many pairs; the rest together where it said much.
    rewritten : int
        Pairs whose prompt is not what it was made from.
    facts : mapping of str to sequence
        What the logs know of their runs: versions, dates, settings.
    unasked : sequence of str
        Categories of the format of which no label speaks; `taxonomy` is without them.
    turns : {"last", "all"}
        Which exchanges of a conversation are pairs.
    conversations : int
        How many conversations have several exchanges.
    alike : int
        How many of them begin with the same prompt to the same model as another.
    """

    format: Format
    folder: Path
    files: Sequence[DataFile]
    originals: Sequence[DataFile]
    taxonomy: Taxonomy
    columns: Mapping[str, str]
    pairs: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    lacking: Mapping[str, int] = field(default_factory=dict)
    labelled: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rewritten: int = 0
    facts: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    unasked: Sequence[str] = ()
    turns: str = LAST
    conversations: int = 0
    alike: int = 0

    @property
    def told(self) -> str:
        """How they were read: ``read as a log of promptfoo 0.123.1``."""
        versions = [str(version) for version in self.facts.get("version", ())]
        what = "a log" if len(self.originals) == 1 else "logs"
        return " ".join([f"read as {what} of {self.format.name}", listing(versions)]).rstrip()

    @property
    def notes(self) -> list[str]:
        """What the logs do not say, and how to have it said."""
        told = [self.format.note] if self.format.note else []
        if not self.labelled_on("prompt"):
            told.append(
                f"{self.format.name} does not label prompts: every label of their side is missing, and what needs it "
                "is unknown. Label them in a file with their ids or texts and a column for each category, such as "
                f"{label_roles(self.taxonomy)[0][0]}, and join it: --labels FILE."
            )
        if not self.labelled_on("response"):
            first = next(iter(self.scores), None)
            told.append(
                "No response has a label that is known to speak of harm, and the log holds no scores."
                if first is None
                else f"No response has a label that is known to speak of harm. Scorers: {listing(self.scores)}. Say "
                f"what a yes of one means: --score {first}={likely_meaning(first)} ({', '.join(MEANINGS)})."
            )
        if self.unasked:
            told.append(
                f"No label speaks of {listing(self.unasked)}: nothing is known of that, and it is left out unless "
                "--taxonomy names it."
            )
        if self.turns == ALL:
            told.append(
                "Every exchange of a conversation is a pair (turns: all); "
                f"{self.conversations:,} conversations have several. Labels stand only where the log states them for "
                "that exchange. A conversation is what intervals take for independent, unless another unit is named."
            )
        if self.alike:
            told.append(
                f"{self.alike:,} conversations begin with the same prompt as another to the same model and are taken "
                "for independent of it, so intervals may be too narrow. Name a coarser unit with --cluster"
                f"{', such as prompt_intent' if 'prompt_intent' in self.columns else ''}."
            )
        blocked = self.lacking.get(BLOCKED, 0)
        if blocked:
            told.append(
                f"{_responses(blocked)} blocked by a filter: what the model would have said is unknown, so "
                "the labels are missing, and neither safe nor harmful."
            )
        if self.rewritten:
            told.append(
                f"The prompts of {self.rewritten:,} pairs were rewritten by the tool: prompt is the text that was "
                "sent, prompt_intent what it was made from."
            )
        return told

    def labelled_on(self, side: str) -> int:
        """How many labels there are on a side."""
        roles = [pair[SIDES.index(side)] for pair in label_roles(self.taxonomy)]
        return sum(self.labelled.get(role, 0) for role in roles)


@dataclass(frozen=True, slots=True)
class Found:
    """The files that are meant by paths.

    Parameters
    ----------
    files : sequence of DataFile
        Those that were named, or lie in a folder that was.
    passed : str
        What was found beside them and not read, in words.
    pairs : Pairs or None
        What they came to, if they are logs.
    """

    files: Sequence[DataFile]
    passed: str = ""
    pairs: Pairs | None = None


def find(
    paths: Iterable[str | Path],
    *,
    format: str | None = None,  # noqa: A002
    asked: Asked | None = None,
    turns: str = LAST,
    skip_bad: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Found:
    """Find files, and turn logs into pairs; takes and raises what `find_files` and `unfold` do."""
    passed = Counter[str]()
    files = find_files(paths, format=format, passed=passed)
    pairs = unfold(files, asked or Asked(), turns=turns, skip_bad=skip_bad, progress=progress)
    return Found(files, told_passed(passed), pairs)


def _responses(many: int) -> str:
    return "1 response was" if many == 1 else f"{many:,} responses were"


def unfold(
    files: Sequence[DataFile],
    asked: Asked,
    *,
    turns: str = LAST,
    skip_bad: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Pairs | None:
    """Turn logs into files of pairs.

    Parameters
    ----------
    files : sequence of DataFile
        What was found where the user pointed.
    asked : Asked
        What the user declares of scores.
    turns : {"last", "all"}
        Which exchanges of a conversation are pairs.
    skip_bad : bool, default False
        Leave records that cannot be read out, and count them.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Pairs or None
        None if the files are no logs.

    Raises
    ------
    FileError
        If a log cannot be read.
    UsageError
        If logs and other files, or logs of several formats, stand together; or scores are declared
        that no log has, or turns are asked of what is no log.
    """
    if turns not in TURNS:
        raise unknown_choice("turns", turns, TURNS)
    logs = [file for file in files if file.format in NAMES]
    if not logs:
        if asked:
            raise UsageError(
                f"{tidy(files)}: --score says what a score in the log of a tool means, and this is none. Map "
                "columns with --map."
            )
        if turns != LAST:
            raise UsageError(
                f"{tidy(files)}: --turns says which exchanges of a tool's log are pairs, and this is none: each of its "
                "rows is a pair. If they are turns of conversations, say so with --cluster conversation_id."
            )
        return None
    _refuse_mixed(files, logs)
    unfolding = _Unfolding(named(logs[0].format), asked, turns, skip_bad, progress)
    folder = scratch_folder()
    try:
        with unreadable(tidy(logs)):
            made = unfolding.each(logs, folder)
        return unfolding.pairs(folder, made, logs)
    except BaseException:
        remove(folder)
        raise


def _refuse_mixed(files: Sequence[DataFile], logs: Sequence[DataFile]) -> None:
    kinds = {file.format: file.name for file in logs}
    others = [file.name for file in files if file.format not in NAMES]
    if others:
        kinds["no log"] = others[0]
    if len(kinds) > 1:
        shown = listing(f"{name} ({kind})" for kind, name in kinds.items())
        raise UsageError(
            f"these cannot be read together: {shown}. Write the pairs of each with riskshift convert, and read those."
        )


class _Unfolding:
    """The way from logs to pairs, and what is met on it."""

    def __init__(
        self,
        format: Format,  # noqa: A002
        asked: Asked,
        turns: str,
        skip_bad: bool,
        progress: Callable[[str], None],
    ) -> None:
        self._format = format
        self._turns = turns
        self._conversations = set[str]()
        self._begun = set[str]()
        self._openings = Counter[str]()
        self._skip_bad = skip_bad
        self._progress = progress
        self._taxonomy = format.taxonomy_of(asked)
        self._label = Labeller(asked, format.known)
        prompts, responses = zip(*label_roles(self._taxonomy), strict=True)
        self._sides = {"prompt": prompts, "response": responses}
        # The sides that may be labelled have their columns, also where nothing is.
        self._bare = dict.fromkeys(role for side in format.sides for role in self._sides[side])
        self._keep = {_STATUS, _LOG, *prompts, *responses}
        self._columns: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._count = 0
        self._rewritten = 0
        self._left_out = Counter[str]()
        self._lacking = Counter[str]()
        self._labelled = Counter[str]()
        self._facts: dict[str, list[Any]] = {}

    def each(self, files: Sequence[DataFile], folder: Path) -> list[DataFile]:
        """Write the pairs of each log."""
        logs = [Log(file.path, file.name, skip_bad=self._skip_bad) for file in files]
        held = enumerate(zip(files, logs, self._format.of(logs), strict=True))
        return [self._one(*one, folder / f"{at}.jsonl") for at, one in held]

    def _one(self, file: DataFile, log: Log, entries: Iterable[Entry], place: Path) -> DataFile:
        self._progress(f"reading {file.name} as a log of {self._format.name}")
        longest = _SHORT
        with place.open("wb") as spooled:
            for row in self._rows(log, entries):
                line = _encode(row).encode("utf-8", "replace") + b"\n"
                spooled.write(line)
                longest = max(longest, len(line))
                for name, value in row.items():
                    kind = kind_of(value)
                    if kind > self._columns.get(name, -1):
                        self._columns[name] = kind
                self._count += 1
        if log.malformed:
            self._left_out[MALFORMED] += log.malformed
        return replace(file, path=place, format="jsonl", stamp=(), longest=longest)

    def pairs(
        self, folder: Path, files: Sequence[DataFile], originals: Sequence[DataFile]
    ) -> Pairs:
        """Return what was written, and what was met."""
        self._label.check_met(tidy(originals))
        taxonomy = self._taxonomy
        if self._format.rated and not any(map(self._labelled.get, _roles(taxonomy))):
            # People may have been asked about harm as such.
            taxonomy = HARM if any(map(self._labelled.get, _roles(HARM))) else taxonomy
        unasked = self._unasked() if taxonomy is self._taxonomy else []
        for category in unasked:
            taxonomy = taxonomy.without(category)
        return Pairs(
            self._format,
            folder,
            [file for file in files if file.path.stat().st_size],
            originals,
            taxonomy,
            {name: TYPES[kind] for name, kind in self._columns.items()},
            self._count,
            dict(sorted(self._left_out.items())),
            dict(sorted(self._lacking.items())),
            {role: n for role, n in self._labelled.items() if n},
            self._label.met,
            self._rewritten,
            self._facts,
            unasked,
            self._turns,
            len(self._conversations),
            sum(many for many in self._openings.values() if many > 1),
        )

    def _unasked(self) -> list[str]:
        """Return the categories that have no label while others have some."""
        roles = zip(self._taxonomy.categories, label_roles(self._taxonomy), strict=True)
        bare = [name for name, sides in roles if not any(self._labelled[role] for role in sides)]
        return bare if len(bare) < len(self._taxonomy.categories) else []

    def _rows(self, log: Log, entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
        size = "" if log.is_folder else f" of {log.path.stat().st_size:,}"
        for number, entry in enumerate(entries, start=1):
            if number % _OFTEN == 0:
                told = f"{number:,} records, {log.done:,}{size} bytes"
                self._progress(f"reading {log.name}: {told}")
            if isinstance(entry, Fact):
                known = self._facts.setdefault(entry.name, [])
                known += [entry.value] if entry.value not in known else []
                continue
            if isinstance(entry, Earlier):
                if isinstance(entry.entry, Exchange):
                    self._conversations.add(digest(entry.entry.conversation_id))
                if self._turns == LAST:
                    if entry.is_record:
                        self._left_out[EARLIER] += 1
                    continue
                entry = entry.entry
            reason = entry.reason if isinstance(entry, LeftOut) else _no_pair(entry)
            if reason:
                self._left_out[reason] += 1
                continue
            assert isinstance(entry, Exchange)  # noqa: S101 - for the reader of types
            yield self._row(self._placed(entry), log, number)

    def _placed(self, exchange: Exchange) -> Exchange:
        """Give an exchange its place in a conversation, where all turns are meant."""
        if self._turns == LAST:
            return exchange
        if exchange.conversation_id is None:
            # Answers to what is asked only once belong together, as they do without turns.
            name = exchange.prompt_id or digest(exchange.prompt)
            exchange = replace(exchange, conversation_id=name, turn=exchange.turn or "1")
        conversation = digest(exchange.conversation_id)
        if conversation not in self._begun:
            self._begun.add(conversation)
            self._openings[digest([exchange.prompt, exchange.model])] += 1
        return exchange

    def _name(self, tag: str) -> str:
        """Give what a tool calls its own a column whose name no other has, in any case."""
        if tag not in self._names:
            roles = (role for side in self._sides.values() for role in side)
            taken = {*ROLES, *FIELDS, *roles, *_OURS, *self._names.values()}
            taken = {name.casefold() for name in taken}
            free = tag
            while free.casefold() in taken:
                free += "_"
            self._names[tag] = free
        return self._names[tag]

    def _judges_response(self, role: str) -> bool:
        # People may be asked about categories that the format does not foresee.
        any_of_it = self._format.rated and role.startswith(f"{SIDES[1]}_")
        return any_of_it or role == _REFUSAL or role in self._sides["response"]

    def _row(self, exchange: Exchange, log: Log, number: int) -> dict[str, Any]:
        labels = {role: cell(value) for role, value in exchange.labels.items()}
        if exchange.scores:
            labels |= self._label(exchange.scores, f"{log.name}, record {number:,}")
        if exchange.blocked:
            labels = {role: v for role, v in labels.items() if not _of_response(role)}
        labels = {role: value for role, value in labels.items() if value is not None}
        self._labelled.update(labels.keys())
        status = BLOCKED if exchange.blocked else None
        if not exchange.blocked and not any(map(self._judges_response, labels)):
            status = UNSCORED
        if status:
            self._lacking[status] += 1
        if exchange.prompt_intent not in (None, exchange.prompt):
            self._rewritten += 1
        row: dict[str, Any] = dict(zip(FIELDS, map(cell, _fields(exchange)), strict=True))
        if exchange.blocked:
            # What stands in the place of a response is none, and nobody should label it as one.
            row |= {"response": None, _IN_PLACE: row["response"]}
        row |= self._bare | labels | {_STATUS: status, _LOG: log.name}
        further = {**exchange.tags, **{f"{_SCORE}{k}": v for k, v in exchange.scores.items()}}
        for name, value in further.items():
            row[self._names.get(name) or self._name(name)] = cell(value)
        keep = self._keep
        return {name: value for name, value in row.items() if value is not None or name in keep}


def _roles(taxonomy: Taxonomy) -> list[str]:
    return [role for pair in label_roles(taxonomy) for role in pair]


def kind_of(value: object) -> int:
    """Return where in `TYPES` the narrowest type stands that holds a value."""
    if value is None:
        return 0
    if isinstance(value, int) and abs(value) < 1 << 63:
        return 1
    return 2 if isinstance(value, float) else 3


def _no_pair(exchange: Exchange) -> str | None:
    """Say why an exchange without a response is no pair; a blocked one is, and labels alone are."""
    if exchange.blocked or (exchange.labels_alone and exchange.response is None):
        return None
    if exchange.response is None:
        return NO_RESPONSE
    return None if str(exchange.response).strip(BLANKS) else EMPTY


def _of_response(role: str) -> bool:
    return role == _REFUSAL or role.startswith(f"{SIDES[1]}_") or role == "relevance"
