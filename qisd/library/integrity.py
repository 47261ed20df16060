"""Reads all files again, in the background, and marks those whose bytes are not those that their hashes are of.

Media lose bits without a word. A file that somebody has written to has another time, and is no case for this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import attrs
from twisted.internet.task import deferLater
from twisted.logger import Logger

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import NotFound, StoreUnavailable
from qisd.library.guard import Guard
from qisd.library.hashing import content_of
from qisd.library.registrar import Registrar
from qisd.pools.files import FilePool
from qisd.repository.files import FileVersion, Repository
from qisd.store import hash_checks, images
from qisd.store.hash_checks import Due
from qisd.store.pool import Database

_log = Logger()

GENTLY = 64 * 1024 * 1024
"""Bytes a second that are read while others use the disk, at most."""

_PAGE = 500
_SAVED_AT_ONCE = 100
_SAVED_BYTES = 256 * 1024 * 1024
_EXAMPLES = 20
_SHORTEST_PAUSE = 0.02

_DAMAGED = "Damaged: it does not hold any more what it held, although nobody has written to it"

Progress = Callable[[float, str], Awaitable[None]]


@attrs.define(kw_only=True)
class Integrity:
    """What a round has found.

    :ivar checked: files that were read; ``damaged`` of all that are marked, with some of their paths in ``examples``.
    :ivar changed: files that have been written to or replaced since their record was made. ``missing`` and
        ``unreadable`` likewise say nothing of their bytes.
    """

    checked: int = 0
    damaged: int = 0
    changed: int = 0
    missing: int = 0
    unreadable: int = 0
    examples: dict[str, list[str]] = attrs.field(factory=dict)

    def add(self, kind: str, src: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        kept = self.examples.setdefault(kind, [])
        if len(kept) < _EXAMPLES:
            kept.append(src)


async def _silent(percent: float, text: str) -> None:
    pass


def _never() -> None:
    pass


class IntegrityCheck:
    """Goes through all images with a hash, in rounds: what a broken one has done needs not be done again."""

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        repository: Repository,
        registrar: Registrar,
        guard: Guard,
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._repository = repository
        self._registrar = registrar
        self._guard = guard

    async def run(
        self,
        visitor: Visitor,
        *,
        since: datetime,
        renew: bool = True,
        bytes_a_second: int | None = GENTLY,
        progress: Progress = _silent,
        check_cancelled: Callable[[], None] = _never,
    ) -> Integrity:
        """Go on with a round, or begin one; needs file administration.

        :param since: when the round began: what has been checked after that is done.
        :param renew: whether the records of files that were replaced are brought along with them.
        :param bytes_a_second: how fast at most; None: as fast as can be.
        :param progress: told percent and a text.
        :param check_cancelled: raises when it shall end.
        :raises StoreUnavailable: the library is not there.
        """
        visitor.require_flag(Flag.ADMIN_FILES)
        round_ = _Round(
            found=Integrity(),
            renew=renew,
            pace=_Pace(self._reactor, bytes_a_second),
            before=await hash_checks.progress(self._database, since),
        )
        after = 0
        try:
            while page := await hash_checks.due(self._database, since, after=after, limit=_PAGE):
                for one in page:
                    check_cancelled()
                    await self._check(one, round_)
                    if len(round_.waiting) >= _SAVED_AT_ONCE or round_.waiting_bytes >= _SAVED_BYTES:
                        await self._save(round_)
                    await progress(*round_.progress())
                after = page[-1].image_id
        finally:
            await self._save(round_)
        return await self._result(round_.found, since)

    async def _check(self, due: Due, round_: _Round) -> None:
        found = round_.found
        round_.seen += 1
        try:
            content = await content_of(self._files, self._repository, due.src, read=partial(_paced, round_.pace))
        except NotFound:
            if await self._is_so(due):
                found.add("missing", due.src)
            return
        except StoreUnavailable as error:
            if not await self._guard.is_there():
                raise
            _log.error("{src} can't be read: {reason}", src=due.src, reason=error.detail)
            found.add("unreadable", due.src)
            return
        fits = content is not None and content.digest == due.content_hash
        same = content is not None and _is_of(due, content.version, fits=fits)
        if not (same and fits) and not await self._is_so(due):
            return
        if content is None or not same:
            found.add("changed", due.src)
            if round_.renew:
                await self._registrar.images([due.src])
            return
        if not fits:
            _log.error("{src} is damaged: its bytes are not those that it had, but its time is", src=due.src)
        round_.waiting.append((due, fits))
        round_.waiting_bytes += content.version.size

    async def _is_so(self, due: Due) -> bool:
        """Whether the record is still what it was: pages are long, and files are moved and replaced meanwhile."""
        now = await images.by_id(self._database, due.image_id)
        if now is None or not now.active:
            return False
        known = (now.src, now.file_size, now.file_mtime_ns, now.file_inode, now.content_hash)
        return known == (due.src, due.file_size, due.file_mtime_ns, due.file_inode, due.content_hash)

    async def _save(self, round_: _Round) -> None:
        waiting, round_.waiting, round_.waiting_bytes = round_.waiting, [], 0
        if waiting:
            await hash_checks.save(self._database, waiting, info=_DAMAGED)

    async def _result(self, found: Integrity, since: datetime) -> Integrity:
        """With what was found before the round was broken."""
        found.checked = (await hash_checks.progress(self._database, since)).done
        found.damaged = await hash_checks.count_damaged(self._database)
        marked = await hash_checks.damaged(self._database, limit=_EXAMPLES)
        if marked:
            found.examples["damaged"] = [one.src for one in marked]
        return found


def as_json(found: Integrity) -> dict[str, Any]:
    return attrs.asdict(found)


def _is_of(due: Due, version: FileVersion, *, fits: bool) -> bool:
    """Whether nobody has written to the file; a copy in its place that keeps the time has another inode."""
    if (version.size, version.mtime_ns) != (due.file_size, due.file_mtime_ns):
        return False
    return fits or version.inode == due.file_inode


@attrs.define(kw_only=True)
class _Round:
    """One under way.

    :ivar before: how far it was when it was gone on with; ``seen`` were looked at since.
    :ivar waiting: what is to be saved, and how many bytes that took to read.
    """

    found: Integrity
    renew: bool
    pace: _Pace
    before: hash_checks.Progress
    seen: int = 0
    waiting: list[tuple[Due, bool]] = attrs.field(factory=list)
    waiting_bytes: int = 0

    def progress(self) -> tuple[float, str]:
        done = self.before.done + self.seen
        total = max(done, self.before.total)
        return 100 * done / total, f"{done} of {total} images"


@attrs.define
class _Pace:
    """Keeps to a number of bytes a second, or to none."""

    reactor: Any
    bytes_a_second: int | None
    owed: float = 0.0


async def _paced(pace: _Pace, count: int) -> None:
    """Rest for as long as ``count`` bytes are worth; small files together."""
    if pace.bytes_a_second is None:
        return
    pace.owed += count / pace.bytes_a_second
    if pace.owed >= _SHORTEST_PAUSE:
        owed, pace.owed = pace.owed, 0.0
        await deferLater(pace.reactor, owed)
