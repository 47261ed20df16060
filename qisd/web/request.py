"""One request: what came in, read strictly, and the headers that go out with every answer."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.server import Request

from qisd.request_ids import working_at
from qisd.web.accepting import prefers_json
from qisd.web.access import AccessEntry, printable
from qisd.web.api.envelope import error_answer
from qisd.web.bodies import NO_BODY, Body
from qisd.web.conditional import Conditions
from qisd.web.dates import format_date
from qisd.web.errors import ErrorAnswer, not_allowed, not_found, status_name, translate
from qisd.web.headers import Header, cross_origin, preflight
from qisd.web.https import CHALLENGES, goes_to_https, https_promise
from qisd.web.intake import Intake
from qisd.web.proxies import number_of
from qisd.web.traffic import route_of

if TYPE_CHECKING:
    from qisd.web.channel import Channel
    from qisd.web.site import QisSite

CLIENT_GONE = 499

METHODS = "OPTIONS, HEAD, GET"

_ABSOLUTE_FORM = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_UNSET = b"(no "
_NO_PAGES = (b"image", b"original", b"static", b"health", b"ready", b"favicon.ico", b"robots.txt")
_EREZ = re.compile(rb"erez[1-5]?")
_LISTS = ("Vary", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers")


class QisRequest(Request):
    """A request of :class:`~qisd.web.site.QisSite`.

    :ivar path: as it came, undecoded, without scheme and host.
    :ivar raw_query: the query string, undecoded and without its question mark.
    :ivar body: what came in the body, once all of it is there.
    :ivar lasting: headers that go with every answer, also with errors.
    :ivar from_cache: whether an image came from the cache; None for other answers.
    """

    channel: Channel
    site: QisSite
    defaultContentType = None  # noqa: N815
    path = b""
    raw_query = b""
    body: Body = NO_BODY
    lasting: Sequence[Header] = ()
    from_cache: bool | None = None
    target = b"-"

    def __init__(self, channel: Channel, queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self.site = channel.site
        self._request_id: str | None = None
        self.began_at = self.site.reactor.seconds()
        self._began = time.monotonic_ns()
        self._complete: int | None = None
        self._answered: int | None = None
        self._intake: Intake | None = None
        self._status: int | None = None
        self._place: list[bytes] | ErrorAnswer | None = None

    @property
    def request_id(self) -> str:
        """Its number in all logs and in the answer: that of a proxy of ours, else one of our own."""
        if self._request_id is None:
            settings = self.site.settings
            given = number_of(
                self.header("X-Request-Id"),
                peer=self._client(),
                proxies=settings.proxy_servers,
                trusted=settings.proxy_addresses,
            )
            self._request_id = given or secrets.token_hex(8)
        return self._request_id

    # What comes in

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Open no file for the body: see :meth:`expect_body`."""

    def expect_body(self, length: int | None) -> Intake:
        """The head is there, and says that a body of ``length`` bytes follows; None: of any length."""
        channel = self.channel
        self._intake = Intake(
            self, length=length, hold=channel.hold, release=channel.release, failed=channel.refuse_failure
        )
        return self._intake

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self._intake is None or self.finished:
            return
        try:
            self._intake.feed(data)
        except Exception:
            self.channel.refuse_failure(Failure())

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """All of the request is here. Unlike the original, reads no arguments: handlers parse the raw query."""
        self.note_line(command, path, version)
        self._complete = time.monotonic_ns()
        if self._intake is None:
            self.process()
            return
        whole = Deferred.fromCoroutine(self._intake.finish())
        whole.addCallbacks(self._body_is_there, self._body_is_bad)
        whole.addErrback(lambda failure: self._log.failure("answering {request}", failure=failure, request=self))

    def _body_is_there(self, body: Body) -> None:
        if not self.gone:
            self.body = body
            self.process()

    def _body_is_bad(self, failure: Failure) -> None:
        if not self.gone:
            self.answer_failure(failure)
            self.finish()

    def process(self) -> None:
        """Find out where the request goes, and send it there."""
        self.args = {}
        if self.method == b"OPTIONS" and self.target == b"*":
            self.answer_options(METHODS)
            self.finish()
            return
        place = self.place()
        if isinstance(place, ErrorAnswer):
            self.finish_with(place)
            return
        if self.method != self.method.upper():
            # Methods are case-sensitive, and the router forgets it.
            self.finish_with(not_allowed(METHODS))
            return
        if goes_to_https(self, place):
            self.finish()
            return
        self.prepath = list(self.site.root_segments)
        self.postpath = list(place)
        with working_at(self.request_id):
            try:
                self.render(self.site.resource)
            except Exception:
                self.processingFailed(Failure())

    def place(self) -> list[bytes] | ErrorAnswer:
        """Where the request goes: the decoded segments of its path below the site's root; or why nowhere."""
        if self._place is None:
            self._place = self._find_place()
        return self._place

    def _find_place(self) -> list[bytes] | ErrorAnswer:
        segments = segments_of(self.path)
        if isinstance(segments, ErrorAnswer):
            return segments
        if tuple(segments[:2]) == CHALLENGES:  # whatever the site's root is
            return segments
        root = self.site.root_segments
        below = segments[len(root) :] or [b""]
        # The router takes //image for /image.
        if segments[: len(root)] != root or (below[0] == b"" and len(below) > 1):
            return not_found()
        return below

    def getRequestHostname(self) -> bytes:  # noqa: N802
        """Always the same: the router only gets it for redirects, which it must never build from what a client says."""
        return b"localhost"

    def conditions(self) -> Conditions:
        """The conditional headers."""
        return Conditions(
            if_match=self.joined("If-Match"),
            if_none_match=self.joined("If-None-Match"),
            if_modified_since=self.header("If-Modified-Since"),
            if_unmodified_since=self.header("If-Unmodified-Since"),
            if_range=self.header("If-Range"),
        )

    def header(self, name: str) -> str | None:
        """A header that comes once; of several the last."""
        values = self._values(name)
        return values[-1] if values else None

    def joined(self, name: str) -> str | None:
        values = self._values(name)
        return ", ".join(values) if values else None

    def _values(self, name: str) -> list[str]:
        # Each byte is a character: what is no UTF-8 must not be an error, and nothing we read is beyond ASCII.
        return [value.decode("latin-1") for value in self.requestHeaders.getRawHeaders(name.encode("ascii"), [])]

    # What goes out

    def start(self, status: int, headers: list[Header]) -> None:
        """Status and headers of the answer; the body comes with :meth:`write`."""
        # Reason phrases are not cleaned on their way out: only ever constants of ours.
        self.setResponseCode(status, status_name(status).encode("ascii"))
        for name, value in headers:
            self._add_header(name, value)

    def answer(self, status: int, headers: list[Header], body: bytes) -> None:
        """An answer with a small body, but for :meth:`finish`; the body of HEAD is dropped on the way."""
        self.start(status, [*headers, ("Content-Length", str(len(body)))])
        self.write(body)

    def answer_error(self, error: ErrorAnswer) -> None:
        """A short page, or JSON for those who prefer it. Nothing is kept of what was to be the answer."""
        if self.startedWriting:
            self.abort()
            return
        connection = self.responseHeaders.getRawHeaders("Connection")
        self.responseHeaders = Headers({"Connection": connection} if connection else None)
        if self.of_api:
            form, body = error_answer(error, self.joined("Accept"))
        elif self.wants_page:
            self.site.error_page(self, error)
            return
        else:
            as_json = prefers_json(self.joined("Accept"))
            form = [("Content-Type", "application/json" if as_json else "text/html; charset=utf-8"), ("Vary", "Accept")]
            body = error.json() if as_json else error.page()
        headers = [*form, ("Content-Security-Policy", "default-src 'none'"), *error.headers]
        if error.status >= 500 or self.of_api:
            headers.append(("Cache-Control", "no-store"))
        self.answer(error.status, headers, body)

    @property
    def route(self) -> str:
        """What it counts as: see :mod:`qisd.web.traffic`."""
        place = self.place()
        return route_of(place[0]) if isinstance(place, list) else "page"

    @property
    def of_api(self) -> bool:
        """Whether errors are answered in the form of the API."""
        place = self.place()
        if isinstance(place, list):
            return place[0] == b"api" and b"tokenlogin" not in place[1:3]  # which is a page
        return self.path.startswith(f"{self.site.root}api/".encode("latin-1"))

    @property
    def wants_page(self) -> bool:
        """Whether a browser has asked for a page; where a picture or a script is wanted, few words are enough."""
        accept = self.joined("Accept") or ""
        if "text/html" not in accept.lower() or prefers_json(accept) or self.of_api:
            return False
        place = self.place()
        return not (isinstance(place, list) and (place[0] in _NO_PAGES or _EREZ.fullmatch(place[0])))

    def answer_failure(self, failure: Failure) -> None:
        """The answer to an exception."""
        self.answer_error(translate(failure, request_id=self.request_id, where=self.describe()))

    def answer_options(self, methods: str) -> None:
        """What OPTIONS asks for, and what a browser's preflight does."""
        self.answer(200, [("Allow", methods), *preflight(methods, self.site.settings)], b"")

    def finish_with(self, error: ErrorAnswer) -> None:
        """Answer without a handler."""
        self.answer_error(error)
        self.finish()

    def abort(self) -> None:
        """End the connection at once: the answer began, and can't be completed."""
        self._status = 500
        self.channel.abort()

    def write(self, data: bytes) -> None:
        if not self.startedWriting:
            self._complete_headers()
        super().write(data)

    def _complete_headers(self) -> None:
        self._answered = time.monotonic_ns()
        self.setHeader("Server", "qisd")
        self.setHeader("Date", format_date(self.site.reactor.seconds()))
        self.setHeader("X-Request-Id", self.request_id)
        self.setHeader("X-Time-Taken", str(self.app_us()))
        self.setHeader("X-Content-Type-Options", "nosniff")
        for name, value in (*cross_origin(self.header("Origin"), self.site.settings), *self.lasting):
            # What a preflight's answer says of the one address, all others say in general.
            if name != "Access-Control-Allow-Methods" or not self.responseHeaders.hasHeader(name):
                self._add_header(name, value)
        promise = https_promise(self)
        if promise is not None:
            self._add_header(*promise)
        self.channel.about_to_answer(self)

    def _add_header(self, name: str, value: str) -> None:
        if name == "Set-Cookie":  # each is a line of its own
            self.responseHeaders.addRawHeader(name, value)
            return
        earlier = self.responseHeaders.getRawHeaders(name) if name in _LISTS else None
        self.setHeader(name, ", ".join([*earlier, value]) if earlier else value)

    def processingFailed(self, reason: Failure) -> Failure:  # noqa: N802
        """Where klein and twisted.web turn with what nobody handled."""
        self.answer_failure(reason)
        self.finish()
        return reason

    # How it ends

    def finish(self) -> None:
        self._let_go_of_body()
        super().finish()

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        if self._complete is not None or (self._intake is not None and self._intake.admitted):
            self._status = self._status or CLIENT_GONE
            self.site.log(self)
        super().connectionLost(reason)
        self._let_go_of_body()

    def _let_go_of_body(self) -> None:
        if self._intake is not None:
            self._intake.discard()

    @property
    def gone(self) -> bool:
        """Whether the client went away."""
        return bool(self._disconnected)

    @property
    def being_answered(self) -> bool:
        return self._complete is not None and not self.finished

    def describe(self) -> str:
        """Client and request line, for logs."""
        return f'{self._client()} "{self._request_line()}"'

    def age_us(self) -> int:
        """Microseconds since the request began."""
        return (time.monotonic_ns() - self._began) // 1000

    def access_entry(self) -> AccessEntry:
        """For the access log, when all is over."""
        return AccessEntry(
            client=self._client(),
            forwarded_for=self._printable("X-Forwarded-For"),
            time=self.began_at,
            request_line=self._request_line(),
            status=self._status or self.code,
            body_bytes=self.sentLength,
            app_us=self.app_us(),
            total_us=self.age_us(),
            from_cache=self.from_cache,
            agent=self._printable("User-Agent"),
            referer=self._printable("Referer"),
            request_id=self.request_id,
            protocol="https" if self.isSecure() else "http",
        )

    def note_line(self, command: bytes, target: bytes, version: bytes) -> None:
        """Keep the request line, before anything is known to be right about it."""
        self.method, self.target, self.clientproto = command, target, version
        self.uri = _origin_form(target)
        self.path, _, self.raw_query = self.uri.partition(b"?")
        self._place = None

    def _request_line(self) -> str:
        if self.method.startswith(_UNSET):
            return "-"
        return printable(b" ".join((self.method, self.target, self.clientproto)))

    def _client(self) -> str:
        return str(getattr(self.client, "host", None) or "-")

    def _printable(self, name: str) -> str | None:
        values = self.requestHeaders.getRawHeaders(name.encode("ascii"))
        return printable(b", ".join(values)) if values else None

    def app_us(self) -> int:
        start = self._complete if self._complete is not None else self._began
        end = self._answered if self._answered is not None else time.monotonic_ns()
        return (end - start) // 1000

    def __repr__(self) -> str:
        return f"<QisRequest {self.describe()}>"


def _origin_form(target: bytes) -> bytes:
    """``target`` without scheme and host: what follows them decides where a request goes (RFC 9112, 3.2.2)."""
    found = _ABSOLUTE_FORM.match(target)
    if found is None:
        return target
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def segments_of(path: bytes) -> list[bytes] | ErrorAnswer:
    """The decoded segments of ``path``, as it stands in a request line, or what is to be said when it has none."""
    if not path.startswith(b"/"):
        return ErrorAnswer(status=400, message="The request target is not an address of this server.")
    segments = [unquote_to_bytes(segment) for segment in path[1:].split(b"/")]
    try:
        path.decode("ascii")
        b"/".join(segments).decode("utf-8")
    except UnicodeDecodeError:
        return ErrorAnswer(status=400, message="The address is not properly encoded UTF-8.")
    if any(b"/" in segment or _CONTROL.search(segment) for segment in segments):
        return not_found()
    return segments
