"""Uploads that may be broken off and gone on with, at any server of the library."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from qisd.access.visitor import Visitor
from qisd.errors import NotFound, QisError, StoreUnavailable, TooManyRequests
from qisd.library.journal import shielded
from qisd.library.uploads import Overwrite, Uploads
from qisd.pools.files import FilePool
from qisd.repository import growing
from qisd.repository.growing import Checksum, Piece, UploadBusy, WholeFile
from qisd.repository.staging import Staging
from qisd.repository.tree import Tree
from qisd.store import images, resumable_uploads
from qisd.store.images import Image
from qisd.store.pool import Database
from qisd.store.resumable_uploads import ResumableUpload

KEPT = 86_400.0
"""Seconds after which an upload that nobody goes on with is removed."""

UNFINISHED_MAX = 1000
"""Of one user: each is a file on the library's disk, however little has come of it."""

_RETRY_AFTER = 60

_HELD, _RENEW_AFTER = 30.0, 10.0

_PATIENCE = 5.0
_PAUSE = 0.05

_log = Logger()


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

    def __init__(self, begin: Callable[[], Piece], *, closed: Callable[[], None]) -> None:
        self._begin = begin
        self._closed = closed
        self._given = False
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
            piece, self._prepared, self._given = self._prepared, None, True
        return piece or self._begin()

    def leave(self) -> None:
        """Nothing comes any more. What :meth:`open` has given away is not touched."""
        with self._lock:
            self._left = True
            if self._prepared is not None:
                self._prepared.discard()
                self._prepared = None
            elif not self._given:
                self._closed()


class Hold:
    """Keeps others off an upload, at all servers: locks of files are not to be relied on everywhere.

    :param lost: called when another request has got it nevertheless, since the database was away for too long.
    """

    def __init__(self, database: Database, number: uuid.UUID, *, reactor: Any, lost: Callable[[], None]) -> None:
        self._database = database
        self._number = number
        self._holder = uuid.uuid4()
        self._lost = lost
        self._released = False
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._renew()))
        self._loop.clock = reactor

    async def take(self) -> None:
        """Begin.

        :raises UploadBusy: somebody else is at it. :raises NotFound: there is no such upload any more.
        """
        held = await self._hold()
        if held is None:
            raise NotFound(str(self._number))
        if not held:
            raise UploadBusy
        self._loop.start(_RENEW_AFTER, now=False)

    def release(self) -> None:
        """Let others at it. Can be repeated."""
        if self._loop.running:
            self._loop.stop()
        if not self._released:
            self._released = True
            Deferred.fromCoroutine(self._release()).addErrback(
                lambda failure: _log.failure("an upload is held for longer than need be", failure)
            )

    async def _hold(self) -> bool | None:
        return await self._database.transaction(
            lambda db: resumable_uploads.hold(db, self._number, holder=self._holder, seconds=_HELD)
        )

    async def _renew(self) -> None:
        try:
            if await self._hold() is False:
                self._lost()
        except StoreUnavailable as error:
            _log.debug("an upload can't be held on to: {reason}", reason=error.detail)

    async def _release(self) -> None:
        try:
            await resumable_uploads.release(self._database, self._number, holder=self._holder)
        except StoreUnavailable as error:
            _log.debug("an upload can't be let go: {reason}", reason=error.detail)


class Resumable:
    """Begins such uploads, takes their pieces, and puts them in place when they are whole.

    An upload is its owner's alone: for all others it is not there.

    :param patient_files: in which bringing a large file to the disk may take a while.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        patient_files: FilePool,
        tree: Tree,
        staging: Staging,
        uploads: Uploads,
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._patient_files = patient_files
        self._tree = tree
        self._staging = staging
        self._uploads = uploads

    async def create(
        self,
        visitor: Visitor,
        *,
        folder: str | None,
        filename: str,
        length: int,
        overwrite: Overwrite = "no",
        path_index: int | None = None,
    ) -> ResumableUpload:
        """Begin an upload of ``length`` bytes.

        :param path_index: see :meth:`~qisd.library.uploads.Uploads.expect`.
        :raises QisError: it could not be put in its place, as far as is known before it has come.
        :raises TooManyRequests: the visitor has too many unfinished ones.
        """
        place, name = await self._uploads.expect(visitor, folder, filename, overwrite=overwrite, path_index=path_index)
        assert visitor.user_id is not None  # noqa: S101 - they have logged in
        if await resumable_uploads.unfinished(self._database, visitor.user_id) >= UNFINISHED_MAX:
            raise TooManyRequests(
                f"You have {UNFINISHED_MAX} unfinished uploads. Finish or give up some of them first.",
                retry_after=_RETRY_AFTER,
            )
        number = uuid.uuid4()

        def begin() -> str:
            self._staging.check_space(length)
            path = self._staging.place_to_grow(number.hex)
            growing.begin(self._tree, path)
            return path

        user_id, path = visitor.user_id, await self._files.run(begin)
        add = partial(
            resumable_uploads.add,
            number=number,
            user_id=user_id,
            folder=place,
            filename=name,
            overwrite=overwrite,
            length=length,
            staging=path,
            seconds=KEPT,
        )
        try:
            return await self._database.transaction(add)
        except QisError:
            # Nobody has heard of it yet.
            await self._files.run(lambda: self._tree.remove(path))
            raise

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

    async def hold(self, upload: ResumableUpload, *, lost: Callable[[], None] = lambda: None) -> Hold:
        """Keep others off it; see :class:`Hold`."""
        hold = Hold(self._database, upload.id, reactor=self._reactor, lost=lost)
        await hold.take()
        return hold

    def sink(
        self,
        upload: ResumableUpload,
        *,
        offset: int,
        checksum: Checksum | None = None,
        closed: Callable[[], None] = lambda: None,
    ) -> PieceSink:
        """What takes the bytes from ``offset`` on; they must follow what is there.

        :param closed: called when nothing more is written.
        """

        def told() -> None:  # in a thread
            self._reactor.callFromThread(closed)

        def begin() -> Piece:
            return Piece(
                self._tree,
                upload.staging,
                offset=offset,
                length=upload.length,
                check_space=self._staging.check_space,
                checksum=checksum,
                closed=told,
            )

        return PieceSink(begin, closed=told)

    async def prepare(self, sink: PieceSink) -> None:
        """See :meth:`PieceSink.prepare`."""
        await self._files.run(sink.prepare)

    async def leave(self, sink: PieceSink) -> None:
        """See :meth:`PieceSink.leave`."""
        await self._files.run(sink.leave)

    async def until_free(self, upload: ResumableUpload) -> None:
        """Wait until nobody is at it, but not for long."""
        deadline = self._reactor.seconds() + _PATIENCE
        while not upload.done and not await self._is_free(upload):
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

    async def _is_free(self, upload: ResumableUpload) -> bool:
        if await resumable_uploads.is_held(self._database, upload.id):
            return False
        return await self._files.run(lambda: growing.is_free(self._tree, upload.staging))

    async def _complete(self, visitor: Visitor, upload: ResumableUpload) -> Image | None:
        if upload.done:  # whoever did it may not have let go of it yet
            return await self._made_of(upload)
        await self.until_free(upload)
        hold = await self.hold(upload)
        try:
            return await self._put_in_place(visitor, upload)
        finally:
            hold.release()

    async def _made_of(self, upload: ResumableUpload) -> Image | None:
        return None if upload.image_id is None else await images.by_id(self._database, upload.image_id)

    async def _put_in_place(self, visitor: Visitor, upload: ResumableUpload) -> Image | None:
        try:
            whole = await self._files.run(
                lambda: WholeFile(self._tree, upload.staging, filename=upload.filename, length=upload.length)
            )
        except NotFound:
            upload = await self.find(visitor, upload.id)
            if not upload.done:
                raise
            return await self._made_of(upload)
        try:
            while await self._patient_files.run(whole.read):
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
