"""Which addresses take a body, how large, and from whom: decided before any of it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import Forbidden, NotAuthenticated
from qisd.repository.paths import normalise
from qisd.web.api.endpoint import Endpoint
from qisd.web.bodies import BodyRules, FileSink
from qisd.web.console.page import Address
from qisd.web.errors import ErrorAnswer
from qisd.web.identity import Identity, check_way, must_change_password
from qisd.web.resumable import PieceBodies

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_TOKEN_LOGIN = ("api/tokenlogin", "api/v1/tokenlogin")
_SMALL = 64 * 1024
"""For those who have not logged in: name and password."""

_FORM = 4 * 1024 * 1024


class Admission:
    """Lets bodies in.

    :param sink: where the files of an upload go.
    :param find: the endpoint that a method and an address below ``/api`` lead to, with the parts of the address.
    :param page: the page that a method and an address, with a slash before it, lead to.
    :param pieces: takes those of uploads that may be broken off.
    :param check_room: raises :class:`~qisd.errors.NoSpace` when the disk is nearly full.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        find: Callable[[bytes, str], tuple[Endpoint, Mapping[str, Any]] | None],
        page: Callable[[bytes, str], Address | None],
        sink: FileSink,
        pieces: PieceBodies,
        check_room: Callable[[int | None], Awaitable[None]],
    ) -> None:
        self._identity = identity
        self._find = find
        self._page = page
        self._sink = sink
        self._pieces = pieces
        self._check_room = check_room

    async def admit(self, request: QisRequest) -> BodyRules | None:
        """See :class:`qisd.web.bodies.BodyPolicy`."""
        place = request.place()
        if isinstance(place, ErrorAnswer):
            return None
        path = b"/".join(place).decode("utf-8", "replace")
        if path.rstrip("/") in _TOKEN_LOGIN:
            return BodyRules(limit=_SMALL)
        if not path.startswith("api/"):
            return await self._form(request, self._page(request.method, f"/{path}"))
        found = self._find(request.method, path.removeprefix("api"))
        if found is None:
            return None
        declared, parts = found
        if declared.files:
            return await self._upload(request)
        if declared.pieces:
            request.lasting = declared.headers
            return await self._pieces.admit(request, await self._known(request), str(parts.get("id", "")))
        if declared.raw:
            return await self._file(request, str(parts["path"]))
        visitor = await self._identity.of(request)
        return BodyRules(limit=_SMALL if visitor.anonymous else _FORM)

    async def _form(self, request: QisRequest, page: Address | None) -> BodyRules | None:
        """Of a page, if it takes one."""
        if page is None:
            return None
        if page.files:
            return await self._upload(request)
        visitor = await self._identity.of(request, first_steps=True)
        return BodyRules(limit=_SMALL if visitor.anonymous else _FORM)

    async def _upload(self, request: QisRequest) -> BodyRules:
        await self._known(request)
        return await self._files(request)

    async def _file(self, request: QisRequest, path: str) -> BodyRules:
        visitor = await self._known(request)
        # The handler looks more closely; but what can't be wanted need not come first.
        folder = normalise(path.rpartition("/")[0], parameter="path")
        visitor.require(Level.VIEW, folder)
        visitor.require(Level.UPLOAD, folder)
        return attrs.evolve(await self._files(request), raw=True)

    async def _known(self, request: QisRequest) -> Visitor:
        check_way(request)
        visitor = await self._identity.of(request, first_steps=True)
        if visitor.anonymous:
            raise NotAuthenticated
        if must_change_password(visitor):
            raise Forbidden("The password of this account must be changed first")
        return visitor

    async def _files(self, request: QisRequest) -> BodyRules:
        length = request.header("Content-Length")
        await self._check_room(int(length) if length and length.isdecimal() else None)
        return BodyRules(limit=request.site.settings.max_content_length, files=self._sink)
