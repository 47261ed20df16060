"""Who was refused what, in the audit log: a sample, so that nobody fills it by trying."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.logger import Logger

from qisd.access.auditing import actor_of
from qisd.access.visitor import Visitor
from qisd.errors import StoreUnavailable
from qisd.store import audit
from qisd.store.audit import Actor
from qisd.store.pool import Database, Transaction

_log = Logger()

CALLERS_MAX = 20
"""Callers of whom each writing tells one by one."""

_REQUEST_MAX = 300

_OTHERS = Actor(actor_id=None, actor_name="", actor_kind="anonymous")


@attrs.define
class _Denied:
    actor: Actor
    request: str
    reason: str
    count: int = 1

    def told(self) -> dict[str, object]:
        return {"request": self.request, "reason": self.reason, "denied": self.count}


class Denials:
    """Keeps, of each caller, the first refusal since the last :meth:`flush`, and how many there were.

    :ivar count: refusals since the start.

    What was not written when the process dies is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[int | None, str], _Denied] = {}
        self._more = 0
        self.count = 0

    def note(self, visitor: Visitor, request: Callable[[], str], reason: str) -> None:
        """Somebody was refused something.

        :param request: tells what was asked for.
        """
        self.count += 1
        key = (visitor.user_id, "" if visitor.user_id is not None else visitor.address)
        known = self._waiting.get(key)
        if known is not None:
            known.count += 1
        elif len(self._waiting) < CALLERS_MAX:
            self._waiting[key] = _Denied(actor_of(visitor), request()[:_REQUEST_MAX], reason[:_REQUEST_MAX])
        else:
            self._more += 1

    async def flush(self) -> None:
        """Write what has come together. What can't be written is left out: it is a sample."""
        waiting, self._waiting = list(self._waiting.values()), {}
        more, self._more = self._more, 0
        if not waiting:
            return

        async def work(db: Transaction) -> None:
            for one in waiting:
                await audit.record(db, one.actor, action="access.denied", object_type="access", after=one.told())
            if more:
                await audit.record(db, _OTHERS, action="access.denied", object_type="access", after={"denied": more})

        try:
            await self._database.transaction(work)
        except StoreUnavailable as error:
            _log.debug("refusals can't be written: {reason}", reason=error.detail)
