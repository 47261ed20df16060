"""What became of each user's last upload, for a page that is opened afterwards."""

from __future__ import annotations

import json
from typing import Any

from psycopg2.extras import Json

from qisd.store.queries import Queries

_KEPT = "interval '7 days'"


async def put(db: Queries, user_id: int, result: bytes) -> None:
    """Keep ``result``, a JSON text, in place of the one before."""
    await db.execute(
        "insert into upload_results (user_id, result, created) values (%s, %s, now())"
        " on conflict (user_id) do update set result = excluded.result, created = excluded.created",
        (user_id, Json(json.loads(result))),
    )


async def get(db: Queries, user_id: int) -> Any:
    """The last one; None when there was none for a week."""
    rows = await db.query(
        f"select result from upload_results where user_id = %s and created > now() - {_KEPT}",  # noqa: S608
        (user_id,),
    )
    return rows[0][0] if rows else None


async def purge(db: Queries) -> None:
    """Remove those that are too old."""
    await db.execute(f"delete from upload_results where created < now() - {_KEPT}")  # noqa: S608
