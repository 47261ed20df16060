"""A zip of the files that somebody has picked: made while it is sent, and kept nowhere."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import IO, BinaryIO

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import MissingParameter, NotFound, TooManyRequests, Unavailable
from qisd.library.bulk import Chosen
from qisd.library.files import Files
from qisd.library.places import require_login
from qisd.pools.files import FilePool
from qisd.portfolios.entry_names import EntryNames
from qisd.portfolios.zip_writer import LARGE, entry_info
from qisd.repository.files import OpenSource, Repository
from qisd.store import images
from qisd.store.images import Image
from qisd.store.pool import Database

AT_ONCE = 4
"""By one user, at each process: each keeps a connection and a thread busy."""

_STEP = 1024 * 1024

_CHECKED_AT_ONCE = 500
"""Files that one job opens, so that it ends in time."""

_RETRY_AFTER = 15


@attrs.frozen(kw_only=True)
class Selection:
    """Files that are there, and that the visitor may download; ``name`` is what their zip is to be called."""

    user_id: int | None
    images: Sequence[Image]
    name: str


class _Pipe:
    """Takes what is written until somebody wants it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class Selections:
    """Looks up what somebody has picked, and makes zips of it."""

    def __init__(self, database: Database, *, files: Files, pool: FilePool, repository: Repository) -> None:
        self._database = database
        self._files = files
        self._pool = pool
        self._repository = repository
        self._under_way: Counter[int | None] = Counter()

    async def of(self, visitor: Visitor, chosen: Chosen) -> Selection:
        """The files that are chosen, each once; needs the download level in each of their folders.

        :raises NotFound: one of them is not there, or can't be shown.
        :raises TooManyRequests: the user gets some already.
        """
        require_login(visitor)
        if not chosen.ids and not chosen.srcs:
            raise MissingParameter("images")
        self._check_few(visitor.user_id)
        by_id = await images.by_ids(self._database, chosen.ids)
        by_src = await self._files.at(visitor, chosen.srcs)
        named = [(str(number), by_id.get(number)) for number in chosen.ids]
        named += [(src, by_src.get(src)) for src in chosen.srcs]
        picked: dict[int, Image] = {}
        for name, image in named:
            if image is None or not image.active:
                raise NotFound(name)
            visitor.require_there(Level.DOWNLOAD, image.folder)
            picked[image.id] = image
        found = list(picked.values())
        for start in range(0, len(found), _CHECKED_AT_ONCE):
            await self._pool.run(partial(self._check_there, found[start : start + _CHECKED_AT_ONCE]))
        self._check_few(visitor.user_id)  # others of the same user were looked up meanwhile
        return Selection(user_id=visitor.user_id, images=found, name=f"{_common_folder(found)}.zip")

    async def pieces(self, selection: Selection) -> AsyncGenerator[bytes, None]:
        """The zip, piece by piece.

        :raises QisError: a file has gone meanwhile, or was changed while it was read.
        """
        self._under_way[selection.user_id] += 1
        try:
            pipe = _Pipe()
            # It tells sizes and checksums behind each file, since the pipe can't be rewound.
            archive = zipfile.ZipFile(pipe, "w", compression=zipfile.ZIP_STORED, allowZip64=True)  # type: ignore[call-overload]
            try:
                names = EntryNames()
                for image in selection.images:
                    file = self._file(archive, pipe, image, names.take(image.filename))
                    async with aclosing(file) as pieces:
                        async for piece in pieces:
                            yield piece
                await self._pool.run(archive.close)  # the list of thousands of files takes a while
            finally:
                archive.fp = None  # what is cut off needs no list, here or when it is garbage
            yield pipe.take()
        finally:
            self._under_way[selection.user_id] -= 1
            if not self._under_way[selection.user_id]:
                del self._under_way[selection.user_id]

    async def _file(
        self, archive: zipfile.ZipFile, pipe: _Pipe, image: Image, name: str
    ) -> AsyncGenerator[bytes, None]:
        source = await self._pool.run(lambda: self._repository.open(image.src))
        try:
            info = entry_info(name, modified=source.version.mtime, mode=0o644)
            with archive.open(info, "w", force_zip64=source.version.size >= LARGE) as entry:
                while await self._pool.run(lambda: _copy(source.stream, entry)):
                    yield pipe.take()
            await self._pool.run(lambda: self._check_unchanged(image, source))
        finally:
            await self._pool.run(source.stream.close)

    def _check_few(self, user_id: int | None) -> None:
        """:raises TooManyRequests: the user gets some already."""
        if self._under_way[user_id] >= AT_ONCE:
            raise TooManyRequests(f"You get {AT_ONCE} zips already.", retry_after=_RETRY_AFTER)

    def _check_there(self, found: Sequence[Image]) -> None:
        """In a thread.

        :raises NotFound: one of the files is not there.
        """
        for image in found:
            self._repository.open(image.src).stream.close()

    def _check_unchanged(self, image: Image, source: OpenSource) -> None:
        """In a thread."""
        if self._repository.version(source.name) != source.version:
            raise Unavailable(f"{image.src}: the file was changed while it was read.")


def _copy(stream: BinaryIO, entry: IO[bytes]) -> bool:
    """In a thread: put some more of a file into the zip; whether there may be more."""
    data = stream.read(_STEP)
    entry.write(data)
    return len(data) == _STEP


def _common_folder(found: Sequence[Image]) -> str:
    """The name of the folder that all of them are in; ``images``, if there is none."""
    folders = {image.folder for image in found}
    return (folders.pop().rpartition("/")[2] if len(folders) == 1 else "") or "images"
