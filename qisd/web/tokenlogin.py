"""``/api/tokenlogin/``: from a token or a ticket to a session in a browser."""

from __future__ import annotations

from qisd.access.entry import Entry
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden
from qisd.imaging.request import parse_query_string
from qisd.web.api.dispatch import parameters_of
from qisd.web.console.frame import Frame
from qisd.web.console.page import Page
from qisd.web.console.targets import safe_target
from qisd.web.headers import Header
from qisd.web.identity import Identity, check_way, origin, session_cookie
from qisd.web.request import QisRequest

_PRIVATE: list[Header] = [("Cache-Control", "no-store"), ("Referrer-Policy", "same-origin")]


class TokenLogIn:
    """Turns what scripts have into what browsers have."""

    def __init__(self, *, identity: Identity, entry: Entry, frame: Frame) -> None:
        self._identity = identity
        self._entry = entry
        self._frame = frame

    async def answer(self, request: QisRequest) -> None:
        """From a token in the address, or a ticket in a form, to a session; then on to where it was wanted for."""
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
            request.answer(302, [("Location", safe_target(request, target)), *_PRIVATE, cookie], b"")
        else:
            page = Page(template="signed_in.html", title="", area="login", headers=[cookie])
            self._frame.answer(request, page)

    async def _holder(self, request: QisRequest, token: str) -> Visitor:
        if not token:
            raise BadParameter("token", "must be given")
        visitor = await self._identity.by_token(request, token)
        if visitor is None:
            raise Forbidden("This token does not hold")
        return visitor
