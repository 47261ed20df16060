"""Uploads that may be broken off and gone on with, as the tus protocol has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from qisd.access.visitor import Visitor
from qisd.library.resumable import Resumable
from qisd.library.uploads import Uploads
from qisd.repository.growing import Piece
from qisd.store.images import Image
from qisd.store.resumable_uploads import ResumableUpload
from qisd.web import tus
from qisd.web.api.answer import Answer
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.dates import format_date
from qisd.web.headers import Header, preflight
from qisd.web.resumable import PieceBodies

TAG = "Resumable uploads"

_ALL = "/upload/resumable/"
_ONE = f"{_ALL}<id>/"

_PIECE = "`Upload-Checksum` is compared with the body, which is left out if it is another one."

_STATE = ("Upload-Offset", "Upload-Expires")
_DONE = ("Location", "Upload-Duplicates")

_NO_STORE = ("Cache-Control", "no-store")


class ResumableEndpoints:
    """The endpoints of resumable uploads. All requests but OPTIONS carry ``Tus-Resumable: 1.0.0``."""

    def __init__(self, resumable: Resumable, *, uploads: Uploads, pieces: PieceBodies) -> None:
        self._resumable = resumable
        self._uploads = uploads
        self._pieces = pieces

    @endpoint(
        "OPTIONS",
        _ALL,
        summary="What this server knows of tus",
        tag=TAG,
        internal=False,
        plain={204: "It is told in headers."},
        headers=tus.HEADERS,
        gives=("Allow", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    )
    async def options(self, call: Call) -> Answer:
        return _options(call, "POST, OPTIONS")

    @endpoint(
        "OPTIONS",
        _ONE,
        summary="What can be done with an upload",
        tag=TAG,
        internal=False,
        plain={204: "It is told in headers."},
        headers=tus.HEADERS,
        gives=("Allow", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    )
    async def options_of_one(self, call: Call) -> Answer:
        return _options(call, "PATCH, OPTIONS, HEAD, DELETE")

    @endpoint(
        "POST",
        _ALL,
        summary="Begin a resumable upload",
        tag=TAG,
        login=True,
        pieces=True,
        plain={
            201: "Begun; `Location` is its address. `Upload-Offset` tells how much of it has come already. If that is"
            " all, the file is in its place: `Content-Location` is of its details."
        },
        headers=tus.HEADERS,
        takes=("TusResumable", "UploadLength", "UploadMetadata", "UploadChecksum"),
        gives=(*_STATE, *_DONE, "Content-Location"),
        errors=(400, 404, 409, 412, 413, 415, 429, 460, 507),
        description="The first piece may come along. " + _PIECE,
    )
    async def create(self, call: Call) -> Answer:
        tus.check_version(call.request.header("Tus-Resumable"))
        piece = _taken(call)
        if piece is None:
            upload = await self._pieces.begin(call.request, call.visitor)
        else:
            upload = await self._resumable.find(call.visitor, UUID(piece.path.rpartition("/")[2]))
        offset = await self._resumable.offset(upload)
        image = await self._complete(call.visitor, upload, offset)
        location = call.urls.at(f"api/v1{_ALL}{upload.id}/")
        place = [("Content-Location", where) for _, where in _place(call, image)]
        return _answer(201, upload, offset, [("Location", location), *place, *await self._warning(call.visitor, image)])

    @endpoint(
        "HEAD",
        _ONE,
        summary="How much of an upload has come",
        tag=TAG,
        login=True,
        csrf=False,
        plain={200: "`Upload-Offset` of `Upload-Length` bytes have come."},
        headers=tus.HEADERS,
        takes=("TusResumable",),
        gives=("Upload-Length", *_STATE, *_DONE),
        errors=(409, 410, 412, 415),
    )
    async def head(self, call: Call) -> Answer:
        upload = await self._found(call)
        await self._pieces.settle(upload)
        offset = await self._resumable.offset(upload)
        # Whoever finds that all has come does nothing more.
        image = await self._complete(call.visitor, upload, offset)
        length = ("Upload-Length", str(upload.length))
        return _answer(200, upload, offset, [length, *_place(call, image), *await self._warning(call.visitor, image)])

    @endpoint(
        "PATCH",
        _ONE,
        summary="Go on with an upload",
        tag=TAG,
        login=True,
        pieces=True,
        plain={
            204: "The piece is there. With the last one the file is in its place: `Location` is of its details;"
            " `Upload-Duplicates` warns of other images with the very same content: their ids, as far as the caller may"
            " view them."
        },
        headers=tus.HEADERS,
        takes=("TusResumable", "UploadOffset", "UploadChecksum"),
        gives=(*_STATE, *_DONE),
        errors=(400, 409, 410, 412, 413, 415, 423, 460, 507),
        description=_PIECE,
    )
    async def patch(self, call: Call) -> Answer:
        if _taken(call) is None:  # an empty one, of which nobody was asked before
            upload, _ = await self._pieces.expected(call.request, call.visitor, str(call.parts["id"]))
        else:
            upload = await self._found(call)
        offset = await self._resumable.offset(upload)
        image = await self._complete(call.visitor, upload, offset)
        if offset < upload.length:
            upload = await self._resumable.extend(upload)
        return _answer(204, upload, offset, [*_place(call, image), *await self._warning(call.visitor, image)])

    @endpoint(
        "DELETE",
        _ONE,
        summary="Give up an upload",
        tag=TAG,
        login=True,
        plain={204: "It is not there any more. A file that it has become stays."},
        headers=tus.HEADERS,
        takes=("TusResumable",),
        errors=(410, 412),
    )
    async def delete(self, call: Call) -> Answer:
        upload = await self._found(call)
        await self._pieces.settle(upload)
        await self._resumable.remove(upload)
        return Answer(status=204, body=b"", headers=[_NO_STORE])

    async def _found(self, call: Call) -> ResumableUpload:
        tus.check_version(call.request.header("Tus-Resumable"))
        return await self._pieces.find(call.visitor, str(call.parts["id"]))

    async def _complete(self, visitor: Visitor, upload: ResumableUpload, offset: int) -> Image | None:
        return await self._resumable.complete(visitor, upload) if offset == upload.length else None

    async def _warning(self, visitor: Visitor, image: Image | None) -> list[Header]:
        duplicates = [] if image is None else await self._uploads.duplicates(visitor, image)
        return [("Upload-Duplicates", ", ".join(str(one.id) for one in duplicates))] if duplicates else []


def _options(call: Call, methods: str) -> Answer:
    settings = call.request.site.settings
    headers: list[Header] = [
        ("Allow", methods),
        *preflight(methods, settings),
        ("Tus-Extension", tus.EXTENSIONS),
        ("Tus-Max-Size", str(settings.max_content_length)),
        ("Tus-Checksum-Algorithm", tus.ALGORITHMS),
    ]
    return Answer(status=204, body=b"", headers=headers)


def _answer(status: int, upload: ResumableUpload, offset: int, headers: list[Header]) -> Answer:
    expires = ("Upload-Expires", format_date(upload.expires.timestamp()))
    return Answer(status=status, body=b"", headers=[("Upload-Offset", str(offset)), expires, *headers, _NO_STORE])


def _place(call: Call, image: Image | None) -> list[Header]:
    if image is None:
        return []
    return [("Location", f"{call.urls.at('api/v1/details/')}?src={quote(image.src, errors='surrogateescape')}")]


def _taken(call: Call) -> Piece | None:
    """The piece that has come; it is written and closed."""
    sent: Any = call.request.body.files
    return sent[0].take() if sent else None
