"""Files that are reopened and begun anew, and the journal's socket."""

import socket
import stat
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.service.log_outlets import Journal, LogFile


class Files(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.path = self.directory / "qis.log"

    def opened(self, *, max_bytes: int = 0, keep: int = 0) -> LogFile:
        file = LogFile(self.path, max_bytes=max_bytes, keep=keep)
        file.open()
        self.addCleanup(file.close)
        return file

    def test_others_cannot_read_it(self) -> None:
        self.opened()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode) & 0o027, 0)

    def test_lines_are_added_to_what_is_there(self) -> None:
        self.path.write_text("old\n")
        self.opened().write("new\n")
        self.assertEqual(self.path.read_text(), "old\nnew\n")

    def test_after_a_rename_lines_go_to_the_old_file_until_it_is_reopened(self) -> None:
        file = self.opened()
        file.write("one\n")
        old = self.path.rename(self.directory / "qis.log.1")
        file.write("two\n")
        file.reopen()
        file.write("three\n")
        self.assertEqual((old.read_text(), self.path.read_text()), ("one\ntwo\n", "three\n"))

    def test_when_reopening_fails_the_old_file_goes_on(self) -> None:
        file = self.opened()
        old = self.path.rename(self.directory / "qis.log.1")
        self.path.mkdir()
        with self.assertRaises(OSError):
            file.reopen()
        file.write("still\n")
        self.assertEqual(old.read_text(), "still\n")

    def test_a_full_file_makes_room_and_old_ones_move_up(self) -> None:
        file = self.opened(max_bytes=10, keep=2)
        for line in ("aaaaaaa\n", "bbbbbbb\n", "ccccccc\n", "ddddddd\n"):
            file.write(line)
        found = {path.name: path.read_text() for path in self.directory.iterdir()}
        self.assertEqual(found, {"qis.log": "ddddddd\n", "qis.log.1": "ccccccc\n", "qis.log.2": "bbbbbbb\n"})

    def test_without_old_files_to_keep_a_full_one_is_dropped(self) -> None:
        file = self.opened(max_bytes=10)
        file.write("aaaaaaa\n")
        file.write("bbbbbbb\n")
        self.assertEqual([path.name for path in self.directory.iterdir()], ["qis.log"])
        self.assertEqual(self.path.read_text(), "bbbbbbb\n")

    def test_a_line_longer_than_the_limit_is_written_all_the_same(self) -> None:
        self.opened(max_bytes=4, keep=1).write("long line\n")
        self.assertEqual(self.path.read_text(), "long line\n")

    def test_a_directory_that_is_missing_stops_the_start_with_its_name(self) -> None:
        with self.assertRaisesRegex(StartupError, r"LOGGING_BASE_DIR: .*/none/qis.log can't be written"):
            LogFile(self.directory / "none" / "qis.log", max_bytes=0, keep=0).open()

    def test_a_full_disk_does_not_raise(self) -> None:
        self.path.symlink_to("/dev/full")
        self.opened().write("line\n")


class Journals(SynchronousTestCase):
    def test_datagrams_arrive(self) -> None:
        # The path of a socket has to be short, so it isn't below trial's own directory.
        directory = tempfile.TemporaryDirectory(prefix="qisd-test-")
        self.addCleanup(directory.cleanup)
        path = Path(directory.name, "journal")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(str(path))
            receiver.settimeout(5)
            journal = Journal(path)
            self.addCleanup(journal.close)
            journal.open()
            journal.send(b"MESSAGE=x\n")
            self.assertEqual(receiver.recv(100), b"MESSAGE=x\n")

    def test_a_machine_without_journal_stops_the_start(self) -> None:
        journal = Journal(Path(self.mktemp()))
        self.addCleanup(journal.close)
        with self.assertRaisesRegex(StartupError, "LOG_TARGET"):
            journal.open()

    def test_a_journal_that_is_gone_does_not_raise(self) -> None:
        journal = Journal(Path(self.mktemp()))
        self.addCleanup(journal.close)
        journal.send(b"MESSAGE=x\n")
