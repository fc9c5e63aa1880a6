"""The loop: so many connections at once, each answer written down, one more try where it cannot be read."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from riskshift.errors import EndpointError
from riskshift.graders.asking import FAILED, FILTERED, Answer, Outcome, Ungraded
from riskshift.running.endpoints.endpoint import Endpoint
from riskshift.running.journal import Journal, Line
from riskshift.running.raters import Rater
from riskshift.running.tasks import Item

# A text of which nothing can be read is asked once more.
_TRIES: Final = 2
# So many texts in a row that nobody answered: the endpoint is gone, and the rest would wait in vain.
_MOST_FAILED: Final = 20
# Seconds between two words about progress.
_OFTEN: Final = 0.5

T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far a run is, in words."""

    total: int
    tell: Callable[[str], None]
    said: tuple[str, str, str] = ("graded", "texts", "labels")
    done: int = 0
    ungraded: int = 0
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def step(self, outcome: Outcome) -> None:
        """Count a text and say how far this is, now and then."""
        self.done += 1
        self.ungraded += isinstance(outcome, Ungraded)
        now = time.monotonic()
        if now - self._told < _OFTEN and self.done < self.total:
            return
        self._told = now
        rate = self.done / max(now - self._began, 1e-9)
        did, what, gives = self.said
        without = f", {self.ungraded:,} of them without {gives}" if self.ungraded else ""
        left = duration((self.total - self.done) / rate)
        self.tell(
            f"{did} {self.done:,} of {self.total:,} {what}{without}; {rate:,.1f} a second, {left} left"
        )


def outcome_of(item: Item, tries: Sequence[Sequence[Answer]]) -> Outcome:
    """Read the last answers of an item."""
    lost = next((answer.failed for answer in tries[-1] if answer.failed), None)
    return Ungraded(lost) if lost else item.rater.grader.read(item.task, tries[-1])


def grade(
    items: Iterable[Item],
    endpoints: Mapping[Rater, Endpoint],
    journal: Journal,
    *,
    connections: int,
    progress: Callable[[str], None],
    said: tuple[str, str, str] = ("graded", "texts", "labels"),
) -> dict[str, Outcome]:
    """Ask about every item, and write each answer down.

    Parameters
    ----------
    items : iterable of Item
        What is to be asked, in this order.
    endpoints : mapping of Rater to Endpoint
        Where.
    journal : Journal
        Gets every answer; of what nobody answered it gets nothing, so that it is asked again another time.
    connections : int
        How many items are on their way at once.
    progress : callable
        Told how far this is, with the rate and the time that is left.
    said : tuple of str
        In its words what is done, of what, and what it gives.

    Returns
    -------
    dict of str to Outcome
        By key.

    Raises
    ------
    EndpointError
        If an endpoint refuses all requests, or is gone. What was answered stands in the journal.
    """
    wanted = list(items)
    work = _Grading(endpoints, journal, Progress(len(wanted), progress, said))
    return run(work.all(wanted, connections))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    held: list[T] = []
    faults: list[BaseException] = []

    def in_thread() -> None:
        try:
            held.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            faults.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return held[0]


class _Grading:
    def __init__(
        self, endpoints: Mapping[Rater, Endpoint], journal: Journal, progress: Progress
    ) -> None:
        self._endpoints = endpoints
        self._journal = journal
        self._progress = progress
        self._failed = 0
        self.outcomes: dict[str, Outcome] = {}

    async def all(self, items: Sequence[Item], connections: int) -> dict[str, Outcome]:
        """Ask about all of them; the first fault that concerns all ends the others too."""
        left = iter(items)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(connections, len(items))):
                    group.create_task(self._work(left))
        except BaseExceptionGroup as faults:
            raise _first(faults) from None
        finally:
            for endpoint in self._endpoints.values():
                await endpoint.close()
        return self.outcomes

    async def _work(self, left: Iterable[Item]) -> None:
        for item in left:
            outcome = await self._one(item)
            self.outcomes[item.key] = outcome
            self._progress.step(outcome)

    async def _one(self, item: Item) -> Outcome:
        endpoint = self._endpoints[item.rater]
        tries: list[list[Answer]] = []
        outcome: Outcome = Ungraded(FAILED)
        while len(tries) < _TRIES:
            answers, detail = await self._asked(endpoint, item)
            tries.append(answers)
            outcome = outcome_of(item, tries)
            if not isinstance(outcome, Ungraded) or outcome.reason in (FAILED, FILTERED):
                break
        if isinstance(outcome, Ungraded) and outcome.reason == FAILED:
            self._note_failed(endpoint, detail)
            return Ungraded(FAILED, detail)
        self._failed = 0
        about = item.about | {"address": endpoint.address}
        self._journal.add(Line(item.key, about, tries))
        return outcome

    async def _asked(self, endpoint: Endpoint, item: Item) -> tuple[list[Answer], str]:
        """Ask all that an item takes, until one part of it is lost."""
        answers: list[Answer] = []
        for request in item.rater.grader.requests(item.task):
            reply = await endpoint.ask(request)
            answers.append(reply.answer)
            if reply.answer.failed:
                return answers, reply.detail
        return answers, ""

    def _note_failed(self, endpoint: Endpoint, detail: str) -> None:
        self._failed += 1
        if self._failed >= _MOST_FAILED:
            raise EndpointError(
                f"{endpoint.address} answered none of the last {self._failed} texts ({detail})."
            )


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one of the faults; the others are the same, or followed from it."""
    first = faults.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def duration(seconds: float) -> str:
    """Write a time as people do.

    Examples
    --------
    >>> duration(4.2), duration(75), duration(7300)
    ('4 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
