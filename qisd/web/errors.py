"""From exceptions to answers: the one place where it is decided what a client is told when something goes wrong.

A :class:`~qisd.errors.QisError` carries a text that is safe to show. Of anything unexpected the client only gets the
request's number, under which the log has the traceback.
"""

from __future__ import annotations

import html
import json
from http import HTTPStatus

import attrs
from twisted.internet.defer import CancelledError
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from qisd.errors import BadParameter, Forbidden, QisError
from qisd.repeated import Repeated
from qisd.web.headers import Header
from qisd.web.ranges import RangeNotSatisfiableError

_log = Logger()
_repeated = Repeated()

# Where Python's name of a status is not that of RFC 9110.
_NAMES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    460: "Checksum Mismatch",
}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{status} {name}</title></head>
<body>
<h1>{name}</h1>
<p>{message}</p>
</body>
</html>
"""

_RETRY_AFTER_CANCEL = 5


@attrs.frozen(kw_only=True)
class ErrorAnswer:
    """What a client is told.

    :param message: plain text.
    :param code: the kind of error, for programs.
    :param parameter: the request parameter at fault; ``faults`` are all of them, with what is wrong.
    :param incident: under which the log has what happened.
    :param reason_alone: whether the message needs no further words around it.
    """

    status: int
    message: str
    code: str = "http"
    parameter: str | None = None
    faults: tuple[tuple[str, str], ...] = ()
    incident: str | None = None
    reason_alone: bool = False
    headers: tuple[Header, ...] = ()

    @property
    def name(self) -> str:
        return status_name(self.status)

    def page(self) -> bytes:
        """As a small HTML page."""
        text = _PAGE.format(status=self.status, name=self.name, message=html.escape(self.message))
        return text.encode("utf-8", "replace")

    def json(self) -> bytes:
        fields = {"status": self.status, "message": self.message, "parameter": self.parameter}
        return json.dumps(fields).encode("ascii")


def status_name(status: int) -> str:
    """The name of a status, for its line and for people."""
    if status in _NAMES:
        return _NAMES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def translate(failure: Failure, *, request_id: str, where: str) -> ErrorAnswer:
    """The answer to what went wrong; logs what the client is not told.

    :param where: client and request line, for the log.
    """
    error = failure.value
    if isinstance(error, QisError):
        return _of_domain(error, request_id=request_id, where=where)
    if isinstance(error, RangeNotSatisfiableError):
        return ErrorAnswer(
            status=416,
            message=f"The range is beyond the end: there are {error.size} bytes.",
            headers=(("Content-Range", f"bytes */{error.size}"),),
        )
    if isinstance(error, HTTPException):
        return _of_routing(error)
    if isinstance(error, CancelledError):
        # The client is still there: this is a shutdown.
        headers = (("Retry-After", str(_RETRY_AFTER_CANCEL)),)
        return ErrorAnswer(status=503, message="The request was given up.", headers=headers)
    _log.failure("unexpected error {request_id} in {where}", failure=failure, request_id=request_id, where=where)
    message = f"Something unexpected happened. It is in the log as {request_id}."
    return ErrorAnswer(status=500, message=message, code="internal", incident=request_id)


def _of_domain(error: QisError, *, request_id: str, where: str) -> ErrorAnswer:
    if error.status >= 500:
        _tell(error, request_id=request_id, where=where)
    elif isinstance(error, Forbidden):
        reason = error.detail or error.message
        _log.info("refused: {reason} ({where}, {request_id})", reason=reason, where=where, request_id=request_id)
    headers: tuple[Header, ...] = ()
    if error.retry_after is not None:
        headers = (("Retry-After", str(error.retry_after)),)
    return ErrorAnswer(
        status=error.status if error.status != 499 else 503,
        message=error.message,
        code=error.code,
        parameter=error.parameter,
        faults=error.faults if isinstance(error, BadParameter) else (),
        headers=headers,
    )


def _tell(error: QisError, *, request_id: str, where: str) -> None:
    """Have the log say what is wrong: once in a while, when it is so for every request."""
    before = _repeated.left_out(f"{error.status} {error.message} {error.detail}")
    _log.emit(
        LogLevel.debug if before is None else LogLevel.warn,
        "{status} {message} {detail} ({where}, {request_id}{more})",
        status=error.status,
        message=error.message,
        detail=error.detail,
        where=where,
        request_id=request_id,
        more=f"; {before} more like it before" if before else "",
    )


def not_found() -> ErrorAnswer:
    """No route has this address."""
    return ErrorAnswer(status=404, message="There is nothing at this address.", code="no_route")


def not_allowed(methods: str) -> ErrorAnswer:
    """The address exists, but only for ``methods``."""
    message = "This address does not take requests of this kind."
    return ErrorAnswer(status=405, message=message, headers=(("Allow", methods),))


def allowed_methods(error: MethodNotAllowed) -> str:
    """The methods of a route, as Allow lists them; OPTIONS is answered everywhere."""
    return ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}, reverse=True))


def _of_routing(error: HTTPException) -> ErrorAnswer:
    if isinstance(error, MethodNotAllowed):
        return not_allowed(allowed_methods(error))
    # Redirects are such exceptions too; the router has no reason for one.
    if error.code is None or error.code < 400 or error.code == 404:
        return not_found()
    return ErrorAnswer(status=error.code, message=status_name(error.code))
