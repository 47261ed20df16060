"""Reads what files say of themselves, and what tells one content from another, in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import attrs
from twisted.logger import Logger

from qisd.errors import NotFound, QisError, StoreUnavailable, Unavailable
from qisd.imaging.description import Description, describe
from qisd.imaging.fingerprint import fingerprint
from qisd.imaging.geometry import Size
from qisd.imaging.saliency import GUESS, guessed_focus
from qisd.imaging.source import open_source
from qisd.imaging.spec import Focus
from qisd.library.hashing import content_of
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.catalogue import extension_of
from qisd.repository.files import Repository
from qisd.store import image_metadata
from qisd.store.image_metadata import FromFile, Unread
from qisd.store.pool import Database

_log = Logger()

_PAGE = 100
_MISSING_AT_ONCE = 10_000

_DECODED_MAX = 64 * 1024 * 1024
"""Bytes that decoding a picture to look at it may take; some formats can be decoded at a reduced size."""

_REDUCED = Size(64, 64)
_DRAFTS = frozenset({"jpg", "jp2", "j2k"})

Progress = Callable[[float, str], Awaitable[None]]


async def _silent(percent: float, text: str) -> None:
    pass


@attrs.frozen(kw_only=True)
class _Looks:
    """What a picture looks like; nothing of one that can't be decoded."""

    fingerprint: int | None = None
    focus: Focus | None = None


class Reading:
    """Reads the files of images that are new or have changed."""

    def __init__(
        self,
        *,
        database: Database,
        files: FilePool,
        repository: Repository,
        registrar: Registrar,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._database = database
        self._files = files
        self._repository = repository
        self._registrar = registrar
        self._rules = rules

    async def run(self, *, progress: Progress = _silent, cancelled: Callable[[], bool] = lambda: False) -> int:
        """Read all that is to be read; how many that were.

        :param progress: told percent, which nobody knows here, and a text.
        """
        await self._database.transaction(partial(image_metadata.add_missing, limit=_MISSING_AT_ONCE))
        count = 0
        async for one in self._waiting():
            if cancelled():
                return count
            count += await self._read(one)
            if count % _PAGE == 0:
                await progress(0, f"{count} images")
        await progress(0, f"{count} images")
        return count

    async def _waiting(self) -> AsyncIterator[Unread]:
        """New files first; then those that were read when there was less to be found out."""
        for listed in (image_metadata.unread, image_metadata.unguessed):
            after = 0
            while page := await listed(self._database, after=after, limit=_PAGE):
                for one in page:
                    yield one
                after = page[-1].image_id

    async def _read(self, unread: Unread) -> bool:
        try:
            digest = None
            if not unread.hashed:
                content = await content_of(self._files, self._repository, unread.src)
                if content is None:  # somebody is writing to it
                    return False
                digest = content.digest
                if await self._registrar.find_again(unread.image_id, digest):
                    return True
            description, looks = await self._files.run(partial(self._look, unread.src))
        except NotFound:
            return False
        except Unavailable as error:
            _log.warn("{src} can't be read: {reason}", src=unread.src, reason=error.detail or error)
            return False
        found = FromFile() if description is None else FromFile(**attrs.asdict(description, recurse=False))
        return await self._database.transaction(
            lambda db: image_metadata.save_read(
                db,
                unread,
                found,
                content_hash=digest,
                phash=looks.fingerprint,
                guess=looks.focus,
                guessed=GUESS,
            )
        )

    def _look(self, src: str) -> tuple[Description | None, _Looks]:
        """In a thread: what the file says, and what its picture looks like, as far as it can be read."""
        rules = self._rules().rendering
        with self._repository.open(src).stream as stream:
            try:
                source = open_source(
                    stream,
                    extension=extension_of(src),
                    page=None,
                    limits=rules.limits,
                    auto_orient=rules.auto_orient,
                )
                description = describe(source.header())
            except StoreUnavailable:
                raise
            except QisError:
                return None, _Looks()
            info = source.info
            whole = 0 if info.format in _DRAFTS else info.decoded_bytes
            if whole + info.decoder_bytes > _DECODED_MAX:
                return description, _Looks()
            try:
                image = source.load(_REDUCED, lambda: None).image
                return description, _Looks(fingerprint=fingerprint(image), focus=guessed_focus(image))
            except StoreUnavailable:
                raise
            except (QisError, OSError, ValueError, SyntaxError, MemoryError) as error:
                _log.debug("{src} can't be decoded: {reason}", src=src, reason=error)
                return description, _Looks()
