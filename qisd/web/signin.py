"""``/login/``, ``/logout/`` and ``/api/tokenlogin/``: into a session and out of it."""

from __future__ import annotations

import html
from urllib.parse import quote

from qisd.access.entry import Entry
from qisd.access.sessions import Sessions
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, QisError, TooManyRequests
from qisd.imaging.request import parse_query_string
from qisd.web.api.dispatch import CsrfFailed, parameters_of
from qisd.web.headers import Header
from qisd.web.identity import Identity, check_way, origin, session_cookie, to_https
from qisd.web.page import page
from qisd.web.request import QisRequest

_PRIVATE: list[Header] = [("Cache-Control", "no-store"), ("Referrer-Policy", "same-origin")]

_FORM = """<form method="post" action="{action}">
{message}
<label>User name <input name="username" value="{username}" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<input type="hidden" name="next" value="{next}">
<button type="submit">Sign in</button>
</form>"""


class SignInPages:
    """The handlers of the pages by which people sign in and out."""

    def __init__(self, *, identity: Identity, entry: Entry, sessions: Sessions) -> None:
        self._identity = identity
        self._entry = entry
        self._sessions = sessions

    async def login(self, request: QisRequest) -> None:
        """The form, and what becomes of it."""
        if to_https(request):
            return
        if request.method == b"POST":
            await self._log_in(request)
            return
        target = safe_target(parse_query_string(request.raw_query).get("next"), request)
        visitor = await self._identity.of(request, first_steps=True)
        if visitor.anonymous:
            _form(request, target=target)
        else:
            _redirect(request, target)

    async def _log_in(self, request: QisRequest) -> None:
        parameters = parameters_of(request)
        username = parameters.text("username") or ""
        target = safe_target(parameters.text("next"), request)
        _check_same_site(request)
        try:
            secret, _ = await self._entry.session(
                username,
                parameters.text("password") or "",
                address=origin(request).address,
                request_id=request.request_id,
                agent=request.header("User-Agent") or "",
            )
        except (Forbidden, BadParameter, TooManyRequests) as error:
            _form(request, target=target, username=username, error=error)
            return
        _redirect(request, target, session_cookie(request, secret))

    async def logout(self, request: QisRequest) -> None:
        """End the session. By GET only from pages of ours: a picture in a foreign page must log nobody out."""
        visitor = await self._identity.of(request, first_steps=True)
        if visitor.by == "session":
            if request.method == b"POST":
                token = parameters_of(request).text("_csrf_token") or request.header("X-CSRF-Token") or ""
                if visitor.session is None or not self._sessions.csrf_holds(visitor.session, token):
                    raise CsrfFailed
            else:
                _check_same_site(request)
            await self._entry.end(visitor, visitor.session)
        _redirect(request, f"{request.site.root}login/", session_cookie(request, None))

    async def token_login(self, request: QisRequest) -> None:
        """From a token in the address, or a ticket in a form, to a session in a browser."""
        check_way(request)
        if request.method == b"POST":
            parameters = parameters_of(request)
            secret, target = parameters.text("ticket") or "", parameters.text("next")
            made, _ = await self._entry.use_ticket(
                secret,
                address=origin(request).address,
                request_id=request.request_id,
                agent=request.header("User-Agent") or "",
            )
        else:
            query = parse_query_string(request.raw_query)
            target = query.get("next")
            made, _ = await self._entry.session_of(
                await self._holder(request, query.get("token", "")), agent=request.header("User-Agent") or ""
            )
        cookie = session_cookie(request, made)
        if target:
            _redirect(request, safe_target(target, request), cookie)
        else:
            body = page(request, title="Signed in", main="<p>You are signed in.</p>")
            request.answer(200, [*body.headers, *_PRIVATE, cookie], body.html)

    async def _holder(self, request: QisRequest, token: str) -> Visitor:
        if not token:
            raise BadParameter("token", "must be given")
        visitor = await self._identity.by_token(request, token)
        if visitor is None:
            raise Forbidden("This token does not hold")
        return visitor


def safe_target(target: str | None, request: QisRequest) -> str:
    """Where to go next: an address of this server, or its first page for whatever else is asked for."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return request.site.root
    if any(ord(character) < 32 or ord(character) == 127 for character in target):
        return request.site.root
    return quote(target, safe="/?&=%#:;,+@!$'()*~-._")


def _form(request: QisRequest, *, target: str, username: str = "", error: QisError | None = None) -> None:
    message = f'<p class="error" role="alert">{html.escape(error.message)}</p>' if error else ""
    form = _FORM.format(
        action=html.escape(f"{request.site.root}login/"),
        message=message,
        username=html.escape(username[:120]),
        next=html.escape(target),
    )
    body = page(request, title="Sign in", main=form)
    retry: list[Header] = []
    if error is not None and error.retry_after is not None:
        retry = [("Retry-After", str(error.retry_after))]
    status = 429 if isinstance(error, TooManyRequests) else 200
    request.answer(status, [*body.headers, *_PRIVATE, *retry], body.html)


def _redirect(request: QisRequest, target: str, *more: Header) -> None:
    request.answer(302, [("Location", target), *_PRIVATE, *more], b"")


def _check_same_site(request: QisRequest) -> None:
    """:raises Forbidden: another site's page has sent the browser here."""
    site, sent_by = request.header("Sec-Fetch-Site"), request.header("Origin")
    foreign = site not in (None, "same-origin", "same-site", "none")
    if sent_by == "null":  # a page that hides where it is from; the browser must vouch for it then
        foreign = foreign or site is None
    elif sent_by is not None:
        foreign = foreign or sent_by.partition("://")[2] != (origin(request).host or "")
    if foreign:
        raise Forbidden("This can only be done from a page of this server")
