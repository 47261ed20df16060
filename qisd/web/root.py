"""The public addresses, on one screen."""

from __future__ import annotations

from klein import Klein
from twisted.python.failure import Failure
from werkzeug.exceptions import MethodNotAllowed

from qisd.web.errors import allowed_methods
from qisd.web.images import ImageHandlers
from qisd.web.operations import OperationHandlers
from qisd.web.pages import PageHandlers
from qisd.web.request import QisRequest

_READ = ["GET"]
"""HEAD comes with it, and :meth:`Root.failed` answers OPTIONS."""


def _router() -> Klein:
    app = Klein()
    # Otherwise /a//b would be redirected to /a/b, at whatever host the client has named.
    app.url_map.merge_slashes = False
    return app


class Root:
    """Routes to the handlers. An address with a slash at its end is not the one without."""

    app = _router()

    def __init__(self, *, images: ImageHandlers, pages: PageHandlers, operations: OperationHandlers) -> None:
        self._images = images
        self._pages = pages
        self._operations = operations

    @app.route("/image", methods=_READ)
    async def image(self, request: QisRequest) -> None:
        await self._images.image(request)

    @app.route("/erez/erez", methods=_READ, endpoint="erez")
    @app.route("/erez1/erez", methods=_READ, endpoint="erez1")
    @app.route("/erez2/erez", methods=_READ, endpoint="erez2")
    @app.route("/erez3/erez", methods=_READ, endpoint="erez3")
    @app.route("/erez4/erez", methods=_READ, endpoint="erez4")
    @app.route("/erez5/erez", methods=_READ, endpoint="erez5")
    async def erez(self, request: QisRequest) -> None:
        """The addresses of an older image server, which old pages still use."""
        await self._images.image(request, erez=True)

    @app.route("/original", methods=_READ)
    async def original(self, request: QisRequest) -> None:
        await self._images.original(request)

    @app.route("/", methods=_READ)
    def welcome(self, request: QisRequest) -> None:
        self._pages.welcome(request)

    @app.route("/robots.txt", methods=_READ)
    def robots(self, request: QisRequest) -> None:
        self._pages.robots(request)

    @app.route("/favicon.ico", methods=_READ)
    def favicon(self, request: QisRequest) -> None:
        self._pages.favicon(request)

    @app.route("/health", methods=_READ)
    def health(self, request: QisRequest) -> None:
        self._operations.health(request)

    @app.route("/ready", methods=_READ)
    def ready(self, request: QisRequest) -> None:
        self._operations.ready(request)

    @app.handle_errors  # type: ignore[call-overload]
    def failed(self, request: QisRequest, failure: Failure) -> None:
        """Everything that goes wrong in a handler, and addresses and methods that there are not."""
        if request.gone or request.finished:
            return
        if request.method == b"OPTIONS" and isinstance(failure.value, MethodNotAllowed):
            request.answer_options(allowed_methods(failure.value))
        else:
            request.answer_failure(failure)
