"""How many failed log-ins an account and an address have left, for all processes of all servers."""

from __future__ import annotations

from qisd.store.queries import Queries


async def take(db: Queries, subject: str, *, per_minute: int) -> float | None:
    """Take one from the budget of ``subject``, which grows by ``per_minute`` up to that number.

    In a transaction, which is to be rolled back when there was none.

    :returns: None when there was one; else the seconds until there is.
    """
    rows = await db.query(
        "insert into login_failures as f (subject, budget, updated) values (%s, %s - 1, now())"
        " on conflict (subject) do update set updated = now(), budget ="
        " greatest(least(%s, f.budget + extract(epoch from now() - f.updated) * %s / 60.0) - 1, -1)"
        " returning budget",
        (subject, per_minute, per_minute, per_minute),
    )
    budget = float(rows[0][0])
    return None if budget >= 0 else -budget * 60.0 / per_minute


async def give_back(db: Queries, subject: str) -> None:
    """The attempt was none that counts."""
    await db.execute("update login_failures set budget = budget + 1 where subject = %s", (subject,))


async def forget(db: Queries, subject: str) -> None:
    """Start over: whoever it was has logged in."""
    await db.execute("delete from login_failures where subject = %s", (subject,))


async def purge(db: Queries) -> None:
    """Remove those that are full again."""
    await db.execute("delete from login_failures where updated < now() - interval '1 hour'")
