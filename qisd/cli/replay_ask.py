"""One request of a replay, and what of its answer is compared."""

from __future__ import annotations

import http.client
import io
import ssl

import attrs
from PIL import Image

from qisd.cli.bench import Aim

_TIMEOUT = 60.0
_LONGEST = 1 << 26
"""Bytes of a body that are kept to find a picture in; the rest is only counted."""

_PIECE = 1 << 18

_UNCHECKED = ssl.create_default_context()
_UNCHECKED.check_hostname = False
_UNCHECKED.verify_mode = ssl.CERT_NONE
"""Before a name has moved, whose certificate it is says nothing."""


@attrs.frozen(kw_only=True)
class Asked:
    """What one server has answered.

    :param status: None when there was no answer, which ``failure`` tells of then.
    :param kind: the content type, without parameters.
    :param size: bytes of the body.
    :param picture: width and height of the image in it, if it is one.
    """

    status: int | None = None
    failure: str = ""
    kind: str = ""
    size: int = 0
    picture: tuple[int, int] | None = None

    @property
    def answer(self) -> str:
        return self.failure or str(self.status)

    def facts(self) -> dict[str, object]:
        """For a result in JSON."""
        if self.failure:
            return {"failure": self.failure}
        size = None if self.picture is None else list(self.picture)
        return {"status": self.status, "type": self.kind, "bytes": self.size, "picture": size}


def ask(aim: Aim, target: str) -> Asked:
    """Ask a server for path and query, as a stranger; redirects are answers, too."""
    connection = (
        http.client.HTTPSConnection(aim.host, aim.port, timeout=_TIMEOUT, context=_UNCHECKED)
        if aim.tls
        else http.client.HTTPConnection(aim.host, aim.port, timeout=_TIMEOUT)
    )
    try:
        connection.request("GET", aim.root + target, headers={"User-Agent": "qis-replay"})
        answer = connection.getresponse()
        kind = answer.getheader("Content-Type", "").partition(";")[0].strip().lower()
        body, size = _read(answer)
    except (OSError, http.client.HTTPException) as error:
        return Asked(failure=f"no answer: {getattr(error, 'strerror', None) or error or type(error).__name__}")
    finally:
        connection.close()
    picture = _picture(body) if kind.startswith("image/") else None
    return Asked(status=answer.status, kind=kind, size=size, picture=picture)


def _read(answer: http.client.HTTPResponse) -> tuple[bytes, int]:
    kept, size = bytearray(), 0
    while piece := answer.read(_PIECE):
        size += len(piece)
        if len(kept) < _LONGEST:
            kept += piece
    return bytes(kept), size


def _picture(body: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(body)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
