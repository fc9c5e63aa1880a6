"""From prompts to a page: ask models, label both sides, analyze; everything in one folder."""

import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.analysis.transitions.result import Analysis
from riskshift.errors import (
    EndpointError,
    RiskshiftWarning,
    UsageError,
    listing,
)
from riskshift.formats.exchange import BLOCKED, EMPTY, ERROR
from riskshift.graders.asking import FILTERED, SILENT, Graded, Outcome, Task, Ungraded
from riskshift.jobs.analyze import analyze
from riskshift.jobs.commands import command
from riskshift.jobs.opening import Reading, several, silent
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.places import make_folder, together, write_bytes
from riskshift.outputs.sheets import write_sheet
from riskshift.report import write
from riskshift.running.endpoints.endpoint import Endpoint
from riskshift.running.generating.answering import RESPONSE, STOPPED, Answering, Settings
from riskshift.running.generating.prompts import NEW, Prompts, read_prompts
from riskshift.running.journal import Journal, journal_of
from riskshift.running.labelling.grading import grade, outcome_of
from riskshift.running.labelling.label import (
    Graders,
    Labelled,
    card_text,
    check_counts,
    label,
    label_through,
    quoted,
)
from riskshift.running.raters import Rater, raters_of, share_labels
from riskshift.running.tasks import Item, key_of

PAIRS: Final = "pairs.parquet"
LABELLED: Final = "labelled.parquet"
CARD: Final = "card.toml"
LOGS: Final = "logs"
_MOST_SAMPLES: Final = 100
# Why there is no response, in the words that stand in the column `status`.
_STATUS: Final = {FILTERED: BLOCKED, SILENT: EMPTY}
Connect = Callable[[Rater], Endpoint]


@dataclass(frozen=True, slots=True)
class Run:
    """What `run` made.

    Parameters
    ----------
    folder : Path
        Where everything stands.
    source : str
        Where the prompts come from.
    models : tuple of str
        Who answered.
    prompts : int
        Prompts that were sent.
    samples : int
        Answers to each, a model.
    remembered : int
        Answers that the folder held already.
    lacking : dict of str to int
        Prompts without a response, by reason, a sample and model counted apart.
    labelled : Labelled
        How the labels came about.
    analysis : Analysis
        What they say.
    written : tuple of Path
        The files.
    """

    folder: Path
    source: str
    models: tuple[str, ...]
    prompts: int
    samples: int
    remembered: int
    lacking: dict[str, int]
    labelled: Labelled
    analysis: Analysis = field(repr=False)
    written: tuple[Path, ...] = ()

    def __str__(self) -> str:
        asked = self.prompts * self.samples * len(self.models)
        before = f" ({self.remembered:,} of them before)" if self.remembered else ""
        lines = [
            f"{self.prompts:,} prompts of {self.source}, {asked:,} answers asked of {listing(self.models)}{before}."
        ]
        lines += [f"  without a response, {reason}: {n:,}" for reason, n in self.lacking.items()]
        if ERROR in self.lacking:
            lines.append("  The same command asks again for those that ended in an error.")
        labelled, _, _ = str(self.labelled).rpartition("\n")
        return "\n".join([*lines, labelled, f"Next: {self._next()}"])

    def _next(self) -> str:
        several_models = len(self.models) > 1
        verb = "compare" if several_models else "sample"
        flags = (
            ["--baseline", self.models[0]] if several_models else ["--n", "100", "-o", "drawn.csv"]
        )
        return command(verb, [self.labelled.output], self.labelled.taxonomy, flags=flags)


def run(
    data: Any,
    output: str | Path,
    *,
    models: str | Sequence[str],
    graders: Graders,
    samples: int = 1,
    system_prompt: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    limit: int | None = None,
    base_url: str | None = None,
    key_variable: str = "OPENAI_API_KEY",
    connections: int = 16,
    timeout: float = 120.0,
    prices: tuple[float, float] | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Run:
    """Send prompts to models, label what is asked and answered, and analyze it.

    Answers are written down as they come. The same call with the same folder goes on where an
    earlier one was ended, and asks nothing twice.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Prompts, a row each: a column ``prompt``, and ``prompt_id`` where there are ids. Labels of
        prompts that are there are kept. See `read`.
    output : path
        A folder; made if need be.
    models : str or sequence of str
        Inspect's names: ``"PROVIDER/MODEL"``.
    graders : str, Rater, or several
        As in `label`; no two of them may label the same.
    samples : int, default 1
        How many answers to each prompt.
    system_prompt : str, optional
        What models are told before each prompt.
    temperature, max_tokens : optional
        Sent to the models where they are given; else it is the provider's choice.
    limit : int, optional
        Use at most so many prompts, from the first on.
    base_url, key_variable, prices
        Of the graders' endpoint, as in `label`.
    connections : int
        How many prompts or texts are on their way at once.
    timeout : float
        Seconds after which a silent request is asked again.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`, but for the taxonomy, which the graders have.

    Returns
    -------
    Run

    Raises
    ------
    UsageError
        If a model or grader is unknown, a key or package is not there, or an option cannot be
        honoured.
    DataError
        If the prompts cannot be read, or rows contradict each other.
    EndpointError
        If a model or grader cannot be asked. What was answered is kept.
    OutputError
        If something cannot be written.
    """

    def connect(rater: Rater) -> Endpoint:
        from riskshift.running.with_inspect.model import InspectModel

        return InspectModel(rater.model, connections=connections, timeout=timeout)

    def labelling(pairs: Path, place: Path) -> Labelled:
        return label(
            pairs,
            place,
            graders=graders,
            base_url=base_url,
            key_variable=key_variable,
            connections=connections,
            timeout=timeout,
            prices=prices,
            progress=progress,
        )

    raters = _raters(graders)
    made = _Making(
        folder=Path(output),
        models=several(models),
        raters=raters,
        settings=Settings(system_prompt, temperature, max_tokens),
        samples=samples,
        connections=connections,
        progress=progress,
    )
    refuse_overwriting({name: made.folder / name for name in (PAIRS, LABELLED)}, {"data": data})
    prompts = read_prompts(data, limit, reading, progress)
    return made.all(prompts, connect, labelling)


def run_through(
    connect: Connect,
    data: Any,
    output: str | Path,
    *,
    models: Sequence[str],
    raters: Sequence[Rater],
    samples: int = 1,
    progress: Callable[[str], None] = silent,
    notes: Sequence[str] = (),
) -> Run:
    """Run through endpoints of the caller, for models and for graders; see `run`.

    Parameters
    ----------
    connect : callable
        From who is asked to where; a model under test has the grader `Answering`.
    notes : sequence of str
        What must be said with the numbers.
    """
    made = _Making(
        folder=Path(output),
        models=tuple(models),
        raters=tuple(raters),
        settings=Settings(),
        samples=samples,
        progress=progress,
        notes=tuple(notes),
        logs=False,
    )

    def labelling(pairs: Path, place: Path) -> Labelled:
        return label_through(connect, pairs, place, raters=raters, progress=progress)

    return made.all(read_prompts(data, None, {}, progress), connect, labelling)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a row of the pairs asks: of which prompt, for which of its samples."""

    at: int
    sample: int
    item: Item


@dataclass(frozen=True, slots=True)
class _Making:
    """One run: its folder, and who is asked how."""

    folder: Path
    models: tuple[str, ...]
    raters: tuple[Rater, ...]
    settings: Settings
    samples: int
    progress: Callable[[str], None]
    connections: int = 16
    notes: tuple[str, ...] = ()
    logs: bool = True

    def __post_init__(self) -> None:
        check_counts(repeat=1, limit=None, connections=self.connections)
        if not isinstance(self.samples, int) or not 1 <= self.samples <= _MOST_SAMPLES:
            raise UsageError(
                f"samples is {self.samples!r}; it must be a whole number, 1 to {_MOST_SAMPLES}."
            )
        twice = [name for name, n in Counter(self.models).items() if n > 1]
        if twice or not self.models:
            raise UsageError(
                f"the model {twice[0]} is named twice. For several answers to a prompt: --samples 2."
                if twice
                else "no model is named: --model PROVIDER/MODEL, such as openai/gpt-x or ollama/llama3."
            )

    def all(
        self, prompts: Prompts, connect: Connect, labelling: Callable[[Path, Path], Labelled]
    ) -> Run:
        """Ask, label, analyze and write."""
        make_folder(self.folder)
        asked = list(self._asked(prompts))
        # Equal texts under several ids are asked about once; first samples come first.
        items = {one.item.key: one.item for one in sorted(asked, key=lambda one: one.sample)}
        answers, remembered = self._answers(items, connect)
        self._write_pairs(prompts, asked, answers)
        logs = self._write_logs(prompts, asked, answers) if self.logs else []
        labelled = labelling(self.folder / PAIRS, self.folder / LABELLED)
        card = self.folder / CARD
        write_bytes(card, self._card(prompts, labelled).encode())
        analysis = self._analyzed(labelled, card)
        with together():
            written = [
                write(analysis, self.folder / "report.html"),
                write(analysis, self.folder / "results.json"),
            ]
        lacking = Counter(
            _STATUS.get(one.reason, ERROR) for one in answers.values() if isinstance(one, Ungraded)
        )
        return Run(
            self.folder,
            prompts.source,
            self.models,
            len(prompts.texts),
            self.samples,
            remembered,
            dict(sorted(lacking.items())),
            labelled,
            analysis,
            (*written, self.folder / LABELLED, self.folder / PAIRS, card, *logs),
        )

    def _asked(self, prompts: Prompts) -> Iterator[_Asked]:
        """Yield what the rows of the pairs ask, in their order."""
        for model in self.models:
            rater = Rater(Answering(self.settings), model)
            for at, text in enumerate(prompts.texts):
                task = Task("prompt", prompt=text)
                for sample in range(self.samples):
                    yield _Asked(at, sample + 1, Item(rater, task, key_of(rater, task, sample)))

    def _answers(
        self, items: Mapping[str, Item], connect: Connect
    ) -> tuple[dict[str, Outcome], int]:
        place = self.folder / PAIRS
        journal = Journal.beside(place)
        try:
            self._say_what_changed(journal, items)
            known: dict[str, Outcome] = {
                key: outcome_of(item, journal.lines[key].tries)
                for key, item in items.items()
                if key in journal.lines
            }
            left = [item for key, item in items.items() if key not in known]
            endpoints = {item.rater: connect(item.rater) for item in _one_each(left)}
            try:
                found = grade(
                    left,
                    endpoints,
                    journal,
                    connections=self.connections,
                    progress=self.progress,
                    said=("answered", "prompts", "responses"),
                )
            except EndpointError as error:
                raise EndpointError(
                    f"{error}\nNothing is lost: {journal_of(place)} holds what was answered, and the same command "
                    "goes on there."
                ) from None
        finally:
            journal.close()
        return known | found, len(known)

    def _say_what_changed(self, journal: Journal, items: Mapping[str, Item]) -> None:
        """Say which answers of the folder are of no use any more, and why."""
        now = Answering(self.settings).fingerprint
        changed = Counter[str]()
        for line in journal.lines.values():
            if line.key in items:
                continue
            model = line.about.get("model")
            if model not in self.models:
                changed[f"{model} is not asked now"] += 1
            elif line.about.get("fingerprint") != now:
                changed["the system prompt or another setting was another one"] += 1
            else:
                changed["the prompt is not in the data any more, or fewer samples are wanted"] += 1
        for why, n in changed.items():
            warnings.warn(
                f"{journal.path} holds {n:,} answers that are not used: {why}.",
                RiskshiftWarning,
                stacklevel=5,
            )

    def _write_pairs(
        self, prompts: Prompts, asked: Iterable[_Asked], answers: Mapping[str, Outcome]
    ) -> None:
        rows = []
        for one in asked:
            outcome = answers[one.item.key]
            told: tuple[Any, ...]
            if isinstance(outcome, Graded):
                told = (outcome.labels[RESPONSE], None, outcome.raw.get(STOPPED))
            else:
                told = (None, _STATUS.get(outcome.reason, ERROR), None)
            rows.append((*prompts.rows[one.at], one.item.rater.model, one.sample, *told))
        columns = (*prompts.names, *NEW)
        write_sheet(self.folder / PAIRS, columns, rows, texts=("prompt", "response"))

    def _write_logs(
        self, prompts: Prompts, asked: Iterable[_Asked], answers: Mapping[str, Outcome]
    ) -> list[Path]:
        from riskshift.running.with_inspect.logs import Answered, write_log

        self.progress("writing logs")
        folder = self.folder / LOGS
        make_folder(folder)
        by_model: dict[str, list[Answered]] = {model: [] for model in self.models}
        for one in asked:
            at, outcome = one.at, answers[one.item.key]
            answered = Answered(prompts.ids[at], one.sample, prompts.texts[at], outcome)
            by_model[one.item.rater.model].append(answered)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        return [
            write_log(
                folder / f"{_file_name(model)}.eval",
                of_model,
                model=model,
                settings=self.settings,
                source=prompts.source,
                created=created,
            )
            for model, of_model in by_model.items()
        ]

    def _card(self, prompts: Prompts, labelled: Labelled) -> str:
        """Write what is known of where the data comes from."""
        lines = [f"description = {quoted(f'Prompts of {prompts.source}, answered in a run.')}", ""]
        for model in self.models:
            lines += [
                "[[models]]",
                f"name = {quoted(model)}",
                f"version = {quoted('asked on ' + time.strftime('%Y-%m-%d'))}",
                f"settings = {quoted(str(self.settings))}",
                "",
            ]
        return "\n".join(lines) + card_text(self.raters, "both", labelled.flicker)

    def _analyzed(self, labelled: Labelled, card: Path) -> Analysis:
        self.progress("analyzing")
        result = analyze(
            self.folder / LABELLED,
            taxonomy=labelled.taxonomy,
            card=card,
            progress=self.progress,
        )
        return replace(result, notes=(*self.notes, *result.notes)) if self.notes else result


def _raters(graders: Graders) -> tuple[Rater, ...]:
    raters = raters_of(graders, "both")
    if share_labels(raters, "both"):
        raise UsageError(
            f"{listing(rater.name for rater in raters)} label the same. Run with one of them, and ask the others "
            "afterwards: riskshift label."
        )
    return raters


def _one_each(items: Iterable[Item]) -> Iterable[Item]:
    return {item.rater: item for item in items}.values()


def _file_name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", model)
