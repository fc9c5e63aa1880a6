"""Exit code 1 means that a rule fails and nothing else; every way to end has a code of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from riskshift.cli import app as commands
from riskshift.cli import boundary
from riskshift.cli.boundary import run
from riskshift.cli.questions import check

PROGRAM = [sys.executable, "-c", "from riskshift.cli import main; main()"]
PASSES = ["--rule", "escalation <= 50%"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text('categories = ["harm"]\n')
    rows = "".join(f"p{i},0,0\n" for i in range(200))
    (tmp_path / "p.csv").write_text("prompt_id,prompt_harm,response_harm\n" + rows)
    return tmp_path


def judge(*more):
    return ["check", "p.csv", "--taxonomy", "t.toml", *PASSES, *more]


def raising(error):
    def command(*args, **kwargs):
        raise error

    return command


@pytest.fixture
def broken(monkeypatch):
    """Let what `check` calls raise something."""

    def breaks(error):
        monkeypatch.setattr("riskshift.jobs.gate.check.check", raising(error))

    return breaks


@pytest.mark.parametrize(
    "error",
    [
        ValueError("quotes a prompt: how to"),
        OverflowError("int too large"),
        RecursionError("maximum recursion depth exceeded"),
        ZeroDivisionError("division by zero"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        KeyError("x"),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_nobody_expected_is_one_line_and_two(folder, broken, capsys, error):
    broken(error)
    assert run(judge()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("riskshift: this is a fault of riskshift")
    assert type(error).__name__ in err
    assert "Please report it" in err
    assert err.count("\n") == 1
    assert "how to" not in err  # the words of an error may quote the data


@pytest.mark.parametrize("at", [0, 1, 2, 6])
def test_debug_says_where_wherever_it_stands(folder, broken, capsys, at):
    broken(ValueError("x"))
    given = judge()
    given.insert(at, "--debug")
    assert run(given) == 2
    assert "Traceback" in capsys.readouterr().err


def test_debug_after_two_dashes_is_a_file(folder, capsys):
    assert run(["check", *PASSES, "--", "--debug"]) == 2
    assert "--debug does not exist" in capsys.readouterr().err


def test_an_interrupt_says_that_nothing_was_half_written(folder, broken, capsys):
    broken(KeyboardInterrupt())
    assert run(judge()) == 130
    assert capsys.readouterr().err == "riskshift: interrupted; nothing was half written.\n"


def test_an_engine_that_turns_an_interrupt_into_its_own_error(folder, monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        boundary._signals.append(signal.SIGINT)
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("riskshift.jobs.gate.check.check", interrupted)
    assert run(judge()) == 130
    assert "fault" not in capsys.readouterr().err


def test_an_interrupt_that_somebody_swallowed_is_no_verdict(folder, monkeypatch):
    right = check.check

    def swallowing(*args, **kwargs):
        boundary._signals.append(signal.SIGTERM)
        return right(*args, **kwargs)

    monkeypatch.setattr(commands.check, "check", swallowing)
    monkeypatch.setattr(boundary, "_invoked", lambda given: boundary._signals.append(15) or 0)
    assert run(judge()) == 143


def test_not_enough_memory_has_its_own_sentence(folder, broken, capsys):
    broken(MemoryError())
    assert run(judge()) == 2
    assert "not enough memory" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["bogus"], ["check", "--bogus"], ["analyze"], ["plan", "x"]])
def test_wrong_usage_is_two(given, capsys):
    assert run(given) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", [["--help"], ["check", "--help"], ["--version"]])
def test_help_is_zero(given, capsys):
    assert run(given) == 0
    assert capsys.readouterr().out


def into_a_closed_pipe(given, folder):
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen([*PROGRAM, *given], stdout=write, stderr=subprocess.PIPE, cwd=folder)
    os.close(write)
    return process.communicate()[1], process.returncode


@pytest.mark.parametrize(
    "given", [judge(), ["--help"], ["analyze", "p.csv", "--taxonomy", "t.toml"]], ids=" ".join
)
def test_a_closed_pipe_is_141_and_silent(folder, given):
    assert into_a_closed_pipe(given, folder) == (b"", 141)


def closing(number, given, folder):
    return subprocess.run(
        [*PROGRAM, *given],
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.close(number),
    )


def test_closed_standard_input_is_said(folder):
    ended = closing(0, ["analyze", "-", "--from", "csv", "--taxonomy", "t.toml"], folder)
    assert ended.returncode == 2
    assert ended.stderr == (
        "riskshift: standard input is closed, so there is nothing to read from it.\n"
    )


def test_closed_standard_output_is_said_and_no_verdict(folder):
    ended = closing(1, judge(), folder)
    assert ended.returncode == 2
    assert ended.stderr == "riskshift: cannot go on: standard output is closed.\n"
    assert closing(1, judge("-o", "gate.txt", "-q"), folder).returncode == 0
    assert (folder / "gate.txt").read_text().startswith("PASS")


def test_a_closed_error_stream_changes_no_verdict(folder):
    assert closing(2, judge("-o", "gate.txt"), folder).returncode == 0


def test_a_full_disk_behind_standard_output_is_two(folder):
    full = "/dev/full"
    if not os.path.exists(full):
        pytest.skip("no /dev/full here")
    with open(full, "wb") as output:
        ended = subprocess.run(
            [*PROGRAM, *judge()], cwd=folder, stdout=output, stderr=subprocess.PIPE
        )
    assert ended.returncode == 2
    assert b"No space left on device" in ended.stderr


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_nothing_behind(folder, name, code):
    spool = folder / "spool"
    spool.mkdir()
    read, write = os.pipe()
    process = subprocess.Popen(
        [*PROGRAM, "analyze", "-", "--from", "csv", "--taxonomy", "t.toml", "-o", "r.json"],
        stdin=read,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=os.environ | {"TMPDIR": str(spool)},
        # As a shell starts it: whoever runs these tests may ignore signals.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )
    os.write(write, b"prompt_id,prompt_harm,response_harm\n")
    while not list(spool.glob("*/stream")):  # it spools, and waits for more
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(getattr(signal, name))
    told = process.communicate(timeout=60)[1]
    os.close(read)
    os.close(write)
    assert (process.returncode, told.decode()) == (
        code,
        "riskshift: interrupted; nothing was half written.\n",
    )
    assert list(spool.iterdir()) == []
    assert not (folder / "r.json").exists()


def test_an_ignored_signal_stays_ignored(folder):
    """As nohup starts a command."""
    process = subprocess.Popen(
        [*PROGRAM, *judge("-q")],
        cwd=folder,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=60)[0].startswith(b"PASS")
    assert process.returncode == 0
