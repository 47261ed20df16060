"""Bodies of answers: which bytes, and how they get to the client without filling the memory.

A small body goes out in one write. A large one is sent in chunks, each after the client has taken the one before; a
file is read in a thread meanwhile, never as a whole.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import BinaryIO, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from qisd.pools.files import FilePool
from qisd.web.headers import Header
from qisd.web.ranges import ByteRange
from qisd.web.request import QisRequest

_log = Logger()

# One trip to a thread costs about 0.3 ms; reading this much costs less. It is also what one slow reader can hold.
_CHUNK = 256 * 1024


class Content(Protocol):
    """The whole of what an answer is about, of which ranges may be sent."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``, which lie within the content."""
        ...

    def close(self) -> None: ...


@attrs.frozen
class MemoryContent:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, offset: int, length: int) -> bytes:
        return self.data if length == len(self.data) else self.data[offset : offset + length]

    def close(self) -> None:
        """Nothing to do."""


@attrs.frozen(kw_only=True)
class FileContent:
    """An open file of known size; reading it happens in threads of ``files``."""

    stream: BinaryIO
    size: int
    files: FilePool

    async def read(self, offset: int, length: int) -> bytes:
        return await self.files.run(lambda: _read(self.stream, offset, length))

    def close(self) -> None:
        """In a thread as well: it waits there for a read that still runs."""
        closing = Deferred.fromCoroutine(self.files.run(self.stream.close))
        closing.addErrback(lambda failure: _log.failure("could not close a file", failure=failure))


class FileShrunkError(Exception):
    """A file has become shorter than the Content-Length that was promised."""


@attrs.frozen(kw_only=True)
class Body:
    """What goes out: texts of ours and ranges of a content, with the headers that describe them.

    :param pieces: in the order of sending.
    """

    content: Content
    pieces: Sequence[bytes | ByteRange]
    headers: Sequence[Header]

    @property
    def length(self) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self.pieces)


def whole(content: Content, *, media_headers: Sequence[Header]) -> Body:
    """All of ``content``; ``media_headers`` are its Content-Type and what belongs to it."""
    pieces = [ByteRange(0, content.size - 1)] if content.size else []
    return Body(content=content, pieces=pieces, headers=media_headers)


def partial(content: Content, ranges: Sequence[ByteRange], *, media_headers: Sequence[Header]) -> Body:
    """One range of ``content``, or several as multipart/byteranges (RFC 9110, 14.6)."""
    size = content.size
    if len(ranges) == 1:
        content_range = ("Content-Range", ranges[0].content_range(size))
        return Body(content=content, pieces=list(ranges), headers=[*media_headers, content_range])
    boundary = secrets.token_hex(16)
    media_type = dict(media_headers)["Content-Type"]
    pieces: list[bytes | ByteRange] = []
    for each in ranges:
        head = f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {each.content_range(size)}\r\n\r\n"
        pieces += [head.encode("ascii"), each]
    pieces.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    others = [header for header in media_headers if header[0] != "Content-Type"]
    return Body(
        content=content,
        pieces=pieces,
        headers=[("Content-Type", f"multipart/byteranges; boundary={boundary}"), *others],
    )


async def send(request: QisRequest, body: Body) -> None:
    """Write ``body``, as fast as the client takes it. Being cancelled means that the client went away."""
    if request.method == b"HEAD":
        request.write(b"")
        return
    congested = request.channel.congested
    if body.length <= _CHUNK and not congested:
        request.write(b"".join([await _piece(body.content, piece) for piece in body.pieces]))
        return
    flow = _Flow(paused=congested)
    request.registerProducer(flow, True)
    try:
        for piece in body.pieces:
            for part in _parts(piece):
                data = await _piece(body.content, part)
                await flow.open()
                request.write(data)
        # Waiting for the last chunk too keeps the connection from counting as idle while it is still being sent.
        await flow.open()
    finally:
        if not request.gone:
            request.unregisterProducer()


async def send_pieces(request: QisRequest, pieces: AsyncIterator[bytes]) -> None:
    """Write a body whose length isn't known before; each piece is made once the last one is taken."""
    flow = _Flow(paused=request.channel.congested)
    request.registerProducer(flow, True)
    try:
        async for piece in pieces:
            await flow.open()
            request.write(piece)
        await flow.open()
    finally:
        if not request.gone:
            request.unregisterProducer()


async def _piece(content: Content, piece: bytes | ByteRange) -> bytes:
    return piece if isinstance(piece, bytes) else await content.read(piece.first, piece.length)


def _parts(piece: bytes | ByteRange) -> Iterator[bytes | ByteRange]:
    if isinstance(piece, bytes):
        yield piece
        return
    for first in range(piece.first, piece.last + 1, _CHUNK):
        yield ByteRange(first, min(first + _CHUNK - 1, piece.last))


def _read(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    data = stream.read(length)
    if len(data) != length:
        raise FileShrunkError(f"{len(data)} bytes instead of {length} at {offset}")
    return data


@implementer(IPushProducer)
class _Flow:
    """Tells the sender when the client takes no more, and when it does again."""

    def __init__(self, *, paused: bool) -> None:
        self._waiter: Deferred[None] | None = None
        self._paused = paused

    async def open(self) -> None:
        """Wait until there is room."""
        if self._paused:
            self._waiter = Deferred()
            await self._waiter

    def pauseProducing(self) -> None:  # noqa: N802
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self._paused = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost: whoever sends is cancelled by then."""
