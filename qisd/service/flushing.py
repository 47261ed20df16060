"""Emptying the caches of all processes, when one is told to."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.service.floors import Floors
from qisd.store import cache_epoch
from qisd.store.listener import Listener
from qisd.store.pool import Database

_log = Logger()


class Flushing:
    """Follows the epoch of the caches. What could not be heard is made up for when it can be again."""

    def __init__(self, database: Database, floors: Floors) -> None:
        self._database = database
        self._floors = floors
        self._listener = Listener(database.news, connected=self._follow, heard=self._heard, channel=cache_epoch.CHANNEL)

    async def start(self) -> None:
        """Go by the epoch as it is now, and by others from then on."""
        self._floors.enter(await cache_epoch.current(self._database))
        self._listener.start()

    def stop(self) -> None:
        self._listener.stop()

    def _heard(self, what: str) -> None:
        if what == cache_epoch.MEMORY:
            self._run(self._floors.memory.clear())
            _log.info("The memory cache was emptied")
        else:
            self._follow()

    def _follow(self) -> None:
        self._run(self._catch_up())

    async def _catch_up(self) -> None:
        try:
            epoch = await cache_epoch.current(self._database)
        except StoreUnavailable:
            return  # it will be there again, and then this is done anew
        if self._floors.enter(epoch):
            await self._floors.cache.clear()
            _log.info("The caches were emptied")

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        Deferred.fromCoroutine(work).addErrback(
            lambda failure: _log.failure("the caches could not be emptied", failure)
        )
