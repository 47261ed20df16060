"""What users like, as the programs that they use want to remember it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from psycopg2.extras import Json

from qisd.store.queries import Queries


@attrs.frozen(kw_only=True)
class Preferences:
    """Those of a user: JSON values by name.

    :param version: counts changes; 0: nothing has ever been kept.
    """

    values: Mapping[str, Any] = attrs.field(factory=dict)
    version: int = 0


async def of_user(db: Queries, user_id: int, *, lock: bool = False) -> Preferences:
    """Those of a user.

    :param lock: nobody else changes what this user likes until the transaction ends.
    """
    if lock:  # the user's row, since there may be no preferences yet
        await db.query("select from users where id = %s for no key update", (user_id,))
    rows = await db.query("select preferences, version from user_preferences where user_id = %s", (user_id,))
    return Preferences(values=rows[0][0], version=rows[0][1]) if rows else Preferences()


async def save(db: Queries, user_id: int, values: Mapping[str, Any]) -> Preferences:
    """Keep ``values`` in place of all others of a user who exists."""
    rows = await db.query(
        "insert into user_preferences (user_id, preferences) values (%s, %s)"
        " on conflict (user_id) do update set preferences = excluded.preferences returning preferences, version",
        (user_id, Json(dict(values))),
    )
    return Preferences(values=rows[0][0], version=rows[0][1])
