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
        asked, folder = self._known.get(folder_id, (float("-inf"), None))
        if now - asked <= _BELIEVED:
            return folder
        folder = await folders.by_id(self._database, folder_id)
        self._known[folder_id] = now, folder
        self._known.move_to_end(folder_id)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return folder

    def forget(self) -> None:
        """Folders have changed."""
        self._known.clear()
