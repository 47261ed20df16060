"""The crew of workers, with processes that only pretend: what happens when several things do at once."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.service.child import Child
from qisd.service.crew import Crew
from qisd.service.image_rules import image_rules
from qisd.service.lines import Line, LineFactory
from qisd.service.listeners import Listeners, bind_all
from qisd.settings import ListenAddress, Settings, default_settings

LOCAL = ListenAddress("127.0.0.1", 0)


class Process:
    """One that is told what a worker is told, and ends when the test says so."""

    pid = 4711

    def __init__(self, child: Child) -> None:
        self.child = child
        self.killed = False
        self.line: Line
        self.wire = StringTransport()
        child.makeConnection(self)

    def signalProcess(self, number: str) -> None:
        if self.child.status is not None:
            raise ProcessExitedAlready
        self.killed = self.killed or number == "KILL"

    def heard(self) -> list[str]:
        """The names of the messages that it has got."""
        return [name for line in self.wire.value().splitlines() for name in json.loads(line)]

    def settings(self) -> dict[str, Any]:
        """What it was told to go by."""
        begin: dict[str, Any] = json.loads(self.wire.value().splitlines()[0])["begin"]["settings"]
        return begin

    def says(self, **message: Any) -> None:
        self.line.lineReceived(json.dumps(message).encode())

    def ends(self, *, signal: int | None = None) -> None:
        reason = ProcessDone(0) if signal is None else ProcessTerminated(signal=signal)
        self.child.processEnded(Failure(reason))


class Reactor(Clock):
    """Starts such processes."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []
        self.faults: list[OSError] = []
        self.descriptors: list[int] = []

    def spawnProcess(self, child: Child, *_: Any, **more: Any) -> Process:
        self.descriptors = sorted(more["childFDs"])
        if self.faults:
            raise self.faults.pop()
        self.processes.append(Process(child))
        return self.processes[-1]

    def adoptStreamConnection(self, descriptor: int, family: int, factory: LineFactory) -> None:
        process = self.processes[-1]
        process.line = factory.buildProtocol(None)
        process.line.makeConnection(process.wire)


class CrewTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.settings = attrs.evolve(
            default_settings(), http_listen=(LOCAL,), https_listen=(), http_processes=2, tasks_enabled=False
        )
        self.crew = Crew(self.settings, reactor=self.reactor, command=["worker"])
        self.listeners = Listeners(bind_all([LOCAL], setting="HTTP_LISTEN"))
        self.addCleanup(lambda: [listener.bound.close() for listener in self.listeners])
        self.crew.begin(self.listeners, None)
        started = Deferred.fromCoroutine(self.crew.start("postgresql:///x"))
        self.first, self.second = self.reactor.processes
        for process in self.reactor.processes:
            process.says(ready=True)
        self.successResultOf(started)

    def reload(self, listeners: Listeners | None = None, **changes: Any) -> Deferred[None]:
        settings: Settings = attrs.evolve(self.settings, **changes)
        rules = image_rules(settings)
        return Deferred.fromCoroutine(self.crew.take_over(settings, rules, listeners or self.listeners, None))

    def exchange(self, old: Process) -> Process:
        """Let the newest process take the place of ``old``."""
        new = self.reactor.processes[-1]
        new.says(ready=True)
        self.assertIn("stop", old.heard())
        old.ends()
        return new

    def states(self) -> list[str]:
        reports = Deferred.fromCoroutine(self.crew.reports(1.0))
        self.reactor.advance(1.0)
        return [report["state"] for report in self.successResultOf(reports)]

    # A reload, and then something else

    def test_one_that_dies_while_its_successor_comes_is_not_replaced_twice(self) -> None:
        done = self.reload()
        new = self.reactor.processes[-1]
        self.first.ends(signal=9)
        self.reactor.advance(0.1)
        self.assertEqual(len(self.reactor.processes), 3)
        new.says(ready=True)
        self.exchange(self.second)
        self.successResultOf(done)
        self.reactor.advance(10)
        self.assertEqual(len(self.reactor.processes), 4)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_one_that_says_nothing_is_told_of_before_it_is_taken_to_hang(self) -> None:
        for _ in range(4):
            self.second.says(ready=True)
            self.reactor.advance(5)
        self.assertEqual(self.states(), ["silent", "ready"])
        self.first.says(ready=True)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_one_that_has_died_too_often_does_not_come_back_on_top_of_its_successor(self) -> None:
        for _ in range(5):
            self.reactor.processes[-1].ends(signal=9)
            self.reactor.advance(0)
        second = self.reactor.processes[-1]
        done = self.reload()
        self.exchange(self.first)
        second.ends(signal=9)
        self.reactor.processes[-1].says(ready=True)
        self.successResultOf(done)
        begun = len(self.reactor.processes)
        self.reactor.advance(10)
        self.assertEqual(len(self.reactor.processes), begun)

    def test_a_stop_while_a_new_one_comes_reaches_that_as_well(self) -> None:
        reload = self.reload()
        new = self.reactor.processes[-1]
        reload.cancel()
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.failureResultOf(reload, CancelledError)
        for process in (self.first, self.second, new):
            self.assertIn("stop", process.heard())
            self.assertNoResult(stopped)
            process.ends()
        self.successResultOf(stopped)
        self.assertEqual(len(self.reactor.processes), 3)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_stop_while_an_old_one_finishes_ends_the_reload(self) -> None:
        reload = self.reload()
        new = self.reactor.processes[-1]
        new.says(ready=True)
        reload.cancel()
        self.failureResultOf(reload, CancelledError)
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.assertEqual(len(self.reactor.processes), 3)
        for process in (self.first, self.second, new):
            self.assertIn("stop", process.heard())
            process.ends()
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_before_the_stop_all_say_that_they_want_no_more_requests_and_those_that_replace_them_as_well(self) -> None:
        self.assertNotIn("leave", self.first.heard())
        self.crew.leave()
        self.second.ends(signal=9)
        self.reactor.advance(0)
        self.assertEqual(len(self.reactor.processes), 3)
        for process in (self.first, self.reactor.processes[-1]):
            self.assertIn("leave", process.heard())
            self.assertNotIn("stop", process.heard())

    def test_those_that_do_not_end_are_killed(self) -> None:
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.first.ends()
        self.reactor.advance(self.settings.shutdown_grace + 15)
        self.assertEqual((self.first.killed, self.second.killed), (False, True))
        self.second.ends(signal=9)
        self.successResultOf(stopped)

    # A reload that is refused

    def test_a_reload_that_no_new_one_survives_leaves_all_as_it_was(self) -> None:
        other = bind_all([LOCAL], setting="HTTP_LISTEN")
        done = self.reload(Listeners([*self.listeners.http, *other]), shutdown_grace=7)
        self.reactor.processes[-1].ends(signal=11)
        self.failureResultOf(done, StartupError)
        self.assertEqual(other[0].bound.fileno(), -1, "the new address is given back")
        self.assertEqual(self.states(), ["ready", "ready"])
        self.assertNotIn("stop", self.first.heard() + self.second.heard())
        self.second.ends(signal=9)
        self.reactor.advance(0)
        self.assertEqual(self.reactor.processes[-1].settings()["SHUTDOWN_GRACE"], self.settings.shutdown_grace)
        self.assertEqual(self.reactor.descriptors, [0, 1, 2, 3, 4])

    def test_one_that_fails_half_way_is_undone(self) -> None:
        done = self.reload(shutdown_grace=7)
        new = self.exchange(self.first)
        self.assertEqual(new.settings()["SHUTDOWN_GRACE"], 7)
        self.reactor.processes[-1].ends(signal=11)
        again = self.exchange(new)
        self.failureResultOf(done, StartupError)
        self.assertEqual(again.settings()["SHUTDOWN_GRACE"], self.settings.shutdown_grace)
        self.assertNotIn("stop", self.second.heard())
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_more_workers_that_can_not_be_had_are_none(self) -> None:
        done = self.reload(http_processes=3)
        one = self.exchange(self.first)
        self.reactor.faults = [OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))]
        two = self.exchange(self.second)
        self.exchange(one)
        self.exchange(two)
        self.failureResultOf(done, StartupError)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_one_that_never_gets_ready_ends_the_reload_and_is_killed(self) -> None:
        done = self.reload()
        new = self.reactor.processes[-1]
        for _ in range(119):
            self.reactor.advance(1)
            for process in (self.first, self.second):
                process.says(report={}, number=0)
        self.assertNoResult(done)
        self.reactor.advance(1)
        self.failureResultOf(done, StartupError)
        self.assertEqual((self.first.killed, self.second.killed, new.killed), (False, False, True))
        new.says(ready=True)
        new.ends(signal=9)
        self.reactor.advance(0)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_the_place_of_one_that_died_in_a_refused_reload_is_filled(self) -> None:
        done = self.reload()
        new = self.reactor.processes[-1]
        self.first.ends(signal=9)
        new.ends(signal=9)
        self.failureResultOf(done, StartupError)
        self.reactor.processes[-1].says(ready=True)
        self.assertEqual(self.states(), ["ready", "ready"])

    # What the system does not give, and clocks

    def test_one_that_can_not_be_started_is_tried_again_with_pauses(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        self.reactor.faults = [OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))] * 7
        self.first.ends(signal=9)
        for _ in range(7):
            self.reactor.advance(0)
        self.assertEqual(self.states(), ["waiting", "ready"])
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.reactor.pump([1, 1, 1, 1, 1, 1, 1])
        self.reactor.processes[-1].says(ready=True)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_a_reload_for_which_there_are_no_processes_is_refused(self) -> None:
        self.reactor.faults = [OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))]
        self.failureResultOf(self.reload(), StartupError)
        self.assertEqual(self.states(), ["ready", "ready"])

    def test_a_clock_that_is_set_is_no_reason_to_take_anybody_for_hanging(self) -> None:
        for _ in range(3):
            self.reactor.advance(3600)
            for process in (self.first, self.second):
                process.says(report={}, number=0)
        self.assertEqual([process.killed for process in self.reactor.processes], [False, False])

    def test_one_that_leaves_a_dozen_questions_unanswered_hangs(self) -> None:
        for number in range(13):
            self.assertFalse(self.first.killed, number)
            self.reactor.advance(5)
            self.second.says(report={}, number=0)
        self.assertEqual((self.first.killed, self.second.killed), (True, False))


class TakingOver(SynchronousTestCase):
    """The start at addresses at which clients wait already."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        settings = attrs.evolve(
            default_settings(), http_listen=(LOCAL,), https_listen=(), http_processes=1, tasks_enabled=False
        )
        self.crew = Crew(settings, reactor=self.reactor, command=["worker"])
        (bound,) = bind_all([LOCAL], setting="HTTP_LISTEN")
        self.addCleanup(bound.bound.close)
        bound.taken_over = True
        self.crew.begin(Listeners([bound]), None)
        self.started = Deferred.fromCoroutine(self.crew.start("postgresql:///x"))
        (self.worker,) = self.reactor.processes

    def test_they_wait_until_a_worker_can_serve_them(self) -> None:
        begin = json.loads(self.worker.wire.value().splitlines()[0])["begin"]
        self.assertFalse(begin["accept_at_once"])
        self.worker.says(ready=True)
        self.successResultOf(self.started)
        self.reactor.advance(60)
        self.assertNotIn("accept", self.worker.heard())

    def test_when_that_takes_long_they_are_told_to_come_back(self) -> None:
        self.reactor.advance(29)
        self.assertNotIn("accept", self.worker.heard())
        self.reactor.advance(1)
        self.assertIn("accept", self.worker.heard())
