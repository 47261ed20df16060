"""The properties of the installation: super-users see them all, and can choose the default template."""

from __future__ import annotations

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.errors import BadParameter, Forbidden, NotFound
from qisd.store import image_templates, properties
from qisd.store.pool import Database
from qisd.store.properties import DEFAULT_TEMPLATE, Property

VALUE_MAX = 10_000


class Properties:
    """Reading and changing them."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def get(self, visitor: Visitor, key: str) -> Property:
        """:raises NotFound: there is no such key."""
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        return _found(None if _unknown(key) else await properties.by_key(self._database, key), key)

    async def put(self, visitor: Visitor, key: str, value: str, *, expected_version: int | None = None) -> Property:
        """Change the value of a key. Only the default template can be chosen: the others are the server's own.

        :raises BadParameter: there is no such template, or it isn't valid.
        :raises NotFound: there is no such key.
        :raises Forbidden: nobody may change this one.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        checks.text("value", value, most=VALUE_MAX)

        async def work(change: Change) -> Property:
            change.require(Flag.ADMIN_ALL)
            old = _found(None if _unknown(key) else await properties.by_key(change.db, key), key)
            checks.version(f"property {key}", present=old.version, expected=expected_version)
            if key != DEFAULT_TEMPLATE:
                raise Forbidden(f"The property {key} is the server's own and can't be changed")
            template = await image_templates.by_name(change.db, value.strip())
            if template is None or template.disabled:
                raise BadParameter("value", "is not the name of a template")
            if old.value == value.strip():
                return old
            new = await properties.save(change.db, key, value.strip())
            await change.record("property.changed", key, before={"value": old.value}, after={"value": new.value})
            return new

        return await self._changes.run(visitor, work)


def _unknown(key: str) -> bool:
    """Whether it can't be a key, since it can't even be asked for."""
    return not key.isascii() or "\0" in key


def _found(found: Property | None, key: str) -> Property:
    if found is None:
        raise NotFound(key)
    return found
