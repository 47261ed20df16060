"""What was deleted and can be had back, until it expires."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs

from qisd.store.folders import ensure_all
from qisd.store.image_history import cut
from qisd.store.queries import Queries, Row
from qisd.store.subtree import DETACHED, Subtree, like_below

_COLUMNS = "id, kind, path, trash_path, user_id, deleted, expires"
_LARGEST_ID = 2**63 - 1


@attrs.frozen(kw_only=True)
class TrashEntry:
    """A file with its pages, or a folder with everything below it.

    :param path: where it was, without leading slash; follows when a folder above is moved.
    :param trash_path: where it is now, from the library's root.
    """

    id: int
    file: bool
    path: str
    trash_path: str
    user_id: int | None
    deleted: datetime
    expires: datetime


async def put(
    db: Queries, subtree: Subtree, *, trash_path: str, user_id: int | None, days: int, info: str
) -> TrashEntry:
    """Mark all images and folders of a subtree deleted, and remember which they were.

    :param info: the text of the entry in each image's history.
    """
    images, of_images = subtree.images()
    folders, of_folders = subtree.folders()
    start = len(subtree.path) + 1
    rows = await db.query(
        f"with images_ as (update images set status = 0 where {images} and status = 1 returning id, src),"  # noqa: S608
        f" folders_ as (update folders set status = 0 where {folders} and status = 1 returning id, path),"
        " told as (insert into imagesaudit (image_id, user_id, action, action_info)"
        " select id, %s, 0, %s from images_)"
        " insert into trash"
        " (kind, path, trash_path, image_ids, image_ends, folder_ids, folder_ends, user_id, expires)"
        " select %s, %s, %s,"
        " coalesce((select array_agg(id order by id) from images_), '{}'),"
        " coalesce((select array_agg(substr(src, %s) order by id) from images_), '{}'),"
        " coalesce((select array_agg(id order by id) from folders_), '{}'),"
        " coalesce((select array_agg(substr(path, %s) order by id) from folders_), '{}'),"
        f" %s, now() + %s * interval '1 day' returning {_COLUMNS}",
        (
            *of_images,
            *of_folders,
            user_id,
            cut(info),
            "file" if subtree.file else "folder",
            subtree.path,
            trash_path,
            start,
            start + 1,
            user_id,
            days,
        ),
    )
    return _entry(rows[0])


async def revive(db: Queries, entry: TrashEntry, to: str, *, user_id: int | None, info: str) -> None:
    """Give the records of an entry their places at and below ``to``, and make them active. Removes the entry.

    Records that have come to life again meanwhile, with another file at the old place, are left alone, even if that
    one is gone as well. Folders whose place has another record share that one.
    """
    await db.execute(
        "with back as (select u.id, '/' || %s || u.folder_end as path from trash t,"
        " unnest(t.folder_ids, t.folder_ends) u(id, folder_end) where t.id = %s)"
        " update folders f set path = back.path, name = regexp_replace(back.path, '^.*/', '') from back"
        " where f.id = back.id and f.status = 0 and f.path <> back.path"
        " and not exists (select 1 from folders other where other.path = back.path)",
        (to, entry.id),
    )
    rows = await db.query(
        "select '/' || %s || u.folder_end from trash t, unnest(t.folder_ends) u(folder_end) where t.id = %s"  # noqa: S608
        f" union select {_folder_path('%s || u.image_end')} from trash t, unnest(t.image_ends) u(image_end)"
        " where t.id = %s",
        (to, entry.id, to, entry.id),
    )
    folders = await ensure_all(db, [row[0] for row in rows])
    await db.execute(
        "update folders f set parent_id = p.id from folders p where f.path = any(%s)"
        " and p.path = coalesce(nullif(regexp_replace(f.path, '/[^/]*$', ''), ''), '/') and f.parent_id <> p.id",
        (list(folders),),
    )
    await db.execute(
        "with back as (select u.id, %s || u.image_end as src from trash t,"  # noqa: S608
        " unnest(t.image_ids, t.image_ends) u(id, image_end) where t.id = %s)"
        f" update images i set status = 0, src = '{DETACHED}/' || i.id || '/' || regexp_replace(i.src, '^.*/', '')"
        " from back where i.src = back.src and i.id <> back.id and i.status = 0",
        (to, entry.id),
    )
    await db.execute(
        "with back as (select u.id, %s || u.image_end as src from trash t,"  # noqa: S608
        " unnest(t.image_ids, t.image_ends) u(id, image_end) where t.id = %s and not exists"
        " (select 1 from imagesaudit a where a.image_id = u.id and a.action in (1, 2) and a.action_time > t.deleted)),"
        " alive as (update images i set status = 1, src = back.src,"
        f" folder_id = (select f.id from folders f where f.path = {_folder_path('back.src')})"
        " from back where i.id = back.id and i.status = 0"
        " and not exists (select 1 from images other where other.src = back.src and other.id <> back.id)"
        " returning i.id)"
        " insert into imagesaudit (image_id, user_id, action, action_info) select id, %s, 1, %s from alive",
        (to, entry.id, user_id, cut(info)),
    )
    await remove(db, entry.id)


async def move_subtree(db: Queries, subtree: Subtree, to: str) -> None:
    """Have entries from below a folder that was moved to ``to`` go back to where it is now."""
    await db.execute(
        "update trash set path = %s || substr(path, %s) where path like %s",
        (to, len(subtree.path) + 1, like_below(subtree.path)),
    )


def _folder_path(src: str) -> str:
    """SQL for the stored path of the folder that an image's path names."""
    return f"'/' || regexp_replace({src}, '/?[^/]*$', '')"


async def by_id(db: Queries, number: int) -> TrashEntry | None:
    rows = await db.query(f"select {_COLUMNS} from trash where id = %s", (number,))  # noqa: S608
    return _entry(rows[0]) if rows else None


async def listed(db: Queries, *, below: int = _LARGEST_ID, limit: int = 1000) -> list[TrashEntry]:
    """Some entries, the newest first.

    :param below: only those with a lower id: that of the last one before.
    """
    rows = await db.query(
        f"select {_COLUMNS} from trash where id < %s order by id desc limit %s",  # noqa: S608
        (below, limit),
    )
    return [_entry(row) for row in rows]


async def expired(db: Queries, *, limit: int) -> list[TrashEntry]:
    """Entries whose time is over, the oldest first."""
    rows = await db.query(
        f"select {_COLUMNS} from trash where expires <= now() order by expires limit %s",  # noqa: S608
        (limit,),
    )
    return [_entry(row) for row in rows]


async def remove(db: Queries, number: int) -> bool:
    """Forget an entry; false if somebody else has done so already."""
    return bool(await db.query("delete from trash where id = %s returning 1", (number,)))


async def known(db: Queries, trash_paths: Collection[str]) -> set[str]:
    """Those of ``trash_paths`` that an entry is about."""
    rows = await db.query("select trash_path from trash where trash_path = any(%s)", (list(trash_paths),))
    return {row[0] for row in rows}


def _entry(row: Row) -> TrashEntry:
    number, kind, path, trash_path, user_id, deleted, expires = row
    return TrashEntry(
        id=number,
        file=kind == "file",
        path=path,
        trash_path=trash_path,
        user_id=user_id,
        deleted=deleted,
        expires=expires,
    )
