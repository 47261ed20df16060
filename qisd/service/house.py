"""The daemon's parts and how they hang together: the one place that builds them, starts and stops them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from qisd.access.passwords import tune
from qisd.access.secret_key import signing_keys
from qisd.images import ImageRules
from qisd.imaging.template import TemplateValues, parse_template
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.pools.render import RenderPool
from qisd.service.data_store import DataStore
from qisd.service.diagnostics import memory_in_use, overview
from qisd.service.domain import Domain, Pools
from qisd.service.floors import Floors
from qisd.service.flushing import Flushing
from qisd.service.image_rules import choices, image_rules
from qisd.service.listeners import Listeners
from qisd.service.measuring import Lag, measured
from qisd.service.metrics import Measures
from qisd.service.presence import Presence
from qisd.service.proxy_protocol import BehindBalancers
from qisd.service.server_id import server_id
from qisd.service.staffing import TASKS, stations
from qisd.service.xref import XrefTracker
from qisd.settings import LogLevels, Settings
from qisd.tls.certificates import Certificates
from qisd.tls.challenges import Proof
from qisd.tls.contexts import ContextHolder, make_context
from qisd.web.access import AccessLog
from qisd.web.console.frame import frame
from qisd.web.door import make_site, open_rooms
from qisd.web.operations import Readiness

_log = Logger()

_MEGABYTE = 1024 * 1024

_DIRECTORY_THREADS = 6

# Beyond all that a log-in may take by LDAP_TIMEOUT, which holds for each of its steps.
_DIRECTORY_TIMEOUT = 600.0

# Bringing gigabytes to the disk takes a while.
_UPLOAD_TIMEOUT = 600.0

# Seconds for which TLS sessions can be resumed at most; their keys are made anew then.
_TICKETS_FOR = 86_400.0

# What pools of threads get to come to an end, however little of the grace is left.
_LEAST_FOR_THREADS = 2.0


class ThreadedPool(Protocol):
    """A pool of threads, as far as starting and stopping goes."""

    @property
    def name(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class House:
    """All parts of a process that does the work. :meth:`begin`, :meth:`start`, then :meth:`stop`.

    Requests are accepted from :meth:`begin` on: ``/health`` answers at once, images as soon as the database does.

    :param role: what it is for: a worker's, see :class:`~qisd.service.staffing.Station`; None: everything.
    :ivar renewed: called when there are other certificates on this server.
    """

    def __init__(self, settings: Settings, *, reactor: Any, access_log: AccessLog, role: str | None = None) -> None:
        self.settings = settings
        self.role = role
        self._reactor = reactor
        self._ready = False
        self._leaving = False
        self._since = reactor.seconds()
        self._hurry: Deferred[None] = Deferred()
        self.rules = image_rules(settings)

        self.pools = Pools(
            files=FilePool(reactor),
            uploads=FilePool(reactor, name="uploads", timeout=_UPLOAD_TIMEOUT),
            renders=RenderPool(reactor, threads=self._threads(), sharers=self._sharers(), **_render_limits(settings)),
            hashing=HashingPool(reactor),
            directory=FilePool(reactor, name="directory", threads=_DIRECTORY_THREADS, timeout=_DIRECTORY_TIMEOUT),
        )
        self.floors = Floors(settings, reactor=reactor)
        self.xref = XrefTracker(settings.xref_tracking_url, reactor=reactor)
        self.store = DataStore(settings, reactor=reactor, parse=self._parse_template)
        self.domain: Domain | None = None
        self.flushing: Flushing | None = None
        self.site = make_site(
            settings=settings,
            access_log=access_log,
            readiness=self.readiness,
            reactor=reactor,
            body_files=self.pools.uploads,
        )
        self.site.noisy = False
        self.lag = Lag(reactor)
        self.lag.start()
        self.listeners = Listeners()
        self.renewed: Callable[[], None] = lambda: None
        self._tls: ContextHolder | None = None
        self._certificates: Certificates | None = None
        self._new_tickets = LoopingCall(self._change_ticket_keys)
        self._new_tickets.clock = reactor
        for pool in self._thread_pools():
            pool.start()

    def begin(self, listeners: Listeners, certificates: Certificates | None) -> None:
        """Accept connections."""
        if certificates is not None:
            self.certify(certificates)
            self._new_tickets.start(_TICKETS_FOR, now=False)
        self._accept(listeners)

    async def start(self, url: str) -> None:
        """Come into service, with the database at ``url``. Waits for it."""
        self.floors.start()
        pages = succeed(None) if self.role == TASKS else deferToThread(frame().prepare)
        await self.pools.hashing.run(tune)
        await self.store.start(url)
        self.flushing = Flushing(self.store.database, self.floors)
        await self.flushing.start()
        presence = await deferToThread(self._announce)
        self.domain = Domain(
            self._own(self.settings),
            rules=self.rules,
            store=self.store,
            pools=self.pools,
            cache=self.floors.cache,
            floors=self.floors.named,
            look=self.floors.memory.look,
            room=self.floors.room,
            leases=self.floors.leases(presence.id),
            track=self.xref.track,
            keys=await deferToThread(signing_keys, self.settings),
            server=presence.id,
            presence=presence,
            certified=self._tell_of_certificates if self.role in (None, "https") else None,
            reactor=self._reactor,
        )
        await self.domain.start()
        await pages
        open_rooms(self.site, self.domain.rooms())
        self._ready = True

    def _announce(self) -> Presence:
        return Presence(self.settings.state_dir, server_id(self.settings.state_dir))

    async def stop(self) -> None:
        """Finish the requests under way, within the time that is set for it, and end everything in order."""
        self._ready = False
        self.lag.stop()
        if self._new_tickets.running:
            self._new_tickets.stop()
        grace = self.settings.shutdown_grace
        deadline = self._reactor.seconds() + grace
        self.site.drain()
        if self.domain is not None:
            self.domain.end_streams()
        await self.listeners.close()
        await self._drained(grace)
        self.xref.stop()
        left = max(deadline - self._reactor.seconds(), _LEAST_FOR_THREADS)
        await self._ended("render", self.pools.renders.stop, left)
        if self.domain is not None:
            await self.domain.stop()
        if self.flushing is not None:
            self.flushing.stop()
        await self.floors.stop()
        for pool in self._thread_pools()[1:]:
            await self._ended(pool.name, pool.stop, _LEAST_FOR_THREADS)
        await self.store.stop()

    def leave(self) -> None:
        """Say that no more requests are wanted, and go on answering those that come."""
        self._leaving = True

    def hurry(self) -> None:
        """Stop waiting for requests under way."""
        if not self._hurry.called:
            self._hurry.callback(None)

    def readiness(self) -> Readiness:
        """Whether images can be served, and how each part fares. A lost database is no reason to get no requests."""
        return Readiness(
            ready=self._ready and not self._leaving,
            checks={
                "database": self.store.available,
                **self.floors.checks(),
                "render": self.pools.renders.waiting <= self.settings.render_queue_max // 2,
            },
        )

    def report(self) -> dict[str, Any]:
        """How this process fares, as JSON values."""
        readiness = self.readiness()
        return {
            "ready": readiness.ready,
            "checks": readiness.checks,
            "requests": self.site.requests_answered,
            "connections": self.site.connection_count,
            "rendering": self.pools.renders.active,
            "waiting": self.pools.renders.waiting,
            "cache": self._hits(),
            "memory": memory_in_use(),
        }

    def _hits(self) -> dict[str, int]:
        """Images by where they came from; those of the hot path came from memory."""
        hits = self.floors.report()
        return {**hits, "memory": hits["memory"] + (self.site.hot.answered if self.site.hot is not None else 0)}

    async def reports(self, within: float) -> list[dict[str, Any]]:
        """The same of all processes, of which this is the only one."""
        uptime = round(self._reactor.seconds() - self._since, 1)
        return [
            {"name": "server", "pid": os.getpid(), "state": "ready" if self._ready else "starting", "uptime": uptime}
            | {"restarts": 0, **self.report()}
        ]

    async def measures(self, within: float) -> list[Measures]:
        """What has been counted and measured here."""
        return [measured(self)]

    def reopen(self) -> None:
        """There are no other processes that would have to open the log files anew."""

    def set_log_levels(self, levels: LogLevels) -> None:
        """There are no other processes that log."""

    def tell(self) -> list[str]:
        """What this process is doing, in lines."""
        return overview(
            requests=self.site.pending_requests(),
            renders=self.pools.renders.labels(),
            connections=self.site.connection_count,
        )

    async def take_over(
        self, settings: Settings, rules: ImageRules, listeners: Listeners, certificates: Certificates | None
    ) -> None:
        """Go by all this from now on, as far as that is possible while it runs."""
        self.settings = settings
        self.rules = rules
        self.pools.renders.configure(**_render_limits(settings))
        self.floors.configure(settings)
        self.xref.configure(settings.xref_tracking_url)
        self.site.configure(settings)
        if self.domain is not None:
            keys = await deferToThread(signing_keys, settings)
            await self.domain.configure(self._own(settings), rules, keys=keys)
        await self.store.reload()
        if certificates is not None:
            self.certify(certificates)
        old = self.listeners
        self._accept(listeners)
        await old.close(but=listeners)

    def _own(self, settings: Settings) -> Settings:
        """``settings`` for this process: tasks are one worker's."""
        return settings if self.role is None else attrs.evolve(settings, tasks_enabled=self.role == TASKS)

    def _threads(self) -> int:
        return self.settings.https_threads if self.role == "https" else self.settings.http_threads

    def _sharers(self) -> int:
        """Workers of the same kind; those of the other protocol have seldom much to do at the same time."""
        return max(1, sum(station.role == self.role for station in stations(self.settings)))

    def certify(self, certificates: Certificates) -> None:
        """Show these to new connections from now on."""
        self._show(certificates)
        self._certificates = certificates
        self.site.certify(certificates.certified)
        if self.settings.hsts_max_age and all(pair.self_signed for pair in certificates):
            _log.warn("HSTS_MAX_AGE is not told to anybody: no authority vouches for the certificates of this server")

    def _show(self, certificates: Certificates) -> None:
        """With fresh keys for tickets."""
        context = make_context(certificates, self.settings, self._prove)
        if self._tls is None:
            self._tls = ContextHolder(context)
        else:
            self._tls.current = context

    def _tell_of_certificates(self) -> None:
        self.renewed()

    def _prove(self, name: str) -> Proof | None:
        """What a certificate authority gets to see that asks for ``name``."""
        return None if self.domain is None else self.domain.certification.challenges.proof(name)

    def _change_ticket_keys(self) -> None:
        """Whoever gets hold of the keys of TLS sessions shall be able to read a day with them, and not months."""
        if self._certificates is not None:
            self._show(self._certificates)

    def _accept(self, listeners: Listeners) -> None:
        """Accept connections at those addresses as well at which none are accepted so far."""
        for factory, some in ((self.site, listeners.http), (self._site_below_tls(), listeners.https)):
            for listener in some:
                if listener.port is None and factory is not None:
                    behind = BehindBalancers(factory, rules=lambda: self.settings, reactor=self._reactor)
                    listener.accept(self._reactor, behind)
        self.listeners = listeners

    def _site_below_tls(self) -> IProtocolFactory | None:
        return None if self._tls is None else TLSMemoryBIOFactory(self._tls, False, self.site)

    def _thread_pools(self) -> list[ThreadedPool]:
        pools = self.pools
        return [pools.renders, pools.files, pools.uploads, pools.hashing, pools.directory, *self.floors.pools]

    def _parse_template(self, document: object) -> TemplateValues:
        return parse_template(document, choices(self.rules))

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
