"""The floors of the cache, as the settings want them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import Logger

from qisd.cache.disk import DiskCache, DiskLimits
from qisd.cache.memory import MemoryCache
from qisd.cache.tiers import Tiers
from qisd.pools.files import FilePool
from qisd.settings import Settings

_log = Logger()

_MEGABYTE = 1024 * 1024

# Of their own: a disk for the cache that hangs must not stop the library.
_THREADS = 4

# A request waits for that once, and then for none of it for a while.
_TIMEOUT = 3.0

_LARGE = 0.1
"""Share of the memory from which an image is large: the memory cache takes such a one only when it comes again."""


class Floors:
    """Where finished images are kept: in the memory of this process, and on the disk of this server.

    :ivar cache: all of it as one.
    :ivar threads: for the disk; to be started before, and stopped after.
    """

    def __init__(self, settings: Settings, *, reactor: Any) -> None:
        self._settings = settings
        self.threads = FilePool(reactor, name="cache", timeout=_TIMEOUT, threads=_THREADS)
        self.memory = MemoryCache(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.disk = DiskCache(_folder(settings), limits=_limits(settings), threads=self.threads, clock=reactor)
        self.cache = Tiers(self.memory, self.disk)

    def start(self) -> None:
        self.disk.start()
        self._say()

    async def stop(self) -> None:
        """Bring to an end what is being written."""
        await self.disk.stop()

    def configure(self, settings: Settings) -> None:
        """Take over what can change while the daemon runs."""
        self._settings = settings
        self.memory.resize(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.disk.configure(_folder(settings), _limits(settings))

    def _say(self) -> None:
        settings = self._settings
        _log.info("Finished images are kept in this process, up to {size} MiB", size=settings.memory_cache_mb)
        if settings.disk_cache_mb:
            _log.info(
                "Those that took {least} ms or longer are kept in {folder} as well, up to {size} MiB",
                least=settings.disk_cache_min_ms,
                folder=_folder(settings),
                size=settings.disk_cache_mb,
            )


def _folder(settings: Settings) -> Path:
    return settings.state_dir / "cache" if settings.disk_cache_dir == Path() else settings.disk_cache_dir


def _limits(settings: Settings) -> DiskLimits:
    return DiskLimits(
        capacity=settings.disk_cache_mb * _MEGABYTE,
        min_seconds=settings.disk_cache_min_ms / 1000,
        large=int(settings.memory_cache_mb * _MEGABYTE * _LARGE),
        min_free=settings.min_free_space_mb * _MEGABYTE,
    )
