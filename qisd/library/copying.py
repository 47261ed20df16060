"""Copies of images within the library: new files, with what people have said of the old ones."""

from __future__ import annotations

from functools import partial

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import OutOfDate
from qisd.library.files import Files
from qisd.library.metadata import Metadata
from qisd.library.uploads import Uploads
from qisd.pools.files import FilePool
from qisd.repository.files import FileVersion, Repository
from qisd.repository.staging import IncomingFile, Staging
from qisd.store.images import Image

_CHUNK = 1024 * 1024
_PIECE = 8 * _CHUNK
"""Bytes that are copied before a thread is given back."""


@attrs.define
class _Copy:
    """A copy that is being made."""

    incoming: IncomingFile
    version: FileVersion | None = None
    done: bool = False


class Copying:
    """Copies images. A copy comes into its folder as an upload does.

    :param patient_files: in which bringing a large file to the disk may take a while.
    """

    def __init__(
        self,
        *,
        files: Files,
        metadata: Metadata,
        uploads: Uploads,
        patient_files: FilePool,
        repository: Repository,
        staging: Staging,
    ) -> None:
        self._files = files
        self._metadata = metadata
        self._uploads = uploads
        self._patient_files = patient_files
        self._repository = repository
        self._staging = staging

    async def copy(self, visitor: Visitor, image_id: int, folder: str) -> Image:
        """Copy an image into a folder, under a name beside the one that it has if that is taken there.

        Needs the download level where it is, and the upload level where it goes.
        """
        image = await self._files.present(visitor, image_id)
        visitor.require_there(Level.DOWNLOAD, image.folder)
        incoming = await self._read(image)
        (outcome,) = await self._uploads.store(visitor, [incoming], folder=folder or "/", overwrite="rename")
        if outcome.error is not None:
            raise outcome.error
        assert outcome.image is not None  # noqa: S101 - one of the two is there
        return await self._described(visitor, image, outcome.image)

    async def _read(self, image: Image) -> IncomingFile:
        """The copy, on its way into the library."""
        copy = _Copy(await self._patient_files.run(lambda: self._staging.open(image.filename)))
        try:
            while not copy.done:
                await self._patient_files.run(partial(self._go_on, image.src, copy))
            await self._patient_files.run(copy.incoming.finish)
        except BaseException:
            await self._uploads.discard(copy.incoming)
            raise
        return copy.incoming

    def _go_on(self, src: str, copy: _Copy) -> None:
        """In a thread: copy another piece.

        :raises OutOfDate: the file was written to meanwhile.
        """
        source = self._repository.open(src)
        with source.stream as stream:
            if copy.version not in (None, source.version):
                raise OutOfDate("It has been changed meanwhile.")
            copy.version = source.version
            stream.seek(copy.incoming.size)
            until = copy.incoming.size + _PIECE
            while copy.incoming.size < until:
                data = stream.read(_CHUNK)
                if not data:
                    copy.done = True
                    return
                copy.incoming.write(data)

    async def _described(self, visitor: Visitor, image: Image, made: Image) -> Image:
        """The copy, of which is said now what is said of the image."""
        if image.title or image.description:
            made = await self._files.edit(visitor, made.id, title=image.title, description=image.description)
        said = (await self._metadata.of(visitor, image.id)).users
        if said != (await self._metadata.of(visitor, made.id)).users:
            await self._metadata.edit(visitor, made.id, said)
        return made
