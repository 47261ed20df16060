"""Many files in one zip that is made while it is sent."""

from __future__ import annotations

import io
import threading
import zipfile
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, DeferredList

from qisd.access.levels import Level
from qisd.library.bulk import Chosen
from qisd.portfolios import selections
from qisd.portfolios.selections import AT_ONCE, Selections
from tests.integration.api import ApiCase, Reply


class SelectionZipTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        for path, colour in (("a/x.png", "red"), ("a/y.png", "blue"), ("b/x.png", "green")):
            self.paint(path, colour)

    async def zip(self, *srcs: str, token: str | None = None, **more: Any) -> Reply:
        return await self.call("POST", "/admin/bulk/zip/", token=token or self.token, json={"srcs": srcs, **more})

    def contents(self, reply: Reply) -> dict[str, bytes]:
        self.assertEqual(reply.status, 200, reply.body)
        with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
            self.assertIsNone(archive.testzip())
            return {name: archive.read(name) for name in archive.namelist()}

    async def test_it_has_the_files_as_they_are_each_once_in_their_order(self) -> None:
        number = (await self.call("GET", "/details/", query={"src": "a/y.png"})).data["id"]
        reply = await self.zip("/a/x.png", "a/x.png", images=[number])
        self.assertEqual(
            self.contents(reply),
            {name: (self.root / "a" / name).read_bytes() for name in ("y.png", "x.png")},
        )
        self.assertEqual(reply.headers["content-type"], "application/zip")
        self.assertIn('filename="a.zip"', reply.headers["content-disposition"])

    async def test_files_of_one_name_get_several(self) -> None:
        reply = await self.zip("a/x.png", "b/x.png")
        self.assertEqual(sorted(self.contents(reply)), ["x-001.png", "x.png"])
        self.assertIn('filename="images.zip"', reply.headers["content-disposition"])

    async def test_files_of_several_pieces_are_whole(self) -> None:
        self.patch(selections, "_STEP", 10)
        self.assertEqual(self.contents(await self.zip("a/x.png"))["x.png"], (self.root / "a/x.png").read_bytes())

    async def test_it_takes_the_download_level_for_each(self) -> None:
        group = self.group("some")
        person = await self.person(groups=[group])
        await self.call("GET", "/details/", query={"src": "b/x.png"})
        for folder, level in (("/a", Level.DOWNLOAD), ("/b", Level.VIEW)):
            await self.call("GET", "/admin/filesystem/folders/", token=self.token, query={"path": folder})
            for number in (1, 2):
                self.permit(folder, number, Level.NONE)
            self.permit(folder, group, level)
        await self.refresh()
        self.assertEqual((await self.zip("a/x.png", token=person)).status, 200)
        self.assertEqual((await self.zip("a/x.png", "b/x.png", token=person)).status, 403)

    async def test_nothing_is_sent_if_one_is_not_there(self) -> None:
        await self.call("GET", "/details/", query={"src": "a/y.png"})
        (self.root / "a/y.png").unlink()
        for srcs in (["a/x.png", "a/none.png"], ["a/x.png", "a/y.png"]):
            self.assertEqual((await self.zip(*srcs)).status, 404, srcs)
        self.assertEqual((await self.zip()).status, 400)

    async def test_a_form_of_a_page_gets_it_with_the_token_of_its_session(self) -> None:
        cookie, csrf = await self.session_of(1)
        form = {"srcs": '["a/x.png"]'}
        self.assertEqual((await self.call("POST", "/admin/bulk/zip/", cookie=cookie, form=form)).status, 400)
        reply = await self.call("POST", "/admin/bulk/zip/", cookie=cookie, form={**form, "_csrf_token": csrf})
        self.assertEqual(list(self.contents(reply)), ["x.png"])

    async def test_a_file_that_changes_meanwhile_cuts_it_off_and_leaves_nothing_open(self) -> None:
        made = self.selections()
        selection = await made.of(self.domain._visitor_of(None), Chosen(srcs=["a/x.png", "a/y.png"]))
        self.patch(selections, "_STEP", 10)
        pieces = made.pieces(selection)
        await anext(pieces)
        changed = mock.patch.object(Selections, "_check_unchanged", side_effect=ZeroDivisionError)
        with changed, self.assertRaises(ZeroDivisionError):
            async for _ in pieces:
                pass
        self.assertEqual(made._under_way, {})

    async def test_who_leaves_leaves_nothing_open(self) -> None:
        made = self.selections()
        self.patch(selections, "_STEP", 10)
        pieces = made.pieces(await made.of(self.domain._visitor_of(None), Chosen(srcs=["a/x.png"])))
        with mock.patch.object(selections, "_copy", wraps=selections._copy) as copied:
            await anext(pieces)
            await pieces.aclose()
        self.assertTrue(copied.call_args.args[0].closed)
        self.assertEqual(made._under_way, {})

    async def test_one_user_gets_a_few_at_a_time(self) -> None:
        made, visitor = self.selections(), self.domain._visitor_of(1)
        begun = [made.pieces(await made.of(visitor, Chosen(srcs=["a/x.png"]))) for _ in range(AT_ONCE)]
        for pieces in begun:
            await anext(pieces)
        with self.assertRaises(selections.TooManyRequests):
            await made.of(visitor, Chosen(srcs=["a/x.png"]))
        for pieces in begun:
            await pieces.aclose()
        await made.of(visitor, Chosen(srcs=["a/x.png"]))

    async def test_many_at_once_get_no_more_than_one_after_the_other(self) -> None:
        made, visitor = self.selections(), self.domain._visitor_of(1)
        chosen = Chosen(srcs=["a/x.png"])
        begun = []

        async def begin() -> None:
            begun.append(made.pieces(await made.of(visitor, chosen)))
            await anext(begun[-1])

        asked = await DeferredList([Deferred.fromCoroutine(begin()) for _ in range(AT_ONCE + 3)], consumeErrors=True)
        self.assertEqual(sum(succeeded for succeeded, _ in asked), AT_ONCE)
        for pieces in begun:
            await pieces.aclose()

    async def test_the_list_at_its_end_is_made_in_a_thread(self) -> None:
        closed_by = []

        def close(archive: zipfile.ZipFile) -> None:
            closed_by.append(threading.current_thread())
            closed(archive)

        closed = zipfile.ZipFile.close
        made = self.selections()
        pieces = made.pieces(await made.of(self.domain._visitor_of(None), Chosen(srcs=["a/x.png", "b/x.png"])))
        with mock.patch.object(zipfile.ZipFile, "close", close):
            body = b"".join([piece async for piece in pieces])
        self.assertNotEqual(closed_by[0], threading.main_thread())
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            self.assertEqual(archive.namelist(), ["x.png", "x-001.png"])

    def selections(self) -> Selections:
        return Selections(
            self.database,
            files=self.domain.library.files,
            pool=self.pools.files,
            repository=self.domain._files.repository,
        )
