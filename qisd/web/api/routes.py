"""The addresses of all endpoints, with and without version, with and without a slash at their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter

from qisd.errors import QisError
from qisd.web.addresses import Addresses, router
from qisd.web.api import envelope
from qisd.web.api.answer import Answer
from qisd.web.api.batch import BatchEndpoints, Inner, check_may_be_inner
from qisd.web.api.dispatch import Bound, Dispatcher, Twin
from qisd.web.api.documentation import Documentation
from qisd.web.api.endpoint import WORD, Endpoint, endpoints_of
from qisd.web.errors import ErrorAnswer, allowed_methods, translate

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

VERSION = "/v1"
"""Below ``/api``: the present version, and no version, which is the same."""


class _Word(BaseConverter):
    """A part of an address that is a name of ours, and so can't be mistaken for an id."""

    regex = WORD


@attrs.frozen(kw_only=True)
class _Place:
    """What is at an address.

    :param run: answers a request; called with that, and the parts of the address.
    :param endpoint: where it is one, and no documentation.
    """

    run: Callable[..., Awaitable[None]]
    endpoint: tuple[Endpoint, Bound] | None = None


class ApiRoutes:
    """The API as a resource to be mounted at ``/api/`` and ``/api/v1/``.

    :param owners: the objects whose methods are endpoints.
    """

    app = router()

    def __init__(self, dispatcher: Dispatcher, owners: Sequence[object]) -> None:
        self._dispatcher = dispatcher
        self.endpoints = [one for owner in (*owners, BatchEndpoints(self.run_inner)) for one in endpoints_of(owner)]
        self._places: Addresses[_Place] = Addresses({"word": _Word})
        self._reads = {
            one.path: Twin(declared=one, handler=bound) for one, bound in self.endpoints if one.method == "GET"
        }
        for declared, bound in self.endpoints:
            self._add(declared, bound)
        self._add_documentation(Documentation([declared for declared, _ in self.endpoints]))

    def resource(self) -> IResource:
        resource: IResource = self.app.resource()
        return resource

    @app.route("/<rest:place>")
    async def run(self, request: QisRequest, place: str) -> None:
        """Answer a request for what is at ``place``."""
        found, parts = self._places.find(request.method, f"/{place}")
        await found.run(request, **parts)

    async def run_inner(self, request: Inner) -> bytes:
        """The envelope that answers a call within another one."""
        try:
            place = request.place()
            if isinstance(place, ErrorAnswer):
                raise NotFound
            declared, bound, parts = self._match(request.method, place)
            check_may_be_inner(declared)
            answer = await self._dispatcher.answer(
                cast("QisRequest", request), declared, bound, twin=self._twin(declared), parts=parts
            )
        except (QisError, HTTPException) as error:
            told = translate(Failure(error), request_id=request.request_id, where=request.describe())
            return envelope.error_answer(told, None)[1]
        assert isinstance(answer, Answer)  # noqa: S101 - lines may not be within
        return answer.body

    def find(self, method: bytes, place: str) -> tuple[Endpoint, Mapping[str, Any]] | None:
        """The endpoint at an address, and the parts of that; None when there is none, or none with this method.

        :param place: the path below ``/api``, decoded.
        """
        try:
            declared, _, parts = self._match(method, place)
        except HTTPException:
            return None
        return declared, parts

    def _match(self, method: bytes, place: str) -> tuple[Endpoint, Bound, Mapping[str, Any]]:
        """:raises HTTPException: there is no endpoint."""
        if place.startswith(f"{VERSION}/"):
            place = place.removeprefix(VERSION)
        found, parts = self._places.find(method, place)
        if found.endpoint is None:
            raise NotFound
        return (*found.endpoint, parts)

    def _twin(self, declared: Endpoint) -> Twin | None:
        return self._reads.get(declared.state or declared.path)

    def _add(self, declared: Endpoint, bound: Bound) -> None:
        twin = self._twin(declared)
        methods = [declared.method]
        if declared.method == "PUT" and declared.patch and twin is not None:
            methods.append("PATCH")

        async def handle(request: QisRequest, **parts: Any) -> None:
            await self._dispatcher.run(request, declared, bound, twin=twin, parts=parts)

        self._places.add(declared.path, methods, _Place(run=handle, endpoint=(declared, bound)))

    def _add_documentation(self, documentation: Documentation) -> None:
        for path, handler in (
            ("/openapi.json", documentation.openapi),
            ("/help/", documentation.page),
            ("/help/<name>", documentation.file),
        ):
            self._places.add(path, ["GET"], _Place(run=handler))

    @app.handle_errors  # type: ignore[call-overload]
    def _failed(self, request: QisRequest, failure: Failure) -> None:
        if request.gone or request.finished:
            return
        if request.method == b"OPTIONS" and isinstance(failure.value, MethodNotAllowed):
            request.answer_options(allowed_methods(failure.value))
        else:
            request.answer_failure(failure)
