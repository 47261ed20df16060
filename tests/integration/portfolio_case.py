"""What the tests of portfolios share: people, a small library, and a renderer that does what the test says."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from PIL import Image as Picture
from twisted.internet import reactor
from twisted.internet.task import Clock

from qisd.access.levels import Flag, implied
from qisd.access.snapshot import Account, PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.errors import NotFound
from qisd.images import ImageBytes
from qisd.imaging.formats import FORMATS
from qisd.imaging.rules import Choices
from qisd.imaging.template import TemplateSnapshot, TemplateValues, parse_template
from qisd.pools.files import FilePool
from qisd.portfolios.export_files import ExportFiles, ExportPlace
from qisd.portfolios.exports import Exports
from qisd.portfolios.images import PortfolioImages
from qisd.portfolios.parameters import ParameterRules
from qisd.portfolios.portfolios import Header, Portfolios
from qisd.portfolios.tasks import EXPIRY_TASK, task_types
from qisd.portfolios.views import PortfolioView
from qisd.portfolios.zipping import Rendered, ZipMaker
from qisd.repository.files import Repository
from qisd.store import folders, images, tasks
from qisd.store.image_history import Action
from qisd.store.images import FoundFile, Image, folder_of
from qisd.store.pool import Database
from qisd.store.portfolio_exports import EXPORT_TASK, Export
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskTypes
from tests.integration.database import DatabaseCase

CHOICES = Choices(write_formats=frozenset({"jpg", "jpeg", "png"}), profiles=frozenset({"srgb"}), max_dimension=15000)
STAFF = 40
"""A group of the tests'."""


@attrs.frozen
class Library:
    """Files below a root, registered as they are asked for."""

    database: Database
    root: Path

    async def spelling(self, path: str) -> str:
        return path

    async def image(self, src: str) -> Image:
        if not (self.root / src).is_file():
            raise NotFound(src)
        status = (self.root / src).stat()

        async def work(db: Any) -> Image:
            folder = await folders.ensure_folders(db, folders.stored(folder_of(src)))
            found = FoundFile(
                src=src,
                width=4,
                height=3,
                file_size=status.st_size,
                file_mtime_ns=status.st_mtime_ns,
                file_inode=status.st_ino,
            )
            made = await images.register(
                db, [found], [folder.id], user_id=None, action=Action.CREATED, info="detected {src}"
            )
            return made[src]

        return await self.database.transaction(work)


class PortfolioCase(DatabaseCase):
    """A database, a library with pictures, and people.

    :ivar anna: may have portfolios, and download everywhere; ``bert`` is another user, ``carl`` may have portfolios but
        only view; ``chief`` administers portfolios, and sees no more files than others; ``anyone`` has not logged in.
    """

    async def setUp(self) -> None:
        await super().setUp()
        self.root = Path(self.mktemp()).resolve()
        for src in ("shop/chair.png", "shop/table.png", "shop/old/chair.png", "secret/plan.png", "logo.png"):
            self.paint(src)
        self._make_people()
        self.clock = Clock()
        self.clock.advance(time.time())
        self.files = FilePool(reactor)
        self.files.start()
        self.addCleanup(self.files.stop)
        self.place = ExportPlace(root=self.root, folder=".folio_exports")
        self.zips = ExportFiles(lambda: self.place)
        self.library = Library(self.database, self.root)
        self.rules = ParameterRules(
            parse=lambda document: parse_template(document, CHOICES),
            templates=lambda: TemplateSnapshot(templates={"smalljpeg": TemplateValues()}, default=TemplateValues()),
            spelling=self.library.spelling,
        )
        self.rendered: list[tuple[str, dict[str, Any]]] = []
        self.types = TaskTypes()
        self.queue = TaskQueue(self.database, self.types, reactor=reactor)
        self.maker = ZipMaker(
            files=self.files,
            patient_files=self.files,
            zips=self.zips,
            repository=Repository(self.root),
            render=self.render,
            reactor=self.clock,
        )
        self.types.add(
            task_types(database=self.database, files=self.files, zips=self.zips, maker=self.maker, reactor=self.clock)
        )
        self.portfolios = Portfolios(self.database, files=self.files, zips=self.zips, reactor=self.clock)
        self.images = PortfolioImages(self.database, library=self.library, parameters=self.rules, reactor=self.clock)
        self.exports = Exports(
            self.database,
            tasks=self.queue,
            files=self.files,
            zips=self.zips,
            parameters=self.rules,
            reactor=self.clock,
        )

    def _make_people(self) -> None:
        self.sql("insert into groups (id, name) values (%s, 'Staff')", STAFF)
        self.rows: dict[str, dict[int, int]] = {"": {1: 10, 2: 10, STAFF: 20}, "secret": {1: 0, 2: 0, STAFF: 0}}
        flags = {
            "anna": (Flag.FOLIOS,),
            "bert": (),
            "carl": (Flag.FOLIOS,),
            "chief": (Flag.ADMIN_FOLIOS,),
            "files": (Flag.ADMIN_FILES,),
        }
        accounts = {}
        for name, given in flags.items():
            [[number]] = self.sql("insert into users (username, password) values (%s, 'x') returning id", name)
            groups = {2, STAFF} if name == "anna" else {2}
            accounts[number] = Account(
                id=number,
                username=name,
                active=True,
                allow_api=True,
                stamp=1,
                groups=frozenset(groups),
                flags=implied(given),
            )
        self.snapshot = PermissionSnapshot(accounts=accounts, groups={}, rows=self.rows)
        people = {
            account.username: Visitor(account=account, by="session", snapshot=self.snapshot)
            for account in accounts.values()
        }
        self.anna, self.bert, self.carl = people["anna"], people["bert"], people["carl"]
        self.chief, self.files_admin = people["chief"], people["files"]
        self.anyone = Visitor(snapshot=self.snapshot)

    def seen_by(self, visitor: Visitor, **rows: Mapping[int, int]) -> Visitor:
        """``visitor``, with other folder permissions besides."""
        snapshot = attrs.evolve(self.snapshot, rows={**self.rows, **rows})
        return attrs.evolve(visitor, snapshot=snapshot)

    def paint(self, src: str, colour: str = "red") -> None:
        (self.root / src).parent.mkdir(parents=True, exist_ok=True)
        Picture.new("RGB", (40, 30), colour).save(self.root / src)

    async def render(self, src: str, document: Mapping[str, Any]) -> Rendered:
        """The renderer of the tests: tells in the bytes what was asked for."""
        self.rendered.append((src, dict(document)))
        wanted = document.get("format", {}).get("value", "png")
        [row] = [row for row in FORMATS if wanted in row.extensions]
        status = (self.root / src).stat()
        made = ImageBytes(data=f"{src} {wanted}".encode(), content_type=row.mime, from_cache=False)
        return Rendered(made=made, format=row, modified=status.st_mtime)

    # What tests do again and again

    async def make(
        self, human_id: str = "", *, internal: int = 0, public: int = 0, name: str = "Spring", by: Visitor | None = None
    ) -> PortfolioView:
        header = Header(human_id=human_id, name=name, description="", internal_access=internal, public_access=public)
        return await self.portfolios.create(by or self.anna, header)

    async def make_with(self, *srcs: str, **options: Any) -> int:
        """A portfolio of anna's with these images; its id."""
        made = await self.make(**options)
        for src in srcs or ("shop/chair.png", "shop/table.png"):
            await self.images.add(self.anna, made.portfolio.id, image_src=src)
        return made.portfolio.id

    async def publish(self, portfolio_id: int, by: Visitor | None = None, **options: Any) -> Export:
        given = {"description": "Web", "originals": True, "keep_until": self.later(days=1), **options}
        return await self.exports.publish(by or self.anna, portfolio_id, **given)

    async def run_export(self, export: Export, *, run: TaskRun | None = None) -> Any:
        """Run the task of an export here and now; its result."""
        run = run or await self.run_of(export)
        return await self.types[EXPORT_TASK].run(run)

    async def run_of(self, export: Export) -> TaskRun:
        task = await tasks.by_id(self.database, export.task_id or 0)
        assert task is not None
        return TaskRun(task)

    async def expire(self) -> Any:
        task = await self.queue.add(EXPIRY_TASK, {}, user_id=None)
        self.sql("delete from tasks where id = %s", task.id)
        return await self.types[EXPIRY_TASK].run(TaskRun(task))

    async def ready(self, portfolio_id: int, **options: Any) -> Export:
        """A finished export."""
        export = await self.publish(portfolio_id, **options)
        await self.run_export(export)
        self.sql("update tasks set status = 2 where id = %s", export.task_id)
        return await self.exports.one(self.anna, portfolio_id, export.id)

    def later(self, **delta: float) -> datetime:
        return datetime.fromtimestamp(self.clock.seconds(), UTC) + timedelta(**delta)

    def history(self, portfolio_id: int) -> list[tuple[int, str, int | None]]:
        return [
            tuple(row)  # type: ignore[misc]
            for row in self.sql(
                "select action, action_info, user_id from foliosaudit where folio_id = %s order by id", portfolio_id
            )
        ]

    def last_updated(self, portfolio_id: int) -> datetime:
        return self.sql("select last_updated from folios where id = %s", portfolio_id)[0][0]  # type: ignore[no-any-return]

    def on_disk(self) -> list[str]:
        """All that lies in the folder of the zips."""
        base = self.root / ".folio_exports"
        return sorted(str(path.relative_to(base)) for path in base.rglob("*"))

    def contents(self, export: Export) -> dict[str, bytes]:
        with zipfile.ZipFile(self.root / ".folio_exports" / str(export.folio_id) / export.filename) as made:
            self.assertIsNone(made.testzip())
            return {name: made.read(name) for name in made.namelist()}
