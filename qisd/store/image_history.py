"""What happened to each image."""

from __future__ import annotations

import enum
from collections.abc import Collection
from datetime import datetime

import attrs

from qisd.store.queries import Queries

MAX_INFO = 4096
"""Characters of the text of an entry."""


class Action(enum.IntEnum):
    """What was done."""

    DELETED = 0
    CREATED = 1
    REPLACED = 2
    EDITED = 3
    MOVED = 4


@attrs.frozen(kw_only=True)
class ImageEvent:
    """One entry.

    :param user_id: who did it; None is the server itself, or nobody who is known.
    """

    id: int
    image_id: int
    user_id: int | None
    action: Action
    action_info: str
    action_time: datetime


async def record(db: Queries, image_ids: Collection[int], *, user_id: int | None, action: Action, info: str) -> None:
    """Append an entry for each of the images."""
    if image_ids:
        await db.execute(
            "insert into imagesaudit (image_id, user_id, action, action_info)"
            " select id, %s, %s, %s from unnest(%s::bigint[]) id",
            (user_id, int(action), cut(info), list(image_ids)),
        )


async def entries(db: Queries, image_id: int, *, start: int = 0, limit: int | None = None) -> list[ImageEvent]:
    """The entries of one image, oldest first."""
    rows = await db.query(
        "select id, image_id, user_id, action, action_info, action_time from imagesaudit where image_id = %s"
        " order by id offset %s limit %s",
        (image_id, start, limit),
    )
    return [
        ImageEvent(id=number, image_id=image, user_id=user, action=Action(action), action_info=info, action_time=time)
        for number, image, user, action, info, time in rows
    ]


async def count(db: Queries, image_id: int) -> int:
    """How many entries there are of one image."""
    rows = await db.query("select count(*) from imagesaudit where image_id = %s", (image_id,))
    return int(rows[0][0])


def cut(info: str) -> str:
    """``info``, or as much of it as an entry holds, with ``...`` behind it."""
    return info if len(info) <= MAX_INFO else info[: MAX_INFO - 3] + "..."
