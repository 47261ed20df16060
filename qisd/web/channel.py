"""One connection: limits on what may come in and how slowly, on how slowly answers may be taken, and its end.

Twisted's channel parses HTTP; this subclass is stricter about what it accepts and keeps the clocks:

- *waiting* for a request: ``KEEP_ALIVE_TIMEOUT`` (``REQUEST_TIMEOUT`` for the first one, TLS handshake included);
- *receiving* it: ``REQUEST_TIMEOUT`` from its first byte to its last, however busily it trickles;
- *admitting* its body, where it may have one: no limit here; nothing is read meanwhile;
- *receiving* an admitted body: as long as it keeps a :mod:`pace <qisd.web.pace>`;
- *answering*: no limit here, the domain has its own;
- *sending*, while the client does not take what is there: ``REQUEST_TIMEOUT`` without a single byte moving.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

from OpenSSL.SSL import Error as SSLError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from qisd.errors import QisError
from qisd.web.errors import ErrorAnswer
from qisd.web.head import head_fault
from qisd.web.inlet import Inlet
from qisd.web.intake import Intake
from qisd.web.outgoing import outgoing_bytes
from qisd.web.pace import Pace
from qisd.web.request import QisRequest

if TYPE_CHECKING:
    from qisd.web.site import QisSite

# What browsers and proxies send at most is about half of this.
_REQUEST_LINE_MAX = 16 * 1024
_HEADERS_BYTES_MAX = 16 * 1024
_HEADERS_MAX = 100
_LENGTH_DIGITS_MAX = 100

# After a refusal the client may still be sending. Closing at once would reset the connection and take the answer with
# it, so what comes is read and dropped for a moment.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 4 * 1024 * 1024

# A closed connection that does not end: nobody takes the rest of the answer.
_CLOSE_STALL_SECONDS = 15.0

# While the server is stopping, a connection without a request gets this long: time for one that is on its way.
_DRAIN_IDLE_SECONDS = 1.0


class _Phase(enum.Enum):
    WAITING = enum.auto()
    RECEIVING = enum.auto()
    ADMITTING = enum.auto()
    ANSWERING = enum.auto()
    CLOSING = enum.auto()


@implementer(IHandshakeListener)
class Channel(HTTPChannel):
    """The server's side of one connection, for :class:`~qisd.web.site.QisSite`."""

    log = Logger()

    requestFactory = QisRequest  # type: ignore[assignment]  # noqa: N815

    # Twisted's idle timeout starts anew with every byte; ours does not.
    timeOut = None  # noqa: N815

    MAX_LENGTH = _REQUEST_LINE_MAX
    totalHeadersSize = _REQUEST_LINE_MAX + 2 * _HEADERS_BYTES_MAX  # noqa: N815
    maxHeaders = _HEADERS_MAX  # noqa: N815

    outgoing: Callable[[object], int | None] = staticmethod(outgoing_bytes)

    def __init__(self, site: QisSite, *, address: str) -> None:
        super().__init__()
        self.site = site
        self.factory = site
        self.address = address
        self._phase = _Phase.WAITING
        self._clock: IDelayedCall | None = None
        self._admission: Deferred[None] | None = None
        self._word_awaited = False
        self._pace: Pace | None = None
        self._stall: IDelayedCall | None = None
        self._stall_mark: int | None = None
        self._head_bytes: int | None = None
        self._head_fields = 0
        self._lingered = 0
        self._closed = False
        self._held_back: bytes | None = None
        self._shaken_hands = False

    # Coming and going

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()
        peer = self.transport.getPeer()  # type: ignore[union-attr]
        self.client = str(getattr(peer, "host", None) or "-")
        self.scheme = "https" if ISSLTransport.providedBy(self.transport) else "http"
        self._inlet = self._networkProducer = Inlet(self._networkProducer)
        self.site.opened(self)
        self._set_clock(self.site.settings.request_timeout, self._idle_too_long)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self._set_clock(None)
        self._stop_stall_watch()
        self._note_no_handshake(reason)
        self._phase = _Phase.CLOSING
        self._inlet.end()
        if self._admission is not None:
            self._admission.cancel()
        super().connectionLost(reason)
        self.requests = []
        self.site.closed(self)

    def handshakeCompleted(self) -> None:  # noqa: N802
        self._shaken_hands = True
        version = self.transport.getHandle().get_protocol_version_name()  # type: ignore[union-attr]
        self.site.traffic.handshakes[version, "done"] += 1

    def _note_no_handshake(self, reason: Failure) -> None:
        """Count a handshake that has failed; who only looks whether the port is open has begun none."""
        if self.scheme == "https" and not self._shaken_hands and reason.check(SSLError):
            self.site.traffic.handshakes["none", "failed"] += 1

    def drain(self) -> None:
        """Take no further request but one that is on its way."""
        if self._phase is _Phase.WAITING and self._held_back is None:
            self._set_clock(_DRAIN_IDLE_SECONDS, self._idle_too_long)

    def abort(self) -> None:
        """End the connection without ceremony."""
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    # Receiving

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._phase is _Phase.CLOSING:
            self._lingered += len(data)
            if self._lingered > _LINGER_BYTES:
                self._close()
            return
        if self._held_back is not None:
            self._held_back += data
            return
        hot = self.site.hot
        if self._phase is _Phase.WAITING and hot is not None and self._is_idle() and hot.answer(self, data):
            return
        self.take_in(data)

    def take_in(self, data: bytes) -> None:
        """Take ``data`` as what it is: requests, or parts of them."""
        self._receiving()
        if self._pace is not None:
            self._pace.came(self.site.reactor.seconds(), len(data))
        super().dataReceived(data)

    def _is_idle(self) -> bool:
        """Whether what comes now is the beginning of a request, and its answer could be sent at once."""
        return not (self.requests or self._buffer or self._waitingForTransport or self.paused or self.site.draining)

    def answered_at_once(self) -> None:
        """A request was answered before it became one; the connection waits for the next."""
        assert self._clock is not None  # noqa: S101 - who waits has one
        self._clock.reset(self.site.settings.keep_alive_timeout)

    def hold_back(self, data: bytes) -> None:
        """Take in nothing until :meth:`held_back`, not even ``data``: perhaps it can be answered in a moment."""
        self._held_back = data
        self._set_clock(None)
        self._inlet.hold()

    def held_back(self) -> bytes | None:
        """What has come until now, which is to be taken care of; None: the connection has ended. To be followed by
        :meth:`release`.
        """
        data, self._held_back = self._held_back, None
        if self._phase is _Phase.CLOSING:
            return None
        self._set_clock(self.site.settings.keep_alive_timeout, self._idle_too_long)
        return data

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if self._phase is _Phase.CLOSING:
            return
        self._receiving()
        if self._head_bytes is not None and line:
            self._head_bytes += len(line) + len(self.delimiter)
            self._head_fields += 1
            if self._head_bytes > _HEADERS_BYTES_MAX or self._head_fields > _HEADERS_MAX:
                self.refuse(431, "The request has too many headers.")
                return
            if line[:1] in (b" ", b"\t"):
                self.refuse(400, "A header must be one line.")
                return
        begun = len(self.requests)
        super().lineReceived(line)
        if len(self.requests) > begun:
            self._head_bytes = self._head_fields = 0

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > _LENGTH_DIGITS_MAX:
            # Twisted would read any number of digits, and Python refuses thousands of them with an exception.
            self._respondToBadRequestAndDisconnect()
            return False
        return bool(super().headerReceived(line))

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        if self._head_bytes is None:
            self.refuse(414, "The address is too long.")
        else:
            self.refuse(431, "A header is too long.")

    def allHeadersReceived(self) -> None:  # noqa: N802
        if self._phase is _Phase.CLOSING:
            return
        self._head_bytes = None
        request = self.requests[-1]
        fault = head_fault(version=self._version, target=self._path, headers=request.requestHeaders)
        if fault is not None:
            self.refuse(400, fault)
            return
        self._word_awaited = False
        super().allHeadersReceived()
        if self.length != 0:
            request.note_line(self._command, self._path, self._version)
            self._admit(request.expect_body(self.length))

    def allContentReceived(self) -> None:  # noqa: N802
        if self._phase is _Phase.CLOSING:
            return
        self._phase = _Phase.ANSWERING
        self._pace = None
        self._set_clock(None)
        super().allContentReceived()

    def checkPersistence(self, request: QisRequest, version: bytes) -> bool:  # noqa: N802
        """Whether the connection goes on after this request."""
        tokens = b",".join(request.requestHeaders.getRawHeaders(b"Connection", [])).lower().split(b",")
        if version == b"HTTP/1.1" and b"close" not in (token.strip() for token in tokens):
            return True
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def about_to_answer(self, request: QisRequest) -> None:
        """Called before the head of an answer is written: the last moment to tell the client that this is the end."""
        if self.site.draining:
            self.persistent = False
        if not self.persistent:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])

    def requestDone(self, request: QisRequest) -> None:  # noqa: N802
        if self.persistent:
            self._phase = _Phase.WAITING
            idle = _DRAIN_IDLE_SECONDS if self.site.draining else self.site.settings.keep_alive_timeout
            self._set_clock(idle, self._idle_too_long)
        super().requestDone(request)

    # Bodies

    def _admit(self, intake: Intake) -> None:
        """Find out whether the body may come, and only then take it in."""
        if not intake.must_be_asked_for:
            try:
                intake.check_length()
            except QisError:
                self.refuse_failure(Failure())
            else:
                self._ask_for_body()
            return
        admission = self._admission = Deferred.fromCoroutine(intake.admit())
        if not admission.called:
            self._phase = _Phase.ADMITTING
            self._set_clock(None)
            self.paused = True
            self._inlet.hold()
        admission.addCallbacks(self._admitted, self._not_admitted, callbackArgs=(intake,))
        admission.addErrback(self._broken)

    def _admitted(self, _: object, intake: Intake) -> None:
        self._admission = None
        if self._phase is _Phase.CLOSING:
            return
        waited = self._phase is _Phase.ADMITTING
        self._phase = _Phase.RECEIVING
        now = self.site.reactor.seconds()
        if intake.admitted:
            self._pace = Pace(now=now, patience=self.site.settings.request_timeout)
            self._watch_pace()
        elif waited:
            self._set_clock(self.site.settings.request_timeout, self._request_too_slow)
        self._ask_for_body()
        if waited:
            self.paused = False
            self._inlet.release()
            self.dataReceived(b"")

    def _not_admitted(self, failure: Failure) -> None:
        self._admission = None
        self.refuse_failure(failure)

    def _broken(self, failure: Failure) -> None:
        self.log.failure("taking in a body", failure=failure)
        self.abort()

    def _send100Continue(self) -> None:  # noqa: N802
        # Not before it is known whether the body is wanted.
        self._word_awaited = True

    def _ask_for_body(self) -> None:
        if self._word_awaited:
            super()._send100Continue()

    def hold(self) -> None:
        """Let no more of the body come until :meth:`release`. The client's time stands still."""
        if self._phase is _Phase.CLOSING:
            return
        self._inlet.hold()
        if self._pace is not None:
            self._pace.hold(self.site.reactor.seconds())
            self._watch_pace()

    def release(self) -> None:
        if self._pace is not None:
            self._pace.go_on(self.site.reactor.seconds())
            self._watch_pace()
        self._inlet.release()

    # Refusing

    def refuse(self, status: int, message: str) -> None:
        """Answer what can't be a request of ours, and end the connection."""
        self._refuse_with(lambda request: request.answer_error(ErrorAnswer(status=status, message=message)))

    def refuse_failure(self, failure: Failure) -> None:
        """Answer a request that has not come whole and is not wanted, and end the connection."""
        self._refuse_with(lambda request: request.answer_failure(failure))

    def _refuse_with(self, answer: Callable[[QisRequest], None]) -> None:
        if self._phase is _Phase.CLOSING:
            return
        self._phase = _Phase.CLOSING
        self._pace = None
        self._inlet.release()
        self._set_clock(_LINGER_SECONDS, self._close)
        self.clearLineBuffer()
        self.persistent = False
        if not self.requests:
            self.requests.append(QisRequest(self))
        request = self.requests[-1]
        # Set between request line and end of request; a line that can't be read leaves nothing to go by.
        if hasattr(self, "_command"):
            request.note_line(self._command, self._path, self._version)
        else:
            request.clientproto = b"HTTP/1.1"
        answer(request)
        request.finish()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802
        self.refuse(400, "The request is malformed.")

    # Sending

    def pauseProducing(self) -> None:  # noqa: N802
        """The client takes less than there is: watch whether it takes anything."""
        super().pauseProducing()
        if not self._closed:
            self._watch_for_stall(self.site.settings.request_timeout)

    def resumeProducing(self) -> None:  # noqa: N802
        # Before the producer runs: it may fill the transport again at once, which starts the next watch.
        if not self._closed:
            self._stop_stall_watch()
        super().resumeProducing()

    @property
    def congested(self) -> bool:
        """Whether the client has not taken earlier answers yet: nothing more should be written."""
        return bool(self._waitingForTransport)

    def loseConnection(self) -> None:  # noqa: N802
        """Close when all is sent; after a refusal, when the client had time to read it."""
        if self._phase is _Phase.CLOSING and not self._closed and self._clock is not None:
            return
        self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._set_clock(None)
        self._phase = _Phase.CLOSING
        self._closed = True
        super().loseConnection()
        self._inlet.end()
        self._watch_for_stall(_CLOSE_STALL_SECONDS)

    def _watch_for_stall(self, seconds: float) -> None:
        self._stop_stall_watch()
        self._stall_mark = self.outgoing(self.transport)
        self._stall = self.site.reactor.callLater(seconds, self._look_for_stall, seconds)

    def _look_for_stall(self, seconds: float) -> None:
        self._stall = None
        mark = self.outgoing(self.transport)
        if mark is None or mark == self._stall_mark:
            self.log.info("client {client} does not take its answer, cut", client=self.address)
            self.abort()
        else:
            self._watch_for_stall(seconds)

    def _stop_stall_watch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    # Clocks

    def _receiving(self) -> None:
        if self._phase is _Phase.WAITING:
            self._phase = _Phase.RECEIVING
            self._set_clock(self.site.settings.request_timeout, self._request_too_slow)

    def _watch_pace(self) -> None:
        assert self._pace is not None  # noqa: S101 - called while there is one
        self._set_clock(self._pace.next_look(self.site.reactor.seconds()), self._look_at_pace)

    def _look_at_pace(self) -> None:
        self._clock = None
        if self._pace is None:
            return
        if self._pace.too_slow(self.site.reactor.seconds()):
            self._request_too_slow()
        else:
            self._watch_pace()

    def _request_too_slow(self) -> None:
        self._clock = None
        self.refuse(408, "The request took too long to arrive.")

    def _idle_too_long(self) -> None:
        self._clock = None
        self._close()

    def _set_clock(self, seconds: float | None, then: Callable[[], None] | None = None) -> None:
        if self._clock is not None and self._clock.active():
            self._clock.cancel()
        self._clock = self.site.reactor.callLater(seconds, then) if seconds is not None and then is not None else None
