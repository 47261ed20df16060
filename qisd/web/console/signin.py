"""``/login/`` and ``/logout/``: into a session and out of it."""

from __future__ import annotations

from collections.abc import Callable

from qisd.access.entry import Entry
from qisd.errors import BadParameter, Forbidden, QisError, StoreUnavailable, TooManyRequests
from qisd.web.console.dispatch import check_same_site
from qisd.web.console.frame import POLICY
from qisd.web.console.page import Page, PageCall, Redirect, Who, address
from qisd.web.console.targets import origin_of, safe_target
from qisd.web.headers import Header
from qisd.web.identity import origin, session_cookie

_NAME_MAX = 120


class SignInPages:
    """The pages by which people sign in and out.

    :param directory: whether accounts of the company's directory work here.
    """

    def __init__(self, *, entry: Entry, directory: Callable[[], bool]) -> None:
        self._entry = entry
        self._directory = directory

    @address("/login/", who=Who.ANYBODY, first_steps=True)
    async def login(self, call: PageCall) -> Page | Redirect:
        """The form; those who have signed in already go on."""
        target = safe_target(call.request, call.query.get("next"))
        if not call.visitor.anonymous:
            return Redirect(target=target)
        return await self._form(target=target)

    @address("/login/", who=Who.ANYBODY, first_steps=True, post=True, csrf=False)
    async def log_in(self, call: PageCall) -> Page | Redirect:
        """A session for those whose name and password belong together; else the form again, with what was typed."""
        target = safe_target(call.request, call.form.get("next"))
        username = call.form.get("username", "")
        try:
            check_same_site(call.request)
        except Forbidden:
            return await self._form(target=target, username=username, again=True)
        if not username.strip() or not call.form.get("password"):
            return await self._form(target=target, username=username, missing=True)
        try:
            secret, _ = await self._entry.session(
                username,
                call.form["password"],
                address=origin(call.request).address,
                request_id=call.request.request_id,
                agent=call.request.header("User-Agent") or "",
            )
        except (Forbidden, BadParameter, TooManyRequests) as error:
            return await self._form(target=target, username=username, error=error)
        return Redirect(target=target, headers=[session_cookie(call.request, secret)])

    @address("/logout/", who=Who.ANYBODY, first_steps=True)
    async def ask(self, call: PageCall) -> Page | Redirect:
        """Nothing ends by an address alone: a picture in a foreign page must log nobody out."""
        if call.visitor.by != "session":
            return Redirect(target="login/")
        return Page(template="logout.html", title="Sign out", area="login")

    @address("/logout/", who=Who.ANYBODY, first_steps=True, post=True)
    async def log_out(self, call: PageCall) -> Redirect:
        """End the session."""
        if call.visitor.by == "session":
            await self._entry.end(call.visitor, call.visitor.session)
        return Redirect(target="login/", headers=[session_cookie(call.request, None)])

    async def _form(
        self,
        *,
        target: str,
        username: str = "",
        error: QisError | None = None,
        missing: bool = False,
        again: bool = False,
    ) -> Page:
        headers: list[Header] = []
        if origin_of(target):  # browsers ask whether a form may lead there in the end
            headers.append(("Content-Security-Policy", f"{POLICY} {origin_of(target)}"))
        if error is not None and error.retry_after is not None:
            headers.append(("Retry-After", str(error.retry_after)))
        values = {
            "next": target,
            "username": username[:_NAME_MAX],
            "error": error,
            "missing": missing,
            "again": again,
            "directory": self._directory(),
            "first_password": await self._first_password_waits(),
        }
        status = 429 if isinstance(error, TooManyRequests) else 403 if again else 200
        return Page(template="login.html", title="Sign In", area="login", values=values, status=status, headers=headers)

    async def _first_password_waits(self) -> bool:
        try:
            return await self._entry.first_password_waits()
        except StoreUnavailable:
            return False
