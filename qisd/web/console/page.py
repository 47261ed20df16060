"""What a page of the console is, and what its handler gets and gives back.

A module of the console has a class whose methods are pages::

    class BrowsingPages:
        def __init__(self, folders: Folders) -> None: ...

        @address("/list/", who=Who.LOGGED_IN)
        async def browse(self, call: PageCall) -> Page:
            folder = await self._folders.at(call.visitor, call.query.get("path", "/"))
            return Page(template="browse.html", title=folder.path, area="browse", values={"folder": folder})

The declaration says what holds before the handler runs: who may come, and for forms that they come from a page of ours.
Parts of the address in angle brackets reach the handler by their names. Everything else is the dispatcher's: redirects,
the frame, headers, and what becomes of errors.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter
from qisd.web.headers import Header
from qisd.web.identity import urls
from qisd.web.urls import Urls

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

ID_MAX = 2**63 - 1
"""No id is larger."""

_MARK = "_qisd_addresses"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Who(enum.Enum):
    """Who may see a page, where it is not those with one system permission."""

    ANYBODY = "anybody"
    LOGGED_IN = "logged in"
    ANY_ADMIN = "any administrator"


@attrs.frozen(kw_only=True)
class PageCall:
    """One request for a page.

    :param query: the decoded parameters of the query; of several with one name, the first.
    :param form: the decoded fields of a form, likewise; empty unless the page takes forms. A session's were sent from a
        page of ours.
    :param embed: the page is shown within another one.
    """

    request: QisRequest
    visitor: Visitor
    query: Mapping[str, str] = _NOTHING
    form: Mapping[str, str] = attrs.field(default=_NOTHING, repr=False)
    embed: bool = False

    def urls(self) -> Urls:
        """Makes addresses, absolute as the one who asks should use them."""
        return urls(self.request)


@attrs.frozen(kw_only=True)
class Page:
    """What a browser is to show.

    :param template: a file of ``admin/pages``, which extends ``frame.html``.
    :param title: of the window.
    :param area: names the style, script and texts of the page, as far as there are any: ``css/<area>.css``,
        ``js/pages/<area>.js``, ``texts/<language>/<area>.json``.
    :param values: for the template.
    :param data: JSON for the script.
    :param headers: stand in place of the frame's own of the same names, such as ``Cache-Control``.
    """

    template: str
    title: str
    area: str
    values: Mapping[str, object] = _NOTHING
    data: Mapping[str, object] = _NOTHING
    status: int = 200
    headers: Sequence[Header] = ()


@attrs.frozen(kw_only=True)
class Redirect:
    """The browser is to go elsewhere.

    :param target: encoded, and below the root without it: ``list/?path=/x``; or complete, with its slash or its scheme.
    """

    target: str
    status: int = 302
    headers: Sequence[Header] = ()


@attrs.frozen(kw_only=True)
class Bare:
    """An answer without a page."""

    status: int = 204
    headers: Sequence[Header] = ()
    body: bytes = b""


Outcome = Page | Redirect | Bare
Handler = Callable[..., Awaitable[Outcome]]
H = TypeVar("H", bound=Handler)


@attrs.frozen(kw_only=True)
class Address:
    """The declaration of one page.

    :param path: with a slash at both ends; parts in angle brackets as werkzeug has them: ``<int:user_id>``.
    :param who: a system permission: those who have it.
    :param post: it takes a form instead of showing a page.
    :param csrf: the form must have come from a page of this server; without, the handler sees to that.
    :param files: the form has files, which are on disk when the handler runs: ``call.request.body.files``.
    :param public: the rules about HTTPS and the port of the console don't hold.
    :param first_steps: also for those whose password must be changed before anything else.
    """

    path: str
    who: Who | Flag
    post: bool = False
    csrf: bool = True
    files: bool = False
    public: bool = False
    first_steps: bool = False


def address(path: str, *, who: Who | Flag = Who.LOGGED_IN, **declared: bool) -> Callable[[H], H]:
    """Declare the method below to be a page. For the keywords see :class:`Address`."""

    def mark(handler: H) -> H:
        made = Address(path=path, who=who, **declared)
        setattr(handler, _MARK, [*getattr(handler, _MARK, []), made])
        return handler

    return mark


def whole(text: str, parameter: str, most: int = ID_MAX) -> int:
    """The number from 0 to ``most`` that a parameter of a page is; in ASCII digits, and no more of them than it takes.

    :raises BadParameter: it is none.
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(most)) and int(digits) <= most):
        raise BadParameter(parameter, f"must be a whole number from 0 to {most}")
    return int(digits)


def addresses_of(owner: object) -> list[tuple[Address, Handler]]:
    """The pages of an object, each with its handler bound to the object."""
    return [
        (declared, getattr(owner, name))
        for name, member in type(owner).__dict__.items()
        for declared in getattr(member, _MARK, [])
    ]
