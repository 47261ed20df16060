"""The headers of resumable uploads (tus 1.0, https://tus.io). Pure functions over their texts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from qisd.errors import BadParameter, MissingParameter, QisError
from qisd.repository.growing import CHECKSUMS, Checksum
from qisd.web.headers import Header

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
ALGORITHMS = ",".join(CHECKSUMS)
CONTENT_TYPE = "application/offset+octet-stream"

_SENT = "Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, Upload-Checksum, Content-Type"
_SHOWN = (
    "Location, Content-Location, Upload-Offset, Upload-Length, Upload-Expires, Upload-Duplicates, Tus-Resumable,"
    " Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm"
)

HEADERS: Sequence[Header] = (
    ("Tus-Resumable", VERSION),
    ("Tus-Version", VERSION),
    ("Access-Control-Allow-Headers", _SENT),
    ("Access-Control-Expose-Headers", _SHOWN),
)
"""What goes with every answer."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_KEY = re.compile(r"[!-+\--~]+")
_METADATA_MAX = 8192


class WrongVersion(QisError):
    """The client speaks another version of the protocol, or does not say so."""

    status = 412
    code = "upload_version"

    def __init__(self) -> None:
        super().__init__(f"Tus-Resumable must be {VERSION}")


class NotBytes(QisError):
    """The body is not said to be a piece of a file."""

    status = 415
    code = "upload_content_type"

    def __init__(self) -> None:
        super().__init__(f"The Content-Type must be {CONTENT_TYPE}")


def check_version(header: str | None) -> None:
    """:raises WrongVersion: ``Tus-Resumable`` is not ours."""
    if header != VERSION:
        raise WrongVersion


def is_bytes(content_type: str | None) -> bool:
    """Whether the body is a piece of a file."""
    return (content_type or "").partition(";")[0].strip().lower() == CONTENT_TYPE


def number(name: str, header: str | None) -> int:
    """The value of ``Upload-Length`` or ``Upload-Offset``.

    :raises BadParameter: it is none.
    """
    if header is None:
        raise MissingParameter(name)
    if not _NUMBER.fullmatch(header):
        raise BadParameter(name, "must be a whole number")
    return int(header)


def checksum(header: str | None) -> Checksum | None:
    """What ``Upload-Checksum`` says: a kind, a blank, and a digest in base64.

    :raises BadParameter: it can't be read, or is of a kind that is not known here.
    """
    if header is None:
        return None
    kind, _, digest = header.partition(" ")
    if kind not in CHECKSUMS:
        raise BadParameter("Upload-Checksum", f"must be one of {', '.join(CHECKSUMS)}")
    return Checksum(kind, _decoded("Upload-Checksum", digest))


def metadata(header: str | None) -> dict[str, str]:
    """The pairs of ``Upload-Metadata``.

    :raises BadParameter: it can't be read.
    """
    found: dict[str, str] = {}
    if header is None or not header.strip():
        return found
    if len(header) > _METADATA_MAX:
        raise BadParameter("Upload-Metadata", f"Value is too long (max {_METADATA_MAX})")
    for pair in header.split(","):
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise BadParameter("Upload-Metadata", "can't be read")
        try:
            found[key] = _decoded("Upload-Metadata", value.strip()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadParameter("Upload-Metadata", "must be encoded in UTF-8") from error
    return found


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadParameter(name, "must be in base64") from error
