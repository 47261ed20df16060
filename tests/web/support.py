"""A site on wires of memory: what goes in and comes out as bytes, with time moved by hand."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from qisd.access.visitor import ANONYMOUS, Visitor
from qisd.images import ImageBytes, ImageFile, PreparedImage, PreparedOriginal
from qisd.web.access import AccessEntry
from qisd.web.door import make_site, open_rooms
from qisd.web.images import ImageHandlers
from qisd.web.operations import Readiness
from qisd.web.root import Rooms
from qisd.web.site import QisSite

NOW = 1_800_000_000.0
NOW_TEXT = "Fri, 15 Jan 2027 08:00:00 GMT"
MODIFIED = 1_700_000_000.25
MODIFIED_TEXT = "Tue, 14 Nov 2023 22:13:20 GMT"
ETAG = "0123456789abcdef"


@attrs.frozen(kw_only=True)
class FakeSettings:
    """The settings that the web floor reads, with the defaults of the real ones where it matters."""

    application_root: str = "/"
    public_host_name: str = ""
    preferred_url_scheme: str = "http"
    keep_alive_timeout: float = 15
    request_timeout: float = 60
    https_listen: tuple[Any, ...] = ()
    internal_browsing_port: int = 0
    internal_browsing_ssl: bool = True
    proxy_servers: int = 0
    proxy_addresses: tuple[Any, ...] = ()
    http_redirect: str = "internal"
    hsts_max_age: int = 0
    session_cookie_name: str = "session"
    session_cookie_httponly: bool = True
    session_cookie_samesite: str = "Lax"
    secure_cookies: bool = True
    login_next_origins: tuple[str, ...] = ()
    logo_image_path: str = ""
    max_content_length: int = 2**30
    api_max_list: int = 100_000
    hide_version: bool = False
    cors_allow_origin: tuple[str, ...] = ("*",)
    cors_allow_headers: tuple[str, ...] = ("Origin", "Authorization")
    cors_expose_headers: tuple[str, ...] = ("Content-Length", "X-From-Cache")


def prepared_image(**changes: object) -> PreparedImage:
    """What the domain says about an image, as far as the web floor looks at it."""
    fields: dict[str, object] = dict.fromkeys(
        ("path", "source", "spec", "plan", "overlay", "extract", "rules", "xref", "filename", "template")
    )
    fields |= {
        "etag": ETAG,
        "last_modified": MODIFIED,
        "expiry_secs": 600,
        "content_type": "image/jpeg",
        "store": True,
        "anew": False,
        "public": True,
        "lasting": True,
        "record": True,
        "output": "jpg",
    }
    return PreparedImage(**(fields | changes))  # type: ignore[arg-type]


class FakeImages:
    """Stands in for :class:`qisd.images.Images`; :mod:`tests.web.test_images` holds its methods to the original's."""

    def __init__(self) -> None:
        self.prepared = prepared_image()
        self.data = b"a picture"
        self.from_cache = False
        self.file: io.BytesIO | None = None
        self.opened: io.BytesIO | None = None
        self.error: Exception | None = None
        self.fetch_error: Exception | None = None
        self.fetching: Callable[[], Deferred[ImageBytes]] | None = None
        self.original_fields: dict[str, object] = {}
        self.queries: list[Mapping[str, str]] = []
        self.erez: list[bool] = []
        self.fetched = 0
        self.told: list[object] = []

    async def prepare(
        self, query: Mapping[str, str], visitor: Visitor, *, accepts: tuple[str, ...] = (), erez: bool = False
    ) -> PreparedImage:
        self.queries.append(query)
        self.erez.append(erez)
        if self.error is not None:
            raise self.error
        if self.prepared.accepts is None:
            return self.prepared
        chosen = next(iter(accepts), "jpg")
        return attrs.evolve(self.prepared, accepts=accepts, etag=ETAG + chosen, content_type=f"image/{chosen}")

    async def fetch(
        self, prepared: PreparedImage, *, client: str = "", background: bool = False
    ) -> ImageBytes | ImageFile:
        self.fetched += 1
        if self.fetch_error is not None:
            raise self.fetch_error
        if self.fetching is not None:
            return await self.fetching()
        if self.file is not None:
            size = len(self.file.getvalue())
            return ImageFile(stream=self.file, size=size, content_type=prepared.content_type)
        return ImageBytes(data=self.data, content_type=prepared.content_type, from_cache=self.from_cache)

    async def original(self, query: Mapping[str, str], visitor: Visitor) -> PreparedOriginal:
        self.queries.append(query)
        if self.error is not None:
            raise self.error
        self.opened = io.BytesIO(self.data)
        fields: dict[str, object] = {
            "etag": ETAG,
            "last_modified": MODIFIED,
            "expiry_secs": 600,
            "filename": "penguin.jpg",
            "attachment": False,
            "content_type": "image/jpeg",
            "xref": None,
            "path": "penguin.jpg",
            "public": True,
            "record": True,
            "size": len(self.data),
            "stream": self.opened,
        }
        return PreparedOriginal(**(fields | self.original_fields))  # type: ignore[arg-type]

    def handed_out(self, answered: PreparedImage | PreparedOriginal) -> None:
        self.told.append(answered)


class FakeVisitors:
    """Says who is asking."""

    def __init__(self) -> None:
        self.visitor = ANONYMOUS

    async def or_stranger(self, request: object) -> Visitor:
        return self.visitor


class ImmediateFiles:
    """File work done at once."""

    async def run(self, work: Callable[[], object]) -> object:
        return work()


class Entries(list[AccessEntry]):
    """An access log."""

    def write(self, entry: AccessEntry) -> None:
        self.append(entry)


class Transport(StringTransport):
    """Knows how it ended; with ``room`` it holds its producer back like a socket whose client takes nothing.

    :ivar room: bytes that are taken without a pause; None = any number.
    """

    ended = False
    room: int | None = None
    _untaken = 0
    _full = False

    def write(self, data: bytes) -> None:
        super().write(data)
        self._untaken += len(data)
        if self.room is not None and self._untaken > self.room and self.producer is not None and not self._full:
            self._full = True
            self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def take(self) -> None:
        """The client takes what is there."""
        self._untaken = 0
        if self._full:
            self._full = False
            self.producer.resumeProducing()

    def abortConnection(self) -> None:
        self.end(ConnectionAborted())

    def end(self, reason: Exception) -> None:
        if not self.ended:
            self.ended = True
            self.connected = False
            self.protocol.connectionLost(Failure(reason))


@attrs.frozen
class Answer:
    """One answer, taken apart."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A client's end of one connection."""

    def __init__(self, site: QisSite, *, host: str = "192.0.2.7", room: int | None = None) -> None:
        self.transport = Transport(peerAddress=IPv4Address("TCP", host, 54321))
        self.transport.room = room
        self.channel = site.buildProtocol(self.transport.getPeer())
        self.refused = self.channel is None
        if self.channel is not None:
            self.transport.protocol = self.channel
            self.channel.makeConnection(self.transport)

    def take(self) -> None:
        """Take what is there."""
        self.transport.take()

    def send(self, data: bytes) -> Wire:
        self.channel.dataReceived(data)
        return self

    def received(self) -> bytes:
        return self.transport.value()

    def answers(self, *, bodies: bool = True) -> list[Answer]:
        """All answers so far; ``bodies`` is false after HEAD."""
        rest = self.received()
        found = []
        while rest:
            answer, rest = _take(rest, bodies=bodies)
            found.append(answer)
        return found

    @property
    def closing(self) -> bool:
        return self.transport.disconnecting or self.transport.ended

    def leave(self) -> None:
        """Go away."""
        self.transport.end(ConnectionDone())


class Door:
    """A site with everything behind it faked."""

    def __init__(self, *, files: object | None = None, **settings: object) -> None:
        self.files: Any = files or ImmediateFiles()
        self.clock = Clock()
        self.clock.advance(NOW)
        self.images = FakeImages()
        self.entries = Entries()
        self.state = Readiness(ready=True, checks={"database": True})
        self.visitors = FakeVisitors()
        self.counted: list[Mapping[str, object]] = []
        self.site = make_site(
            settings=FakeSettings(**settings),  # type: ignore[arg-type]
            access_log=self.entries,
            readiness=lambda: self.state,
            reactor=self.clock,
            body_files=self.files,
        )
        open_rooms(
            self.site,
            Rooms(
                images=ImageHandlers(
                    images=self.images,  # type: ignore[arg-type]
                    files=self.files,
                    identity=self.visitors,
                    statistics=self,
                )
            ),
        )

    def served(self, src: str | None, **fields: object) -> None:
        """What is counted for the statistics."""
        self.counted.append({"src": src, **fields})

    def failed(self, status: int) -> None:
        """An error is counted for the statistics."""
        self.counted.append({"status": status})

    def wire(self, **options: Any) -> Wire:
        return Wire(self.site, **options)

    def ask(self, target: str, *, method: str = "GET", **headers: str) -> Answer:
        """The answer to one request on a connection of its own; ``Accept_Foo`` is sent as ``Accept-Foo``."""
        wire = self.wire()
        wire.send(request(target, method=method, **headers))
        (answer,) = wire.answers(bodies=method != "HEAD")
        return answer


def request(target: str, *, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    fields = {"Host": "images.example.com"} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _take(data: bytes, *, bodies: bool) -> tuple[Answer, bytes]:
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, reason = first.split(" ", 2)
    assert version in ("HTTP/1.1", "HTTP/1.0"), first
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        assert name not in fields, f"{name} twice"
        fields[name] = value
    length = int(fields.get("Content-Length", 0)) if bodies and int(status) != 304 else 0
    assert len(rest) >= length, "the body is cut"
    return Answer(int(status), reason, fields, rest[:length]), rest[length:]
