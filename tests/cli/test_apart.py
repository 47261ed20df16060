"""Work that root has done by another account, in a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli import apart as apart_module
from qisd.cli.apart import apart
from qisd.cli.console import CommandError, Exit
from qisd.store.processes import is_running


class ApartTests(SynchronousTestCase):
    """As root, or as one who passes for root."""

    def setUp(self) -> None:
        self.patch(os, "geteuid", lambda: 0)
        self.file = Path(self.mktemp()).absolute()

    def test_it_is_done_by_another_process(self) -> None:
        apart(lambda: self.file.write_text(str(os.getpid())) and None)
        self.assertNotEqual(self.file.read_text(), str(os.getpid()))

    def test_others_do_it_themselves(self) -> None:
        self.patch(os, "geteuid", lambda: 1000)
        apart(lambda: self.file.write_text(str(os.getpid())) and None)
        self.assertEqual(self.file.read_text(), str(os.getpid()))

    def test_an_error_comes_over_with_its_exit_code(self) -> None:
        def fail() -> None:
            raise CommandError("the database can't be reached: … nowhere", exit_code=Exit.UNREACHABLE)

        with self.assertRaises(CommandError) as caught:
            apart(fail)
        self.assertEqual(str(caught.exception), "the database can't be reached: … nowhere")
        self.assertEqual(caught.exception.exit_code, Exit.UNREACHABLE)

    def test_a_bug_is_one_here_too(self) -> None:
        def fail() -> None:
            os.close(2)  # the trace is none of this test's
            raise ZeroDivisionError

        with self.assertRaises(CommandError) as caught:
            apart(fail)
        self.assertEqual(caught.exception.exit_code, Exit.BUG)

    def test_an_interruption_is_one_here_too(self) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        def end() -> None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        for work in (interrupt, end):
            with self.assertRaises(KeyboardInterrupt):
                apart(work)

    def test_an_interruption_of_this_process_ends_the_other(self) -> None:
        other: list[int] = []

        def wait_for_the_end() -> None:
            # Held back until it is waited for: one that comes just before a pause would be slept through.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            os.kill(os.getppid(), signal.SIGINT)
            signal.sigwait({signal.SIGTERM})
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        fork = os.fork
        self.patch(os, "fork", lambda: other.append(fork()) or other[-1])
        with self.assertRaises(KeyboardInterrupt):
            apart(wait_for_the_end)
        self.assertFalse(is_running(other[0]))

    def test_one_that_sleeps_through_the_first_request_to_end_is_asked_again(self) -> None:
        def hear_the_second() -> None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            os.kill(os.getppid(), signal.SIGINT)
            for _ in range(2):
                signal.sigwait({signal.SIGTERM})
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        self.patch(apart_module, "_ASK_EVERY", 0.1)
        with self.assertRaises(KeyboardInterrupt):
            apart(hear_the_second)

    def test_one_that_is_killed_has_not_done_its_work(self) -> None:
        with self.assertRaises(CommandError) as caught:
            apart(lambda: os.kill(os.getpid(), signal.SIGKILL))
        self.assertIn("signal 9", str(caught.exception))
