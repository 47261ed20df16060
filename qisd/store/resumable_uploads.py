"""Uploads that may be broken off and gone on with, until they are whole or nobody comes back to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from qisd.store.queries import Queries, Row

_COLUMNS = "id, user_id, folder, filename, overwrite, length, staging, image_id, finished, expires, expires <= now()"


@attrs.frozen(kw_only=True)
class ResumableUpload:
    """One of them.

    :param folder: where it goes, without slashes around it; ``filename`` is the name it gets there.
    :param overwrite: no, yes or rename: what to do when the name is taken.
    :param length: bytes of the whole.
    :param staging: where its bytes are meanwhile, below the root of the library.
    :param image_id: what became of it; None while nothing has, or when that is gone.
    :param finished: when it got its place.
    """

    id: uuid.UUID
    user_id: int
    folder: str
    filename: str
    overwrite: str
    length: int
    staging: str
    image_id: int | None
    finished: datetime | None
    expires: datetime
    expired: bool

    @property
    def done(self) -> bool:
        return self.finished is not None


async def add(
    db: Queries,
    number: uuid.UUID,
    *,
    user_id: int,
    folder: str,
    filename: str,
    overwrite: str,
    length: int,
    staging: str,
    seconds: float,
) -> ResumableUpload:
    """Begin one, which lasts for ``seconds``. In a transaction."""
    rows = await db.query(
        "insert into resumable_uploads (id, user_id, folder, filename, overwrite, length, staging, expires)"  # noqa: S608
        f" values (%s::uuid, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s)) returning {_COLUMNS}",
        (str(number), user_id, folder, filename, overwrite, length, staging, seconds),
    )
    return _upload(rows[0])


async def by_id(db: Queries, number: uuid.UUID) -> ResumableUpload | None:
    rows = await db.query(f"select {_COLUMNS} from resumable_uploads where id = %s::uuid", (str(number),))  # noqa: S608
    return _upload(rows[0]) if rows else None


async def unfinished(db: Queries, user_id: int) -> int:
    """How many of a user's are not in their place yet."""
    rows = await db.query(
        "select count(*) from resumable_uploads where user_id = %s and finished is null and expires > now()", (user_id,)
    )
    return int(rows[0][0])


async def extend(db: Queries, number: uuid.UUID, *, seconds: float) -> ResumableUpload | None:
    """Let it last for ``seconds`` from now. In a transaction. None: there is none any more."""
    rows = await db.query(
        "update resumable_uploads set expires = now() + make_interval(secs => %s)"  # noqa: S608
        f" where id = %s::uuid returning {_COLUMNS}",
        (seconds, str(number)),
    )
    return _upload(rows[0]) if rows else None


async def hold(db: Queries, number: uuid.UUID, *, holder: uuid.UUID, seconds: float) -> bool | None:
    """Keep others off it for ``seconds``, or still keep them off. In a transaction.

    :returns: false when another holder does; None when there is no such upload.
    """
    rows = await db.query(
        "update resumable_uploads set held_by = %s::uuid, held_until = now() + make_interval(secs => %s)"
        " where id = %s::uuid and (held_by is null or held_by = %s::uuid or held_until <= now()) returning 1",
        (str(holder), seconds, str(number), str(holder)),
    )
    if rows:
        return True
    return False if await db.query("select 1 from resumable_uploads where id = %s::uuid", (str(number),)) else None


async def release(db: Queries, number: uuid.UUID, *, holder: uuid.UUID) -> None:
    """Let others at it."""
    await db.execute(
        "update resumable_uploads set held_by = null, held_until = null where id = %s::uuid and held_by = %s::uuid",
        (str(number), str(holder)),
    )


async def is_held(db: Queries, number: uuid.UUID) -> bool:
    rows = await db.query("select 1 from resumable_uploads where id = %s::uuid and held_until > now()", (str(number),))
    return bool(rows)


async def finish(db: Queries, number: uuid.UUID, *, image_id: int) -> None:
    """It got its place, and is an image now."""
    await db.execute(
        "update resumable_uploads set finished = now(), image_id = %s where id = %s::uuid", (image_id, str(number))
    )


async def remove(db: Queries, number: uuid.UUID) -> None:
    await db.execute("delete from resumable_uploads where id = %s::uuid", (str(number),))


async def remove_expired(db: Queries) -> list[str]:
    """Remove those that are over; returns where their bytes are. In a transaction."""
    rows = await db.query("delete from resumable_uploads where expires <= now() returning staging")
    return [row[0] for row in rows]


async def stagings(db: Queries, paths: Sequence[str]) -> set[str]:
    """Those of ``paths`` that belong to an upload."""
    rows = await db.query("select staging from resumable_uploads where staging = any(%s)", (list(paths),))
    return {row[0] for row in rows}


def _upload(row: Row) -> ResumableUpload:
    names = [one.name for one in attrs.fields(ResumableUpload)]
    values: dict[str, Any] = dict(zip(names, row, strict=True))
    return ResumableUpload(**{**values, "id": uuid.UUID(str(values["id"]))})
