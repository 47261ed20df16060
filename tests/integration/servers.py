"""Two servers of one site: one database and one image library, and nothing else in common but the key.

The second one comes to the database by a login of its own, so that it can be cut off alone, and has a clock that a test
puts forward: nobody waits for a second to pass, or for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from qisd.cache.memory import MemoryCache
from qisd.imaging.template import parse_template
from qisd.service.data_store import DataStore
from qisd.service.domain import Domain
from qisd.service.image_rules import choices, image_rules
from qisd.store.held import Held
from qisd.store.listener import CHANNEL, Listener
from qisd.web.door import make_site, open_rooms
from qisd.web.operations import Readiness
from tests.integration.api import ApiCase, Reply
from tests.integration.database import server

KEY = b"k" * 32
"""The key of :class:`~tests.integration.api.ApiCase`."""

BELIEVED = 1.01
"""Seconds after which a server asks again whether a session or a token holds."""

PATIENCE = 30.0
"""Seconds until what should have been heard counts as lost. A quiet machine needs a fraction of the first."""


class Ahead:
    """The reactor, with a clock that can be put forward."""

    def __init__(self) -> None:
        self.by = 0.0

    def seconds(self) -> float:
        return reactor.seconds() + self.by

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


@attrs.frozen(kw_only=True, eq=False)
class Server:
    """Another server.

    :ivar clock: all its times are by this.
    :ivar login: the name by which it comes to the database.
    """

    domain: Domain
    store: DataStore
    clock: Ahead
    port: int
    login: str

    @property
    def templates(self) -> Held[Any]:
        """What it holds of the templates."""
        held = self.store._templates
        assert held is not None
        return held._held

    @property
    def permissions(self) -> Held[Any]:
        """What it holds of users, groups and permissions."""
        return self.domain.permissions._held


class Ear:
    """Hears what a server hears, after the server itself."""

    def __init__(self, store: DataStore, channel: str = CHANNEL) -> None:
        self._heard: list[str] = []
        self._waiting: Deferred[None] | None = None
        self._ready: Deferred[None] = Deferred()
        self._listener = Listener(store.database.news, connected=self._connected, heard=self._hear, channel=channel)
        self._listener.start()

    async def opened(self) -> Ear:
        """Wait until it hears."""
        await self._ready
        return self

    async def hears(self, text: str) -> None:
        """Wait for this news; it may have been heard already. Once each."""
        while text not in self._heard:
            self._waiting = Deferred()
            self._waiting.addTimeout(PATIENCE, reactor)
            await self._waiting
        self._heard.remove(text)

    def close(self) -> None:
        self._listener.stop()

    def _connected(self) -> None:
        if not self._ready.called:
            self._ready.callback(None)

    def _hear(self, text: str) -> None:
        self._heard.append(text)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


class TwoServersCase(ApiCase):
    """A test with a second server, :attr:`other`, beside the one that :class:`ApiCase` has.

    :cvar key: what the other server signs with.
    """

    key = KEY

    async def setUp(self) -> None:
        await super().setUp()
        self.other = await self.another_server()

    async def another_server(self) -> Server:
        """A server that has just started."""
        state = self.folder / "other"
        state.mkdir()
        login = f"other_{self.name}"
        server().run_sql("postgres", f"create role {login} superuser login")
        self.addCleanup(server().run_sql, "postgres", f"drop role {login}")
        values = attrs.evolve(self.domain.settings, state_dir=state, logging_base_dir=state)
        rules = image_rules(values)
        clock = Ahead()
        store = DataStore(values, reactor=clock, parse=lambda document: parse_template(document, choices(rules)))
        await store.start(self.url.replace("user=qis", f"user={login}"))
        domain = Domain(
            values,
            rules=rules,
            store=store,
            pools=self.pools,
            cache=MemoryCache(capacity=10**7),
            track=lambda xref: None,
            keys=(self.key,),
            server="b" * 32,
            reactor=clock,
        )
        await domain.start()
        site = make_site(
            settings=values,
            access_log=None,
            readiness=lambda: Readiness(ready=True, checks={}),
            reactor=reactor,
            body_files=self.pools.uploads,
        )
        open_rooms(site, domain.rooms())
        listening = reactor.listenTCP(0, site, interface="127.0.0.1")

        async def close() -> None:
            await listening.stopListening()
            await self._connections.closeCachedConnections()
            await domain.stop()
            await store.stop()

        self.addCleanup(lambda: Deferred.fromCoroutine(close()))
        return Server(domain=domain, store=store, clock=clock, port=listening.getHost().port, login=login)

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        """Ask the other server, as :meth:`call` asks the first one."""
        return await self.call(method, path, port=self.other.port, **more)

    async def image(self, src: str, *, port: int | None = None, **more: Any) -> int:
        """The status with which an image is answered; by the other server, unless another one is named."""
        reply = await self.call("GET", "/image", query={"src": src}, port=port or self.other.port, **more)
        return reply.status

    async def ear(self, channel: str = CHANNEL) -> Ear:
        """Hears what the other server hears."""
        ear = Ear(self.other.store, channel)
        self.addCleanup(ear.close)
        return await ear.opened()

    async def soon(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until ``holds`` says yes. What is under way at this moment may bring it about as well as what comes."""
        deadline = reactor.seconds() + PATIENCE
        while not await holds():
            self.assertLess(reactor.seconds(), deadline, "it does not come to pass")
            await deferLater(reactor, 0.02)

    # Losing the database

    def cut_off(self, *, pools: bool = True) -> None:
        """Take the database away from the other server, and from it alone.

        :param pools: false leaves it all connections but the one by which it hears news.
        """
        server().run_sql("postgres", f"alter role {self.other.login} nologin")
        self.addCleanup(self.rejoin)
        pids = [] if pools else [link_pid(self.other)]
        server().run_sql(
            "postgres",
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s and (%s or pid = any(%s))",
            (self.other.login, pools, pids),
        )

    def rejoin(self) -> None:
        """Give the database back to it."""
        server().run_sql("postgres", f"alter role {self.other.login} login")

    async def deaf(self) -> None:
        """Wait until the other server knows that it hears nothing any more."""
        await self.eventually(lambda: self.other.permissions.deaf_for > 0.0)

    async def hearing(self) -> None:
        """Wait until it is back, by itself, and asks again whom it could not ask about meanwhile."""
        other = self.other
        await self.eventually(lambda: other.permissions.deaf_for == 0.0 and other.templates.deaf_for == 0.0)
        await self.eventually(lambda: other.store.database.available)
        other.clock.by += BELIEVED

    async def image_file(self, path: str, colour: str = "red") -> Path:
        """A picture that both servers have a record of."""
        file = self.paint(path, colour, size=(400, 300))
        await self.domain.library.registrar.image(path)
        return file


def link_pid(other: Server) -> int:
    """The process of the connection that brings the news."""
    link = other.store.database.news._link
    assert link is not None
    assert link.connection is not None
    return int(link.connection.info.backend_pid)
