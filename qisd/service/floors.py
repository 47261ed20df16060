"""The floors of the cache, as the settings want them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from qisd.cache.disk import DiskCache, DiskLimits
from qisd.cache.interfaces import IRenditionCache
from qisd.cache.leases import Leases
from qisd.cache.memcached.cluster import Cluster, ClusterSettings
from qisd.cache.memcached.floor import MemcachedFloor
from qisd.cache.memory import MemoryCache
from qisd.cache.room import Room, memcached_room
from qisd.cache.tiers import Tiers
from qisd.errors import StoreUnavailable
from qisd.pools.files import FilePool
from qisd.settings import Settings

_log = Logger()

_MEGABYTE = 1024 * 1024

_LEASES = "leases"
"""The file below STATE_DIR on which the processes of this server tell each other what they make."""

# Of their own: a disk for the cache that hangs must not stop the library.
_THREADS = 4

# A request waits for that once, and then for none of it for a while.
_TIMEOUT = 3.0

_LEASE_TIMEOUT = 1.0

_NAMES = ("memory", "memcached", "disk")

_LARGE = 0.1
"""Share of the memory from which an image is large: the memory cache takes such a one only when it comes again."""


class Floors:
    """Where finished images are kept: in the memory of this process, in Memcached, and on the disk of this server.

    :ivar cache: all of it as one; ``named`` each by its name.
    :ivar cluster: Memcached; without servers, it has nothing and takes nothing.
    :ivar pools: of threads; to be started before, and stopped after.
    """

    def __init__(self, settings: Settings, *, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._epoch: int | None = None
        self._threads = FilePool(reactor, name="cache", timeout=_TIMEOUT, threads=_THREADS)
        self._lease_thread = FilePool(reactor, name="leases", timeout=_LEASE_TIMEOUT, threads=1)
        self.pools = [self._threads, self._lease_thread]
        self.memory = MemoryCache(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.disk = DiskCache(_folder(settings), limits=_limits(settings), threads=self._threads, clock=reactor)
        self.cluster = Cluster(_cluster(settings), reactor=reactor)
        memcached = MemcachedFloor(self.cluster, largest=self._largest)
        self.cache = Tiers(self.memory, memcached, self.disk)
        self.named: Mapping[str, IRenditionCache] = dict(zip(_NAMES, (self.memory, memcached, self.disk), strict=True))

    def start(self) -> None:
        self.disk.start()
        self._say()

    async def stop(self) -> None:
        """Bring to an end what is being written."""
        await self.disk.stop()
        self.cluster.stop()

    def configure(self, settings: Settings) -> None:
        """Take over what can change while the daemon runs."""
        self._settings = settings
        self.memory.resize(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.disk.configure(_folder(settings), _limits(settings))
        self.cluster.configure(_cluster(settings))

    def enter(self, epoch: int) -> bool:
        """Go by another epoch of what is shared; whether it is another one."""
        self.cluster.epoch = self.disk.epoch = epoch
        changed, self._epoch = self._epoch not in (None, epoch), epoch
        return changed

    def leases(self, owner: str) -> Leases:
        """Who makes an image, of all processes; ``owner`` is the id of this one."""
        return Leases(
            self._settings.state_dir / _LEASES,
            threads=self._lease_thread,
            cluster=self.cluster,
            shared=lambda: self.shared,
            owner=owner,
            reactor=self._reactor,
        )

    @property
    def shared(self) -> bool:
        """Whether other processes find what this one has made."""
        return self.cluster.available or self._settings.disk_cache_mb > 0

    async def room(self) -> Room | None:
        """How full the cache is in which other processes find what this one has made; None: nobody knows."""
        settings = self._settings
        if settings.memcached_servers:
            timeout = settings.memcached_timeout_ms / 1000
            try:
                return await self._threads.run(lambda: memcached_room(settings.memcached_servers, timeout=timeout))
            except StoreUnavailable:
                return None
        return Room(percent=self.disk.fill()) if settings.disk_cache_mb else None

    def checks(self) -> dict[str, bool]:
        """How the parts fare that others run."""
        states = self.cluster.states()
        return {"memcached": all(states.values())} if states else {}

    def report(self) -> dict[str, int]:
        """Hits by floor, and misses."""
        return {**dict(zip(_NAMES, self.cache.hits, strict=True)), "misses": self.cache.misses}

    def _largest(self) -> int:
        return self._settings.memcached_max_object_mb * _MEGABYTE

    def _say(self) -> None:
        settings = self._settings
        _log.info("Finished images are kept in this process, up to {size} MiB", size=settings.memory_cache_mb)
        if settings.memcached_servers:
            _log.info("They are shared by Memcached at {servers}", servers=", ".join(settings.memcached_servers))
        if settings.disk_cache_mb:
            _log.info(
                "Those that took {least} ms or longer are kept in {folder} as well, up to {size} MiB",
                least=settings.disk_cache_min_ms,
                folder=_folder(settings),
                size=settings.disk_cache_mb,
            )


def _cluster(settings: Settings) -> ClusterSettings:
    return ClusterSettings(
        servers=settings.memcached_servers,
        timeout=settings.memcached_timeout_ms / 1000,
        pause=float(settings.memcached_dead_timeout),
        prefix=settings.memcached_prefix,
    )


def _folder(settings: Settings) -> Path:
    return settings.state_dir / "cache" if settings.disk_cache_dir == Path() else settings.disk_cache_dir


def _limits(settings: Settings) -> DiskLimits:
    return DiskLimits(
        capacity=settings.disk_cache_mb * _MEGABYTE,
        min_seconds=settings.disk_cache_min_ms / 1000,
        large=_large(settings),
        min_free=settings.min_free_space_mb * _MEGABYTE,
    )


def _large(settings: Settings) -> int:
    """From how many bytes on no other floor takes an image at once."""
    if settings.memcached_servers:
        return settings.memcached_max_object_mb * _MEGABYTE
    return int(settings.memory_cache_mb * _MEGABYTE * _LARGE)
