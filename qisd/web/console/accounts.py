"""The pages of administration: their list, users and groups. The work is done by scripts, through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qisd.access.levels import Flag
from qisd.accounts.groups import Groups
from qisd.accounts.users import Users
from qisd.web.console.menus import menus_for
from qisd.web.console.page import Page, PageCall, Who, address

_ADMINISTRATION = "menu_administration"
_ALSO = ("tasks/", "dashboard/")


class AdministrationPages:
    """The pages about accounts.

    :param directory: whether users can be those of the company's directory.
    """

    def __init__(self, *, users: Users, groups: Groups, directory: Callable[[], bool]) -> None:
        self._users = users
        self._groups = groups
        self._directory = directory

    @address("/admin/", who=Who.ANY_ADMIN)
    async def index(self, call: PageCall) -> Page:
        """What there is for this administrator."""
        entries = [
            entry.path for menu in menus_for(call.visitor) if menu.text == _ADMINISTRATION for entry in menu.entries
        ]
        pages = [(path, path.strip("/").rpartition("/")[2]) for path in (*entries, *_ALSO)]
        return Page(template="administration.html", title="Administration", area="accounts", values={"pages": pages})

    @address("/admin/users/", who=Flag.ADMIN_USERS)
    async def users(self, call: PageCall) -> Page:
        """All users."""
        return _page("users.html", "Users", {"view": "users"})

    @address("/admin/users/<int:user_id>/", who=Flag.ADMIN_USERS)
    async def user(self, call: PageCall, user_id: int) -> Page:
        """One user; 0 is a new one."""
        title = (await self._users.get(call.visitor, user_id)).username if user_id else "New user"
        data = {"view": "user", "id": user_id, "close": call.query.get("onClose", "")}
        return _page("user.html", title, data, {"new": not user_id, "directory": self._directory()})

    @address("/admin/groups/", who=Flag.ADMIN_USERS)
    async def groups(self, call: PageCall) -> Page:
        """All groups."""
        members = await self._groups.member_counts(call.visitor)
        return _page(
            "groups.html", "Groups", {"view": "groups", "members": {str(key): n for key, n in members.items()}}
        )

    @address("/admin/groups/<int:group_id>/", who=Flag.ADMIN_USERS)
    async def group(self, call: PageCall, group_id: int) -> Page:
        """One group with its members; 0 is a new one."""
        title = (await self._groups.get(call.visitor, group_id)).group.name if group_id else "New group"
        data = {"view": "group", "id": group_id, "close": call.query.get("onClose", "")}
        return _page("group.html", title, data, {"new": not group_id, "flags": [flag.value for flag in Flag]})


def _page(template: str, title: str, data: dict[str, Any], values: dict[str, Any] | None = None) -> Page:
    return Page(template=template, title=title, area="accounts", values=values or {}, data=data)
