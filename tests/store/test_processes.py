from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.store.processes import is_running, read_postmaster, servers_of
from qisd.store.state_lock import StateLock


class PostmasterFileTests(SynchronousTestCase):
    """What postmaster.pid says."""

    def setUp(self) -> None:
        self.data = Path(self.mktemp())
        self.data.mkdir()

    def write(self, text: str) -> None:
        (self.data / "postmaster.pid").write_text(text)

    def test_a_complete_file_is_read(self) -> None:
        self.write("123\n/data\n1700000000\n5432\n/run/x\n\n 1 2\nready   \n")
        postmaster = read_postmaster(self.data)
        assert postmaster is not None
        self.assertEqual((postmaster.pid, postmaster.socket_dir, postmaster.status), (123, Path("/run/x"), "ready"))
        self.assertTrue(postmaster.can_be_taken_over)

    def test_a_server_that_stops_or_has_no_socket_yet_is_not_taken_over(self) -> None:
        for text in ("123\n/data\n17\n5432\n/run/x\n\n 1 2\nstopping\n", "123\n/data\n17\n5432\n\n", "123\n"):
            self.write(text)
            postmaster = read_postmaster(self.data)
            assert postmaster is not None
            self.assertFalse(postmaster.can_be_taken_over)

    def test_a_missing_empty_or_senseless_file_says_nothing(self) -> None:
        self.assertIsNone(read_postmaster(self.data))
        for text in ("", "\n", "x\n"):
            self.write(text)
            self.assertIsNone(read_postmaster(self.data))


class ProcessTests(SynchronousTestCase):
    """Which processes live, and which are PostgreSQL's."""

    def test_a_process_that_only_waits_to_be_reaped_does_not_run(self) -> None:
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but still in the table
        self.assertFalse(is_running(child.pid))
        child.wait()
        self.assertFalse(is_running(child.pid))
        self.assertTrue(is_running(os.getpid()))

    def test_other_programs_in_the_directory_are_no_servers(self) -> None:
        data = Path(self.mktemp())
        data.mkdir()
        child = subprocess.Popen(["sleep", "60"], cwd=data)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertEqual(servers_of(data), set())


class StateLockTests(SynchronousTestCase):
    """One daemon for one state directory."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def test_the_second_is_refused_with_the_name_of_the_first_until_it_releases(self) -> None:
        first, second = StateLock(self.directory), StateLock(self.directory)
        first.acquire()
        first.acquire()
        with self.assertRaisesRegex(StartupError, rf"process {os.getpid()}\) uses .*{self.directory.name}.*lock"):
            second.acquire()
        first.release()
        second.acquire()
        second.release()

    def test_no_child_inherits_it(self) -> None:
        lock = StateLock(self.directory)
        lock.acquire()
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        lock.release()
        other = StateLock(self.directory)
        other.acquire()
        other.release()

    def test_a_directory_that_is_not_there_is_refused(self) -> None:
        with self.assertRaisesRegex(StartupError, "can't be opened"):
            StateLock(self.directory / "missing").acquire()
