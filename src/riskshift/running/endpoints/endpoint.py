"""What whoever grades needs of an endpoint, and the patience that all endpoints share."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from riskshift.errors import EndpointError
from riskshift.graders.asking import FAILED, FILTERED, Answer, Request

# What an endpoint calls a fault is told only where it is a word: its sentences may quote texts and keys.
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_BUSY: Final = frozenset({408, 409, 429})
# Faults of one text; any other refusal of a request would meet all of them.
_OF_ONE_TEXT: Final = frozenset({400, 413, 422})
# So many refusals before any answer: it is the request, not the text.
_MOST_REFUSED: Final = 5
# What endpoints call it where a filter does not let a request pass, and where nothing is left to pay with.
_FILTERS: Final = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "invalid_prompt"}
)
_NO_MONEY: Final = "insufficient_quota"

T = TypeVar("T")


@dataclass(slots=True)
class Spent:
    """What was spent so far: requests, those repeated among them, and tokens as endpoints count them."""

    requests: int = 0
    retries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and in a word why there is none."""

    answer: Answer
    detail: str = ""


class Endpoint(Protocol):
    """A model or service that can be asked."""

    @property
    def address(self) -> str:
        """Where it is, without names and keys."""
        ...

    @property
    def spent(self) -> Spent:
        """What was spent so far."""
        ...

    async def ask(self, request: Request) -> Reply:
        """Ask once, with patience; an answer that did not come says so.

        Raises
        ------
        EndpointError
            If it makes no sense to ask anything else either, such as with a wrong key.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class Busy(Exception):  # noqa: N818 - no error of ours: it never leaves this folder
    """An endpoint that may answer a little later; `after` are the seconds that it asks for."""

    def __init__(self, detail: str, after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.after = after


@dataclass(slots=True)
class Patience:
    """Asks again after faults that pass: later each time, at random, and not for ever.

    Parameters
    ----------
    tries : int
        How often something is asked at most.
    first : float
        Seconds before the second try; doubled for each further one.
    longest : float
        The most seconds between two tries. An endpoint that asks for a longer pause is left alone
        for so long, and not longer.
    """

    tries: int = 7
    first: float = 0.5
    longest: float = 60.0
    _clear_at: float = field(default=0.0, init=False)

    async def ask(self, once: Callable[[], Awaitable[T]], spent: Spent) -> T:
        """Try until it works.

        Raises
        ------
        Busy
            If it still does not at the last try.
        """
        for attempt in range(self.tries):
            # What one request was told holds for all.
            await asyncio.sleep(max(0.0, self._clear_at - time.monotonic()))
            spent.requests += 1
            spent.retries += attempt > 0
            try:
                return await once()
            except Busy as busy:
                if attempt == self.tries - 1:
                    raise
                await asyncio.sleep(self._pause(attempt, busy.after))
        raise AssertionError("there is at least one try")

    def _pause(self, attempt: int, after: float | None) -> float:
        spread = random.random()  # noqa: S311 - only so that requests do not come all at once
        if after is None:
            return min(self.longest, self.first * float(2**attempt)) * (0.5 + spread / 2)
        self._clear_at = max(self._clear_at, time.monotonic() + min(after, self.longest))
        return min(after, self.longest) + spread * self.first


@dataclass(slots=True)
class Refusals:
    """Tells what passes, what concerns one text, and what concerns all of them.

    Parameters
    ----------
    address : str
        Of the endpoint, for messages.
    advice : callable
        What to do about a status.
    secret : str
        The key, of which nothing is told even where the endpoint repeats it.
    answered : int
        Requests that were answered so far.
    """

    address: str
    advice: Callable[[int], str]
    secret: str
    answered: int = 0
    _refused: int = 0

    def reply(self, status: int, codes: Sequence[str], after: float | None) -> Reply:
        """Return why one text has no answer.

        Parameters
        ----------
        status : int
            Of HTTP.
        codes : sequence of str
            The words by which the endpoint calls the fault.
        after : float or None
            Seconds that it asks to wait.

        Raises
        ------
        Busy
            If it may answer later.
        EndpointError
            If no other text would fare better.
        """
        shown = [code for code in codes if self.secret not in code]
        told = ", ".join([f"HTTP {status}", *shown])
        if (status in _BUSY or status >= 500) and _NO_MONEY not in codes:
            raise Busy(told, after)
        if status in _OF_ONE_TEXT and not _FILTERS.isdisjoint(map(str.casefold, codes)):
            return Reply(Answer(failed=FILTERED), told)
        self._refused += 1
        if status in _OF_ONE_TEXT and (self.answered or self._refused < _MOST_REFUSED):
            return Reply(Answer(failed=FAILED), told)
        raise EndpointError(f"{self.address} refuses requests ({told}). {self.advice(status)}")


def word(said: object) -> str:
    """Return what an endpoint calls a fault; nothing if that is more than a word.

    Examples
    --------
    >>> word("rate_limit_exceeded"), word("your prompt was ..."), word(429)
    ('rate_limit_exceeded', '', '429')
    """
    text = "" if said is None else str(said)
    return text if _WORD.fullmatch(text) else ""


def seconds(header: str | None) -> float | None:
    """Read ``Retry-After``; None if it is not there or a date.

    Examples
    --------
    >>> seconds("2"), seconds(None), seconds("Wed, 21 Oct 2026 07:28:00 GMT")
    (2.0, None, None)
    """
    try:
        waited = float(header or "")
    except ValueError:
        return None
    return waited if 0 <= waited < float("inf") else None
