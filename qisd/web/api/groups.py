"""Groups and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, structs

from qisd.access.levels import Flag
from qisd.accounts.groups import Groups, Membership
from qisd.store.groups import SORTS
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import GroupObject
from qisd.web.api.paging import sort_by
from qisd.web.api.presenting import group_object, objects, user_object
from qisd.web.api.reading import Form

TAG = "Groups"


class GroupListForm(Form):
    """Which groups."""

    q: Annotated[str, Meta(max_length=120, description="a part of name or description")] = ""
    sort: Annotated[str, sort_by(SORTS)] = ""


class GroupForm(Form):
    """A group."""

    name: Annotated[str, Meta(max_length=120, description="unique", extra={"trim": True})]
    description: Annotated[str, Meta(max_length=5120)]
    group_type: Annotated[int, Meta(ge=1, le=3, description="2 local, 3 LDAP; never changes")]
    access_folios: bool
    access_reports: bool
    access_admin_users: bool
    access_admin_files: bool
    access_admin_folios: bool
    access_admin_permissions: bool
    access_admin_all: bool

    @property
    def flags(self) -> frozenset[Flag]:
        """The system permissions that are ticked."""
        return frozenset(flag for flag in Flag if getattr(self, f"access_{flag}"))


class MemberForm(Form):
    """A new member."""

    user_id: Annotated[int, Meta(ge=1)]


_Ids = Annotated[list[Annotated[int, Meta(ge=1)]], Meta(max_length=1000, extra={"json_text": (2, 20_000)})]


class MembersForm(Form):
    """Who comes in, and who goes."""

    add: _Ids = msgspec.field(default_factory=list)
    remove: _Ids = msgspec.field(default_factory=list)


def _form_values(group: GroupObject) -> Mapping[str, Any]:
    """A group as the values of :class:`GroupForm`, for PATCH."""
    flags = {f"access_{flag}": getattr(group.permissions, flag) for flag in Flag}
    return {"name": group.name, "description": group.description, "group_type": group.group_type, **flags}


class GroupEndpoints:
    """The endpoints of groups."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    @endpoint(
        "GET",
        "/admin/groups/",
        summary="Groups by name",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=GroupListForm,
        listing=True,
        answer=list[GroupObject],
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(GroupListForm)
        part = await self._groups.listed(call.visitor, q=form.q, sort=form.sort, start=call.start, limit=call.limit)
        return Page(items=await objects(call, part.items, group_object), total=part.total)

    @endpoint(
        "POST",
        "/admin/groups/",
        summary="Make a group",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=GroupForm,
        answer=GroupObject,
        errors=(400, 409),
        description="Needs permissions administration too, and every system permission that the group is to have.",
        example={
            "name": "Press",
            "description": "Who works for the press",
            "group_type": 2,
            "access_folios": True,
            "access_reports": False,
            "access_admin_users": False,
            "access_admin_files": False,
            "access_admin_folios": False,
            "access_admin_permissions": False,
            "access_admin_all": False,
        },
    )
    async def create(self, call: Call) -> GroupObject:
        call.visitor.require_flag(Flag.ADMIN_PERMISSIONS)
        form = call.read(GroupForm)
        group = await self._groups.create(
            call.visitor, name=form.name, description=form.description, group_type=form.group_type, flags=form.flags
        )
        return _with_members(Membership(group=group, members=[]))

    @endpoint(
        "GET",
        "/admin/groups/<int:id>/",
        summary="A group with its members",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        answer=GroupObject,
        errors=(404,),
    )
    async def get(self, call: Call) -> Versioned:
        found = await self._groups.get(call.visitor, call.id())
        return Versioned(data=_with_members(found), version=found.group.version)

    @endpoint(
        "PUT",
        "/admin/groups/<int:id>/",
        summary="Change a group",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=GroupForm,
        answer=GroupObject,
        base=_form_values,
        errors=(400, 404, 409),
        description="Without permissions administration the system permissions stay as they are. Only local groups get"
        " another name.",
        example={
            "name": "Press",
            "description": "Who works for the press",
            "group_type": 2,
            "access_folios": True,
            "access_reports": True,
            "access_admin_users": False,
            "access_admin_files": False,
            "access_admin_folios": False,
            "access_admin_permissions": False,
            "access_admin_all": False,
        },
    )
    async def change(self, call: Call) -> GroupObject:
        form = call.read(GroupForm)
        return _with_members(
            await self._groups.update(
                call.visitor,
                call.id(),
                name=form.name,
                description=form.description,
                flags=form.flags,
                expected_version=call.version,
            )
        )

    @endpoint(
        "DELETE",
        "/admin/groups/<int:id>/",
        summary="Delete a group with its memberships and permissions",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        errors=(400, 404),
        description="Needs permissions administration too.",
    )
    async def delete(self, call: Call) -> None:
        await self._groups.delete(call.visitor, call.id(), expected_version=call.version)

    @endpoint(
        "POST",
        "/admin/groups/<int:id>/members/",
        summary="Put a user into a group",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=MemberForm,
        errors=(400, 404),
        example={"user_id": 12},
    )
    async def add_member(self, call: Call) -> None:
        await self._groups.add_member(call.visitor, call.id(), call.read(MemberForm).user_id)

    @endpoint(
        "POST",
        "/admin/groups/<int:id>/members/change/",
        summary="Put users into a group and take others out, all or none",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=MembersForm,
        answer=GroupObject,
        errors=(400, 404),
        example={"add": [12, 13], "remove": [4]},
    )
    async def change_members(self, call: Call) -> GroupObject:
        form = call.read(MembersForm)
        return _with_members(
            await self._groups.change_members(call.visitor, call.id(), add=form.add, remove=form.remove)
        )

    @endpoint(
        "DELETE",
        "/admin/groups/<int:id>/members/<int:user_id>/",
        summary="Take a user out of a group",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        errors=(400, 404),
    )
    async def remove_member(self, call: Call) -> None:
        await self._groups.remove_member(call.visitor, call.id(), call.id("user_id"))


def _with_members(found: Membership) -> GroupObject:
    return structs.replace(group_object(found.group), users=[user_object(user) for user in found.members])
