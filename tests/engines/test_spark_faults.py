"""A worker that fails once changes nothing; one that always fails is told in one line, and so is an interrupt."""

import os
import signal
import threading
import time
import warnings

import polars as pl
import pytest

import riskshift
from riskshift.errors import DataError

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
QUICK = {"taxonomy": TWO, "resamples": 20, "permutations": 20}
PAIRS = pl.DataFrame(
    {
        "prompt_id": [f"p{i // 3}" for i in range(90)],
        "model": [f"m{i % 3}" for i in range(90)],
        "prompt_harm": [i // 3 % 2 for i in range(90)],
        "response_harm": [i % 7 // 6 for i in range(90)],
    }
)


@pytest.fixture
def through(spread):
    """Let every label of a response go through a function, in the workers of Python."""

    def put(function):
        with warnings.catch_warnings(action="ignore"):  # its own, of libraries that it may use
            from pyspark.sql import functions as F  # noqa: N812

            changed = F.udf("bigint")(function)("response_harm")
        return spread(PAIRS).withColumn("response_harm", changed)

    return put


def test_a_task_that_fails_once_is_run_again_and_counts_once(through, tmp_path):
    flag = str(tmp_path / "failed")

    def once(label):
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return label
        raise OSError("a disk of a worker is gone")

    found = riskshift.analyze(through(once), **QUICK)
    assert os.path.exists(flag)
    assert found.provenance.data_hash == riskshift.analyze(PAIRS, **QUICK).provenance.data_hash


def test_a_worker_that_dies_once_is_replaced(through, tmp_path):
    flag = str(tmp_path / "died")

    def dying(label):
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return label
        os.kill(os.getpid(), signal.SIGKILL)
        return label

    found = riskshift.analyze(through(dying), **QUICK)
    assert os.path.exists(flag)
    assert found.provenance.data_hash == riskshift.analyze(PAIRS, **QUICK).provenance.data_hash


def failing(how):
    """Make a function that the workers need not import."""

    def fail(label):
        if how == "raises":
            raise ValueError("THE TEXT OF A PROMPT")
        os.kill(os.getpid(), signal.SIGKILL)

    return fail


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("raises", r"An exception was thrown from the Python worker: ValueError$"),
        ("dies", r".*Job aborted due to stage failure: .*Python worker exited unexpectedly"),
    ],
)
@pytest.mark.parametrize("ask", [riskshift.analyze, riskshift.compare], ids=["analyze", "compare"])
def test_a_task_that_always_fails_is_told_in_one_line(through, tmp_path, how, says, ask):
    cases = tmp_path / "cases.csv"
    cases.write_text("old")
    options = QUICK if ask is riskshift.analyze else {"taxonomy": TWO, "resamples": 20}
    with pytest.raises(DataError, match=f"^the pyspark frame cannot be read: {says}") as caught:
        ask(through(failing(how)), cases_out=cases, **options)
    assert "\n" not in str(caught.value)
    assert "PROMPT" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["cases.csv"]
    assert cases.read_text() == "old"


def test_files_that_are_gone_are_named_and_no_call_of_java(spark, tmp_path):
    place = tmp_path / "pairs"
    spark.createDataFrame(PAIRS.rows(), PAIRS.columns).write.parquet(str(place))
    frame = spark.read.parquet(str(place))
    for part in place.glob("part-*"):
        part.unlink()
    with pytest.raises(DataError, match=r"the pyspark frame cannot be read: .*part-") as caught:
        riskshift.analyze(frame, **QUICK)
    assert "An error occurred while calling" not in str(caught.value)


def test_an_interrupt_ends_the_analysis_and_not_the_session(through, tmp_path):
    begun, over, cases = (str(tmp_path / name) for name in ("begun", "over", "cases.csv"))

    def slow(label):
        os.close(os.open(begun, os.O_CREAT))
        while not os.path.exists(over):
            time.sleep(0.05)
        return label

    def interrupt():
        while not os.path.exists(begun):
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    frame, thread = through(slow), threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        riskshift.analyze(frame, cases_out=cases, **QUICK)
    thread.join()
    assert not os.path.exists(cases)
    os.close(os.open(over, os.O_CREAT))  # the worker is let go, and the session goes on
    again = riskshift.analyze(frame, **QUICK)
    assert again.provenance.read == len(PAIRS)
