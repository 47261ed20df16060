"""Puts together all that administers users, groups, permissions, templates and properties."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.logger import Logger

from qisd.access.login import LogIn
from qisd.access.passwords import hash_password
from qisd.access.permissions import Permissions
from qisd.access.sessions import Sessions
from qisd.access.throttle import LoginThrottle
from qisd.accounts.audit import AuditLog
from qisd.accounts.changes import Changes
from qisd.accounts.groups import Groups
from qisd.accounts.permissions import FolderPermissions
from qisd.accounts.preferences import UserPreferences
from qisd.accounts.properties import Properties
from qisd.accounts.templates import Parse, Templates
from qisd.accounts.trace import Trace
from qisd.accounts.users import Users
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.store.first_run import PASSWORD_FILE
from qisd.store.pool import Database
from qisd.web.api.audit import AuditEndpoints
from qisd.web.api.groups import GroupEndpoints
from qisd.web.api.permissions import PermissionEndpoints
from qisd.web.api.preferences import PreferenceEndpoints
from qisd.web.api.properties import PropertyEndpoints
from qisd.web.api.templates import TemplateEndpoints
from qisd.web.api.users import UserEndpoints

_log = Logger()


class Accounts:
    """The capabilities, each by its name.

    :param parse: checks the JSON of a template.
    :param reload_templates: reads the templates again.
    """

    def __init__(
        self,
        database: Database,
        *,
        permissions: Permissions,
        sessions: Sessions,
        login: LogIn,
        throttle: LoginThrottle,
        hashing: HashingPool,
        files: FilePool,
        state_dir: Path,
        parse: Parse,
        reload_templates: Callable[[], Awaitable[None]],
    ) -> None:
        self._files = files
        self._hashing = hashing
        self._first_password = state_dir / PASSWORD_FILE
        changes = Changes(database, applied=permissions.refresh)
        self.users = Users(
            database,
            changes,
            hash_password=self._hash,
            matches=login.matches,
            throttle=throttle,
            forget_first_password=self._forget_first_password,
            sessions_ended=sessions.forget,
        )
        self.groups = Groups(database, changes)
        self.folder_permissions = FolderPermissions(database, changes)
        self.trace = Trace(database, snapshot=lambda: permissions.snapshot)
        of_images = Changes(database, applied=reload_templates)
        self.templates = Templates(database, of_images, parse=parse)
        self.properties = Properties(database, of_images)
        self.audit = AuditLog(database)
        self.preferences = UserPreferences(database)

    def endpoints(self) -> list[object]:
        """What the API shows of them."""
        return [
            UserEndpoints(self.users),
            GroupEndpoints(self.groups),
            PermissionEndpoints(self.folder_permissions, self.trace),
            TemplateEndpoints(self.templates),
            PropertyEndpoints(self.properties),
            AuditEndpoints(self.audit),
            PreferenceEndpoints(self.preferences),
        ]

    async def _hash(self, password: str) -> str:
        return await self._hashing.run(lambda: hash_password(password))

    async def _forget_first_password(self) -> None:
        try:
            await self._files.run(lambda: self._first_password.unlink(missing_ok=True))
        except OSError as error:
            _log.warn("{path} can't be removed: {reason}", path=self._first_password, reason=error.strerror)
