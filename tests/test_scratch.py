"""Spooled text goes with its process, however that ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from riskshift import scratch

MAKES = "from riskshift.scratch import scratch_folder; import os, sys; print(scratch_folder(), flush=True); "


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_swept", set())
    return tmp_path


def started(then, place):
    return subprocess.Popen(
        [sys.executable, "-c", MAKES + then],
        env=os.environ | {"TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_a_folder_is_private_and_goes(place):
    with scratch.scratch() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "text").write_text("a prompt")
    assert list(place.iterdir()) == []


def test_a_process_removes_its_folders_at_its_end(place):
    process = started("", place)
    assert process.communicate()[0].decode().strip().startswith(str(place))
    assert list(place.iterdir()) == []


def test_a_killed_process_is_swept_by_the_next(place):
    process = started("os.kill(os.getpid(), 9)", place)
    left = Path(process.communicate()[0].decode().strip())
    (left / "stream").write_text("a prompt")
    with scratch.scratch():
        assert not left.exists()


def test_a_living_process_is_left_alone(place):
    process = started("sys.stdin.read()", place)
    theirs = Path(process.stdout.readline().decode().strip())
    with scratch.scratch():
        assert theirs.is_dir()
    process.communicate()


def test_what_is_not_ours_is_left_alone(place):
    (place / "riskshift-notes").mkdir()
    (place / "riskshift-notes" / "mine.txt").write_text("x")
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "lock").write_text("")
    (place / "riskshift-link").symlink_to(place / "elsewhere")
    with scratch.scratch():
        pass
    assert sorted(path.name for path in place.iterdir()) == [
        "elsewhere",
        "riskshift-link",
        "riskshift-notes",
    ]
    assert (place / "elsewhere" / "lock").exists()


def test_a_fork_does_not_take_its_parents_folders_away(place):
    with scratch.scratch() as folder:
        held = scratch._held[folder]
        scratch._held[folder] = (held[0], os.getpid() + 1)  # as a child sees it
        scratch.remove(folder)
        scratch.remove_all()
        assert folder.is_dir()
        scratch._held[folder] = held
