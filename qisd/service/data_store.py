"""The database, embedded or external, with all that lives in it: started in order, stopped in reverse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from qisd.access.passwords import first_password
from qisd.errors import StartupError, StoreUnavailable
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.settings import Settings
from qisd.store.embedded import EmbeddedPostgres
from qisd.store.migrate import migrate_and_seed
from qisd.store.pool import Database
from qisd.store.templates import TemplateStore

_log = Logger()

_PATIENT_CONNECTIONS = 3
_PATIENT_TIMEOUT = 900.0

_RETRY_EVERY = 2.0
_WATCH_EVERY = 5.0
_EXIT_CODE = 3


class DataStore:
    """What the other floors get their data from.

    :param parse: checks the JSON of one template.
    """

    def __init__(self, settings: Settings, *, reactor: Any, parse: Callable[[object], TemplateValues]) -> None:
        self._settings = settings
        self._reactor = reactor
        self._parse = parse
        self._embedded: EmbeddedPostgres | None = None
        self._watch: LoopingCall | None = None
        self._database: Database | None = None
        self._patient: Database | None = None
        self._templates: TemplateStore | None = None

    @property
    def available(self) -> bool:
        """Whether the database can be asked now."""
        return self._database is not None and self._database.available

    @property
    def database(self) -> Database:
        """The pool of connections.

        :raises StoreUnavailable: it hasn't been reached yet.
        """
        if self._database is None:
            raise StoreUnavailable(detail="the database hasn't been reached yet")
        return self._database

    @property
    def patient(self) -> Database:
        """Further connections, for work behind the scenes that may take its time.

        :raises StoreUnavailable: the database hasn't been reached yet.
        """
        if self._patient is None:
            raise StoreUnavailable(detail="the database hasn't been reached yet")
        return self._patient

    def templates(self) -> TemplateSnapshot:
        """The templates as they are now.

        :raises StoreUnavailable: they haven't been read yet.
        """
        if self._templates is None:
            raise StoreUnavailable(detail="the database hasn't been reached yet")
        return self._templates.snapshot

    async def start(self) -> None:
        """Wait for the database, however long that takes; bring its schema up to date; read what is held in memory.

        :raises StartupError: it can't be used.
        """
        url = self._settings.mgmt_database_connection
        if not url:
            url = await self._start_embedded()
        else:
            _log.info("Using the PostgreSQL that MGMT_DATABASE_CONNECTION names")
        self._database = Database(
            url,
            reactor=self._reactor,
            size=self._settings.mgmt_database_pool_size,
            query_timeout=self._settings.database_query_timeout,
        )
        await self._database.start()
        await self._migrate(url)
        self._patient = Database(url, reactor=self._reactor, size=_PATIENT_CONNECTIONS, query_timeout=_PATIENT_TIMEOUT)
        await self._patient.start()
        self._templates = TemplateStore(self._database, parse=self._parse, reactor=self._reactor)
        await self._templates.start()

    async def stop(self) -> None:
        """Stop what was started, the database last."""
        if self._templates is not None:
            await self._templates.stop()
        for database in (self._patient, self._database):
            if database is not None:
                await database.stop()
        if self._watch is not None and self._watch.running:
            self._watch.stop()
        if self._embedded is not None:
            await deferToThread(self._embedded.stop)

    async def reload(self) -> None:
        """Check the templates again, for other formats or profiles may be known now."""
        if self._templates is not None:
            try:
                await self._templates.reload()
            except StoreUnavailable as error:
                _log.warn("the templates could not be checked again: {reason}", reason=error.detail)

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
