"""The image templates: named sets of image options, which super-users make."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.errors import BadParameter, NotFound, Refused
from qisd.imaging.template import TemplateValues, stored_form
from qisd.store import image_templates, properties
from qisd.store.image_templates import Template
from qisd.store.part import Part
from qisd.store.pool import Database

DOCUMENT_MAX = 102_400
"""Longest JSON of a template, in characters."""

Parse = Callable[[object], TemplateValues]


class Templates:
    """All that can be done with templates.

    :param parse: checks the JSON of one; raises :class:`~qisd.errors.BadParameter`.
    """

    def __init__(self, database: Database, changes: Changes, *, parse: Parse) -> None:
        self._database = database
        self._changes = changes
        self._parse = parse

    # Reading

    async def listed(
        self, visitor: Visitor, *, q: str = "", sort: str = "", start: int = 0, limit: int | None = None
    ) -> Part[Template]:
        """Templates by name, for everybody who has logged in.

        :param q: only those whose name or description contains it, in any case.
        :param sort: a key of :data:`qisd.store.image_templates.SORTS`, after a minus downwards.
        """
        checks.require_login(visitor)
        key, descending = checks.sorting(sort, image_templates.SORTS, default="name")
        checks.part(start, limit)
        checks.storable("q", q)
        return await image_templates.listed(
            self._database, q=q, sort=key, descending=descending, start=start, limit=limit
        )

    async def get(self, visitor: Visitor, template_id: int) -> Template:
        """:raises NotFound: there is none."""
        checks.require_login(visitor)
        return _found(await image_templates.by_id(self._database, template_id), template_id)

    # Changing

    async def create(self, visitor: Visitor, *, name: str, description: str, document: object) -> Template:
        """Make a template.

        :param document: ``{"<field>": {"value": …}, …}``; what it is silent about is not kept.
        :raises BadParameter: a value is no such value, or the document isn't valid.
        :raises AlreadyExists: the name is taken, in any case.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        name, description = _texts(name, description)
        kept = self._checked(document)

        async def work(change: Change) -> Template:
            change.require(Flag.ADMIN_ALL)
            template = await image_templates.insert(change.db, name=name, description=description, document=kept)
            await change.record("template.created", template.id, after=_state(template))
            return template

        return await self._changes.run(visitor, work)

    async def update(
        self,
        visitor: Visitor,
        template_id: int,
        *,
        name: str,
        description: str,
        document: object,
        expected_version: int | None = None,
    ) -> Template:
        """Replace a template; nothing of the old document stays. The default template stays it under another name.

        :raises BadParameter: see :meth:`create`.
        :raises NotFound: there is none.
        :raises AlreadyExists: the name is taken, in any case.
        :raises OutOfDate: it is not version ``expected_version`` any more.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        name, description = _texts(name, description)
        kept = self._checked(document)

        async def work(change: Change) -> Template:
            change.require(Flag.ADMIN_ALL)
            old = _found(await image_templates.by_id(change.db, template_id), template_id)
            checks.version(f"template {template_id}", present=old.version, expected=expected_version)
            new = attrs.evolve(old, name=name, description=description, document=kept, disabled=False)
            if new == old:
                return old
            was_default = await properties.is_default_template(change.db, old.name)
            new = await image_templates.save(change.db, new)
            if was_default and name.lower() != old.name.lower():
                await properties.save(change.db, properties.DEFAULT_TEMPLATE, name.lower())
            await change.record("template.changed", template_id, before=_state(old), after=_state(new))
            return new

        return await self._changes.run(visitor, work)

    async def delete(self, visitor: Visitor, template_id: int, *, expected_version: int | None = None) -> None:
        """Remove a template.

        :raises NotFound: there is none.
        :raises Refused: it's the default template.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_ALL)
            old = _found(await image_templates.by_id(change.db, template_id), template_id)
            checks.version(f"template {template_id}", present=old.version, expected=expected_version)
            if await properties.is_default_template(change.db, old.name):
                raise Refused("the default template can't be deleted")
            await image_templates.delete(change.db, template_id)
            await change.record("template.deleted", template_id, before=_state(old))

        await self._changes.run(visitor, work)

    def _checked(self, document: object) -> dict[str, Any]:
        self._parse(document)
        kept = stored_form(document)
        if len(json.dumps(kept, ensure_ascii=False)) > DOCUMENT_MAX:
            raise BadParameter("template", f"Value is too long (max {DOCUMENT_MAX})")
        return kept


def _texts(name: str, description: str) -> tuple[str, str]:
    checks.text("description", description, most=checks.DESCRIPTION_MAX)
    return checks.text("name", name.strip(), least=1), description


def _found(template: Template | None, template_id: int) -> Template:
    if template is None:
        raise NotFound(str(template_id))
    return template


def _state(template: Template) -> dict[str, Any]:
    return {"name": template.name, "description": template.description, "template": dict(template.document)}
