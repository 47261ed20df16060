"""What the OpenAPI document says of every endpoint alike: conventions, errors, headers, ways to log in."""

from __future__ import annotations

from typing import Any

from qisd.web.api.openapi_schemas import Schema, ref
from qisd.web.tus import CONTENT_TYPE, VERSION

INFO: dict[str, Any] = {
    "title": "qisd",
    "summary": "A dynamic image server: its library, its people, what is published of it.",
    "license": {"name": "MIT", "identifier": "MIT"},
    "description": """\
Every answer is a JSON object, the *envelope*: `status` is the HTTP status, `message` is `OK` or says what is wrong, and
`data` holds what was asked for. Errors have `type`, `title`, `detail`, `parameter`, `errors` and `incident` besides;
who accepts only `application/problem+json` gets them as RFC 9457 has them.

**Logging in.** `POST /token/` gives a token, which goes into the user name of HTTP Basic authentication, or behind
`Bearer`. A browser may use the session's cookie instead; writes then carry its CSRF token, which `GET /session/` tells,
in `X-CSRF-Token`.

**Parameters** of GET are in the query. All others are in the body: a form or a JSON object, with the same names. In a
form what has parts is JSON text, a box that is not ticked may be missing, and whatever does not mean yes means no.
PATCH leaves as it is what is not given.

**Lists** take `start` and `limit`, and tell in `X-Total-Count` how long the whole is, and in `Link` where the next part
is.

**Two at once.** Single objects have an `ETag`. A PUT, PATCH or DELETE with it in `If-Match` is refused (412) when
somebody else was first; `data` then shows what they have made of it. A POST with an `Idempotency-Key` is done once,
however often it is sent within 24 hours.

HEAD is there wherever GET is, and OPTIONS everywhere. Addresses may be written without the slash at their end.

**Beside it**, at the top of the server: images (`/image`, `/original`), to which the `url` of an image leads, and
which take the same token; `/api/tokenlogin/`, which turns a ticket (`POST`, form with `ticket` and `next`) into the
session of a browser; the pages and zips of portfolios, to which their `url` leads; and the statistics, JSON of their
own form for those with the system permission *Reporting*: `/reports/datafeed/system` and `/reports/datafeed/image`, a
chart by `from`, `to`, `data_type` and, for an image, `id`; `/reports/datafeed/top`, the images that are asked for
most, by `days`, `order` and `limit`; `/reports/datafeed/summary`, sums by `from` and `to`.
""",
}

ERRORS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "A parameter is missing or not as it must be, or a write by cookie came without CSRF token."),
    401: ("NotAuthenticated", "Log in first, or come by HTTPS."),
    403: ("Forbidden", "The caller may not do this."),
    404: ("NotFound", "There is no such thing."),
    405: ("NotAllowed", "The address takes no requests of this kind."),
    409: ("Conflict", "It exists already, is under way already, or the `Idempotency-Key` was used for something else."),
    410: ("Gone", "It is not there any more."),
    412: ("OutOfDate", "Somebody else has changed it meanwhile; `data` is how it is now."),
    413: ("TooLarge", "The body is too long."),
    414: ("AddressTooLong", "The address is longer than 16 kB; said in HTML, before anybody looks at what it means."),
    415: ("Unsupported", "The file is of no type that is known or allowed, or can't be read."),
    423: ("Locked", "Another request is at it."),
    429: ("TooManyRequests", "Slow down."),
    460: ("ChecksumMismatch", "The content is not what its checksum says."),
    500: ("Unexpected", "Something unexpected; the log has more about `incident`."),
    503: ("Unavailable", "Not now; the same request may succeed later."),
    507: ("NoSpace", "There is not enough room on the disk."),
}
"""Name and meaning of every error status."""

PROBLEM: Schema = {
    "type": "object",
    "description": "An error as RFC 9457 has it.",
    "properties": {
        "type": {"type": "string", "description": "the kind of error", "examples": ["urn:qisd:error:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "parameter": {"type": "string", "description": "the parameter at fault"},
        "errors": {
            "type": "array",
            "description": "every parameter at fault",
            "items": {
                "type": "object",
                "properties": {"parameter": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["parameter", "reason"],
            },
        },
        "incident": {"type": "string", "description": "under which the log has what happened"},
    },
    "required": ["type", "title", "status", "detail"],
}

RAW: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
"""A body that is a file."""

PIECE: dict[str, Any] = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
"""A body that is a piece of a file."""


def _error(status: int, text: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": text,
        "content": {
            "application/json": {"schema": ref("ErrorEnvelope")},
            "application/problem+json": {"schema": ref("Problem")},
        },
    }
    if status == 414:
        made["content"] = {"text/html": {"schema": {"type": "string"}}}
    if status == 405:
        made["headers"] = {"Allow": header("Allow")}
    if status in (409, 429, 503):
        made["headers"] = {"Retry-After": header("RetryAfter")}
    if status == 412:
        made["headers"] = {"ETag": header("ETag")}
    return made


def add_files(schema: Schema) -> None:
    """Let an object with the fields of a form have files, too."""
    schema["properties"]["files"] = {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "format": "binary"},
        "description": "each with a file name",
    }
    schema.setdefault("required", []).append("files")


def header(name: str) -> dict[str, str]:
    """A reference to one of :data:`HEADERS`, or to that of a header of this name."""
    return {"$ref": f"#/components/headers/{_HEADER_NAMES.get(name, name.replace('-', ''))}"}


def parameter(name: str) -> dict[str, str]:
    """A reference to one of :data:`PARAMETERS`."""
    return {"$ref": f"#/components/parameters/{name}"}


def success(status: int, message: str, data: Schema, text: str) -> dict[str, Any]:
    """An answer with ``data`` in the envelope."""
    schema: Schema = {
        "type": "object",
        "properties": {"status": {"const": status}, "message": {"const": message}, "data": data},
        "required": ["status", "message", "data"],
        "additionalProperties": False,
    }
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def lines(value: Schema) -> dict[str, Any]:
    """An answer of one JSON value a line, without an envelope."""
    return {
        "description": "One JSON value a line, without an envelope, while they are made.",
        "content": {"application/jsonl": {"schema": {"description": "each line", **value}}},
    }


def partly(status: int, data: Schema) -> dict[str, Any]:
    """The answer when some of several things failed, or all did before they were tried."""
    made = _error(status, f"{ERRORS[status][1]} What could be done is done.")
    schema: Schema = {
        "type": "object",
        "properties": {"status": {"const": status}, "message": {"type": "string"}, "data": data},
        "required": ["status", "message", "data"],
    }
    made["content"]["application/json"] = {"schema": {"anyOf": [ref("ErrorEnvelope"), schema]}}
    return made


HEADERS: dict[str, Any] = {
    "Allow": {"description": "The methods that there are.", "schema": {"type": "string"}},
    "ETag": {"description": "The version, for `If-Match` and `If-None-Match`.", "schema": {"type": "string"}},
    "TotalCount": {"description": "Length of the whole list.", "schema": {"type": "integer", "minimum": 0}},
    "Link": {"description": "Where the next and the previous part are (RFC 8288).", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "Location": {"description": "An address to go on with.", "schema": {"type": "string"}},
    "ContentLocation": {
        "description": "The address of what the request has made of the body.",
        "schema": {"type": "string"},
    },
    "UploadOffset": {"description": "Bytes that have come.", "schema": {"type": "integer", "minimum": 0}},
    "UploadLength": {"description": "Bytes that are to come.", "schema": {"type": "integer", "minimum": 0}},
    "UploadExpires": {"description": "Until when what has come is kept.", "schema": {"type": "string"}},
    "UploadDuplicates": {
        "description": "Ids of other images with the very same content, with commas between.",
        "schema": {"type": "string"},
    },
    "TusResumable": {"description": "The version of tus.", "schema": {"type": "string"}},
    "TusVersion": {"description": "All versions of tus.", "schema": {"type": "string"}},
    "TusExtension": {"description": "What of tus is there.", "schema": {"type": "string"}},
    "TusMaxSize": {"description": "Bytes of a file, at most.", "schema": {"type": "integer", "minimum": 0}},
    "TusChecksumAlgorithm": {"description": "Of `Upload-Checksum`.", "schema": {"type": "string"}},
}

_HEADER_NAMES = {"X-Total-Count": "TotalCount"}
"""Where their names in :data:`HEADERS` are not their own without hyphens."""

PARAMETERS: dict[str, Any] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of the version that is to be changed.",
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the version that the caller has.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Any text that is new: the same request with it is answered as the first, and done only once.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=5`: seconds to wait for the task, 0 to 30.",
        "schema": {"type": "string"},
    },
    "NothingThere": {
        "name": "If-None-Match",
        "in": "header",
        "description": "`*`: nothing may be there yet.",
        "schema": {"type": "string"},
        "example": "*",
    },
    "ContentDigest": {
        "name": "Content-Digest",
        "in": "header",
        "description": "`sha-256=:…:`, with the digest of the body in base64, which is compared with what has come.",
        "schema": {"type": "string"},
    },
    "TusResumable": {
        "name": "Tus-Resumable",
        "in": "header",
        "required": True,
        "description": "The version of tus.",
        "schema": {"const": VERSION},
    },
    "UploadLength": {
        "name": "Upload-Length",
        "in": "header",
        "required": True,
        "description": "Bytes of the whole file.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "UploadOffset": {
        "name": "Upload-Offset",
        "in": "header",
        "required": True,
        "description": "Bytes that have come before.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "UploadMetadata": {
        "name": "Upload-Metadata",
        "in": "header",
        "required": True,
        "description": "`filename`, `path` (the folder, which must be there) and, if need be, `overwrite` (yes, no,"
        " rename): each name with its value in base64 after a blank, with commas between.",
        "schema": {"type": "string"},
        "example": "filename cGVuZ3Vpbi5qcGc=,path L3NhbXBsZXM=",
    },
    "UploadChecksum": {
        "name": "Upload-Checksum",
        "in": "header",
        "description": "`sha1` or `sha256`, a blank, and the digest of the body in base64, which is compared with it.",
        "schema": {"type": "string"},
    },
}

SECURITY_SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "basic",
        "description": "A token or key as the user name; the password does not matter.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token or key."},
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "The session of a browser."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The CSRF token of the session; `_csrf_token` in a form is as good.",
    },
    "password": {"type": "http", "scheme": "basic", "description": "User name and password."},
}

ERROR_RESPONSES: dict[str, Any] = {
    **{name: _error(status, text) for status, (name, text) in ERRORS.items()},
    "Refused": _error(400, "A parameter is not as it must be, or what is asked for is never done."),
}
