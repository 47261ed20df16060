"""The groups with their system permissions, and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs
import psycopg2.errors

from qisd.errors import AlreadyExists
from qisd.store.part import Part
from qisd.store.queries import Queries, Row

SYSTEM, LOCAL, LDAP = 1, 2, 3
"""Values of ``group_type``."""

FLAGS = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")
"""The columns of ``syspermissions``."""

SORTS = {"name": ("lower(g.name)", "g.id"), "id": ("g.id",), "group_type": ("g.group_type", "lower(g.name)")}
"""What a list may be sorted by."""

_SELECT = (
    f"select g.id, g.name, g.description, g.group_type, g.version, {', '.join(f's.{flag}' for flag in FLAGS)}"  # noqa: S608
    " from groups g left join syspermissions s on s.group_id = g.id"
)


@attrs.frozen(kw_only=True)
class Group:
    """A group.

    :param group_type: 1 system, 2 local, 3 LDAP.
    :param flags: its system permissions, names of :data:`FLAGS`, without what they imply.
    :param version: raised by every change, that of the members included.
    """

    id: int
    name: str
    description: str
    group_type: int
    flags: frozenset[str]
    version: int


async def by_id(db: Queries, group_id: int) -> Group | None:
    rows = await db.query(f"{_SELECT} where g.id = %s", (group_id,))
    return _group(rows[0]) if rows else None


async def by_name(db: Queries, name: str) -> Group | None:
    rows = await db.query(f"{_SELECT} where g.name = %s", (name,))
    return _group(rows[0]) if rows else None


async def listed(
    db: Queries,
    *,
    q: str = "",
    sort: str = "name",
    descending: bool = False,
    start: int = 0,
    limit: int | None = None,
) -> Part[Group]:
    """Groups whose name or description contains ``q`` in any case.

    :param sort: a key of :data:`SORTS`.
    """
    condition = "position(lower(%s) in lower(g.name || ' ' || g.description)) > 0"
    order = ", ".join(f"{key}{' desc' if descending else ''}" for key in SORTS[sort])
    rows = await db.query(f"{_SELECT} where {condition} order by {order} offset %s limit %s", (q, start, limit))
    total = await db.query(f"select count(*) from groups g where {condition}", (q,))  # noqa: S608
    return Part([_group(row) for row in rows], total[0][0])


async def of_user(db: Queries, user_id: int) -> list[Group]:
    """The groups that a user is a member of, by name."""
    rows = await db.query(
        f"{_SELECT} where g.id in (select group_id from usergroups where user_id = %s) order by lower(g.name), g.id",  # noqa: S608
        (user_id,),
    )
    return [_group(row) for row in rows]


async def of_users(db: Queries, ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """The id and name of each group of those behind ``ids``, by the user's id; the groups by name."""
    rows = await db.query(
        "select m.user_id, g.id, g.name from usergroups m join groups g on g.id = m.group_id"
        " where m.user_id = any(%s) order by lower(g.name), g.id",
        (list(ids),),
    )
    found: dict[int, list[tuple[int, str]]] = {user_id: [] for user_id in ids}
    for user_id, group_id, name in rows:
        found[user_id].append((group_id, name))
    return found


async def names_by_user(db: Queries) -> dict[int, list[str]]:
    """The names of the groups of every user who is in some, by the user's id."""
    rows = await db.query(
        "select m.user_id, array_agg(g.name order by lower(g.name), g.id) from usergroups m"
        " join groups g on g.id = m.group_id group by m.user_id"
    )
    return dict(rows)


async def insert(db: Queries, *, name: str, description: str, group_type: int, flags: Iterable[str]) -> Group:
    """Make a group without members.

    :raises AlreadyExists: the name is taken.
    """
    try:
        rows = await db.query(
            "insert into groups (name, description, group_type) values (%s, %s, %s) returning id, version",
            (name, description, group_type),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(name) from error
    group_id, version = rows[0]
    group = Group(
        id=group_id,
        name=name,
        description=description,
        group_type=group_type,
        flags=frozenset(flags),
        version=version,
    )
    await _save_flags(db, group)
    return group


async def save(db: Queries, group: Group) -> Group:
    """Write all that can be changed of a group.

    :raises AlreadyExists: the name is taken.
    """
    try:
        rows = await db.query(
            "update groups set name = %s, description = %s where id = %s returning version",
            (group.name, group.description, group.id),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(group.name) from error
    await _save_flags(db, group)
    return attrs.evolve(group, version=rows[0][0])


async def delete(db: Queries, group_id: int) -> None:
    """Remove a group with its memberships and permissions of all kinds."""
    await db.execute("delete from groups where id = %s", (group_id,))


async def member_counts(db: Queries) -> dict[int, int]:
    """How many active users each group has, by its id; groups without any are left out."""
    rows = await db.query(
        "select m.group_id, count(*) from usergroups m join users u on u.id = m.user_id where u.status = 1"
        " group by m.group_id"
    )
    return dict(rows)


async def is_member(db: Queries, group_id: int, user_id: int) -> bool:
    rows = await db.query("select from usergroups where group_id = %s and user_id = %s", (group_id, user_id))
    return bool(rows)


async def add_member(db: Queries, group_id: int, user_id: int) -> None:
    """Put a user into a group; one who is in it already stays in it."""
    await db.execute(
        "insert into usergroups (group_id, user_id) values (%s, %s) on conflict do nothing", (group_id, user_id)
    )
    await _raise_version(db, group_id)


async def remove_member(db: Queries, group_id: int, user_id: int) -> None:
    await db.execute("delete from usergroups where group_id = %s and user_id = %s", (group_id, user_id))
    await _raise_version(db, group_id)


async def _raise_version(db: Queries, group_id: int) -> None:
    await db.execute("update groups set version = version where id = %s", (group_id,))  # the trigger counts


async def _save_flags(db: Queries, group: Group) -> None:
    await db.execute(
        f"insert into syspermissions (group_id, {', '.join(FLAGS)}) values (%s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
        f" on conflict (group_id) do update set {', '.join(f'{flag} = excluded.{flag}' for flag in FLAGS)}",
        (group.id, *(flag in group.flags for flag in FLAGS)),
    )


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"group {name} already exists", parameter="name")


def _group(row: Row) -> Group:
    group_id, name, description, group_type, version, *flags = row
    return Group(
        id=group_id,
        name=name,
        description=description,
        group_type=group_type,
        flags=frozenset(name for name, given in zip(FLAGS, flags, strict=True) if given),
        version=version,
    )
