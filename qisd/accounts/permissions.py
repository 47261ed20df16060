"""Folder permissions: the levels that groups have in folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.errors import NotFound, Refused
from qisd.store import folder_permissions, folders, groups
from qisd.store.folder_permissions import FolderPermission
from qisd.store.folders import Folder
from qisd.store.groups import Group
from qisd.store.part import Part
from qisd.store.pool import Database


@attrs.frozen(kw_only=True)
class Wanted:
    """What a group shall have in a folder; ``access`` None is nothing of its own: what it has in the folder above."""

    folder_id: int
    group_id: int
    access: int | None


class FolderPermissions:
    """All that can be done with folder permissions; it takes permissions administration."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def listed(
        self,
        visitor: Visitor,
        *,
        folder_id: int | None = None,
        group_id: int | None = None,
        start: int = 0,
        limit: int | None = None,
    ) -> Part[FolderPermission]:
        """By id; only those of a folder or group, where one is given."""
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        checks.part(start, limit)
        return await folder_permissions.listed(
            self._database, folder_id=folder_id, group_id=group_id, start=start, limit=limit
        )

    async def get(self, visitor: Visitor, permission_id: int) -> FolderPermission:
        """:raises NotFound: there is none."""
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        return _found(await folder_permissions.by_id(self._database, permission_id), permission_id)

    async def parties(self, visitor: Visitor, permission: FolderPermission) -> tuple[Folder, Group]:
        """The folder and the group of a permission.

        :raises NotFound: one of them has gone.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        folder = await folders.by_id(self._database, permission.folder_id)
        group = await groups.by_id(self._database, permission.group_id)
        if folder is None or group is None:
            raise NotFound(str(permission.id))
        return folder, group

    async def create(self, visitor: Visitor, *, folder_id: int, group_id: int, access: int) -> FolderPermission:
        """Give a group a level in a folder.

        :raises BadParameter: ``access`` is none of the eight levels.
        :raises NotFound: there is no such group or folder.
        :raises AlreadyExists: the group has a level there; change that.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        checks.level("access", access)

        async def work(change: Change) -> FolderPermission:
            change.require(Flag.ADMIN_PERMISSIONS)
            return await _insert(change, Wanted(folder_id=folder_id, group_id=group_id, access=access), access)

        return await self._changes.run(visitor, work)

    async def update(
        self, visitor: Visitor, permission_id: int, *, access: int, expected_version: int | None = None
    ) -> FolderPermission:
        """Change the level.

        :raises BadParameter: ``access`` is none of the eight levels.
        :raises NotFound: there is no such permission.
        :raises OutOfDate: it is not version ``expected_version`` any more.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        checks.level("access", access)

        async def work(change: Change) -> FolderPermission:
            change.require(Flag.ADMIN_PERMISSIONS)
            old = _found(await folder_permissions.by_id(change.db, permission_id), permission_id)
            checks.version(f"permission {permission_id}", present=old.version, expected=expected_version)
            return await _save(change, old, access)

        return await self._changes.run(visitor, work)

    async def delete(self, visitor: Visitor, permission_id: int, *, expected_version: int | None = None) -> None:
        """Remove it, so that the group has what it has in the folder above.

        :raises NotFound: there is none.
        :raises Refused: it's that of a system group for the root.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_PERMISSIONS)
            old = _found(await folder_permissions.by_id(change.db, permission_id), permission_id)
            checks.version(f"permission {permission_id}", present=old.version, expected=expected_version)
            await _remove(change, old)

        await self._changes.run(visitor, work)

    async def apply(self, visitor: Visitor, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Make several changes, all of them or none.

        :returns: what it was before, so that it can be undone in the same way; only of what has really changed.
        :raises BadParameter: an ``access`` is none of the eight levels.
        :raises NotFound: there is no such group or folder.
        :raises Refused: the permission of a system group for the root would go.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        for one in wanted:
            if one.access is not None:
                checks.level("access", one.access)

        async def work(change: Change) -> list[Wanted]:
            change.require(Flag.ADMIN_PERMISSIONS)
            before = [await _set(change, one) for one in wanted]
            return [old for old, new in zip(before, wanted, strict=True) if old != new]

        return await self._changes.run(visitor, work)


async def _set(change: Change, wanted: Wanted) -> Wanted:
    """Make one change; what it was before."""
    of = await folder_permissions.listed(change.db, folder_id=wanted.folder_id, group_id=wanted.group_id)
    old = of.items[0] if of.items else None
    if old is not None and wanted.access is None:
        await _remove(change, old)
    elif old is not None and wanted.access is not None:
        await _save(change, old, wanted.access)
    elif wanted.access is not None:
        await _insert(change, wanted, wanted.access)
    return attrs.evolve(wanted, access=None if old is None else old.access)


async def _insert(change: Change, wanted: Wanted, access: int) -> FolderPermission:
    if await groups.by_id(change.db, wanted.group_id) is None:
        raise NotFound(str(wanted.group_id))
    if await folders.by_id(change.db, wanted.folder_id) is None:
        raise NotFound(str(wanted.folder_id))
    made = await folder_permissions.insert(
        change.db, folder_id=wanted.folder_id, group_id=wanted.group_id, access=access
    )
    await change.record("permission.created", made.id, after=_state(made))
    return made


async def _save(change: Change, old: FolderPermission, access: int) -> FolderPermission:
    if old.access == access:
        return old
    new = await folder_permissions.save(change.db, attrs.evolve(old, access=access))
    await change.record("permission.changed", new.id, before=_state(old), after=_state(new))
    return new


async def _remove(change: Change, old: FolderPermission) -> None:
    if await folder_permissions.is_fixed(change.db, old):
        raise Refused("the permission of a system group for the root folder can't be deleted, only changed")
    await folder_permissions.delete(change.db, old.id)
    await change.record("permission.deleted", old.id, before=_state(old))


def _found(permission: FolderPermission | None, permission_id: int) -> FolderPermission:
    if permission is None:
        raise NotFound(str(permission_id))
    return permission


def _state(permission: FolderPermission) -> dict[str, Any]:
    return {"folder_id": permission.folder_id, "group_id": permission.group_id, "access": permission.access}
