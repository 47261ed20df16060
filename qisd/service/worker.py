"""A worker: a process that the main one starts, gives its sockets to, and tells what to do."""

from __future__ import annotations

import gc
import os
import signal
import socket
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.errors import StartupError
from qisd.service import allocator, child, signals
from qisd.service.clock import EvenClock
from qisd.service.console import Console
from qisd.service.exit_status import ExitStatus, stuck_threads
from qisd.service.house import House
from qisd.service.lines import Line, LineFactory
from qisd.service.listeners import Listeners, inherited
from qisd.service.logs import PROCESS, Logs
from qisd.service.measuring import measured
from qisd.service.metrics import Measures
from qisd.service.process import go_on_without_parent, settle_in
from qisd.service.staffing import TASKS, Station
from qisd.settings import ListenAddress, LogLevels
from qisd.settings.handing import from_values as settings_of
from qisd.tls.certificates import Certificates
from qisd.tls.texts import from_values as certificates_of

_log = Logger()

_FAULT = 1


class Worker(Service):
    """Does the work of one station. All it needs comes by the line from the main process; it ends with that."""

    name = "qis worker"

    def __init__(self, station: Station, *, reactor: Any) -> None:
        self._station = station
        self._reactor = reactor
        self._exit = ExitStatus()
        self._line = Line(self._heard, self._left_alone)
        self._parted: Deferred[None] = Deferred()
        self._logs: Logs | None = None
        self._house: House | None = None
        self._listeners = Listeners()
        self._certificates: Certificates | None = None
        self._accepts = False
        self._starting: Deferred[None] | None = None
        self._stopping = False

    def privilegedStartService(self) -> None:  # noqa: N802
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._exit.install()
        EvenClock().install(self._reactor)
        # A Ctrl-C reaches all processes of a terminal: the main one hears it, and decides.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        settle_in(self._station.title)
        go_on_without_parent()

    def startService(self) -> None:  # noqa: N802
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._listen_to_the_main_process)

    def _listen_to_the_main_process(self) -> None:
        signals.install(
            self._reactor,
            {signal.SIGTERM: self._asked_to_stop, signal.SIGINT: _ignore, signal.SIGUSR2: self._tell},
        )
        os.set_blocking(child.LINE, False)
        self._reactor.adoptStreamConnection(child.LINE, socket.AF_UNIX, LineFactory(self._line))
        os.close(child.LINE)

    # What the main process says

    def _heard(self, message: dict[str, Any]) -> None:
        for name, value in message.items():
            getattr(self, f"_on_{name}")(value)

    def _on_begin(self, given: dict[str, Any]) -> None:
        try:
            self._begin(given)
        except Exception as error:
            self._fail(Failure(error))

    def _on_database(self, url: str) -> None:
        if self._house is not None:
            self._starting = Deferred.fromCoroutine(self._start(self._house, url))
            self._starting.addErrback(self._fail)

    def _on_certificates(self, values: dict[str, Any]) -> None:
        self._certificates = certificates_of(values)
        if self._house is not None:
            self._house.certify(self._certificates)

    def _on_accept(self, _: object) -> None:
        if self._house is not None:
            self._accept(self._house)

    def _on_stop(self, _: object) -> None:
        self._asked_to_stop()

    def _on_leave(self, _: object) -> None:
        if self._house is not None:
            self._house.leave()

    def _on_hurry(self, _: object) -> None:
        if self._house is not None:
            self._house.hurry()

    def _on_reopen(self, _: object) -> None:
        if self._logs is not None:
            self._logs.reopen()

    def _on_log_levels(self, levels: dict[str, str]) -> None:
        if self._logs is not None:
            areas = {area: level for area, level in levels.items() if area != "default"}
            self._logs.set_levels(LogLevels(levels["default"], areas))

    def _on_tell(self, _: object) -> None:
        self._tell()

    def _on_ask(self, number: int) -> None:
        report = {} if self._house is None else self._house.report()
        self._line.tell({"report": report, "measures": self._measures(), "number": number})

    def _measures(self) -> Measures:
        return {} if self._house is None else measured(self._house)

    # Up and down

    def _begin(self, given: dict[str, Any]) -> None:
        settings = settings_of(given["settings"])
        tasks = self._station.role == TASKS
        self._logs = Logs(
            settings,
            self._reactor,
            console=Console.beside(settings.log_target),
            process=TASKS if tasks else PROCESS,
            rotates=False,
        )
        self._logs.open()
        self._house = House(settings, reactor=self._reactor, access_log=self._logs, role=self._station.role)
        self._house.renewed = lambda: self._line.tell({"renewed": True})
        bound = [
            inherited(ListenAddress(one["host"], one["port"]), child.LINE + number)
            for number, one in enumerate(given["addresses"], start=1)
        ]
        self._listeners = Listeners(**{self._station.role: bound}) if bound else Listeners()
        self._certificates = None if given["certificates"] is None else certificates_of(given["certificates"])
        if given["accept_at_once"]:
            self._accept(self._house)

    async def _start(self, house: House, url: str) -> None:
        await house.start(url)
        self._accept(house)
        # What is there now stays: there is no use in looking through it for garbage again and again.
        gc.collect()
        gc.freeze()
        allocator.trim()
        self._line.tell({"ready": True})
        _log.info("The {worker} is at work", worker=self._station.title)

    def _accept(self, house: House) -> None:
        if not self._accepts:
            self._accepts = True
            house.begin(self._listeners, self._certificates)

    def _fail(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if failure.check(StartupError):
            _log.critical("{error}", error=failure.value)
            self._exit.code = failure.value.exit_code  # type: ignore[union-attr]
        else:
            _log.failure("the start failed", failure=failure)
            self._exit.code = _FAULT
        self._asked_to_stop()

    def _left_alone(self) -> None:
        if not self._parted.called:
            self._parted.callback(None)
        self._asked_to_stop()

    def _asked_to_stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._reactor.stop()

    async def stopService(self) -> None:  # noqa: N802
        super().stopService()  # type: ignore[no-untyped-call]
        if self._starting is not None:
            self._starting.cancel()
        try:
            if self._house is not None:
                await self._house.stop()
        except Exception:
            _log.failure("the stop was not in order")
            self._exit.code = self._exit.code or _FAULT
        for listener in self._listeners:
            if listener.port is None:  # it never came to accept anything there
                listener.bound.close()
        await self._part()
        if self._logs is not None:
            self._logs.close()
        if stuck_threads(("PoolThread-render", "PoolThread-files")):
            self._reactor.addSystemEventTrigger("after", "shutdown", self._exit.leave_threads_behind)

    async def _part(self) -> None:
        """Say what was counted up to now, and wait until it is sent."""
        self._line.tell({"measures": self._measures()})
        self._line.close()
        if self._line.connected and not self._parted.called:
            await self._parted

    def _tell(self) -> None:
        if self._house is not None:
            _log.info("What the {worker} is doing:", worker=self._station.title, lines=self._house.tell())


def _ignore() -> None:
    """A signal that is not for this process."""
