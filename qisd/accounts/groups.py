"""The groups: what they are called, which system permissions they give, and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.errors import NotFound, Refused
from qisd.store import administrators, groups, users
from qisd.store.first_run import NORMAL_USERS, PUBLIC
from qisd.store.groups import LDAP, LOCAL, SYSTEM, Group
from qisd.store.part import Part
from qisd.store.pool import Database
from qisd.store.users import User


@attrs.frozen(kw_only=True)
class Membership:
    """A group with its members by user name, deleted users too."""

    group: Group
    members: list[User]


class Groups:
    """All that can be done with groups. Nobody gives or takes a system permission here that they don't hold."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    # Reading

    async def listed(
        self, visitor: Visitor, *, q: str = "", sort: str = "", start: int = 0, limit: int | None = None
    ) -> Part[Group]:
        """Groups by name.

        :param q: only those whose name or description contains it, in any case.
        :param sort: a key of :data:`qisd.store.groups.SORTS`, after a minus downwards.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        key, descending = checks.sorting(sort, groups.SORTS, default="name")
        checks.part(start, limit)
        checks.storable("q", q)
        return await groups.listed(self._database, q=q, sort=key, descending=descending, start=start, limit=limit)

    async def get(self, visitor: Visitor, group_id: int) -> Membership:
        """:raises NotFound: there is no such group."""
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        group = _found(await groups.by_id(self._database, group_id), group_id)
        return Membership(group=group, members=await users.members(self._database, group_id))

    async def named(self, visitor: Visitor, name: str) -> Group:
        """The group of exactly this name.

        :raises NotFound: there is none.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        return _found(await groups.by_name(self._database, checks.storable("name", name)), name)

    # Changing

    async def create(
        self,
        visitor: Visitor,
        *,
        name: str,
        description: str = "",
        group_type: int = LOCAL,
        flags: Iterable[Flag] = (),
    ) -> Group:
        """Make a group without members.

        :param group_type: 2 local, 3 LDAP.
        :raises AlreadyExists: the name is taken.
        :raises Refused: it would be a system group.
        """
        for flag in (Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS):
            checks.require_flag(visitor, flag)
        name = checks.text("name", name.strip(), least=1)
        checks.text("description", description, most=checks.DESCRIPTION_MAX)
        checks.choice("group_type", group_type, (SYSTEM, LOCAL, LDAP))
        if group_type == SYSTEM:
            raise Refused("system groups can't be made")
        given = frozenset(flags)

        async def work(change: Change) -> Group:
            change.require(Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS)
            group = await groups.insert(
                change.db, name=name, description=description, group_type=group_type, flags=given
            )
            change.gives_or_takes(group.flags)
            await change.record("group.created", group.id, after=_state(group))
            return group

        return await self._changes.run(visitor, work)

    async def update(
        self,
        visitor: Visitor,
        group_id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        flags: Iterable[Flag] | None = None,
        expected_version: int | None = None,
    ) -> Membership:
        """Change a group; None stays as it is. A type never changes, and only local groups can get another name.

        :param flags: all that it is to have. They stay as they are when the visitor has no permissions administration.
        :raises NotFound: there is no such group.
        :raises AlreadyExists: the name is taken.
        :raises OutOfDate: it is not version ``expected_version`` any more.
        :raises Refused: somebody would be locked out, or *Public* would get system permissions.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        name = None if name is None else checks.text("name", name.strip())
        checks.text("description", description or "", most=checks.DESCRIPTION_MAX)
        wanted_flags = None if flags is None else frozenset(flags)

        async def work(change: Change) -> Membership:
            change.require(Flag.ADMIN_USERS)
            old = _found(await groups.by_id(change.db, group_id), group_id)
            checks.version(f"group {group_id}", present=old.version, expected=expected_version)
            group = _changed(old, name, description, wanted_flags if Flag.ADMIN_PERMISSIONS in change.held else None)
            if group != old:
                group = await groups.save(change.db, group)
                change.gives_or_takes(group.flags ^ old.flags)
                await change.record("group.changed", group_id, before=_state(old), after=_state(group))
            return Membership(group=group, members=await users.members(change.db, group_id))

        return await self._changes.run(visitor, work)

    async def delete(self, visitor: Visitor, group_id: int, *, expected_version: int | None = None) -> None:
        """Remove a group with its memberships, and its permissions for folders and portfolios.

        :raises NotFound: there is no such group.
        :raises Refused: it's a system group, or somebody would be locked out.
        """
        for flag in (Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS):
            checks.require_flag(visitor, flag)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS)
            group = _found(await groups.by_id(change.db, group_id), group_id)
            checks.version(f"group {group_id}", present=group.version, expected=expected_version)
            if group.group_type == SYSTEM:
                raise Refused("system groups can't be deleted")
            members = [user.id for user in await users.members(change.db, group_id)]
            await groups.delete(change.db, group_id)
            change.gives_or_takes(group.flags)
            await change.record("group.deleted", group_id, before={**_state(group), "members": members})

        await self._changes.run(visitor, work)

    async def add_member(self, visitor: Visitor, group_id: int, user_id: int) -> None:
        """Put a user into a group; nothing happens to one who is in it.

        :raises NotFound: there is no such group or user.
        :raises Forbidden: the group or the user has powers that the visitor lacks.
        :raises Refused: the group is *Public*, which everybody belongs to anyway.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_USERS)
            await _put_in(change, _found(await groups.by_id(change.db, group_id), group_id), user_id)

        await self._changes.run(visitor, work)

    async def remove_member(self, visitor: Visitor, group_id: int, user_id: int) -> None:
        """Take a user out of a group; nothing happens to one who isn't in it.

        :raises NotFound: there is no such group.
        :raises Forbidden: the user has powers that the visitor lacks.
        :raises Refused: the group is *Normal users*, or somebody would be locked out.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_USERS)
            await _take_out(change, _found(await groups.by_id(change.db, group_id), group_id), user_id)

        await self._changes.run(visitor, work)

    async def change_members(
        self, visitor: Visitor, group_id: int, *, add: Collection[int], remove: Collection[int]
    ) -> Membership:
        """Put users into a group and take others out, all of them or none.

        :raises NotFound: there is no such group, or no such user.
        :raises Forbidden: powers would be given or taken that the visitor lacks.
        :raises Refused: one of them can't be put in or taken out, or somebody would be locked out.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)

        async def work(change: Change) -> Membership:
            change.require(Flag.ADMIN_USERS)
            group = _found(await groups.by_id(change.db, group_id), group_id)
            for user_id in sorted(set(remove)):
                await _take_out(change, group, user_id)
            for user_id in sorted(set(add)):
                await _put_in(change, group, user_id)
            return Membership(
                group=_found(await groups.by_id(change.db, group_id), group_id),
                members=await users.members(change.db, group_id),
            )

        return await self._changes.run(visitor, work)

    async def member_counts(self, visitor: Visitor) -> dict[int, int]:
        """How many active users each group has, by its id; groups without any are left out."""
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        return await groups.member_counts(self._database)


async def _put_in(change: Change, group: Group, user_id: int) -> None:
    user = await users.by_id(change.db, user_id)
    if user is None:
        raise NotFound(str(user_id))
    if await groups.is_member(change.db, group.id, user_id):
        return
    if group.id == PUBLIC:
        raise Refused("nobody can be put into the group Public: everybody belongs to it")
    change.require(*group.flags, *await administrators.flags_of_user(change.db, user_id))
    await groups.add_member(change.db, group.id, user_id)
    await change.record("member.added", group.id, after={"user_id": user_id, "username": user.username})


async def _take_out(change: Change, group: Group, user_id: int) -> None:
    user = await users.by_id(change.db, user_id)
    if user is None or not await groups.is_member(change.db, group.id, user_id):
        return
    if group.id == NORMAL_USERS:
        raise Refused("nobody can be taken out of the group Normal users: every account belongs to it")
    change.gives_or_takes(await administrators.flags_of_user(change.db, user_id))
    await groups.remove_member(change.db, group.id, user_id)
    await change.record("member.removed", group.id, before={"user_id": user_id, "username": user.username})


def _changed(old: Group, name: str | None, description: str | None, flags: frozenset[Flag] | None) -> Group:
    """:raises Refused: *Public* would get system permissions, which would mean nothing.
    :raises BadParameter: the name is blank.
    """
    group = old
    if name is not None and old.group_type == LOCAL:
        group = attrs.evolve(group, name=checks.text("name", name, least=1))
    if description is not None:
        group = attrs.evolve(group, description=description)
    if flags is not None:
        if old.id == PUBLIC and flags - old.flags:
            raise Refused("the group Public can't have system permissions")
        group = attrs.evolve(group, flags=flags)
    return group


def _found(group: Group | None, wanted: object) -> Group:
    if group is None:
        raise NotFound(str(wanted))
    return group


def _state(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "description": group.description,
        "group_type": group.group_type,
        "flags": sorted(group.flags),
    }
