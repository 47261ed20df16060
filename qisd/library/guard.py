"""Keeps a library that has merely gone out of sight from being taken for deleted."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qisd.pools.files import FilePool
from qisd.repository.mounted import Mounted
from qisd.store import images, properties
from qisd.store.properties import LibraryMark
from qisd.store.queries import Queries

_log = Logger()

_SHARE, _LEAST = 0.1, 100
_PERIOD = 3600.0

# It may be another process that an administrator has repair the library.
_ALARM = 60.0


class Guard:
    """Says how many images may be marked deleted because their files are not found.

    That is none while the library is not there, and within an hour no more than a tenth of all, or 100, unless an
    administrator has agreed.

    """

    def __init__(self, clock: IReactorTime, *, database: Queries, files: FilePool, mounted: Mounted) -> None:
        self._clock = clock
        self._database = database
        self._files = files
        self._mounted = mounted
        self._began = float("-inf")
        self._left = 0
        self._alarmed = float("-inf")

    async def start(self) -> None:
        """Make the mark by which the library is recognised, unless it's there."""
        found = await properties.by_key(self._database, "cluster_id")
        mark = LibraryMark(installation=(found.value if found else None) or "", place=self._mounted.place)
        before = await properties.library_mark(self._database)
        # Files alone would not do: nobody may have looked at any so far, and then the database knows of none.
        was_there = before.was_at(mark.place) or await images.count_active(self._database) > 0
        fault = await self._files.run(
            lambda: self._mounted.prepare(mark.installation, was_there=was_there, formerly=before.installation)
        )
        if fault:
            _log.error("{fault}: missing files are not marked deleted", fault=fault)
        elif mark != before and await self.is_there():
            await properties.note_library_mark(self._database, mark)

    async def is_there(self) -> bool:
        """Whether the library is there."""
        return await self._files.run(self._mounted.is_there)

    @property
    def alarm(self) -> bool:
        """Whether more files are missing than may be marked deleted; it is looked at anew after a minute."""
        return self._clock.seconds() - self._alarmed < _ALARM

    async def allow(self, count: int) -> bool:
        """Whether ``count`` more images may be marked deleted now."""
        now = self._clock.seconds()
        if self.alarm or not await self.is_there():
            return False
        if now - self._began >= _PERIOD:
            self._began = now
            self._left = max(_LEAST, int(await images.count_active(self._database) * _SHARE))
        if count > self._left:
            self._alarmed = now
            _log.critical(
                "{count} more files are missing in the image library: nothing is marked deleted any more until an"
                " administrator has had the library repaired",
                count=count,
            )
            return False
        self._left -= count
        return True

    def agree(self) -> None:
        """An administrator has looked at it."""
        self._alarmed = float("-inf")
        self._began = float("-inf")
