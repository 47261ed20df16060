"""Several calls in one request: each is checked, done and answered as if it had come alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from qisd.errors import Refused
from qisd.web.api import envelope
from qisd.web.api.endpoint import Call, Endpoint, Several, endpoint
from qisd.web.api.models import Model
from qisd.web.api.reading import Form
from qisd.web.bodies import NO_BODY, Body
from qisd.web.errors import ErrorAnswer
from qisd.web.request import QisRequest, segments_of

PATH = "/batch/"

_MOST = 100

ANSWERS_MAX = 4 * 1024 * 1024
"""Bytes that the answers may have together, before no more calls are done: they wait in memory for the last one."""

_NOT_DONE = envelope.error_answer(
    ErrorAnswer(status=413, message="Not done: the answers of this batch are too long already", code="too_large"), None
)[1]

# What says who calls, and from where; all else belongs to the request around.
_OF_CALLER = frozenset(
    {"authorization", "host", "user-agent", "prefer", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
)


class Operation(Form):
    """One call. ``body`` holds the parameters of all methods but GET, whose are in ``path``."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[
        str, Meta(min_length=1, max_length=8000, pattern="^/", description="below /api/v1, with the query of a GET")
    ]
    body: dict[str, Any] | None = None


class BatchForm(Form):
    """What is to be done, one after the other."""

    operations: Annotated[list[Operation], Meta(min_length=1, max_length=_MOST)]


class OperationResult(Model):
    """The envelope of one call."""

    status: int
    message: str
    data: Any


class Inner:
    """A request inside of another one: a line and a body of its own, from the same caller.

    :param csrf: the CSRF token that the request around came with.
    """

    def __init__(self, outer: QisRequest, operation: Operation, *, csrf: str | None) -> None:
        path, _, query = operation.path.partition("?")
        self._outer = outer
        self._csrf = csrf
        self.method = operation.method.encode("ascii")
        self.below_api = f"/v1{path}".encode()
        self.path = f"{outer.site.root}api".encode("ascii") + self.below_api
        self.raw_query = query.encode("utf-8", "replace")
        self.body = NO_BODY
        if operation.method not in ("GET", "DELETE"):
            self.body = Body(kind="json", json=operation.body or {})

    def place(self) -> str | ErrorAnswer:
        """Where it goes, below ``/api``; or why nowhere."""
        segments = segments_of(self.below_api)
        return segments if isinstance(segments, ErrorAnswer) else f"/{b'/'.join(segments).decode('utf-8')}"

    def header(self, name: str) -> str | None:
        if name.lower() == "x-csrf-token":
            return self._csrf
        return self._outer.header(name) if name.lower() in _OF_CALLER else None

    def joined(self, name: str) -> str | None:
        return self._outer.joined(name) if name.lower() in _OF_CALLER else None

    def describe(self) -> str:
        return f"{self._outer.describe()}, in it {self.method.decode()} {self.path.decode()!r}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)


class BatchEndpoints:
    """The endpoint of batches.

    :param run: does one call and returns its envelope.
    """

    def __init__(self, run: Callable[[Inner], Awaitable[bytes]]) -> None:
        self._run = run

    @endpoint(
        "POST",
        PATH,
        summary="Do several things, one after the other",
        tag="Batches",
        login=True,
        form=BatchForm,
        answer=list[OperationResult],
        several=True,
        description="Each is answered with its own envelope, in the same order, and later ones are done whatever became"
        " of earlier ones; but none when the answers before it have more than 4 MB, which its own says with 413. No"
        " uploads, no streams, nothing whose answer is a secret, and no batches in batches.",
        example={"operations": [{"method": "PATCH", "path": "/admin/images/17/", "body": {"title": "King penguin"}}]},
    )
    async def batch(self, call: Call) -> Several:
        form = call.read(BatchForm)
        csrf = call.parameters.text("_csrf_token") or call.request.header("X-CSRF-Token")
        answers, length = [], 0
        for operation in form.operations:
            answer = await self._run(Inner(call.request, operation, csrf=csrf)) if length < ANSWERS_MAX else _NOT_DONE
            length += len(answer)
            answers.append(msgspec.Raw(answer))
        return Several(data=answers)


def check_may_be_inner(declared: Endpoint) -> None:
    """:raises Refused: a call of this endpoint must come alone."""
    if (
        declared.files
        or declared.raw
        or declared.pieces
        or declared.plain
        or declared.lines
        or declared.secret
        or declared.path == PATH
    ):
        raise Refused("This can't be part of a batch")
