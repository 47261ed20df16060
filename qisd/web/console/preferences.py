"""What a browser remembers of how its user likes the pages: theme, language, the folder visited last, notes that were
dismissed. All in cookies, so that the first line of a page is right already, whether scripts run or not.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import attrs

from qisd.web.headers import Header

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

THEMES = ("system", "light", "dark")
THEME, LANGUAGE, FOLDER = "qis_theme", "qis_lang", "qis_folder"

DISMISSED = "qis_dismissed"
"""Which notes somebody wants to see no more: ``<user id>-<note>``, with dots between. Scripts write it."""

_YEAR = 31_536_000
_FOLDER_MAX = 1024
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z0-9]+)*\s*(?:;\s*q=([0-9.]+))?")


@attrs.frozen(kw_only=True)
class Preferences:
    """How one browser wants its pages.

    :param folder: the one visited last in this session of the browser, with a leading slash.
    :param dismissed: see :data:`DISMISSED`.
    """

    theme: str = "system"
    language: str = "en"
    folder: str = "/"
    dismissed: frozenset[str] = frozenset()


def preferences_of(request: QisRequest, languages: Collection[str]) -> Preferences:
    """Those of the browser that has sent ``request``.

    :param languages: those there are.
    """
    theme, language = _cookie(request, THEME), _cookie(request, LANGUAGE)
    if language not in languages:
        language = _accepted(request.joined("Accept-Language") or "", languages)
    folder = unquote(_cookie(request, FOLDER))
    return Preferences(
        theme=theme if theme in THEMES else "system",
        language=language,
        folder=folder if folder.startswith("/") and folder.isprintable() else "/",
        dismissed=frozenset(_cookie(request, DISMISSED).split(".")),
    )


def remember(request: QisRequest, name: str, value: str) -> Header:
    """Have the browser remember a preference for a year, and the folder as long as it runs."""
    age = "" if name == FOLDER else f"; Max-Age={_YEAR}"
    path = request.site.root.rstrip("/") or "/"
    return "Set-Cookie", f"{name}={quote(value, safe='/')}; Path={path}{age}; SameSite=Lax"


def visited(request: QisRequest, folder: str) -> Header | None:
    """Have the browser remember the folder that it shows; None for one whose name is too long for that."""
    return remember(request, FOLDER, folder) if len(quote(folder)) <= _FOLDER_MAX else None


def _cookie(request: QisRequest, name: str) -> str:
    value = request.getCookie(name.encode("ascii"))
    return value.decode("latin-1") if value else ""


def _accepted(header: str, languages: Collection[str]) -> str:
    """The language of ``languages`` that a browser's user likes best."""
    wishes = []
    for match in _LANGUAGE.finditer(header):
        try:
            wishes.append((-float(match[2] or 1), match[1].lower()))
        except ValueError:
            continue
    return next((code for _, code in sorted(wishes, key=lambda wish: wish[0]) if code in languages), "en")
