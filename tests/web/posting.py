"""Bodies sent to a site of memory, files that go nowhere, and threads that work when told to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qisd.web.bodies import Body, BodyRules
from qisd.web.request import QisRequest
from tests.web.support import Door, Wire

BOUNDARY = "----x7"


class MemoryFile:
    """A staged file; ``error`` is raised by its next method that is not discard."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.written = bytearray()
        self.finished = False
        self.discarded = 0
        self.error: Exception | None = None

    def write(self, data: bytes) -> None:
        self._check()
        self.written += data

    @property
    def data(self) -> bytes:
        return bytes(self.written)

    def finish(self) -> None:
        self._check()
        self.finished = True

    def discard(self) -> None:
        self.discarded += 1

    def _check(self) -> None:
        assert not self.finished
        assert not self.discarded
        if self.error is not None:
            raise self.error


class MemorySink:
    """Keeps all files that it opened."""

    def __init__(self) -> None:
        self.files: list[MemoryFile] = []
        self.error: Exception | None = None
        self.write_error: Exception | None = None

    def open(self, filename: str) -> MemoryFile:
        if self.error is not None:
            raise self.error
        file = MemoryFile(filename)
        file.error = self.write_error
        self.files.append(file)
        return file

    @property
    def left(self) -> list[MemoryFile]:
        """Files that would be on disk now."""
        return [file for file in self.files if not file.discarded]


class HeldFiles:
    """File work that waits for :meth:`work`."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], object], Deferred[object]]] = []

    async def run(self, work: Callable[[], object]) -> object:
        done: Deferred[object] = Deferred()
        self.waiting.append((work, done))
        return await done

    def work(self) -> None:
        """Do what waits."""
        waiting, self.waiting = self.waiting, []
        for work, done in waiting:
            try:
                result = work()
            except Exception as error:
                done.errback(error)
            else:
                done.callback(result)

    def work_off(self) -> None:
        """Do all, and what comes of it."""
        while self.waiting:
            self.work()


class Policy:
    """Admits by fixed rules.

    :ivar waiting: what admission waits for, if anything.
    """

    def __init__(self, rules: BodyRules | None) -> None:
        self.rules = rules
        self.error: Exception | None = None
        self.waiting: Deferred[None] | None = None
        self.asked: list[QisRequest] = []

    async def admit(self, request: QisRequest) -> BodyRules | None:
        self.asked.append(request)
        if self.waiting is not None:
            await self.waiting
        if self.error is not None:
            raise self.error
        return self.rules


class Desk(Resource):
    """Takes bodies.

    :ivar at_once: whether to answer at once; otherwise requests wait in ``requests``.
    """

    isLeaf = True  # noqa: N815

    def __init__(self, *, take: bool) -> None:
        super().__init__()
        self.take = take
        self.bodies: list[Body] = []
        self.taken: list[Any] = []
        self.requests: list[QisRequest] = []
        self.at_once = True

    def render(self, request: QisRequest) -> int:
        self.bodies.append(request.body)
        self.requests.append(request)
        if self.take:
            self.taken += [file.take() for file in request.body.files]
        if self.at_once:
            request.answer(200, [], b"taken")
            request.finish()
        return NOT_DONE_YET


class Office:
    """A site that takes bodies at every address."""

    def __init__(
        self, *, files: object | None = None, take: bool = True, limit: int = 10_000_000, raw: bool = False, **more: Any
    ) -> None:
        self.door = Door(files=files)
        self.sink = MemorySink()
        self.policy = Policy(BodyRules(limit=limit, files=self.sink, raw=raw, **more))
        self.desk = Desk(take=take)
        self.door.site.bodies = self.policy
        self.door.site.resource = self.desk
        self.clock = self.door.clock

    def wire(self, **options: Any) -> Wire:
        return self.door.wire(**options)

    def post(self, body: bytes, content_type: str = f"multipart/form-data; boundary={BOUNDARY}") -> Wire:
        return self.wire().send(post(body, content_type))

    @property
    def body(self) -> Body:
        """The one body that came."""
        (body,) = self.desk.bodies
        return body


def post(body: bytes, content_type: str | None, *, method: str = "POST", target: str = "/up", **headers: str) -> bytes:
    return head(len(body), content_type, method=method, target=target, **headers) + body


def head(
    length: int | None, content_type: str | None, *, method: str = "POST", target: str = "/up", **headers: str
) -> bytes:
    """The head of a request whose body is to follow; ``length`` None: chunked."""
    lines = [f"{method} {target} HTTP/1.1", "Host: images.example.com"]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def chunks(data: bytes, size: int) -> bytes:
    """``data`` in chunked coding."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def field(name: str, value: bytes) -> bytes:
    return part(f'form-data; name="{name}"', value)


def file(name: str, filename: str, data: bytes, content_type: str | None = "image/png") -> bytes:
    return part(f'form-data; name="{name}"; filename="{filename}"', data, content_type)


def part(disposition: str, data: bytes, content_type: str | None = None) -> bytes:
    lines = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + data + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def splits(data: bytes, at: Sequence[int]) -> list[bytes]:
    """``data`` cut at these places."""
    places = [0, *sorted(at), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places) if end > start]
