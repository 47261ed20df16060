"""Files that have lost their content: :mod:`qisd.library.integrity`, and where it is told."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qisd.errors import Forbidden, StoreUnavailable
from qisd.library.integrity import Integrity
from qisd.repository.files import OpenSource, Repository
from qisd.store.image_history import Action
from qisd.tasks.registry import TaskCancelled
from tests.integration.api import ApiCase
from tests.integration.library_case import LibraryCase, admin, picture, visitor

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def rot(path: Path) -> None:
    """Turn a bit over, as a disk does: the time of the file stays."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


class IntegrityTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            self.write(name, picture(10 + ord(name[0])))
            await self.library.files.details(admin(), name)
        await self.library.reading.run()

    async def check(self, since: datetime | None = None, **more: Any) -> Integrity:
        return await self.library.integrity.run(admin(), since=since or datetime.now(UTC), **more)

    def history(self, src: str) -> list[tuple[Any, ...]]:
        return self.sql(
            "select action, action_info from imagesaudit where image_id = (select id from images where src = %s)"
            " order by id",
            src,
        )

    async def damaged(self) -> list[str]:
        found, total = await self.library.metadata.damaged(admin())
        self.assertEqual(len(found), total)
        return [one.src for one in found]

    async def test_sound_files_are_checked_and_nothing_is_marked(self) -> None:
        found = await self.check()
        self.assertEqual(found, Integrity(checked=3))
        self.assertEqual(await self.damaged(), [])

    async def test_other_bytes_at_the_same_time_are_damage_and_stay_marked_since_then(self) -> None:
        rot(self.root / "b.jpg")
        found = await self.check()
        self.assertEqual((found.checked, found.damaged, found.examples), (3, 1, {"damaged": ["b.jpg"]}))
        first = self.sql("select damaged from hash_checks where damaged is not null")
        self.assertEqual((await self.check()).damaged, 1)
        self.assertEqual(self.sql("select damaged from hash_checks where damaged is not null"), first)
        self.assertEqual(await self.damaged(), ["b.jpg"])

    async def test_damage_is_told_once_by_the_history_of_the_image(self) -> None:
        whole = (self.root / "b.jpg").read_bytes()
        rot(self.root / "b.jpg")
        told = []
        for _ in range(2):
            await self.check()
            told.append(self.history("b.jpg"))
        self.assertEqual([kind for kind, _ in told[1]], [Action.CREATED, Action.EDITED])
        self.assertIn("Damaged", told[1][1][1])
        self.assertEqual(told[0], told[1])
        await self.library.uploads.store(admin(), [self.incoming("b.jpg", whole)], folder="", overwrite="yes")
        rot(self.root / "b.jpg")
        await self.check()
        self.assertEqual(
            [kind for kind, _ in self.history("b.jpg")][1:], [Action.EDITED, Action.REPLACED, Action.EDITED]
        )
        self.assertEqual([kind for kind, _ in self.history("a.jpg")], [Action.CREATED])

    async def test_what_was_replaced_is_recorded_anew_unless_one_only_wants_to_know(self) -> None:
        for renew in (False, True):
            self.write("a.jpg", picture(99))
            self.assertEqual((await self.check(renew=renew)).changed, 1)
            self.assertEqual(
                self.sql("select width, content_hash is null from images where src = 'a.jpg'"),
                [(99, True) if renew else (10 + ord("a"), False)],
            )
        await self.library.reading.run()
        self.assertEqual(await self.check(), Integrity(checked=3))

    async def test_a_copy_that_keeps_the_time_is_no_damage(self) -> None:
        for name, change in (("a.jpg", True), ("b.jpg", False)):
            status = (self.root / name).stat()
            data = bytearray((self.root / name).read_bytes())
            data[-1] ^= change
            copy = self.root / f".{name}"
            copy.write_bytes(data)
            os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
            copy.rename(self.root / name)
        found = await self.check()
        self.assertEqual((found.checked, found.changed, found.damaged), (2, 1, 0))

    async def test_a_good_copy_takes_the_mark_off(self) -> None:
        whole = (self.root / "b.jpg").read_bytes()
        rot(self.root / "b.jpg")
        await self.check()
        await self.library.uploads.store(admin(), [self.incoming("b.jpg", whole)], folder="", overwrite="yes")
        self.assertEqual(await self.damaged(), [])
        self.assertEqual((await self.check()).damaged, 0)
        # The disk can be right again too.
        rot(self.root / "a.jpg")
        await self.check()
        self.assertEqual(await self.damaged(), ["a.jpg"])
        rot(self.root / "a.jpg")
        self.assertEqual((await self.check()).damaged, 0)
        self.assertEqual(await self.damaged(), [])

    async def test_what_somebody_has_written_to_or_removed_is_not_damaged(self) -> None:
        self.write("a.jpg", picture(99))
        os.unlink(self.root / "b.jpg")
        found = await self.check()
        self.assertEqual((found.checked, found.changed, found.missing, found.damaged), (1, 1, 1, 0))

    async def test_a_broken_round_goes_on_where_it_was(self) -> None:
        began = datetime.now(UTC)
        looked = 0

        def end() -> None:
            nonlocal looked
            looked += 1
            if looked == 3:
                raise TaskCancelled

        await self.refusal(TaskCancelled, self.check(began, check_cancelled=end))
        self.assertEqual(self.sql("select count(*) from hash_checks"), [(2,)])
        told: list[tuple[float, str]] = []

        async def progress(percent: float, text: str) -> None:
            told.append((percent, text))

        self.assertEqual((await self.check(began, progress=progress)).checked, 3)
        self.assertEqual(told, [(100.0, "3 of 3 images")])
        # Another round begins at the beginning.
        told.clear()
        await self.check(began + timedelta(days=1), progress=progress)
        self.assertEqual(len(told), 3)

    async def test_what_is_replaced_while_a_page_is_gone_through_is_no_damage(self) -> None:
        async def progress(percent: float, text: str) -> None:
            if text.startswith("1 "):
                await self.library.uploads.store(
                    admin(), [self.incoming("b.jpg", picture(200))], folder="", overwrite="yes"
                )
                await self.library.files.delete(admin(), (await self.library.files.details(admin(), "c.jpg")).id)

        found = await self.check(progress=progress)
        self.assertEqual((found.checked, found.changed, found.missing, found.damaged), (1, 0, 0, 0))

    async def test_a_file_that_can_not_be_read_holds_up_neither_this_nor_the_reading_of_others(self) -> None:
        self.break_reading("b.jpg")
        found = await self.check()
        self.assertEqual((found.checked, found.unreadable, found.examples), (2, 1, {"unreadable": ["b.jpg"]}))
        self.sql("update images set content_hash = null; update image_metadata set read_at = null")
        self.assertEqual(await self.library.reading.run(), 2)

    async def test_nothing_is_said_of_files_while_the_library_is_away(self) -> None:
        self.root.rename(self.root.with_name(f"{self.root.name}-away"))
        self.addCleanup(self.root.with_name(f"{self.root.name}-away").rename, self.root)
        await self.refusal(StoreUnavailable, self.check())
        self.assertEqual(self.sql("select count(*) from hash_checks"), [(0,)])

    async def test_it_keeps_to_its_pace(self) -> None:
        size = sum((self.root / name).stat().st_size for name in ("a.jpg", "b.jpg", "c.jpg"))
        pauses: list[float] = []
        clock = self.library.integrity._reactor = _Recorder(pauses)
        await self.check(bytes_a_second=size)
        self.assertAlmostEqual(sum(pauses), 1.0)
        pauses.clear()
        await self.check(bytes_a_second=None)
        self.assertEqual((pauses, clock.running), ([], 0))

    async def test_who_may(self) -> None:
        await self.refusal(Forbidden, self.library.integrity.run(visitor(root=70), since=LONG_AGO))
        await self.refusal(Forbidden, self.library.metadata.damaged(visitor(root=70)))

    def break_reading(self, name: str) -> None:
        before = Repository.open

        def broken(repository: Repository, path: str) -> OpenSource:
            source = before(repository, path)
            if path != name:
                return source
            source.stream.close()
            return OpenSource(stream=_Broken(), name=source.name, version=source.version)

        self.patch(Repository, "open", broken)


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


class _Recorder:
    """A clock whose pauses are over at once."""

    def __init__(self, pauses: list[float]) -> None:
        self.pauses = pauses
        self.running = 0

    def callLater(self, seconds: float, work: Any, *arguments: object) -> object:
        self.pauses.append(seconds)
        work(*arguments)
        return object()


class AnswerTests(ApiCase):
    async def test_the_task_is_started_by_a_super_user_and_what_it_found_is_listed(self) -> None:
        boss = await self.admin()
        for name in ("a.png", "b.png"):
            self.paint(name)
            reply = await self.call("GET", "/details/", token=boss, query={"src": name})
        await self.domain.library.reading.run()
        rot(self.root / "b.png")
        started = await self.call("POST", "/admin/tasks/verify_hashes/", token=boss, form={})
        self.assertEqual(
            (started.status, started.data["funcname"], started.data["priority"]), (200, "verify_hashes", 30)
        )
        listed = await self.call("GET", "/admin/damaged/", token=boss)
        self.assertEqual((listed.data, listed.headers["x-total-count"]), ([], "0"))
        await self.domain.library.integrity.run(admin(), since=datetime.now(UTC))
        listed = await self.call("GET", "/admin/damaged/", token=boss)
        self.assertEqual([(one["id"], one["src"]) for one in listed.data], [(reply.data["id"], "b.png")])
