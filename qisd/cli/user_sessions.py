"""What users have proved with who they are: sessions, tokens and keys, for ``qis user sessions``."""

from __future__ import annotations

from collections.abc import Sequence

from qisd.access.auditing import actor_of
from qisd.cli.moments import iso, shown
from qisd.cli.working import Tools
from qisd.store import audit, sessions
from qisd.store.pool import Transaction
from qisd.store.sessions import Kind, SessionRow

_KINDS: tuple[Kind, ...] = ("session", "token", "key")


async def sessions_of(tools: Tools, user_id: int) -> list[SessionRow]:
    """Those that hold, the newest first."""
    return await sessions.of_user(tools.database, user_id, _KINDS)


async def end_sessions(tools: Tools, user_id: int) -> list[SessionRow]:
    """End all of a user's; those that were ended. The daemons go by it after a second."""

    async def work(db: Transaction) -> list[SessionRow]:
        rows = await sessions.of_user(db, user_id, _KINDS)
        for row in rows:
            await sessions.revoke(db, row.id, user_id=user_id)
            await audit.record(
                db, actor_of(tools.visitor), action="session.ended", object_type="session", object_id=row.id
            )
        return rows

    return await tools.database.transaction(work)


def session_facts(row: SessionRow) -> dict[str, object]:
    """One as JSON."""
    return {
        "id": row.id,
        "kind": row.kind,
        "label": row.label,
        "scopes": list(row.scopes),
        "folder": row.folder,
        "address": row.address,
        "agent": row.agent,
        "created": iso(row.created),
        "last_used": iso(row.last_used),
        "expires": iso(row.expires),
    }


def session_table(rows: Sequence[SessionRow]) -> list[list[str]]:
    """All as lines for people."""
    head = ["ID", "KIND", "CREATED", "LAST USED", "EXPIRES", "ADDRESS", "LABEL OR PROGRAM"]
    return [
        head,
        *(
            [
                str(row.id),
                row.kind,
                shown(row.created),
                shown(row.last_used),
                shown(row.expires),
                row.address or "-",
                row.label or row.agent or "-",
            ]
            for row in rows
        ),
    ]
