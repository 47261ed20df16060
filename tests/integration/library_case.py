"""A whole image library for tests: a database, a folder on disk, and visitors with one level each."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image as Picture
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qisd.access.levels import Flag, Level
from qisd.access.snapshot import Account, PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.library.library import Library
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.staging import IncomingFile
from qisd.repository.stores import Store, folder_store
from tests.integration.database import DatabaseCase

ADMIN = Account(
    id=1, username="admin", active=True, allow_api=True, stamp=1, groups=frozenset({2, 3}), flags=frozenset(Flag)
)


def picture(width: int = 8, height: int = 6, kind: str = "JPEG") -> bytes:
    """The bytes of a small image."""
    data = io.BytesIO()
    Picture.new("RGB", (width, height), (width % 256, height % 256, 99)).save(data, kind)
    return data.getvalue()


def admin() -> Visitor:
    return Visitor(account=ADMIN, by="session")


def visitor(**levels: int) -> Visitor:
    """A user with these levels; ``root`` is the root, and underscores are slashes."""
    rows = {path.replace("_", "/") if path != "root" else "": {1: level} for path, level in levels.items()}
    account = Account(
        id=1, username="user", active=True, allow_api=True, stamp=1, groups=frozenset({2}), flags=frozenset()
    )
    return Visitor(account=account, by="session", snapshot=PermissionSnapshot(accounts={}, groups={}, rows=rows))


def anonymous(level: int = Level.VIEW) -> Visitor:
    return Visitor(snapshot=PermissionSnapshot(accounts={}, groups={}, rows={"": {1: level}}))


class LibraryCase(DatabaseCase):
    """:ivar library: started. :ivar root: its folder. :ivar changed: the paths that it told of."""

    rules = LibraryRules(trash_days=30, upload_dirs=(("Today", "%Y-%m-%d"), ("Samples", "samples")))
    pool_size = 6

    async def setUp(self) -> None:
        await super().setUp()
        self.root = Path(tempfile.mkdtemp(prefix="qt-library-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.pool = FilePool(reactor)
        self.pool.start()
        self.addCleanup(self.pool.stop)
        self.changed: list[str] = []
        self.library = self.make_library()
        await self.library.start(["s1"])
        self.addCleanup(lambda: self.library.stop())

    def make_library(self, server: str = "s1", rules: LibraryRules | None = None) -> Library:
        return Library(
            reactor,
            database=self.database,
            patient=self.database,
            files=self.pool,
            uploads=self.pool,
            store=self.make_store(),
            server=server,
            rules=rules or self.rules,
            changed=self.changed.append,
        )

    def make_store(self) -> Store:
        return folder_store(self.root)

    def write(self, path: str, data: bytes | None = None) -> None:
        """Put a file there behind the library's back."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(picture() if data is None else data)

    def incoming(self, filename: str, data: bytes | None = None) -> IncomingFile:
        """A file that has arrived."""
        one = self.library.staging.open(filename)
        one.write(picture() if data is None else data)
        one.finish()
        return one

    def disk(self) -> list[str]:
        """All visible files and empty folders."""
        found = [path.relative_to(self.root) for path in self.root.rglob("*")]
        visible = [path for path in found if not any(part.startswith(".") for part in path.parts)]
        return sorted(
            str(path) + ("/" if (self.root / path).is_dir() else "")
            for path in visible
            if not (self.root / path).is_dir() or not any((self.root / path).iterdir())
        )

    def left_over(self) -> list[str]:
        """Files of our own besides the trash, and rows of the journal."""
        files = [str(path.relative_to(self.root)) for path in (self.root / ".uploads").rglob("*") if not path.is_dir()]
        odd = [path.name for path in self.root.rglob(".*") if path.name.endswith((".part", ".moved"))]
        return [*files, *odd, *(row[0] for row in self.sql("select kind from disk_operations"))]

    def rows(self) -> list[tuple[str, int]]:
        return self.sql("select src, status from images order by src")

    def history(self, src: str) -> list[tuple[int, int | None]]:
        return self.sql(
            "select action, user_id from imagesaudit a join images i on i.id = a.image_id where src = %s order by a.id",
            src,
        )

    async def refusal(self, kind: type[Exception], work: object) -> Exception:
        """The error of this kind that a coroutine ends with."""
        return await self.assertFailure(Deferred.fromCoroutine(work), kind)  # type: ignore[arg-type]
