"""The way of every page: who asks and may they, the handler, the frame; and what becomes of errors."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from qisd.access.levels import Flag
from qisd.access.visitor import ANONYMOUS, Visitor
from qisd.errors import BadParameter, Forbidden, NotAuthenticated, QisError
from qisd.imaging.request import parse_query_string
from qisd.web.api.dispatch import CsrfFailed
from qisd.web.console.frame import Frame, Looker
from qisd.web.console.menus import is_admin
from qisd.web.console.page import Address, Handler, Outcome, Page, PageCall, Redirect, Who
from qisd.web.errors import ErrorAnswer, translate
from qisd.web.identity import Identity, must_change_password, origin, to_https, to_log_in

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_PRIVATE = ("Cache-Control", "no-store")
_READS = (b"GET", b"HEAD")
_COMPLETE = ("/", "https://", "http://")
_TRUE = ("1", "true", "yes", "on")


class Tokens(Protocol):
    """Makes and checks what proves that a form was sent from a page of a session; see
    :class:`qisd.access.sessions.Sessions`.
    """

    def csrf_token(self, session_id: int) -> str: ...

    def csrf_holds(self, session_id: int, token: str) -> bool: ...


class PageDispatcher:
    """Runs pages.

    :param identity: finds who asks; None: nobody can be known yet.
    :param name_of: what a user is called.
    :param tokens: of sessions; None: there can be none yet.
    :param denied: told who was refused what, and why.
    """

    def __init__(
        self,
        frame: Frame,
        *,
        identity: Identity | None = None,
        tokens: Tokens | None = None,
        name_of: Callable[[Visitor], Awaitable[str]] | None = None,
        denied: Callable[[Visitor, Callable[[], str], str], None] = lambda visitor, request, reason: None,
    ) -> None:
        self.frame = frame
        self._identity = identity
        self._tokens = tokens
        self._name_of = name_of
        self._denied = denied

    async def run(self, request: QisRequest, declared: Address, handler: Handler, parts: Mapping[str, Any]) -> None:
        """Answer ``request`` by a page."""
        visitor: Visitor | None = None
        try:
            if not declared.public and to_https(request):
                return
            visitor = await self._visitor(request, public=declared.public)
            if self._goes_elsewhere(request, declared, visitor):
                return
            _check_right(declared, visitor)
            call = self._call(request, declared, visitor)
            outcome = await handler(call, **parts)
        except CancelledError:
            raise
        except Exception as error:
            if isinstance(error, Forbidden) and visitor is not None:
                self._denied(visitor, partial(_named, request), error.message)
            await self.failed(request, Failure(error), visitor=visitor)
            return
        await self._send(request, outcome, visitor, embed=call.embed)

    async def failed(self, request: QisRequest, failure: Failure, *, visitor: Visitor | None = None) -> None:
        """Tell what went wrong, in the frame that whoever asks is used to."""
        answer = translate(failure, request_id=request.request_id, where=request.describe())
        await self.tell(request, answer, visitor=visitor)

    async def tell(self, request: QisRequest, answer: ErrorAnswer, *, visitor: Visitor | None = None) -> None:
        """See :meth:`failed`."""
        if request.startedWriting or not request.wants_page:
            request.answer_error(answer)
            return
        if visitor is None:
            visitor = await self._reader(request)
        self.frame.error(request, answer, await self._looker(visitor, embed=_embedded(request)))

    async def _send(self, request: QisRequest, outcome: Outcome, visitor: Visitor, *, embed: bool) -> None:
        if isinstance(outcome, Page):
            self.frame.answer(request, outcome, await self._looker(visitor, embed=embed))
        elif isinstance(outcome, Redirect):
            target = outcome.target if outcome.target.startswith(_COMPLETE) else f"{request.site.root}{outcome.target}"
            request.answer(outcome.status, [("Location", target), _PRIVATE, *outcome.headers], b"")
        elif outcome.status == 204:
            request.start(outcome.status, [_PRIVATE, *outcome.headers])
            request.write(b"")
        else:
            request.answer(outcome.status, [_PRIVATE, *outcome.headers], outcome.body)

    async def _visitor(self, request: QisRequest, *, public: bool) -> Visitor:
        """Who asks; on public pages a stranger, where that can't be found out now.

        :raises NotAuthenticated: a good token came without HTTPS where that is wanted.
        """
        if self._identity is None:
            return ANONYMOUS
        find = self._identity.or_stranger if public else self._identity.of
        return await find(request, first_steps=True)

    async def _reader(self, request: QisRequest) -> Visitor:
        """Who reads of an error; nobody in particular, where the error is that this can't be known."""
        try:
            return await self._visitor(request, public=True)
        except QisError:
            return ANONYMOUS

    async def _looker(self, visitor: Visitor, *, embed: bool) -> Looker:
        """With what the frame shows of ``visitor``; who can't be asked for now is called by the user name."""
        csrf = ""
        if self._tokens is not None and visitor.by == "session" and visitor.session is not None:
            csrf = self._tokens.csrf_token(visitor.session)
        name = visitor.username or ""
        if self._name_of is not None and not visitor.anonymous:
            with contextlib.suppress(QisError):
                name = await self._name_of(visitor)
        return Looker(visitor=visitor, name=name, csrf=csrf, embed=embed)

    def _goes_elsewhere(self, request: QisRequest, declared: Address, visitor: Visitor) -> bool:
        """Whether the answer was that something else comes first: to log in, or a password of one's own."""
        if visitor.anonymous and declared.who is not Who.ANYBODY:
            if request.method not in _READS:
                raise NotAuthenticated
            to_log_in(request)
            return True
        if must_change_password(visitor) and not declared.first_steps:
            request.answer(302, [("Location", f"{request.site.root}account/"), _PRIVATE], b"")
            return True
        return False

    def _call(self, request: QisRequest, declared: Address, visitor: Visitor) -> PageCall:
        query = _firsts(parse_query_string(request.raw_query).items())
        form = _firsts(request.body.pairs) if declared.post else {}
        if declared.post and declared.csrf:
            self._check_sender(request, visitor, form.get("_csrf_token") or request.header("X-CSRF-Token") or "")
        return PageCall(request=request, visitor=visitor, query=query, form=form, embed=_embedded(request))

    def _check_sender(self, request: QisRequest, visitor: Visitor, token: str) -> None:
        """:raises QisError: a form was not sent from a page of ours."""
        if visitor.by == "session":
            if self._tokens is None or visitor.session is None or not self._tokens.csrf_holds(visitor.session, token):
                raise CsrfFailed
        elif visitor.anonymous:
            check_same_site(request)


def check_same_site(request: QisRequest) -> None:
    """:raises Forbidden: another site's page has sent the browser here."""
    site, sent_by = request.header("Sec-Fetch-Site"), request.header("Origin")
    foreign = site not in (None, "same-origin", "same-site", "none")
    if sent_by == "null":  # a page that hides where it is from; the browser must vouch for it then
        foreign = foreign or site is None
    elif sent_by is not None:
        foreign = foreign or sent_by.partition("://")[2] != (origin(request).host or "")
    if foreign:
        raise Forbidden("This can only be done from a page of this server")


def _check_right(declared: Address, visitor: Visitor) -> None:
    """:raises Forbidden: the page is for those with a system permission that is missing."""
    if isinstance(declared.who, Flag):
        visitor.require_flag(declared.who)
    elif declared.who is Who.ANY_ADMIN and not is_admin(visitor):
        raise Forbidden("Only administrators may see this page")


def _firsts(pairs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _embedded(request: QisRequest) -> bool:
    try:
        return parse_query_string(request.raw_query).get("embed", "").lower() in _TRUE
    except BadParameter:
        return False


def _named(request: QisRequest) -> str:
    """What is asked for, without a query."""
    return f"{request.method.decode('ascii', 'replace')} {request.path.decode('ascii', 'replace')}"
