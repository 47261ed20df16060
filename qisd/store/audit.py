"""The audit log: who changed what, and when. It is only ever appended to, until it is too old.

Whatever is committed is told on as an event, too, whose ``audit`` is a line for a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
from psycopg2.extras import Json
from twisted.logger import Logger

from qisd.store.queries import Queries, Row

_log = Logger()

_NAME, _ADDRESS, _REQUEST_ID, _OBJECT_ID = 120, 64, 64, 64
"""How much of a text the columns hold."""

_COLUMNS = (
    "id, time, actor_id, actor_name, actor_kind, address, request_id, action, object_type, object_id, before, after"
)


@attrs.frozen(kw_only=True)
class Actor:
    """Who did it, and from where.

    :param actor_id: the user; None for anonymous visitors and for the server itself.
    :param actor_kind: how they proved who they are: ``anonymous``, ``session``, ``token``, ``key``, ``system`` or
        ``command``.
    """

    actor_id: int | None
    actor_name: str
    actor_kind: str
    address: str = ""
    request_id: str = ""


@attrs.frozen(kw_only=True)
class AuditEntry:
    """One line of the log.

    :param action: ``<object>.<verb>``, such as ``user.created``.
    :param before: what was changed, as it was; ``after`` as it is now. Secrets are never among it.
    """

    id: int
    time: datetime
    actor: Actor
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@attrs.frozen(kw_only=True)
class AuditFilter:
    """Which entries are meant; None and the empty text mean all.

    :param actor_name: in any case.
    :param action: one action, or all of one object (``user`` for ``user.created``, ``user.changed``, …).
    :param since: the first moment; ``until`` the first one after it.
    """

    actor_id: int | None = None
    actor_name: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def record(
    db: Queries,
    actor: Actor,
    *,
    action: str,
    object_type: str = "",
    object_id: object = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry, in the transaction of the change that it tells of.

    :param action: at most 60 characters; of ``object_type`` and ``object_id`` 30 and 64 are kept.
    :param before: JSON values.
    """
    await db.execute(
        "insert into audit_log (actor_id, actor_name, actor_kind, address, request_id, action, object_type, object_id,"
        " before, after) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            actor.actor_id,
            actor.actor_name[:_NAME],
            actor.actor_kind,
            actor.address[:_ADDRESS],
            actor.request_id[:_REQUEST_ID],
            action,
            object_type,
            str(object_id)[:_OBJECT_ID],
            None if before is None else Json(dict(before)),
            None if after is None else Json(dict(after)),
        ),
    )
    db.afterwards(
        lambda: tell(
            actor, action=action, object_type=object_type, object_id=str(object_id), before=before, after=after
        )
    )


def tell(
    actor: Actor,
    *,
    action: str,
    object_type: str = "",
    object_id: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Have the file ``audit.log`` say it, without the table: of what isn't in the database, or is there by now."""
    fields = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "action": action,
        "actor": actor.actor_name,
        "actor_id": actor.actor_id,
        "actor_kind": actor.actor_kind,
        "address": actor.address,
        "request_id": actor.request_id,
        "object_type": object_type,
        "object_id": object_id,
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
    }
    _log.info("{audit}", audit=json.dumps(fields, default=str))


async def listed(
    db: Queries, wanted: AuditFilter, *, below: int | None = None, start: int = 0, limit: int
) -> list[AuditEntry]:
    """The newest entries first.

    :param below: only entries with a lower id: that of the last one of the page before.
    :param start: how many to leave out.
    """
    condition, parameters = _condition(wanted, below)
    rows = await db.query(
        f"select {_COLUMNS} from audit_log where {condition} order by id desc offset %s limit %s",  # noqa: S608
        (*parameters, start, limit),
    )
    return [_entry(row) for row in rows]


async def count(db: Queries, wanted: AuditFilter, *, below: int | None = None) -> int:
    """How many entries there are."""
    condition, parameters = _condition(wanted, below)
    rows = await db.query(f"select count(*) from audit_log where {condition}", parameters)  # noqa: S608
    return int(rows[0][0])


async def purge(db: Queries, *, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` of the entries that are older than ``before``; how many there were."""
    rows = await db.query(
        "with gone as (delete from audit_log where id in"
        " (select id from audit_log where time < %s order by time limit %s) returning 1) select count(*) from gone",
        (before, limit),
    )
    return int(rows[0][0])


def _condition(wanted: AuditFilter, below: int | None) -> tuple[str, list[object]]:
    parts: list[tuple[str, list[object]]] = [("true", [])]
    if wanted.actor_id is not None:
        parts.append(("actor_id = %s", [wanted.actor_id]))
    if wanted.actor_name:
        parts.append(("lower(actor_name) = lower(%s)", [wanted.actor_name]))
    if wanted.action:
        parts.append(("(action = %s or starts_with(action, %s))", [wanted.action, f"{wanted.action}."]))
    if wanted.object_type:
        parts.append(("object_type = %s", [wanted.object_type]))
    if wanted.object_id:
        parts.append(("object_id = %s", [wanted.object_id]))
    if wanted.since is not None:
        parts.append(("time >= %s", [wanted.since]))
    if wanted.until is not None:
        parts.append(("time < %s", [wanted.until]))
    if below is not None:
        parts.append(("id < %s", [below]))
    return " and ".join(text for text, _ in parts), [value for _, values in parts for value in values]


def _entry(row: Row) -> AuditEntry:
    number, time, actor_id, actor_name, actor_kind, address, request_id, action, *rest = row
    object_type, object_id, before, after = rest
    return AuditEntry(
        id=number,
        time=time,
        actor=Actor(
            actor_id=actor_id,
            actor_name=actor_name,
            actor_kind=actor_kind,
            address=address,
            request_id=request_id,
        ),
        action=action,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
    )
