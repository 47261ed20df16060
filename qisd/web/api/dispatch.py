"""The way of every API call: who calls and may they, the handler, the envelope and its headers."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from qisd.access.sessions import Sessions
from qisd.access.visitor import Visitor
from qisd.errors import Forbidden, NotAuthenticated, OutOfDate, QisError
from qisd.imaging.request import parse_query_string
from qisd.web.answers import send_pieces
from qisd.web.api import envelope
from qisd.web.api.answer import Answer, Stream
from qisd.web.api.endpoint import Accepted, Call, Endpoint, Page, Parameters, Partly, Several, Versioned, WithHeaders
from qisd.web.api.idempotency import Idempotency
from qisd.web.api.paging import PagingForm, page_links
from qisd.web.conditional import parse_tags
from qisd.web.errors import translate
from qisd.web.headers import Header
from qisd.web.identity import Identity, check_way, must_change_password, urls

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

Bound = Callable[[Call], Awaitable[Any]]

_READS = (b"GET", b"HEAD")
_BARE = (204, 304)
_ETAG_DIGITS = 32
_VARY = ("Vary", "Authorization, Cookie")
_PRIVATE = ("Cache-Control", "no-store")
_CHECKED = ("Cache-Control", "no-cache")


class CsrfFailed(QisError):
    """A write by cookie without the token that only pages of ours have."""

    status = 400
    code = "csrf"

    def __init__(self) -> None:
        super().__init__("missing CSRF token or one of another session")


@attrs.frozen(kw_only=True)
class Lines:
    """JSON lines, of which the first page is there."""

    first: Sequence[Any]
    rest: AsyncIterator[Sequence[Any]]
    visitor: Visitor


@attrs.frozen(kw_only=True)
class _Made:
    """What a handler has made: its data as JSON, and the entity tag of that.

    :param line: the status of the answer as a whole; ``status`` is that in the envelope.
    """

    data: Any
    json: bytes
    status: int
    line: int
    message: str
    etag: str
    headers: list[Header]


class Dispatcher:
    """Runs endpoints.

    :param refresh: called after each successful write with the address of the endpoint, so that what was changed holds
        at once on this server.
    :param denied: told who was refused what, and why.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        sessions: Sessions,
        idempotency: Idempotency,
        refresh: Callable[[str], Awaitable[None]],
        denied: Callable[[Visitor, Callable[[], str], str], None] = lambda visitor, request, reason: None,
    ) -> None:
        self._identity = identity
        self._sessions = sessions
        self._idempotency = idempotency
        self._refresh = refresh
        self._denied = denied

    async def run(
        self, request: QisRequest, declared: Endpoint, handler: Bound, *, twin: Twin | None, parts: Mapping[str, Any]
    ) -> None:
        """Answer ``request`` by an endpoint.

        :param twin: the GET that shows what the endpoint is about.
        :param parts: the parts of the address.
        """
        request.lasting = declared.headers
        answer = await self.answer(request, declared, handler, twin=twin, parts=parts)
        if isinstance(answer, Lines):
            await _write_lines(request, answer)
        elif isinstance(answer, Stream):
            await _write_stream(request, answer)
        else:
            _write(request, answer, as_text=_wants_text(request) and answer.status != 413)

    async def answer(
        self, request: QisRequest, declared: Endpoint, handler: Bound, *, twin: Twin | None, parts: Mapping[str, Any]
    ) -> Answer | Lines | Stream:
        """The answer to ``request``, which may be part of another one. See :meth:`run`."""
        visitor = Visitor()
        try:
            if request.method == b"OPTIONS":  # never looks at credentials: preflights must not fail
                options: Answer = await handler(Call(visitor=Visitor(), urls=urls(request), request=request))
                return options
            if declared.internal:
                check_way(request)
            visitor = await self._identity.of(request, first_steps=True)
            if declared.login and visitor.anonymous:
                raise NotAuthenticated
            parameters = parameters_of(request)
            self._check_csrf(request, declared, visitor, parameters)
            _check_password(declared, visitor, parts)
            if declared.flag is not None:
                visitor.require_flag(declared.flag)
            call = Call(visitor=visitor, parts=parts, parameters=parameters, urls=urls(request), request=request)
            if declared.plain:
                plain: Answer | Stream = await handler(call)
                return plain
            if declared.lines:
                pages = await handler(call)
                return Lines(first=await anext(pages, []), rest=pages, visitor=visitor)
            if request.method in _READS:
                return _conditional(request, call, await self._read(declared, handler, call))
            if request.method == b"POST":
                return await self._idempotency.once(call, declared, lambda: self._done(declared, handler, twin, call))
            return await self._done(declared, handler, twin, call)
        except CancelledError:
            raise
        except Exception as error:
            if isinstance(error, Forbidden):
                self._denied(visitor, partial(_named, request), error.message)
            return self._error(request, declared, error)

    def _check_csrf(self, request: QisRequest, declared: Endpoint, visitor: Visitor, parameters: Parameters) -> None:
        if visitor.by == "session" and declared.csrf and request.method not in _READS:
            token = parameters.text("_csrf_token") or request.header("X-CSRF-Token") or ""
            if visitor.session is None or not self._sessions.csrf_holds(visitor.session, token):
                raise CsrfFailed

    async def _done(self, declared: Endpoint, handler: Bound, twin: Twin | None, call: Call) -> Answer:
        call = await self._with_state(declared, twin, call)
        made = _made(await handler(call))
        await self._refresh(declared.path)
        caching = [_PRIVATE, _VARY] if declared.secret else _caching(call.visitor)
        return Answer(status=made.line, body=_success(made), headers=[*made.headers, *caching])

    async def _read(self, declared: Endpoint, handler: Bound, call: Call) -> _Made:
        if not declared.listing:
            return _made(await handler(call))
        paging = call.parameters.read(PagingForm)
        most = call.request.site.settings.api_max_list
        call = attrs.evolve(call, start=paging.start, limit=paging.limit or most)
        items = await handler(call)
        if isinstance(items, Versioned):  # one was asked for by name
            return _made(items)
        if not isinstance(items, Page):
            cut = items[paging.start : paging.start + (call.limit or most)]
            items = Page(items=cut, total=len(items))
        made = _made(list(items.items))
        return attrs.evolve(
            made, headers=[*made.headers, ("X-Total-Count", str(items.total)), *page_links(call, items.total)]
        )

    async def _with_state(self, declared: Endpoint, twin: Twin | None, call: Call) -> Call:
        """The call with what it refers to: the state that PATCH changes, the version that If-Match names."""
        wanted = call.request.joined("If-Match")
        patch = call.request.method == b"PATCH"
        if twin is None or not (patch or wanted):
            return call
        state = await self._read(twin.declared, twin.handler, attrs.evolve(call, parameters=Parameters()))
        if wanted and not _names(wanted, state.etag, strong=True):
            raise _Outdated(state)
        version = int(state.etag.partition("-")[0]) if wanted and "-" in state.etag and wanted.strip() != "*" else None
        base = None
        if patch:
            data = msgspec.to_builtins(state.data, builtin_types=(datetime.date, datetime.datetime))
            base = declared.base(state.data) if declared.base is not None else data
        return attrs.evolve(call, version=version, base=base)

    def _error(self, request: QisRequest, declared: Endpoint, error: Exception) -> Answer:
        answer = translate(Failure(error), request_id=request.request_id, where=request.describe())
        answer = attrs.evolve(answer, reason_alone=declared.reason_alone)
        state = error.state if isinstance(error, _Outdated) else None
        headers, body = envelope.error_answer(
            answer, request.joined("Accept"), data=msgspec.Raw(state.json) if state else None
        )
        headers += [*answer.headers, _PRIVATE, *([_tag(state.etag)] if state else [])]
        credentials = request.header("Authorization") or ""
        if answer.status == 401 and credentials.lower().startswith("basic"):
            headers.append(("WWW-Authenticate", 'Basic realm="qisd"'))
        return Answer(status=answer.status, body=body, headers=headers)


def _named(request: QisRequest) -> str:
    """What is asked for, without a query, which may hold secrets."""
    return f"{request.method.decode('ascii', 'replace')} {request.path.decode('ascii', 'replace')}"


def _check_password(declared: Endpoint, visitor: Visitor, parts: Mapping[str, Any]) -> None:
    """:raises Forbidden: the password is one that others know, and this is not the way to another one."""
    if not must_change_password(visitor):
        return
    if not declared.first_steps or parts.get("id", visitor.user_id) != visitor.user_id:
        raise Forbidden("The password of this account must be changed first")


@attrs.frozen(kw_only=True)
class Twin:
    """A GET with its handler."""

    declared: Endpoint
    handler: Bound


class _Outdated(OutOfDate):
    """Somebody else was first; the answer shows what they have made of it."""

    def __init__(self, state: _Made) -> None:
        super().__init__("Somebody else has changed this meanwhile")
        self.state = state


def parameters_of(request: QisRequest) -> Parameters:
    """The parameters of a request, from where its method has them.

    :raises BadParameter: the body is neither form nor JSON object.
    """
    if request.method in _READS:
        return Parameters(texts=tuple(parse_query_string(request.raw_query).items()))
    body = request.body
    if body.kind == "json":
        return Parameters(document=body.json)
    return Parameters(texts=tuple(body.pairs))


def _made(result: Any) -> _Made:
    version, status, message = None, 200, "OK"
    if isinstance(result, Accepted):
        status, message, result = 202, "OK task accepted", result.data
    line = status
    if isinstance(result, Several):
        line, result = 207, result.data
    headers: list[Header] = [envelope.JSON]
    if isinstance(result, Partly):
        if result.error is not None:
            line, message = result.error.status, envelope.error_message(result.error)
            status = line
        result = result.data
    if isinstance(result, WithHeaders):
        headers += result.headers
        result = result.data
    if isinstance(result, Versioned):
        version, result = result.version, result.data
    encoded = envelope.encoded(result)
    digest = hashlib.sha256(encoded).hexdigest()[:_ETAG_DIGITS]
    etag = digest if version is None else f"{version}-{digest}"
    return _Made(data=result, json=encoded, status=status, line=line, message=message, etag=etag, headers=headers)


def etag_of(result: Any) -> str:
    """The entity tag, without quotes, of the answer that ``result`` makes."""
    return _made(result).etag


def _success(made: _Made) -> bytes:
    return envelope.success(made.json, status=made.status, message=made.message)


def _conditional(request: QisRequest, call: Call, made: _Made) -> Answer:
    headers = [*made.headers, *_caching(call.visitor), _tag(made.etag)]
    wanted = request.joined("If-None-Match")
    if wanted is not None and _names(wanted, made.etag, strong=False):
        return Answer(status=304, body=b"", headers=[header for header in headers if header != envelope.JSON])
    return Answer(status=made.status, body=_success(made), headers=headers)


def _caching(visitor: Visitor) -> list[Header]:
    return [_CHECKED if visitor.anonymous else _PRIVATE, _VARY]


def _tag(etag: str) -> Header:
    return "ETag", f'"{etag}"'


def _names(condition: str, etag: str, *, strong: bool) -> bool:
    return any(tag.any or (tag.text == etag and not (strong and tag.weak)) for tag in parse_tags(condition))


async def _write_lines(request: QisRequest, answer: Lines) -> None:
    """Answer with JSON lines. An error after the first page cuts the connection."""

    async def pieces() -> AsyncIterator[bytes]:
        yield envelope.lines(answer.first)
        async for page in answer.rest:
            yield envelope.lines(page)

    request.start(200, [envelope.JSON_LINES, *_caching(answer.visitor)])
    if request.method == b"HEAD":
        request.write(b"")
        return
    await send_pieces(request, pieces())


async def _write_stream(request: QisRequest, answer: Stream) -> None:
    request.start(answer.status, answer.headers)
    try:
        if request.method == b"HEAD":
            request.write(b"")
        else:
            await send_pieces(request, answer.pieces)
    finally:
        await answer.pieces.aclose()


def _wants_text(request: QisRequest) -> bool:
    """Old browsers post forms into a hidden frame, and can read nothing but a text there."""
    if request.method in _READS or parameters_of(request).text("api_json_as_text") != "true":
        return False
    return not parse_query_string(request.raw_query).get("jsonp")


def _write(request: QisRequest, answer: Answer, *, as_text: bool) -> None:
    headers: Sequence[Header] = answer.headers
    status = answer.status
    if as_text:
        headers = [(name, value) for name, value in headers if name != "Content-Type"]
        headers = [*headers, ("Content-Type", "text/plain; charset=utf-8")]
        status = 200
    if status in _BARE:
        request.start(status, list(headers))
        request.write(b"")
    else:
        request.answer(status, list(headers), answer.body)
