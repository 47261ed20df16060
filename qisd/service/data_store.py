"""What a process has of the database: connections, and what is held in memory of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.settings import Settings
from qisd.store.focal_points import FocalPoints
from qisd.store.pool import Database
from qisd.store.templates import TemplateStore

_log = Logger()

_PATIENT_CONNECTIONS = 3
_PATIENT_TIMEOUT = 900.0


class DataStore:
    """What the other floors get their data from.

    :param parse: checks the JSON of one template.
    """

    def __init__(self, settings: Settings, *, reactor: Any, parse: Callable[[object], TemplateValues]) -> None:
        self._settings = settings
        self._reactor = reactor
        self._parse = parse
        self._database: Database | None = None
        self._patient: Database | None = None
        self._templates: TemplateStore | None = None
        self._focal_points: FocalPoints | None = None

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

    @property
    def focal_points(self) -> FocalPoints:
        """What is to stay in view of images.

        :raises StoreUnavailable: the database hasn't been reached yet.
        """
        if self._focal_points is None:
            raise StoreUnavailable(detail="the database hasn't been reached yet")
        return self._focal_points

    def templates(self) -> TemplateSnapshot:
        """The templates as they are now.

        :raises StoreUnavailable: they haven't been read yet.
        """
        if self._templates is None:
            raise StoreUnavailable(detail="the database hasn't been reached yet")
        return self._templates.snapshot

    async def start(self, url: str) -> None:
        """Wait for the database, however long that takes, and read what is held in memory of it."""
        self._database = Database(
            url,
            reactor=self._reactor,
            size=self._settings.mgmt_database_pool_size,
            query_timeout=self._settings.database_query_timeout,
        )
        await self._database.start()
        self._patient = Database(url, reactor=self._reactor, size=_PATIENT_CONNECTIONS, query_timeout=_PATIENT_TIMEOUT)
        await self._patient.start()
        self._templates = TemplateStore(self._database, parse=self._parse, reactor=self._reactor)
        await self._templates.start()
        self._focal_points = FocalPoints(self._database, reactor=self._reactor)
        await self._focal_points.start()

    async def stop(self) -> None:
        """Leave the database."""
        for held in (self._focal_points, self._templates):
            if held is not None:
                await held.stop()
        for database in (self._patient, self._database):
            if database is not None:
                await database.stop()

    async def reload(self) -> None:
        """Check the templates again, for other formats or profiles may be known now."""
        if self._templates is not None:
            try:
                await self._templates.reload()
            except StoreUnavailable as error:
                _log.warn("the templates could not be checked again: {reason}", reason=error.detail)
