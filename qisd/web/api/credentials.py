"""Tokens, keys, and who one is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta

from qisd import __version__
from qisd.access.entry import SCOPES, Entry
from qisd.access.sessions import Sessions
from qisd.errors import BadParameter
from qisd.store import users
from qisd.store.pool import Database
from qisd.store.sessions import SessionRow
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import (
    KeyObject,
    LiveSession,
    NewKeyObject,
    SessionObject,
    TicketObject,
    TokenObject,
    VersionObject,
)
from qisd.web.api.presenting import user_object
from qisd.web.api.reading import Form
from qisd.web.identity import basic_credentials, origin

TAG = "Log-in"

_KEY_DAYS = 365


class TokenForm(Form):
    """Name and password, for those who can't send them by HTTP Basic authentication."""

    username: str = ""
    password: str = ""


class KeyForm(Form):
    """A key of one's own."""

    label: Annotated[str, Meta(min_length=1, max_length=120, extra={"trim": True})]
    scopes: Annotated[list[Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]], Meta(max_length=10)]
    folder: Annotated[str, Meta(max_length=1024, description="holds below this folder only")] = "/"
    expires: Annotated[datetime | None, Meta(description="a year from now, if not given")] = None


class CredentialEndpoints:
    """The endpoints of log-in."""

    def __init__(self, database: Database, *, entry: Entry, sessions: Sessions) -> None:
        self._database = database
        self._entry = entry
        self._sessions = sessions

    @endpoint(
        "POST",
        "/token/",
        summary="Get a token",
        tag=TAG,
        form=TokenForm,
        answer=TokenObject,
        secret=True,
        csrf=False,
        errors=(400, 403, 429),
        description="Name and password by HTTP Basic authentication, or else in the body.",
        example={"username": "maria", "password": "a long sentence"},
    )
    async def token(self, call: Call) -> TokenObject:
        name, password = basic_credentials(call.request) or ("", "")
        if not name.strip() and not password.strip():
            form = call.read(TokenForm)
            name, password = form.username, form.password
        secret, row = await self._entry.token(
            name,
            password,
            address=origin(call.request).address,
            request_id=call.request.request_id,
            agent=call.request.header("User-Agent") or "",
        )
        seconds = round((row.expires - datetime.now(UTC)).total_seconds())
        return TokenObject(token=secret, expires_at=row.expires, expires_in=max(0, seconds))

    @endpoint("DELETE", "/token/", summary="End the token that this call is made with", tag=TAG, login=True)
    async def end_token(self, call: Call) -> None:
        await self._entry.end(call.visitor, call.visitor.session)

    @endpoint(
        "POST",
        "/ticket/",
        summary="Get a ticket: it opens one session in a browser, within a minute",
        tag=TAG,
        login=True,
        answer=TicketObject,
        secret=True,
        errors=(403,),
    )
    async def ticket(self, call: Call) -> TicketObject:
        secret, row = await self._entry.ticket(call.visitor)
        return TicketObject(ticket=secret, expires_at=row.expires)

    @endpoint("GET", "/session/", summary="Who am I?", tag=TAG, answer=SessionObject, internal=False, first_steps=True)
    async def session(self, call: Call) -> SessionObject:
        visitor = call.visitor
        user = await users.by_id(self._database, visitor.user_id) if visitor.user_id is not None else None
        token = None
        if visitor.by == "session" and visitor.session is not None:
            token = self._sessions.csrf_token(visitor.session)
        return SessionObject(
            user=user_object(user) if user else None,
            csrf_token=token,
            permissions=sorted(flag.value for flag in visitor.flags),
        )

    @endpoint(
        "GET", "/version/", summary="What answers here", tag=TAG, answer=VersionObject, internal=False, first_steps=True
    )
    async def version(self, call: Call) -> VersionObject:
        hidden = call.request.site.settings.hide_version and call.visitor.anonymous
        return VersionObject(
            name="qisd",
            api_versions=["v1"],
            version=UNSET if hidden else __version__,
            edition=UNSET if hidden else "standard",
        )

    @endpoint("GET", "/account/tokens/", summary="My keys", tag=TAG, login=True, listing=True, answer=list[KeyObject])
    async def keys(self, call: Call) -> list[KeyObject]:
        return [_key(row) for row in await self._entry.held_by(call.visitor, ["key"])]

    @endpoint(
        "POST",
        "/account/tokens/",
        summary="Make a key of my own",
        tag=TAG,
        login=True,
        form=KeyForm,
        answer=NewKeyObject,
        secret=True,
        description="The key is shown this once. Only by session: a token can't make keys.",
        errors=(400,),
        example={"label": "nightly job", "scopes": ["read", "upload"], "folder": "/press"},
    )
    async def create_key(self, call: Call) -> NewKeyObject:
        form = call.read(KeyForm)
        seconds = _KEY_DAYS * 86400.0
        if form.expires is not None:
            seconds = (form.expires - datetime.now(UTC)).total_seconds()
            if seconds <= 0:
                raise BadParameter("expires", "must lie in the future")
        secret, row = await self._entry.create_key(
            call.visitor, label=form.label, scopes=form.scopes, folder=form.folder, seconds=seconds
        )
        return NewKeyObject(token=secret, **_fields(row))

    @endpoint("DELETE", "/account/tokens/<int:id>/", summary="End a key", tag=TAG, login=True, errors=(403, 404))
    async def end_key(self, call: Call) -> None:
        await self._entry.end(call.visitor, call.id(), kinds=["key"])

    @endpoint(
        "GET",
        "/account/sessions/",
        summary="Where I have signed in",
        tag=TAG,
        login=True,
        listing=True,
        answer=list[LiveSession],
    )
    async def sessions(self, call: Call) -> list[LiveSession]:
        rows = await self._entry.held_by(call.visitor, ["session"])
        return [_session(row, current=row.id == call.visitor.session) for row in rows]

    @endpoint(
        "DELETE",
        "/account/sessions/<int:id>/",
        summary="End a session",
        tag=TAG,
        login=True,
        errors=(403, 404),
    )
    async def end_session(self, call: Call) -> None:
        await self._entry.end(call.visitor, call.id(), kinds=["session"])


def _session(row: SessionRow, *, current: bool) -> LiveSession:
    return LiveSession(
        id=row.id,
        address=row.address,
        agent=row.agent,
        created=row.created,
        last_used=row.last_used,
        expires=row.expires,
        current=current,
    )


def _key(row: SessionRow) -> KeyObject:
    return KeyObject(**_fields(row))


def _fields(row: SessionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "label": row.label,
        "scopes": list(row.scopes),
        "folder": row.folder,
        "created": row.created,
        "last_used": row.last_used,
        "expires": row.expires,
    }
