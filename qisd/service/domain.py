"""All that needs the database: built once it is there, started in order, stopped in reverse."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.access.denials import Denials
from qisd.access.directory import Directory, DirectorySettings
from qisd.access.entry import Entry
from qisd.access.login import LogIn
from qisd.access.permissions import Permissions
from qisd.access.sessions import Lifetimes, Sessions
from qisd.access.throttle import LoginThrottle
from qisd.access.visitor import SYSTEM, Visitor
from qisd.accounts import tasks as account_tasks
from qisd.accounts.changes import Changes
from qisd.accounts.publicity import PublicityPreview
from qisd.accounts.webhook_addresses import Network
from qisd.accounts.webhook_sending import WebhookSending
from qisd.accounts.webhooks import Webhooks
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.leases import Leases
from qisd.cache.room import Room
from qisd.errors import Forbidden
from qisd.explaining import Explaining
from qisd.images import ImageRules, Images
from qisd.imaging.template import TemplateValues, parse_template
from qisd.library.bulk import Bulk
from qisd.library.library import Library
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.library.tasks import DISCOVER
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.pools.render import RenderPool
from qisd.portfolios.selections import Selections
from qisd.portfolios.usage import Usage
from qisd.precaching import Precaching
from qisd.repository.catalogue import SourceFacts
from qisd.repository.stores import open_store
from qisd.service.accounts import Accounts
from qisd.service.background import Background, simple
from qisd.service.certification import Certification
from qisd.service.data_store import DataStore
from qisd.service.image_rules import choices
from qisd.service.membership import EVERY as _BEAT_EVERY
from qisd.service.membership import Membership
from qisd.service.outbound import Outbound
from qisd.service.presence import Presence
from qisd.service.publishing import Publishing
from qisd.settings import Settings
from qisd.stats.counting import Statistics
from qisd.store import cache_epoch, disk_operations, idempotency, sessions, upload_results, users
from qisd.store.listener import Listener
from qisd.tasks import housekeeping
from qisd.tasks.schedule import DAY, HOUR, Job
from qisd.web.admission import Admission
from qisd.web.api.before_uploads import BeforeUploadEndpoints
from qisd.web.api.bulk import BulkEndpoints
from qisd.web.api.credentials import CredentialEndpoints
from qisd.web.api.dispatch import Dispatcher
from qisd.web.api.explain import ExplainEndpoints
from qisd.web.api.file_uploads import FileUploadEndpoints
from qisd.web.api.focal_points import FocalPointEndpoints
from qisd.web.api.folders import FolderEndpoints
from qisd.web.api.idempotency import Idempotency
from qisd.web.api.image_statistics import ImageStatisticsEndpoints
from qisd.web.api.image_usage import ImageUsageEndpoints
from qisd.web.api.images import ImageEndpoints
from qisd.web.api.imaging import ImagingEndpoints
from qisd.web.api.listing import ListEndpoints
from qisd.web.api.permission_matrix import PermissionMatrixEndpoints
from qisd.web.api.permission_people import PermissionPeopleEndpoints
from qisd.web.api.resumable import ResumableEndpoints
from qisd.web.api.routes import ApiRoutes
from qisd.web.api.search import SearchEndpoints
from qisd.web.api.selection_zips import SelectionZipEndpoints
from qisd.web.api.space import SpaceEndpoints
from qisd.web.api.task_events import TaskEventEndpoints
from qisd.web.api.tasks import TaskEndpoints
from qisd.web.api.template_usage import TemplateUsageEndpoints
from qisd.web.api.trash import TrashEndpoints
from qisd.web.api.uploads import UploadEndpoints, UploadResults
from qisd.web.api.webhooks import WebhookEndpoints
from qisd.web.challenges import Challenges
from qisd.web.console.account import AccountPages
from qisd.web.console.accounts import AdministrationPages
from qisd.web.console.browsing import BrowsingPages
from qisd.web.console.dispatch import PageDispatcher
from qisd.web.console.folder_forms import FolderForms
from qisd.web.console.frame import frame
from qisd.web.console.guide import GuidePages
from qisd.web.console.image_facts import ImageFacts
from qisd.web.console.image_page import ImagePages
from qisd.web.console.maintenance import MaintenancePages
from qisd.web.console.permissions import PermissionPages
from qisd.web.console.picking import PickerPages
from qisd.web.console.playground import PlaygroundPages
from qisd.web.console.product import ProductPages
from qisd.web.console.publishing import PublishPages
from qisd.web.console.reporting import ReportPages
from qisd.web.console.routes import ConsoleRoutes
from qisd.web.console.searching import SearchPages
from qisd.web.console.signin import SignInPages
from qisd.web.console.templates import TemplatePages
from qisd.web.console.trash_page import TrashPages
from qisd.web.console.uploading import UploadPages
from qisd.web.console.viewer_pages import ViewerPages
from qisd.web.console.welcome import WelcomePages
from qisd.web.hot import HotPath
from qisd.web.identity import Identity
from qisd.web.images import ImageHandlers
from qisd.web.reports import ReportHandlers
from qisd.web.resumable import PieceBodies
from qisd.web.root import Rooms
from qisd.web.tokenlogin import TokenLogIn

_log = Logger()

_FLUSH_EVERY = 60.0
_READ_EVERY = 300


async def _no_room_known() -> Room | None:
    return None


@attrs.frozen(kw_only=True)
class Pools:
    """Where work is done that would hold up the reactor.

    :param uploads: for what may be at a file for minutes.
    """

    files: FilePool
    uploads: FilePool
    renders: RenderPool
    hashing: HashingPool
    directory: FilePool


class Domain:
    """The capabilities of the server, tied together.

    :param keys: what sessions and tokens are signed with, the present one first.
    :param server: the id of this process among all that work on the library.
    :param leases: who makes an image, of all processes; None: this is the only one.
    :param floors: of ``cache``, by name, the quickest first.
    :param look: what the memory of this process has of ``cache``, without a wait.
    :param room: how full the cache is that all processes share.
    :param presence: tells which processes of this server are gone.
    :param certified: called when this server has got another certificate; None: that is for other processes.
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
        server: str,
        presence: Presence | None = None,
        leases: Leases | None = None,
        floors: Mapping[str, IRenditionCache] = MappingProxyType({}),
        look: Callable[[str], CachedRendition | None] = lambda key: None,
        room: Callable[[], Awaitable[Room | None]] = _no_room_known,
        certified: Callable[[], None] | None = None,
        reactor: Any,
    ) -> None:
        self.settings = settings
        self._rules = rules
        self._reactor = reactor
        self._pools = pools
        self._store = store
        self._presence = presence
        self._look = look
        self._elsewhere = cache.get
        self._floors = floors
        self._leases = leases
        self._loops: list[LoopingCall] = []
        self._server = server
        self._build_access(keys)
        self._build_library(server, cache, track)
        self._usage = Usage(store.database, files=self.library.files)
        self._upload_results = UploadResults(store.database, supported=self._supported)
        self.background = Background(store.database, reactor=reactor)
        self.accounts = Accounts(
            store.database,
            permissions=self.permissions,
            sessions=self.sessions,
            login=self.login,
            throttle=self.throttle,
            hashing=pools.hashing,
            files=pools.files,
            state_dir=settings.state_dir,
            parse=self._parse_template,
            reload_templates=store.reload,
        )
        self.publishing = Publishing(
            settings,
            database=store.database,
            files=pools.files,
            patient_files=pools.uploads,
            store=self._files,
            library=self.library.registrar,
            images=self.images,
            queue=self.background.queue,
            parse=self._parse_template,
            templates=store.templates,
            reactor=reactor,
        )
        self.bulk = Bulk(
            files=self.library.files,
            copying=self.library.copying,
            metadata=self.library.metadata,
            tree=self.library.tree,
            pool=pools.files,
            queue=self.background.queue,
            visitor_of=self._visitor_of,
        )
        self.precaching = Precaching(
            images=self.images,
            tree=self.library.tree,
            files=pools.files,
            templates=store.templates,
            supported=self._supported,
            room=room,
        )
        self.webhooks = Webhooks(
            store.database, Changes(store.database, applied=self.permissions.refresh), allowed=self._webhook_networks
        )
        self.webhook_sending = WebhookSending(
            store.database,
            queue=self.background.queue,
            post=Outbound(reactor, allowed=self._webhook_networks).post,
            seconds=reactor.seconds,
        )
        self.membership = Membership(store.database, server_id=server.partition(".")[0], settings=settings, key=keys[0])
        self.certification = Certification(
            settings,
            store=store,
            background=self.background,
            keys=keys,
            files=pools.files.run,
            calls=pools.directory.run,
            changed=certified,
            reactor=reactor,
        )
        self._add_tasks()
        self.api = ApiRoutes(
            Dispatcher(
                identity=self.identity,
                sessions=self.sessions,
                idempotency=Idempotency(store.database),
                refresh=self._refresh,
                denied=self.denials.note,
            ),
            self._endpoints(),
        )
        self.console = ConsoleRoutes(
            PageDispatcher(
                frame(),
                identity=self.identity,
                tokens=self.sessions,
                name_of=self._name_of,
                denied=self.denials.note,
            ),
            self._pages(),
        )

    def _build_access(self, keys: tuple[bytes, ...]) -> None:
        """Who asks, and what they may."""
        settings, database, reactor = self.settings, self._store.database, self._reactor
        self.permissions = Permissions(database, grace=settings.snapshot_grace, reactor=reactor)
        self.sessions = Sessions(
            database, keys=keys, lifetimes=_lifetimes(settings), reactor=reactor, now=reactor.seconds
        )
        self.throttle = LoginThrottle(database, per_minute=settings.login_rate)
        self.login = LogIn(
            database,
            throttle=self.throttle,
            hashing=self._pools.hashing,
            reactor=reactor,
            directory=self._directory(settings),
            group_sync=settings.ldap_group_sync,
        )
        self.denials = Denials(database)
        self.entry = Entry(database, login=self.login, sessions=self.sessions)
        self.identity = Identity(permissions=self.permissions, sessions=self.sessions)

    def _build_library(self, server: str, cache: IRenditionCache, track: Callable[[str], None]) -> None:
        """The files, and the images that are made of them."""
        settings, pools, reactor = self.settings, self._pools, self._reactor
        self._files = store = open_store(settings)
        self.library = Library(
            reactor,
            database=self._store.database,
            patient=self._store.patient,
            files=pools.files,
            uploads=pools.uploads,
            store=store,
            server=server,
            rules=_library_rules(settings, self._rules),
            changed=self._changed_here,
            focal_points_known=self._store.focal_points.catch_up,
            min_free_mb=settings.min_free_space_mb,
        )
        self._pieces = PieceBodies(self.library.resumable)
        self._news = Listener(
            self._store.database.news,
            connected=lambda: self._changed_elsewhere(""),
            heard=self._changed_elsewhere,
            channel=disk_operations.CHANNEL,
        )
        self.statistics = Statistics(
            self._store.database,
            reactor=reactor,
            frequency=settings.stats_frequency,
            cache_fill=cache.fill,
            unknown=self._register,
            now=reactor.seconds,
        )
        self.statistics.enabled = settings.stats_enabled
        self.images = Images(
            reactor,
            rules=self._rules,
            repository=store.repository,
            files=pools.files,
            renders=pools.renders,
            cache=cache,
            leases=self._leases,
            templates=self._store.templates,
            track=track,
            witness=_Witness(self.library.registrar),
            focal_points=self._store.focal_points,
            now=reactor.seconds,
        )

    def _endpoints(self) -> list[object]:
        """What the API consists of."""
        database, library, queue = self._store.database, self.library, self.background.queue
        return [
            CredentialEndpoints(database, entry=self.entry, sessions=self.sessions),
            ListEndpoints(database, listing=library.listing, supported=self._supported),
            ImageEndpoints(database, files=library.files, folders=library.folder_records, supported=self._supported),
            SearchEndpoints(
                search=library.search,
                metadata=library.metadata,
                folders=library.folder_records,
                supported=self._supported,
            ),
            FocalPointEndpoints(library.focal_points),
            ExplainEndpoints(
                Explaining(
                    self.images,
                    floors=self._floors,
                    templates=self._store.templates,
                    chosen=self._store.focal_points.chosen,
                )
            ),
            ImageStatisticsEndpoints(database, files=library.files, now=self._now),
            ImagingEndpoints(
                self.images,
                rules=lambda: self._rules,
                templates=self._store.templates,
                seconds=self._reactor.seconds,
            ),
            ImageUsageEndpoints(self._usage),
            TemplateUsageEndpoints(self._usage, now=self._now),
            BeforeUploadEndpoints(uploads=library.uploads, search=library.search, rules=library.rules),
            UploadEndpoints(uploads=library.uploads, results=self._upload_results),
            ResumableEndpoints(library.resumable, uploads=library.uploads, pieces=self._pieces),
            FileUploadEndpoints(
                uploads=library.uploads,
                files=library.files,
                folders=library.folder_records,
                supported=self._supported,
            ),
            BulkEndpoints(database, bulk=self.bulk),
            SelectionZipEndpoints(
                Selections(database, files=library.files, pool=self._pools.files, repository=self._files.repository)
            ),
            WebhookEndpoints(self.webhooks),
            FolderEndpoints(database, folders=library.folders, tasks=queue),
            TrashEndpoints(database, trash=library.trash, tasks=queue),
            *self.publishing.endpoints(supported=self._supported),
            *self.accounts.endpoints(),
            SpaceEndpoints(self._pools.files, places=self._places),
            PermissionPeopleEndpoints(lambda: self.permissions.snapshot),
            PermissionMatrixEndpoints(
                self.accounts.folder_permissions,
                PublicityPreview(database, snapshot=lambda: self.permissions.snapshot, reactor=self._reactor),
                registrar=library.registrar,
                tree=library.tree,
                files=self._pools.files,
                snapshot=lambda: self.permissions.snapshot,
            ),
            TaskEventEndpoints(queue=queue, watch=self.background.watch),
            TaskEndpoints(database, queue=queue, known=self.background.types),
        ]

    def _pages(self) -> list[object]:
        """What the console consists of."""
        return [
            WelcomePages(files=self.library.files),
            SignInPages(entry=self.entry, directory=self._has_directory),
            AccountPages(users=self.accounts.users, entry=self.entry),
            ProductPages(
                rules=lambda: self._rules,
                templates=self._store.templates,
                server=self._server,
                servers=lambda: self.membership.servers,
            ),
            UploadPages(
                uploads=self.library.uploads,
                results=self._upload_results,
                rules=self.library.rules,
                template=lambda: self.settings.image_uploaded_template,
            ),
            *self.publishing.pages(),
            self._image_pages(),
            *self._imaging_pages(),
            *self._folder_pages(),
            AdministrationPages(users=self.accounts.users, groups=self.accounts.groups, directory=self._has_directory),
            PermissionPages(self.accounts.trace),
            MaintenancePages(self.background.queue, keep_days=lambda: self.settings.stats_keep_days, now=self._now),
            ReportPages(self._store.database, frequency=lambda: self.settings.stats_frequency, now=self._now),
        ]

    def _imaging_pages(self) -> list[object]:
        """Where images are made up."""
        files, templates = self.library.files, self._store.templates
        return [
            PublishPages(files=files),
            TemplatePages(self.accounts.templates),
            GuidePages(files=files, rules=lambda: self._rules, templates=templates),
            PlaygroundPages(
                files=files, listing=self.library.listing, settings=lambda: self.settings, templates=templates
            ),
            ViewerPages(files=files),
        ]

    def _folder_pages(self) -> list[object]:
        """Those on which people find images, and order them."""
        library = self.library
        refresh = self.permissions.refresh

        def trash_days() -> int:
            return library.rules().trash_days

        return [
            BrowsingPages(library.listing, trash_days=trash_days),
            FolderForms(library.folders, tasks=self.background.queue, refresh=refresh),
            SearchPages(library.search, supported=self._supported, trash_days=trash_days),
            TrashPages(library.trash, refresh=refresh),
            PickerPages(library.folders, origins=lambda: self.settings.picker_origins),
        ]

    def _image_pages(self) -> ImagePages:
        library = self.library
        facts = ImageFacts(
            self._store.database,
            files=library.files,
            listing=library.listing,
            metadata=library.metadata,
            usage=self._usage,
            now=self._now,
        )
        return ImagePages(facts=facts, files=library.files, rules=library.rules, now=self._now)

    def _add_tasks(self) -> None:
        database = self._store.database
        self.background.add(self.library.task_types(self._visitor_of))
        self.background.add(self.bulk.task_types())
        self.background.add([self.precaching.task_type(self._visitor_of)])
        self.background.add([simple("flush_cache", "Forget all finished images", [self._flush_cache])])
        self.background.add(self.webhook_sending.task_types(), self.webhook_sending.jobs())
        self.background.add(
            [],
            [
                Job(name="expire_trash", interval_secs=DAY),
                Job(name="read_metadata", interval_secs=_READ_EVERY),
                Job(name=DISCOVER, interval_secs=DAY, params=self._discovering),
            ],
        )
        self.background.add(self.publishing.task_types(), self.publishing.jobs())
        self.background.add(
            housekeeping.task_types(
                database=self._store.patient,
                files=self._pools.files,
                temp_dir=lambda: self.settings.temp_dir,
                now=self._now,
            ),
            housekeeping.jobs(keep_days=lambda: self.settings.stats_keep_days, now=self._now),
        )
        self.background.add(
            account_tasks.task_types(audit=self.accounts.audit, users=self.accounts.users),
            account_tasks.jobs(
                audit_keep_days=lambda: self.settings.audit_keep_days,
                deleted_users_keep_days=lambda: self.settings.deleted_users_keep_days,
                now=self._now,
            ),
        )
        leftovers = [
            lambda: sessions.purge(database, idle=self.settings.session_idle),
            self.throttle.purge,
            lambda: upload_results.purge(database),
            lambda: idempotency.purge(database),
            self.library.resumable.expire,
        ]
        self.background.add(
            [simple("purge_sessions", "Remove what is over: sessions, counts of failures, old records", leftovers)],
            [Job(name="purge_sessions", interval_secs=HOUR)],
        )

    def _discovering(self) -> Mapping[str, Any] | None:
        """A bucket is not gone through without need: each file would be fetched."""
        return None if self.settings.s3_bucket else {}

    def _places(self) -> Mapping[str, Path]:
        """Where this server keeps things, by what they are."""
        settings = self.settings
        temporary = settings.temp_dir if settings.temp_dir != Path() else Path(tempfile.gettempdir())
        return {
            "images": settings.images_base_dir,
            "state": settings.state_dir,
            "logs": settings.logging_base_dir,
            "temp": temporary,
        }

    async def _flush_cache(self) -> None:
        await self._store.database.transaction(cache_epoch.advance)

    def rooms(self) -> Rooms:
        """What the site shows."""
        hot = HotPath(
            images=self.images,
            look=self._look,
            elsewhere=self._elsewhere,
            permissions=lambda: self.permissions.snapshot,
            statistics=self.statistics,
        )
        return Rooms(
            images=ImageHandlers(
                images=self.images,
                files=self._pools.files,
                identity=self.identity,
                statistics=self.statistics,
                hot=hot,
            ),
            hot=hot,
            token_login=TokenLogIn(identity=self.identity, entry=self.entry, frame=frame()),
            reports=ReportHandlers(
                self._store.database, identity=self.identity, frequency=lambda: self.settings.stats_frequency
            ),
            portfolios=self.publishing.downloads(identity=self.identity, count=self.statistics.folio_download),
            api=self.api,
            console=self.console,
            challenges=Challenges(
                own=self.certification.challenges.answer,
                webroot=lambda: self.settings.acme_webroot,
                files=self._pools.files,
            ),
            throttled=self.statistics.throttled,
            bodies=Admission(
                identity=self.identity,
                find=self.api.find,
                page=self.console.find,
                sink=self.library.staging,
                pieces=self._pieces,
                check_room=self._check_room,
            ),
        )

    async def start(self) -> None:
        """Begin to work. Waits for the database."""
        await self.permissions.start()
        await self._start_library()
        self._news.start()
        self.statistics.start()
        self.background.start(enabled=self.settings.tasks_enabled, at_once=self.settings.task_server_threads)
        await self.certification.start()
        self._every(_BEAT_EVERY, self.membership.beat, now=True)
        self._every(_FLUSH_EVERY, self.sessions.flush)
        self._every(_FLUSH_EVERY, self.denials.flush)

    async def _start_library(self) -> None:
        """See to what processes of this server have left that were killed."""
        if self._presence is None:
            await self.library.start([])
        else:
            await self.library.start(await self._pools.files.run(self._presence.gone))
            await self._pools.files.run(self._presence.forget)

    def end_streams(self) -> None:
        """End answers that go on for as long as there is something to tell."""
        self.background.watch.stop()

    async def stop(self) -> None:
        """Come to an end, with all written down that is only in memory."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
        await self.background.stop()
        await self.certification.stop()
        await self.library.stop()
        await self.statistics.stop()
        await self.sessions.flush()
        await self.denials.flush()
        self._news.stop()
        await self.permissions.stop()
        if self._presence is not None:
            self._presence.end()

    async def configure(self, settings: Settings, rules: ImageRules, *, keys: tuple[bytes, ...]) -> None:
        """Take over what can change while the daemon runs."""
        self.settings = settings
        self._rules = rules
        self.permissions.configure(grace=settings.snapshot_grace)
        self.sessions.configure(keys=keys, lifetimes=_lifetimes(settings))
        self.certification.configure(settings, keys)
        self.membership.configure(settings, keys[0])
        self.throttle.configure(per_minute=settings.login_rate)
        self.login.configure(directory=self._directory(settings), group_sync=settings.ldap_group_sync)
        self.library.configure(_library_rules(settings, rules), **_library_modes(settings))
        self.statistics.enabled = settings.stats_enabled
        self.statistics.set_frequency(settings.stats_frequency)
        self.publishing.configure(settings)
        self.images.configure(rules)
        await self.background.configure(enabled=settings.tasks_enabled, at_once=settings.task_server_threads)

    # What the parts need of each other

    def _parse_template(self, document: object) -> TemplateValues:
        return parse_template(document, choices(self._rules))

    def _webhook_networks(self) -> Sequence[Network]:
        return self.settings.webhook_networks

    def _has_directory(self) -> bool:
        return self.settings.ldap_integration

    def _supported(self, extension: str) -> bool:
        return self.library.rules().is_supported(extension)

    async def _name_of(self, visitor: Visitor) -> str:
        """What a user is called."""
        user = await users.by_id(self._store.database, visitor.user_id) if visitor.user_id is not None else None
        return user.display_name if user is not None else visitor.username or ""

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)

    def _visitor_of(self, user_id: int | None) -> Visitor:
        """On whose behalf a task works, with what they may now."""
        if user_id is None:
            return attrs.evolve(SYSTEM, snapshot=self.permissions.snapshot)
        visitor = self.permissions.user(user_id)
        if visitor is None:
            raise Forbidden("The user who has asked for this is not there any more")
        return visitor

    def _changed_here(self, path: str) -> None:
        self.images.changed(path)

    def _changed_elsewhere(self, path: str) -> None:
        self.library.forget(path)
        self.images.changed(path)

    async def _register(self, srcs: list[str]) -> None:
        await self.library.registrar.images(srcs)

    async def _check_room(self, length: int | None) -> None:
        await self._pools.files.run(lambda: self.library.staging.check_space(length or 0))

    async def _refresh(self, path: str) -> None:
        """Let a change that came through the API hold here at once."""
        if path.startswith("/admin/filesystem/folders/"):
            await self.permissions.refresh()

    def _directory(self, settings: Settings) -> Directory | None:
        values = DirectorySettings.of(settings)
        return None if values is None else Directory(values, run=self._pools.directory.run)

    def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]], *, now: bool = False) -> None:
        """Do ``work`` again and again. An error is logged, and does not end it.

        :param now: and not only after the first ``seconds``.
        """

        def once() -> Deferred[None]:
            done: Deferred[None] = Deferred.fromCoroutine(work())
            done.addErrback(_logged)
            return done

        loop = LoopingCall(once)
        loop.clock = self._reactor
        loop.start(seconds, now=now)
        self._loops.append(loop)


class _Witness:
    """Tells the registrar what image requests come across."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    def saw(self, path: str, facts: SourceFacts) -> None:
        # As the disk spells it: a name can have more than one form of the same letters.
        self._registrar.saw(os.fsdecode(facts.name), facts.info.width, facts.info.height)

    def missed(self, path: str) -> None:
        self._registrar.missed(path)


def _library_rules(settings: Settings, rules: ImageRules) -> LibraryRules:
    return LibraryRules(
        rendering=rules.rendering,
        unicode_names=settings.allow_unicode_filenames,
        trash_days=settings.trash_days,
        upload_dirs=settings.image_upload_dirs,
    )


def _library_modes(settings: Settings) -> dict[str, int]:
    return {
        "file_mode": settings.images_file_mode,
        "folder_mode": settings.images_dir_mode,
        "min_free_mb": settings.min_free_space_mb,
    }


def _logged(failure: Failure) -> None:
    _log.failure("regular work failed", failure)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        session=settings.session_lifetime,
        idle=settings.session_idle,
        token=settings.api_token_expiry_time,
        grace=settings.snapshot_grace,
    )
