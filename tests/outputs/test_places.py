"""All outputs of a command are seen together or not at all; only regular files are replaced."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import OutputError
from riskshift.outputs import places
from riskshift.outputs.places import check_place, make_folder, together, write_bytes


class TestTogether:
    def test_nothing_is_seen_before_the_end(self, tmp_path):
        (tmp_path / "a").write_bytes(b"old")
        with together():
            write_bytes(tmp_path / "a", b"new")
            write_bytes(tmp_path / "b", b"new")
            assert (tmp_path / "a").read_bytes() == b"old"
            assert not (tmp_path / "b").exists()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
            "a": b"new",
            "b": b"new",
        }

    def test_a_fault_between_two_outputs_leaves_all_as_it_was(self, tmp_path):
        (tmp_path / "a").write_bytes(b"old")
        with pytest.raises(ZeroDivisionError), together():  # noqa: PT012 - what the block undoes
            write_bytes(tmp_path / "a", b"new")
            make_folder(tmp_path / "charts" / "deep")
            write_bytes(tmp_path / "charts" / "deep" / "b", b"new")
            raise ZeroDivisionError
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert (tmp_path / "a").read_bytes() == b"old"

    def test_a_disk_that_fills_leaves_all_as_it_was(self, tmp_path, monkeypatch):
        (tmp_path / "a").write_bytes(b"old")
        written = []

        def fills(handle, content):
            if written:
                raise OSError(28, "No space left on device")
            written.append(content)
            return len(content)

        monkeypatch.setattr(places.os, "write", fills)
        with pytest.raises(OutputError, match="b cannot be written: No space left"), together():  # noqa: PT012 - what the block undoes
            write_bytes(tmp_path / "a", b"new")
            write_bytes(tmp_path / "b", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert (tmp_path / "a").read_bytes() == b"old"

    def test_a_place_that_cannot_be_renamed_onto_puts_the_others_back(self, tmp_path):
        (tmp_path / "a").write_bytes(b"old")
        with pytest.raises(OutputError, match="c cannot be written"), together():  # noqa: PT012 - what the block undoes
            for name in "abc":
                write_bytes(tmp_path / name, b"new")
            (tmp_path / "c").mkdir()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
        assert (tmp_path / "a").read_bytes() == b"old"

    def test_the_last_word_on_a_place_counts(self, tmp_path):
        with together():
            write_bytes(tmp_path / "a", b"first")
            write_bytes(tmp_path / "a", b"second")
        assert (tmp_path / "a").read_bytes() == b"second"
        assert len(list(tmp_path.iterdir())) == 1

    @given(moment=st.integers(0, 11), number=st.sampled_from([signal.SIGINT, signal.SIGTERM]))
    def test_any_interrupt_at_any_moment_leaves_all_old_or_all_new(
        self, tmp_path_factory, moment, number
    ):
        """A law: signals are sent before every call to the system that writing makes."""
        folder, calls = tmp_path_factory.mktemp("out"), []
        for name in "abc":
            (folder / name).write_bytes(b"old")
        before = signal.signal(number, interrupting)
        with pytest.MonkeyPatch.context() as patch:
            for owner, step in ((os, "open"), (os, "fsync"), (Path, "replace"), (Path, "unlink")):
                patch.setattr(owner, step, signalled(getattr(owner, step), moment, number, calls))
            try:
                with together():
                    for name in "abc":
                        write_bytes(folder / name, b"new")
            except KeyboardInterrupt:
                pass
            finally:
                signal.signal(number, before)
        assert len(calls) > moment
        assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "c"]
        assert len({(folder / name).read_bytes() for name in "abc"}) == 1

    def test_in_a_thread_signals_are_nobodys_business(self, tmp_path):
        thread = threading.Thread(target=write_bytes, args=(tmp_path / "a", b"new"))
        thread.start()
        thread.join()
        assert (tmp_path / "a").read_bytes() == b"new"


def interrupting(number, frame):
    raise KeyboardInterrupt


def signalled(step, moment, number, calls):
    def call(*args, **kwargs):
        calls.append(step)
        if len(calls) == moment + 1:
            signal.raise_signal(number)
        return step(*args, **kwargs)

    return call


class TestOnlyFilesAreReplaced:
    def test_a_link_stays_and_its_file_is_written(self, tmp_path):
        (tmp_path / "target").write_bytes(b"old")
        (tmp_path / "link").symlink_to("target")
        write_bytes(tmp_path / "link", b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_bytes() == b"new"

    def test_a_link_to_nothing_makes_its_file(self, tmp_path):
        (tmp_path / "deep").mkdir()
        (tmp_path / "link").symlink_to("deep/target")
        check_place(tmp_path / "link")
        write_bytes(tmp_path / "link", b"new")
        assert (tmp_path / "deep" / "target").read_bytes() == b"new"

    def test_a_link_into_a_folder_that_is_not_there_is_refused(self, tmp_path):
        (tmp_path / "link").symlink_to("nowhere/target")
        with pytest.raises(OutputError, match="is not a folder"):
            check_place(tmp_path / "link")

    def test_a_link_to_itself_is_refused(self, tmp_path):
        (tmp_path / "link").symlink_to("link")
        with pytest.raises(OutputError, match="link cannot be written: Too many levels"):
            check_place(tmp_path / "link")

    def test_a_device_is_written_into(self, tmp_path):
        place = tmp_path / "null"
        try:
            os.mknod(place, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            with place.open("wb"):
                pass
        except OSError:
            pytest.skip("this user may not make a device")
        check_place(place)
        write_bytes(place, b"new")
        assert stat.S_ISCHR(place.stat().st_mode)

    def test_a_pipe_is_written_into(self, tmp_path):
        place = tmp_path / "pipe"
        os.mkfifo(place)
        check_place(place)
        read = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
        write_bytes(place, b"new")
        assert os.read(read, 9) == b"new"
        os.close(read)
        assert stat.S_ISFIFO(place.stat().st_mode)

    def test_a_pipe_that_nobody_reads_is_refused_and_nothing_else_written(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OutputError, match="pipe cannot be written: nobody reads"), together():  # noqa: PT012 - what the block undoes
            write_bytes(tmp_path / "a", b"new")
            write_bytes(tmp_path / "pipe", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["pipe"]

    def test_a_socket_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # names of sockets must be short
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("s")
            with pytest.raises(OutputError, match="is a socket or a disk"):
                check_place(Path("s"))

    def test_what_standard_output_goes_to_is_written_into(self, tmp_path):
        """Or `-o /dev/stdout >> log` would put a new file in the place of the log."""
        log = tmp_path / "log"
        log.write_bytes(b"before ")
        code = "from pathlib import Path; from riskshift.outputs.places import write_bytes; "
        code += "write_bytes(Path('/dev/stdout'), b'new')"
        if not os.path.exists("/dev/stdout"):
            pytest.skip("no /dev/stdout here")
        with log.open("ab") as output:
            subprocess.run([sys.executable, "-c", code], stdout=output, check=True)
        assert log.read_bytes() == b"before new"


class TestPermissions:
    def test_the_umask_of_the_process_is_never_changed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("other threads make files too"))
        write_bytes(tmp_path / "a", b"new")

    def test_a_private_file_stays_private(self, tmp_path):
        (tmp_path / "a").write_bytes(b"old")
        (tmp_path / "a").chmod(0o600)
        write_bytes(tmp_path / "a", b"new")
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


class TestSweeping:
    def left(self, folder, age):
        path = folder / ".riskshift-0123456789abcdef"
        path.write_bytes(b"half a report")
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
        return path

    def test_what_a_killed_process_left_goes(self, tmp_path):
        path = self.left(tmp_path, age=3600)
        write_bytes(tmp_path / "a", b"new")
        assert not path.exists()

    def test_what_a_living_process_holds_stays(self, tmp_path):
        path = self.left(tmp_path, age=3600)
        with path.open("rb") as held:
            assert places.lock(held.fileno())
            write_bytes(tmp_path / "a", b"new")
            assert path.exists()

    def test_what_has_just_been_made_stays(self, tmp_path):
        path = self.left(tmp_path, age=0)
        write_bytes(tmp_path / "a", b"new")
        assert path.exists()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "empty path"),
        (".", "is a folder"),
        ("n" * 300, "cannot be written: File name too long"),
        ("nul\0l", "cannot be written: embedded null byte"),
    ],
)
def test_odd_paths_get_a_sentence(tmp_path, monkeypatch, place, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=says):
        check_place(Path(place))
