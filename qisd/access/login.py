"""Logging in by name and password: accounts of our own, accounts of a directory, and how often one may try."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar

from twisted.internet.task import deferLater
from twisted.logger import Logger

from qisd.access.directory import DirectoryUser
from qisd.access.legacy_passwords import verify as verify_legacy
from qisd.access.passwords import MAX_LENGTH, hash_password, needs_rehash, verify_password
from qisd.access.throttle import LoginThrottle
from qisd.errors import BadParameter, Forbidden, TooManyRequests
from qisd.store import audit, logins
from qisd.store.audit import Actor
from qisd.store.logins import DIRECTORY, LoginRow
from qisd.store.pool import Database, Transaction

T = TypeVar("T")

_log = Logger()

_PAUSE = 1.0
"""Seconds until someone is told that a password was wrong."""

_NAME_MAX = 120
_PASSWORD_BYTES_MAX = 4096


@cache
def _nobodys_hash() -> str:
    """What is compared with when there is no such user, so that the time taken tells nothing.

    Made when it is first wanted: a process that starts should not wait for it.
    """
    return hash_password(secrets.token_urlsafe())


class Hashing(Protocol):
    """Runs slow work in a thread."""

    async def run(self, work: Callable[[], T]) -> T: ...


class UserDirectory(Protocol):
    """See :class:`qisd.access.directory.Directory`."""

    async def authenticate(self, username: str, password: str) -> DirectoryUser | None: ...


class LogIn:
    """Finds out whether a name and a password belong together.

    :param directory: asked about users of type LDAP and about unknown ones; None when there is none.
    :param group_sync: whether groups of type LDAP follow the directory's.
    :ivar results: how many attempts there were with ``success``, ``failed`` or ``throttled``.
    """

    def __init__(
        self,
        database: Database,
        *,
        throttle: LoginThrottle,
        hashing: Hashing,
        reactor: Any,
        directory: UserDirectory | None = None,
        group_sync: bool = False,
    ) -> None:
        self.results: Counter[str] = Counter()
        self._database = database
        self._throttle = throttle
        self._hashing = hashing
        self._reactor = reactor
        self.configure(directory=directory, group_sync=group_sync)

    def configure(self, *, directory: UserDirectory | None, group_sync: bool) -> None:
        self._directory = directory
        self._group_sync = group_sync

    async def check(self, username: str, password: str, *, address: str, request_id: str = "") -> LoginRow:
        """The user behind the two, active or not.

        :raises BadParameter: one of them is blank.
        :raises Forbidden: they don't belong together; the text is the same whether there is such a user or not.
        :raises TooManyRequests: there were too many failures.
        :raises DirectoryFailure: the directory can't be asked.
        """
        username = username.strip()
        for parameter, text in (("username", username), ("password", password)):
            if not text.strip():
                raise BadParameter(parameter, "must not be blank")
        # First of all, also for what can't be right: each failure is written down and costs a second.
        try:
            await self._throttle.attempt(username=username, address=address)
        except TooManyRequests:
            self.results["throttled"] += 1
            raise
        if len(username) > _NAME_MAX or "\0" in username + password or len(password.encode()) > _PASSWORD_BYTES_MAX:
            await self._refuse(username, address=address, request_id=request_id)
        row = await self._verified(username, password)
        if row is None:
            await self._refuse(username, address=address, request_id=request_id)
            raise AssertionError  # it has raised
        await self._throttle.succeeded(username=username, address=address)
        self.results["success"] += 1
        return row

    async def matches(self, user_id: int, username: str, password: str) -> bool:
        """Whether ``password`` is the one of a user who is known already (who wants to change it)."""
        row = await self._verified(username, password)
        return row is not None and row.id == user_id

    async def _verified(self, username: str, password: str) -> LoginRow | None:
        row = await logins.by_name(self._database, username)
        if row is not None and row.auth_type != DIRECTORY:
            return row if await self._password_fits(row, password) else None
        if self._directory is None:
            await self._hashing.run(lambda: verify_password(_nobodys_hash(), password[:MAX_LENGTH]))
            return None
        found = await self._directory.authenticate(username, password)
        return None if found is None else await self._directory_row(found, known=row)

    async def _password_fits(self, row: LoginRow, password: str) -> bool:
        """Compare, and store a better hash of a password that fits."""
        legacy = row.password.startswith("sha1$")

        def compare() -> tuple[bool, str | None]:
            if legacy:
                # As slow as for all others.
                fits = verify_legacy(row.password, password) | verify_password(_nobodys_hash(), password)
            else:
                fits = verify_password(row.password, password)
            return fits, hash_password(password) if fits and (legacy or needs_rehash(row.password)) else None

        fits, better = await self._hashing.run(compare)
        if better is not None:
            await logins.replace_hash(self._database, row.id, old=row.password, new=better)
        return fits

    async def _directory_row(self, found: DirectoryUser, *, known: LoginRow | None) -> LoginRow | None:
        """The account of someone whom the directory knows, made if need be, with the groups it says."""
        if known is None:
            nothing_fits = await self._hashing.run(lambda: hash_password(secrets.token_urlsafe()))

            async def create(transaction: Transaction) -> None:
                made = await logins.create_directory_user(
                    transaction,
                    username=found.username,
                    first_name=found.first_name,
                    last_name=found.last_name,
                    password=nothing_fits,
                )
                if made:
                    system = Actor(actor_id=None, actor_name="system", actor_kind="system")
                    after = {"username": found.username, "auth_type": DIRECTORY}
                    await audit.record(transaction, system, action="user.created", object_type="user", after=after)

            await self._database.transaction(create)
        row = await logins.by_name(self._database, found.username)
        if row is None or row.auth_type != DIRECTORY:
            return None
        if self._group_sync:

            async def follow(transaction: Transaction) -> None:
                await logins.set_directory_groups(transaction, row.id, names=found.groups)

            await self._database.transaction(follow)
        return row

    async def _refuse(self, username: str, *, address: str, request_id: str) -> None:
        self.results["failed"] += 1
        _log.warn("failed log-in of {username!r} from {address}", username=username[:_NAME_MAX], address=address)
        actor = Actor(
            actor_id=None,
            actor_name=username[:_NAME_MAX].replace("\0", ""),
            actor_kind="anonymous",
            address=address,
            request_id=request_id,
        )
        await self._database.transaction(lambda db: audit.record(db, actor, action="login.failed", object_type="user"))
        await deferLater(self._reactor, _PAUSE)
        raise Forbidden("Incorrect username or password")
