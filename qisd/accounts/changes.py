"""The one way in which users, groups, permissions, templates and properties are changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from twisted.logger import Logger

from qisd.access.auditing import actor_of
from qisd.access.levels import ALL_FLAGS, Flag, implied
from qisd.access.visitor import Visitor
from qisd.accounts.checks import require_flags
from qisd.accounts.lockout import refuse_lockout
from qisd.errors import NotAuthenticated, StoreUnavailable
from qisd.store import administrators, audit, users
from qisd.store.pool import Database, Transaction
from qisd.store.queries import Queries

T = TypeVar("T")

_log = Logger()


class Change:
    """A change under way: the transaction, and what the one who makes it may do at this very moment.

    The visitor's snapshot may be a second old; here it counts what the database says.

    :ivar db: the transaction.
    :ivar held: the visitor's system permissions, with all that they imply.
    """

    def __init__(self, db: Queries, visitor: Visitor, *, held: frozenset[Flag]) -> None:
        self.db = db
        self.visitor = visitor
        self.held = held
        self._touched: set[str] = set()

    def require(self, *flags: str) -> None:
        """:raises Forbidden: the visitor lacks one of ``flags``."""
        require_flags(self.held, flags)

    def gives_or_takes(self, flags: Iterable[str]) -> None:
        """Say that the change gives or takes ``flags``, which only those may do who hold them.

        It is looked at after the work, once it's sure that nobody is locked out.
        """
        self._touched.update(flags)

    def check_touched(self) -> None:
        """:raises Forbidden: it gives or takes what the visitor doesn't hold."""
        require_flags(self.held, self._touched)

    async def record(
        self,
        action: str,
        object_id: object,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write it into the audit log; of two states only what differs.

        :param action: ``<object>.<verb>``.
        """
        if before is not None and after is not None:
            differing = [key for key in after if after[key] != before.get(key)]
            before, after = {key: before.get(key) for key in differing}, {key: after[key] for key in differing}
        await audit.record(
            self.db,
            actor_of(self.visitor),
            action=action,
            object_type=action.partition(".")[0],
            object_id=object_id,
            before=before,
            after=after,
        )


class Changes:
    """Runs changes: one at a time over all servers, whole or not at all, and none that locks administrators out.

    :param applied: called after each change; waits until this process goes by it. Others hear of it within a second.
    """

    def __init__(self, database: Database, *, applied: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._applied = applied

    async def run(self, visitor: Visitor, work: Callable[[Change], Awaitable[T]]) -> T:
        """Do ``work`` in a transaction. It may be run twice, and must have no effects but those in the database.

        :raises NotAuthenticated: the visitor's account has been disabled meanwhile.
        :raises Refused: somebody would be locked out.
        :raises Forbidden: powers would be given or taken that the visitor doesn't hold.
        """

        async def guarded(db: Transaction) -> T:
            await administrators.take_turns(db)
            change = Change(db, visitor, held=await _held(db, visitor))
            before = await administrators.listed(db)
            result = await work(change)
            refuse_lockout(before, await administrators.listed(db), actor=visitor.user_id)
            change.check_touched()
            return result

        result = await self._database.transaction(guarded)
        try:
            await self._applied()
        except StoreUnavailable as error:  # it is done, and will be heard of when the database is there again
            _log.warn("a change of accounts holds later here: {reason}", reason=error.detail)
        return result


async def _held(db: Queries, visitor: Visitor) -> frozenset[Flag]:
    if visitor.trusted:
        return ALL_FLAGS
    user = None if visitor.user_id is None else await users.by_id(db, visitor.user_id)
    if user is None or user.status != users.ACTIVE:
        raise NotAuthenticated
    # A key may be good for less than its owner.
    return implied(Flag(flag) for flag in await administrators.flags_of_user(db, user.id)) & visitor.flags
