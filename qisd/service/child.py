"""One worker, as the main process sees it: starting it, speaking to it, noticing its end."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.service.lines import Line, LineFactory
from qisd.service.listeners import Listener
from qisd.service.metrics import Measures
from qisd.service.staffing import Station

_log = Logger()

LINE = 3
"""The descriptor by which a worker is spoken to; the sockets that it accepts on follow."""

_NOT_STARTED = 1


class Child(ProcessProtocol):
    """A worker's process.

    :param command: what starts a worker, but for its station.
    :param began: called when it does its work.
    :param ended: called once when the process is gone; :attr:`status` tells how.
    :param renewed: called when it says that there are other certificates on this server.
    :ivar ready: fires with True when it does its work, with False when it has ended before.
    :ivar status: its exit status, or the number of its signal below zero; None while it lives.
    :ivar measures: what it had counted when it was heard the last time.
    :ivar unanswered: how often it was looked after since it was heard the last time.
    """

    def __init__(
        self,
        station: Station,
        *,
        reactor: Any,
        command: Sequence[str],
        began: Callable[[], None],
        ended: Callable[[Child], None],
        renewed: Callable[[], None],
    ) -> None:
        self.station = station
        self.pid = 0
        self.status: int | None = None
        self.retiring = False
        self.is_ready = False
        self.ready: Deferred[bool] = Deferred()
        self.gone: Deferred[None] = Deferred()
        self.since: float = reactor.seconds()
        self.unanswered = 0
        self.report: dict[str, Any] = {}
        self.measures: Measures = {}
        self._reactor = reactor
        self._command = command
        self._began = began
        self._ended = ended
        self._renewed = renewed
        self._line = Line(self._heard, lambda: None)
        self._asked: dict[int, Deferred[Any]] = {}
        self._number = 0
        self._fault = ""

    @property
    def outcome(self) -> str:
        """How it has ended, in words."""
        if self._fault:
            return self._fault
        status = self.status or 0
        return f"signal {-status}" if status < 0 else f"status {status}"

    def start(self, listeners: Sequence[Listener], welcome: Mapping[str, Any]) -> None:
        """Start the process, which inherits the sockets of ``listeners``, and give it all that it needs.

        Where the system has no more processes, memory or descriptors to give, that is its end.
        """
        try:
            ours = self._spawn([listener.bound.fileno() for listener in listeners])
        except OSError as error:
            self._fault = f"{error.strerror} before it could begin"
            self._is_over(_NOT_STARTED)
            return
        self._reactor.adoptStreamConnection(ours.fileno(), ours.family, LineFactory(self._line))
        ours.close()
        addresses = [{"host": one.address.host, "port": one.address.port} for one in listeners]
        self.tell(begin={**welcome, "station": str(self.station), "addresses": addresses})

    def _spawn(self, sockets: Sequence[int]) -> socket.socket:
        """Start the process; gives our end of the line to it."""
        with contextlib.ExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.callback(theirs.close)
            on_fault = stack.enter_context(contextlib.ExitStack())
            on_fault.callback(ours.close)
            ours.setblocking(False)
            nothing = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, nothing)
            process = self._reactor.spawnProcess(
                self,
                self._command[0],
                [*self._command, f"--worker={self.station}"],
                env=dict(os.environ),
                childFDs=dict(enumerate([nothing, 1, 2, theirs.fileno(), *sockets])),
            )
            self.pid = process.pid
            on_fault.pop_all()
        return ours

    def tell(self, **message: Any) -> None:
        """Send it a message, if it is there to hear it."""
        self._line.tell(message)

    def ask(self) -> Deferred[dict[str, Any]]:
        """Have it report how it fares. Fires when it does, with nothing in it if it ends."""
        self._number += 1
        number = self._number
        answer: Deferred[dict[str, Any]] = Deferred(lambda _: self._forget(number))
        self._asked[number] = answer
        self.tell(ask=number)
        return answer

    def _forget(self, number: int) -> None:
        self._asked.pop(number, None)

    def retire(self) -> None:
        """Have it finish what it has begun, and end."""
        self.retiring = True
        self.tell(stop=True)

    def kill(self) -> None:
        """End it at once."""
        try:
            if self.transport is not None:
                self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            pass

    def processEnded(self, reason: Failure) -> None:  # noqa: N802
        value: Any = reason.value
        self._is_over(-value.signal if value.signal is not None else value.exitCode or 0)

    def _is_over(self, status: int) -> None:
        self.status = status
        self._line.close()
        self.is_ready = False
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            answer.callback({})
        if not self.ready.called:
            self.ready.callback(False)
        self.gone.callback(None)
        self._ended(self)

    def _heard(self, message: dict[str, Any]) -> None:
        self.unanswered = 0
        self.measures = message.get("measures", self.measures)
        if "ready" in message and not self.ready.called:
            self.is_ready = True
            self.ready.callback(True)
            self._began()
        if "renewed" in message:
            self._renewed()
        if "report" in message:
            self.report = message["report"]
            answer = self._asked.pop(message["number"], None)
            if answer is not None:
                answer.callback(self.report)
