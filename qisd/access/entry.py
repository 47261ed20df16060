"""What a good password, token or ticket gets one: a token for scripts, a session for people."""

from __future__ import annotations

from collections.abc import Sequence

from qisd.access.auditing import actor_of
from qisd.access.login import LogIn
from qisd.access.sessions import Sessions
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, NotFound, Refused
from qisd.repository import paths
from qisd.store import audit, logins, sessions, users
from qisd.store.audit import Actor
from qisd.store.logins import LoginRow
from qisd.store.pool import Database, Transaction
from qisd.store.sessions import Kind, SessionRow

_TICKET_SECONDS = 60.0
_KEY_SECONDS_MAX = 10 * 365 * 86400

KEYS_MAX = 100
"""Keys that one user can have."""

SCOPES = ("read", "upload", "admin")


class Entry:
    """Opens and ends sessions, tokens, keys and tickets, and records it."""

    def __init__(self, database: Database, *, login: LogIn, sessions: Sessions) -> None:
        self._database = database
        self._login = login
        self._sessions = sessions

    async def first_password_waits(self) -> bool:
        """Whether nobody has logged in so far, and the password that the administrator begins with was made up by the
        server, so that it must be looked up.
        """
        return await logins.first_password_waits(self._database)

    async def token(
        self, username: str, password: str, *, address: str, request_id: str, agent: str = ""
    ) -> tuple[str, SessionRow]:
        """A new token, as secret and row.

        :raises Forbidden: name and password don't belong together, or the account can't have tokens.
        """
        user = await self._login.check(username, password, address=address, request_id=request_id)
        if not user.allow_api:
            raise Forbidden("This account is not API enabled")
        _check_active(user)
        if user.password_state == users.MUST_CHANGE:
            raise Forbidden("The password of this account must be changed first")
        return await self._open(user, "token", address=address, request_id=request_id, agent=agent)

    async def session(
        self, username: str, password: str, *, address: str, request_id: str, agent: str = ""
    ) -> tuple[str, SessionRow]:
        """A new session, as secret and row.

        :raises Forbidden: name and password don't belong together, or the account is disabled.
        """
        user = await self._login.check(username, password, address=address, request_id=request_id)
        _check_active(user)
        return await self._open(user, "session", address=address, request_id=request_id, agent=agent)

    async def session_of(self, visitor: Visitor, *, agent: str = "") -> tuple[str, SessionRow]:
        """A session for someone who has come with a token.

        :raises Forbidden: it was no token.
        """
        account = visitor.account
        if account is None or visitor.by != "token":
            raise Forbidden("Only a token can be turned into a session")

        async def work(db: Transaction) -> tuple[str, SessionRow]:
            made = await self._sessions.open(
                db, "session", user_id=account.id, stamp=account.stamp, address=visitor.address, agent=agent
            )
            await audit.record(db, actor_of(visitor), action="login.done", object_type="user", object_id=account.id)
            return made

        return await self._database.transaction(work)

    async def ticket(self, visitor: Visitor) -> tuple[str, SessionRow]:
        """A ticket that opens one session, within a minute, for someone who has come with a token."""
        account = visitor.account
        if account is None or visitor.by != "token":
            raise Forbidden("Only a token can be turned into a session")
        return await self._database.transaction(
            lambda db: self._sessions.open(
                db, "ticket", user_id=account.id, stamp=account.stamp, seconds=_TICKET_SECONDS, address=visitor.address
            )
        )

    async def use_ticket(self, secret: str, *, address: str, request_id: str, agent: str) -> tuple[str, SessionRow]:
        """The session that a ticket is good for.

        :raises Forbidden: it was used already, is too old, or never was one.
        """

        async def work(db: Transaction) -> tuple[str, SessionRow] | None:
            row = await self._sessions.use_ticket(db, secret)
            user = await users.by_id(db, row.user_id) if row is not None else None
            if row is None or user is None or user.status != users.ACTIVE or user.stamp != row.stamp:
                return None
            actor = _actor(user.id, user.username, "session", address=address, request_id=request_id)
            await audit.record(db, actor, action="login.done", object_type="user", object_id=user.id)
            return await self._sessions.open(
                db, "session", user_id=user.id, stamp=user.stamp, address=address, agent=agent
            )

        made = await self._database.transaction(work)
        if made is None:
            raise Forbidden("This ticket does not hold")
        return made

    async def create_key(
        self, visitor: Visitor, *, label: str, scopes: Sequence[str], folder: str, seconds: float
    ) -> tuple[str, SessionRow]:
        """A key of one's own: it holds long, for what ``scopes`` say, below ``folder`` only.

        :raises Forbidden: the account can't have keys, the caller has come with a token or key, or ``folder`` leads out
            of the library. :raises BadParameter: one of them can't be so. :raises Refused: they have too many.
        """
        account = visitor.account
        if account is None or visitor.by != "session":
            raise Forbidden("Log in with your password to make keys")
        if not account.allow_api:
            raise Forbidden("This account is not API enabled")
        unknown = set(scopes) - set(SCOPES)
        if unknown or not scopes:
            raise BadParameter("scopes", f"Value is not one of: {', '.join(SCOPES)}")
        if not 0 < seconds <= _KEY_SECONDS_MAX:
            raise BadParameter("expires", "must lie in the future, ten years ahead at most")
        below = f"/{paths.normalise(folder, parameter='folder')}"

        async def work(db: Transaction) -> tuple[str, SessionRow]:
            if len(await sessions.of_user(db, account.id, ["key"])) >= KEYS_MAX:
                raise Refused(f"You have {KEYS_MAX} keys. End one of them first.")
            made = await self._sessions.open(
                db,
                "key",
                user_id=account.id,
                stamp=account.stamp,
                seconds=seconds,
                label=label,
                scopes=sorted(set(scopes)),
                folder=below,
                address=visitor.address,
            )
            after = {"label": label, "scopes": sorted(set(scopes)), "folder": below}
            await audit.record(
                db, actor_of(visitor), action="key.created", object_type="key", object_id=made[1].id, after=after
            )
            return made

        return await self._database.transaction(work)

    async def held_by(self, visitor: Visitor, kinds: Sequence[Kind]) -> list[SessionRow]:
        """One's own, the newest first."""
        if visitor.user_id is None:
            return []
        return await sessions.of_user(self._database, visitor.user_id, kinds)

    async def end(self, visitor: Visitor, session_id: int | None, *, kinds: Sequence[Kind] = sessions.KINDS) -> None:
        """End one of one's own, of these kinds.

        :raises Forbidden: it is another one, and the caller has come with a key that is for less than its owner may.
        :raises NotFound: there is none of this id.
        """
        user_id = visitor.user_id
        if not visitor.whole and session_id != visitor.session:
            raise Forbidden("This key can end nothing but itself")

        async def work(db: Transaction) -> bool:
            if session_id is None or user_id is None:
                return False
            if not await sessions.revoke(db, session_id, user_id=user_id, kinds=kinds):
                return False
            await audit.record(
                db, actor_of(visitor), action="session.ended", object_type="session", object_id=session_id
            )
            return True

        if not await self._database.transaction(work):
            raise NotFound(str(session_id))
        self._sessions.forget()

    async def _open(
        self, user: LoginRow, kind: Kind, *, address: str, request_id: str, agent: str
    ) -> tuple[str, SessionRow]:
        async def work(db: Transaction) -> tuple[str, SessionRow]:
            actor = _actor(user.id, user.username, kind, address=address, request_id=request_id)
            await audit.record(db, actor, action="login.done", object_type="user", object_id=user.id)
            return await self._sessions.open(db, kind, user_id=user.id, stamp=user.stamp, address=address, agent=agent)

        return await self._database.transaction(work)


def _check_active(user: LoginRow) -> None:
    if not user.active:
        raise Forbidden("This account is disabled")


def _actor(user_id: int, name: str, kind: str, *, address: str, request_id: str) -> Actor:
    return Actor(actor_id=user_id, actor_name=name, actor_kind=kind, address=address, request_id=request_id)
