"""The page of an image as the server makes it, and its plain forms."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote

from tests.integration.api import ApiCase, Reply

DOWNLOAD, EDIT, UPLOAD, DELETE = 20, 30, 40, 50


class ImagePageCase(ApiCase):
    """:ivar image_id: of the image ``box/b.png``, which stands between ``a.png`` and ``c.png``."""

    async def setUp(self) -> None:
        await super().setUp()
        for name in ("a", "b", "c"):
            self.paint(f"box/{name}.png")
        self.cookie, self.csrf = await self.session_of(1)
        token = await self.admin()
        self.image_id = (await self.call("GET", "/details/", token=token, query={"src": "box/b.png"})).data["id"]

    async def get(self, address: str, *, cookie: str | None = None) -> Reply:
        return await self.call("GET", address, below="", cookie=cookie or self.cookie)

    async def send(self, address: str, form: Mapping[str, str]) -> Reply:
        return await self.call("POST", address, below="", cookie=self.cookie, form={"_csrf_token": self.csrf, **form})

    async def person_with(self, level: int) -> tuple[str, str]:
        """The session of somebody with this level everywhere, like everybody else, and its CSRF token."""
        self.sql("insert into users (id, username, password) values (77, 'ann', '!')")
        self.sql("insert into usergroups (user_id, group_id) values (77, 2)")
        self.sql("update folderpermissions set access = %s", level)
        return await self.session_of(77)

    def seen(self, reply: Reply) -> str:
        """The text of a page, without markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", reply.body.decode())).split())


class DetailsTests(ImagePageCase):
    async def test_strangers_are_sent_to_log_in_and_back(self) -> None:
        reply = await self.call("GET", "/details/?src=/box/b.png", below="")
        self.assertEqual(reply.status, 302)
        page, _, query = reply.headers["location"].partition("?")
        self.assertEqual((page, parse_qs(query)), ("/login/", {"next": ["/details/?src=/box/b.png"]}))

    async def test_an_image_with_its_neighbours_and_its_place(self) -> None:
        reply = await self.get("/details/?src=/box/b.png")
        self.assertEqual(reply.status, 200)
        page = reply.body.decode()
        self.assertIn("2 of 3", self.seen(reply))
        self.assertIn('href="/details/?src=/box/a.png"', page)
        self.assertIn('href="/details/?src=/box/c.png"', page)
        self.assertIn("40 × 30 pixels", self.seen(reply))

    async def test_the_first_has_none_before_it_and_the_last_none_behind(self) -> None:
        first, last = [(await self.get(f"/details/?src=/box/{name}.png")).body.decode() for name in "ac"]
        self.assertNotIn('rel="prev"', first)
        self.assertIn('rel="next"', first)
        self.assertNotIn('rel="next"', last)

    async def test_what_people_and_files_say_is_text_never_markup(self) -> None:
        name = "<script>alert(1)&amp;.png"
        self.paint(f"box/{name}")
        self.sql("update images set title = '<b>bold</b>' where id = %s", self.image_id)
        page = (await self.get(f"/details/?src=/box/{quote(name)}")).body.decode()
        self.assertNotIn("<script>alert", page)
        self.assertIn("&lt;script&gt;alert(1)&amp;amp;.png", page)
        self.assertNotIn("<b>bold", (await self.get("/details/?src=/box/b.png")).body.decode())

    async def test_who_can_see_it_and_by_which_folder(self) -> None:
        self.assertIn(
            "Everyone can view it by the permissions of /", self.seen(await self.get("/details/?src=/box/b.png"))
        )
        self.permit("/box", 1, 0)
        await self.refresh()
        self.assertIn(
            "Only people who sign in by the permissions of /box", self.seen(await self.get("/details/?src=/box/b.png"))
        )

    async def test_who_may_not_view_the_folder_is_told_nothing(self) -> None:
        cookie, _ = await self.person_with(0)
        for name in ("b", "none"):
            self.assertEqual((await self.get(f"/details/?src=/box/{name}.png", cookie=cookie)).status, 403)

    async def test_the_history_is_for_those_who_may_edit(self) -> None:
        cookie, _ = await self.person_with(DOWNLOAD)
        self.assertIn("The history is for those", self.seen(await self.get("/details/?src=/box/b.png", cookie=cookie)))

    async def test_where_there_never_was_an_image_it_is_not_found(self) -> None:
        self.assertEqual((await self.get("/details/?src=/box/none.png")).status, 404)
        self.assertEqual((await self.get("/details/")).status, 404)

    async def test_a_deleted_image_is_still_described(self) -> None:
        self.sql("update images set title = 'Red lamp' where id = %s", self.image_id)
        await self.send("/details/delete/", {"src": "/box/b.png"})
        reply = await self.get("/details/?src=/box/b.png")
        self.assertEqual(reply.status, 404)
        for text in ("Red lamp", "This image has been deleted.", "Deleted"):
            self.assertIn(text, self.seen(reply))


class FormTests(ImagePageCase):
    async def test_title_and_description_are_saved(self) -> None:
        self.assertIn('name="title"', (await self.get("/edit/?src=/box/b.png")).body.decode())
        reply = await self.send("/edit/", {"src": "/box/b.png", "title": "Red lamp", "description": "Studio"})
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/details/?src=/box/b.png"))
        self.assertEqual(
            self.sql("select title, description from images where id = %s", self.image_id), [("Red lamp", "Studio")]
        )

    async def test_what_was_typed_is_kept_when_it_is_too_long(self) -> None:
        reply = await self.send("/edit/", {"src": "/box/b.png", "title": "x" * 256, "description": "Studio"})
        self.assertEqual(reply.status, 400)
        self.assertIn("x" * 256, reply.body.decode())
        self.assertEqual(self.sql("select title from images where id = %s", self.image_id), [("",)])

    async def test_renamed_images_are_shown_at_their_new_place(self) -> None:
        reply = await self.send("/details/rename/", {"src": "/box/b.png", "path": "/box/lamp.png"})
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/details/?src=/box/lamp.png"))
        self.assertTrue((self.root / "box/lamp.png").exists())

    async def test_a_name_that_is_taken_is_refused_and_kept_to_be_changed(self) -> None:
        reply = await self.send("/details/rename/", {"src": "/box/b.png", "path": "/box/a.png"})
        self.assertEqual(reply.status, 409)
        self.assertIn('value="/box/a.png"', reply.body.decode())
        self.assertTrue((self.root / "box/b.png").exists())

    async def test_deleting_asks_first_then_leads_to_the_folder(self) -> None:
        self.assertIn("Delete b.png?", self.seen(await self.get("/details/delete/?src=/box/b.png")))
        self.assertTrue((self.root / "box/b.png").exists())
        reply = await self.send("/details/delete/", {"src": "/box/b.png"})
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/list/?path=/box"))
        self.assertFalse((self.root / "box/b.png").exists())

    async def test_old_links_that_reset_only_ask(self) -> None:
        reply = await self.get("/details/?src=/box/b.png&reset=1")
        self.assertEqual((reply.status, reply.headers["location"]), (302, "/details/reset/?src=/box/b.png"))
        reply = await self.send("/details/reset/", {"src": "/box/b.png"})
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/details/?src=/box/b.png"))

    async def test_each_deed_takes_its_level(self) -> None:
        cookie, csrf = await self.person_with(EDIT)
        for deed, more, status in (("delete", {}, 403), ("rename", {"path": "/box/x.png"}, 403), ("reset", {}, 303)):
            form = {"_csrf_token": csrf, "src": "/box/b.png", **more}
            reply = await self.call("POST", f"/details/{deed}/", below="", cookie=cookie, form=form)
            self.assertEqual(reply.status, status, deed)
        self.assertTrue((self.root / "box/b.png").exists())

    async def test_forms_of_other_sites_do_nothing(self) -> None:
        for address in ("/details/delete/", "/details/reset/", "/details/rename/", "/edit/"):
            reply = await self.call("POST", address, below="", cookie=self.cookie, form={"src": "/box/b.png"})
            self.assertEqual(reply.status, 400, address)
        self.assertTrue((self.root / "box/b.png").exists())


class OtherPageTests(ImagePageCase):
    async def test_two_addresses_to_compare_stand_in_the_form(self) -> None:
        page = (await self.get("/compare/?a=/box/a.png&b=/box/b.png")).body.decode()
        self.assertIn('value="/box/a.png"', page)
        self.assertIn('value="/box/b.png"', page)

    async def test_explanations_are_for_those_who_may_edit(self) -> None:
        self.assertEqual((await self.get("/details/explain/?src=/box/b.png&width=20")).status, 200)
        cookie, _ = await self.person_with(DOWNLOAD)
        self.assertEqual((await self.get("/details/explain/?src=/box/b.png", cookie=cookie)).status, 403)
