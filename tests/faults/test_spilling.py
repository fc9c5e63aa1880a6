"""What memory does not hold goes to disk, into a folder of ours that goes, however a command ends."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import duckdb
import pytest

PROGRAM = [sys.executable, "-c", "from riskshift.cli import main; main()"]
# Less than the file holds, and less than half of what grouping its ids takes.
LIMITED = ["--memory-limit", "80MB", "--threads", "1"]
ROWS = 480_000
LEAST = 1_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Four answers a prompt, in a file of more than 120 MB: its ids are long texts."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "t.toml").write_text('categories = ["harm"]\n')
    letters = " || ".join(f"md5('{part}' || i // 4)" for part in range(8))
    with duckdb.connect() as connection:
        connection.execute(f"""
            COPY (SELECT {letters} AS prompt_id, (i % 4)::INT AS sample,
                    (hash(i // 4) % 7 % 4)::INT AS prompt_harm, (hash(i) % 11 % 4)::INT AS response_harm
                FROM range({ROWS}) AS held(i))
            TO '{folder / "pairs.parquet"}'
            (COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1, ROW_GROUP_SIZE 10000)
        """)
    assert (folder / "pairs.parquet").stat().st_size > 120_000_000
    return folder


@pytest.fixture
def spool(tmp_path):
    """Where commands keep what is temporary; beside it an output of before."""
    (tmp_path / "out.json").write_text("old")
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


@pytest.fixture
def start(large, spool):
    """Start an analysis of the large file."""
    begun = []

    def prepare(largest):
        # As a shell starts it: whoever runs these tests may ignore signals.
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_DFL)
        if largest:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    def started(*options, largest=0):
        given = ["analyze", "pairs.parquet", "--taxonomy", "t.toml", "-q", *options]
        begun.append(
            subprocess.Popen(
                [*PROGRAM, *given, "-o", str(spool.parent / "out.json")],
                cwd=large,
                env=os.environ | {"TMPDIR": str(spool)},
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: prepare(largest),
            )
        )
        return begun[-1]

    yield started
    for process in begun:
        process.kill()
        process.communicate()


def ended(process):
    """Return the exit code and what was said."""
    told = process.communicate(timeout=120)[1]
    return process.returncode, told


def spilled(spool):
    """Return how many bytes DuckDB keeps on disk just now."""
    found = 0
    for path in spool.glob("*/duckdb_temp*"):
        try:
            found += path.stat().st_size
        except OSError:  # it is gone meanwhile
            continue
    return found


def spilling(process, spool):
    """Wait until a command keeps much on disk."""
    while spilled(spool) < LEAST:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def numbers(spool):
    held = json.loads((spool.parent / "out.json").read_text())
    return {name: value for name, value in held.items() if name != "timing"}


def nothing_happened(spool):
    """Tell whether all is as it was before the command."""
    here = sorted(path.name for path in spool.parent.iterdir())
    old = (spool.parent / "out.json").read_text() == "old"
    return old and here == ["out.json", "spool"] and not list(spool.iterdir())


def test_a_file_beyond_the_limit_is_grouped_on_disk_and_says_the_same(start, spool):
    process, most = start(*LIMITED), 0
    while process.poll() is None:
        most = max(most, spilled(spool))
        time.sleep(0.01)
    assert ended(process) == (0, "")
    assert most > 10 * LEAST
    assert list(spool.iterdir()) == []
    limited = numbers(spool)
    assert ended(start()) == (0, "")
    assert limited == numbers(spool)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_while_it_spills_leaves_nothing_behind(start, spool, name, code):
    process = start(*LIMITED)
    spilling(process, spool)
    process.send_signal(getattr(signal, name))
    assert ended(process) == (code, "riskshift: interrupted; nothing was half written.\n")
    assert nothing_happened(spool)


def test_what_a_killed_command_spilled_goes_with_the_next_start(start, spool):
    process = start(*LIMITED)
    spilling(process, spool)
    process.kill()
    ended(process)
    assert spilled(spool)
    assert ended(start()) == (0, "")
    assert list(spool.iterdir()) == []


def is_told_to_make_room(told, spool):
    """Tell whether one line says what is full and each way out."""
    ways = (str(spool), "TMPDIR=FOLDER", "--memory-limit 8GB", "--threads 1")
    return told.count("\n") == 1 and all(way in told for way in ways)


def test_a_disk_that_is_full_while_it_spills_is_named(start, spool):
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(spool)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount a small disk")
    except FileNotFoundError:
        pytest.skip("no mount here")
    try:
        code, told = ended(start(*LIMITED))
        assert code == 2
        assert is_told_to_make_room(told, spool)
        assert list(spool.iterdir()) == []
    finally:
        subprocess.run(["umount", str(spool)], check=True)
    assert nothing_happened(spool)


def test_a_file_that_may_not_grow_while_it_spills_is_named(start, spool):
    code, told = ended(start(*LIMITED, largest=2 * LEAST))
    assert code == 2
    assert is_told_to_make_room(told, spool)
    assert nothing_happened(spool)
