"""The levels that groups have in folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import psycopg2.errors

from qisd.errors import AlreadyExists, NotFound
from qisd.store.groups import SYSTEM
from qisd.store.part import Part
from qisd.store.queries import Queries, Row

_COLUMNS = "id, folder_id, group_id, access, version"


@attrs.frozen(kw_only=True)
class FolderPermission:
    """What a group may do in a folder and, where nothing else is said for it, below.

    :param access: 0, 10, 20, 30, 40, 50, 60 or 70.
    """

    id: int
    folder_id: int
    group_id: int
    access: int
    version: int


@attrs.frozen(kw_only=True)
class NearestRow:
    """The row that counts for a group: that of the nearest folder above which has one."""

    group_id: int
    access: int
    path: str


async def by_id(db: Queries, permission_id: int) -> FolderPermission | None:
    rows = await db.query(f"select {_COLUMNS} from folderpermissions where id = %s", (permission_id,))  # noqa: S608
    return _permission(rows[0]) if rows else None


async def listed(
    db: Queries,
    *,
    folder_id: int | None = None,
    group_id: int | None = None,
    start: int = 0,
    limit: int | None = None,
) -> Part[FolderPermission]:
    """By id; only those of a folder or group, where one is given."""
    given = [(name, value) for name, value in (("folder_id", folder_id), ("group_id", group_id)) if value is not None]
    condition = " and ".join(["true", *(f"{name} = %s" for name, _ in given)])
    parameters = [value for _, value in given]
    rows = await db.query(
        f"select {_COLUMNS} from folderpermissions where {condition} order by id offset %s limit %s",  # noqa: S608
        (*parameters, start, limit),
    )
    total = await db.query(f"select count(*) from folderpermissions where {condition}", parameters)  # noqa: S608
    return Part([_permission(row) for row in rows], total[0][0])


async def insert(db: Queries, *, folder_id: int, group_id: int, access: int) -> FolderPermission:
    """Give a group a level in a folder.

    :raises AlreadyExists: it has one there.
    :raises NotFound: the folder or the group has gone meanwhile.
    """
    try:
        rows = await db.query(
            f"insert into folderpermissions (folder_id, group_id, access) values (%s, %s, %s) returning {_COLUMNS}",  # noqa: S608
            (folder_id, group_id, access),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise AlreadyExists(f"a permission of group {group_id} for folder {folder_id} already exists") from error
    except psycopg2.errors.ForeignKeyViolation as error:
        raise NotFound(str(folder_id)) from error
    return _permission(rows[0])


async def save(db: Queries, permission: FolderPermission) -> FolderPermission:
    """Write another level.

    :raises NotFound: it has gone meanwhile, together with its folder.
    """
    rows = await db.query(
        f"update folderpermissions set access = %s where id = %s returning {_COLUMNS}",  # noqa: S608
        (permission.access, permission.id),
    )
    if not rows:
        raise NotFound(str(permission.id))
    return _permission(rows[0])


async def delete(db: Queries, permission_id: int) -> None:
    await db.execute("delete from folderpermissions where id = %s", (permission_id,))


async def is_fixed(db: Queries, permission: FolderPermission) -> bool:
    """Whether it is that of a system group for the root, which must stay."""
    rows = await db.query(
        "select from folders f, groups g where f.id = %s and f.path = '/' and g.id = %s and g.group_type = %s",
        (permission.folder_id, permission.group_id, SYSTEM),
    )
    return bool(rows)


async def nearest(db: Queries, paths: Sequence[str], groups: Iterable[int]) -> list[NearestRow]:
    """The rows that count for ``groups``, found by going up from folder to parent.

    :param paths: a folder and all those above it, as stored; it begins with the lowest one that exists.
    """
    rows = await db.query(
        "with recursive chain as ("
        " (select id, parent_id, path, 0 as distance from folders where path = any(%s) order by length(path) desc"
        " limit 1)"
        " union all"
        " select f.id, f.parent_id, f.path, chain.distance + 1 from folders f join chain on f.id = chain.parent_id)"
        " select distinct on (p.group_id) p.group_id, p.access, chain.path"
        " from chain join folderpermissions p on p.folder_id = chain.id"
        " where p.group_id = any(%s) order by p.group_id, chain.distance",
        (list(paths), list(groups)),
    )
    return [NearestRow(group_id=group, access=access, path=path) for group, access, path in rows]


def _permission(row: Row) -> FolderPermission:
    permission_id, folder_id, group_id, access, version = row
    return FolderPermission(id=permission_id, folder_id=folder_id, group_id=group_id, access=access, version=version)
