"""Zips of portfolios, against a real database and real files."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
from PIL import Image as Picture
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from qisd.access.visitor import SYSTEM
from qisd.cache.memory import MemoryCache
from qisd.errors import (
    BadParameter,
    Busy,
    Forbidden,
    NoSpace,
    NotFound,
    QisError,
    Refused,
    StoreUnavailable,
    Unavailable,
    Unsupported,
)
from qisd.images import ImageRules, Images
from qisd.imaging.limits import PublicLimits
from qisd.imaging.render import RenderSettings
from qisd.imaging.spec import ImageOptions
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.pools.render import RenderPool
from qisd.portfolios import tasks as portfolio_tasks
from qisd.portfolios import zip_writer
from qisd.portfolios.portfolios import Header
from qisd.portfolios.zipping import Rendered, render_by
from qisd.repository.catalogue import SourceFacts
from qisd.repository.files import Repository
from qisd.store import portfolio_exports
from qisd.store.tasks import TaskStatus
from qisd.tasks.registry import TaskCancelled
from qisd.tasks.worker import TaskWorker
from tests.integration.portfolio_case import STAFF, PortfolioCase

HEX_ZIP = r"\A[0-9a-f]{32}\.zip\Z"


class PublishTests(PortfolioCase):
    """Ordering a zip."""

    async def test_an_order_is_a_row_a_task_and_an_entry_of_the_history(self) -> None:
        number = await self.make_with()
        export = await self.publish(
            number, originals=False, description="For the web", parameters={"width": {"value": 500}}
        )
        self.assertEqual((export.state, export.filename, export.filesize), ("waiting", "", 0))
        self.assertEqual(export.parameters, {"width": {"value": 500}})
        [task] = self.sql("select id, funcname, params, user_id, priority, keep_for, status from tasks")
        params = {"export_id": export.id, "ignore_errors": False}
        self.assertEqual(task, (export.task_id, "export_portfolio", params, self.anna.user_id, 20, 60, 0))
        action, info, user = self.history(number)[-1]
        until = export.keep_until.strftime("%Y-%m-%d %H:%M:%S UTC")
        self.assertEqual((action, info), (4, f"For the web, expires {until}, changed options"))
        self.assertEqual(user, self.anna.user_id)
        self.assertEqual(await self.exports.listed(self.anna, number), [export])
        self.assertEqual(self.sql("select actor_name, action from audit_log"), [("anna", "export.created")])

    async def test_an_empty_portfolio_is_not_published(self) -> None:
        number = (await self.make()).portfolio.id
        with self.assertRaises(Refused):  # and that comes before bad parameters
            await self.publish(number, keep_until=self.later(days=-1))

    async def test_a_time_that_is_over_and_bad_options_are_refused(self) -> None:
        number = await self.make_with()
        for options, parameter in (
            ({"keep_until": self.later()}, "expiry_time"),
            ({"keep_until": datetime(1, 1, 1, tzinfo=UTC)}, "expiry_time"),
            ({"description": "x" * 5121}, "description"),
            ({"parameters": {"src": {"value": "x"}}}, "image_parameters"),
            ({"parameters": {"filename": {"value": "secret/plan.png"}}}, "image_parameters"),
        ):
            with self.assertRaises(BadParameter, msg=str(options)) as raised:
                await self.publish(number, **options)
            self.assertEqual(raised.exception.parameter, parameter)
        self.assertEqual(self.sql("select count(*) from tasks"), [(0,)])
        await self.publish(number, keep_until=datetime.max.replace(tzinfo=UTC))

    async def test_originals_are_handed_out_only_by_those_who_may_download_each(self) -> None:
        number = (await self.make(by=self.carl)).portfolio.id
        await self.images.add(self.carl, number, image_src="shop/chair.png")
        with self.assertRaises(Forbidden) as raised:
            await self.publish(number, by=self.carl)
        self.assertEqual(raised.exception.message, "Download permission is required for /shop")
        await self.publish(number, by=self.carl, originals=False)
        await self.publish(number, by=self.seen_by(self.carl, shop={2: 20}))
        for allowed in (attrs.evolve(self.files_admin, account=self.chief_with_files()), SYSTEM):
            await self.publish(number, by=allowed)

    def chief_with_files(self) -> Any:
        assert self.chief.account is not None
        assert self.files_admin.account is not None
        return attrs.evolve(self.chief.account, flags=self.chief.account.flags | self.files_admin.account.flags)

    async def test_a_folder_that_was_closed_is_not_named(self) -> None:
        number = await self.make_with()
        closed = self.seen_by(self.anna, shop={1: 0, 2: 0, STAFF: 0})
        for originals in (True, False):
            with self.assertRaises(Forbidden) as raised:
                await self.publish(number, by=closed, originals=originals)
            self.assertNotIn("shop", raised.exception.message)

    async def test_on_a_full_disk_nothing_is_ordered(self) -> None:
        number = await self.make_with()
        self.place = attrs.evolve(self.place, min_free=2**62)
        with self.assertRaises(NoSpace):
            await self.publish(number)
        self.assertEqual(self.sql("select count(*) from folioexports"), [(0,)])

    async def test_without_a_database_nothing_is_half_ordered(self) -> None:
        number = await self.make_with()

        async def add(*_: Any, **__: Any) -> None:
            raise StoreUnavailable(detail="gone")

        self.patch(self.queue, "add", add)
        with self.assertRaises(StoreUnavailable):
            await self.publish(number)
        self.assertEqual(self.sql("select count(*) from folioexports"), [(0,)])
        self.assertEqual(len(self.history(number)), 3)


class MakingTests(PortfolioCase):
    """The task that makes a zip."""

    async def test_originals_go_in_as_they_are_in_their_order(self) -> None:
        number = await self.make_with("shop/table.png", "shop/chair.png")
        os.utime(self.root / "shop/table.png", (1e9, 1e9))
        before = self.last_updated(number)
        export = await self.ready(number)
        self.assertRegex(export.filename, HEX_ZIP)
        self.assertEqual((export.state, export.task_id), ("ready", None))
        contents = self.contents(export)
        self.assertEqual(list(contents), ["table.png", "chair.png"])
        for name, data in contents.items():
            self.assertEqual(data, (self.root / "shop" / name).read_bytes())
        path = self.root / ".folio_exports" / str(number) / export.filename
        self.assertEqual(export.filesize, path.stat().st_size)
        self.assertEqual(self.on_disk(), [str(number), f"{number}/{export.filename}"])
        self.assertEqual((self.rendered, self.last_updated(number)), ([], before))

    async def test_the_result_of_the_task_is_the_export(self) -> None:
        number = await self.make_with()
        export = await self.publish(number, keep_until=datetime(2200, 1, 1, tzinfo=UTC))
        result = await self.run_export(export)
        ready = await self.exports.one(self.anna, number, export.id)
        json.dumps(result)
        self.assertEqual(
            (result["id"], result["filename"], result["filesize"], result["task_id"], result["keep_until"]),
            (export.id, ready.filename, ready.filesize, None, "2200-01-01T00:00:00Z"),
        )

    async def test_equal_names_are_made_different_and_given_names_are_used(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/old/chair.png", "shop/table.png")
        table = (await self.images.listed(self.anna, number)).images[2].image.id
        await self.images.change(self.anna, number, table, filename="Chair.PNG")
        export = await self.ready(number)
        self.assertEqual(list(self.contents(export)), ["chair.png", "chair-001.png", "Chair-002.PNG"])

    async def test_options_of_the_zip_win_over_those_of_an_image(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        chair = (await self.images.listed(self.anna, number)).images[0].image.id
        await self.images.change(
            self.anna,
            number,
            chair,
            filename="seat.tif",
            parameters={"width": {"value": 9}, "flip": {"value": "h"}, "template": {"value": "SmallJpeg"}},
        )
        export = await self.ready(
            number, originals=False, parameters={"width": {"value": 20}, "format": {"value": "jpg"}}
        )
        self.assertEqual(
            self.rendered,
            [
                (
                    "shop/chair.png",
                    {
                        "width": {"value": 20},
                        "flip": {"value": "h"},
                        "template": {"value": "smalljpeg"},
                        "format": {"value": "jpg"},
                    },
                ),
                ("shop/table.png", {"width": {"value": 20}, "format": {"value": "jpg"}}),
            ],
        )
        self.assertEqual(self.contents(export), {"seat.jpg": b"shop/chair.png jpg", "table.jpg": b"shop/table.png jpg"})

    async def test_what_was_added_after_the_order_is_not_in_it(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        await self.images.add(self.anna, number, image_src="shop/table.png")
        await self.run_export(export)
        ready = await self.exports.one(self.anna, number, export.id)
        self.assertEqual(list(self.contents(ready)), ["chair.png"])
        self.assertLess(ready.created, self.last_updated(number))

    async def test_a_list_of_the_images_is_put_in_when_it_is_wanted(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        self.sql("update images set title = 'Stuhl', description = 'aus Holz' where src = 'shop/chair.png'")
        self.sql(
            "update image_metadata set copyright = 'Anna'"
            " where image_id = (select id from images where src = 'shop/chair.png')"
        )
        export = await self.ready(number, manifest=True)
        contents = self.contents(export)
        self.assertEqual(list(contents), ["chair.png", "table.png", "index.json"])
        self.assertEqual(
            json.loads(contents["index.json"])["images"],
            [
                {"filename": "chair.png", "title": "Stuhl", "description": "aus Holz", "credits": "Anna"},
                {"filename": "table.png", "title": "", "description": "", "credits": ""},
            ],
        )

    async def test_progress_is_told_image_by_image(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png", "shop/old/chair.png", "logo.png")
        export = await self.publish(number)
        run = await self.run_of(export)
        told: list[tuple[float, str]] = []

        async def progress(percent: float, text: str = "") -> None:
            told.append((percent, text))

        self.patch(run, "progress", progress)
        await self.run_export(export, run=run)
        self.assertEqual([percent for percent, _ in told], [0, 25, 50, 75, 100])
        self.assertEqual(told[1][1], "1 of 4 images")

    async def test_the_first_image_that_fails_fails_the_zip(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        export = await self.publish(number)
        (self.root / "shop/table.png").unlink()
        with self.assertRaises(NotFound):
            await self.run_export(export)
        failed = await self.exports.one(self.anna, number, export.id)
        self.assertEqual((failed.state, failed.task_id, failed.filename, failed.filesize), ("failed", None, "", 0))
        self.assertIn("shop/table.png: The image file 'shop/table.png' was not found.", failed.error)
        self.assertEqual([name for name in self.on_disk() if "." in name], [])

    async def test_what_nobody_foresaw_fails_it_without_telling_secrets(self) -> None:
        number = await self.make_with()
        export = await self.publish(number, originals=False)

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            raise RuntimeError("/srv/secret")

        self.patch(self.maker, "_render", render)
        with self.assertRaises(RuntimeError):
            await self.run_export(export)
        failed = await self.exports.one(self.anna, number, export.id)
        self.assertEqual((failed.state, failed.error), ("failed", "An internal error occurred."))
        self.assertEqual([name for name in self.on_disk() if "." in name], [])

    async def test_a_disk_that_fills_up_fails_it(self) -> None:
        number = await self.make_with()
        export = await self.publish(number, originals=False)

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            usage = type("Usage", (), {"free": 1})()
            self.patch(zip_writer.shutil, "disk_usage", lambda folder: usage)
            return await self.render(src, document)

        self.patch(self.maker, "_render", render)
        self.place = attrs.evolve(self.place, min_free=1000)
        with self.assertRaises(NoSpace):
            await self.run_export(export)
        failed = await self.exports.one(self.anna, number, export.id)
        self.assertEqual(failed.error, "There is not enough free disk space for this.")
        self.assertEqual([name for name in self.on_disk() if "." in name], [])

    async def test_a_database_that_is_away_when_it_is_made_is_waited_for(self) -> None:
        number = await self.make_with()
        export = await self.publish(number)
        lost = self.commits_lost("set_ready", 2)
        running = Deferred.fromCoroutine(self.run_export(export))
        await self.pass_time_until(running)
        self.assertEqual(lost, [])
        ready = await self.exports.one(self.anna, number, export.id)
        self.assertEqual(ready.state, "ready")
        self.assertIn(f"{number}/{ready.filename}", self.on_disk())

    async def test_so_it_is_when_it_can_not_be_made(self) -> None:
        number = await self.make_with()
        export = await self.publish(number)
        (self.root / "shop/chair.png").unlink()
        lost = self.answers_lost("set_failed", 2)
        running = Deferred.fromCoroutine(self.run_export(export))
        running.addErrback(lambda failure: failure.trap(NotFound))
        await self.pass_time_until(running)
        self.assertEqual(lost, [])
        self.assertEqual((await self.exports.one(self.anna, number, export.id)).state, "failed")

    def answers_lost(self, name: str, count: int) -> list[int]:
        """Have what is written of an export be written, but nobody hear of it, some times."""
        real, left = getattr(portfolio_exports, name), list(range(count))

        async def write(*given: Any, **named: Any) -> Any:
            result = await real(*given, **named)
            if left:
                left.pop()
                raise StoreUnavailable(detail="gone")
            return result

        self.patch(portfolio_exports, name, write)
        return left

    def commits_lost(self, name: str, count: int) -> list[int]:
        """As :meth:`answers_lost`, for what is written in a transaction."""
        real, transaction, left, written = (
            getattr(portfolio_exports, name),
            self.database.transaction,
            [*range(count)],
            [],
        )

        async def write(*given: Any, **named: Any) -> Any:
            written.append(name)
            return await real(*given, **named)

        async def lose(work: Any) -> Any:
            written.clear()
            result = await transaction(work)
            if written and left:
                left.pop()
                raise StoreUnavailable(detail="gone")
            return result

        self.patch(portfolio_exports, name, write)
        self.patch(self.database, "transaction", lose)
        return left

    async def pass_time_until(self, running: Deferred[Any]) -> None:
        while not running.called:
            self.clock.advance(1)
            await deferLater(reactor, 0)  # type: ignore[arg-type]
        await running

    async def test_a_busy_server_makes_it_wait_and_not_fail(self) -> None:
        number = await self.make_with("shop/chair.png")
        attempts = 0

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            nonlocal attempts
            attempts += 1
            if attempts < 4:
                raise Busy
            return await self.render(src, document)

        self.patch(self.maker, "_render", render)
        export = await self.publish(number, originals=False)
        running = Deferred.fromCoroutine(self.run_export(export))
        while not running.called:
            self.clock.advance(5)
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]
        await running
        self.assertEqual(attempts, 4)

    async def test_a_failed_one_can_be_tried_again(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        (self.root / "shop/chair.png").rename(self.root / "shop/away.png")
        with self.assertRaises(NotFound):
            await self.run_export(export)
        (self.root / "shop/away.png").rename(self.root / "shop/chair.png")
        await self.run_export(export)
        ready = await self.exports.one(self.anna, number, export.id)
        self.assertEqual((ready.state, ready.error, list(self.contents(ready))), ("ready", "", ["chair.png"]))

    async def test_a_finished_one_is_not_made_again(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        run = await self.run_of(export)
        first = await self.run_export(export, run=run)
        self.paint("shop/chair.png", "blue")
        self.assertEqual(await self.run_export(export, run=run), first)
        self.assertEqual(len(self.on_disk()), 2)

    async def test_a_cancelled_one_leaves_nothing(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        export = await self.publish(number, originals=False)
        run = await self.run_of(export)

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            run.cancel()
            return await self.render(src, document)

        self.patch(self.maker, "_render", render)
        with self.assertRaises(TaskCancelled):
            await self.run_export(export, run=run)
        self.assertEqual(len(self.rendered), 1)
        failed = await self.exports.one(self.anna, number, export.id)
        self.assertEqual((failed.state, failed.task_id), ("failed", None))
        self.assertEqual([name for name in self.on_disk() if "." in name], [])

    async def test_one_that_is_interrupted_is_begun_anew_later(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number, originals=False)
        asked: Deferred[None] = Deferred()

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            asked.callback(None)
            await Deferred()
            raise AssertionError

        plain = self.maker._render
        self.maker._render = render
        running = Deferred.fromCoroutine(self.run_export(export))
        await asked
        await deferLater(reactor, 0)  # type: ignore[arg-type]
        running.cancel()
        try:
            await running
        except CancelledError:
            pass
        else:
            self.fail("it wasn't cancelled")
        self.assertEqual([name for name in self.on_disk() if "." in name], [])
        self.maker._render = plain
        await self.run_export(export)
        self.assertEqual((await self.exports.one(self.anna, number, export.id)).state, "ready")

    async def test_a_portfolio_that_is_deleted_meanwhile_leaves_no_file(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        export = await self.publish(number, originals=False)
        run = await self.run_of(export)
        self.sql("update tasks set status = 1, locked_by = 'x' where id = %s", export.task_id)

        async def render(src: str, document: Mapping[str, Any]) -> Rendered:
            if src == "shop/table.png":
                await self.portfolios.delete(self.anna, number)
                self.assertEqual(
                    self.sql("select cancel_requested from tasks where id = %s", export.task_id), [(True,)]
                )
            return await self.render(src, document)

        self.patch(self.maker, "_render", render)
        with self.assertRaises(QisError):
            await self.run_export(export, run=run)
        self.assertEqual(self.on_disk(), [])

    async def test_a_portfolio_that_is_deleted_at_the_last_moment_leaves_no_file(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        run = await self.run_of(export)
        make = self.maker.make

        async def late(*args: Any, **options: Any) -> Any:
            made = await make(*args, **options)
            self.sql("delete from folios where id = %s", number)
            return made

        self.patch(self.maker, "make", late)
        self.assertIsNone(await self.run_export(export, run=run))
        self.assertEqual(self.on_disk(), [])

    async def test_a_task_whose_export_is_gone_does_nothing(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        run = await self.run_of(export)
        self.sql("delete from folioexports")
        self.assertIsNone(await self.run_export(export, run=run))
        self.assertEqual(self.on_disk(), [])

    async def test_an_original_that_changes_while_it_is_read_fails_it(self) -> None:
        number = await self.make_with("shop/chair.png")
        export = await self.publish(number)
        copy = zip_writer.ZipWriter.copy

        def changing(writer: zip_writer.ZipWriter, stream: Any) -> bool:
            more = copy(writer, stream)
            with (self.root / "shop/chair.png").open("ab") as file:
                file.write(b"more")
            return more

        self.patch(zip_writer.ZipWriter, "copy", changing)
        with self.assertRaises(Unavailable) as raised:
            await self.run_export(export)
        self.assertIn("was changed while it was read", raised.exception.message)

    async def test_large_originals_never_fill_the_memory(self) -> None:
        with (self.root / "large.png").open("wb") as file:
            file.truncate(64 * 1024 * 1024)
        number = await self.make_with("large.png", "shop/chair.png")
        export = await self.publish(number)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        await self.run_export(export)
        peak = tracemalloc.get_traced_memory()[1]
        self.assertLess(peak, 16 * 1024 * 1024)
        ready = await self.exports.one(self.anna, number, export.id)
        self.assertGreater(ready.filesize, 64 * 1024 * 1024)

    async def test_a_worker_does_it_from_the_order_to_the_zip(self) -> None:
        number = await self.make_with()
        worker = TaskWorker(self.database, self.queue, self.types, reactor=reactor)
        self.queue.start()
        self.addCleanup(self.queue.stop)
        worker.start()
        self.addCleanup(worker.stop)
        export = await self.publish(number, originals=False)
        task = await self.queue.wait(export.task_id or 0, 30)
        self.assertEqual(task.status, TaskStatus.COMPLETE)
        self.assertEqual(task.name, f"Publish portfolio (export {export.id})")
        ready = await self.exports.one(self.anna, number, export.id)
        self.assertEqual(task.result["filename"], ready.filename)
        self.assertEqual(len(self.contents(ready)), 2)


class _NoWitness:
    def saw(self, path: str, facts: SourceFacts) -> None: ...

    def missed(self, path: str) -> None: ...


class RealRenderTests(PortfolioCase):
    """With the renderer that images are served by."""

    async def setUp(self) -> None:
        await super().setUp()
        renders = RenderPool(reactor, threads=2, memory=10**9, queue_max=10, timeout=30)
        renders.start()
        self.addCleanup(renders.stop)
        small = TemplateValues(options=ImageOptions(width=10, format="jpg"))
        default = TemplateValues(options=ImageOptions(quality=80, strip=True))
        images = Images(
            reactor,  # type: ignore[arg-type]
            rules=ImageRules(
                rendering=RenderSettings(),
                public_limits=PublicLimits(max_width=5, max_height=5),
                max_dimension=15000,
                max_grid_tiles=256,
                wait_timeout=30,
                raise_too_busy=True,
                benchmarking=False,
            ),
            repository=Repository(self.root),
            files=self.files,
            renders=renders,
            cache=MemoryCache(capacity=10**7),
            templates=lambda: TemplateSnapshot(templates={"smalljpeg": small}, default=default),
            track=lambda xref: None,
            witness=_NoWitness(),
        )
        self.maker._render = lambda src, document: render_by(images, src, document)

    async def test_images_are_rendered_with_their_options_the_zips_and_the_template(self) -> None:
        number = (await self.make()).portfolio.id
        seen = self.seen_by(self.anna, secret={2: 20})
        await self.images.add(seen, number, image_src="secret/plan.png")  # who makes the zip may see everything
        await self.images.add(
            self.anna, number, image_src="shop/chair.png", parameters={"template": {"value": "smalljpeg"}}
        )
        await self.images.add(
            self.anna,
            number,
            image_src="shop/table.png",
            filename="desk.tif",
            parameters={"format": {"value": "jpeg"}, "width": {"value": 8}, "attachment": {"value": True}},
        )
        export = await self.publish(number, by=seen, originals=False, parameters={"rotation": {"value": 90}})
        await self.run_export(export)
        contents = self.contents(await self.exports.one(self.anna, number, export.id))
        made = {name: Picture.open(io.BytesIO(data)) for name, data in contents.items()}
        self.assertEqual(
            {name: (picture.format, picture.size) for name, picture in made.items()},
            {"plan.png": ("PNG", (30, 40)), "chair.jpg": ("JPEG", (10, 14)), "desk.jpeg": ("JPEG", (8, 11))},
        )

    async def test_an_image_that_nothing_changes_goes_in_as_it_is(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        table = (await self.images.listed(self.anna, number)).images[1].image.id
        await self.images.change(self.anna, number, table, parameters={"width": {"value": 4}})
        export = await self.ready(
            number, originals=False, parameters={"strip": {"value": False}, "quality": {"value": 90}}
        )
        contents = self.contents(export)
        self.assertEqual(Picture.open(io.BytesIO(contents["table.png"])).size, (4, 3))
        export = await self.ready(number, originals=False, parameters={"strip": {"value": False}})
        self.assertEqual(self.contents(export)["chair.png"], (self.root / "shop/chair.png").read_bytes())

    async def test_a_source_that_is_no_image_fails_it(self) -> None:
        (self.root / "shop/text.png").write_text("no image")
        number = await self.make_with("shop/text.png")
        export = await self.publish(number, originals=False)
        with self.assertRaises(Unsupported):
            await self.run_export(export)
        failed = await self.exports.one(self.anna, number, export.id)
        self.assertTrue(failed.error.startswith("shop/text.png: "), failed.error)


class WithdrawTests(PortfolioCase):
    """Unpublishing, expiry, and clearing up."""

    async def test_a_withdrawn_zip_is_gone_with_its_folder(self) -> None:
        number = await self.make_with()
        first, second = await self.ready(number), await self.ready(number, description="Second")
        await self.exports.unpublish(self.anna, number, first.id)
        self.assertEqual(self.on_disk(), [str(number), f"{number}/{second.filename}"])
        await self.exports.unpublish(self.anna, number, second.id)
        self.assertEqual(self.on_disk(), [])
        action, info, user = self.history(number)[-1]
        self.assertEqual((action, user), (6, self.anna.user_id))
        self.assertRegex(info, r"\ADeleted: Second, expires .* UTC, originals\Z")
        with self.assertRaises(NotFound):
            await self.exports.unpublish(self.anna, number, second.id)

    async def test_one_that_waits_is_withdrawn_with_its_task(self) -> None:
        number = await self.make_with()
        export = await self.publish(number)
        await self.exports.unpublish(self.anna, number, export.id)
        self.assertEqual(self.sql("select status from tasks"), [(4,)])
        self.assertEqual(await self.exports.listed(self.anna, number), [])

    async def test_one_that_is_being_made_is_not_withdrawn(self) -> None:
        number = await self.make_with()
        export = await self.publish(number)
        self.sql("update tasks set status = 1, locked_by = 'x' where id = %s", export.task_id)
        with self.assertRaises(Unavailable) as raised:
            await self.exports.unpublish(self.anna, number, export.id)
        self.assertTrue(raised.exception.retry_after)
        self.assertEqual(self.sql("select status, cancel_requested from tasks"), [(1, False)])
        self.assertEqual(len(self.history(number)), 4)

    async def test_one_whose_task_was_lost_can_be_withdrawn(self) -> None:
        number = await self.make_with()
        export = await self.publish(number)
        self.sql("update folioexports set state = 'running'")
        self.sql("delete from tasks")
        await self.exports.unpublish(self.anna, number, export.id)
        self.assertEqual(await self.exports.listed(self.anna, number), [])

    async def test_that_of_another_portfolio_is_not_found(self) -> None:
        number, other = await self.make_with(), await self.make_with()
        export = await self.ready(number)
        for attempt in (
            self.exports.unpublish(self.anna, other, export.id),
            self.exports.one(self.anna, other, export.id),
        ):
            with self.assertRaises(NotFound):
                await attempt
        await self.exports.one(self.anna, number, export.id)

    async def test_what_has_expired_is_gone_at_once_and_removed_by_the_hour(self) -> None:
        number = await self.make_with(human_id="spring", public=20)
        export = await self.ready(number, keep_until=self.later(hours=1))
        lasting = await self.ready(number, keep_until=self.later(hours=9))
        waiting = await self.publish(number, keep_until=self.later(hours=1))
        self.clock.advance(3600)
        for visitor in (self.anna, self.anyone):
            self.assertEqual(
                [one.id for one in await self.exports.listed(visitor, number)], [lasting.id], visitor.username
            )
            view = await self.portfolios.one(visitor, number)
            self.assertEqual([one.id for one in view.exports], [lasting.id])
            with self.assertRaises(NotFound):
                await self.exports.download(visitor, "spring", export.filename)
        self.assertEqual(await self.expire(), {"expired": 1, "strays": 0})
        self.assertEqual(self.sql("select id from folioexports order by id"), [(lasting.id,), (waiting.id,)])
        self.assertEqual(self.on_disk(), [str(number), f"{number}/{lasting.filename}"])
        action, info, user = self.history(number)[-1]
        self.assertEqual((action, user, info.partition(":")[0]), (6, None, "Expired"))

    async def test_an_export_that_was_left_half_done_is_marked_failed(self) -> None:
        number = await self.make_with()
        lost, cancelled, waiting = [await self.publish(number) for _ in range(3)]
        self.sql("update folioexports set state = 'running' where id = %s", lost.id)
        self.sql("update tasks set status = 3 where id = %s", lost.task_id)
        self.sql("delete from tasks where id = %s", cancelled.task_id)
        await self.expire()
        self.assertEqual(
            self.sql("select id, state, task_id from folioexports order by id"),
            [(lost.id, "failed", None), (cancelled.id, "failed", None), (waiting.id, "waiting", waiting.task_id)],
        )

    async def test_files_that_nobody_knows_are_swept_away_when_they_are_old(self) -> None:
        number = await self.make_with()
        export = await self.ready(number)
        gone = (await self.make()).portfolio.id
        self.sql("delete from folios where id = %s", gone)
        base = self.root / ".folio_exports"
        old, fresh = "a" * 32 + ".zip", "b" * 32 + ".zip"
        part = ".00000000-0000-4000-8000-000000000000.part"
        foreign = gone + 1000
        for folder in (gone, foreign):
            (base / str(folder)).mkdir()
        for path in (f"{number}/{old}", f"{number}/{part}", f"{number}/{fresh}", f"{gone}/{fresh}", f"{foreign}/{old}"):
            (base / path).write_bytes(b"x")
            os.utime(base / path, (self.clock.seconds() - 4000,) * 2)
        os.utime(base / str(number) / fresh, (self.clock.seconds(),) * 2)
        os.utime(base / str(number) / export.filename, (0, 0))
        (base / str(number) / "readme.txt").write_text("x")
        self.assertEqual(await self.expire(), {"expired": 0, "strays": 3})
        self.assertEqual(
            self.on_disk(),
            sorted(
                [
                    str(number),
                    f"{number}/{export.filename}",
                    f"{number}/{fresh}",
                    f"{number}/readme.txt",
                    str(foreign),
                    f"{foreign}/{old}",
                ]
            ),
        )

    async def test_before_anything_was_published_there_is_nothing_to_do(self) -> None:
        self.assertEqual(await self.expire(), {"expired": 0, "strays": 0})

    async def test_the_clearing_up_is_done_every_hour(self) -> None:
        [job] = portfolio_tasks.jobs()
        self.assertEqual((job.name, job.interval_secs), ("expire_portfolio_exports", 3600))
        self.assertEqual(self.types["expire_portfolio_exports"].keep_for, 3000)


class DownloadTests(PortfolioCase):
    """Getting a zip."""

    async def test_it_is_opened_for_those_who_may_download(self) -> None:
        number = await self.make_with(human_id="spring", internal=20, public=10)
        export = await self.ready(number)
        for visitor in (self.anna, self.bert, self.chief):
            download = await self.exports.download(visitor, "spring", export.filename)
            with download.stream as stream:
                self.assertEqual(len(stream.read()), export.filesize)
            self.assertEqual((download.size, download.public), (export.filesize, False))
            self.assertAlmostEqual(download.expires_in, 86400, delta=1)
        with self.assertRaises(Forbidden) as raised:
            await self.exports.download(self.anyone, "spring", export.filename)
        self.assertEqual(raised.exception.message, "Download permission is required for portfolio spring")

    async def test_it_is_public_when_everybody_may_have_it(self) -> None:
        number = await self.make_with(human_id="spring", public=20)
        export = await self.ready(number)
        download = await self.exports.download(self.anyone, "spring", export.filename)
        download.stream.close()
        self.assertTrue(download.public)
        again = await self.exports.download(self.anna, "spring", export.filename)
        again.stream.close()
        self.assertEqual(again.etag, download.etag)
        self.assertRegex(download.etag, r"\A[0-9a-f-]+\Z")

    async def test_folders_that_are_closed_do_not_matter_for_a_zip(self) -> None:
        number = await self.make_with(human_id="spring", public=20)
        export = await self.ready(number)
        closed = self.seen_by(self.anyone, shop={1: 0})
        (await self.exports.download(closed, "spring", export.filename)).stream.close()

    async def test_other_names_are_not_found(self) -> None:
        number = await self.make_with(human_id="spring", public=20)
        other = await self.make_with(human_id="summer", public=20)
        export, foreign = await self.ready(number), await self.ready(other)
        await self.publish(number)
        for human_id, filename in (
            ("spring", foreign.filename),
            ("spring", "0" * 32 + ".zip"),
            ("spring", ""),
            ("spring", f"../{other}/{foreign.filename}"),
            ("spring", "\0"),
            ("winter", export.filename),
            ("\0", export.filename),
        ):
            with self.assertRaises(NotFound, msg=f"{human_id} {filename}"):
                await self.exports.download(self.anyone, human_id, filename)
        (self.root / ".folio_exports" / str(number) / export.filename).unlink()
        with self.assertRaises(NotFound):
            await self.exports.download(self.anyone, "spring", export.filename)

    async def test_a_whole_download_is_in_the_history(self) -> None:
        number = await self.make_with(human_id="spring", public=20)
        export = await self.ready(number)
        for visitor in (self.bert, self.anyone):
            download = await self.exports.download(visitor, "spring", export.filename)
            download.stream.close()
            await self.exports.downloaded(visitor, download)
        self.assertEqual(
            self.history(number)[-2:], [(5, export.filename, self.bert.user_id), (5, export.filename, None)]
        )
        await self.portfolios.delete(self.anna, number)
        await self.exports.downloaded(self.anyone, download)

    async def test_others_than_the_owner_see_finished_zips_if_they_may_download(self) -> None:
        number = await self.make_with(human_id="spring", internal=20, public=10)
        export = await self.ready(number)
        waiting, failed = await self.publish(number), await self.publish(number)
        self.sql("update folioexports set state = 'failed' where id = %s", failed.id)
        self.assertEqual(len(await self.exports.listed(self.anna, number)), 3)
        self.assertEqual([one.id for one in await self.exports.listed(self.bert, number)], [export.id])
        self.assertEqual(await self.exports.listed(self.anyone, number), [])
        for visitor in (self.bert, self.anyone):
            with self.assertRaises(NotFound):
                await self.exports.one(visitor, number, waiting.id)
        header = Header(human_id=None, name="", description="", internal_access=0, public_access=0)
        await self.portfolios.update(self.anna, number, header)
        with self.assertRaises(Forbidden):
            await self.exports.listed(self.anyone, number)
