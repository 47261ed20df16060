"""The users. Nobody's password leaves here but as the hash that a log-in is checked against."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs
import psycopg2.errors

from qisd.errors import AlreadyExists
from qisd.store.part import Part
from qisd.store.queries import Queries, Row

DELETED, ACTIVE = 0, 1
"""Values of ``status``."""

PASSWORD, LDAP = 1, 2
"""Values of ``auth_type``."""

CHOSEN, GENERATED, MUST_CHANGE = 0, 1, 2
"""Values of ``password_state``: of its owner's own choice; made up by the server at its first start; preset: it opens
nothing but the way to another one.
"""

UNUSABLE_PASSWORD = "!"  # noqa: S105 - no password has this hash
"""What stands for the hash of users whom nobody can be any more."""

SORTS = {
    "username": "lower(username), id",
    "id": "id",
    "first_name": "lower(first_name), lower(username)",
    "last_name": "lower(last_name), lower(username)",
    "email": "lower(email), lower(username)",
    "created": "created, id",
}
"""What a list may be sorted by."""

_COLUMNS = (
    "id, username, first_name, last_name, email, auth_type, allow_api, status, version, stamp, password_state,"
    " created, deleted"
)


@attrs.frozen(kw_only=True)
class User:
    """An account.

    :param auth_type: 1 password, 2 LDAP.
    :param allow_api: may fetch tokens.
    :param status: 1 active, 0 deleted or disabled.
    :param version: raised by every change of what others can see; ``stamp`` by those that end sessions and tokens.
    :param password_state: 0 chosen by its owner, 1 generated at the first start, 2 preset: must be changed.
    :param deleted: when it was deleted; None while it is active, or only disabled.
    """

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    auth_type: int
    allow_api: bool
    status: int
    version: int
    stamp: int
    password_state: int
    created: datetime
    deleted: datetime | None

    @property
    def display_name(self) -> str:
        """First and last name; the user name of those who have none."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


async def by_id(db: Queries, user_id: int) -> User | None:
    rows = await db.query(f"select {_COLUMNS} from users where id = %s", (user_id,))  # noqa: S608
    return _user(rows[0]) if rows else None


async def by_ids(db: Queries, ids: Collection[int]) -> dict[int, User]:
    """The users behind ``ids``."""
    rows = await db.query(f"select {_COLUMNS} from users where id = any(%s)", (list(ids),))  # noqa: S608
    return {user.id: user for user in map(_user, rows)}


async def names(db: Queries, ids: Collection[int]) -> dict[int, str]:
    """The user names behind ``ids``."""
    rows = await db.query("select id, username from users where id = any(%s)", (list(ids),))
    return dict(rows)


async def by_username(db: Queries, username: str) -> User | None:
    """The user of that name in any case, whether active or not."""
    rows = await db.query(f"select {_COLUMNS} from users where lower(username) = lower(%s)", (username,))  # noqa: S608
    return _user(rows[0]) if rows else None


async def password_hash(db: Queries, user_id: int) -> str | None:
    """The stored hash: PHC text of argon2id, or that of an imported installation."""
    rows = await db.query("select password from users where id = %s", (user_id,))
    return str(rows[0][0]) if rows else None


async def listed(
    db: Queries,
    *,
    status: int | None = None,
    q: str = "",
    sort: str = "username",
    descending: bool = False,
    start: int = 0,
    limit: int | None = None,
) -> Part[User]:
    """Users with that ``status`` (None: all) whose user name, names or e-mail contain ``q`` in any case.

    :param sort: a key of :data:`SORTS`.
    """
    condition = (
        "(%s is null or status = %s) and position(lower(%s) in"
        " lower(username || ' ' || first_name || ' ' || last_name || ' ' || email)) > 0"
    )
    parameters = (status, status, q)
    order = ", ".join(f"{key}{' desc' if descending else ''}" for key in SORTS[sort].split(", "))
    rows = await db.query(
        f"select {_COLUMNS} from users where {condition} order by {order} offset %s limit %s",  # noqa: S608
        (*parameters, start, limit),
    )
    total = await db.query(f"select count(*) from users where {condition}", parameters)  # noqa: S608
    return Part([_user(row) for row in rows], total[0][0])


async def last_logins(db: Queries, ids: Collection[int]) -> dict[int, datetime]:
    """When those behind ``ids`` have proved last who they are, as far as the audit log goes back."""
    rows = await db.query(
        "select wanted, (select time from audit_log where actor_id = wanted and action = 'login.done'"
        " order by id desc limit 1) from unnest(%s::bigint[]) as wanted",
        (list(ids),),
    )
    return {user_id: moment for user_id, moment in rows if moment is not None}


async def members(db: Queries, group_id: int) -> list[User]:
    """The members of a group by user name, deleted users too."""
    rows = await db.query(
        f"select {_COLUMNS} from users where id in (select user_id from usergroups where group_id = %s)"  # noqa: S608
        " order by lower(username), id",
        (group_id,),
    )
    return [_user(row) for row in rows]


async def insert(
    db: Queries,
    *,
    username: str,
    password: str,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    auth_type: int = PASSWORD,
    allow_api: bool = False,
) -> User:
    """Make an active user, who is in no group yet.

    :param password: the hash.
    :raises AlreadyExists: the user name is taken, in any case, maybe by a deleted user.
    """
    try:
        rows = await db.query(
            "insert into users (username, password, first_name, last_name, email, auth_type, allow_api)"  # noqa: S608
            f" values (%s, %s, %s, %s, %s, %s, %s) returning {_COLUMNS}",
            (username, password, first_name, last_name, email, auth_type, allow_api),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(username) from error
    return _user(rows[0])


async def save(db: Queries, user: User, *, password: str | None = None) -> User:
    """Write all that can be changed of a user; what the database itself keeps comes back with the answer.

    :param password: a new hash.
    :raises AlreadyExists: the user name is taken.
    """
    try:
        rows = await db.query(
            "update users set username = %s, first_name = %s, last_name = %s, email = %s, auth_type = %s,"  # noqa: S608
            " allow_api = %s, status = %s, stamp = %s, password_state = %s, password = coalesce(%s, password),"
            f" deleted = case when %s = 1 then null else deleted end where id = %s returning {_COLUMNS}",
            (
                user.username,
                user.first_name,
                user.last_name,
                user.email,
                user.auth_type,
                user.allow_api,
                user.status,
                user.stamp,
                user.password_state,
                password,
                user.status,
                user.id,
            ),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(user.username) from error
    return _user(rows[0])


async def mark_deleted(db: Queries, user_id: int) -> User:
    """Delete a user, as far as users ever are: nobody can be this one any more, and sessions and tokens have ended."""
    rows = await db.query(
        "update users set status = 0, stamp = stamp + 1, deleted = coalesce(deleted, now())"  # noqa: S608
        f" where id = %s returning {_COLUMNS}",
        (user_id,),
    )
    return _user(rows[0])


async def deleted_before(db: Queries, before: datetime, *, limit: int) -> list[int]:
    """The ids of those who were deleted before that moment and still have a name, ``limit`` at most."""
    rows = await db.query(
        "select id from users where status = 0 and deleted < %s and password <> %s order by id limit %s",
        (before, UNUSABLE_PASSWORD, limit),
    )
    return [user_id for (user_id,) in rows]


async def anonymise(db: Queries, user_id: int, *, username: str) -> None:
    """Forget who a deleted user was; what they did stays tied to the id."""
    await db.execute(
        "update users set username = %s, first_name = '', last_name = '', email = '', password = %s,"
        " allow_api = false, stamp = stamp + 1 where id = %s and status = 0",
        (username, UNUSABLE_PASSWORD, user_id),
    )


def _taken(username: str) -> AlreadyExists:
    return AlreadyExists(f"user name {username} already exists", parameter="username")


def _user(row: Row) -> User:
    return User(**dict(zip(_NAMES, row, strict=True)))


_NAMES = tuple(name.strip() for name in _COLUMNS.split(","))
