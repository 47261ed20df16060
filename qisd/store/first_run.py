"""What a new installation begins with: the system's groups, the administrator, the root folder, the first templates.

All of it in one transaction, under the lock that the migrations are run under.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import Json

from qisd.errors import StartupError
from qisd.store.users import CHOSEN, GENERATED

PUBLIC, NORMAL_USERS, ADMINISTRATORS = 1, 2, 3
"""The ids of the groups that every installation has."""

ADMIN = 1
"""The id of the built-in administrator."""

PASSWORD_FILE = "initial-admin-password"  # noqa: S105 - the name of a file

_VIEW = 10
SYSTEM_GROUP = 1

GROUPS = (
    (PUBLIC, "Public", "What visitors may do without logging in"),
    (NORMAL_USERS, "Normal users", "What every user who has logged in may do"),
    (ADMINISTRATORS, "Administrators", "Complete control"),
)
"""The groups that every installation has: id, name, description."""

_STANDARD = {"quality": 80, "strip": True, "colorspace": "rgb", "record_stats": True, "expiry_secs": 604800}

DEFAULT_TEMPLATE = "Default"

TEMPLATES: Mapping[str, Mapping[str, object]] = {
    DEFAULT_TEMPLATE: _STANDARD,
    "SmallJpeg": {"format": "jpg", "width": 200, "height": 200, **_STANDARD},
    "Precache": {"width": 800, "height": 600, "size_fit": True, "record_stats": False},
}
"""The first templates: name → field → value."""

_DESCRIPTIONS = {
    DEFAULT_TEMPLATE: "Applies to every image whose address names no template",
    "SmallJpeg": "A small JPEG for lists and e-mails",
    "Precache": "The size that images are made in ahead of time",
}


@attrs.frozen(kw_only=True)
class FirstPassword:
    """The password that ``admin`` begins with.

    ``generated`` ones are told in the log and in a file; those given from outside are known already and aren't.
    """

    text: str = attrs.field(repr=False)
    hash: str = attrs.field(repr=False)
    generated: bool


def template_document(values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """The stored form of a template: each value wrapped as ``{"value": …}``."""
    return {field: {"value": value} for field, value in values.items()}


def seed(
    connection: Connection,
    *,
    first_password: Callable[[], FirstPassword],
    state_dir: Path,
    log: Callable[[str], None],
) -> None:
    """Fill a database that holds no user yet; an imported or used one only gets the properties it lacks.

    :raises StartupError: a generated password can't be written below ``state_dir``; nothing is kept then.
    """
    lines: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            cursor.execute("select exists (select from users)")
            if cursor.fetchone() == (False,):
                _groups(cursor, lines)
                _admin(cursor, first_password(), state_dir, lines)
                _root_folder(cursor, lines)
                _templates(cursor, lines)
            _properties(cursor)
        except BaseException:
            if not connection.closed:
                cursor.execute("rollback")
            raise
        cursor.execute("commit")
    for line in lines:
        log(line)


def admin_hash(connection: Connection) -> str | None:
    """The stored hash of the administrator's password."""
    with connection.cursor() as cursor:
        cursor.execute("select password from users where id = %s", (ADMIN,))
        row: tuple[str] | None = cursor.fetchone()
        return None if row is None else row[0]


def _groups(cursor: Cursor, lines: list[str]) -> None:
    for number, name, description in GROUPS:
        cursor.execute(
            "insert into groups (id, name, description, group_type) values (%s, %s, %s, %s)",
            (number, name, description, SYSTEM_GROUP),
        )
        every = number == ADMINISTRATORS
        cursor.execute("insert into syspermissions values (%s, %s, %s, %s, %s, %s, %s, %s)", (number, *[every] * 7))
        lines.append(f"Created {name} group")
    _continue_ids(cursor, "groups")


def _admin(cursor: Cursor, password: FirstPassword, state_dir: Path, lines: list[str]) -> None:
    cursor.execute(
        "insert into users (id, username, first_name, password, password_state, allow_api)"
        " values (%s, 'admin', 'Administrator', %s, %s, true)",
        (ADMIN, password.hash, GENERATED if password.generated else CHOSEN),
    )
    _continue_ids(cursor, "users")
    for group in (ADMINISTRATORS, NORMAL_USERS):
        cursor.execute("insert into usergroups (user_id, group_id) values (%s, %s)", (ADMIN, group))
    if password.generated:
        # Before the commit: a crash then leaves a file too many, but never an account whose password nobody knows.
        _write_secret(state_dir / PASSWORD_FILE, password.text)
        lines.append(f"Created default admin user with password {password.text}")
    else:
        lines.append("Created default admin user with the given password")


def _root_folder(cursor: Cursor, lines: list[str]) -> None:
    cursor.execute("insert into folders (id, name, path) values (1, '', '/')")
    _continue_ids(cursor, "folders")
    lines.append("Created root folder")
    for number, group in enumerate((PUBLIC, NORMAL_USERS), start=1):
        cursor.execute(
            "insert into folderpermissions (id, folder_id, group_id, access) values (%s, 1, %s, %s)",
            (number, group, _VIEW),
        )
    _continue_ids(cursor, "folderpermissions")
    lines.append("Created default folder permissions")


def _templates(cursor: Cursor, lines: list[str]) -> None:
    for number, (name, values) in enumerate(TEMPLATES.items(), start=1):
        cursor.execute(
            "insert into imagetemplates (id, name, description, template) values (%s, %s, %s, %s)",
            (number, name, _DESCRIPTIONS[name], Json(template_document(values))),
        )
    _continue_ids(cursor, "imagetemplates")
    lines.append("Created default image templates")


def _properties(cursor: Cursor) -> None:
    values = {
        "cluster_id": str(uuid.uuid4()),
        "db_migration_version": "1",
        "fp_version": "1",
        "foliop_version": "1",
        "template_version": "1",
        "pubimage_default_template": DEFAULT_TEMPLATE.lower(),
    }
    # Looked at first: a statement that changes nothing would still tell every process of a change.
    cursor.execute("select key from properties where trim(value) <> ''")
    present = {key for (key,) in cursor.fetchall()}
    for key in values.keys() - present:
        cursor.execute(
            "insert into properties (key, value) values (%s, %s)"
            " on conflict (key) do update set value = excluded.value",
            (key, values[key]),
        )


def _continue_ids(cursor: Cursor, table: str) -> None:
    """Let the ids that the database gives out begin behind those given here."""
    cursor.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), max(id)) from {table}")  # noqa: S608


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StartupError(f"the first password of admin can't be written to {path}: {error.strerror}") from error
