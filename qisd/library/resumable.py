"""Uploads that may be broken off and gone on with, at any server of the library."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.internet.task import deferLater

from qisd.access.visitor import Visitor
from qisd.errors import NotFound, QisError
from qisd.library.journal import shielded
from qisd.library.uploads import Overwrite, Uploads
from qisd.pools.files import FilePool
from qisd.repository import growing
from qisd.repository.growing import Checksum, Piece, WholeFile
from qisd.repository.staging import Staging
from qisd.repository.tree import Tree
from qisd.store import images, resumable_uploads
from qisd.store.images import Image
from qisd.store.pool import Database
from qisd.store.resumable_uploads import ResumableUpload

KEPT = 86_400.0
"""Seconds after which an upload that nobody goes on with is removed."""

_PATIENCE = 5.0
_PAUSE = 0.05


class UploadExpired(QisError):
    """Nobody has gone on with the upload for too long."""

    status = 410
    code = "upload_expired"

    def __init__(self) -> None:
        super().__init__("The upload has expired.")


class PieceSink:
    """Takes one piece of an upload. Fits :class:`qisd.web.bodies.FileSink`. Blocks; for threads.

    From :meth:`prepare` to the end of the piece nobody else is at the upload.
    """

    def __init__(self, begin: Callable[[], Piece]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._prepared: Piece | None = None
        self._left = False

    def prepare(self) -> None:
        """Get ready for what comes.

        :raises UploadBusy: somebody else is at it. :raises WrongOffset: the piece would not follow what is there.
        """
        with self._lock:
            if not self._left:
                self._prepared = self._begin()

    def open(self, filename: str, /) -> Piece:
        """What writes the piece."""
        with self._lock:
            piece, self._prepared = self._prepared, None
        return piece or self._begin()

    def leave(self) -> None:
        """Nothing comes any more. What :meth:`open` has given away is not touched."""
        with self._lock:
            self._left = True
            if self._prepared is not None:
                self._prepared.discard()
                self._prepared = None


class Resumable:
    """Begins such uploads, takes their pieces, and puts them in place when they are whole.

    An upload is its owner's alone: for all others it is not there.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        staging: Staging,
        uploads: Uploads,
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._tree = tree
        self._staging = staging
        self._uploads = uploads

    async def create(
        self, visitor: Visitor, *, folder: str, filename: str, length: int, overwrite: Overwrite = "no"
    ) -> ResumableUpload:
        """Begin an upload of ``length`` bytes.

        :raises QisError: it could not be put in its place, as far as is known before it has come.
        """
        place, name = await self._uploads.expect(visitor, folder, filename, overwrite=overwrite)
        assert visitor.user_id is not None  # noqa: S101 - they have logged in
        number = uuid.uuid4()

        def begin() -> str:
            self._staging.check_space(length)
            path = self._staging.place_to_grow(number.hex)
            growing.begin(self._tree, path)
            return path

        user_id, path = visitor.user_id, await self._files.run(begin)
        return await self._database.transaction(
            lambda db: resumable_uploads.add(
                db,
                number,
                user_id=user_id,
                folder=place,
                filename=name,
                overwrite=overwrite,
                length=length,
                staging=path,
                seconds=KEPT,
            )
        )

    async def find(self, visitor: Visitor, number: uuid.UUID) -> ResumableUpload:
        """:raises NotFound: there is none, or it is another one's. :raises UploadExpired: it is over.
        :raises Forbidden: this is a key for reading.
        """
        visitor.require_writing()
        upload = await resumable_uploads.by_id(self._database, number)
        if upload is None or visitor.user_id != upload.user_id:
            raise NotFound(str(number))
        if upload.expired:
            raise UploadExpired
        return upload

    async def offset(self, upload: ResumableUpload) -> int:
        """How many bytes have come.

        :raises NotFound: it is gone.
        """
        if upload.done:
            return upload.length
        return await self._files.run(lambda: growing.size_of(self._tree, upload.staging))

    async def extend(self, upload: ResumableUpload) -> ResumableUpload:
        """Keep it for a while again."""
        extended = await self._database.transaction(lambda db: resumable_uploads.extend(db, upload.id, seconds=KEPT))
        if extended is None:
            raise NotFound(str(upload.id))
        return extended

    def sink(self, upload: ResumableUpload, *, offset: int, checksum: Checksum | None = None) -> PieceSink:
        """What takes the bytes from ``offset`` on; they must follow what is there."""

        def begin() -> Piece:
            return Piece(
                self._tree,
                upload.staging,
                offset=offset,
                length=upload.length,
                check_space=self._staging.check_space,
                checksum=checksum,
            )

        return PieceSink(begin)

    async def prepare(self, sink: PieceSink) -> None:
        """See :meth:`PieceSink.prepare`."""
        await self._files.run(sink.prepare)

    async def leave(self, sink: PieceSink) -> None:
        """See :meth:`PieceSink.leave`."""
        await self._files.run(sink.leave)

    async def until_free(self, upload: ResumableUpload) -> None:
        """Wait until nobody is at it, but not for long."""
        deadline = self._reactor.seconds() + _PATIENCE
        while not upload.done and not await self._files.run(lambda: growing.is_free(self._tree, upload.staging)):
            if self._reactor.seconds() >= deadline:
                return
            await deferLater(self._reactor, _PAUSE)

    async def complete(self, visitor: Visitor, upload: ResumableUpload) -> Image | None:
        """Put an upload that has come whole in its place. Can be repeated. None: it was, and is not there any more.

        :raises QisError: it can't be. It is removed, unless it may be possible later.
        """
        return await shielded(self._complete(visitor, upload))

    async def remove(self, upload: ResumableUpload) -> None:
        """Forget an upload, and remove what has come of it. An image that it became stays."""
        if not upload.done:
            await self._files.run(lambda: self._tree.remove(upload.staging))
        await resumable_uploads.remove(self._database, upload.id)

    async def expire(self) -> int:
        """Remove what nobody has gone on with; how many uploads that were."""
        over = await self._database.transaction(resumable_uploads.remove_expired)
        forgotten = await self._files.run(self._staging.abandoned)
        known = await resumable_uploads.stagings(self._database, forgotten)
        for path in {*over, *forgotten} - known:
            await self._files.run(partial(self._tree.remove, path))
        return len(over)

    async def _complete(self, visitor: Visitor, upload: ResumableUpload) -> Image | None:
        try:
            whole = await self._files.run(
                lambda: WholeFile(self._tree, upload.staging, filename=upload.filename, length=upload.length)
            )
        except NotFound:
            upload = await self.find(visitor, upload.id)
            if not upload.done:
                raise
            return None if upload.image_id is None else await images.by_id(self._database, upload.image_id)
        try:
            while await self._files.run(whole.read):
                pass
            return await self._uploads.store_resumed(
                visitor,
                whole,
                upload.folder,
                overwrite=cast(Overwrite, upload.overwrite),
                upload_id=str(upload.id),
            )
        except QisError as error:
            if error.status < 500:
                await self.remove(upload)
            raise
        finally:
            await self._files.run(whole.close)
