"""Whether a primary is the present one, or one that others have taken over from and that doesn't know of it.

Each promotion of a standby begins a new timeline, with a number above the one before. A primary that comes back after
its standby has been promoted still writes to the older one; what it is told would be lost.
"""

from __future__ import annotations

QUERY = """
select (select system_identifier from pg_control_system())::text,
       case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end
"""
"""Which database cluster this is, and the timeline that it writes to, in hexadecimal; null from a standby."""


class Timelines:
    """The newest timeline that has been seen of each database cluster."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}

    def admit(self, system: str, timeline: str | None) -> bool:
        """Whether a server with this answer to :data:`QUERY` may be used; what it says is kept in mind."""
        if timeline is None:
            return True  # a standby loses nothing: it refuses to write
        number = int(timeline, 16)
        if number < self._newest.get(system, 0):
            return False
        self._newest[system] = number
        return True
