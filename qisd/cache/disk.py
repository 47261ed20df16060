"""Renditions kept on the server's own disk: what took long to make outlives restarts, and what no other floor takes.

Everything here is done in the background or in threads, and everything may fail: a full disk, a directory that has
gone, a disk that hangs. Then this floor says so once, has nothing and takes nothing for a while, and tries again.
"""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from qisd.cache.disk_files import SHARDS, DiskFiles
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.errors import StoreUnavailable

T = TypeVar("T")

_log = Logger()

_FULL = 0.95
"""Share of the capacity in use at which the least recently used is removed, down to ``_CLEARED``."""

_CLEARED = 0.85

_LARGEST = 0.1
"""Share of the capacity that one rendition may take."""

_WRITING_MOST = 64 * 1024 * 1024
"""Bytes that may wait for being written. When the disk can't keep up, what comes then is not kept."""

_CLEAR_EVERY = 5.0
"""Seconds at least from one walk through the files to the next."""

_PAUSE = 30.0
_PAUSE_MOST = 600.0

_FOR_EVER = 2**62


class Threads(Protocol):
    """Where file work is done."""

    def run(self, work: Callable[[], T]) -> Awaitable[T]: ...


@attrs.frozen(kw_only=True)
class DiskLimits:
    """What is kept on disk.

    :param capacity: bytes that all of it may take; 0: nothing is kept.
    :param min_seconds: how long a rendition must have taken to make.
    :param large: bytes from which one is kept however quickly it was made, because no other floor shares it.
    :param min_free: bytes that must stay free on the disk.
    """

    capacity: int
    min_seconds: float
    large: int
    min_free: int = 0

    def want(self, rendition: CachedRendition) -> bool:
        worth = rendition.seconds >= self.min_seconds or len(rendition.data) >= self.large
        return worth and len(rendition.data) <= self.capacity * _LARGEST


@implementer(IRenditionCache)
class DiskCache:
    """A cache in the directory ``root``, which all processes of this server may share. For the reactor thread.

    :param threads: where file work is done.
    :param clock: for the pauses after which it tries again.
    :param now: seconds since 1970.
    :ivar epoch: with another one, nothing is found of what was there before.
    """

    def __init__(
        self,
        root: Path,
        *,
        limits: DiskLimits,
        threads: Threads,
        clock: IReactorTime,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._threads = threads
        self._clock = clock
        self._now = now
        self.epoch = 0
        self._place(root)
        self._at_work: set[Deferred[None]] = set()
        self._being_written: dict[str, int] = {}
        self._waiters: list[Deferred[None]] = []
        self._clear_next = float("-inf")
        self._used = 0
        self._open = False

    @property
    def used(self) -> int:
        """Bytes in use by all processes together, as far as this one knows."""
        return self._used

    def start(self) -> None:
        """Begin, and find out in the background what is there from before. Nothing waits for that."""
        self._open = True
        if self._limits.capacity:
            self._in_background(self._prepare())

    async def stop(self) -> None:
        """Take and give nothing any more, and wait for what is being written."""
        self._open = False
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is going on in the background."""
        if self._at_work:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter

    def configure(self, root: Path, limits: DiskLimits) -> None:
        """Keep to other limits, and in another directory. What is too much goes in the background; what is elsewhere,
        and what is there if nothing is to be kept now, stays.
        """
        anew = root != self._files.root or not self._limits.capacity
        self._limits = limits
        if root != self._files.root:
            self._place(root)
        self._clear_next = float("-inf")
        if self._open and limits.capacity:
            self._in_background(self._prepare() if anew else self._clear_up())

    def _place(self, root: Path) -> None:
        self._files = DiskFiles(root, now=self._now)
        self._reading = _Trouble(f"finished images on disk can't be read in {root}", self._clock)
        self._writing = _Trouble(f"finished images can't be kept on disk in {root}", self._clock)

    async def get(self, key: str) -> CachedRendition | None:
        if not self._open or not self._limits.capacity or self._reading.resting:
            return None
        try:
            found = await self._threads.run(partial(self._files.read, self._name(key)))
        except (OSError, StoreUnavailable) as error:
            self._reading.met(error)
            return None
        self._reading.over()
        return found

    async def put(self, key: str, rendition: CachedRendition) -> None:
        """Keep ``rendition``, if it is of the kind that is kept here. Does not wait until it is written."""
        if not self._open or not self._limits.want(rendition) or self._writing.resting or key in self._being_written:
            return
        if sum(self._being_written.values()) + rendition.cost > _WRITING_MOST:
            return
        self._being_written[key] = rendition.cost
        self._in_background(self._write(key, rendition))

    def _name(self, key: str) -> str:
        return f"{self.epoch}:{key}"

    def fill(self) -> float:
        """How full the cache is, in percent."""
        return 100.0 * self._used / self._limits.capacity if self._limits.capacity else 0.0

    async def clear(self) -> None:
        """Forget everything, and wait until that is done."""
        try:
            for shard in SHARDS:
                await self._threads.run(partial(self._files.remove, shard, before=_FOR_EVER))
            self._used = await self._threads.run(partial(self._files.add, 0))
        except (OSError, StoreUnavailable) as error:
            self._writing.met(error)

    async def _prepare(self) -> None:
        try:
            await self._threads.run(self._files.prepare)
        except (OSError, StoreUnavailable) as error:
            self._writing.met(error)
        else:
            await self._clear_up()

    async def _write(self, key: str, rendition: CachedRendition) -> None:
        limits = self._limits
        write = partial(
            self._files.write, self._name(key), rendition, capacity=limits.capacity, min_free=limits.min_free
        )
        try:
            self._used = await self._threads.run(write)
        except (OSError, StoreUnavailable) as error:
            self._writing.met(error)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                await self._clear_up()
        else:
            self._writing.over()
            if self._used > limits.capacity * _FULL:
                await self._clear_up()
        finally:
            del self._being_written[key]

    async def _clear_up(self) -> None:
        """Count what is there, and remove the least recently used of it if it is too much."""
        if self._clock.seconds() < self._clear_next:
            return
        self._clear_next = float("inf")
        try:
            lock = await self._threads.run(self._files.lock)
            if lock is not None:  # else another process does it
                with lock:
                    await self._walk()
        except (OSError, StoreUnavailable) as error:
            self._writing.met(error)
        finally:
            self._clear_next = self._clock.seconds() + _CLEAR_EVERY

    async def _walk(self) -> None:
        files, run, limits = self._files, self._threads.run, self._limits
        believed = await run(partial(files.add, 0))
        uses: Counter[int] = Counter()
        for shard in SHARDS:
            if not self._open:
                return
            uses.update(await run(partial(files.last_uses, shard)))
        total = uses.total()
        # Right but for what is written and removed at this very time; the next walk sees to that.
        self._used = await run(partial(files.add, total - believed))
        excess = int(total - limits.capacity * _CLEARED) if total > limits.capacity * _FULL else 0
        before, most = _oldest(uses, max(excess, limits.min_free - await run(files.free)))
        for shard in SHARDS if most else ():
            if not self._open:
                return
            most -= await run(partial(files.remove, shard, before=before, most=most))
        self._used = await run(partial(files.add, 0))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        done = Deferred.fromCoroutine(work)
        self._at_work.add(done)
        done.addErrback(_report)
        done.addBoth(self._ended, done)

    def _ended(self, _: object, done: Deferred[None]) -> None:
        self._at_work.discard(done)
        while self._waiters and not self._at_work:
            self._waiters.pop().callback(None)


class _Trouble:
    """What doesn't work at present: said once when it begins and once when it is over.

    :param what: in words.
    """

    def __init__(self, what: str, clock: IReactorTime) -> None:
        self._what = what
        self._clock = clock
        self._until = float("-inf")
        self._pause = 0.0

    @property
    def resting(self) -> bool:
        """Whether it is too early to try again."""
        return self._clock.seconds() < self._until

    def met(self, error: OSError | StoreUnavailable) -> None:
        """It doesn't work: not to be tried for a while, a longer one each time."""
        if not self._pause:
            reason = error.strerror if isinstance(error, OSError) else error.detail
            _log.warn("{what}: {reason}; tried again from time to time", what=self._what, reason=reason)
        if not self.resting:
            self._pause = min(max(2 * self._pause, _PAUSE), _PAUSE_MOST)
            self._until = self._clock.seconds() + self._pause

    def over(self) -> None:
        """It works."""
        if self._pause:
            self._pause = 0.0
            self._until = float("-inf")
            _log.info("No longer: {what}", what=self._what)


def _oldest(uses: Counter[int], excess: int) -> tuple[int, int]:
    """Which of ``uses`` are the oldest that make up ``excess`` bytes: all before a minute, and so many bytes of it."""
    minute, most = 0, 0
    for minute in sorted(uses) if excess > 0 else ():
        most = min(uses[minute], excess)
        excess -= most
        if not excess:
            break
    return minute, most


def _report(failure: Failure) -> None:
    _log.failure("a fault of the cache on disk", failure)
