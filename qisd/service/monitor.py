"""``METRICS_LISTEN``: an address for those who look after the server, without log-in, answered by the main process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from qisd.errors import StartupError
from qisd.service.listeners import Listener, bind_all
from qisd.settings import ListenAddress

_log = Logger()

_AGAIN = 10.0
"""Seconds after which an address is tried again that could not be had."""

_IDLE = 60.0

Page = Callable[[str], Awaitable[tuple[int, str, bytes]]]
"""Gets the header ``Accept``; gives status, media type and body."""


class Monitor:
    """Answers at those addresses. One that can't be had is no reason not to serve images: it is tried again."""

    def __init__(self, reactor: Any, pages: Mapping[str, Page]) -> None:
        self._reactor = reactor
        self._site = Site(_Pages(pages), timeout=_IDLE, reactor=reactor)
        self._site.noisy = False
        self._wanted: tuple[ListenAddress, ...] = ()
        self._listeners: list[Listener] = []
        self._again: IDelayedCall | None = None
        self._said: str | None = None

    @property
    def addresses(self) -> list[str]:
        """Where it answers."""
        return [str(listener) for listener in self._listeners]

    async def configure(self, addresses: tuple[ListenAddress, ...]) -> None:
        """Answer at these addresses from now on."""
        self._wanted = addresses
        for listener in [one for one in self._listeners if one.address not in addresses]:
            self._listeners.remove(listener)
            await listener.close()
        self._said = None
        self._bind()

    async def stop(self) -> None:
        await self.configure(())

    def _bind(self) -> None:
        self._call_off()
        for address in self._wanted:
            if address in [one.address for one in self._listeners]:
                continue
            try:
                (listener,) = bind_all([address], setting="METRICS_LISTEN")
            except StartupError as error:
                self._say(str(error))
                self._again = self._again or self._reactor.callLater(_AGAIN, self._bind)
                continue
            listener.accept(self._reactor, self._site)
            self._listeners.append(listener)
            _log.info("Metrics can be read at {address}", address=str(listener))

    def _call_off(self) -> None:
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._again = None

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            _log.warn("{reason}; metrics can't be read there, it is tried again", reason=reason)


class _Pages(Resource):
    isLeaf = True  # noqa: N815

    def __init__(self, pages: Mapping[str, Page]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages

    def render(self, request: Request) -> int:
        page = self._pages.get(request.path.decode("latin-1"))
        if request.method not in (b"GET", b"HEAD"):
            _answer(request, 405, "text/plain; charset=utf-8", b"only GET and HEAD\n")
        elif page is None:
            _answer(request, 404, "text/plain; charset=utf-8", f"there are: {' '.join(self._pages)}\n".encode())
        else:
            accept = (request.getHeader("Accept") or "").encode("ascii", "replace").decode("ascii")
            asked = Deferred.fromCoroutine(_asked(page, accept))
            request.notifyFinish().addErrback(lambda _: asked.cancel())
            asked.addCallbacks(lambda given: _answer(request, *given), _failed, callbackArgs=(), errbackArgs=(request,))
        return NOT_DONE_YET


async def _asked(page: Page, accept: str) -> tuple[int, str, bytes]:
    return await page(accept)


def _failed(failure: Failure, request: Request) -> None:
    if not request._disconnected:
        _log.failure("{path} can't be answered", failure, path=request.path)
        _answer(request, 500, "text/plain; charset=utf-8", b"the log tells more\n")


def _answer(request: Request, status: int, media_type: str, body: bytes) -> None:
    request.setResponseCode(status)
    request.setHeader("Server", "qisd")
    request.setHeader("Content-Type", media_type)
    request.setHeader("Cache-Control", "no-store")
    request.setHeader("Content-Length", str(len(body)))
    request.write(body if request.method != b"HEAD" else b"")
    request.finish()
