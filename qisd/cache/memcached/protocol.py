"""One connection to a Memcached server: Twisted's own protocol, which is strict about what comes back here."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.memcache import ClientError, MemCacheProtocol, NoSuchCommand, ServerError
from twisted.python.failure import Failure

_log = Logger()


class Connection(MemCacheProtocol):
    """Pipelines commands. An answer that makes no sense, or none in time, ends the connection with all that waits."""

    @property
    def outstanding(self) -> int:
        """Commands without an answer so far."""
        return len(self._current)

    # Commands, with types.

    def fetch(self, key: bytes) -> Deferred[tuple[int, bytes | None]]:
        """Flags and value; the value is None if there is none."""
        answer: Deferred[tuple[int, bytes | None]] = self.get(key)  # type: ignore[no-untyped-call]
        return answer

    def keep(self, key: bytes, value: bytes, *, flags: int, seconds: int) -> Deferred[bool]:
        answer: Deferred[bool] = self.set(key, value, flags, seconds)  # type: ignore[no-untyped-call]
        return answer

    def keep_new(self, key: bytes, value: bytes, *, seconds: int) -> Deferred[bool]:
        """Keep it only if there is none yet; whether that was so."""
        answer: Deferred[bool] = self.add(key, value, 0, seconds)  # type: ignore[no-untyped-call]
        return answer

    def remove(self, key: bytes) -> Deferred[bool]:
        answer: Deferred[bool] = self.delete(key)  # type: ignore[no-untyped-call]
        return answer

    def tell(self) -> Deferred[dict[bytes, bytes]]:
        """What the server says of itself."""
        answer: Deferred[dict[bytes, bytes]] = self.stats()  # type: ignore[no-untyped-call]
        return answer

    @property
    def usable(self) -> bool:
        return not self._disconnected and self.transport is not None

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        waiting = list(self._current)
        try:
            super().dataReceived(data)  # type: ignore[no-untyped-call]
        except Exception as error:
            _log.warn("a Memcached server has sent what is no answer: {error}", error=repr(error))
            self._current.clear()
            for command in waiting:
                if not command._deferred.called:
                    command.fail(ConnectionLost())
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.setTimeout(None)  # type: ignore[no-untyped-call]
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def timeoutConnection(self) -> None:  # noqa: N802
        self._cancelCommands(TimeoutError("no answer in time"))  # type: ignore[no-untyped-call]
        self.abort()

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        raise ValueError("a line without an end")

    def abort(self) -> None:
        """End the connection at once."""
        self._disconnected = True
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    # The original writes each of these into the log as a fault, with a traceback.

    def cmd_ERROR(self) -> None:  # noqa: N802
        self._current.popleft().fail(NoSuchCommand())

    def cmd_CLIENT_ERROR(self, text: bytes) -> None:  # noqa: N802
        self._current.popleft().fail(ClientError(repr(text)))

    def cmd_SERVER_ERROR(self, text: bytes) -> None:  # noqa: N802
        self._current.popleft().fail(ServerError(repr(text)))
