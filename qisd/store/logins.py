"""What a log-in needs of the users' table."""

from __future__ import annotations

import attrs

from qisd.store.first_run import ADMIN, NORMAL_USERS
from qisd.store.queries import Queries
from qisd.store.users import GENERATED

PASSWORD, DIRECTORY = 1, 2
"""How a user proves who they are: ``auth_type``."""


@attrs.frozen(kw_only=True)
class LoginRow:
    """A user, whether active or not. ``password`` is the stored hash."""

    id: int
    username: str
    password: str = attrs.field(repr=False)
    auth_type: int
    allow_api: bool
    active: bool
    stamp: int
    password_state: int


async def by_name(db: Queries, username: str) -> LoginRow | None:
    """The user of this name in any case."""
    rows = await db.query(
        "select id, username, password, auth_type, allow_api, status = 1, stamp, password_state"
        " from users where lower(username) = lower(%s)",
        (username,),
    )
    if not rows:
        return None
    number, name, password, auth_type, allow_api, active, stamp, state = rows[0]
    return LoginRow(
        id=number,
        username=name,
        password=password,
        auth_type=auth_type,
        allow_api=allow_api,
        active=active,
        stamp=stamp,
        password_state=state,
    )


async def first_password_waits(db: Queries) -> bool:
    """Whether the built-in administrator has the password that was made up at the first start, and nobody ever came."""
    rows = await db.query(
        "select exists (select from users where id = %s and password_state = %s)"
        " and not exists (select from audit_log where action = 'login.done')",
        (ADMIN, GENERATED),
    )
    return bool(rows[0][0])


async def replace_hash(db: Queries, user_id: int, *, old: str, new: str) -> None:
    """Store the same password under a better hash, unless it was changed meanwhile."""
    await db.execute("update users set password = %s where id = %s and password = %s", (new, user_id, old))


async def create_directory_user(db: Queries, *, username: str, first_name: str, last_name: str, password: str) -> bool:
    """An account for someone whom the directory knows; False when there is one already. In a transaction.

    :param password: a hash that nothing fits.
    """
    rows = await db.query(
        "insert into users (username, first_name, last_name, password, auth_type, allow_api)"
        " values (%s, %s, %s, %s, %s, false) on conflict do nothing returning id",
        (username, first_name, last_name, password, DIRECTORY),
    )
    for (number,) in rows:
        await db.execute("insert into usergroups (user_id, group_id) values (%s, %s)", (number, NORMAL_USERS))
    return bool(rows)


async def set_directory_groups(db: Queries, user_id: int, *, names: frozenset[str]) -> None:
    """Make the user a member of just those groups of type LDAP that have one of these names."""
    await db.execute(
        "delete from usergroups using groups g where g.id = group_id and g.group_type = 3 and user_id = %s"
        " and g.name <> all(%s)",
        (user_id, list(names)),
    )
    await db.execute(
        "insert into usergroups (user_id, group_id) select %s, id from groups where group_type = 3 and name = any(%s)"
        " on conflict do nothing",
        (user_id, list(names)),
    )
