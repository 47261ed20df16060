"""Records that are asked for again and again, believed for a second."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime

from qisd.store import folders
from qisd.store.folders import Folder
from qisd.store.pool import Database

_BELIEVED = 1.0
_KEPT = 10_000


class FolderRecords:
    """The records of folders by id, for those who show a folder beside something else."""

    def __init__(self, reactor: IReactorTime, *, database: Database) -> None:
        self._reactor = reactor
        self._database = database
        self._known: OrderedDict[int, tuple[float, Folder | None]] = OrderedDict()

    async def by_id(self, folder_id: int) -> Folder | None:
        now = self._reactor.seconds()
        known = self._known
        asked, folder = known.get(folder_id, (float("-inf"), None))
        if now - asked <= _BELIEVED:
            return folder
        folder = await folders.by_id(self._database, folder_id)
        known[folder_id] = now, folder
        known.move_to_end(folder_id)
        if len(known) > _KEPT:
            known.popitem(last=False)
        return folder

    def forget(self) -> None:
        """Folders have changed."""
        # Another one instead of an emptied one: what is being asked at this moment is not to be remembered either.
        self._known = OrderedDict()
