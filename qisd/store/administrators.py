"""Who holds the house in order, read at one moment: what changes of accounts are checked against.

Changes of users, groups and permissions look first and write then. They are rare, so that they simply wait for each
other: :func:`take_turns` is the first statement of each.
"""

from __future__ import annotations

import attrs

from qisd.store.groups import FLAGS
from qisd.store.queries import Queries

_LOCK_KEY = 0x71697361  # "qisa"


@attrs.frozen(kw_only=True)
class Administrator:
    """A user who may administer users or permissions, by whatever group.

    :param active: not deleted or disabled.
    """

    active: bool
    users: bool
    permissions: bool


async def take_turns(db: Queries) -> None:
    """Wait until no other transaction changes accounts; the turn ends with this transaction."""
    await db.query("select pg_advisory_xact_lock(%s)", (_LOCK_KEY,))


async def listed(db: Queries) -> dict[int, Administrator]:
    """All administrators by their user id."""
    rows = await db.query(
        "select u.id, u.status = 1, bool_or(s.admin_users or s.admin_all), bool_or(s.admin_permissions or s.admin_all)"
        " from syspermissions s join usergroups m using (group_id) join users u on u.id = m.user_id"
        " where s.admin_users or s.admin_permissions or s.admin_all group by u.id"
    )
    return {
        user_id: Administrator(active=active, users=users, permissions=permissions)
        for user_id, active, users, permissions in rows
    }


async def flags_of_user(db: Queries, user_id: int) -> frozenset[str]:
    """The system permissions that the groups of a user give, without what they imply; also of deleted users."""
    rows = await db.query(
        f"select {', '.join(f'coalesce(bool_or({flag}), false)' for flag in FLAGS)}"  # noqa: S608
        " from usergroups join syspermissions using (group_id) where user_id = %s",
        (user_id,),
    )
    return frozenset(flag for flag, given in zip(FLAGS, rows[0], strict=True) if given)
