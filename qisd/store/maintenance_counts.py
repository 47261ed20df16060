"""How much there is for the work that administrators start by hand, before they start it."""

from __future__ import annotations

from datetime import datetime

from qisd.store.queries import Queries
from qisd.store.subtree import like_below


async def system_stats(db: Queries, before: datetime) -> int:
    """Rows of the server's statistics of periods that began before a moment."""
    return await _one(
        db,
        "select (select count(*) from systemstats where from_time < %s)"
        " + (select count(*) from statsbreakdown where from_time < %s)",
        before,
        before,
    )


async def image_stats(db: Queries, before: datetime) -> int:
    """Rows of the images' statistics of periods that began before a moment."""
    return await _one(db, "select count(*) from imagestats where from_time < %s", before)


async def deleted_images(db: Queries, folder: str) -> int:
    """Deleted images below a folder (without slashes around it) that aren't in the trash any more."""
    return await _one(
        db,
        "select count(*) from images where src like %s and status = 0"
        " and id not in (select unnest(image_ids) from trash)",
        like_below(folder),
    )


async def active_images(db: Queries, folder: str = "") -> int:
    """Images that are there, as far as the server knows of them, below a folder (without slashes around it)."""
    return await _one(db, "select count(*) from images where src like %s and status = 1", like_below(folder))


async def indexed_images(db: Queries) -> int:
    """Images that the search index is of: also those that were deleted, as they may come back."""
    return await _one(db, "select count(*) from images")


async def unread_images(db: Queries) -> int:
    """Images whose files weren't read yet for what they say of themselves."""
    return await _one(
        db,
        "select count(*) from images i left join image_metadata m on m.image_id = i.id"
        " where i.status = 1 and m.read_at is null",
    )


async def trash(db: Queries) -> int:
    """Files and folders in the trash."""
    return await _one(db, "select count(*) from trash")


async def _one(db: Queries, query: str, *parameters: object) -> int:
    rows = await db.query(query, parameters)
    return int(rows[0][0])
