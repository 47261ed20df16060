"""The site: what listens for connections, how many there may be, and how they come to an end."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.web.resource import IResource
from twisted.web.server import Site

from qisd.access.clients import client_of
from qisd.pools.files import FilePool
from qisd.web.access import AccessLog
from qisd.web.bodies import BodyPolicy
from qisd.web.channel import Channel
from qisd.web.console.frame import frame
from qisd.web.errors import ErrorAnswer
from qisd.web.hot import HotPath
from qisd.web.request import QisRequest
from qisd.web.root import Root
from qisd.web.rules import WebSettings
from qisd.web.traffic import Traffic

# More than one worker could serve; each costs some 10 kB of memory.
_CONNECTIONS_MAX = 10_000

# Part of the process's file descriptors that connections may take; the rest is for images, database and logs.
_DESCRIPTORS_SHARE = 0.75

# Part of all connections that one client may take: no one may shut out the others, but a proxy in front of the server
# is one address as well.
_ADDRESS_SHARE = 0.5

_WARNING_PAUSE = 60.0
_THROTTLED = 429


class QisSite(Site):
    """Serves what is behind ``entrance`` over HTTP/1.1, plain or below TLS.

    :ivar root: path below which all addresses are, with a slash at both ends.
    :ivar bodies: decides what may come in the body of a request; None = none takes any.
    :ivar body_files: where uploaded files are written.
    :ivar hot: answers what it can in front of everything else.
    :ivar error_page: tells a browser what went wrong.
    :ivar certified: whether HTTPS is served with a certificate for a host that is not of our own making.
    :ivar throttled: called for each request that was refused because there were too many.
    :ivar requests_answered: so far, errors included.
    :ivar draining: whether every answer from now on ends its connection.
    """

    warnings = Logger()
    resource: IResource
    settings: WebSettings
    root_segments: list[bytes]

    def __init__(
        self,
        entrance: Root,
        *,
        settings: WebSettings,
        access_log: AccessLog | None,
        reactor: Any,
        body_files: FilePool,
        bodies: BodyPolicy | None = None,
    ) -> None:
        super().__init__(entrance.app.resource(), timeout=None, reactor=reactor, parsePOSTFormSubmission=False)
        self.entrance = entrance
        self.access_log = access_log
        self.throttled: Callable[[], None] = lambda: None
        self.certified: Callable[[str], bool] = lambda host: False
        self.error_page: Callable[[QisRequest, ErrorAnswer], None] = frame().error
        self.bodies = bodies
        self.body_files = body_files
        self.hot: HotPath | None = None
        self.draining = False
        self.traffic = Traffic()
        self.connections_max, self.connections_per_address = _connection_limits()
        self._channels: set[Channel] = set()
        self._by_address: Counter[str] = Counter()
        self._drained: list[Deferred[None]] = []
        self._warned_at: float | None = None
        self.configure(settings)

    def configure(self, settings: WebSettings) -> None:
        """Go by other settings from now on."""
        self.settings = settings
        if self.hot is not None:
            self.hot.forget()
        prefix = settings.application_root.strip("/")
        self.root = f"/{prefix}/" if prefix else "/"
        self.root_segments = [unquote_to_bytes(segment) for segment in prefix.split("/")] if prefix else []

    def show(self, entrance: Root) -> None:
        """Let all requests from now on go to ``entrance``."""
        self.entrance = entrance
        self.resource = entrance.app.resource()

    def certify(self, certified: Callable[[str], bool]) -> None:
        """Go by other certificates from now on."""
        self.certified = certified
        if self.hot is not None:
            self.hot.forget()

    @property
    def https_port(self) -> int | None:
        """Where this server speaks HTTPS, for those who have come without."""
        return self.settings.https_listen[0].port if self.settings.https_listen else None

    @property
    def all_by_https(self) -> bool:
        """Whether whoever has come without HTTPS is sent to it, whatever was asked for."""
        return self.settings.http_redirect == "all" and self.https_port is not None

    def startFactory(self) -> None:  # noqa: N802
        """Nothing of what the original does for its own access log."""

    def stopFactory(self) -> None:  # noqa: N802
        """See :meth:`startFactory`."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """What ALPN offers: HTTP/1.1 only, whatever else is installed."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Channel | None:  # type: ignore[override]  # noqa: N802
        address = client_of(str(getattr(addr, "host", None) or "local"))
        if len(self._channels) >= self.connections_max:
            self._warn("more than {limit} connections, further ones are refused", limit=self.connections_max)
            return None
        if self._by_address[address] >= self.connections_per_address:
            self._warn(
                "more than {limit} connections from {address}, further ones are refused",
                limit=self.connections_per_address,
                address=address,
            )
            return None
        return Channel(self, address=address)

    def log(self, request: QisRequest) -> None:  # type: ignore[override]
        """Called by each request when it is over."""
        entry = request.access_entry()
        self.traffic.cell(request.route, request.method, entry.status, cached=entry.from_cache).note(
            entry.app_us, entry.body_bytes
        )
        if entry.status == _THROTTLED:
            self.throttled()
        if self.access_log is not None:
            self.access_log.write(entry)

    def opened(self, channel: Channel) -> None:
        self._channels.add(channel)
        self._by_address[channel.address] += 1

    def closed(self, channel: Channel) -> None:
        if channel not in self._channels:
            return
        self._channels.discard(channel)
        self._by_address[channel.address] -= 1
        if not self._by_address[channel.address]:
            del self._by_address[channel.address]
        self._tell_drained()

    @property
    def connection_count(self) -> int:
        return len(self._channels)

    def connections(self) -> Mapping[str, int]:
        """Connections by what is spoken there, ``http`` or ``https``."""
        return Counter(channel.scheme for channel in self._channels)

    @property
    def requests_answered(self) -> int:
        return self.traffic.answers

    def pending_requests(self) -> list[str]:
        """Requests that are being answered, one line each."""
        return [
            f"{request.describe()} {request.age_us() // 1000} ms {request.request_id}"
            for channel in self._channels
            for request in channel.requests
            if request.being_answered
        ]

    def drain(self) -> None:
        """End each connection with its next answer, and those without a request shortly.

        An accepted connection that is about to send its request looks just like an idle one, so none is closed at
        once.
        """
        self.draining = True
        for channel in list(self._channels):
            channel.drain()

    async def drained(self) -> None:
        """Wait until there are no more connections."""
        if self._channels:
            waiter: Deferred[None] = Deferred(lambda gone: self._drained.remove(gone))
            self._drained.append(waiter)
            await waiter

    def abort(self) -> None:
        """End all connections at once."""
        for channel in list(self._channels):
            channel.abort()

    def _tell_drained(self) -> None:
        if not self._channels:
            waiters, self._drained = self._drained, []
            for waiter in waiters:
                waiter.callback(None)

    def _warn(self, text: str, **fields: object) -> None:
        now = self.reactor.seconds()
        if self._warned_at is None or now - self._warned_at >= _WARNING_PAUSE:
            self._warned_at = now
            self.warnings.warn(text, **fields)


def _connection_limits() -> tuple[int, int]:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    total = _CONNECTIONS_MAX
    if descriptors != resource.RLIM_INFINITY:
        total = min(total, int(descriptors * _DESCRIPTORS_SHARE))
    return total, max(1, int(total * _ADDRESS_SHARE))
