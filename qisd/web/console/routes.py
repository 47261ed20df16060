"""The addresses of all pages, with a slash at their end; without it a browser is sent to the one that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from qisd.errors import StoreUnavailable
from qisd.web.addresses import Addresses, router
from qisd.web.console.dispatch import PageDispatcher
from qisd.web.console.page import Address, Handler, addresses_of
from qisd.web.errors import allowed_methods, not_found

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

NAMES = frozenset(
    {
        *("about", "account", "admin", "appearance", "canvasview", "compare", "dashboard", "demo", "details", "edit"),
        *("folder_list", "gallery", "help", "list", "login", "logout", "overview", "portfolios", "publish", "reports"),
        *("search", "simpleview", "slideshow", "tasks", "trash", "upload", "uploadcomplete"),
    }
)
"""What the addresses of all pages begin with, also while nothing is behind them yet."""

_OF_QUERIES = "?/&=%;:,+@!$'()*~-._"
"""What stays as it is in the query of a redirect."""


class ConsoleRoutes:
    """The console as a resource, for all addresses that nothing else has.

    :param owners: the objects whose methods are pages.
    :param closed: there are no others yet than these: who asks for one is told to come again.
    """

    app = router()

    def __init__(self, dispatcher: PageDispatcher, owners: Sequence[object], *, closed: bool = False) -> None:
        self._dispatcher = dispatcher
        self._closed = closed
        self.addresses = [one for owner in owners for one in addresses_of(owner)]
        self._places: Addresses[tuple[Address, Handler]] = Addresses()
        for declared, handler in self.addresses:
            self._places.add(declared.path, ["POST"] if declared.post else ["GET"], (declared, handler))

    def resource(self) -> IResource:
        resource: IResource = self.app.resource()
        return resource

    def find(self, method: bytes, place: str) -> Address | None:
        """The page at an address; None when there is none, or none with this method.

        :param place: the path below the root, decoded, with a slash before it.
        """
        try:
            (declared, _), _ = self._places.find(method, place)
        except HTTPException:
            return None
        return declared

    @app.route("/<rest:place>")
    async def run(self, request: QisRequest, place: str) -> None:
        """Answer a request for the page at ``place``."""
        (declared, handler), parts = self._places.find(request.method, f"/{place}")
        if request.path.endswith(b"/") or request.method == b"POST":
            await self._dispatcher.run(request, declared, handler, parts)
        else:
            _to_slash(request)

    @app.handle_errors  # type: ignore[call-overload]
    def _failed(self, request: QisRequest, failure: Failure) -> Deferred[None] | None:
        if request.gone or request.finished:
            return None
        error = failure.value
        if request.method == b"OPTIONS" and isinstance(error, MethodNotAllowed):
            request.answer_options(allowed_methods(error))
            return None
        if isinstance(error, NotFound) and self._closed and _is_page(request):
            failure = Failure(StoreUnavailable(detail="not started yet"))
        elif isinstance(error, HTTPException) and not isinstance(error, MethodNotAllowed):
            return Deferred.fromCoroutine(self._dispatcher.tell(request, not_found()))
        return Deferred.fromCoroutine(self._dispatcher.failed(request, failure))


def _is_page(request: QisRequest) -> bool:
    place = request.place()
    return isinstance(place, list) and place[0].decode("utf-8", "replace") in NAMES


def _to_slash(request: QisRequest) -> None:
    path = quote(request.path.decode("latin-1"), safe="/%:@!$&'()*+,;=~-._")
    query = f"?{request.raw_query.decode('latin-1')}" if request.raw_query else ""
    request.answer(301, [("Location", f"{path}/{quote(query, safe=_OF_QUERIES)}")], b"")
