"""The form of every JSON answer: ``status``, ``message`` and ``data``; errors have those of RFC 9457 besides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from qisd.web.errors import ErrorAnswer, status_name
from qisd.web.headers import Header

JSON = ("Content-Type", "application/json")
JSON_LINES = ("Content-Type", "application/jsonl")

_encode = msgspec.json.Encoder(order="sorted").encode

_PREFIXES = {
    400: "Invalid parameter",
    401: "Not authenticated",
    403: "Unauthorised request",
    404: "The requested item was not found",
    409: "The specified item already exists",
    413: "Request Entity Too Large",
    415: "Invalid or unsupported image file",
    500: "Internal error",
    503: "The server is too busy",
}
"""How the messages of old clients begin; other statuses begin with the name that HTTP has for them."""

_PROBLEM = "application/problem+json"


def encoded(data: object) -> bytes:
    """``data`` as JSON, keys sorted."""
    return _encode(data)


def lines(values: Sequence[object]) -> bytes:
    """Each of ``values`` as JSON on a line of its own."""
    return b"".join(_encode(value) + b"\n" for value in values)


def success(data: bytes, *, status: int = 200, message: str = "OK") -> bytes:
    """The envelope around ``data``, which is JSON already."""
    return b'{"data":%b,"message":%b,"status":%d}\n' % (data, _encode(message), status)


def failure(error: ErrorAnswer, *, data: Any = None) -> dict[str, Any]:
    """What an error looks like, as a value."""
    return {**_problem(error), "data": data, "message": error_message(error)}


def error_message(error: ErrorAnswer) -> str:
    """The text of an error: what kind it is, and in brackets what exactly."""
    if error.code == "csrf":
        prefix = "Bad Request"
    elif error.code == "no_route":
        return "Not Found"
    elif error.code.startswith(("idempotency_key", "upload_")):
        prefix = status_name(error.status)
    else:
        prefix = _PREFIXES.get(error.status) or status_name(error.status)
    if error.code == "missing_parameter":
        return f"{prefix} (Missing parameter: {error.parameter})"
    if error.code == "bad_parameter":
        if error.reason_alone:
            return f"{prefix} ({error.message.removeprefix(f'{error.parameter}: ')})"
        return f"{prefix} (Invalid value: {error.message})"
    if not error.message or error.message.startswith(prefix):
        return error.message or prefix
    return f"{prefix} ({error.message})"


def error_answer(error: ErrorAnswer, accept: str | None, *, data: Any = None) -> tuple[list[Header], bytes]:
    """Headers and body of an error: an envelope, or a problem document for those who ask for one."""
    if accept is not None and accept.split(";")[0].strip().lower() == _PROBLEM:
        return [("Content-Type", _PROBLEM)], encoded(_problem(error)) + b"\n"
    return [JSON], encoded(failure(error, data=data)) + b"\n"


def _problem(error: ErrorAnswer) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": f"urn:qisd:error:{error.code}",
        "title": status_name(error.status),
        "status": error.status,
        "detail": error.message,
    }
    if error.parameter is not None:
        fields["parameter"] = error.parameter
    if error.faults:
        fields["errors"] = [{"parameter": name, "reason": reason} for name, reason in error.faults]
    if error.incident is not None:
        fields["incident"] = error.incident
    return fields
