"""What a change of permissions would open to everybody, or close, before it is made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import attrs

from qisd.access.levels import Flag, Level
from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.pools.gentle import in_pieces
from qisd.store import images
from qisd.store.first_run import PUBLIC
from qisd.store.pool import Database

_STEPS = 200


@attrs.frozen(kw_only=True)
class Proposal:
    """A level that a group would have in a folder, by its path without slashes around it; None: what is inherited."""

    folder: str
    group_id: int
    access: int | None


@attrs.frozen(kw_only=True)
class Publicity:
    """How many known images everybody could see that they can't see now, and the other way round."""

    opened: int = 0
    closed: int = 0


class PublicityPreview:
    """Counts. It takes permissions administration.

    :param snapshot: what requests on this server go by now.
    """

    def __init__(self, database: Database, *, snapshot: Callable[[], PermissionSnapshot], reactor: Any) -> None:
        self._database = database
        self._snapshot = snapshot
        self._reactor = reactor

    async def of(self, visitor: Visitor, proposals: Iterable[Proposal]) -> Publicity:
        """What ``proposals``, made together, would do."""
        checks.require_flag(visitor, Flag.ADMIN_PERMISSIONS)
        public = [one for one in proposals if one.group_id == PUBLIC]
        if not public:
            return Publicity()
        now = self._snapshot()
        then = PermissionSnapshot(accounts={}, groups={}, rows=_with(now.rows, public))
        counts = await images.counts_by_folder(self._database, _tops([one.folder for one in public]))
        return await in_pieces(self._reactor, _compare(counts, now, then))


def _with(rows: Mapping[str, Mapping[int, int]], proposals: Iterable[Proposal]) -> dict[str, Mapping[int, int]]:
    changed = dict(rows)
    for one in proposals:
        own = {group: level for group, level in changed.get(one.folder, {}).items() if group != one.group_id}
        changed[one.folder] = own if one.access is None else {**own, one.group_id: one.access}
    return changed


def _tops(folders: Iterable[str]) -> list[str]:
    """Those of ``folders`` that lie in none of the others."""
    found: list[str] = []
    for folder in sorted(set(folders)):
        if not any(not above or folder.startswith(f"{above}/") for above in found):
            found.append(folder)
    return found


def _compare(
    counts: Mapping[str, int], now: PermissionSnapshot, then: PermissionSnapshot
) -> Generator[None, None, Publicity]:
    opened = closed = 0
    for number, (folder, count) in enumerate(counts.items()):
        if number % _STEPS == 0:
            yield
        before, after = (one.level(frozenset(), folder) >= Level.VIEW for one in (now, then))
        opened += count if after and not before else 0
        closed += count if before and not after else 0
    return Publicity(opened=opened, closed=closed)
