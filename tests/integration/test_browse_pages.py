"""The pages of folders, search, trash and picker as the server makes them, and their plain forms."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from unittest import mock
from urllib.parse import quote, quote_plus

from qisd.errors import AlreadyExists
from qisd.repository.tree import Tree
from tests.integration.api import ApiCase, Reply

ODD = (
    "a & b.jpg",
    "50% #1 +x.jpg",
    "\"quoted\" 'name'.jpg",
    "<script>alert(1)<script>.jpg",
    "\u202egpj.\u202csham.jpg",
)
VIEW, UPLOAD, DELETE, CREATE_FOLDER, DELETE_FOLDER = 10, 40, 50, 60, 70


class PageCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.cookie, self.csrf = await self.session_of(1)

    async def get(self, address: str, *, kept: str = "") -> Reply:
        return await self.call("GET", address, below="", cookie=f"{self.cookie}{kept}")

    async def send(self, address: str, **form: str) -> Reply:
        return await self.call("POST", address, below="", cookie=self.cookie, form={"_csrf_token": self.csrf, **form})

    async def become_person_with(self, level: int) -> None:
        """Go on as somebody with this level everywhere, like everybody else."""
        self.sql("insert into users (id, username, password) values (77, 'ann', '!')")
        self.sql("insert into usergroups (user_id, group_id) values (77, 2)")
        self.sql("update folderpermissions set access = %s", level)
        self.cookie, self.csrf = await self.session_of(77)

    def page_data(self, reply: Reply) -> Any:
        """What a page has for its script."""
        found = re.search(r'id="page-data">(.*?)</script>', reply.body.decode(), re.DOTALL)
        assert found is not None
        return json.loads(found[1])

    def plain(self, reply: Reply) -> str:
        """What is shown where no scripts run."""
        return "".join(re.findall(r"<noscript>(.*?)</noscript>", reply.body.decode(), re.DOTALL))

    def seen(self, text: str) -> str:
        """Without markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


class BrowsingTests(PageCase):
    async def test_a_folder_is_a_plain_list_with_folders_first(self) -> None:
        for name in ("box/a10.jpg", "box/a2.jpg", "box/sub/x.jpg"):
            self.paint(name)
        (self.root / "box/notes.txt").write_text("x")
        reply = await self.get("/list/?path=/box")
        self.assertEqual(reply.status, 200)
        names = re.findall(r'dir="auto">(?:<svg.*?</svg>)?([^<]*)<', self.plain(reply))
        self.assertEqual(names, ["sub", "a2.jpg", "a10.jpg", "notes.txt"])
        self.assertIn('href="/details/?src=/box/a2.jpg"', self.plain(reply))
        self.assertNotIn("src=/box/notes.txt", self.plain(reply))
        self.assertEqual(self.sql("select count(*) from folders where path = '/box'"), [(0,)])
        await self.domain.library.registrar.flush()
        self.assertEqual(self.sql("select count(*) from folders where path = '/box'"), [(1,)])

    async def test_who_begins_is_sent_to_the_samples_where_there_are_any(self) -> None:
        to_samples = 'href="/list/?path=/samples">Try it'
        self.assertNotIn(to_samples, (await self.get("/list/")).body.decode())
        self.paint("samples/a.jpg")
        self.assertIn(to_samples, (await self.get("/list/")).body.decode())

    async def test_names_of_all_kinds_are_text_and_lead_where_they_should(self) -> None:
        for name in ODD:
            self.paint(f"box/{name}")
        reply = await self.get("/list/?path=/box")
        plain = html.unescape(self.plain(reply))
        for name in ODD:
            self.assertIn(f'dir="auto">{name}</a>', plain)
            self.assertIn(f'/details/?src=/box/{quote_plus(name, safe=chr(39) + "!*(),:@~")}"', plain)
        self.assertNotIn("<script>alert", reply.body.decode())
        self.assertEqual(sorted(one["filename"] for one in self.page_data(reply)["first"]["items"]), sorted(ODD))

    async def test_a_hundred_are_shown_at_a_time(self) -> None:
        for number in range(250):
            self.paint(f"box/n{number}.png").with_name(f"n{number}.png")
        reply = await self.get("/list/?path=/box&sort=-name")
        self.assertIn("1 to 100 of 250", self.seen(self.plain(reply)))
        [after] = re.findall(r'rel="next" href="([^"]*)"', self.plain(reply))
        for expected in ("101 to 200 of 250", "201 to 250 of 250"):
            reply = await self.get(html.unescape(after))
            self.assertIn(expected, self.seen(self.plain(reply)))
            after = "".join(re.findall(r'rel="next" href="([^"]*)"', self.plain(reply)))
        self.assertEqual((after, self.page_data(reply)["first"]["start"]), ("", 200))

    async def test_a_folder_is_looked_into_once_for_its_page(self) -> None:
        for name in ("box/a.png", "box/b.png", "box/sub/x.png"):
            self.paint(name)
        with mock.patch.object(Tree, "listing", autospec=True, side_effect=Tree.listing) as looked:
            data = self.page_data(await self.get("/list/?path=/box&sort=-date"))
        self.assertEqual(looked.call_count, 1)
        size = sum((self.root / "box" / name).stat().st_size for name in ("a.png", "b.png"))
        summary = data["summary"]
        self.assertEqual((summary["files"], summary["folders"], summary["size"]), (2, 1, size))
        self.assertEqual(data["first"]["items"][0]["filename"], "sub")

    async def test_the_view_and_the_folder_visited_last_are_remembered(self) -> None:
        self.paint("box/a.png")
        self.assertEqual(self.page_data(await self.get("/list/"))["view"], "list")
        reply = await self.get("/list/?path=/box&view=grid")
        self.assertIn("qis_view=grid", reply.headers["set-cookie"])
        self.assertIn("qis_folder=/box", reply.headers["set-cookie"])
        self.assertEqual(self.page_data(await self.get("/list/", kept="; qis_view=grid"))["view"], "grid")
        self.assertEqual((await self.get("/list/?view=heap")).status, 400)

    async def test_what_is_not_there_or_closed_leads_to_the_root(self) -> None:
        reply = await self.get("/list/?path=/none")
        self.assertEqual(reply.status, 404)
        self.assertIn("does not exist", self.seen(reply.body.decode()))
        self.assertIn('href="/list/"', reply.body.decode())
        await self.become_person_with(0)
        self.assertEqual((await self.get("/list/?path=/none")).status, 403)
        for query in ("sort=colour", "start=-1", "start=x"):
            self.assertEqual((await self.get(f"/list/?{query}")).status, 400, query)

    async def test_one_goes_from_image_to_image_until_either_end(self) -> None:
        for name in ("box/a.jpg", "box/b&.jpg", "box/c.jpg", "box/b/x.jpg"):
            self.paint(name)
        (self.root / "box/b.txt").write_text("x")
        reply = await self.get("/list/navigate/?src=/box/a.jpg&dir=forward")
        self.assertEqual((reply.status, reply.headers["location"]), (302, "/details/?src=/box/b%26.jpg"))
        reply = await self.get("/list/navigate/?src=/box/c.jpg&dir=back")
        self.assertEqual(reply.headers["location"], "/details/?src=/box/b%26.jpg")
        for query in ("src=/box/a.jpg&dir=back", "src=/box/c.jpg", "src=/none/x.jpg", "src=/box/none.jpg", "src=", ""):
            self.assertEqual((await self.get(f"/list/navigate/?{query}")).status, 204, query)


class FolderFormTests(PageCase):
    async def test_a_folder_is_made_renamed_moved_and_deleted_by_plain_forms(self) -> None:
        self.paint("box/a.png")
        (self.root / "other").mkdir()
        form = await self.get("/list/folder/?path=/box")
        self.assertEqual(len(re.findall('action="/list/folder/', form.body.decode())), 4)
        steps = [
            ("new", {"path": "/box", "name": "50% & #1"}, "/box/50% & #1"),
            ("rename", {"path": "/box/50% & #1", "name": "b"}, "/box/b"),
            ("move", {"path": "/box/b", "target": "/other"}, "/other/b"),
            ("delete", {"path": "/other/b"}, "/other"),
        ]
        for deed, given, to in steps:
            reply = await self.send(f"/list/folder/{deed}/", **given)
            self.assertEqual(reply.status, 303, (deed, reply.body))
            self.assertEqual(reply.headers["location"], f"/list/?path={quote(to, safe='/').replace('%20', '+')}")
        self.assertEqual([one.name for one in (self.root / "other").iterdir()], [])
        self.assertEqual(
            [one["path"] for one in (await self.call("GET", "/admin/trash/", cookie=self.cookie)).data], ["/other/b"]
        )

    async def test_what_others_have_begun_is_theirs_to_forget(self) -> None:
        self.paint("box/a.png")
        await self.get("/list/folder/?path=/box")
        [(number,)] = self.sql("select id from folders where path = '/box'")
        queue = self.domain.background.queue
        theirs = await queue.add("delete_folder", {"folder_id": number}, user_id=None)
        add = mock.patch.object(queue, "add", side_effect=AlreadyExists("", existing=theirs))
        with add:
            self.assertEqual((await self.send("/list/folder/delete/", path="/box")).status, 303)
        self.assertTrue((await queue.get(theirs.id)).over)
        self.paint("box/a.png")
        await queue.forget(theirs.id)
        with add:  # those who had it begun were told meanwhile
            self.assertEqual((await self.send("/list/folder/delete/", path="/box")).status, 303)

    async def test_what_goes_wrong_is_told_beside_the_forms(self) -> None:
        self.paint("box/a.png")
        for deed, given, status in (
            ("new", {"path": "/box", "name": ""}, 400),
            ("new", {"path": "/box", "name": "x/y"}, 400),
            ("new", {"path": "/box", "name": ".x"}, 400),
            ("new", {"path": "/", "name": "box"}, 409),
            ("rename", {"path": "/", "name": "x"}, 400),
            ("move", {"path": "/box", "target": "/none"}, 404),
            ("delete", {"path": "/"}, 400),
        ):
            reply = await self.send(f"/list/folder/{deed}/", **given)
            self.assertEqual(reply.status, status, (deed, given))
            self.assertIn('role="alert"', reply.body.decode())

    async def test_forms_are_for_those_who_may(self) -> None:
        self.paint("box/sub/a.png")
        await self.become_person_with(VIEW)
        form = await self.get("/list/folder/?path=/box")
        self.assertIn("nothing here that you may change", self.seen(form.body.decode()))
        self.assertEqual((await self.send("/list/folder/delete/", path="/box/sub")).status, 403)
        self.assertTrue((self.root / "box/sub").exists())

    async def test_forms_of_other_sites_are_refused(self) -> None:
        self.paint("box/a.png")
        self.csrf = "x"
        self.assertEqual((await self.send("/list/folder/delete/", path="/box")).status, 400)
        self.assertTrue((self.root / "box").exists())


class SearchPageTests(PageCase):
    async def test_images_are_found_by_words_operators_and_dates_page_by_page(self) -> None:
        token = await self.admin()
        for number in range(103):
            self.paint(f"box/lamp{number}.png")
        await self.call("GET", "/list/", token=token, query={"path": "/box", "attributes": 1})
        reply = await self.get("/search/?q=lamp+in:/box")
        self.assertIn("103 images found", self.seen(reply.body.decode()))
        [after] = re.findall(r'rel="next" href="([^"]*)"', self.plain(reply))
        reply = await self.get(html.unescape(after))
        self.assertEqual(len(self.page_data(reply)["first"]["items"]), 3)
        for query, count in (
            ("q=lamp7", 1 + 10),
            ("q=lamp&to=2001-01-01", 0),
            ("to=9999-12-31", 100),
            ("type=jpg", 0),
            ("path=/box", 100),
            ("path=/box&q=in:/", 100),
            ("path=/none&q=in:/box", 0),
        ):
            found = self.page_data(await self.get(f"/search/?{query}"))["first"]["items"]
            self.assertEqual(len(found), count, query)

    async def test_what_can_not_be_meant_is_told(self) -> None:
        for query, status in (
            ("from=x", 400),
            ("sort=x", 400),
            ("type=%00", 400),
            ("q=in:../x", 403),
            ("cursor=x", 400),
        ):
            reply = await self.get(f"/search/?{query}")
            self.assertEqual(reply.status, status, query)
            self.assertTrue(self.page_data(reply)["problem"])


class TrashPageTests(PageCase):
    async def deleted(self, *names: str) -> dict[str, int]:
        """Delete pictures; the ids of their entries in the trash."""
        for name in names:
            self.paint(name)
            number = (await self.call("GET", "/details/", cookie=self.cookie, query={"src": name})).data["id"]
            headers = {"X-CSRF-Token": self.csrf}
            await self.call("DELETE", f"/admin/filesystem/images/{number}/", cookie=self.cookie, headers=headers)
        listed = (await self.call("GET", "/admin/trash/", cookie=self.cookie)).data
        return {entry["path"]: entry["id"] for entry in listed}

    async def test_things_are_restored_and_removed_by_plain_forms(self) -> None:
        ids = await self.deleted("box/a & b.png", "box/c.png")
        reply = await self.get("/trash/?path=/box")
        self.assertIn("a & b.png", self.seen(reply.body.decode()))
        reply = await self.send("/trash/restore/", id=str(ids["/box/a & b.png"]))
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/list/?path=/box#a%20%26%20b.png"))
        self.assertTrue((self.root / "box/a & b.png").exists())
        number = str(ids["/box/c.png"])
        self.assertIn(
            "Remove c.png for good?", self.seen((await self.get(f"/trash/remove/?id={number}")).body.decode())
        )
        self.assertEqual((await self.send("/trash/remove/", id=number)).status, 303)
        self.assertIn("nothing in the trash", self.seen((await self.get("/trash/")).body.decode()))

    async def test_what_goes_wrong_is_told_above_the_list(self) -> None:
        ids = await self.deleted("box/a.png")
        self.paint("box/a.png")
        reply = await self.send("/trash/restore/", id=str(ids["/box/a.png"]))
        self.assertEqual(reply.status, 409)
        self.assertIn("already exists", self.seen(reply.body.decode()))
        self.assertEqual((await self.send("/trash/restore/", id="4711")).status, 404)
        self.assertEqual((await self.send("/trash/remove/", id="x")).status, 400)
        reply = await self.send("/trash/restore/", id=str(ids["/box/a.png"]), on_clash="rename")
        self.assertEqual(reply.status, 303)

    async def test_one_sees_what_one_might_have_deleted(self) -> None:
        ids = await self.deleted("box/a.png")
        await self.become_person_with(UPLOAD)
        self.assertIn("nothing in the trash", self.seen((await self.get("/trash/")).body.decode()))
        self.assertEqual((await self.get(f"/trash/remove/?id={ids['/box/a.png']}")).status, 403)


class PickerPageTests(PageCase):
    settings: Mapping[str, Any] = MappingProxyType({"picker_origins": ("https://site.example",)})

    async def test_only_sites_that_are_named_get_a_window_that_knows_them(self) -> None:
        reply = await self.get("/folder_list/pick/?origin=https://site.example&mode=files")
        self.assertEqual((reply.status, reply.headers["cross-origin-opener-policy"]), (200, "unsafe-none"))
        data = self.page_data(reply)
        self.assertEqual((data["target"], data["mode"]), ("https://site.example", "files"))
        own = f"http://127.0.0.1:{self.port}"
        for spelled in (own, own.upper()):
            self.assertEqual((await self.get(f"/folder_list/pick/?origin={spelled}")).status, 200)
        for other in ("https://evil.example", "http://site.example", "null", "*", "", "//site.example", "http://["):
            self.assertEqual((await self.get(f"/folder_list/pick/?origin={quote(other)}")).status, 403, other)

    async def test_the_frame_begins_where_it_is_asked_to_or_at_the_root(self) -> None:
        self.paint("box/a.png")
        for path, expected in (("/box", "/box"), ("/none", "/"), ("box/", "/box")):
            reply = await self.get(f"/folder_list/?path={path}&show_files=1")
            self.assertEqual((self.page_data(reply)["path"], self.page_data(reply)["mode"]), (expected, "file"))
        self.assertEqual(reply.headers["cross-origin-opener-policy"], "same-origin")
        strange = await self.call("GET", "/folder_list/", below="")
        self.assertEqual(strange.status, 302)
