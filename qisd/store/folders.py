"""The folders of the library, as the database knows them. Paths here are as stored: ``/`` or ``/a/b``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs

from qisd.store.queries import Queries, Row
from qisd.store.subtree import DETACHED, Subtree, like_below

_COLUMNS = "id, name, path, parent_id, status, version"


@attrs.frozen(kw_only=True)
class Folder:
    """A folder.

    :param name: the last component of its path; empty for the root.
    :param parent_id: None for the root.
    :param status: 0 deleted, 1 active.
    """

    id: int
    name: str
    path: str
    parent_id: int | None
    status: int
    version: int

    @property
    def active(self) -> bool:
        return self.status == 1

    @property
    def location(self) -> str:
        """Its path without leading slash, as permissions and images have it; empty for the root."""
        return self.path[1:]


def stored(location: str) -> str:
    """The path of a row for a path without slashes around it."""
    return f"/{location}"


async def by_id(db: Queries, folder_id: int) -> Folder | None:
    return await _one(db, "id = %s", folder_id)


async def by_path(db: Queries, path: str) -> Folder | None:
    return await _one(db, "path = %s", path)


async def by_ids(db: Queries, ids: Collection[int]) -> dict[int, Folder]:
    """Those of ``ids`` that exist, by id."""
    rows = await db.query(f"select {_COLUMNS} from folders where id = any(%s)", (list(ids),))  # noqa: S608
    return {folder.id: folder for folder in map(_folder, rows)}


async def children(db: Queries, folder_id: int, *, statuses: Iterable[int] = (1,)) -> list[Folder]:
    """The folders right below one, by name; those that gave up their place are left out."""
    rows = await db.query(
        f"select {_COLUMNS} from folders where parent_id = %s and status = any(%s) and path not like %s"  # noqa: S608
        " order by name, id",
        (folder_id, list(statuses), f"/{DETACHED}/%"),
    )
    return [_folder(row) for row in rows]


async def nearest_active(db: Queries, path: str) -> Folder | None:
    """The folder at ``path``, or the nearest one above it that is active. None: not even the root is."""
    rows = await db.query(
        f"select {_COLUMNS} from folders where path = any(%s) and status = 1"  # noqa: S608
        " order by length(path) desc limit 1",
        (_chain(path),),
    )
    return _folder(rows[0]) if rows else None


async def ensure_folders(db: Queries, path: str) -> Folder:
    """The folder at ``path``, made or made active again together with all above it. For use in a transaction."""
    return (await ensure_all(db, [path]))[path]


async def ensure_all(db: Queries, paths: Iterable[str]) -> dict[str, Folder]:
    """As :func:`ensure_folders`, for several paths at once; returns them and those above them by path."""
    # In the order of the paths, so that two that do this at once never wait for each other crosswise.
    wanted = sorted({part for path in paths for part in _chain(path)})
    rows = await db.query(f"select {_COLUMNS} from folders where path = any(%s)", (wanted,))  # noqa: S608
    found = {folder.path: folder for folder in map(_folder, rows)}
    if any(not folder.active for folder in found.values()):
        rows = await db.query(
            "with gone as (select id from folders where path = any(%s) and status = 0 order by path for update)"  # noqa: S608
            f" update folders set status = 1 where id in (select id from gone) returning {_COLUMNS}",
            (wanted,),
        )
        # One that is not among them was given another place meanwhile, with a folder restored from the trash.
        found = {path: folder for path, folder in found.items() if folder.active}
        found |= {folder.path: folder for folder in map(_folder, rows)}
    for path in wanted:
        if path not in found:
            found[path] = await _make(db, path, found.get(path.rpartition("/")[0] or "/"))
    return found


async def move_subtree(db: Queries, subtree: Subtree, to: str, *, parent_id: int) -> None:
    """Give a folder and all below it the paths that they have after it was moved to ``to`` (no leading slash)."""
    source, target = subtree.folder, Subtree(to, subtree.file).folder
    if source is None or target is None:
        return
    condition, parameters = subtree.folders()
    old = stored(source)
    await db.execute(
        "update folders set path = moved.path, name = regexp_replace(moved.path, '^.*/', ''),"  # noqa: S608
        " parent_id = case when folders.path = %s then %s else parent_id end"
        f" from (select id, %s || substr(path, %s) as path from folders where {condition}) moved"
        " where folders.id = moved.id",
        (old, parent_id, stored(target), len(old) + 1, *parameters),
    )


async def deactivate(db: Queries, subtree: Subtree) -> None:
    """Mark a folder and all below it deleted."""
    condition, parameters = subtree.folders()
    await db.execute(
        f"update folders set status = 0 where {condition} and status = 1 and path <> '/'",  # noqa: S608
        parameters,
    )


async def detach(db: Queries, subtree: Subtree) -> None:
    """Take their paths from the records at a place that something else takes; they stay, deleted, under their ids."""
    condition, parameters = subtree.folders()
    await db.execute(
        f"update folders set status = 0, path = '/{DETACHED}/f' || id || '/' || name where {condition}",  # noqa: S608
        parameters,
    )


async def longest_below(db: Queries, subtree: Subtree) -> int:
    """How many characters follow the subtree's own path in the longest path below it, of folders or images."""
    folders, of_folders = subtree.folders()
    images, of_images = subtree.images()
    rows = await db.query(
        "select max(length) from ("  # noqa: S608
        f"select max(length(path)) - 1 as length from folders where {folders}"
        f" union all select max(length(src)) from images where {images}) both_",
        (*of_folders, *of_images),
    )
    return max(0, (rows[0][0] or 0) - len(subtree.path))


async def purge_deleted(db: Queries, path: str) -> int:
    """Remove the deleted folders at and below ``path`` (stored form) that hold nothing any more; how many."""
    count = 0
    while True:
        rows = await db.query(
            "with gone as (delete from folders f where (path = %s or path like %s) and status = 0"
            " and not exists (select 1 from folders c where c.parent_id = f.id)"
            " and not exists (select 1 from images i where i.folder_id = f.id)"
            " and f.id not in (select unnest(folder_ids) from trash) returning 1)"
            " select count(*) from gone",
            (path, "/%" if path == "/" else like_below(path)),
        )
        if not rows[0][0]:
            return count
        count += int(rows[0][0])


async def active_below(db: Queries, path: str, *, after: str, limit: int) -> list[str]:
    """The paths of active folders at and below ``path`` that come after ``after``, in the order of their bytes."""
    rows = await db.query(
        "select path from folders where (path = %s or path like %s) and status = 1 and path ~>~ %s"
        " order by path using ~<~ limit %s",
        (path, "/%" if path == "/" else like_below(path), after, limit),
    )
    return [row[0] for row in rows]


async def _one(db: Queries, condition: str, value: object) -> Folder | None:
    rows = await db.query(f"select {_COLUMNS} from folders where {condition}", (value,))  # noqa: S608
    return _folder(rows[0]) if rows else None


async def _make(db: Queries, path: str, parent: Folder | None) -> Folder:
    rows = await db.query(
        "insert into folders (name, path, parent_id) values (%s, %s, %s)"  # noqa: S608
        f" on conflict (path) do update set status = 1 returning {_COLUMNS}",
        (path.rpartition("/")[2], path, parent.id if parent is not None else None),
    )
    return _folder(rows[0])


def _chain(path: str) -> list[str]:
    """``path`` and all above it, the root first."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    return ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]


def _folder(row: Row) -> Folder:
    number, name, path, parent_id, status, version = row
    return Folder(id=number, name=name, path=path, parent_id=parent_id, status=status, version=version)
