"""Folder permissions, and why somebody may do something."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from qisd.access.levels import Flag, Level
from qisd.accounts.permissions import FolderPermissions
from qisd.accounts.trace import FolderTrace, Trace
from qisd.store.folder_permissions import FolderPermission
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import Model, PermissionObject
from qisd.web.api.presenting import folder_object, group_object, objects
from qisd.web.api.reading import Form

TAG = "Folder permissions"

Id = Annotated[int, Meta(ge=1)]


class PermissionListForm(Form):
    """Which permissions."""

    folder_id: Annotated[Id, Meta(extra={"blank_absent": True})] | None = None
    group_id: Annotated[Id, Meta(extra={"blank_absent": True})] | None = None


class PermissionForm(Form):
    """A permission."""

    group_id: Id
    folder_id: Id
    access: Annotated[int, Meta(ge=0, le=70, extra_json_schema={"enum": [int(level) for level in Level]})]


class TraceForm(Form):
    """Whose permission for what."""

    path: Annotated[str, Meta(max_length=1024, description="a folder or an image", extra={"trim": True})]
    user_id: Annotated[Id, Meta(description="absent: an anonymous visitor", extra={"blank_absent": True})] | None = None


class TracedGroupObject(Model):
    """What one group gives."""

    group_id: int
    name: str
    access: Annotated[int, Meta(description="null: it has no row, here or above")] | None
    folder: Annotated[str, Meta(description="the folder whose row counts")] | None
    permissions: list[str]


class TraceObject(Model):
    """Why a visitor has a level in a folder."""

    folder: str
    folder_status: Annotated[int, Meta(description="1 active, 0 deleted, null unknown")] | None
    image: str | None
    user_id: int | None
    username: str | None
    active: Annotated[bool, Meta(description="the user can log in; the level is what it would be then")]
    groups: list[TracedGroupObject]
    bypass: Annotated[list[str], Meta(description="system permissions that open every folder")]
    access: int
    snapshot_access: Annotated[int, Meta(description="what requests on this server go by at this moment")]
    consistent: bool


class PermissionEndpoints:
    """The endpoints of folder permissions."""

    def __init__(self, permissions: FolderPermissions, trace: Trace) -> None:
        self._permissions = permissions
        self._trace = trace

    @endpoint(
        "GET",
        "/admin/permissions/",
        summary="Folder permissions by id",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=PermissionListForm,
        listing=True,
        answer=list[PermissionObject],
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(PermissionListForm)
        part = await self._permissions.listed(
            call.visitor, folder_id=form.folder_id, group_id=form.group_id, start=call.start, limit=call.limit
        )
        return Page(items=await objects(call, part.items, _object), total=part.total)

    @endpoint(
        "POST",
        "/admin/permissions/",
        summary="Give a group a level in a folder",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=PermissionForm,
        answer=PermissionObject,
        errors=(404, 409),
        example={"group_id": 1, "folder_id": 2, "access": 20},
    )
    async def create(self, call: Call) -> PermissionObject:
        form = call.read(PermissionForm)
        permission = await self._permissions.create(
            call.visitor, folder_id=form.folder_id, group_id=form.group_id, access=form.access
        )
        folder, group = await self._permissions.parties(call.visitor, permission)
        return structs.replace(_object(permission), folder=folder_object(folder), group=group_object(group))

    @endpoint(
        "GET",
        "/admin/permissions/<int:id>/",
        summary="A folder permission",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        answer=PermissionObject,
        errors=(404,),
    )
    async def get(self, call: Call) -> Versioned:
        permission = await self._permissions.get(call.visitor, call.id())
        return Versioned(data=_object(permission), version=permission.version)

    @endpoint(
        "PUT",
        "/admin/permissions/<int:id>/",
        summary="Change the level; group and folder stay",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=PermissionForm,
        answer=PermissionObject,
        errors=(404,),
        example={"group_id": 1, "folder_id": 2, "access": 10},
    )
    async def change(self, call: Call) -> PermissionObject:
        form = call.read(PermissionForm)
        return _object(
            await self._permissions.update(call.visitor, call.id(), access=form.access, expected_version=call.version)
        )

    @endpoint(
        "DELETE",
        "/admin/permissions/<int:id>/",
        summary="Delete a folder permission: the group has what it has in the folder above",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        errors=(400, 404),
    )
    async def delete(self, call: Call) -> None:
        await self._permissions.delete(call.visitor, call.id(), expected_version=call.version)

    @endpoint(
        "GET",
        "/admin/permissions/trace/",
        summary="Why a visitor may do something in a folder, or may not",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=TraceForm,
        answer=TraceObject,
        errors=(400, 404),
    )
    async def trace(self, call: Call) -> TraceObject:
        form = call.read(TraceForm)
        return _trace_object(await self._trace.folder(call.visitor, form.path, user_id=form.user_id))


def _object(permission: FolderPermission) -> PermissionObject:
    return PermissionObject(
        id=permission.id, folder_id=permission.folder_id, group_id=permission.group_id, access=permission.access
    )


def _trace_object(trace: FolderTrace) -> TraceObject:
    return TraceObject(
        folder=trace.folder,
        folder_status=trace.folder_status,
        image=trace.image,
        user_id=trace.user_id,
        username=trace.username,
        active=trace.active,
        groups=[
            TracedGroupObject(
                group_id=group.id,
                name=group.name,
                access=group.level,
                folder=group.folder,
                permissions=sorted(group.flags),
            )
            for group in trace.groups
        ],
        bypass=sorted(trace.bypass),
        access=trace.level,
        snapshot_access=trace.snapshot_level,
        consistent=trace.consistent,
    )
