"""The public addresses, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from werkzeug.exceptions import MethodNotAllowed, NotFound

from qisd.errors import StoreUnavailable
from qisd.web.addresses import router
from qisd.web.api.routes import ApiRoutes
from qisd.web.bodies import BodyPolicy
from qisd.web.challenges import Challenges
from qisd.web.console.assets import Assets
from qisd.web.console.routes import ConsoleRoutes
from qisd.web.errors import allowed_methods
from qisd.web.hot import HotPath
from qisd.web.images import ImageHandlers
from qisd.web.operations import OperationHandlers
from qisd.web.pages import PageHandlers
from qisd.web.portfolios import PortfolioDownloads
from qisd.web.reports import ReportHandlers
from qisd.web.request import QisRequest
from qisd.web.tokenlogin import TokenLogIn

_FORM = ["GET", "POST"]
_READ = ["GET"]
"""HEAD comes with it, and :meth:`Root.failed` answers OPTIONS."""


T = TypeVar("T")


def _open(room: T | None) -> T:
    """:raises StoreUnavailable: there is nothing behind this address yet."""
    if room is None:
        raise StoreUnavailable(detail="not started yet")
    return room


@attrs.frozen(kw_only=True)
class Rooms:
    """What is behind the addresses; None where nothing is (yet).

    :param hot: answers image requests that were answered a moment ago.
    :param console: the pages for people; None: those that there are from the start.
    :param challenges: answers those of certificate authorities.
    :param bodies: decides what may come in the body of a request.
    :param throttled: called for each request that was refused because there were too many.
    """

    images: ImageHandlers | None = None
    hot: HotPath | None = None
    token_login: TokenLogIn | None = None
    reports: ReportHandlers | None = None
    portfolios: PortfolioDownloads | None = None
    api: ApiRoutes | None = None
    console: ConsoleRoutes | None = None
    bodies: BodyPolicy | None = None
    challenges: Challenges | None = None
    throttled: Callable[[], None] = lambda: None


NOTHING_YET = Rooms()


class Root:
    """Routes to the handlers. An address with a slash at its end is not the one without.

    :param assets: the files of the browser's side.
    :param first_pages: the pages that there are from the start.
    """

    app = router()

    def __init__(
        self,
        *,
        pages: PageHandlers,
        operations: OperationHandlers,
        assets: Assets,
        first_pages: ConsoleRoutes,
        rooms: Rooms = NOTHING_YET,
    ) -> None:
        self._pages = pages
        self._operations = operations
        self._assets = assets
        self._first_pages = first_pages
        self._rooms = rooms
        self._api = rooms.api.resource() if rooms.api is not None else None
        self._console = (rooms.console or first_pages).resource()

    def leading_to(self, rooms: Rooms) -> Root:
        """The same with other rooms behind it."""
        return Root(
            pages=self._pages,
            operations=self._operations,
            assets=self._assets,
            first_pages=self._first_pages,
            rooms=rooms,
        )

    @app.route("/image", methods=_READ)
    async def image(self, request: QisRequest) -> None:
        await _open(self._rooms.images).image(request)

    @app.route("/erez/erez", methods=_READ, endpoint="erez")
    @app.route("/erez1/erez", methods=_READ, endpoint="erez1")
    @app.route("/erez2/erez", methods=_READ, endpoint="erez2")
    @app.route("/erez3/erez", methods=_READ, endpoint="erez3")
    @app.route("/erez4/erez", methods=_READ, endpoint="erez4")
    @app.route("/erez5/erez", methods=_READ, endpoint="erez5")
    async def erez(self, request: QisRequest) -> None:
        """The addresses of an older image server, which old pages still use."""
        await _open(self._rooms.images).image(request, erez=True)

    @app.route("/original", methods=_READ)
    async def original(self, request: QisRequest) -> None:
        await _open(self._rooms.images).original(request)

    @app.route("/api/tokenlogin/", methods=_FORM)
    @app.route("/api/tokenlogin", methods=_FORM, endpoint="tokenlogin_bare")
    @app.route("/api/v1/tokenlogin/", methods=_FORM, endpoint="tokenlogin_v1")
    @app.route("/api/v1/tokenlogin", methods=_FORM, endpoint="tokenlogin_v1_bare")
    async def token_login(self, request: QisRequest) -> None:
        await _open(self._rooms.token_login).answer(request)

    @app.route("/reports/datafeed/system", methods=_READ)
    async def system_feed(self, request: QisRequest) -> None:
        await _open(self._rooms.reports).system(request)

    @app.route("/reports/datafeed/image", methods=_READ)
    async def image_feed(self, request: QisRequest) -> None:
        await _open(self._rooms.reports).image(request)

    @app.route("/reports/datafeed/top", methods=_READ)
    async def top_feed(self, request: QisRequest) -> None:
        await _open(self._rooms.reports).top(request)

    @app.route("/reports/datafeed/summary", methods=_READ)
    async def summary_feed(self, request: QisRequest) -> None:
        await _open(self._rooms.reports).summary(request)

    @app.route("/portfolios/<human_id>/downloads/<filename>", methods=_READ)
    async def portfolio_download(self, request: QisRequest, human_id: str, filename: str) -> None:
        await _open(self._rooms.portfolios).download(request, human_id, filename)

    @app.route("/api/", branch=True)
    @app.route("/api/v1/", branch=True, endpoint="api_v1")
    def api(self, request: QisRequest) -> IResource:
        return _open(self._api)

    @app.route("/static/<path:name>", methods=_READ)
    @app.route("/admin/static/<path:name>", methods=_READ, endpoint="admin_static")
    @app.route("/reports/static/<path:name>", methods=_READ, endpoint="reports_static")
    def static(self, request: QisRequest, name: str) -> None:
        self._assets.answer(request, name)

    @app.route("/robots.txt", methods=_READ)
    def robots(self, request: QisRequest) -> None:
        self._pages.robots(request)

    @app.route("/favicon.ico", methods=_READ)
    def favicon(self, request: QisRequest) -> None:
        self._pages.favicon(request)

    @app.route("/.well-known/acme-challenge/<token>", methods=_READ)
    async def challenge(self, request: QisRequest, token: str) -> None:
        await _open(self._rooms.challenges).answer(request, token)

    @app.route("/health", methods=_READ)
    def health(self, request: QisRequest) -> None:
        self._operations.health(request)

    @app.route("/ready", methods=_READ)
    def ready(self, request: QisRequest) -> None:
        self._operations.ready(request)

    @app.handle_errors(NotFound)  # type: ignore[arg-type]
    def page(self, request: QisRequest, failure: Failure) -> IResource:
        """What is none of these addresses may be a page."""
        return self._console

    @app.handle_errors  # type: ignore[call-overload]
    def failed(self, request: QisRequest, failure: Failure) -> None:
        """Everything that goes wrong in a handler, and addresses and methods that there are not."""
        if request.gone or request.finished:
            return
        if request.method == b"OPTIONS" and isinstance(failure.value, MethodNotAllowed):
            request.answer_options(allowed_methods(failure.value))
        else:
            request.answer_failure(failure)
