"""A line of the table, and what a process or a piece of work takes."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIMIT: Final = "600MB"  # that both DuckDBs are given
COMMAND: Final = (sys.executable, "-m", "riskshift")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a part is told: numbers of pairs, prompts a model, and a folder for its files."""

    sizes: list[int]
    prompts: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, and MiB of memory at the peak where a process was measured."""

    seconds: float
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Parameters
    ----------
    what : str
        What was done.
    plain, ours : Cost
        What the plain way took, and what riskshift did.
    goal : float
        What the ratio should not exceed; 0 says that there is no goal.
    most : float
        What it must not exceed on a small run; 0 asks nothing.
    start : float
        Seconds that any start takes, which the ratio leaves out.
    unit : str
        Of what there are so many, if not of seconds.
    shape, pairs : str, int
        Where the row stands in the picture, if it does.
    """

    what: str
    plain: Cost
    ours: Cost
    goal: float = 0.0
    most: float = 0.0
    start: float = 0.0
    unit: str = "s"
    shape: str = ""
    pairs: int = 0

    @property
    def ratio(self) -> float:
        """Our seconds to the plain ones, without those of a start."""
        return max(self.ours.seconds - self.start, 0.0) / self.plain.seconds

    def __str__(self) -> str:
        memory = f"{self.ours.memory:.0f} MiB" if self.ours.memory else ""
        goal = f"{self.goal:.2g}" if self.goal else ""
        plain, ours = (f"{cost.seconds:.3g} {self.unit}" for cost in (self.plain, self.ours))
        return f"| {self.what} | {plain} | {ours} | {memory} | {self.ratio:.2g} | {goal} |"


def process(command: list[str], *, times: int = 1, fails: bool = False) -> Cost:
    """Run a process and return what it took, at the best of several times.

    Raises
    ------
    RuntimeError
        If it failed, or did not although it must.
    """
    return min((_once(command, fails) for _ in range(times)), key=lambda cost: cost.seconds)


def _once(command: list[str], fails: bool) -> Cost:
    quiet = [
        (os.POSIX_SPAWN_OPEN, at, os.devnull, os.O_WRONLY, 0)
        for at in (sys.stdout.fileno(), sys.stderr.fileno())
    ]
    started = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, used = os.wait4(started, 0)
    if (status != 0) != fails:
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10)


def work(done: Callable[[], object], *, times: int = 1) -> Cost:
    """Do some work and return what it took, at the best of several times."""
    return Cost(min(_timed(done) for _ in range(times)))


def _timed(done: Callable[[], object]) -> float:
    start = time.process_time()
    done()
    return time.process_time() - start
