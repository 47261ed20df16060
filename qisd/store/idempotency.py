"""Requests that their senders have marked, so that each is done once however often it is sent."""

from __future__ import annotations

import attrs

from qisd.store.pool import Transaction
from qisd.store.queries import Queries

KEPT_HOURS = 24

KEPT_MAX = 5000
"""Of one user, the newest."""

ABANDONED_SECONDS = 300
"""After so long a request that has begun and not ended is taken for one that a crash has cut off."""


@attrs.frozen(kw_only=True)
class Kept:
    """What is known of a request with the same mark.

    :param digest: of what was asked for.
    :param status: of its answer, with ``body``; None while it is under way.
    """

    digest: bytes
    status: int | None
    body: bytes


async def begin(db: Transaction, *, user_id: int, key: str, digest: bytes) -> Kept | None:
    """Note that a request is being done. None: nobody else does; else what is known of the one that was first."""
    await db.execute(
        "delete from idempotency_keys where user_id = %s and key = %s"
        " and (created < now() - make_interval(hours => %s)"
        " or (status is null and created < now() - make_interval(secs => %s)))",
        (user_id, key, KEPT_HOURS, ABANDONED_SECONDS),
    )
    made = await db.query(
        "insert into idempotency_keys (user_id, key, request_digest) values (%s, %s, %s)"
        " on conflict do nothing returning true",
        (user_id, key, digest),
    )
    if made:
        await db.execute(
            "delete from idempotency_keys where user_id = %s and status is not null and created <"
            " (select created from idempotency_keys where user_id = %s order by created desc offset %s limit 1)",
            (user_id, user_id, KEPT_MAX),
        )
        return None
    rows = await db.query(
        "select request_digest, status, body from idempotency_keys where user_id = %s and key = %s", (user_id, key)
    )
    if not rows:  # given up at this very moment
        return Kept(digest=digest, status=None, body=b"")
    found, status, body = rows[0]
    return Kept(digest=bytes(found), status=status, body=bytes(body or b""))


async def finish(db: Queries, *, user_id: int, key: str, status: int, body: bytes) -> None:
    """Keep the answer."""
    await db.execute(
        "update idempotency_keys set status = %s, body = %s where user_id = %s and key = %s",
        (status, body, user_id, key),
    )


async def give_up(db: Queries, *, user_id: int, key: str) -> None:
    """Nothing was done: the same request may come again."""
    await db.execute("delete from idempotency_keys where user_id = %s and key = %s and status is null", (user_id, key))


async def purge(db: Queries) -> None:
    """Remove what is no longer kept."""
    await db.execute("delete from idempotency_keys where created < now() - make_interval(hours => %s)", (KEPT_HOURS,))
