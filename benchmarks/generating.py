"""What our part of a run costs: `python -m benchmarks.generating`.

The same prompts to the same local endpoint, once through `riskshift run`'s way to models and once
through a bare client of the package openai, with as many connections; and once, for comparison,
through Inspect's own `eval`. In CPU seconds of the client, which a busy machine changes less than the
clock. Needs the extra: pip install 'riskshift[run]'.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.labelling import CONNECTIONS, LATENCY, endpoint
from riskshift.graders.asking import Task
from riskshift.running.generating.answering import Answering, Settings
from riskshift.running.journal import Journal
from riskshift.running.labelling.grading import grade
from riskshift.running.raters import Rater
from riskshift.running.tasks import Item, key_of
from riskshift.running.with_inspect.model import InspectModel

MODEL: Final = "openai-api/local/m"
# What our part may take, in times of the bare client.
MOST: Final = 2.0


def _bare(url: str, prompts: list[str]) -> None:
    import openai

    async def work() -> None:
        client = openai.AsyncOpenAI(base_url=url, api_key="none")
        left = iter(prompts)

        async def worker() -> None:
            for text in left:
                told = [{"role": "user", "content": text}]
                made = await client.chat.completions.create(model="m", messages=told)
                assert made.choices[0].message.content

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        await client.close()

    asyncio.run(work())


def _ours(url: str, prompts: list[str]) -> None:
    rater = Rater(Answering(Settings()), MODEL)
    items = [
        Item(rater, task, key_of(rater, task))
        for task in (Task("prompt", text) for text in prompts)
    ]
    model = InspectModel(MODEL, connections=CONNECTIONS, timeout=60)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.beside(Path(folder, "pairs.parquet"))
        made = grade(
            items, {rater: model}, journal, connections=CONNECTIONS, progress=lambda step: None
        )
        journal.close()
    if len(made) != len(prompts):
        raise AssertionError("not everything was answered")


def _eval(url: str, prompts: list[str]) -> None:
    from inspect_ai import Task as Evaluation
    from inspect_ai import eval  # noqa: A004
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.solver import generate

    samples = [Sample(input=text, id=at) for at, text in enumerate(prompts)]
    with tempfile.TemporaryDirectory() as folder:
        eval(
            Evaluation(dataset=MemoryDataset(samples), solver=[generate()]),
            model=MODEL,
            max_connections=CONNECTIONS,
            max_samples=CONNECTIONS,
            display="none",
            log_dir=folder,
            log_realtime=False,
            score=False,
        )


def _timed(work: Callable[[str, list[str]], None], url: str, prompts: list[str]) -> float:
    began = time.process_time()
    work(url, prompts)
    return time.process_time() - began


def main() -> None:
    """Say the ratios, and exit with 1 if ours is more than is promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--prompts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    prompts = [f"How do I water the plants of row {at}?" for at in range(given.prompts)]
    with endpoint() as url:
        os.environ.update(LOCAL_BASE_URL=url, LOCAL_API_KEY="none", INSPECT_DISPLAY="none")
        works = (_bare, _ours, _eval)
        for work in works:
            _timed(work, url, prompts[:100])
        best = [min(_timed(work, url, prompts) for _ in range(given.rounds)) for work in works]
    bare, ours, inspect = best
    print(
        f"{given.prompts:,} prompts, {CONNECTIONS} connections, {LATENCY * 1000:.0f} ms, CPU seconds: bare client "
        f"{bare:.2f}, riskshift run {ours:.2f} (ratio {ours / bare:.2f}), Inspect's eval {inspect:.2f} (ratio "
        f"{inspect / bare:.2f})"
    )
    sys.exit(ours / bare > MOST)


if __name__ == "__main__":
    main()
