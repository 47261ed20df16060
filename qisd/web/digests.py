"""What a header says about the bytes of a body (RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import re

from qisd.errors import BadParameter

HEADER = "Content-Digest"

_MEMBER = re.compile(r'\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*(?:;[^,"]*)?')
_BYTES = 32


def check_sha256(header: str | None, digest: bytes) -> None:
    """Compare a ``Content-Digest``, if there is one, with what has come. Digests of other kinds are passed over.

    :param digest: the SHA-256 of the content.
    :raises BadParameter: the header can't be read, or is of another content.
    """
    if header is None:
        return
    wanted = sha256_of(header)
    if wanted is not None and wanted != digest:
        raise BadParameter(HEADER, "the content is another one")


def sha256_of(header: str) -> bytes | None:
    """The SHA-256 that a ``Content-Digest`` names; None: it names others only.

    :raises BadParameter: it can't be read.
    """
    found: dict[str, str] = {}
    for member in header.split(","):
        read = _MEMBER.fullmatch(member)
        if read is None:
            raise BadParameter(HEADER, "can't be read")
        found[read[1]] = read[2]
    if "sha-256" not in found:
        return None
    try:
        digest = base64.b64decode(found["sha-256"], validate=True)
    except binascii.Error as error:
        raise BadParameter(HEADER, "can't be read") from error
    if len(digest) != _BYTES:
        raise BadParameter(HEADER, "is no SHA-256")
    return digest
