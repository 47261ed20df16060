"""Sessions, tokens, keys and tickets: who has proved who they are, until when. Secrets are kept as digests only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import attrs

from qisd.store.queries import Queries, Row

Kind = Literal["session", "token", "key", "ticket"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_COLUMNS = "id, kind, user_id, stamp, label, scopes, folder, address, agent, created, last_used, expires"


@attrs.frozen(kw_only=True)
class SessionRow:
    """One of them. ``stamp`` is that of the user when it was made; with another one it has ended.

    :param scopes: of keys; ``folder``, with leading slash, too.
    """

    id: int
    kind: Kind
    user_id: int
    stamp: int
    label: str
    scopes: tuple[str, ...]
    folder: str
    address: str
    agent: str
    created: datetime
    last_used: datetime
    expires: datetime


async def insert(
    db: Queries,
    *,
    secret_hash: bytes,
    kind: Kind,
    user_id: int,
    stamp: int,
    expires: datetime,
    label: str = "",
    scopes: Sequence[str] = (),
    folder: str = "/",
    address: str = "",
    agent: str = "",
) -> SessionRow:
    """Make one; in a transaction."""
    rows = await db.query(
        "insert into sessions (secret_hash, kind, user_id, stamp, expires, label, scopes, folder, address, agent)"  # noqa: S608
        f" values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning {_COLUMNS}",
        (secret_hash, kind, user_id, stamp, expires, label, list(scopes), folder, address, agent),
    )
    return _row(rows[0])


async def by_digest(db: Queries, digests: Sequence[bytes]) -> SessionRow | None:
    """The one with one of these digests, unless it was revoked, is over, or its user may not have it any more."""
    rows = await db.query(
        f"select {_COLUMNS} from sessions s where secret_hash = any(%s) and revoked is null and expires > now()"  # noqa: S608
        " and exists (select from users u where u.id = s.user_id and u.status = 1 and u.stamp = s.stamp"
        " and (u.allow_api or s.kind not in ('token', 'key')))",
        (list(digests),),
    )
    return _row(rows[0]) if rows else None


async def of_user(db: Queries, user_id: int, kinds: Sequence[Kind]) -> list[SessionRow]:
    """Those that hold as soon as the user may sign in and use the API, the newest first."""
    rows = await db.query(
        f"select {_COLUMNS} from sessions where user_id = %s and kind = any(%s) and revoked is null"  # noqa: S608
        " and expires > now() and stamp = (select u.stamp from users u where u.id = sessions.user_id) order by id desc",
        (user_id, list(kinds)),
    )
    return [_row(row) for row in rows]


async def end_oldest(db: Queries, user_id: int, kind: Kind, *, keep: int) -> None:
    """Remove all of a user's of this kind but the newest ``keep``."""
    await db.execute(
        "delete from sessions where id in"
        " (select id from sessions where user_id = %s and kind = %s order by id desc offset %s)",
        (user_id, kind, keep),
    )


async def touch(db: Queries, session_ids: Sequence[int]) -> None:
    """They have just been used."""
    await db.execute("update sessions set last_used = now() where id = any(%s)", (list(session_ids),))


async def restamp(db: Queries, session_id: int) -> None:
    """Let this one go on, whatever has changed its user's stamp."""
    await db.execute(
        "update sessions set stamp = u.stamp from users u where sessions.id = %s and u.id = sessions.user_id",
        (session_id,),
    )


async def revoke(db: Queries, session_id: int, *, user_id: int, kinds: Sequence[Kind] = KINDS) -> bool:
    """End one of a user's; False when there is none of these kinds that holds. In a transaction."""
    rows = await db.query(
        "update sessions set revoked = now() where id = %s and user_id = %s and kind = any(%s) and revoked is null"
        " returning id",
        (session_id, user_id, list(kinds)),
    )
    return bool(rows)


async def use_up(db: Queries, digests: Sequence[bytes]) -> SessionRow | None:
    """End a ticket, and return it to the one caller who did so. In a transaction."""
    rows = await db.query(
        "update sessions set revoked = now() where secret_hash = any(%s) and kind = 'ticket' and revoked is null"  # noqa: S608
        f" and expires > now() returning {_COLUMNS}",
        (list(digests),),
    )
    return _row(rows[0]) if rows else None


async def purge(db: Queries, *, idle: float) -> None:
    """Remove what is over: expired, revoked, or not used for ``idle`` seconds."""
    await db.execute(
        "delete from sessions where expires < now() or revoked is not null"
        " or (kind = 'session' and last_used < now() - make_interval(secs => %s))",
        (idle,),
    )


def _row(row: Row) -> SessionRow:
    names = [name.strip() for name in _COLUMNS.split(",")]
    fields: dict[str, Any] = dict(zip(names, row, strict=True))
    return SessionRow(**{**fields, "scopes": tuple(fields["scopes"])})
