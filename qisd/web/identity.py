"""Who is behind a request, and whether they may come this way."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from qisd.access.permissions import Permissions
from qisd.access.sessions import Sessions
from qisd.access.visitor import Visitor
from qisd.errors import NotAuthenticated, StoreUnavailable
from qisd.store.sessions import Kind, SessionRow
from qisd.store.users import MUST_CHANGE
from qisd.web.proxies import Origin, origin_of
from qisd.web.urls import Urls

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_HEADER_MAX = 4096
_PROOFS: tuple[Kind, ...] = ("token", "key")


class Identity:
    """Finds the visitor: by a token, else by the cookie of a session, else nobody in particular."""

    def __init__(self, *, permissions: Permissions, sessions: Sessions) -> None:
        self._permissions = permissions
        self._sessions = sessions

    async def of(self, request: QisRequest, *, first_steps: bool = False) -> Visitor:
        """The visitor behind ``request``. What proves nothing any more is as good as nothing at all.

        :param first_steps: those whose password must be changed first are known as well; whoever asks for that sees to
            it that they come no farther. For everything else they are strangers.
        :raises NotAuthenticated: a good token came without HTTPS where that is wanted.
        :raises StoreUnavailable: it can't be found out.
        """
        came = origin(request)
        visitor = await self._holder(request, lambda anew: self._row(request, anew=anew))
        if visitor is not None:
            if request.site.settings.internal_browsing_ssl and not came.secure:
                raise NotAuthenticated("HTTPS must be used to access this function")
            if first_steps or not must_change_password(visitor):
                return visitor
        return self._permissions.anonymous(address=came.address, request_id=request.request_id)

    async def or_stranger(self, request: QisRequest, *, first_steps: bool = False) -> Visitor:
        """As :meth:`of`, but for the public: whoever can't be recognised now is a stranger."""
        try:
            return await self.of(request, first_steps=first_steps)
        except StoreUnavailable:
            return self._permissions.anonymous(address=origin(request).address, request_id=request.request_id)

    async def by_token(self, request: QisRequest, token: str) -> Visitor | None:
        """The visitor whom ``token`` belongs to, wherever in the request it was; None when it does not hold."""
        return await self._holder(request, lambda anew: self._sessions.find("token", token, anew=anew))

    async def _holder(
        self, request: QisRequest, find: Callable[[bool], Awaitable[SessionRow | None]]
    ) -> Visitor | None:
        """The visitor behind what ``find`` finds; with True it is to look at the database.

        What another process has just changed, an account that was made, a password of one's own, is known here of the
        session and not of its user, or the other way round. Before that counts as the end, both are asked for.
        """
        row = await find(False)
        visitor = self._visitor(request, row)
        if row is not None and visitor is None:
            row = await find(True)
            visitor = self._visitor(request, row)
            if row is not None and visitor is None:
                await self._permissions.catch_up()
                visitor = self._visitor(request, row)
        return visitor

    def _visitor(self, request: QisRequest, row: SessionRow | None) -> Visitor | None:
        if row is None:
            return None
        return self._permissions.holder(row, address=origin(request).address, request_id=request.request_id)

    async def _row(self, request: QisRequest, *, anew: bool) -> SessionRow | None:
        token = token_of(request)
        if token:
            for kind in _PROOFS:
                row = await self._sessions.find(kind, token, anew=anew)
                if row is not None:
                    return row
        secret = session_secret(request)
        return await self._sessions.find("session", secret, anew=anew) if secret else None


def must_change_password(visitor: Visitor) -> bool:
    """Whether others know the visitor's password: it opens nothing but the way to another one."""
    return visitor.account is not None and visitor.account.password_state == MUST_CHANGE


def check_way(request: QisRequest) -> None:
    """The rules about port and scheme of what is not for the public.

    :raises NotAuthenticated: the request came by another way.
    """
    settings = request.site.settings
    came = origin(request)
    if settings.internal_browsing_port and came.port != settings.internal_browsing_port:
        raise NotAuthenticated(f"This URL is not available on port {came.port}")
    if settings.internal_browsing_ssl and not came.secure:
        raise NotAuthenticated("HTTPS must be used to access this function")


def to_https(request: QisRequest) -> bool:
    """Send a browser that has come without HTTPS, where it is wanted, to the same page with it.

    :returns: whether that was the answer.
    :raises NotAuthenticated: it can't be sent there.
    """
    try:
        check_way(request)
    except NotAuthenticated:
        came = origin(request)
        target = address_by_https(request, came)
        if came.secure or target is None or request.site.settings.http_redirect == "none":
            raise
        request.answer(302, [("Location", target), ("Cache-Control", "no-store")], b"")
        return True
    return False


def address_by_https(request: QisRequest, came: Origin) -> str | None:
    """The same address by HTTPS; None: it is not spoken here."""
    port = request.site.https_port
    if port is None:
        return None
    host = request.site.settings.public_host_name or came.host or "localhost"
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    suffix = "" if port == 443 else f":{port}"
    return f"https://{name}{suffix}{request.uri.decode('latin-1')}"


def to_log_in(request: QisRequest) -> None:
    """Send a browser to the log-in page, and back here afterwards."""
    target = quote(request.uri.decode("latin-1"), safe="/")
    headers = [("Location", f"{request.site.root}login/?next={target}"), ("Cache-Control", "no-store")]
    request.answer(302, headers, b"")


def origin(request: QisRequest) -> Origin:
    """Where the request comes from."""
    settings = request.site.settings
    peer = str(getattr(request.client, "host", None) or "")
    secure = bool(request.isSecure())
    if not settings.proxy_servers:
        return Origin(address=peer, secure=secure, host=request.header("Host"))
    return origin_of(
        peer=peer,
        secure=secure,
        host=request.header("Host"),
        forwarded_for=request.joined("X-Forwarded-For"),
        forwarded_proto=request.joined("X-Forwarded-Proto"),
        forwarded_host=request.joined("X-Forwarded-Host"),
        proxies=settings.proxy_servers,
        trusted=settings.proxy_addresses,
    )


def urls(request: QisRequest) -> Urls:
    """Addresses as the one who asks should use them."""
    settings = request.site.settings
    if settings.public_host_name:
        return Urls(origin=f"{settings.preferred_url_scheme}://{settings.public_host_name}", root=request.site.root)
    came = origin(request)
    return Urls(origin=f"{came.scheme}://{came.host or 'localhost'}", root=request.site.root)


def basic_credentials(request: QisRequest) -> tuple[str, str] | None:
    """User name and password of HTTP Basic authentication; None without or when they can't be read."""
    header = request.header("Authorization")
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _HEADER_MAX:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, _, password = text.partition(":")
    return name, password


def token_of(request: QisRequest) -> str | None:
    """What may be a token: the user name of Basic, or a bearer token."""
    header = request.header("Authorization")
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    credentials = basic_credentials(request)
    return credentials[0] if credentials else None


def session_secret(request: QisRequest) -> str | None:
    """The session's cookie."""
    value = request.getCookie(request.site.settings.session_cookie_name.encode("ascii"))
    return value.decode("latin-1") if value else None


def session_cookie(request: QisRequest, secret: str | None) -> tuple[str, str]:
    """The header that sets the session's cookie; None removes it."""
    settings = request.site.settings
    parts = [f"{settings.session_cookie_name}={secret or ''}", f"Path={request.site.root.rstrip('/') or '/'}"]
    if secret is None:
        parts.append("Max-Age=0")
    if settings.session_cookie_httponly:
        parts.append("HttpOnly")
    if settings.secure_cookies:
        parts.append("Secure")
    parts.append(f"SameSite={settings.session_cookie_samesite}")
    return "Set-Cookie", "; ".join(parts)
