"""The image library as a whole: its parts, how they hang together, and the order in which they start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.library.copying import Copying
from qisd.library.files import Files
from qisd.library.focal_points import ImageFocalPoints
from qisd.library.folders import Folders
from qisd.library.guard import Guard
from qisd.library.integrity import IntegrityCheck
from qisd.library.journal import Journal
from qisd.library.listing import Listing
from qisd.library.metadata import Metadata
from qisd.library.operations import KINDS
from qisd.library.reading import Reading
from qisd.library.records import FolderRecords
from qisd.library.registrar import Registrar
from qisd.library.resumable import Resumable
from qisd.library.rules import LibraryRules
from qisd.library.search import Search
from qisd.library.tasks import VisitorOf, task_types
from qisd.library.trash import Trash
from qisd.library.uploads import Uploads
from qisd.library.verification import Verification
from qisd.pools.files import FilePool
from qisd.repository.staging import Staging
from qisd.repository.stores import Store
from qisd.store.pool import Database
from qisd.tasks.registry import TaskType

_log = Logger()


async def _nothing_to_wait_for() -> None:
    pass


class Library:
    """Everything that can be done with folders and files.

    :param database: for requests.
    :param patient: a database whose time limit allows for statements about whole folders.
    :param uploads: threads that may be at something for minutes: reading a whole file, bringing it to the disk,
        removing a folder with all that is in it.
    :param store: where the files are.
    :param server: the id of this process among all that work on the library.
    :param changed: told the path of each file and folder that a visitor has changed, without leading slash. Other
        processes are told by :data:`qisd.store.disk_operations.CHANNEL`: what is heard there goes to :meth:`forget`.
    :param focal_points_known: waits until this process goes by the focal points that have been written.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        patient: Database,
        files: FilePool,
        uploads: FilePool,
        store: Store,
        server: str,
        rules: LibraryRules,
        min_free_mb: int = 0,
        changed: Callable[[str], None] = lambda path: None,
        focal_points_known: Callable[[], Awaitable[None]] = _nothing_to_wait_for,
    ) -> None:
        self._rules = rules
        self._pool = files
        self._patient = patient
        self._tell = changed
        self.folder_records = FolderRecords(reactor, database=database)
        self.tree = store.tree
        repository = store.repository
        self.staging = Staging(self.tree, server=server, min_free_mb=min_free_mb)
        self.guard = Guard(reactor, database=database, files=files, mounted=store.mounted)
        self.journal = Journal(
            reactor,
            database=patient,
            files=files if store.remote is None else uploads,
            tree=self.tree,
            server=server,
            kinds=KINDS,
            changed=self._changed,
        )
        self.registrar = Registrar(
            reactor,
            database=database,
            files=files,
            tree=self.tree,
            repository=repository,
            guard=self.guard,
            rules=self.rules,
        )
        self.folders = Folders(
            reactor,
            database=database,
            files=files,
            tree=self.tree,
            staging=self.staging,
            journal=self.journal,
            registrar=self.registrar,
            rules=self.rules,
        )
        self.files = Files(
            reactor,
            database=database,
            files=files,
            tree=self.tree,
            repository=repository,
            staging=self.staging,
            journal=self.journal,
            registrar=self.registrar,
            rules=self.rules,
            changed=self._changed,
        )
        self.search = Search(reactor, database=database)
        self.uploads = Uploads(
            reactor,
            files=files,
            tree=self.tree,
            journal=self.journal,
            folders=self.folders,
            search=self.search,
            rules=self.rules,
        )
        self.resumable = Resumable(
            reactor,
            database=database,
            files=files,
            patient_files=uploads,
            tree=self.tree,
            staging=self.staging,
            uploads=self.uploads,
        )
        self.listing = Listing(
            reactor, database=database, files=files, tree=self.tree, registrar=self.registrar, rules=self.rules
        )
        self.trash = Trash(
            database=database,
            files=files,
            patient_files=uploads,
            tree=self.tree,
            journal=self.journal,
            folders=self.folders,
        )
        self.metadata = Metadata(database=database, files=self.files, changed=self._changed)
        self.copying = Copying(
            files=self.files,
            metadata=self.metadata,
            uploads=self.uploads,
            patient_files=uploads,
            repository=repository,
            staging=self.staging,
        )
        self.focal_points = ImageFocalPoints(
            database=database, files=self.files, changed=self._changed, known=focal_points_known
        )
        self.reading = Reading(
            database=database, files=files, repository=repository, registrar=self.registrar, rules=self.rules
        )
        self.integrity = IntegrityCheck(
            reactor,
            database=patient,
            files=files,
            repository=repository,
            registrar=self.registrar,
            guard=self.guard,
        )
        self.verification = Verification(
            database=patient,
            files=files,
            tree=self.tree,
            registrar=self.registrar,
            guard=self.guard,
            rules=self.rules,
        )

    def rules(self) -> LibraryRules:
        """What the operator has set, as it is now."""
        return self._rules

    def configure(
        self, rules: LibraryRules, *, file_mode: int = 0o644, folder_mode: int = 0o755, min_free_mb: int = 0
    ) -> None:
        """Go by other rules from now on."""
        self._rules = rules
        self.tree.file_mode = file_mode
        self.tree.folder_mode = folder_mode
        self.staging.min_free_mb = min_free_mb

    async def start(self, gone: Sequence[str]) -> None:
        """End what was cut short, before anybody may change anything; then begin.

        :param gone: the ids of processes that certainly don't work on the library any more.
        """
        await self.guard.start()
        await self.journal.recover(gone)
        try:
            await self._pool.run(lambda: self.staging.sweep(gone))
        except StoreUnavailable as error:
            _log.warn("what earlier processes received can't be removed: {reason}", reason=error.detail)
        self.journal.start()
        self.registrar.start()

    async def stop(self) -> None:
        """Let changes under way come to their end, and write what was seen."""
        await self.journal.stop()
        await self.registrar.stop()

    def forget(self, path: str) -> None:
        """What is at or below ``path`` is not what it was: somebody has changed it."""
        self.registrar.forget(path)
        self.folder_records.forget()

    def task_types(self, visitor_of: VisitorOf) -> list[TaskType]:
        """The library's work that goes on by itself."""
        return task_types(
            database=self._patient,
            folders_=self.folders,
            trash=self.trash,
            registrar=self.registrar,
            verification=self.verification,
            integrity=self.integrity,
            reading=self.reading,
            visitor_of=visitor_of,
        )

    def _changed(self, path: str) -> None:
        self.forget(path)
        self._tell(path)
