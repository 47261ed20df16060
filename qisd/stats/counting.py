"""Counts what is served: in memory while answers go out, in the database every ten seconds.

A process that is killed loses what it counted since its last writing; an orderly stop loses nothing. While the database
is away the counts are kept, each for its own period.
"""

from __future__ import annotations

import contextlib
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from twisted.internet.defer import CancelledError, DeferredLock
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qisd.stats.backlog import Backlog, Part
from qisd.stats.hardware import Hardware, Load
from qisd.stats.latency import BOUNDS
from qisd.stats.periods import Period, Row, Shares, new_row
from qisd.store.pool import Database

_log = Logger()

Kind = Literal["rendered", "cached", "not_modified", "original"]

# What an answer of each kind adds to views, cached views and downloads, and whether its bytes count.
_ADDS: dict[Kind, tuple[int, int, int, bool]] = {
    "rendered": (1, 0, 0, True),
    "cached": (1, 1, 0, True),
    "original": (0, 0, 1, True),
    "not_modified": (0, 0, 0, False),
}

_EVERY = 10.0
_WAIT_AT_STOP = 10.0


async def _nobody(paths: list[str]) -> None:
    """Registers nothing."""


class Statistics:
    """Counts for this process. :meth:`served` and its like never wait and cost next to nothing.

    :param frequency: minutes of a period.
    :param cache_fill: how full the cache is, in percent.
    :param unknown: has images registered that have no record, or a deleted one; gets their ``src``.
    :param load: samples the machine's load.
    :param now: seconds since 1970.
    :param every: seconds from one writing to the next.
    :ivar enabled: nothing is counted while this is false.
    """

    def __init__(
        self,
        database: Database,
        *,
        reactor: Any,
        frequency: int = 60,
        cache_fill: Callable[[], float] = lambda: 0.0,
        unknown: Callable[[list[str]], Awaitable[None]] = _nobody,
        load: Callable[[], Load] | None = None,
        now: Callable[[], float] = time.time,
        every: float = _EVERY,
    ) -> None:
        self.enabled = True
        self._length = frequency * 60
        self._cache_fill = cache_fill
        self._load = load or Hardware().sample
        self._reactor = reactor
        self._now = now
        self._every = every
        self._backlog = Backlog(database, unknown=unknown, back=self._take_back, now=now)
        self._lock = DeferredLock()
        self._loop = LoopingCall(self._tick)
        self._loop.clock = reactor
        self._start_anew()

    def served(
        self,
        src: str | None,
        *,
        kind: Kind,
        body_bytes: int,
        seconds: float,
        record: bool,
        template: str | None = None,
        format: str | None = None,
    ) -> None:
        """Count one answer to a request for an image.

        :param src: the image, as in the column; None if it's none of the library's.
        :param kind: ``rendered`` and ``cached`` are views, ``original`` is a download, ``not_modified`` is neither.
        :param body_bytes: sent without headers.
        :param seconds: from the request to just before sending.
        :param record: whether the image's own numbers get more than the request.
        :param template: the template that applied, ``format`` the format that was sent; None counts for none.
        """
        if not self.enabled:
            return
        now = self._now()
        period = self._period if self._begin <= now < self._end else self._turn(now)
        views, cached, downloads, has_body = _ADDS[kind]
        size = body_bytes if has_body else 0
        _count(period.system, views, cached, downloads, size, seconds)
        period.latency[bisect_left(BOUNDS, seconds)] += 1
        if src is not None:
            row = period.images.get(src)
            if row is None:
                row = period.images[src] = new_row()
            if record:
                _count(row, views, cached, downloads, size, seconds)
            else:
                row[0] += 1
        if template is not None:
            _share(period.templates, template, views, size)
        if format is not None:
            _share(period.formats, format, views, size)

    def failed(self, status: int) -> None:
        """Count an answer that is an error, by its HTTP status."""
        if self.enabled and status >= 400:
            period = self._current()
            if status >= 500:
                period.server_errors += 1
            else:
                period.client_errors += 1

    def throttled(self) -> None:
        """Count a request that was refused because there were too many; beside :meth:`failed` with its status."""
        if self.enabled:
            self._current().throttled += 1

    def folio_download(self, body_bytes: int) -> None:
        """Count the download of a portfolio's zip. It's in none of the other numbers."""
        if self.enabled:
            period = self._current()
            period.folio_downloads += 1
            period.folio_bytes += body_bytes

    def set_frequency(self, minutes: int) -> None:
        """Let periods have another length from now on."""
        if minutes * 60 != self._length:
            self._length = minutes * 60
            self._turn(self._now())

    def start(self) -> None:
        """Begin to write what is counted."""
        self._loop.start(self._every, now=False)

    async def stop(self) -> None:
        """Write the rest. What can't be written now is lost, and the log says so."""
        if self._loop.running:
            self._loop.stop()
        written = await self.flush()
        if written and any(period.images for period in self._periods.values()):  # that had no record yet
            await self._registered()
            written = await self.flush()
        if not written:
            _log.error("statistics were lost: they couldn't be written before the end")

    async def flush(self) -> bool:
        """Write what was counted so far.

        :returns: false when some of it must wait for the next time.
        """
        await self._lock.acquire()
        try:
            if self.enabled:
                self._sample()
            part = Part(self._now(), self._periods)
            self._start_anew()
            self._backlog.add(part)
            return await self._backlog.write()
        finally:
            self._lock.release()

    async def _registered(self) -> None:
        """Wait for images that are being registered."""
        registering = self._backlog.registering
        if registering is not None:
            with contextlib.suppress(DeferredTimeoutError):
                await registering.addTimeout(_WAIT_AT_STOP, self._reactor)

    async def _tick(self) -> None:
        try:
            await self.flush()
        except CancelledError:
            raise
        except Exception:
            _log.failure("can't write the statistics")

    def _sample(self) -> None:
        try:
            load, cache = self._load(), self._cache_fill()
        except Exception:  # the counts are worth more
            _log.failure("the load can't be sampled")
            return
        period = self._current()
        period.samples += 1
        for index, percent in enumerate((load.cpu_pc, load.memory_pc, cache)):
            period.load[index] += percent

    def _start_anew(self) -> None:
        """Go on counting in an empty place."""
        self._periods: dict[int, Period] = {}
        self._turn(self._now())

    def _current(self) -> Period:
        now = self._now()
        return self._period if self._begin <= now < self._end else self._turn(now)

    def _turn(self, now: float) -> Period:
        """Make the period of this moment the one that is counted in."""
        begin = int(now // self._length) * self._length
        self._period = self._period_at(begin, begin + self._length)
        self._begin, self._end = begin, begin + self._length
        return self._period

    def _period_at(self, begin: int, end: int) -> Period:
        period = self._periods.get(begin)
        if period is None:
            period = self._periods[begin] = Period(begin, end)
        period.end = end
        return period

    def _take_back(self, period: Period, src: str) -> None:
        self._period_at(period.begin, period.end).add_image(src, period.images[src])


def _count(row: Row, views: int, cached: int, downloads: int, size: int, seconds: float) -> None:
    row[0] += 1
    row[1] += views
    row[2] += cached
    row[3] += downloads
    row[4] += size
    row[5] += seconds
    if seconds > row[6]:
        row[6] = seconds


def _share(shares: Shares, name: str, views: int, size: int) -> None:
    numbers = shares.get(name)
    if numbers is None:
        numbers = shares[name] = [0, 0, 0]
    numbers[0] += 1
    numbers[1] += views
    numbers[2] += size
