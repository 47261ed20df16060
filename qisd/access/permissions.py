"""Holds the permission snapshot of this process, and makes visitors from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from typing import Any

from qisd.access.levels import Flag, implied
from qisd.access.snapshot import Account, Group, PermissionSnapshot, Validity, flags_of
from qisd.access.visitor import How, Scope, Visitor
from qisd.errors import StoreUnavailable
from qisd.pools.gentle import in_pieces
from qisd.request_ids import current_request_id
from qisd.store import permissions
from qisd.store.held import Held
from qisd.store.permissions import PermissionRows
from qisd.store.pool import Database
from qisd.store.sessions import SessionRow

# Permissions that change many times a second are read a few times a second.
_PAUSE = 0.2

_STEPS = 200


class Permissions:
    """The snapshot as it is now, replaced when anybody anywhere changes something.

    :param grace: seconds for which it is believed when no changes can be heard any more (``SNAPSHOT_GRACE``); after
        that nobody is known, and only what it shows as public stays open.
    """

    def __init__(self, database: Database, *, grace: float, reactor: Any) -> None:
        self._database = database
        self._grace = grace
        self._reactor = reactor
        self._held = Held(
            database, what="permissions", read=self._read, tables=permissions.TABLES, reactor=reactor, pause=_PAUSE
        )

    async def start(self) -> None:
        await self._held.start()

    async def stop(self) -> None:
        await self._held.stop()

    async def refresh(self) -> None:
        """Read now, so that a change made here holds here at once."""
        await self._held.refresh()

    async def catch_up(self) -> None:
        """Wait until all is known that has changed up to now.

        :raises StoreUnavailable: it can't be read.
        """
        await self._held.catch_up()

    def configure(self, *, grace: float) -> None:
        self._grace = grace

    @property
    def snapshot(self) -> PermissionSnapshot:
        """:raises StoreUnavailable: it hasn't been read yet."""
        return self._held.value

    @property
    def age(self) -> float:
        """Seconds since when changes can't be heard; 0 normally."""
        return self._held.deaf_for

    @property
    def believed(self) -> bool:
        """Whether users count as known."""
        deaf = self._held.deaf_for
        return deaf == 0.0 or deaf <= self._grace

    def anonymous(self, *, address: str = "", request_id: str = "") -> Visitor:
        return Visitor(snapshot=self.snapshot, address=address, request_id=request_id)

    def user(self, user_id: int, *, by: How = "token", address: str = "", request_id: str = "") -> Visitor | None:
        """A visitor who may what the user may; None when there is no such active user.

        :param request_id: that which this runs for, unless given.
        """
        account = self.snapshot.account(user_id)
        if account is None:
            return None
        number = request_id or current_request_id()
        return Visitor(account=account, by=by, snapshot=self.snapshot, address=address, request_id=number)

    def holder(self, row: SessionRow, *, address: str, request_id: str) -> Visitor | None:
        """The visitor behind a session, token or key; None when it does not count any more.

        :raises StoreUnavailable: that can't be told: nothing was heard of users for too long.
        """
        if not self.believed:
            raise StoreUnavailable(detail=f"no news of users for {self.age:.0f} s")
        account = self.snapshot.account(row.user_id)
        if account is None or account.stamp != row.stamp:
            return None
        if row.kind in ("token", "key") and not account.allow_api:
            return None
        by: How = "session" if row.kind == "session" else "key" if row.kind == "key" else "token"
        return Visitor(
            account=account,
            by=by,
            snapshot=self.snapshot,
            session=row.id,
            scopes=_scopes(row) if by == "key" else None,
            folder=row.folder.strip("/"),
            address=address,
            request_id=request_id,
        )

    async def _read(self) -> PermissionSnapshot:
        rows = await self._database.transaction(permissions.load)
        return await in_pieces(self._reactor, making(rows))


def snapshot_of(rows: PermissionRows) -> PermissionSnapshot:
    """The snapshot that the rows make."""
    steps = making(rows)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: PermissionSnapshot = end.value
            return made


def making(rows: PermissionRows) -> Generator[None, None, PermissionSnapshot]:
    """As :func:`snapshot_of`. Yields now and then: of thousands of users it takes a tenth of a second."""
    groups = {
        number: Group(
            id=number, name=name, flags=implied(Flag(flag) for flag, given in zip(Flag, flags, strict=True) if given)
        )
        for number, name, *flags in rows.groups
    }
    members: dict[int, set[int]] = defaultdict(set)
    for count, (user, group) in enumerate(rows.members):
        members[user].add(group)
        if count % _STEPS == 0:
            yield
    # Users of the same groups share one set and its flags.
    sets: dict[frozenset[int], tuple[frozenset[int], frozenset[Flag]]] = {}
    accounts: dict[int, Account] = {}
    for number, username, allow_api, stamp, password_state in rows.users:
        if len(accounts) % _STEPS == 0:
            yield
        wanted = frozenset(members.get(number, ()))
        if wanted not in sets:
            sets[wanted] = wanted, flags_of(groups, wanted)
        of_groups, of_flags = sets[wanted]
        accounts[number] = Account(
            id=number,
            username=username,
            active=True,
            allow_api=allow_api,
            stamp=stamp,
            groups=of_groups,
            flags=of_flags,
            password_state=password_state,
        )
    levels: dict[str, dict[int, int]] = defaultdict(dict)
    for count, (path, group, access) in enumerate(rows.levels):
        levels[path.strip("/")][group] = access
        if count % _STEPS == 0:
            yield
    validity: dict[str, Validity] = {}
    for src, begins, ends in rows.validity:
        if len(validity) % _STEPS == 0:
            yield
        validity[src] = Validity(begins=_number(begins), ends=_number(ends))
    return PermissionSnapshot(accounts=accounts, groups=groups, rows=dict(levels), validity=validity)


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _scopes(row: SessionRow) -> frozenset[Scope]:
    known: tuple[Scope, ...] = ("read", "upload", "admin")
    return frozenset(scope for scope in known if scope in row.scopes)
