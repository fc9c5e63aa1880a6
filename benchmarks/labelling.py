"""What our part of labelling costs: `python -m benchmarks.labelling`.

The same requests to the same local endpoint, once through `riskshift.label` and once through a bare
client of the package openai, with as many connections. The endpoint runs in a process of its own and
answers after 50 ms. Needs the extra: pip install 'riskshift[run]'.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import polars as pl

import riskshift
from riskshift.graders.asking import Task
from riskshift.graders.catalogue import load

LATENCY: Final = 0.05
CONNECTIONS: Final = 64
# What our part may take, in times of the bare client.
MOST: Final = 1.5
_LEVELS: Final = json.dumps(dict.fromkeys(("hate", "self_harm", "sexual", "violence"), 0))
_ANSWER: Final = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": _LEVELS},
            }
        ],
        "usage": {"prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930},
    }
).encode()


@dataclass(frozen=True, slots=True)
class Ratio:
    """Seconds of both for the same requests; the best of some rounds."""

    requests: int
    bare: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times the bare client's time ours is."""
        return self.ours / self.bare

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {CONNECTIONS} connections, {LATENCY * 1000:.0f} ms: bare client "
            f"{self.bare:.2f} s ({self.requests / self.bare:,.0f} a second), riskshift.label {self.ours:.2f} s "
            f"({self.requests / self.ours:,.0f} a second), ratio {self.ratio:.2f}"
        )


async def _serve(told: Connection) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        try:
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = asked.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(LATENCY)
                writer.write(head % len(_ANSWER) + _ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


def _endpoint(told: Connection) -> None:
    asyncio.run(_serve(told))


@contextmanager
def endpoint() -> Iterator[str]:
    """Serve for the length of a block, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_endpoint, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def _bare(url: str, prompts: list[str]) -> float:
    """Ask what the grader would ask, and parse the answers as JSON: the least that anyone must do."""
    import openai

    grader = load("rubric")
    bodies: list[Any] = [dict(grader.requests(Task("prompt", text))[0].body) for text in prompts]

    async def work() -> None:
        client = openai.AsyncOpenAI(base_url=url, api_key="none")
        left = iter(bodies)

        async def worker() -> None:
            for body in left:
                made = await client.chat.completions.create(model="m", **body)
                json.loads(made.choices[0].message.content or "")

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        await client.close()

    began = time.perf_counter()
    asyncio.run(work())
    return time.perf_counter() - began


def _ours(url: str, prompts: list[str]) -> float:
    """Label all of it: read, plan, ask, keep a journal, read the answers, write the file."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder, "pairs.parquet")
        pl.DataFrame({"prompt": prompts}).write_parquet(pairs)
        began = time.perf_counter()
        made = riskshift.label(
            pairs,
            Path(folder, "labelled.parquet"),
            graders="rubric=m",
            side="prompt",
            base_url=url,
            connections=CONNECTIONS,
        )
        took = time.perf_counter() - began
    if made.ungraded or made.spent.requests != len(prompts):
        raise AssertionError(f"not everything was labelled: {made}")
    return took


def measure(requests: int, *, rounds: int) -> Ratio:
    """Time both in turns and keep the best of each.

    Parameters
    ----------
    requests : int
        How many texts are graded in a round.
    rounds : int
        How many rounds after one to warm up.
    """
    prompts = [f"How do I water the plants of row {at}?" for at in range(requests)]
    with endpoint() as url:
        _bare(url, prompts[:200])
        _ours(url, prompts[:200])
        times = [(_bare(url, prompts), _ours(url, prompts)) for _ in range(rounds)]
    bare, ours = (min(part) for part in zip(*times, strict=True))
    return Ratio(requests, bare, ours)


def main() -> None:
    """Say the ratio, and exit with 1 if it is more than is promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = measure(given.requests, rounds=given.rounds)
    print(found)
    sys.exit(found.ratio > MOST)


if __name__ == "__main__":
    main()
