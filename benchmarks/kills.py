"""Commands that are killed and interrupted at random moments: `python -m benchmarks.kills`.

Three outputs stand there already. Afterwards all are the old ones or all are new; an interrupt
leaves neither spooled text nor files beside them, and its exit code is not that of a verdict. A
kill leaves no chance to clean up, so the next start does.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAM: Final = "from riskshift.cli import main; main()"
OUTPUTS: Final = ("a.json", "b.csv", "c.md")
SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGKILL")
OLD: Final = b"old"
# What a verdict would be; an interrupted command may have ended before, and then says it.
_ENDED: Final = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """What one signal, sent after `after` seconds of work, left behind."""

    signal: str
    after: float
    code: int
    outputs: str
    left: tuple[str, ...]
    swept: bool

    @property
    def fine(self) -> bool:
        """Whether it is as promised."""
        number = getattr(signal, self.signal)
        codes = {_ENDED, -number} if self.signal == "SIGKILL" else {_ENDED, 128 + number, -number}
        tidy = self.swept and (self.signal == "SIGKILL" or not self.left)
        return self.code in codes and self.outputs in ("old", "new") and tidy


def _start(folder: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    with (folder / "pairs.csv").open("rb") as pairs:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=pairs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(spool)},
            # A shell starts what runs in the background with interrupts ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def _prepare(folder: Path, pairs: int) -> list[str]:
    (folder / "t.toml").write_text('categories = ["harm"]\n')
    rows = (f"p{i // 2},{'ab'[i % 2]},{i // 2 % 4},{i * 7 % 4}\n" for i in range(pairs))
    head = "prompt_id,model,prompt_harm,response_harm\n"
    (folder / "pairs.csv").write_text(head + "".join(rows))
    outputs = [part for name in OUTPUTS for part in ("-o", name)]
    return ["analyze", "-", "--from", "csv", "--taxonomy", "t.toml", "-q", *outputs]


def _worked(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time that a command took so far, in seconds: other work does not count."""
    told = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _length(folder: Path, arguments: list[str]) -> float:
    process, length = _start(folder, arguments), 0.0
    while process.poll() is None:
        length = max(length, _worked(process))
        time.sleep(0.02)
    return length


def _left(folder: Path) -> tuple[str, ...]:
    """Name what stands where a command works and should not when it is over."""
    found = [*(folder / "spool").iterdir(), *folder.glob(".riskshift-*")]
    return tuple(sorted(path.name for path in found))


def kills(runs: int, *, seed: int = 10, pairs: int = 20_000) -> Iterator[Kill]:
    """Send signals at random moments of a command.

    Parameters
    ----------
    runs : int
        How many; the signals take turns.
    seed : int, default 10
        Of the moments.
    pairs : int, default 20000
        How much the command has to read.

    Yields
    ------
    Kill
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        arguments = _prepare(folder, pairs)
        length = _length(folder, arguments)
        for run in range(runs):
            for name in OUTPUTS:
                (folder / name).write_bytes(OLD)
            # At any time, and every other one near the end, where files are written.
            name = SIGNALS[run % len(SIGNALS)]
            after = rng.uniform(0.6 if run % 2 else 0.05, 1.05) * length
            process = _start(folder, arguments)
            while process.poll() is None and _worked(process) < after:
                time.sleep(0.005)
            process.send_signal(getattr(signal, name))  # to none, if it has ended
            code, left = process.wait(), _left(folder)
            new = sum((folder / output).read_bytes() != OLD for output in OUTPUTS)
            outputs = {0: "old", len(OUTPUTS): "new"}.get(new, "mixed")
            yield Kill(name, after, code, outputs, left, _swept(folder, left))


def _swept(folder: Path, left: tuple[str, ...]) -> bool:
    """Tell whether the next start clears away what a kill left."""
    if not left:
        return True
    for path in folder.glob(".riskshift-*"):
        os.utime(path, (0, 0))  # as if a minute had passed
    _start(folder, _prepare(folder, 8)).wait()
    _prepare(folder, 20_000)
    return not _left(folder)


def table(found: list[Kill]) -> Iterator[str]:
    """Write what was left as a table in Markdown."""
    yield "| signal | sent | ended before | outputs all old | all new | mixed | left behind | after the next start |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in SIGNALS:
        mine = [kill for kill in found if kill.signal == name]
        outputs = Counter(kill.outputs for kill in mine)
        ended = sum(kill.code == _ENDED for kill in mine)
        numbers = [len(mine), ended, outputs["old"], outputs["new"], outputs["mixed"]]
        numbers += [sum(bool(kill.left) for kill in mine), sum(not kill.swept for kill in mine)]
        yield f"| {name} | " + " | ".join(map(str, numbers)) + " |"


def main() -> None:
    """Kill and interrupt 50 commands, or as many as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=51)
    parser.add_argument("--seed", type=int, default=10)
    given = parser.parse_args()
    found = []
    for kill in kills(given.runs, seed=given.seed):
        found.append(kill)
        print(kill, file=sys.stderr, flush=True)
    print("\n".join(table(found)))
    sys.exit(not all(kill.fine for kill in found))


if __name__ == "__main__":
    main()
