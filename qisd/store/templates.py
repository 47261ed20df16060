"""The templates, as every process holds them: read at the start, and again when the database tells of a change."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from twisted.logger import Logger

from qisd.errors import BadParameter
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.store.first_run import DEFAULT_TEMPLATE, TEMPLATES, template_document
from qisd.store.held import Held
from qisd.store.pool import Database

_log = Logger()

_TABLES = frozenset({"imagetemplates", "properties"})
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
        self._last: TemplateSnapshot | None = None
        self._held = Held(database, what="templates", read=self._read, tables=_TABLES, reactor=reactor)

    @property
    def snapshot(self) -> TemplateSnapshot:
        """All templates as they are now. Another object after each change, the same one in between."""
        return self._held.value

    async def start(self) -> None:
        """Begin to listen, and read all templates once; waits until that worked."""
        await self._held.start()

    async def stop(self) -> None:
        await self._held.stop()

    async def reload(self) -> None:
        """Read and check all templates now, for instance because other formats are known than before.

        :raises StoreUnavailable: the database can't be asked; everything stays as it was.
        """
        await self._held.refresh()

    async def _read(self) -> TemplateSnapshot:
        rows = await self._database.query(
            "select id, name, template from imagetemplates where not disabled order by id"
        )
        chosen = await self._database.query("select value from properties where key = 'pubimage_default_template'")
        self._last = self._made_of(rows, wanted=chosen[0][0] if chosen else None)
        return self._last

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
            default = self._last.default if self._last else self._built_in()
        return TemplateSnapshot(templates=MappingProxyType(templates), default=default, names=tuple(names))

    def _built_in(self) -> TemplateValues:
        return self._parse(template_document(TEMPLATES[DEFAULT_TEMPLATE]))
