"""All that needs the database: built once it is there, started in order, stopped in reverse."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.access.directory import Directory, DirectorySettings
from qisd.access.entry import Entry
from qisd.access.login import LogIn
from qisd.access.permissions import Permissions
from qisd.access.sessions import Lifetimes, Sessions
from qisd.access.throttle import LoginThrottle
from qisd.cache.interfaces import IRenditionCache
from qisd.images import ImageRules, Images
from qisd.imaging.template import parse_template
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.pools.render import RenderPool
from qisd.repository.files import Repository
from qisd.service.accounts import Accounts
from qisd.service.data_store import DataStore
from qisd.service.image_rules import choices
from qisd.settings import Settings
from qisd.web.admission import Admission
from qisd.web.api.credentials import CredentialEndpoints
from qisd.web.api.dispatch import Dispatcher
from qisd.web.api.routes import ApiRoutes
from qisd.web.identity import Identity
from qisd.web.images import ImageHandlers
from qisd.web.root import Rooms
from qisd.web.signin import SignInPages

_log = Logger()

_FLUSH_EVERY = 60.0


@attrs.frozen(kw_only=True)
class Pools:
    """Where work is done that would hold up the reactor."""

    files: FilePool
    renders: RenderPool
    hashing: HashingPool
    directory: FilePool


class Domain:
    """The capabilities of the server, tied together.

    :param keys: what sessions and tokens are signed with, the present one first.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        rules: ImageRules,
        store: DataStore,
        pools: Pools,
        cache: IRenditionCache,
        track: Callable[[str], None],
        keys: tuple[bytes, ...],
        reactor: Any,
    ) -> None:
        self.settings = settings
        self._reactor = reactor
        self._pools = pools
        self._store = store
        self._loops: list[LoopingCall] = []
        database = store.database
        self.permissions = Permissions(database, grace=settings.snapshot_grace, reactor=reactor)
        self.sessions = Sessions(
            database, keys=keys, lifetimes=_lifetimes(settings), reactor=reactor, now=reactor.seconds
        )
        self.throttle = LoginThrottle(database, per_minute=settings.login_rate)
        self.login = LogIn(
            database,
            throttle=self.throttle,
            hashing=pools.hashing,
            reactor=reactor,
            directory=self._directory(settings),
            group_sync=settings.ldap_group_sync,
        )
        self.entry = Entry(database, login=self.login, sessions=self.sessions)
        self.identity = Identity(permissions=self.permissions, sessions=self.sessions)
        self.images = Images(
            reactor,
            rules=rules,
            repository=Repository(settings.images_base_dir, check_file=settings.store_check_file),
            files=pools.files,
            renders=pools.renders,
            cache=cache,
            templates=store.templates,
            track=track,
            witness=self,
            now=reactor.seconds,
        )
        self._rules = rules
        self.accounts = Accounts(
            database,
            permissions=self.permissions,
            sessions=self.sessions,
            login=self.login,
            throttle=self.throttle,
            hashing=pools.hashing,
            files=pools.files,
            state_dir=settings.state_dir,
            parse=lambda document: parse_template(document, choices(self._rules)),
            reload_templates=store.reload,
        )
        self.api = ApiRoutes(
            Dispatcher(identity=self.identity, sessions=self.sessions, refresh=self._refresh),
            [
                CredentialEndpoints(database, entry=self.entry, sessions=self.sessions),
                *self.accounts.endpoints(),
            ],
        )

    def rooms(self) -> Rooms:
        """What the site shows."""
        return Rooms(
            images=ImageHandlers(images=self.images, files=self._pools.files, identity=self.identity, statistics=self),
            signin=SignInPages(identity=self.identity, entry=self.entry, sessions=self.sessions),
            api=self.api,
            bodies=Admission(identity=self.identity, sink=self, check_room=self._check_room),
        )

    async def start(self) -> None:
        """Begin to work. Waits for the database."""
        await self.permissions.start()
        self._every(_FLUSH_EVERY, self.sessions.flush)

    async def stop(self) -> None:
        """Come to an end, with all written down that is only in memory."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
        await self.sessions.flush()
        await self.permissions.stop()

    def configure(self, settings: Settings, rules: ImageRules, *, keys: tuple[bytes, ...]) -> None:
        """Take over what can change while the daemon runs."""
        self.settings = settings
        self.permissions.configure(grace=settings.snapshot_grace)
        self.sessions.configure(keys=keys, lifetimes=_lifetimes(settings))
        self.throttle.configure(per_minute=settings.login_rate)
        self.login.configure(directory=self._directory(settings), group_sync=settings.ldap_group_sync)
        self._rules = rules
        self.images.configure(rules)

    def saw(self, path: str, facts: object) -> None:
        """Nothing yet."""

    def missed(self, path: str) -> None:
        """Nothing yet."""

    def served(self, src: str | None, **fields: object) -> None:
        """Nothing yet."""

    def open(self, filename: str) -> Any:
        """Nothing yet."""

    async def _check_room(self, length: int | None) -> None:
        """Nothing yet."""

    async def _refresh(self, path: str) -> None:
        """Let a change that came through the API hold here at once."""
        if path.startswith("/admin/filesystem/folders/"):
            await self.permissions.refresh()

    def _directory(self, settings: Settings) -> Directory | None:
        values = DirectorySettings.of(settings)
        return None if values is None else Directory(values, run=self._pools.directory.run)

    def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do ``work`` again and again. An error is logged, and does not end it."""

        def once() -> Deferred[None]:
            done: Deferred[None] = Deferred.fromCoroutine(work())
            done.addErrback(_logged)
            return done

        loop = LoopingCall(once)
        loop.clock = self._reactor
        loop.start(seconds, now=False)
        self._loops.append(loop)


def _logged(failure: Failure) -> None:
    _log.failure("regular work failed", failure)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        session=settings.session_lifetime,
        idle=settings.session_idle,
        token=settings.api_token_expiry_time,
        grace=settings.snapshot_grace,
    )
