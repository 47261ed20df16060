"""What came of reading files again and holding them against their hashes.

A check is of one version of a file. When the image's record is of another one, by whatever way, it says nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from qisd.store.image_history import Action, cut
from qisd.store.queries import Queries

_PRESENT = (
    "(i.file_size, i.file_mtime_ns, i.file_inode) is not distinct from (c.file_size, c.file_mtime_ns, c.file_inode)"
)
_HASHED = "i.status = 1 and i.content_hash is not null"


@attrs.frozen(kw_only=True)
class Due:
    """An image whose file is to be read; the version is that of its record, None if nobody has looked."""

    image_id: int
    src: str
    file_size: int | None
    file_mtime_ns: int | None
    file_inode: int | None
    content_hash: bytes


@attrs.frozen
class Damage:
    """A file whose bytes have changed although its time has not.

    :param found: when that was seen first.
    """

    image_id: int
    src: str
    found: datetime


@attrs.frozen(kw_only=True)
class Progress:
    """How far a round is, in images: ``done`` of ``total`` that have a hash."""

    done: int
    total: int


async def due(db: Queries, since: datetime, *, after: int, limit: int) -> list[Due]:
    """Active images with a hash that have not been checked since a moment, by their ids, from behind ``after`` on."""
    rows = await db.query(
        "select i.id, i.src, i.file_size, i.file_mtime_ns, i.file_inode, i.content_hash"  # noqa: S608
        f" from images i left join hash_checks c on c.image_id = i.id and {_PRESENT}"
        f" where {_HASHED} and i.id > %s and (c.checked < %s or c.checked is null) order by i.id limit %s",
        (after, since, limit),
    )
    return [
        Due(
            image_id=number,
            src=src,
            file_size=size,
            file_mtime_ns=mtime_ns,
            file_inode=inode,
            content_hash=bytes(digest),
        )
        for number, src, size, mtime_ns, inode, digest in rows
    ]


async def progress(db: Queries, since: datetime) -> Progress:
    """How many have been checked since a moment."""
    rows = await db.query(
        "select count(*) filter (where c.checked >= %s), count(*)"  # noqa: S608
        f" from images i left join hash_checks c on c.image_id = i.id and {_PRESENT} where {_HASHED}",
        (since,),
    )
    done, total = rows[0]
    return Progress(done=done, total=total)


async def save(db: Queries, checked: Sequence[tuple[Due, bool]], *, info: str) -> None:
    """Note what came of some checks. Those that are found damaged for the first time get an entry of their history.

    :param checked: each with whether the bytes fit the hash. What was found damaged before keeps its time.
    :param info: the text of the entries.
    """
    ordered = sorted(checked, key=lambda pair: pair[0].image_id)
    await db.execute(
        "with saved as (insert into hash_checks as c (image_id, file_size, file_mtime_ns, file_inode, damaged)"
        " select t.image_id, t.file_size, t.file_mtime_ns, t.file_inode, case when not t.fits then now() end"
        " from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[])"
        " as t(image_id, file_size, file_mtime_ns, file_inode, fits)"
        " join images i on i.id = t.image_id for key share of i"  # those that are purged meanwhile are left out
        " on conflict (image_id) do update set checked = excluded.checked, file_size = excluded.file_size,"
        " file_mtime_ns = excluded.file_mtime_ns, file_inode = excluded.file_inode,"
        " damaged = case when excluded.damaged is null then null"
        " when (c.file_size, c.file_mtime_ns, c.file_inode) is not distinct from"
        " (excluded.file_size, excluded.file_mtime_ns, excluded.file_inode)"
        " then coalesce(c.damaged, excluded.damaged) else excluded.damaged end returning image_id, damaged)"
        " insert into imagesaudit (image_id, user_id, action, action_info)"
        " select image_id, null, %s, %s from saved where damaged = now() order by image_id",
        (
            [one.image_id for one, _ in ordered],
            [one.file_size for one, _ in ordered],
            [one.file_mtime_ns for one, _ in ordered],
            [one.file_inode for one, _ in ordered],
            [fits for _, fits in ordered],
            int(Action.EDITED),
            cut(info),
        ),
    )


async def damaged(db: Queries, *, start: int = 0, limit: int) -> list[Damage]:
    """The files that were found damaged and have not been replaced since, those found last first."""
    rows = await db.query(
        "select i.id, i.src, c.damaged from hash_checks c join images i on i.id = c.image_id"  # noqa: S608
        f" where c.damaged is not null and i.status = 1 and {_PRESENT}"
        " order by c.damaged desc, i.id offset %s limit %s",
        (start, limit),
    )
    return [Damage(*row) for row in rows]


async def count_damaged(db: Queries) -> int:
    """How many those are."""
    rows = await db.query(
        "select count(*) from hash_checks c join images i on i.id = c.image_id"  # noqa: S608
        f" where c.damaged is not null and i.status = 1 and {_PRESENT}"
    )
    return int(rows[0][0])
