"""Reading from a connection, which two may hold up without knowing of each other."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Inlet:
    """Stands between Twisted's channel and its transport.

    The channel pauses reading while answers are not taken or while many pipelined requests wait; whoever takes in a
    body does so while he can't take more. Bytes come when neither wants them held up.

    :param transport: the transport as a producer of bytes.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._paused = False
        self._held = False
        self._ended = False

    @property
    def held(self) -> bool:
        return self._held

    def hold(self) -> None:
        """Let nothing more come until :meth:`release`."""
        if not self._held:
            self._held = True
            self._pause()

    def release(self) -> None:
        if self._held:
            self._held = False
            self._resume()

    def end(self) -> None:
        """The connection is closed, or about to be."""
        self._ended = True

    # What Twisted's channel calls

    def pauseProducing(self) -> None:  # noqa: N802
        self._paused = True
        self._pause()

    def resumeProducing(self) -> None:  # noqa: N802
        self._paused = False
        self._resume()

    def registerProducer(self, producer: object, streaming: bool) -> None:  # noqa: N802
        self._transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:  # noqa: N802
        self._transport.unregisterProducer()

    def stopProducing(self) -> None:  # noqa: N802
        self._transport.stopProducing()

    def _pause(self) -> None:
        if not self._ended:
            self._transport.pauseProducing()

    def _resume(self) -> None:
        if not (self._held or self._paused or self._ended):
            self._transport.resumeProducing()
