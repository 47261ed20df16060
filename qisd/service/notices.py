"""What the service manager gets to hear of the course of things, and when."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.task import LoopingCall

from qisd.service.manager import Manager

_EXTEND_EVERY = 10.0
_EXTEND_BY = 60.0
_MICROSECONDS = 1_000_000

_WATCHDOG_PARTS = 3
"""How often all is told to be well within the time that the manager allows."""


class Notices:
    """Tells the manager how this process fares: :meth:`waiting`, :meth:`ready`, :meth:`reloading`, :meth:`stopping`.

    From :meth:`begin` to :meth:`stopping` the watchdog hears from the reactor's own turn that all is well, so that
    nothing is heard of a reactor that hangs.
    """

    def __init__(self, manager: Manager, *, reactor: Any) -> None:
        self._manager = manager
        self._heart = LoopingCall(self._beat)
        self._extending = LoopingCall(self._extend)
        for call in (self._heart, self._extending):
            call.clock = reactor

    def begin(self) -> None:
        if self._manager.watchdog:
            self._heart.start(self._manager.watchdog / _WATCHDOG_PARTS)

    def waiting(self, text: str) -> None:
        """Something is waited for that takes as long as it takes: it is no reason to give the start up."""
        self._manager.tell(STATUS=text)
        if not self._extending.running:
            self._extending.start(_EXTEND_EVERY)

    def ready(self, text: str) -> None:
        """The start, or a reload, is over; ``text`` is the state of things."""
        self._extend_no_longer()
        self._manager.tell(READY=1, STATUS=text)

    def reloading(self) -> None:
        self._manager.tell(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000, STATUS="Reloading")

    def stopping(self, within: float) -> None:
        """The end has begun, and takes ``within`` seconds at most."""
        self._extend_no_longer()
        if self._heart.running:
            self._heart.stop()
        self._manager.tell(STOPPING=1, STATUS="Stopping", EXTEND_TIMEOUT_USEC=int(within * _MICROSECONDS))

    def _beat(self) -> None:
        self._manager.tell(WATCHDOG=1)

    def _extend_no_longer(self) -> None:
        if self._extending.running:
            self._extending.stop()

    def _extend(self) -> None:
        self._manager.tell(EXTEND_TIMEOUT_USEC=int(_EXTEND_BY * _MICROSECONDS))
