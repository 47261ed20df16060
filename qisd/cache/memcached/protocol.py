"""One connection to a Memcached server: Twisted's own protocol, but strict about what comes back, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.memcache import ClientError, MemCacheProtocol, NoSuchCommand, ServerError
from twisted.python.failure import Failure

_log = Logger()

T = TypeVar("T")

_LARGEST = 4 * 1024 * 1024
"""Bytes of the largest value that is believed to be one of ours: what is larger was cut into slots."""

_STORING = frozenset({b"STORED", b"NOT_STORED"})
_ANSWERS = {
    b"get": frozenset({b"VALUE", b"END"}),
    b"set": _STORING,
    b"add": _STORING,
    b"delete": frozenset({b"DELETED", b"NOT_FOUND"}),
    b"version": frozenset({b"VERSION"}),
}
"""What may come back on each command, besides errors."""

_ERRORS = frozenset({b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR"})


class Late(Exception):
    """There was no answer in time, from a server that does answer."""


class Connection(MemCacheProtocol):
    """Pipelines commands. An answer that makes no sense ends the connection with all that waits, and so does silence.

    Each command has its own time. One whose time is up while answers to others come is given up alone: its failure is
    :class:`Late`, and what comes for it later is thrown away.

    :param timeout: seconds without a byte, while a command waits, after which the server is taken to be gone.
    """

    def __init__(self, timeout: float, *, clock: IReactorTime) -> None:
        super().__init__(timeout)  # type: ignore[no-untyped-call]
        self._silence = timeout
        self._clock = clock
        self._heard = 0.0
        self._watch: IDelayedCall | None = None
        self._second_look = False

    @property
    def outstanding(self) -> int:
        """Commands without an answer so far."""
        return len(self._current)

    @property
    def pending(self) -> int:
        """Bytes that were handed over to be kept, and were not yet answered for."""
        return sum(one.size for one in self._current)

    @property
    def usable(self) -> bool:
        return not self._disconnected and self.transport is not None

    # Commands, with types. ``within``: seconds that there are for it.

    def fetch(self, key: bytes, *, within: float) -> Deferred[tuple[int, bytes | None]]:
        """Flags and value; the value is None if there is none."""
        return self._send(lambda: self.get(key), within)  # type: ignore[no-untyped-call]

    def keep(self, key: bytes, value: bytes, *, seconds: int, within: float) -> Deferred[bool]:
        size = len(value)
        return self._send(lambda: self.set(key, value, 0, seconds), within, size)  # type: ignore[no-untyped-call]

    def keep_new(self, key: bytes, value: bytes, *, seconds: int, within: float) -> Deferred[bool]:
        """Keep it only if there is none yet; whether that was so."""
        return self._send(lambda: self.add(key, value, 0, seconds), within)  # type: ignore[no-untyped-call]

    def remove(self, key: bytes, *, within: float) -> Deferred[bool]:
        return self._send(lambda: self.delete(key), within)  # type: ignore[no-untyped-call]

    def greet(self, *, within: float) -> Deferred[bytes]:
        """Its version."""
        return self._send(self.version, within)

    def abort(self, reason: Exception | None = None) -> None:
        """End the connection at once, with all that waits."""
        self._disconnected = True
        self._unwatch()
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]
        self._cancelCommands(reason or ConnectionLost())  # type: ignore[no-untyped-call]

    def _send(self, command: Callable[[], Deferred[T]], within: float, size: int = 0) -> Deferred[T]:
        if not self.usable:
            return fail(ConnectionLost())
        answer = command()
        sent: Any = self._current[-1]
        sent.since, sent.size = self._clock.seconds(), size
        sent.due = sent.since + within
        if self._watch is None:
            self._watch = self._clock.callLater(min(within, self._silence), self._look)
        return answer

    # Time. One call for all that waits, made anew only when it has come.

    def _look(self) -> None:
        self._watch = None
        waiting: list[Any] = [one for one in self._current if one.due is not None]
        if not waiting:
            return
        now = self._clock.seconds()
        silent = max(self._heard, waiting[0].since) + self._silence
        next_look = min(silent, *(one.due for one in waiting))
        if next_look > now:
            self._second_look = False
        elif not self._second_look:
            # It may be this process that was held up: first of all, what has come meanwhile is read.
            self._second_look, next_look = True, now
        elif silent <= now:
            self.abort(TimeoutError("no answer in time"))
            return
        else:
            for one in waiting:
                if one.due <= now:
                    self._give_up(one)
            next_look = now
        self._watch = self._clock.callLater(next_look - now, self._look)

    def _give_up(self, command: Any) -> None:
        command.due = None
        answer, command._deferred = command._deferred, Deferred()
        command._deferred.addErrback(lambda _: None)
        if not answer.called:
            answer.errback(Late())

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def setTimeout(self, period: float | None) -> None:  # noqa: N802
        """Not in the way of the original, which lets any byte put off the time of all commands."""

    def resetTimeout(self) -> None:  # noqa: N802
        """Likewise."""

    # What comes.

    def connectionMade(self) -> None:  # noqa: N802
        self._heard = self._clock.seconds()
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._heard = self._clock.seconds()
        try:
            super().dataReceived(data)  # type: ignore[no-untyped-call]
        except Exception as error:
            _log.warn("a Memcached server has sent what is no answer: {error}", error=repr(error))
            self.abort()

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        word = line.split(b" ", 1)[0]
        if not self._current or word not in _ANSWERS[self._current[0].command] | _ERRORS:
            raise ValueError(f"{word[:20]!r} is not what was waited for")
        super().lineReceived(line)  # type: ignore[no-untyped-call]

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        raise ValueError("a line without an end")

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self._unwatch()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def cmd_VALUE(self, line: bytes) -> None:  # noqa: N802
        if not 0 <= int(line.split()[2]) <= _LARGEST:
            raise ValueError("a value of a size that none has")
        super().cmd_VALUE(line)  # type: ignore[no-untyped-call]

    # The original writes each of these into the log as a fault, with a traceback.

    def cmd_ERROR(self) -> None:  # noqa: N802
        self._current.popleft().fail(NoSuchCommand())

    def cmd_CLIENT_ERROR(self, text: bytes) -> None:  # noqa: N802
        self._current.popleft().fail(ClientError(repr(text)))

    def cmd_SERVER_ERROR(self, text: bytes) -> None:  # noqa: N802
        self._current.popleft().fail(ServerError(repr(text)))
