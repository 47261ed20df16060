"""Who is asking, and what they may do."""

from __future__ import annotations

from typing import Literal

import attrs

from qisd.access.levels import ALL_FLAGS, Flag, Level
from qisd.access.snapshot import EMPTY, Account, PermissionSnapshot
from qisd.errors import Forbidden

How = Literal["anonymous", "session", "token", "key", "system", "command"]

Scope = Literal["read", "upload", "admin"]


@attrs.frozen(kw_only=True)
class Visitor:
    """The one behind a request, or behind a piece of work of the server's own.

    :param account: the user; None for anonymous visitors and for the server itself.
    :param by: how they proved who they are. ``system`` is the server itself, ``command`` whoever runs ``qis``: both may
        do everything.
    :param session: the id of the session, token or key.
    :param scopes: what a key is restricted to; None for all that is no key.
    :param folder: the folder below which a key holds, as in :class:`~qisd.access.snapshot.PermissionSnapshot`.
    :param address: the client's, for the audit log.
    """

    account: Account | None = None
    by: How = "anonymous"
    snapshot: PermissionSnapshot = attrs.field(default=EMPTY, repr=False)
    session: int | None = None
    scopes: frozenset[Scope] | None = None
    folder: str = ""
    address: str = ""
    request_id: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether nobody has logged in, and it's not the server itself either."""
        return self.account is None and not self.trusted

    @property
    def trusted(self) -> bool:
        return self.by in ("system", "command")

    @property
    def user_id(self) -> int | None:
        return self.account.id if self.account else None

    @property
    def username(self) -> str | None:
        return self.account.username if self.account else None

    @property
    def groups(self) -> frozenset[int]:
        return self.account.groups if self.account else frozenset()

    @property
    def whole(self) -> bool:
        """Whether all counts that the user may; false for keys that are for some of it, or for a folder."""
        return self.scopes is None or ("admin" in self.scopes and not self.folder)

    @property
    def flags(self) -> frozenset[Flag]:
        """The system permissions, with all that they imply. Anonymous visitors never have any.

        Keys for a folder have none: what these open knows no folders, and leads to everything.
        """
        if self.trusted:
            return ALL_FLAGS
        if self.account is None or not self.whole:
            return frozenset()
        return self.account.flags

    def may(self, flag: Flag) -> bool:
        return flag in self.flags

    def level(self, folder: str) -> int:
        """The level in ``folder``, a path below the root without slashes around it, whether it exists or not."""
        if self.trusted:
            return Level.DELETE_FOLDER
        if self.account is None:
            return self.snapshot.level(frozenset(), folder)
        if Flag.ADMIN_FILES in self.account.flags:
            level: int = Level.DELETE_FOLDER
        else:
            level = self.snapshot.level(self.account.groups, folder)
        return level if self.scopes is None else min(level, self._scope_limit(folder))

    def can(self, level: Level, folder: str) -> bool:
        return self.level(folder) >= level

    def require(self, level: Level, folder: str) -> None:
        """:raises Forbidden: the level in ``folder`` is lower."""
        if not self.can(level, folder):
            raise Forbidden(f"{level.label} permission is required for /{folder}")

    def require_there(self, level: Level, folder: str) -> None:
        """As :meth:`require`, for what was asked for by an id: who may not view the folder is not told its name.

        :raises Forbidden: the level in ``folder`` is lower.
        """
        if not self.can(Level.VIEW, folder):
            raise Forbidden(f"{Level.VIEW.label} permission is required")
        self.require(level, folder)

    def require_valid(self, src: str, *, now: float) -> None:
        """:raises Forbidden: strangers may not see the image at this time, in seconds since 1970, and this is one."""
        if not self.is_valid(src, now=now):
            raise Forbidden

    def is_valid(self, src: str, *, now: float) -> bool:
        """Whether the rights to an image allow it to be shown at a time, in seconds since 1970; levels aside."""
        validity = self.snapshot.validity.get(src) if self.anonymous else None
        return validity is None or validity.holds(now)

    def require_flag(self, flag: Flag) -> None:
        """:raises Forbidden: the system permission is missing."""
        if not self.may(flag):
            raise Forbidden(f"{flag.label} permission is required")

    def require_writing(self) -> None:
        """For what neither a level nor a system permission guards.

        :raises Forbidden: this is a key for reading.
        """
        if self.scopes is not None and not self.scopes & {"upload", "admin"}:
            raise Forbidden("This key is for reading only")

    def _scope_limit(self, folder: str) -> int:
        scopes = self.scopes or frozenset()
        if self.folder and folder != self.folder and not folder.startswith(f"{self.folder}/"):
            return Level.NONE
        if "admin" in scopes:
            return Level.DELETE_FOLDER
        if "upload" in scopes:
            return Level.UPLOAD
        return Level.DOWNLOAD if "read" in scopes else Level.NONE


ANONYMOUS = Visitor()
"""A visitor of a server that knows no permissions: may do nothing. Real ones hold a snapshot."""

SYSTEM = Visitor(by="system")
"""The server itself, at work of its own."""
