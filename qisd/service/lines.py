"""What the main process and its workers say to each other: JSON objects, one a line, over a pair of sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

_log = Logger()

_LONGEST = 16 * 1024 * 1024


class Line(LineOnlyReceiver):
    """One end of such a connection.

    :param heard: called with each object that the other end sends.
    :param lost: called when the other end is gone.
    """

    delimiter = b"\n"
    MAX_LENGTH = _LONGEST

    def __init__(self, heard: Callable[[dict[str, Any]], None], lost: Callable[[], None]) -> None:
        self._heard = heard
        self._lost = lost

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send an object. Nothing happens when the other end is gone."""
        if self.transport is not None:
            self.sendLine(json.dumps(message, separators=(",", ":")).encode("ascii"))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the connection."""
        if self.transport is not None:
            self.transport.loseConnection()

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        try:
            self._heard(json.loads(line))
        except Exception:
            _log.failure("a message could not be followed")

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._lost()


class LineFactory(Factory):
    """Makes the one protocol of a connection that exists already."""

    noisy = False

    def __init__(self, line: Line) -> None:
        self._line = line

    def buildProtocol(self, addr: object) -> Line:  # noqa: N802
        return self._line
