"""Who can see a folder, and who users are whose permissions one looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated

from msgspec import Meta

from qisd.access.levels import Flag, Level
from qisd.access.snapshot import Account, Decision, PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.accounts.checks import storable
from qisd.library.places import normalised
from qisd.pools.gentle import made_of
from qisd.store.first_run import PUBLIC
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model
from qisd.web.api.permissions import TAG
from qisd.web.api.reading import Form

_PROPOSED = 20


class WhoForm(Form):
    """Which folder."""

    path: Annotated[str, Meta(max_length=1024, extra={"trim": True})]


class PeopleForm(Form):
    """A part of a user name."""

    q: Annotated[str, Meta(max_length=120, extra={"trim": True})] = ""


class Person(Model):
    """An active user."""

    id: int
    username: str


class SeeingGroup(Model):
    """A group that gives the view level or more."""

    group_id: int
    name: str
    access: int
    folder: Annotated[str | None, Meta(description="the folder whose row counts; null: its system permissions do")]
    members: Annotated[int, Meta(description="active users")]
    bypass: Annotated[bool, Meta(description="its system permissions open every folder")]


class SeeingUser(Model):
    """An active user who can see the folder."""

    user_id: int
    username: str
    access: int
    groups: Annotated[list[str], Meta(description="the groups that give this level, Public too")]


class WhoObject(Model):
    """Who can see a folder, groups and users by name."""

    folder: str
    public: Annotated[int, Meta(description="the level of everybody, signed in or not")]
    groups: list[SeeingGroup]
    users: list[SeeingUser]


class PermissionPeopleEndpoints:
    """The endpoints.

    :param snapshot: what requests on this server go by now.
    """

    def __init__(self, snapshot: Callable[[], PermissionSnapshot]) -> None:
        self._snapshot = snapshot

    @endpoint(
        "GET",
        "/admin/permissions/who/",
        summary="Who can see a folder",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=WhoForm,
        answer=WhoObject,
        errors=(400, 403),
    )
    async def who(self, call: Call) -> WhoObject:
        folder = normalised(call.read(WhoForm).path, parameter="path")
        snapshot = self._snapshot()
        decisions = {one.group: one for one in snapshot.decisions(frozenset(snapshot.groups), folder)}
        accounts = sorted(snapshot.accounts.values(), key=lambda account: account.username.lower())
        reactor = call.request.site.reactor
        users = await made_of(reactor, accounts, lambda account: _user(snapshot, account, folder, decisions))
        return WhoObject(
            folder=f"/{folder}",
            public=snapshot.level(frozenset(), folder),
            groups=sorted(
                _groups(snapshot, decisions), key=lambda group: (group.group_id != PUBLIC, group.name.lower())
            ),
            users=[user for user in users if user is not None],
        )

    @endpoint(
        "GET",
        "/admin/permissions/people/",
        summary=f"Up to {_PROPOSED} active users whose user names contain a text",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=PeopleForm,
        answer=list[Person],
    )
    async def people(self, call: Call) -> list[Person]:
        q = storable("q", call.read(PeopleForm).q).lower()
        found = [account for account in self._snapshot().accounts.values() if q in account.username.lower()]
        # Who is called just so comes first, and is there however many others there are.
        found.sort(key=lambda account: (account.username.lower() != q, account.username.lower()))
        return [Person(id=account.id, username=account.username) for account in found[:_PROPOSED]]


def _groups(snapshot: PermissionSnapshot, decisions: dict[int, Decision]) -> Iterator[SeeingGroup]:
    members = Counter(group for account in snapshot.accounts.values() for group in account.groups)
    for group in snapshot.groups.values():
        bypass = group.id != PUBLIC and Flag.ADMIN_FILES in group.flags
        decision = decisions[group.id]
        access = int(Level.DELETE_FOLDER) if bypass else decision.level or 0
        if access >= Level.VIEW:
            above = None if bypass or decision.folder is None else f"/{decision.folder}"
            yield SeeingGroup(
                group_id=group.id,
                name=group.name,
                access=access,
                folder=above,
                members=members[group.id],
                bypass=bypass,
            )


def _user(
    snapshot: PermissionSnapshot, account: Account, folder: str, decisions: dict[int, Decision]
) -> SeeingUser | None:
    access = int(Visitor(account=account, snapshot=snapshot).level(folder))
    if access < Level.VIEW:
        return None
    giving = [
        snapshot.groups[group].name
        for group in sorted(account.groups | {PUBLIC})
        if group in snapshot.groups and _gives(snapshot, group, decisions[group], access)
    ]
    return SeeingUser(user_id=account.id, username=account.username, access=access, groups=giving)


def _gives(snapshot: PermissionSnapshot, group: int, decision: Decision, access: int) -> bool:
    bypass = group != PUBLIC and Flag.ADMIN_FILES in snapshot.groups[group].flags
    return bypass or decision.level == access
