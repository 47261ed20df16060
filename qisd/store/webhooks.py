"""Addresses that are told what happens, and what they are yet to be told.

Notes of what happens are made by triggers, in the transaction in which it does, and so is the task that passes them on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from qisd.store.queries import Queries, Row

EVENTS = ("image.created", "image.replaced", "image.moved", "image.deleted", "portfolio.exported", "task.failed")
"""What one can be told of."""

_COLUMNS = "id, url, events, secret, active, version, created, failures, blocked_until > now()"
_OF_DELIVERY = "id, webhook_id, message_id, event, data, attempts, next_attempt, error, created"

_LONGEST_ERROR = 500


@attrs.frozen(kw_only=True)
class Webhook:
    """One address.

    :param events: some of :data:`EVENTS`.
    :param secret: what messages are signed with.
    :param failures: how often in a row it could not be reached.
    :param blocked: it isn't time yet for the next attempt.
    """

    id: int
    url: str
    events: Sequence[str]
    secret: str = attrs.field(repr=False)
    active: bool
    version: int
    created: datetime
    failures: int = 0
    blocked: bool | None = False


@attrs.frozen(kw_only=True)
class Delivery:
    """What one address is yet to be told.

    :param error: why the last attempt failed.
    :param created: when it happened.
    """

    id: int
    webhook_id: int
    message_id: uuid.UUID
    event: str
    data: Mapping[str, Any]
    attempts: int
    next_attempt: datetime
    error: str
    created: datetime


async def listed(db: Queries) -> list[Webhook]:
    rows = await db.query(f"select {_COLUMNS} from webhooks order by id")  # noqa: S608
    return [Webhook(**_named(Webhook, row)) for row in rows]


async def by_id(db: Queries, webhook_id: int) -> Webhook | None:
    rows = await db.query(f"select {_COLUMNS} from webhooks where id = %s", (webhook_id,))  # noqa: S608
    return Webhook(**_named(Webhook, rows[0])) if rows else None


async def insert(db: Queries, *, url: str, events: Sequence[str], secret: str, active: bool) -> Webhook:
    """In a transaction."""
    rows = await db.query(
        f"insert into webhooks (url, events, secret, active) values (%s, %s, %s, %s) returning {_COLUMNS}",  # noqa: S608
        (url, list(events), secret, active),
    )
    return Webhook(**_named(Webhook, rows[0]))


async def save(db: Queries, webhook: Webhook) -> Webhook:
    """Write address, events, secret and whether it is active; attempts begin anew. In a transaction."""
    rows = await db.query(
        "update webhooks set url = %s, events = %s, secret = %s, active = %s, failures = 0, blocked_until = null"  # noqa: S608
        f" where id = %s returning {_COLUMNS}",
        (webhook.url, list(webhook.events), webhook.secret, webhook.active, webhook.id),
    )
    return Webhook(**_named(Webhook, rows[0]))


async def delete(db: Queries, webhook_id: int) -> None:
    """With all that it is yet to be told."""
    await db.execute("delete from webhooks where id = %s", (webhook_id,))


async def switch_off(db: Queries, webhook_id: int) -> None:
    await db.execute("update webhooks set active = false where id = %s", (webhook_id,))


# What they are to be told


async def deliveries(db: Queries, webhook_id: int, *, start: int = 0, limit: int | None = None) -> list[Delivery]:
    """All that one is yet to be told, the oldest first."""
    rows = await db.query(
        f"select {_OF_DELIVERY} from webhook_deliveries where webhook_id = %s order by id offset %s limit %s",  # noqa: S608
        (webhook_id, start, limit),
    )
    return [_delivery(row) for row in rows]


async def count_deliveries(db: Queries, webhook_id: int) -> int:
    rows = await db.query("select count(*) from webhook_deliveries where webhook_id = %s", (webhook_id,))
    return int(rows[0][0])


async def due(db: Queries, webhook_id: int, *, limit: int) -> list[Delivery]:
    """What one is to be told now, the oldest first."""
    rows = await db.query(
        f"select {_OF_DELIVERY} from webhook_deliveries where webhook_id = %s and next_attempt <= now()"  # noqa: S608
        " order by id limit %s",
        (webhook_id, limit),
    )
    return [_delivery(row) for row in rows]


async def with_due(db: Queries) -> list[int]:
    """The ids of those that are to be told something now."""
    rows = await db.query(
        "select id from webhooks w where active and (blocked_until is null or blocked_until <= now())"
        " and exists (select 1 from webhook_deliveries where webhook_id = w.id and next_attempt <= now()) order by id"
    )
    return [row[0] for row in rows]


async def delivered(db: Queries, delivery: Delivery) -> None:
    """It is told."""
    await db.execute("delete from webhook_deliveries where id = %s", (delivery.id,))
    await db.execute(
        "update webhooks set failures = 0, blocked_until = null where id = %s and failures > 0", (delivery.webhook_id,)
    )


async def postpone(db: Queries, delivery: Delivery, *, seconds: float, error: str) -> None:
    """It could not be told; the next attempt is in ``seconds``."""
    await db.execute(
        "update webhook_deliveries set attempts = attempts + 1, error = %s,"
        " next_attempt = now() + make_interval(secs => %s) where id = %s",
        (error[:_LONGEST_ERROR], seconds, delivery.id),
    )


async def block(db: Queries, webhook_id: int, *, seconds: float) -> None:
    """It can't be reached; no attempt is made for ``seconds``."""
    await db.execute(
        "update webhooks set failures = failures + 1, blocked_until = now() + make_interval(secs => %s) where id = %s",
        (seconds, webhook_id),
    )


async def give_up(db: Queries, *, seconds: float) -> dict[int, int]:
    """Drop what could not be told for ``seconds``; how much, by webhook. In a transaction.

    What nobody has tried to tell stays, unless its address can't be reached or is switched off.
    """
    rows = await db.query(
        "with dropped as (delete from webhook_deliveries d using webhooks w where w.id = d.webhook_id"
        " and d.created < now() - make_interval(secs => %s)"
        " and (d.attempts > 0 or w.failures > 0 or not w.active) returning d.webhook_id)"
        " select webhook_id, count(*) from dropped group by webhook_id",
        (seconds,),
    )
    return dict(rows)


def _delivery(row: Row) -> Delivery:
    values = _named(Delivery, row)
    return Delivery(**{**values, "message_id": uuid.UUID(str(values["message_id"]))})


def _named(kind: type[Any], row: Row) -> dict[str, Any]:
    return dict(zip((field.name for field in attrs.fields(kind)), row, strict=True))
