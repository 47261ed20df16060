"""Reading the audit log, and letting go of what is too old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from qisd.access.auditing import actor_of
from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.errors import BadParameter
from qisd.store import audit
from qisd.store.audit import AuditEntry, AuditFilter
from qisd.store.part import Part
from qisd.store.pool import Database, Transaction

PAGE_MAX = 1000

_EXPORTED_AT_ONCE = 200
"""Entries, so that none of the steps takes long."""
"""How many entries are read at once."""

_PURGED_AT_ONCE = 5000


class AuditLog:
    """The record of who changed what. Reading it takes permissions administration."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(
        self,
        visitor: Visitor,
        wanted: AuditFilter = AuditFilter(),  # noqa: B008 - it is frozen
        *,
        below: int | None = None,
        start: int = 0,
        limit: int | None = None,
    ) -> Part[AuditEntry]:
        """The newest entries first, up to :data:`PAGE_MAX` of them.

        :param below: only those with a lower id: that of the last one of the page before. Pages that are asked for in
            this way lose and repeat nothing, whatever is added meanwhile.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        checks.part(start, limit)
        _check(wanted)
        limit = PAGE_MAX if limit is None else min(limit, PAGE_MAX)
        items = await audit.listed(self._database, wanted, below=below, start=start, limit=limit)
        return Part(items, await audit.count(self._database, wanted, below=below))

    async def export(
        self,
        visitor: Visitor,
        wanted: AuditFilter = AuditFilter(),  # noqa: B008 - it is frozen
    ) -> AsyncIterator[Sequence[AuditEntry]]:
        """All entries, the newest first, some at a time; that it was done is recorded as well."""
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        _check(wanted)

        async def record(db: Transaction) -> None:
            await audit.record(db, actor_of(visitor), action="audit.exported", object_type="audit")

        await self._database.transaction(record)
        below: int | None = None
        while True:
            entries = await audit.listed(self._database, wanted, below=below, limit=_EXPORTED_AT_ONCE)
            if not entries:
                return
            yield entries
            below = entries[-1].id

    async def purge(self, *, before: datetime, progress: Callable[[int], Awaitable[None]] | None = None) -> int:
        """Remove the entries that are older than ``before``. Work of the server itself.

        :param progress: told between steps how many are gone; what it raises ends the work.
        :returns: how many there were.
        """
        total = 0
        while True:
            count = await self._database.transaction(lambda db: audit.purge(db, before=before, limit=_PURGED_AT_ONCE))
            total += count
            if count < _PURGED_AT_ONCE:
                return total
            if progress is not None:
                await progress(total)


def _check(wanted: AuditFilter) -> None:
    for name in ("actor_name", "action", "object_type", "object_id"):
        checks.text(name, getattr(wanted, name))
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise BadParameter("to_time", "must not be before from_time")
