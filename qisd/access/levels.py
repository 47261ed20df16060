"""What can be permitted: the levels of folders, and the system permissions of groups."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Level(enum.IntEnum):
    """What a group may do in a folder. Each level includes the lower ones."""

    NONE = 0
    VIEW = 10
    DOWNLOAD = 20
    EDIT = 30
    UPLOAD = 40
    DELETE = 50
    CREATE_FOLDER = 60
    DELETE_FOLDER = 70

    @property
    def label(self) -> str:
        """Its name in messages."""
        return "-".join(word.capitalize() for word in self.name.split("_"))


class Flag(enum.StrEnum):
    """A system permission; the value is the column of ``syspermissions``."""

    FOLIOS = "folios"
    REPORTS = "reports"
    ADMIN_USERS = "admin_users"
    ADMIN_FILES = "admin_files"
    ADMIN_FOLIOS = "admin_folios"
    ADMIN_PERMISSIONS = "admin_permissions"
    ADMIN_ALL = "admin_all"

    @property
    def label(self) -> str:
        """Its name in messages."""
        return _LABELS[self]


_LABELS = {
    Flag.FOLIOS: "Portfolio",
    Flag.REPORTS: "Reporting",
    Flag.ADMIN_USERS: "User administration",
    Flag.ADMIN_FILES: "File administration",
    Flag.ADMIN_FOLIOS: "Portfolio administration",
    Flag.ADMIN_PERMISSIONS: "Permissions administration",
    Flag.ADMIN_ALL: "Super-user",
}

ALL_FLAGS = frozenset(Flag)


def implied(flags: Iterable[Flag]) -> frozenset[Flag]:
    """``flags`` with all that they imply: a super-user has every one, who administers portfolios may make some."""
    given = frozenset(flags)
    if Flag.ADMIN_ALL in given:
        return ALL_FLAGS
    return given | {Flag.FOLIOS} if Flag.ADMIN_FOLIOS in given else given
