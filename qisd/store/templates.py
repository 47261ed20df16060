"""The templates, as every process holds them: read at the start, and again when the database tells of a change."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.errors import BadParameter, StoreUnavailable
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.store.first_run import DEFAULT_TEMPLATE, TEMPLATES, template_document
from qisd.store.listener import Listener
from qisd.store.pool import Database

_log = Logger()

_TABLES = frozenset({"imagetemplates", "properties"})
_RETRY = 2.0

Parse = Callable[[object], TemplateValues]


class TemplateStore:
    """Holds all templates, and keeps them up to date within a second of a change anywhere.

    A template whose JSON isn't valid is left out and logged. When that happens to the default template, or it is gone,
    the last good one goes on serving, so that one bad edit doesn't end every image.

    :param parse: checks the JSON of one template; raises :class:`~qisd.errors.BadParameter`.
    """

    def __init__(self, database: Database, *, parse: Parse, reactor: Any) -> None:
        self._database = database
        self._parse = parse
        self._reactor = reactor
        self._listener = Listener(
            database.parameters, reactor=reactor, connected=self._read_again, heard=self._heard_change
        )
        self._snapshot: TemplateSnapshot | None = None
        self._loaded: Deferred[None] = Deferred()
        self._loading: Deferred[None] | None = None
        self._busy = False
        self._outdated = False

    @property
    def snapshot(self) -> TemplateSnapshot:
        """All templates as they are now. Another object after each change, the same one in between."""
        if self._snapshot is None:
            raise StoreUnavailable(detail="the templates haven't been read yet")
        return self._snapshot

    async def start(self) -> None:
        """Begin to listen, and read all templates once; waits until that worked."""
        self._listener.start()
        await self._loaded

    async def stop(self) -> None:
        self._listener.stop()
        if self._loading is not None:
            self._loading.cancel()

    async def reload(self) -> None:
        """Read and check all templates now, for instance because other formats are known than before.

        :raises StoreUnavailable: the database can't be asked; everything stays as it was.
        """
        rows = await self._database.query("select id, name, template from imagetemplates order by id")
        chosen = await self._database.query("select value from properties where key = 'pubimage_default_template'")
        self._snapshot = self._made_of(rows, wanted=chosen[0][0] if chosen else None)

    def _made_of(self, rows: list[tuple[Any, ...]], *, wanted: str | None) -> TemplateSnapshot:
        templates: dict[str, TemplateValues] = {}
        names: list[str] = []
        for number, name, document in rows:
            try:
                templates[name.lower()] = self._parse(document)
                names.append(name)
            except BadParameter as error:
                _log.error(
                    "template {name} (id {number}) is left out: {reason}",
                    name=name,
                    number=number,
                    reason=error.message,
                )
        default = templates.get((wanted or DEFAULT_TEMPLATE).strip().lower())
        if default is None:
            _log.error("the default template {name} is missing or not valid", name=wanted)
            default = self._snapshot.default if self._snapshot else self._built_in()
        return TemplateSnapshot(templates=MappingProxyType(templates), default=default, names=tuple(names))

    def _built_in(self) -> TemplateValues:
        return self._parse(template_document(TEMPLATES[DEFAULT_TEMPLATE]))

    def _heard_change(self, table: str) -> None:
        if table in _TABLES:
            self._read_again()

    def _read_again(self) -> None:
        """Read all again in the background; news that come meanwhile make it read once more."""
        self._outdated = True
        if not self._busy:
            self._busy = True
            self._loading = Deferred.fromCoroutine(self._load_until_fresh())
            self._loading.addErrback(self._failed)

    async def _load_until_fresh(self) -> None:
        try:
            while self._outdated:
                self._outdated = False
                try:
                    await self.reload()
                except StoreUnavailable as error:
                    _log.warn("can't read the templates: {reason}", reason=error.detail)
                    self._outdated = True
                    await deferLater(self._reactor, _RETRY)
        finally:
            self._busy = False
        if not self._loaded.called:
            self._loaded.callback(None)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, CancelledError):  # by our own stop
            return
        if self._loaded.called:
            _log.failure("can't read the templates", failure)
        else:
            self._loaded.errback(failure)
