"""What is handed out from memory: bytes with their tag, and packed for those who take that."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from qisd.web.accepting import wishes
from qisd.web.conditional import Validators, precondition_status
from qisd.web.headers import Header

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_DIGITS = 16
_PACKED_ALREADY = frozenset({"image/png", "image/webp"})


@attrs.define
class Kept:
    """A file, or what stands for one.

    :ivar packed: None where packing is of no use, and until it is done.
    """

    data: bytes
    media_type: str
    etag: str
    packed: bytes | None = None

    @classmethod
    def of(cls, data: bytes, media_type: str) -> Kept:
        """With its tag, not yet packed."""
        return cls(data, media_type, hashlib.sha256(data).hexdigest()[:_DIGITS])

    def pack(self) -> None:
        """Compress it, if that is worth while. Blocks, some milliseconds for each 100 kB: for a thread."""
        if self.packed is None and self.media_type not in _PACKED_ALREADY:
            packed = gzip.compress(self.data, mtime=0)
            if len(packed) < len(self.data):
                self.packed = packed

    def answer(self, request: QisRequest, headers: Sequence[Header]) -> None:
        """Send it, or say that the client has it already."""
        packed = self.packed if _takes_gzip(request.joined("Accept-Encoding") or "") else None
        etag = self.etag if packed is None else f"{self.etag}-gz"
        headers = [("ETag", f'"{etag}"'), ("Vary", "Accept-Encoding"), *headers]
        if precondition_status(request.conditions(), Validators(etag=etag, last_modified=0)) == 304:
            request.start(304, headers)
            request.write(b"")
            return
        headers.append(("Content-Type", self.media_type))
        if packed is None:
            request.answer(200, headers, self.data)
        else:
            request.answer(200, [*headers, ("Content-Encoding", "gzip")], packed)


def _takes_gzip(accepted: str) -> bool:
    wished = wishes(accepted)
    return wished.get("gzip", wished.get("*", 0.0)) > 0.0
