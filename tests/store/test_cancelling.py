from __future__ import annotations

import os
import signal
import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from qisd.store.cancelling import cancelled_by_signals

LIMIT = 20.0


class CancellingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.handled: list[int] = []
        for number in (signal.SIGHUP, signal.SIGUSR1):
            before = signal.signal(number, lambda number, frame: self.handled.append(number))
            self.addCleanup(signal.signal, number, before)
        self.cancelled = threading.Event()

    def test_a_signal_that_ends_cancels_and_is_handled_as_ever(self) -> None:
        with cancelled_by_signals(self.cancelled.set):
            os.kill(os.getpid(), signal.SIGHUP)
            self.assertTrue(self.cancelled.wait(LIMIT))
        self.assertEqual(self.handled, [signal.SIGHUP])

    def test_other_signals_do_not(self) -> None:
        second = threading.Event()
        with cancelled_by_signals(self.cancelled.set):
            os.kill(os.getpid(), signal.SIGUSR1)
        self.assertFalse(self.cancelled.is_set())
        with cancelled_by_signals(second.set):
            pass
        self.assertFalse(second.is_set())

    def test_nested_ones_are_all_cancelled(self) -> None:
        inner = threading.Event()
        with cancelled_by_signals(self.cancelled.set), cancelled_by_signals(inner.set):
            os.kill(os.getpid(), signal.SIGHUP)
            self.assertTrue(self.cancelled.wait(LIMIT))
            self.assertTrue(inner.wait(LIMIT))

    def test_who_was_told_of_signals_before_is_told_meanwhile_and_afterwards(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        theirs.setblocking(False)
        ours.settimeout(LIMIT)
        before = signal.set_wakeup_fd(theirs.fileno())
        self.addCleanup(signal.set_wakeup_fd, before)
        with cancelled_by_signals(self.cancelled.set):
            os.kill(os.getpid(), signal.SIGUSR1)
            self.assertEqual(ours.recv(1), bytes([signal.SIGUSR1]))
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(ours.recv(1), bytes([signal.SIGHUP]))
        self.assertFalse(self.cancelled.is_set())

    def test_in_other_threads_nothing_happens(self) -> None:
        reached = []

        def work() -> None:
            with cancelled_by_signals(self.cancelled.set):
                reached.append(threading.active_count())

        count = threading.active_count()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(reached, [count + 1])
