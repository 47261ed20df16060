"""Folder permissions as one sees them best: folders by groups. Several changes are looked at, and made, together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from qisd.access.levels import Flag, Level
from qisd.access.snapshot import Account, PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.accounts.permissions import FolderPermissions, Wanted
from qisd.accounts.publicity import Proposal, PublicityPreview
from qisd.errors import NotFound
from qisd.library.places import normalised
from qisd.library.registrar import Registrar
from qisd.pools.files import FilePool
from qisd.repository.tree import Tree
from qisd.store.first_run import PUBLIC
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model
from qisd.web.api.permissions import TAG
from qisd.web.api.reading import Form

CHANGES_MAX = 200

Id = Annotated[int, Meta(ge=1)]


class MatrixForm(Form):
    """Which folders."""

    path: Annotated[str, Meta(max_length=1024, extra={"trim": True})] = "/"
    user_id: Annotated[Id, Meta(description="whose level is told besides", extra={"blank_absent": True})] | None = None


class ChangeForm(Form):
    """What a group shall have in a folder."""

    path: Annotated[str, Meta(max_length=1024)]
    group_id: Id
    access: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=70,
                description="null: nothing of its own; it is inherited",
                extra_json_schema={"enum": [int(level) for level in Level]},
            ),
        ]
        | None
    ) = None


class ChangesForm(Form):
    """What shall be changed together."""

    changes: Annotated[list[ChangeForm], Meta(min_length=1, max_length=CHANGES_MAX, extra={"json_text": (2, 400_000)})]


class MatrixGroup(Model):
    """A column."""

    id: int
    name: str
    members: Annotated[int, Meta(description="active users")]
    bypass: Annotated[bool, Meta(description="its system permissions open every folder")]


class MatrixFolder(Model):
    """A row: levels by the id of the group."""

    path: str
    own: Annotated[dict[str, int], Meta(description="what is set for this very folder")]
    effective: Annotated[dict[str, int], Meta(description="what holds; groups without any row are left out")]
    below: Annotated[bool, Meta(description="something is set in folders below")]
    viewer: Annotated[int, Meta(description="the level of the user who was asked for")] | None = None


class MatrixObject(Model):
    """The folders above one, from the root on; the folder itself; and those in it."""

    groups: list[MatrixGroup]
    above: list[MatrixFolder]
    folder: MatrixFolder
    children: list[MatrixFolder]


class MadeChange(Model):
    """What a group has in a folder; null is nothing of its own."""

    path: str
    group_id: int
    access: int | None


class ChangesObject(Model):
    """What it was before, of all that has really changed: sent again, it undoes the changes."""

    before: list[MadeChange]


class PublicityObject(Model):
    """What changes would do to images that the server knows of."""

    opened: Annotated[int, Meta(description="images that everybody could see then, and can't see now")]
    closed: Annotated[int, Meta(description="images that everybody can see now, and could not see then")]


class PermissionMatrixEndpoints:
    """The endpoints.

    :param snapshot: what requests on this server go by now.
    """

    def __init__(
        self,
        permissions: FolderPermissions,
        preview: PublicityPreview,
        *,
        registrar: Registrar,
        tree: Tree,
        files: FilePool,
        snapshot: Callable[[], PermissionSnapshot],
    ) -> None:
        self._permissions = permissions
        self._preview = preview
        self._registrar = registrar
        self._tree = tree
        self._files = files
        self._snapshot = snapshot

    @endpoint(
        "GET",
        "/admin/permissions/matrix/",
        summary="A folder, those above it and those in it, with what each group may do there",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=MatrixForm,
        answer=MatrixObject,
        errors=(400, 403, 404),
    )
    async def matrix(self, call: Call) -> MatrixObject:
        form = call.read(MatrixForm)
        folder = normalised(form.path, parameter="path")
        listed = await self._files.run(lambda: self._tree.listing(folder))
        snapshot = self._snapshot()
        viewer = _viewer(snapshot, form.user_id)
        rows = _Rows(snapshot, viewer)
        return MatrixObject(
            groups=_groups(snapshot),
            above=[rows.row(path) for path in _above(folder)],
            folder=rows.row(folder),
            children=[rows.row(f"{folder}/{one.name}".lstrip("/")) for one in listed if one.folder],
        )

    @endpoint(
        "POST",
        "/admin/permissions/changes/",
        summary="Change what several groups may do in several folders, all or nothing",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=ChangesForm,
        answer=ChangesObject,
        errors=(400, 403, 404),
        example={"changes": [{"path": "/samples", "group_id": 1, "access": 20}]},
    )
    async def change(self, call: Call) -> ChangesObject:
        form = call.read(ChangesForm)
        paths: dict[int, str] = {}
        wanted = []
        for one in form.changes:
            folder = await self._registrar.folder(normalised(one.path, parameter="path"))
            paths[folder.id] = folder.path
            wanted.append(Wanted(folder_id=folder.id, group_id=one.group_id, access=one.access))
        before = await self._permissions.apply(call.visitor, wanted)
        return ChangesObject(
            before=[MadeChange(path=paths[old.folder_id], group_id=old.group_id, access=old.access) for old in before]
        )

    @endpoint(
        "POST",
        "/admin/permissions/preview/",
        summary="How many images changes would open to everybody, or close; nothing is changed",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=ChangesForm,
        answer=PublicityObject,
        errors=(400, 403),
        example={"changes": [{"path": "/samples", "group_id": 1, "access": 0}]},
    )
    async def preview(self, call: Call) -> PublicityObject:
        form = call.read(ChangesForm)
        found = await self._preview.of(
            call.visitor,
            [
                Proposal(folder=normalised(one.path, parameter="path"), group_id=one.group_id, access=one.access)
                for one in form.changes
            ],
        )
        return PublicityObject(opened=found.opened, closed=found.closed)


class _Rows:
    """Makes rows from one snapshot."""

    def __init__(self, snapshot: PermissionSnapshot, viewer: Visitor | None) -> None:
        self._snapshot = snapshot
        self._viewer = viewer
        self._groups = frozenset(snapshot.groups)
        self._with_rows_below = frozenset(above for folder in snapshot.rows for above in _above(folder))

    def row(self, folder: str) -> MatrixFolder:
        decisions = self._snapshot.decisions(self._groups, folder)
        return MatrixFolder(
            path=f"/{folder}",
            own=_levels(self._snapshot.rows.get(folder, {})),
            effective=_levels({one.group: one.level for one in decisions if one.level is not None}),
            below=folder in self._with_rows_below,
            viewer=None if self._viewer is None else int(self._viewer.level(folder)),
        )


def _levels(levels: Mapping[int, int]) -> dict[str, int]:
    return {str(group): level for group, level in levels.items()}


def _groups(snapshot: PermissionSnapshot) -> list[MatrixGroup]:
    """By name, but *Public* first: it is what everybody can do."""
    members = Counter(group for account in snapshot.accounts.values() for group in account.groups)
    ordered = sorted(snapshot.groups.values(), key=lambda one: (one.id != PUBLIC, one.name.lower(), one.id))
    return [
        MatrixGroup(id=one.id, name=one.name, members=members[one.id], bypass=Flag.ADMIN_FILES in one.flags)
        for one in ordered
    ]


def _viewer(snapshot: PermissionSnapshot, user_id: int | None) -> Visitor | None:
    """:raises NotFound: there is no such active user."""
    if user_id is None:
        return None
    account: Account | None = snapshot.account(user_id)
    if account is None:
        raise NotFound(str(user_id))
    return Visitor(account=account, snapshot=snapshot)


def _above(folder: str) -> Sequence[str]:
    """The folders that one is in, from the root on."""
    parts: Iterable[str] = folder.split("/") if folder else ()
    found, path = [], ""
    for part in parts:
        found.append(path)
        path = f"{path}/{part}".lstrip("/")
    return found
