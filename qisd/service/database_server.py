"""The database server: the embedded one is started and looked after, an external one waited for; both are prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from qisd.access.passwords import first_password
from qisd.errors import StartupError, StoreUnavailable
from qisd.repository.mounted import place_of
from qisd.settings import Settings
from qisd.store import images, properties
from qisd.store.embedded import EmbeddedPostgres
from qisd.store.migrate import migrate_and_seed
from qisd.store.pool import Database

_log = Logger()

_RETRY_EVERY = 2.0
_WATCH_EVERY = 5.0
_EXIT_CODE = 3


class DatabaseServer:
    """PostgreSQL, embedded or external, for all processes of this server. One process of them has it.

    :ivar knows_library: whether it knew of the image library at the start: of images, or that it has been at its place.
    """

    def __init__(self, settings: Settings, *, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._embedded: EmbeddedPostgres | None = None
        self._watch: LoopingCall | None = None
        self.knows_library = False

    async def start(self) -> str:
        """Wait for the database, however long that takes, and bring its schema up to date; gives its URL.

        :raises StartupError: it can't be used.
        """
        url = self._settings.mgmt_database_connection
        if not url:
            url = await self._start_embedded()
        else:
            _log.info("Using the PostgreSQL that MGMT_DATABASE_CONNECTION names")
        database = Database(url, reactor=self._reactor, size=1, query_timeout=self._settings.database_query_timeout)
        await database.start()
        try:
            await self._migrate(url)
            mark = await properties.library_mark(database)
            self.knows_library = mark.was_at(self._place()) or await images.count_active(database) > 0
        finally:
            await database.stop()
        return url

    def _place(self) -> str:
        """Where a folder is that the library is in."""
        return "" if self._settings.s3_bucket else place_of(self._settings.images_base_dir)

    async def stop(self) -> None:
        """Stop the embedded server, if that is what there is. Everybody must have left it."""
        if self._watch is not None and self._watch.running:
            self._watch.stop()
        if self._embedded is not None:
            await deferToThread(self._embedded.stop)

    async def _start_embedded(self) -> str:
        self._embedded = EmbeddedPostgres(
            self._settings.state_dir / "postgres",
            memory_mb=self._settings.embedded_database_memory_mb,
            log_file=_log_file(self._settings),
        )
        try:
            url = await deferToThread(self._embedded.start)
        except StartupError as error:
            raise StartupError(str(error), exit_code=_EXIT_CODE) from error
        self._watch = LoopingCall(self._look_after_embedded)
        self._watch.clock = self._reactor
        self._watch.start(_WATCH_EVERY, now=False)
        return url

    async def _look_after_embedded(self) -> None:
        """Start the embedded server again when it has died; does nothing while it lives."""
        if self._embedded is None:
            return
        try:
            await deferToThread(self._embedded.start)
        except StartupError as error:
            _log.error("the embedded database is down: {reason}", reason=str(error))
        except Exception:
            _log.failure("looking after the embedded database failed")

    async def _migrate(self, url: str) -> None:
        while True:
            try:
                await deferToThread(
                    migrate_and_seed,
                    url,
                    first_password=lambda: first_password(self._settings.admin_password),
                    state_dir=self._settings.state_dir,
                    log=lambda line: _log.info("{line}", line=line),
                )
            except StoreUnavailable as error:
                _log.warn("the database went away while it was being prepared: {reason}", reason=error.detail)
            else:
                return
            await deferLater(self._reactor, _RETRY_EVERY)


def _log_file(settings: Settings) -> Path:
    """The embedded server writes a file wherever our own log goes; without a directory for logs, beside its data."""
    return (settings.logging_base_dir if settings.log_target == "file" else settings.state_dir) / "postgres.log"
