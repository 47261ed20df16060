"""A database with the accounts' part of the domain on top, and visitors of every kind."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred

from qisd.access.permissions import snapshot_of
from qisd.access.snapshot import PermissionSnapshot
from qisd.access.throttle import LoginThrottle
from qisd.access.visitor import How, Visitor
from qisd.accounts.changes import Changes
from qisd.accounts.groups import Groups
from qisd.accounts.user_values import NewUser
from qisd.accounts.users import Users
from qisd.errors import QisError
from qisd.store import permissions, users
from qisd.store.users import User
from tests.integration.database import DatabaseCase

T = TypeVar("T")
E = TypeVar("E", bound=QisError)

COMMAND = Visitor(by="command")
NASTY = """Robert'); drop table users;-- \\ % _ "x" {} ${1} \n\u202egnp.exe 🐧 %s %(a)s"""


class AccountsCase(DatabaseCase):
    """:ivar applied: how often a change was told of; ``forgotten`` the same for the first password."""

    async def setUp(self) -> None:
        await super().setUp()
        self.applied = 0
        self.forgotten = 0
        self.ended = 0
        self.changes = Changes(self.database, applied=self._apply)
        self.users = Users(
            self.database,
            self.changes,
            hash_password=self._hash,
            matches=self._matches,
            throttle=LoginThrottle(self.database, per_minute=3),
            forget_first_password=self._forget,
            sessions_ended=self._end,
        )
        self.groups = Groups(self.database, self.changes)

    async def _apply(self) -> None:
        self.applied += 1

    async def _forget(self) -> None:
        self.forgotten += 1

    def _end(self) -> None:
        self.ended += 1

    async def _hash(self, password: str) -> str:
        return f"hash of {password}"

    async def _matches(self, user_id: int, username: str, password: str) -> bool:
        return await users.password_hash(self.database, user_id) == f"hash of {password}"

    async def snapshot(self) -> PermissionSnapshot:
        return snapshot_of(await self.database.transaction(permissions.load))

    async def visitor(self, user_id: int | None, *, by: How = "token", session: int | None = None) -> Visitor:
        """Someone as they are known now; None is an anonymous visitor."""
        snapshot = await self.snapshot()
        if user_id is None:
            return Visitor(snapshot=snapshot)
        account = snapshot.account(user_id)
        assert account is not None
        return Visitor(account=account, by=by, snapshot=snapshot, session=session, address="192.0.2.7", request_id="r1")

    async def user(self, username: str, *flags: str, password: str = "long-enough", **fields: Any) -> User:
        """A new user, who has ``flags`` by a group of their own."""
        made = await self.users.create(COMMAND, NewUser(username=username, password=password, **fields))
        if flags:
            await self.group(f"group of {username}", *flags, members=[made.id])
        return made

    async def group(self, name: str, *flags: str, members: list[int] = []) -> int:  # noqa: B006 - only read
        ((group_id,),) = self.sql("insert into groups (name) values (%s) returning id", name)
        self.sql(
            f"insert into syspermissions (group_id{''.join(f', {flag}' for flag in flags)})"
            f" values (%s{', true' * len(flags)})",
            group_id,
        )
        for user_id in members:
            self.sql("insert into usergroups (user_id, group_id) values (%s, %s)", user_id, group_id)
        return group_id

    async def fails(self, wanted: type[E], work: Awaitable[Any], text: str = "") -> E:
        """That ``work`` fails with just this error, whose message contains ``text``."""
        try:
            await work
        except QisError as error:
            self.assertIs(type(error), wanted, repr(error))
            self.assertIn(text, error.message)
            return error
        self.fail(f"{wanted.__name__} was not raised")
        raise AssertionError

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """The contents of all tables that accounts are about."""
        tables = ["users", "groups", "usergroups", "syspermissions", "folderpermissions", "imagetemplates"]
        tables += ["properties", "audit_log"]
        return {table: self.sql(f"select * from {table} order by 1, 2") for table in tables}

    def audit(self) -> list[tuple[Any, ...]]:
        """Actor, action, id, before, after of each entry of the log."""
        return self.sql("select actor_id, action, object_id, before, after from audit_log order by id")


def together(*work: Awaitable[Any]) -> list[Deferred[Any]]:
    """Begin all of them at once."""

    async def run(one: Awaitable[Any]) -> Any:
        return await one

    return [Deferred.fromCoroutine(run(one)) for one in work]


def differing(record: Any, other: Any) -> set[str]:
    """The names of the fields in which two records differ."""
    return {
        field.name for field in attrs.fields(type(record)) if getattr(record, field.name) != getattr(other, field.name)
    }
