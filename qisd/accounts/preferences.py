"""What users like, kept for the programs that they use. It means nothing to the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.errors import BadParameter, NotAuthenticated
from qisd.store import user_preferences
from qisd.store.pool import Database, Transaction
from qisd.store.user_preferences import Preferences

NAMES_MAX, NAME_MAX = 100, 64
TEXT_MAX = 32_000
"""Characters of all of it, as JSON."""

_PARAMETER = "preferences"


class UserPreferences:
    """Everybody's own; nobody sees those of others."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, visitor: Visitor) -> Preferences:
        """:raises NotAuthenticated: nobody has logged in."""
        return await user_preferences.of_user(self._database, _user(visitor))

    async def put(
        self, visitor: Visitor, values: Mapping[str, Any], *, merge: bool = False, version: int | None = None
    ) -> Preferences:
        """Keep ``values``.

        :param merge: beside what there is under other names; one that is None goes. Else in place of it.
        :param version: that the visitor has seen; 0 is nothing.
        :raises BadParameter: it is too much, or can't be kept.
        :raises OutOfDate: something else is there by now.
        """
        user_id = _user(visitor)
        visitor.require_writing()

        async def work(db: Transaction) -> Preferences:
            before = await user_preferences.of_user(db, user_id, lock=True)
            checks.version(_PARAMETER, present=before.version, expected=version)
            wanted = {**before.values, **values} if merge else dict(values)
            if merge:
                wanted = {name: value for name, value in wanted.items() if value is not None}
            return await user_preferences.save(db, user_id, _checked(wanted))

        return await self._database.transaction(work)


def _user(visitor: Visitor) -> int:
    if visitor.user_id is None:
        raise NotAuthenticated
    return visitor.user_id


def _checked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(values) > NAMES_MAX:
        raise BadParameter(_PARAMETER, f"too many names (max {NAMES_MAX})")
    for name in values:
        checks.text(_PARAMETER, name, least=1, most=NAME_MAX)
    try:
        text = json.dumps(dict(values), ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise BadParameter(_PARAMETER, "not a number") from None
    checks.text(_PARAMETER, text.replace("\\u0000", "\0"), most=TEXT_MAX)
    return values
