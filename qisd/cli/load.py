"""A load generator: one process, one thread, many connections; requests are ready bytes, of answers only what counts is
looked at. A core makes 50,000 requests a second with it, so it is seldom what limits a measurement.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

_BUFFER = 1 << 18
_EVENTS = 512
_TICK = 0.25
"""Seconds from one look for time-outs to the next."""

_REST = 0.1
"""Seconds for which a connection that has failed is left alone."""

_CONTENT_LENGTH = b"\r\nContent-Length: "
_HIT = b"\r\nX-From-Cache: True\r\n"
_MISS = b"\r\nX-From-Cache: False\r\n"
_NO_BODY = (b"204", b"304")
_UNTIL_CLOSED, _CHUNKED, _HEAD = -1, -2, -3
"""In place of the number of bytes that are to come."""

_LAST_CHUNK = b"0\r\n\r\n"
_MOST_HEAD = 1 << 16

Clock = Callable[[], float]


class Observer(Protocol):
    """Is told of every answer. Times are those of the load's clock, in seconds."""

    def answered(self, began: float, ended: float, size: int, hit: bool | None) -> None:
        """An answer is there. ``hit``: whether it came from a cache; None: it doesn't say."""

    def failed(self, ended: float, reason: str) -> None:
        """A request came to nothing."""


@attrs.frozen(kw_only=True)
class Server:
    """Where requests go.

    :param context: for TLS; None: there is none.
    """

    host: str
    port: int
    context: ssl.SSLContext | None = None


@attrs.frozen(kw_only=True)
class Amount:
    """How much is asked for. One of ``count`` and ``seconds`` ends it.

    :param rate: requests a second that are begun whether or not others are answered; a request counts from the time at
        which it should have been sent, so that a server that stalls can't hide it. None: each client begins the next
        one when it has its answer.
    """

    count: int | None = None
    seconds: float | None = None
    rate: float | None = None


def load(
    server: Server,
    requests: Sequence[bytes],
    amount: Amount,
    observer: Observer,
    *,
    clients: int,
    keep_alive: bool,
    timeout: float,
    clock: Clock = time.perf_counter,
) -> tuple[float, float]:
    """Send ``requests`` in their order, over and over. Blocks; returns when it began and when the last answer came.

    :param requests: whole heads.
    :param clients: connections.
    :param keep_alive: use each for any number of requests.
    :param timeout: seconds within which an answer must be there.
    :raises OSError: the server's name is not known.
    """
    loader = _Loader(server, requests, amount, observer, keep_alive=keep_alive, timeout=timeout, clock=clock)
    return loader.run(clients)


class _Failed(Exception):
    """A request comes to nothing; the text says why."""


class _Loader:
    def __init__(
        self,
        server: Server,
        requests: Sequence[bytes],
        amount: Amount,
        observer: Observer,
        *,
        keep_alive: bool,
        timeout: float,
        clock: Clock,
    ) -> None:
        self.server = server
        self.keep_alive = keep_alive
        self.observer = observer
        self.clock = clock
        self.epoll = select.epoll()
        self.buffer = bytearray(_BUFFER)
        self.view = memoryview(self.buffer)
        self.connections: dict[int, _Connection] = {}
        self._requests = requests
        self._timeout = timeout
        self._rate = amount.rate
        self._count = amount.count
        if self._count is None and amount.rate is not None and amount.seconds is not None:
            self._count = max(1, round(amount.rate * amount.seconds))
        self._seconds = amount.seconds
        self._issued = 0
        self._open = 0
        self._idle: deque[_Connection] = deque()
        self._resting: deque[tuple[float, _Connection]] = deque()
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        self.family = found[0][0]
        self.address: tuple[object, ...] = found[0][4]

    def run(self, clients: int) -> tuple[float, float]:
        began = self._began = self.clock()
        self._ends = float("inf") if self._seconds is None else began + self._seconds
        self._idle.extend(_Connection(self) for _ in range(clients))
        look_at = began + _TICK
        try:
            while True:
                self._begin_some(now := self.clock())
                if not self._open and not self._resting and self._over(now):
                    break
                for number, _ in self.epoll.poll(self._pause(now), _EVENTS):
                    connection = self.connections.get(number)
                    if connection is not None:
                        connection.ready()
                if now >= look_at:
                    look_at = now + _TICK
                    self._expire(now)
            self._never_sent()
            return began, self.clock()
        finally:
            for connection in list(self.connections.values()):
                connection.close()
            self.epoll.close()

    def done(self, connection: _Connection) -> None:
        """``connection`` has nothing to do any more."""
        self._open -= 1
        # The quick way: the next one at once, without a turn through the queue.
        if self._rate is None and not self._resting and self._issued != self._count:
            now = self.clock()
            if now < self._ends:
                self._begin(connection, now)
                return
        self._idle.append(connection)

    def failed(self, connection: _Connection, reason: str) -> None:
        now = self.clock()
        self.observer.failed(now, reason)
        self._open -= 1
        self._resting.append((now + _REST, connection))

    def _begin(self, connection: _Connection, since: float) -> None:
        request = self._requests[self._issued % len(self._requests)]
        self._issued += 1
        self._open += 1
        connection.begin(request, since)

    def _begin_some(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._idle.append(self._resting.popleft()[1])
        if self._rate is None:
            # Only as many as are there now: what fails at once must not keep us here.
            for _ in range(len(self._idle)):
                if self._issued == self._count or now >= self._ends:
                    return
                self._begin(self._idle.popleft(), self.clock())
            return
        while self._idle and self._issued != self._count and self._due() <= now < self._last_moment():
            self._begin(self._idle.popleft(), self._due())

    def _due(self) -> float:
        """When the next request should be sent, at a fixed rate."""
        return self._began + self._issued / self._rate if self._rate else self._began

    def _last_moment(self) -> float:
        """Until when requests that are late are sent still."""
        return self._ends + self._timeout if self._seconds is not None else float("inf")

    def _over(self, now: float) -> bool:
        if self._issued == self._count:
            return True
        return now >= (self._last_moment() if self._rate is not None else self._ends)

    def _never_sent(self) -> None:
        if self._rate is not None and self._count is not None:
            for _ in range(self._count - self._issued):
                self.observer.failed(self.clock(), "not sent in time")

    def _pause(self, now: float) -> float:
        """How long to wait for something to happen."""
        pause = _TICK
        if self._resting:
            pause = min(pause, self._resting[0][0] - now)
        if self._rate is not None and self._idle and self._issued != self._count:
            pause = min(pause, self._due() - now)
        return max(pause, 0.0)

    def _expire(self, now: float) -> None:
        for connection in list(self.connections.values()):
            if connection.busy and now - connection.sent_at > self._timeout:
                connection.fail("timed out")


class _Connection:
    """One client. Its life: idle, then ``begin``; connected, if it isn't; an answer, read to its end; idle again."""

    __slots__ = (
        "_head", "_left", "_loader", "_next", "_number", "_socket", "_tail", "_unsent", "_used",
        "busy", "hit", "request", "sent_at", "since", "size", "status",
    )  # fmt: skip

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._socket: socket.socket | None = None
        self._next: Callable[[], None] = self._read
        self._tail = b""
        self.busy = False

    def begin(self, request: bytes, since: float) -> None:
        self.request, self.since = request, since
        self.sent_at = self._loader.clock()
        self.busy = True
        self._start()

    def _start(self) -> None:
        self._head, self._left, self.size = b"", _HEAD, 0
        try:
            if self._socket is None:
                self._connect()
            else:
                self._used = True
                self._send(self.request)
        except OSError as error:
            self._broken(error)

    def ready(self) -> None:
        """Something can be done."""
        try:
            self._next()
        except _Failed as error:
            self.fail(str(error))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError as error:
            self._broken(error)

    def fail(self, reason: str) -> None:
        self.close()
        self.busy = False
        self._loader.failed(self, reason)

    def close(self) -> None:
        if self._socket is not None:
            self._loader.connections.pop(self._number, None)
            self._socket.close()
            self._socket = None

    def _broken(self, error: OSError) -> None:
        self._lost(f"connection: {error.strerror or error.__class__.__name__}")

    def _lost(self, reason: str) -> None:
        """The other side has ended it. If it had been idle, that is nobody's fault: the request is sent anew."""
        untouched = self._used and not self.size
        self.close()
        if not self.busy:
            return
        if untouched:
            self._start()
        else:
            self.fail(reason)

    # Up

    def _connect(self) -> None:
        loader = self._loader
        self._used = False
        opened = socket.socket(loader.family, socket.SOCK_STREAM)
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = opened
        self._number = opened.fileno()
        loader.connections[self._number] = self
        code = opened.connect_ex(loader.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        self._next = self._connected
        loader.epoll.register(self._number, select.EPOLLOUT)

    def _connected(self) -> None:
        opened, server = self._there(), self._loader.server
        code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        if server.context is not None:
            # The number of the descriptor stays the same.
            self._socket = server.context.wrap_socket(
                opened, server_hostname=server.host, do_handshake_on_connect=False
            )
            self._next = self._shake_hands
            self._shake_hands()
        else:
            self._use()

    def _shake_hands(self) -> None:
        wrapped = self._there()
        try:
            wrapped.do_handshake()  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            self._loader.epoll.modify(self._number, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self._loader.epoll.modify(self._number, select.EPOLLOUT)
        else:
            self._use()

    def _use(self) -> None:
        self._loader.epoll.modify(self._number, select.EPOLLIN)
        self._send(self.request)

    def _there(self) -> socket.socket:
        if self._socket is None:
            raise _Failed("connection: closed")
        return self._socket

    # Asking

    def _send(self, data: bytes) -> None:
        self._next = self._read
        try:
            sent = self._there().send(data)
        except (ssl.SSLWantWriteError, BlockingIOError):
            sent = 0
        if sent < len(data):
            self._unsent = data[sent:]
            self._next = self._send_rest
            self._loader.epoll.modify(self._number, select.EPOLLOUT)

    def _send_rest(self) -> None:
        self._loader.epoll.modify(self._number, select.EPOLLIN)
        self._send(self._unsent)

    # Reading

    def _read(self) -> None:
        loader = self._loader
        opened = self._socket
        encrypted = loader.server.context is not None
        while opened is not None:
            count = opened.recv_into(loader.view)
            if not count:
                self._ended()
                return
            if not self.busy:
                raise _Failed("more than one answer")
            if self._take(count) or not encrypted:
                return

    def _take(self, count: int) -> bool:
        """Look at what has been read; whether the answer is complete."""
        self.size += count
        if self._left > 0:
            if count > self._left:
                raise _Failed("more than one answer")
            self._left -= count
        elif self._left == _HEAD:
            self._take_head(count)
        elif self._left == _CHUNKED:
            self._tail = (self._tail + bytes(self._loader.view[max(0, count - 5) : count]))[-5:]
        if self._left == 0 or (self._left == _CHUNKED and self._tail == _LAST_CHUNK):
            self._complete()
            return True
        return False

    def _take_head(self, count: int) -> None:
        """Find out how much there is to come; without the end of the head there is nothing to be known."""
        data: bytes | bytearray = self._loader.buffer
        if self._head:
            data = self._head + bytes(self._loader.view[:count])
            count = len(data)
        end = data.find(b"\r\n\r\n", 0, count)
        if end < 0:
            self._head = bytes(data[:count])
            if count > _MOST_HEAD:
                raise _Failed("not HTTP")
            return
        status = bytes(data[9:12])
        if data[:5] != b"HTTP/" or not status.isdigit():
            raise _Failed("not HTTP")
        self.status = status
        self.hit = True if data.find(_HIT, 0, end + 2) > 0 else False if data.find(_MISS, 0, end + 2) > 0 else None
        length = 0
        if status not in _NO_BODY:
            at = data.find(_CONTENT_LENGTH, 0, end)
            length = int(data[at + 18 : data.find(b"\r\n", at + 18)]) if at > 0 else _length(bytes(data[:end]).lower())
        here = count - end - 4
        if 0 <= length < here:
            raise _Failed("more than one answer")
        self._left = length - here if length >= 0 else length
        self._tail = bytes(data[max(end + 4, count - 5) : count])

    def _ended(self) -> None:
        """The other side has closed the connection."""
        if self.busy and self._left == _UNTIL_CLOSED:
            self._complete()
        else:
            self._lost("connection: closed")

    def _complete(self) -> None:
        loader = self._loader
        self.busy = False
        if not loader.keep_alive:
            self.close()
        if self.status[:1] == b"2" or self.status == b"304":
            loader.observer.answered(self.since, loader.clock(), self.size, self.hit)
        else:
            loader.observer.failed(loader.clock(), f"status {self.status.decode('ascii')}")
        loader.done(self)


def _length(head: bytes) -> int:
    """What a head in lower case says of its body, if it doesn't say it in the usual way."""
    if b"\r\ntransfer-encoding: chunked" in head:
        return _CHUNKED
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return int(value)
    return _UNTIL_CLOSED
