"""Why somebody may do something in a folder, or may not: every row that counts, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
from twisted.logger import Logger

from qisd.access.levels import Flag, Level, implied
from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.errors import NotFound
from qisd.repository import paths
from qisd.store import folder_permissions, folders, groups, images, users
from qisd.store.first_run import PUBLIC
from qisd.store.folder_permissions import NearestRow
from qisd.store.groups import Group
from qisd.store.pool import Database
from qisd.store.users import User

_log = Logger()


@attrs.frozen(kw_only=True)
class Member:
    """Someone with all groups that count for them.

    :param user: None for anonymous visitors.
    :param public: the group that counts for everybody; ``groups`` are the user's own, by name.
    :param flags: the system permissions that these give, with all that they imply.
    """

    user: User | None
    public: Group
    groups: list[Group]
    flags: frozenset[Flag]

    @property
    def all_groups(self) -> list[Group]:
        """*Public* first, and each only once."""
        return [self.public, *(group for group in self.groups if group.id != PUBLIC)]


@attrs.frozen(kw_only=True)
class TracedGroup:
    """What one group gives.

    :param level: None where it has no row, neither for the folder nor for one above.
    :param folder: the path of the folder that the row is of, as stored.
    :param flags: its system permissions; those of *Public* mean nothing.
    """

    id: int
    name: str
    level: int | None
    folder: str | None
    flags: frozenset[str]


@attrs.frozen(kw_only=True)
class FolderTrace:
    """The whole calculation for one visitor and one folder.

    :param folder: its path as stored; ``folder_status`` is 1 active, 0 deleted, None when nobody has heard of it.
    :param image: the path of the image that was asked about.
    :param user_id: None for anonymous visitors.
    :param active: whether the user can log in at all; the level is what it would be then.
    :param bypass: the system permissions that open every folder, whatever the rows say.
    :param level: what it all comes to.
    :param snapshot_level: what requests on this server go by at this moment. They differ for less than a second after a
        change; longer is a fault.
    """

    folder: str
    folder_status: int | None
    image: str | None
    user_id: int | None
    username: str | None
    active: bool
    groups: list[TracedGroup]
    bypass: frozenset[Flag]
    level: int
    snapshot_level: int

    @property
    def consistent(self) -> bool:
        return self.level == self.snapshot_level


class Trace:
    """Explains permissions. It takes permissions administration.

    The database is asked anew, by another way than requests go; both results are told.

    :param snapshot: what requests on this server go by now.
    """

    def __init__(self, database: Database, *, snapshot: Callable[[], PermissionSnapshot]) -> None:
        self._database = database
        self._snapshot = snapshot

    async def member(self, visitor: Visitor, user_id: int | None) -> Member:
        """The groups and system permissions of a user, or of anonymous visitors: what every trace begins with.

        :raises NotFound: there is no such user.
        """
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        public = await groups.by_id(self._database, PUBLIC)
        if public is None:
            raise NotFound(str(PUBLIC))
        if user_id is None:
            return Member(user=None, public=public, groups=[], flags=frozenset())
        user = await users.by_id(self._database, user_id)
        if user is None:
            raise NotFound(str(user_id))
        own = await groups.of_user(self._database, user_id)
        flags = implied(Flag(flag) for group in own for flag in group.flags)
        return Member(user=user, public=public, groups=own, flags=flags)

    async def folder(self, visitor: Visitor, path: str, *, user_id: int | None = None) -> FolderTrace:
        """Explain the level of a user, or of anonymous visitors, in the folder or for the image at ``path``.

        A path that nobody has heard of counts as one in the nearest folder above.

        :raises NotFound: there is no such user.
        """
        member = await self.member(visitor, user_id)
        location = paths.normalise(checks.storable("path", path), parameter="path")
        folder = await folders.by_path(self._database, folders.stored(location))
        image = await images.by_src(self._database, location) if folder is None and location else None
        if image is not None:
            location = location.rpartition("/")[0]
            folder = await folders.by_path(self._database, folders.stored(location))
        ids = [group.id for group in member.all_groups]
        rows = await folder_permissions.nearest(self._database, _upwards(location), ids)
        bypass = bypassing(member.flags)
        trace = FolderTrace(
            folder=folders.stored(location),
            folder_status=None if folder is None else folder.status,
            image=None if image is None else image.src,
            user_id=user_id,
            username=member.user.username if member.user else None,
            active=member.user is None or member.user.status == users.ACTIVE,
            groups=traced(member.all_groups, rows),
            bypass=bypass,
            level=final_level(bypass, (row.access for row in rows)),
            snapshot_level=self._by_snapshot(member, ids, location),
        )
        if not trace.consistent:
            _log.warn(
                "level of user {user} in {folder}: {found} by the database, {held} by the snapshot",
                user=user_id,
                folder=trace.folder,
                found=trace.level,
                held=trace.snapshot_level,
            )
        return trace

    def _by_snapshot(self, member: Member, ids: Iterable[int], location: str) -> int:
        snapshot = self._snapshot()
        if member.user is not None and member.user.status != users.ACTIVE:  # no snapshot knows these
            return final_level(bypassing(member.flags), [snapshot.level(frozenset(ids), location)])
        account = snapshot.account(member.user.id) if member.user else None
        return Visitor(account=account, snapshot=snapshot).level(location)


def traced(of: Iterable[Group], rows: Iterable[NearestRow]) -> list[TracedGroup]:
    """Each group with the row that counts for it."""
    by_group = {row.group_id: row for row in rows}
    found = [(group, by_group.get(group.id)) for group in of]
    return [
        TracedGroup(
            id=group.id,
            name=group.name,
            level=None if row is None else row.access,
            folder=None if row is None else row.path,
            flags=group.flags,
        )
        for group, row in found
    ]


def bypassing(flags: frozenset[Flag]) -> frozenset[Flag]:
    """Those of ``flags`` that open every folder."""
    return flags & {Flag.ADMIN_FILES, Flag.ADMIN_ALL}


def final_level(bypass: frozenset[Flag], levels: Iterable[int]) -> int:
    """The highest one; everything for those whose system permissions open every folder."""
    return int(Level.DELETE_FOLDER) if bypass else max(levels, default=int(Level.NONE))


def _upwards(location: str) -> list[str]:
    """The paths, as stored, of a folder and all above it, the lowest first."""
    parts = location.split("/") if location else []
    return [f"/{'/'.join(parts[:count])}" for count in range(len(parts), -1, -1)]
