"""The daemon's parts and how they hang together: the one place that builds them, starts and stops them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from qisd import __version__
from qisd.access.passwords import tune
from qisd.access.secret_key import signing_keys
from qisd.cache.memory import MemoryCache
from qisd.images import ImageRules
from qisd.imaging.template import TemplateValues, parse_template
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.pools.render import RenderPool
from qisd.service.data_store import DataStore
from qisd.service.domain import Domain, Pools
from qisd.service.image_rules import choices, image_rules
from qisd.service.listeners import Listener
from qisd.service.logs import Logs
from qisd.service.presence import Presence
from qisd.service.samples import provide_samples
from qisd.service.server_id import server_id
from qisd.service.tls import ContextHolder
from qisd.service.xref import XrefTracker
from qisd.settings import Settings
from qisd.web.door import make_site, open_rooms
from qisd.web.operations import Readiness

_log = Logger()

_MEGABYTE = 1024 * 1024

_DIRECTORY_THREADS = 6

# Beyond all that a log-in may take by LDAP_TIMEOUT, which holds for each of its steps.
_DIRECTORY_TIMEOUT = 600.0

# Bringing gigabytes to the disk takes a while.
_UPLOAD_TIMEOUT = 600.0

# What pools of threads get to come to an end, however little of the grace is left.
_LEAST_FOR_THREADS = 2.0


class ThreadedPool(Protocol):
    """A pool of threads, as far as starting and stopping goes."""

    @property
    def name(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class House:
    """All parts of the daemon. :meth:`listen`, :meth:`start`, then :meth:`stop`.

    Requests are accepted from :meth:`listen` on: ``/health`` answers at once, images as soon as the database does.
    """

    def __init__(self, settings: Settings, *, reactor: Any, logs: Logs) -> None:
        self.settings = settings
        self._reactor = reactor
        self._ready = False
        self._hurry: Deferred[None] = Deferred()
        self.rules = image_rules(settings)

        self.pools = Pools(
            files=FilePool(reactor),
            renders=RenderPool(reactor, threads=settings.http_threads, **_render_limits(settings)),
            hashing=HashingPool(reactor),
            directory=FilePool(reactor, name="directory", threads=_DIRECTORY_THREADS, timeout=_DIRECTORY_TIMEOUT),
        )
        self.uploads = FilePool(reactor, name="uploads", timeout=_UPLOAD_TIMEOUT)
        self.cache = MemoryCache(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.xref = XrefTracker(settings.xref_tracking_url, reactor=reactor)
        self.store = DataStore(settings, reactor=reactor, parse=self._parse_template)
        self.domain: Domain | None = None
        self.site = make_site(
            settings=settings,
            access_log=logs,
            readiness=self.readiness,
            reactor=reactor,
            body_files=self.uploads,
        )
        self.site.noisy = False
        self.http: list[Listener] = []
        self.https: list[Listener] = []

    def listen(self, http: list[Listener], https: list[Listener], tls: ContextHolder | None) -> None:
        """Accept connections on sockets that are bound already, besides those that are accepted on."""
        for listener in http:
            listener.accept(self._reactor, self.site)
        for listener in https:
            assert tls is not None  # noqa: S101 - whoever has HTTPS addresses has a certificate
            listener.accept(self._reactor, TLSMemoryBIOFactory(tls, False, self.site))
        self.http += http
        self.https += https

    async def start(self) -> None:
        """Come into service. Waits for the database.

        :raises StartupError: that is not possible.
        """
        for pool in self._thread_pools():
            pool.start()
        _log.info("Finished images are kept in this process, up to {size} MiB", size=self.settings.memory_cache_mb)
        await self.pools.hashing.run(tune)
        await self._samples()
        await self.store.start()
        presence = await deferToThread(self._announce)
        self.domain = Domain(
            self.settings,
            rules=self.rules,
            store=self.store,
            pools=self.pools,
            cache=self.cache,
            track=self.xref.track,
            keys=await deferToThread(signing_keys, self.settings),
            server=presence.id,
            presence=presence,
            reactor=self._reactor,
        )
        await self.domain.start()
        open_rooms(self.site, self.domain.rooms())
        self._ready = True

    def _announce(self) -> Presence:
        return Presence(self.settings.state_dir, server_id(self.settings.state_dir))

    async def stop(self) -> None:
        """Finish the requests under way, within the time that is set for it, and end everything in order."""
        self._ready = False
        grace = self.settings.shutdown_grace
        deadline = self._reactor.seconds() + grace
        self.site.drain()
        if self.domain is not None:
            self.domain.end_streams()
        for listener in (*self.http, *self.https):
            await listener.close()
        await self._drained(grace)
        self.xref.stop()
        left = max(deadline - self._reactor.seconds(), _LEAST_FOR_THREADS)
        await self._ended("render", self.pools.renders.stop, left)
        if self.domain is not None:
            await self.domain.stop()
        for pool in self._thread_pools()[1:]:
            await self._ended(pool.name, pool.stop, _LEAST_FOR_THREADS)
        await self.store.stop()

    def hurry(self) -> None:
        """Stop waiting for requests under way."""
        if not self._hurry.called:
            self._hurry.callback(None)

    def readiness(self) -> Readiness:
        """Whether images can be served, and how each part fares. A lost database is no reason to get no requests."""
        return Readiness(
            ready=self._ready,
            checks={
                "database": self.store.available,
                "render": self.pools.renders.waiting <= self.settings.render_queue_max // 2,
            },
        )

    def renders_pending(self) -> list[str]:
        """Renders under way and waiting, one line each."""
        return self.pools.renders.labels()

    async def configure(self, settings: Settings, rules: ImageRules) -> None:
        """Take over those of the new ``settings`` that can change while the daemon runs."""
        self.settings = settings
        self.rules = rules
        self.pools.renders.configure(**_render_limits(settings))
        self.cache.resize(capacity=settings.memory_cache_mb * _MEGABYTE)
        self.xref.configure(settings.xref_tracking_url)
        self.site.configure(settings)
        if self.domain is not None:
            await self.domain.configure(settings, rules, keys=await deferToThread(signing_keys, settings))
        await self.store.reload()

    def started_line(self, settings_file: object) -> str:
        """What the log says when everything is there."""
        addresses = [*(f"http://{one}" for one in self.http), *(f"https://{one}" for one in self.https)]
        formats = sorted(row.name for row in self.rules.rendering.formats.readable())
        return (
            f"Image server started: version {__version__}, settings {settings_file or 'built in'},"
            f" addresses {' '.join(addresses)}, formats {' '.join(formats)}"
        )

    def _thread_pools(self) -> list[ThreadedPool]:
        pools = self.pools
        return [pools.renders, pools.files, self.uploads, pools.hashing, pools.directory]

    def _parse_template(self, document: object) -> TemplateValues:
        return parse_template(document, choices(self.rules))

    async def _samples(self) -> None:
        try:
            if await deferToThread(provide_samples, self.settings):
                _log.info("Created the sample images")
        except OSError as error:
            _log.warn("the sample images can't be put into the library: {reason}", reason=error.strerror)

    async def _drained(self, grace: float) -> None:
        waiting = Deferred.fromCoroutine(self.site.drained())
        self._hurry.addCallback(lambda _: waiting.cancel())
        waiting.addTimeout(grace, self._reactor)
        waiting.addErrback(lambda _: self.site.abort())
        await waiting
        # Connections that were cut tell so in the next turn, and take their renders off the queue.
        await deferLater(self._reactor, 0)

    async def _ended(self, name: str, stop: Callable[[], None], limit: float) -> None:
        """Stop a pool of threads. Not on this thread, which would wait for theirs; nor for ever."""
        done: Deferred[None] = Deferred()

        def run() -> None:
            stop()
            self._reactor.callFromThread(lambda: None if done.called else done.callback(None))

        threading.Thread(target=run, name=f"stop-{name}", daemon=True).start()
        done.addTimeout(limit, self._reactor)
        done.addErrback(lambda _: _log.warn("{name} threads are still at work", name=name))
        await done


def _render_limits(settings: Settings) -> Any:
    return {
        "memory": settings.render_memory_mb * _MEGABYTE,
        "queue_max": settings.render_queue_max,
        "timeout": float(settings.render_timeout),
    }
