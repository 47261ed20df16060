"""Users."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, structs

from qisd.access.levels import Flag
from qisd.accounts.user_values import NewUser, UserChange, UserDetails
from qisd.accounts.users import Users, require_access
from qisd.errors import MissingParameter
from qisd.store.users import MUST_CHANGE, PASSWORD, SORTS, User
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import GroupName, NewUserObject, OneTimePassword, UserObject
from qisd.web.api.paging import sort_by
from qisd.web.api.presenting import group_object, objects, user_object
from qisd.web.api.reading import Form

TAG = "Users"

Name = Annotated[str, Meta(max_length=120)]
Username = Annotated[str, Meta(max_length=120, description="unique in any case", extra={"trim": True})]
Password = Annotated[str, Meta(max_length=120, description="8 to 120 characters")]
AuthType = Annotated[int, Meta(ge=1, le=2, description="1 password, 2 LDAP")]

_STATUSES: dict[str, int | None] = {"1": 1, "0": 0, "-1": None, "any": None}


class UserListForm(Form):
    """Which users."""

    status: Annotated[Literal["1", "0", "-1", "any"], Meta(description="1 active, 0 deleted, any or -1 both")] = "1"
    q: Annotated[str, Meta(max_length=120, description="a part of user name, names or e-mail")] = ""
    sort: Annotated[str, sort_by(SORTS)] = ""
    details: Annotated[bool, Meta(description="with groups, last log-in, and when it was made and deleted")] = False


class DetailsForm(Form):
    """How much is told."""

    details: Annotated[bool, Meta(description="for user administrators: with groups and last log-in")] = False


class NewUserForm(Form):
    """A new user."""

    username: Username
    first_name: Name
    last_name: Name
    email: Name
    auth_type: AuthType
    allow_api: Annotated[bool, Meta(description="may fetch tokens")]
    password: Annotated[Password | None, Meta(description="not needed for auth_type 2")] = None


class UserForm(Form):
    """A changed user."""

    first_name: Name
    last_name: Name
    email: Name
    username: Annotated[Username, Meta(description="ignored for auth_type 2")]
    auth_type: AuthType
    allow_api: Annotated[bool, Meta(description="may fetch tokens")]
    password: Annotated[Password, Meta(description="blank or absent: unchanged")] = ""
    current_password: Annotated[Password, Meta(description="for a new password of one's own by session")] = ""
    status: Annotated[int, Meta(ge=0, le=1, description="0 disables, 1 brings back")] | None = None
    must_change: Annotated[bool, Meta(description="another password must be chosen before anything else")] | None = None


class UserEndpoints:
    """The endpoints of users."""

    def __init__(self, users: Users) -> None:
        self._users = users

    @endpoint(
        "GET",
        "/admin/users/",
        summary="Users by user name",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=UserListForm,
        listing=True,
        answer=list[UserObject],
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(UserListForm)
        part = await self._users.listed(
            call.visitor,
            status=_STATUSES[form.status],
            q=form.q,
            sort=form.sort,
            start=call.start,
            limit=call.limit,
        )
        if not form.details:
            return Page(items=await objects(call, part.items, user_object), total=part.total)
        details = await self._users.details(call.visitor, [user.id for user in part.items])
        items = [_detailed(user, details[user.id]) for user in part.items]
        return Page(items=items, total=part.total)

    @endpoint(
        "POST",
        "/admin/users/",
        summary="Make a user, who is in the group Normal users",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        form=NewUserForm,
        answer=NewUserObject,
        errors=(400, 409),
        example={
            "username": "maria",
            "first_name": "Maria",
            "last_name": "Vega",
            "email": "maria@example.com",
            "auth_type": 1,
            "allow_api": True,
            "password": "a long sentence",
        },
    )
    async def create(self, call: Call) -> NewUserObject:
        form = call.read(NewUserForm)
        if form.password is None and form.auth_type == PASSWORD:
            raise MissingParameter("password")
        user = await self._users.create(
            call.visitor,
            NewUser(
                username=form.username,
                password=form.password or "",
                first_name=form.first_name,
                last_name=form.last_name,
                email=form.email,
                auth_type=form.auth_type,
                allow_api=form.allow_api,
            ),
        )
        groups = await self._users.groups_of(call.visitor, user.id)
        fields = {name: getattr(user_object(user), name) for name in UserObject.__struct_fields__}
        return NewUserObject(**fields, groups=[group_object(group) for group in groups])

    @endpoint(
        "GET",
        "/admin/users/<int:id>/",
        summary="A user; everybody may see themselves",
        tag=TAG,
        login=True,
        first_steps=True,
        form=DetailsForm,
        answer=UserObject,
        errors=(403, 404),
    )
    async def get(self, call: Call) -> Versioned:
        user = await self._users.get(call.visitor, call.id())
        if not call.read(DetailsForm).details:
            return Versioned(data=user_object(user), version=user.version)
        details = await self._users.details(call.visitor, [user.id])
        return Versioned(data=_detailed(user, details[user.id]), version=user.version)

    @endpoint(
        "PUT",
        "/admin/users/<int:id>/",
        summary="Change a user; everybody may change their own names, e-mail and password",
        tag=TAG,
        login=True,
        first_steps=True,
        form=UserForm,
        answer=UserObject,
        errors=(400, 403, 404, 409),
        example={
            "username": "maria",
            "first_name": "Maria",
            "last_name": "Vega",
            "email": "maria@example.com",
            "auth_type": 1,
            "allow_api": True,
        },
    )
    async def change(self, call: Call) -> UserObject:
        require_access(call.visitor, call.id(), write=True)
        form = call.read(UserForm)
        wanted = UserChange(
            username=form.username,
            first_name=form.first_name,
            last_name=form.last_name,
            email=form.email,
            auth_type=form.auth_type,
            allow_api=None if _stays(call) else form.allow_api,
            status=form.status,
            must_change=form.must_change,
            password=form.password or None,
            current_password=form.current_password,
        )
        return user_object(await self._users.update(call.visitor, call.id(), wanted, expected_version=call.version))

    @endpoint(
        "POST",
        "/admin/users/<int:id>/password/",
        summary="Give a user a password for one log-in, at which another one must be chosen",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        answer=OneTimePassword,
        secret=True,
        errors=(400, 404),
    )
    async def one_time_password(self, call: Call) -> OneTimePassword:
        return OneTimePassword(password=await self._users.one_time_password(call.visitor, call.id()))

    @endpoint(
        "DELETE",
        "/admin/users/<int:id>/",
        summary="Delete a user; the record stays, with status 0",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_USERS,
        answer=UserObject,
        errors=(400, 404),
    )
    async def delete(self, call: Call) -> UserObject:
        return user_object(await self._users.delete(call.visitor, call.id(), expected_version=call.version))


def _detailed(user: User, details: UserDetails) -> UserObject:
    return structs.replace(
        user_object(user),
        created=user.created,
        deleted=user.deleted,
        must_change=user.password_state == MUST_CHANGE,
        last_login=details.last_login,
        member_of=[GroupName(id=number, name=name) for number, name in details.groups],
    )


def _stays(call: Call) -> bool:
    """Whether ``allow_api`` stays because a user who may not change it sent a form without it.

    For administrators a form without it says no, as a box does that isn't ticked.
    """
    given = call.parameters.document is not None or call.parameters.text("allow_api") is not None
    return not given and not call.visitor.may(Flag.ADMIN_USERS)
