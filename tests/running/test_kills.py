"""Killed at any moment and started again, a run goes on where it was."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

from tests.running.conftest import levels, questions, text_of

from riskshift.cli.boundary import run
from riskshift.graders.asking import Task
from riskshift.graders.catalogue import load
from riskshift.running.raters import Rater
from riskshift.running.tasks import key_of

TEXTS = 400
KILLS = 10


# Children of a process that has imported everything already: a moment after their start they ask.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["openai", "riskshift.cli.boundary", "riskshift.running.labelling.label"]
)


def command(server, output):
    """Label the pairs beside an output, as on the command line."""
    words = ["label", str(output.parent / "pairs.csv"), "--grader", "rubric=m", "--side", "prompt"]
    return [*words, "--base-url", server.url, "--connections", "4", "-o", str(output), "-q"]


def killed_after(server, output, requests):
    """Start the command and kill it when the server has seen so many requests of it."""
    before = len(server.bodies)
    process = CONTEXT.Process(target=run, args=(command(server, output),))
    process.start()
    deadline = time.monotonic() + 60
    while len(server.bodies) < before + requests:
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()


def answered(journal):
    """Keys of the whole lines of a journal."""
    content = journal.read_bytes()
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    return {json.loads(line)["key"] for line in lines[1:]}


def test_a_run_that_is_killed_ten_times_writes_what_an_uninterrupted_one_does(openai, desk, serve):
    pairs = questions(TEXTS)
    pairs.write_csv("pairs.csv")
    rater = Rater(load("rubric"), "m")
    keys = {
        text_of(rater.grader.requests(task)[0].body): key_of(rater, task)
        for task in (Task("prompt", prompt) for prompt in pairs["prompt"])
    }
    server, rng = serve(levels, latency=0.005), random.Random(13)
    killed, whole, journal = (
        desk / "killed.parquet",
        desk / "whole.parquet",
        desk / "killed.journal",
    )
    done: set[str] = set()
    for _ in range(KILLS):
        begun = len(server.bodies)
        killed_after(server, killed, rng.randint(1, TEXTS // KILLS))
        assert {keys[text_of(body)] for body in server.bodies[begun:]}.isdisjoint(done)
        assert not killed.exists()
        if rng.random() < 0.3:
            os.truncate(
                journal, journal.stat().st_size - rng.randint(1, 40)
            )  # the last line is torn
        done = answered(journal)
    begun = len(server.bodies)
    assert run(command(server, killed)) == 0
    assert {keys[text_of(body)] for body in server.bodies[begun:]}.isdisjoint(done)
    assert len(server.bodies) - begun == TEXTS - len(done)
    assert run(command(serve(levels), whole)) == 0
    assert killed.read_bytes() == whole.read_bytes()


def test_an_interrupt_says_where_the_answers_are(openai, desk, serve):
    questions(TEXTS).write_csv("pairs.csv")
    server = serve(levels, latency=0.05)
    process = subprocess.Popen(
        [sys.executable, "-m", "riskshift", *command(server, desk / "labelled.parquet")],
        stderr=subprocess.PIPE,
    )
    while not server.bodies and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert b"labelled.journal holds what was answered; the same command goes on there." in told
