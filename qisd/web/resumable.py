"""The bodies of resumable uploads: whether a piece may come, and where it goes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.access.visitor import Visitor
from qisd.errors import MissingParameter, NotFound, TooLarge
from qisd.library.resumable import PieceSink, Resumable
from qisd.library.uploads import Overwrite
from qisd.repository.growing import WrongOffset
from qisd.store.resumable_uploads import ResumableUpload
from qisd.web import tus
from qisd.web.bodies import BodyRules

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_log = Logger()


class PieceBodies:
    """Lets pieces in, one at a time for each upload."""

    def __init__(self, resumable: Resumable) -> None:
        self._resumable = resumable
        self._receiving: dict[uuid.UUID, QisRequest] = {}

    async def admit(self, request: QisRequest, visitor: Visitor, name: str) -> BodyRules | None:
        """What may come with a request for the upload called ``name``; the empty text is one that is to be begun."""
        tus.check_version(request.header("Tus-Resumable"))
        if name:
            upload, offset = await self.expected(request, visitor, name)
        elif tus.is_bytes(request.header("Content-Type")):
            upload, offset = await self.begin(request, visitor), 0
        else:
            raise tus.NotBytes
        hold = await self._resumable.hold(upload, lost=request.channel.abort)
        checksum = tus.checksum(request.header("Upload-Checksum"))
        sink = self._resumable.sink(upload, offset=offset, checksum=checksum, closed=hold.release)
        self._receive(upload.id, request, sink)
        await self._resumable.prepare(sink)
        return BodyRules(limit=upload.length - offset, files=sink, raw=True, keep=True)

    async def begin(self, request: QisRequest, visitor: Visitor) -> ResumableUpload:
        """Begin the upload that the headers of ``request`` describe.

        :raises TooLarge: it is longer than any may be.
        """
        given = tus.metadata(request.header("Upload-Metadata"))
        length = tus.number("Upload-Length", request.header("Upload-Length"))
        most = request.site.settings.max_content_length
        if length > most:
            raise TooLarge(f"The upload exceeds the capacity limit of {most} bytes.")
        tus.checksum(request.header("Upload-Checksum"))
        filename = given.get("filename") or given.get("name")
        if not filename:
            raise MissingParameter("filename")
        index = tus.number("path_index", given["path_index"]) if given.get("path_index") else None
        if index is None and "path" not in given:
            raise MissingParameter("path")
        return await self._resumable.create(
            visitor,
            folder=given.get("path"),
            path_index=index,
            filename=filename,
            length=length,
            overwrite=_overwrite(given),
        )

    async def expected(self, request: QisRequest, visitor: Visitor, name: str) -> tuple[ResumableUpload, int]:
        """The upload that ``request`` brings a piece of, and where that begins.

        :raises WrongOffset: it does not follow what is there.
        """
        tus.check_version(request.header("Tus-Resumable"))
        if not tus.is_bytes(request.header("Content-Type")):
            raise tus.NotBytes
        offset = tus.number("Upload-Offset", request.header("Upload-Offset"))
        tus.checksum(request.header("Upload-Checksum"))
        upload = await self.find(visitor, name)
        await self.settle(upload)
        there = await self._resumable.offset(upload)
        if offset != there:
            raise WrongOffset(there)
        return upload, offset

    async def find(self, visitor: Visitor, name: str) -> ResumableUpload:
        """:raises NotFound: there is no such upload of theirs."""
        try:
            number = uuid.UUID(name)
        except ValueError as error:
            raise NotFound(name[:100]) from error
        return await self._resumable.find(visitor, number)

    async def settle(self, upload: ResumableUpload) -> None:
        """Its client is somewhere else now: break off what it has begun here, and wait until that is written."""
        earlier = self._receiving.pop(upload.id, None)
        if earlier is not None and not earlier.being_answered:
            earlier.channel.abort()
        await self._resumable.until_free(upload)

    def _receive(self, number: uuid.UUID, request: QisRequest, sink: PieceSink) -> None:
        def over(_: object) -> None:
            if self._receiving.get(number) is request:
                del self._receiving[number]
            leaving = Deferred.fromCoroutine(self._resumable.leave(sink))
            leaving.addErrback(lambda failure: _log.failure("a piece of an upload is not closed", failure))

        self._receiving[number] = request
        request.notifyFinish().addBoth(over)


def _overwrite(given: dict[str, str]) -> Overwrite:
    text = given.get("overwrite", "").strip().lower()
    if text == "rename":
        return "rename"
    return "yes" if text in ("1", "t", "y", "true", "yes") else "no"
