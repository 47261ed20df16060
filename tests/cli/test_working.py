"""Reactors that are there for one command."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.console import Exit
from qisd.cli.working import as_command_error, complete
from qisd.errors import BadParameter, Forbidden, Refused, StoreUnavailable, Unavailable


class CompleteTests(SynchronousTestCase):
    def test_work_can_be_done_again_and_again(self) -> None:
        async def work(reactor: Any) -> int:
            await deferLater(reactor, 0)
            self.assertIsNot(reactor, global_reactor)
            return 7

        self.assertEqual([complete(work), complete(work)], [7, 7])

    def test_an_error_comes_through_as_it_is(self) -> None:
        async def work(reactor: Any) -> None:
            await deferLater(reactor, 0)
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            complete(work)

    def test_a_signal_cancels_what_is_awaited_and_all_is_put_in_order(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ended = []

            async def work(reactor: Any, number: int = number, ended: list[str] = ended) -> None:
                reactor.callLater(0, os.kill, os.getpid(), number)
                try:
                    await Deferred()
                except CancelledError:
                    await deferLater(reactor, 0)
                    ended.append("in order")
                    raise

            before = signal.getsignal(number)
            with self.assertRaises(KeyboardInterrupt):
                complete(work)
            self.assertEqual(ended, ["in order"])
            self.assertEqual(signal.getsignal(number), before)

    def test_the_second_signal_does_not_wait(self) -> None:
        async def work(reactor: Any) -> None:
            reactor.callLater(0, os.kill, os.getpid(), signal.SIGINT)
            try:
                await Deferred()
            except CancelledError:
                reactor.callLater(0, os.kill, os.getpid(), signal.SIGINT)
                await Deferred()

        with self.assertRaises(KeyboardInterrupt):
            complete(work)

    def test_work_that_is_done_counts_whatever_signal_came(self) -> None:
        async def work(reactor: Any) -> str:
            os.kill(os.getpid(), signal.SIGINT)
            return "done"

        self.assertEqual(complete(work), "done")

    def test_no_thread_stays_behind(self) -> None:
        async def work(reactor: Any) -> None:
            done: Deferred[None] = Deferred()
            reactor.callInThread(lambda: reactor.callFromThread(done.callback, None))
            await done

        before = threading.active_count()
        complete(work)
        self.assertEqual(threading.active_count(), before)


class ErrorTests(SynchronousTestCase):
    def test_what_is_refused_is_2_and_what_is_out_of_reach_3(self) -> None:
        for error, code, text in (
            (BadParameter("email", "Value is too long (max 120)"), 2, "email: Value is too long (max 120)"),
            (Refused("the last one"), 2, "the last one"),
            (
                Forbidden(detail="path leads out of the image library: '..'"),
                2,
                "path leads out of the image library: '..'",
            ),
            (Forbidden("The password has just been changed"), 2, "The password has just been changed"),
            (StoreUnavailable(detail="no answer"), 3, "the database can't be reached: no answer"),
            (Unavailable("Not now."), 3, "Not now."),
        ):
            told = as_command_error(error)
            self.assertEqual((told.exit_code, str(told)), (Exit(code), text))
