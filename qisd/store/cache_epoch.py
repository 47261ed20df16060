"""The epoch of the caches: a number in all their keys that are shared. With another one, nothing old is found."""

from __future__ import annotations

from qisd.store.queries import Queries

CHANNEL = "qis_cache"
"""The channel on which processes are told: of another epoch, or :data:`MEMORY`."""

MEMORY = "memory"
"""What is told when the memory of processes is to be emptied, and nothing else."""

_KEY = "cache_epoch"


async def current(db: Queries) -> int:
    """The epoch now; 0 before it was ever raised."""
    rows = await db.query("select value::bigint from properties where key = %s", (_KEY,))
    return int(rows[0][0]) if rows else 0


async def advance(db: Queries) -> int:
    """Begin another epoch, and tell all processes of all servers. In a transaction."""
    rows = await db.query(
        "insert into properties (key, value) values (%s, '1')"
        " on conflict (key) do update set value = (properties.value::bigint + 1)::text returning value::bigint",
        (_KEY,),
    )
    await tell(db, str(rows[0][0]))
    return int(rows[0][0])


async def tell(db: Queries, what: str) -> None:
    """Tell all processes of all servers, once the transaction is committed."""
    await db.query("select pg_notify(%s, %s)", (CHANNEL, what))
