"""All that the permission snapshot is made of, read in a few queries."""

from __future__ import annotations

from typing import Any

import attrs

from qisd.store.queries import Queries, Row

TABLES = frozenset(
    {"users", "groups", "usergroups", "syspermissions", "folderpermissions", "folders", "image_metadata"}
)
"""The tables behind it."""

FLAGS = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")
"""The columns of ``syspermissions`` in their order."""


@attrs.frozen(kw_only=True)
class PermissionRows:
    """The rows as they are.

    :param users: id, user name, allow_api, stamp, password_state of the active users.
    :param members: user id, group id.
    :param groups: id, name, and a bool for each of :data:`FLAGS`.
    :param levels: path as stored, group id, level.
    :param validity: path of an image, begin and end in seconds since 1970 or None.
    """

    users: list[Row]
    members: list[Row]
    groups: list[Row]
    levels: list[Row]
    validity: list[Row]


async def load(db: Queries) -> PermissionRows:
    """Read everything; in a transaction, if it is to be of one moment."""
    flags = ", ".join(f"s.{flag}" for flag in FLAGS)
    rows: dict[str, list[Any]] = {}
    for name, sql in {
        "users": "select id, username, allow_api, stamp, password_state from users where status = 1",
        "members": "select user_id, group_id from usergroups",
        "groups": f"select g.id, g.name, {flags} from groups g join syspermissions s on s.group_id = g.id",  # noqa: S608
        "levels": "select f.path, p.group_id, p.access from folderpermissions p join folders f on f.id = p.folder_id",
        "validity": "select i.src, extract(epoch from m.valid_from), extract(epoch from m.valid_until)"
        " from image_metadata m join images i on i.id = m.image_id"
        " where i.status = 1 and (m.valid_from is not null or m.valid_until is not null)",
    }.items():
        rows[name] = await db.query(sql)
    return PermissionRows(**rows)
