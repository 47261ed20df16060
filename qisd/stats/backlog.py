"""What was counted and isn't written yet: kept while the database is away, written in batches that count once only."""

from __future__ import annotations

import itertools
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.stats.periods import Period, totals_of
from qisd.store import stats
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.stats import Batch, Known, Totals

_log = Logger()

_KEEP = 900.0
"""Seconds for which the counts of single images are kept while they can't be written; the server's own stay longer."""

_MOST_IMAGES = 200_000
"""How many images' counts are kept at most."""

_TOGETHER = 60.0
"""Counts that can't be written are merged with those of the last minute."""

_LOOKED_UP = 2000
"""How many images are looked up by one statement."""

_WRITTEN = 500
"""How many are written by one: making its text holds up the reactor, here for a few milliseconds."""

_TRIES = 3
"""In how many later writings a record is looked for that an image didn't have at first."""

_FAULTS = 3
"""After how many errors that aren't the connection's a batch is given up."""

_NAME = 120
"""Longest name of a template or a format."""


@attrs.define(eq=False)
class Part:
    """Counts that were taken out of the counting at ``since``, by the begin of their periods."""

    since: float
    periods: dict[int, Period]

    @property
    def images(self) -> int:
        return sum(len(period.images) for period in self.periods.values())

    def merge(self, other: Part) -> None:
        for begin, period in other.periods.items():
            if begin in self.periods:
                self.periods[begin].merge(period)
            else:
                self.periods[begin] = period


@attrs.define(eq=False)
class _Numbered:
    """A batch that stays as it is: its number tells whether it's in already."""

    number: int
    since: float
    batch: Batch
    faults: int = 0

    async def write(self, database: Database, writer: uuid.UUID) -> None:
        async def work(transaction: Queries) -> None:
            await stats.add(transaction, self.batch, writer=writer, number=self.number)

        await database.transaction(work)


class Backlog:
    """The counts of one process on their way into the database.

    :param unknown: has images registered that have no record, or a deleted one.
    :param back: takes the counts of an image again that has no record yet.
    :param now: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        unknown: Callable[[list[str]], Awaitable[None]],
        back: Callable[[Period, str], None],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._unknown = unknown
        self._back = back
        self._now = now
        self._writer = uuid.uuid4()
        self._numbers = itertools.count(1)
        self._parts: deque[Part] = deque()
        self._batches: deque[_Numbered] = deque()
        self._tries: dict[str, int] = {}
        self._waits = False
        self.registering: Deferred[None] | None = None
        """While images are being registered; always called back with None."""

    def add(self, part: Part) -> None:
        last = self._parts[-1] if self._parts else None
        if last is not None and part.since - last.since < _TOGETHER:
            last.merge(part)
        else:
            self._parts.append(part)
        self._trim()

    async def write(self) -> bool:
        """Write all, oldest first; false when some of it must wait for another time."""
        while self._batches or self._parts:
            try:
                if self._batches:
                    await self._batches[0].write(self._database, self._writer)
                    self._batches.popleft()
                else:
                    self._batches.extend(await self._batches_of(self._parts[0]))
                    self._parts.popleft()
            except StoreUnavailable as error:
                self._must_wait(error)
                return False
            except CancelledError:
                raise
            except Exception:
                self._at_fault()
                return False
        if self._waits:
            self._waits = False
            _log.info("the statistics that had to wait are written")
        return True

    def _must_wait(self, error: StoreUnavailable) -> None:
        if not self._waits:
            self._waits = True
            _log.warn("statistics must wait for the database: {reason}", reason=error.detail)

    def _at_fault(self) -> None:
        """A statement failed by its own fault: it's tried again, but not for ever, since others wait behind it."""
        _log.failure("can't write the statistics")
        if self._batches:
            self._batches[0].faults += 1
            if self._batches[0].faults >= _FAULTS:
                lost = self._batches.popleft().batch
                _log.error("a batch of statistics is given up, with {images} images", images=len(lost.images))

    async def _batches_of(self, part: Part) -> list[_Numbered]:
        """The batches of one part, with the ids of their images."""
        known: dict[str, Known] = {}
        paths = {src for period in part.periods.values() for src in period.images if _is_storable(src)}
        for chunk in _chunks(sorted(paths), _LOOKED_UP):
            known |= await stats.images_of(self._database, chunk)
        self._register(part, missing=paths - known.keys(), known=known)
        return [
            _Numbered(next(self._numbers), part.since, batch)
            for period in part.periods.values()
            for batch in _batches(period, known)
        ]

    def _register(self, part: Part, *, missing: set[str], known: dict[str, Known]) -> None:
        """Have images registered, and their counts wait for that a few times; then they're the server's only."""
        for src in known:
            self._tries.pop(src, None)
        wanted = sorted(missing | {src for src, image in known.items() if not image.active})
        if wanted and self.registering is None:
            self.registering = Deferred.fromCoroutine(self._have_registered(wanted))
            self.registering.addBoth(self._registered)
            for src in missing:
                self._tries[src] = self._tries.get(src, 0) + 1
        for src in missing:
            if self._tries.get(src, 0) > _TRIES:
                del self._tries[src]
                continue
            for period in part.periods.values():
                if src in period.images:
                    self._back(period, src)

    async def _have_registered(self, paths: list[str]) -> None:
        try:
            await self._unknown(paths)
        except CancelledError:
            raise
        except StoreUnavailable as error:
            _log.debug("can't have images registered: {reason}", reason=error.detail)
        except Exception:
            _log.failure("can't have images registered")

    def _registered(self, _: object) -> None:
        self.registering = None

    def _trim(self) -> None:
        """Drop the counts of images that are too old, or too many, the oldest first."""
        border = self._now() - _KEEP
        room = _MOST_IMAGES
        dropped = 0
        for part in reversed(self._parts):
            room -= part.images
            if part.since < border or room < 0:
                dropped += part.images
                for period in part.periods.values():
                    period.images.clear()
        for numbered in reversed(self._batches):
            room -= len(numbered.batch.images)
            if numbered.since < border or room < 0:
                dropped += len(numbered.batch.images)
                numbered.batch = attrs.evolve(numbered.batch, images=())
        while len(self._parts) > 1 and self._parts[1].since < border:  # what is left of them needs little room
            old = self._parts.popleft()
            self._parts[0].merge(old)
        if dropped:
            _log.error("the counts of {number} images are lost: they couldn't be written in time", number=dropped)


def _batches(period: Period, known: dict[str, Known]) -> Iterator[Batch]:
    rows: list[tuple[int, Totals]] = [
        (known[src].id, totals_of(row)) for src, row in period.images.items() if src in known
    ]
    rows.sort(key=lambda row: row[0])
    breakdown = [attrs.evolve(counts, name=counts.name[:_NAME]) for counts in period.breakdown()]
    system = period.system_counts()
    first, *others = list(_chunks(rows, _WRITTEN)) or [[]]
    if first or breakdown or system is not None:
        yield Batch(
            from_time=period.from_time, to_time=period.to_time, system=system, breakdown=breakdown, images=first
        )
    for chunk in others:
        yield Batch(from_time=period.from_time, to_time=period.to_time, images=chunk)


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _is_storable(src: str) -> bool:
    """Whether the database can hold a name at all; a file's may be any bytes."""
    try:
        src.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in src
