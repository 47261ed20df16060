"""The menus of the frame: which pages there are, and who is shown the way to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor

ADMINS = frozenset({Flag.ADMIN_FOLIOS, Flag.ADMIN_FILES, Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS, Flag.ADMIN_ALL})
"""Having one of them makes an administrator of some kind."""


def is_admin(visitor: Visitor) -> bool:
    return bool(ADMINS & visitor.flags)


@attrs.frozen
class Entry:
    """A line of a menu.

    :param text: key of its text.
    :param path: below the root.
    :param folder: it leads to the folder visited last.
    """

    text: str
    path: str
    needs: Callable[[Visitor], bool] = lambda visitor: True
    folder: bool = False


@attrs.frozen
class Menu:
    """A menu with those of its entries that somebody may see."""

    text: str
    entries: Sequence[Entry]


def _flag(flag: Flag) -> Callable[[Visitor], bool]:
    return lambda visitor: visitor.may(flag)


def _reports_or_admin(visitor: Visitor) -> bool:
    return visitor.may(Flag.REPORTS) or is_admin(visitor)


_MENUS = (
    Menu(
        "menu_images",
        (
            Entry("menu_browse", "list/", folder=True),
            Entry("menu_upload", "upload/", folder=True),
            Entry("menu_search", "search/"),
            Entry("menu_portfolios", "portfolios/"),
            Entry("menu_trash", "trash/"),
        ),
    ),
    Menu(
        "menu_reports",
        (
            Entry("menu_dashboard", "dashboard/", _reports_or_admin),
            Entry("menu_top", "reports/top10/", _flag(Flag.REPORTS)),
            Entry("menu_charts", "reports/systemstats/", _flag(Flag.REPORTS)),
        ),
    ),
    Menu(
        "menu_administration",
        (
            Entry("menu_templates", "admin/templates/", is_admin),
            Entry("menu_users", "admin/users/", _flag(Flag.ADMIN_USERS)),
            Entry("menu_groups", "admin/groups/", _flag(Flag.ADMIN_USERS)),
            Entry("menu_permissions", "admin/permissions/", _flag(Flag.ADMIN_PERMISSIONS)),
            Entry("menu_all_portfolios", "admin/portfolios/", _flag(Flag.ADMIN_FOLIOS)),
            Entry("menu_maintenance", "admin/maintenance/", _flag(Flag.ADMIN_ALL)),
        ),
    ),
    Menu(
        "menu_help",
        (
            Entry("menu_overview", "overview/"),
            Entry("menu_imaging_guide", "help/"),
            Entry("menu_api_guide", "api/help/"),
            Entry("menu_simpleview", "simpleview/"),
            Entry("menu_canvasview", "canvasview/"),
            Entry("menu_gallery", "gallery/"),
            Entry("menu_slideshow", "slideshow/"),
            Entry("menu_about", "about/"),
        ),
    ),
)


def menus_for(visitor: Visitor) -> list[Menu]:
    """What ``visitor``, who has logged in, is offered; menus without anything are left out."""
    shown = [Menu(menu.text, [entry for entry in menu.entries if entry.needs(visitor)]) for menu in _MENUS]
    return [menu for menu in shown if menu.entries]
