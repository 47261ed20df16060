"""Tells another site which image was handed out where: ``XREF_TRACKING_URL`` with the ``xref`` value appended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import treq
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

_log = Logger()

_WAITING_MAX = 1000
_AT_ONCE = 4
_TIMEOUT = 10.0
_QUIET_SECONDS = 60.0

Get = Callable[[str], Deferred[Any]]


def _get(url: str) -> Deferred[Any]:
    # Whatever is answered does not matter, and the address is the operator's own: no redirects elsewhere.
    return treq.get(url, persistent=False, unbuffered=True, allow_redirects=False)


class XrefTracker:
    """Makes the calls in the background, a few at a time. Nobody waits for them, and a failure is only logged.

    :param url: the setting; empty: no calls.
    :param get: starts a request.
    """

    def __init__(self, url: str, *, reactor: IReactorTime, get: Get = _get) -> None:
        self._url = url
        self._reactor = reactor
        self._get = get
        self._waiting: deque[str] = deque()
        self._running: set[Deferred[None]] = set()
        self._said_at = float("-inf")
        self._unsaid = 0

    def configure(self, url: str) -> None:
        """Call another address from now on."""
        self._url = url

    def track(self, value: str) -> None:
        """Make the call for ``value`` soon. When too many are waiting it is dropped."""
        if not self._url:
            return
        if len(self._waiting) >= _WAITING_MAX:
            self._complain("too many calls are waiting")
            return
        self._waiting.append(self._url + quote(value, safe=""))
        self._next()

    def stop(self) -> None:
        """Give up what waits and what runs."""
        self._waiting.clear()
        for call in list(self._running):
            call.cancel()

    def _next(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            call = Deferred.fromCoroutine(self._call(self._waiting.popleft()))
            call.addTimeout(_TIMEOUT, self._reactor)
            self._running.add(call)
            call.addErrback(lambda failure: self._complain(failure.getErrorMessage()))
            call.addBoth(self._ended, call)

    def _ended(self, _: object, call: Deferred[None]) -> None:
        self._running.discard(call)
        self._next()

    async def _call(self, url: str) -> None:
        response = await self._get(url)
        await treq.collect(response, lambda data: None)
        if response.code >= 400:
            self._complain(f"the answer was {response.code}")

    def _complain(self, reason: str) -> None:
        """Log a failure, but not more than once a minute."""
        now = self._reactor.seconds()
        if now - self._said_at < _QUIET_SECONDS:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more before)" if self._unsaid else ""
        self._said_at, self._unsaid = now, 0
        _log.warn("xref tracking failed: {reason}{more}", reason=reason, more=more)
