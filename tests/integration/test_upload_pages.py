"""The page of uploads as a plain form, and the page that tells what became of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from tests.integration import multipart
from tests.integration.api import ApiCase, Reply
from tests.integration.library_case import picture

PICTURE = picture(30, 20)


class UploadPageCase(ApiCase):
    settings = MappingProxyType(
        {"image_upload_dirs": (("Daily", "incoming/%Y"), ("Samples", "samples")), "image_uploaded_template": "Small"}
    )

    async def setUp(self) -> None:
        await super().setUp()
        (self.root / "samples").mkdir()
        (self.root / "shop").mkdir()
        self.cookie, self.csrf = await self.session_of(1)

    async def page(self, address: str, cookie: str | None = None) -> Reply:
        return await self.call("GET", address, below="", cookie=cookie or self.cookie)

    async def send(self, *files: tuple[str, bytes], **fields: Any) -> Reply:
        fields = {"_csrf_token": self.csrf, "path_index": -1, "path": "/shop", "overwrite": "no", **fields}
        return await self.call(
            "POST",
            "/upload/",
            below="",
            cookie=self.cookie,
            body=multipart.form(files, **fields),
            headers={"Content-Type": multipart.CONTENT_TYPE, "Accept": "text/html"},
        )


class FormTests(UploadPageCase):
    def checked(self, reply: Reply) -> str:
        """The folder that is selected."""
        text = reply.body.decode()
        (line,) = (one for one in text.splitlines() if 'name="path_index"' in one and " checked" in one)
        return line.partition('value="')[2].partition('"')[0]

    async def test_the_folder_asked_for_is_selected(self) -> None:
        for query, chosen in (
            ("", "0"),
            ("?path=/", "-1"),
            ("?path=/samples", "1"),
            ("?path=/shop", "-1"),
            ("?path=/none", "0"),
            ("?path_index=1", "1"),
            ("?path_index=7", "0"),
        ):
            self.assertEqual(self.checked(await self.page(f"/upload/{query}")), chosen, query)
        self.assertIn('value="/shop"', (await self.page("/upload/?path=/shop")).body.decode())

    async def test_where_one_may_not_upload_nothing_can_be_selected(self) -> None:
        self.sql("update folderpermissions set access = 10")
        await self.person(name="anna")
        ((number,),) = self.sql("select id from users where username = 'anna'")
        cookie, _ = await self.session_of(number)
        reply = await self.page("/upload/", cookie)
        self.assertEqual(reply.body.decode().count(" disabled"), 2)
        self.assertEqual(self.checked(reply), "-1")

    async def test_strangers_are_sent_to_the_log_in(self) -> None:
        reply = await self.call("GET", "/upload/?path=/shop", below="")
        self.assertEqual((reply.status, reply.headers["location"]), (302, "/login/?next=/upload/%3Fpath%3D/shop"))


class ResultTests(UploadPageCase):
    async def test_files_go_where_the_form_says_and_the_next_page_tells_of_them(self) -> None:
        reply = await self.send(("a&b <1>.jpg", PICTURE), ("notes.exe", b"x"))
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/uploadcomplete/"))
        (made,) = (self.root / "shop").iterdir()
        self.assertEqual(made.read_bytes(), PICTURE)
        text = (await self.page("/uploadcomplete/")).body.decode()
        self.assertIn("tmp=Small", text)
        self.assertIn(f"/shop/{made.name}".replace("&", "&amp;"), text)
        self.assertIn("<strong>notes.exe</strong>", text)
        self.assertNotIn("<1>", text)

    async def test_a_folder_set_for_uploads_is_made(self) -> None:
        self.assertEqual((await self.send(("a.jpg", PICTURE), ("long name.jpg", PICTURE), path_index=0)).status, 303)
        self.assertEqual(len(list((self.root / "incoming").rglob("*.jpg"))), 2)

    async def test_what_can_not_be_done_is_told_on_the_form(self) -> None:
        for files, fields, status in (
            ([], {}, 400),
            ([("", b"")], {}, 400),
            ([("photo.jpg", PICTURE)], {"path": "/none"}, 404),
            ([("photo.jpg", PICTURE)], {"path_index": 9}, 400),
        ):
            reply = await self.send(*files, **fields)
            self.assertEqual(reply.status, status, fields)
            text = reply.body.decode()
            self.assertIn('role="alert"', text)
            self.assertIn('id="upload"', text)
        self.assertEqual(list((self.root / "shop").iterdir()), [])

    async def test_a_form_of_another_site_changes_nothing(self) -> None:
        reply = await self.send(("photo.jpg", PICTURE), _csrf_token="other")
        self.assertEqual(reply.status, 400)
        self.assertEqual(list((self.root / "shop").iterdir()), [])

    async def test_who_has_uploaded_nothing_is_led_on(self) -> None:
        text = (await self.page("/uploadcomplete/")).body.decode()
        self.assertIn('href="/upload/"', text)
        self.assertIn('href="/list/"', text)
