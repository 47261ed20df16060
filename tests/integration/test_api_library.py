"""Lists, details, titles, files, folders, the trash and tasks over the API, point by point."""

from __future__ import annotations

import os
import unicodedata
from types import MappingProxyType
from typing import Any

from qisd.access.levels import Flag, Level
from tests.integration.api import ApiCase, Reply

IMAGE_KEYS = {
    *("id", "src", "filename", "folder_id", "folder", "title", "description", "width", "height", "status"),
    *("supported", "download", "url"),
}
EXTRA_KEYS = {"filesize", "modified"}
FOLDER_KEYS = {"id", "name", "path", "parent_id", "status"}
TASK_KEYS = {
    *("id", "name", "funcname", "params", "priority", "status", "result", "keep_for", "keep_until", "log_level"),
    *("error_log_level", "lock_id", "user_id", "user", "created", "started", "finished", "progress", "progress_text"),
}
RULE_A = (".", "..", "../x.png", "a/../b.png", "a/.b/c.png", "/.hidden.png", ".hidden.png", "a..b.png", "/a/.b.png")
"""Paths that nothing new may have."""


class LibraryApiCase(ApiCase):
    def refused(self, reply: Reply, status: int, text: str = "") -> None:
        self.assertEqual((reply.status, reply.json["status"]), (status, status), reply.body)
        self.assertIsNone(reply.data)
        self.assertIn(text, reply.message)

    def accepted(self, reply: Reply) -> Any:
        self.assertEqual((reply.status, reply.message, reply.json["status"]), (200, "OK", 200), reply.body)
        return reply.data

    async def details(self, src: str, **more: Any) -> dict[str, Any]:
        return dict(self.accepted(await self.call("GET", "/details/", query={"src": src}, **more)))

    def history(self, number: int) -> list[tuple[Any, ...]]:
        """Action and user of each entry of an image."""
        return self.sql("select action, user_id from imagesaudit where image_id = %s order by id", number)

    def folder_id(self, path: str) -> int:
        ((number,),) = self.sql("select id from folders where path = %s", path)
        return int(number)

    async def level(self, level: int, folder: str = "/", **more: Any) -> str:
        """A token of somebody with a level in a folder."""
        group = self.group(f"{folder} {level} {more.get('name', '')}")
        self.permit(folder, group, level)
        return await self.person(groups=[group], **more)

    async def close(self, folder: str) -> None:
        """Nobody may see a folder any more but who has a level of their own."""
        for group in (1, 2):
            self.permit(folder, group, 0)
        await self.refresh()


class ListTests(LibraryApiCase):
    async def listed(self, path: str = "/", **query: Any) -> list[Any]:
        return list(self.accepted(await self.call("GET", "/list/", query={"path": path, **query})))

    async def names(self, path: str = "/", **query: Any) -> list[str]:
        return [one["filename"] for one in await self.listed(path, **query)]

    async def test_a_folder_is_listed_in_the_order_of_lower_case_names(self) -> None:
        for name in ("penguin.jpg", "Zebra.PNG", "b_1.png", "B0.png", "été.png", "terms.docx", "noextension"):
            (self.root / name).touch()
        (self.root / ".hidden.png").touch()
        self.paint("sub/a.png")
        names = ["B0.png", "b_1.png", "noextension", "penguin.jpg", "terms.docx", "Zebra.PNG", "été.png"]
        for path in ("/", "//", "/sub/..", "./", "/sub/../."):
            self.assertEqual(await self.names(path), names)
        entries = {one["filename"]: one for one in await self.listed()}
        self.assertEqual(entries["terms.docx"], {"filename": "terms.docx", "supported": False, "url": ""})
        self.assertEqual((entries["noextension"]["supported"], entries["Zebra.PNG"]["supported"]), (False, True))
        self.assertEqual(entries["penguin.jpg"]["url"], f"http://127.0.0.1:{self.port}/image?src=penguin.jpg")
        for path in ("sub", "/sub", "sub/", "/sub/"):
            [entry] = await self.listed(path)
            self.assertEqual(entry["url"], f"http://127.0.0.1:{self.port}/image?src=sub/a.png")

    async def test_all_other_parameters_go_into_the_addresses(self) -> None:
        self.paint("a b&c.png")
        passed = "width=300&amp;height=7&width=9&tmp=a b"
        kept = "limit=1&attributes=no&src=x&token=x&_scheme=x&_x=1&folders=0"
        address = f"/list?path=/&{passed}&{kept}"
        [entry] = self.accepted(await self.call("GET", address.replace(" ", "%20")))
        address = f"http://127.0.0.1:{self.port}/image?src=a+b%26c.png&width=300&height=7&tmp=a+b"
        self.assertEqual(entry["url"], address)
        [entry] = await self.listed(attributes=1, width=20)
        self.assertTrue(entry["url"].endswith("/image?src=a+b%26c.png&width=20"), entry["url"])

    async def test_start_and_limit_cut_it(self) -> None:
        for number in range(5):
            self.paint(f"{number}.png")
        self.assertEqual(await self.names(start=1, limit=2), ["1.png", "2.png"])
        self.assertEqual(await self.names(start="", limit=" 2 "), ["0.png", "1.png"])
        self.assertEqual(await self.names(start=5), [])
        self.assertEqual(await self.names(start=999_999_999), [])
        reply = await self.call("GET", "/list/", query={"path": "/", "start": 3, "limit": 1})
        self.assertEqual(reply.headers["x-total-count"], "5")

    async def test_images_are_listed_with_all_that_is_known_of_them(self) -> None:
        self.paint("sub/a.png", size=(7, 5))
        self.paint("sub/b.txt.png").rename(self.root / "sub/b.txt")
        (self.root / "sub/broken.png").write_bytes(b"no picture")
        for yes in ("1", "t", "y", "TRUE", "Yes"):
            image, blank, broken = await self.listed("/sub", attributes=yes)
        for no in ("0", "", "on", "2", "no"):
            self.assertEqual(set((await self.listed("/sub", attributes=no))[0]), {"filename", "supported", "url"})
        self.assertEqual(set(image) - EXTRA_KEYS, IMAGE_KEYS)
        self.assertEqual((image["src"], image["width"], image["height"], image["status"]), ("sub/a.png", 7, 5, 1))
        self.assertEqual(set(image["folder"]), FOLDER_KEYS)
        self.assertEqual(image["folder"]["id"], image["folder_id"])
        self.assertEqual((broken["filename"], broken["width"], broken["height"]), ("broken.png", 0, 0))
        self.assertEqual(
            blank,
            {
                **dict.fromkeys(("id", "folder_id", "width", "height", "status"), 0),
                **dict.fromkeys(("src", "title", "description", "url"), ""),
                "folder": None,
                "supported": False,
                "download": False,
                "filename": "b.txt",
            },
        )
        self.assertEqual(self.history(image["id"]), [(1, None)])

    async def test_without_attributes_only_the_folder_gets_a_record(self) -> None:
        self.paint("sub/deep/a.png")
        await self.listed("/sub/deep")
        self.assertEqual(self.sql("select count(*) from images"), [(0,)])
        paths = [("/",), ("/sub",), ("/sub/deep",)]
        await self.eventually(lambda: self.sql("select path from folders order by path") == paths)

    async def test_what_is_closed_is_closed_and_leaves_no_trace(self) -> None:
        self.paint("sub/a.png")
        self.sql("insert into folders (name, path, parent_id) values ('sub', '/sub', 1)")
        await self.close("/sub")
        for path in ("/sub", "/sub/none", "/sub/a.png", "/sub/.hidden"):
            for attributes in (0, 1):
                reply = await self.call("GET", "/list/", query={"path": path, "attributes": attributes})
                self.refused(reply, 403, f"View permission is required for {path}")
        self.assertEqual(self.sql("select count(*) from images"), [(0,)])
        self.assertEqual(self.sql("select count(*) from folders"), [(2,)])

    async def test_errors_come_in_their_order(self) -> None:
        self.paint("a.png")
        for query, status, text in (
            ({}, 400, "Missing parameter: path"),
            ({"path": ""}, 400, "Value is too short (min 1)"),
            ({"path": "x" * 1025}, 400, "Value is too long (max 1024)"),
            ({"path": "/../x", "limit": 0}, 400, "0 is out of range"),
            ({"path": "/../x", "limit": 1001}, 400, "1001 is out of range"),
            ({"path": "/", "limit": ""}, 400, "0 is out of range"),
            ({"path": "/", "limit": "x"}, 400, "must be a whole number"),
            ({"path": "/", "limit": "1_0"}, 400, "must be a whole number"),
            ({"path": "/", "limit": "١"}, 400, "must be a whole number"),
            ({"path": "/", "start": -1}, 400, "-1 is out of range"),
            ({"path": "/", "start": 1_000_000_000}, 400, "1000000000 is out of range"),
            ({"path": "a\nb"}, 400, "control characters"),
            ({"path": "\0"}, 400, ""),
            ({"path": "/../x"}, 403, ""),
            ({"path": "../images"}, 403, ""),
            ({"path": "/none"}, 404, "'/none'"),
            ({"path": "a.png"}, 404, "'/a.png'"),
            ({"path": ".uploads"}, 404, ""),
            ({"path": "/.trash"}, 404, ""),
        ):
            reply = await self.call("GET", "/list/", token=await self.admin(), query=query)
            self.refused(reply, status, text)
        # Of lists the reason stands alone.
        self.assertTrue(
            (await self.call("GET", "/list/?path=/&limit=0")).message.startswith("Invalid parameter (0 is out")
        )

    async def test_links_that_lead_nowhere_or_out_are_left_out(self) -> None:
        self.paint("a.png")
        (self.root / "dangling.png").symlink_to("nowhere.png")
        (self.root / "out.png").symlink_to("/etc/passwd")
        (self.root / "loop.png").symlink_to("loop.png")
        (self.root / "b.png").symlink_to("a.png")
        self.assertEqual(await self.names(), ["a.png", "b.png"])
        self.assertEqual(len(await self.listed(attributes=1)), 2)

    async def test_sub_folders_are_listed_for_those_who_ask(self) -> None:
        self.paint("sub/deep/a.png")
        self.paint("sub/b.png")
        self.assertEqual(await self.names("sub"), ["b.png"])
        entries = await self.listed("sub", folders="true", cursor="", width=3)
        self.assertEqual(entries[1], {"filename": "deep", "is_folder": True, "path": "/sub/deep"})
        self.assertTrue(entries[0]["url"].endswith("/image?src=sub/b.png&width=3"), entries[0])

    async def test_pages_by_cursor_lose_and_repeat_nothing(self) -> None:
        for name in ("b", "d", "f", "h", "j"):
            self.paint(f"{name}.png")
        reply = await self.call("GET", "/list/", query={"path": "/", "limit": 2})
        seen = [one["filename"] for one in self.accepted(reply)]
        self.assertEqual(seen, ["b.png", "d.png"])
        # What was seen goes, something comes before it, and something behind.
        (self.root / "b.png").unlink()
        self.paint("a.png")
        self.paint("E.png")
        while "link" in reply.headers:
            address, _, relation = reply.headers["link"].partition(">; ")
            self.assertEqual(relation, 'rel="next"')
            reply = await self.call("GET", address.removeprefix("<"))
            seen += [one["filename"] for one in self.accepted(reply)]
        self.assertEqual(seen, ["b.png", "d.png", "E.png", "f.png", "h.png", "j.png"])
        for cursor in ("!", "%%%", "x" * 2001, "YQ", "\xff"):
            reply = await self.call("GET", "/list/", query={"path": "/", "cursor": cursor})
            self.refused(reply, 400, "")

    async def test_an_unchanged_list_is_not_sent_again(self) -> None:
        self.paint("a.png")
        reply = await self.call("GET", "/list/?path=/")
        tag = reply.headers["etag"]
        self.assertRegex(tag, r'^"[^"]+"$')
        self.assertEqual(reply.headers["cache-control"], "no-cache")
        again = await self.call("GET", "/list/?path=/", headers={"If-None-Match": f'"x", {tag}'})
        self.assertEqual((again.status, again.body, again.headers["etag"]), (304, b"", tag))
        self.paint("b.png")
        self.assertEqual((await self.call("GET", "/list/?path=/", headers={"If-None-Match": tag})).status, 200)

    async def test_names_are_listed_in_whatever_form_of_unicode_but_not_those_that_are_none(self) -> None:
        composed, decomposed = "Ä.png", unicodedata.normalize("NFD", "Ö.png")
        self.paint(f"sub/{composed}")
        self.paint(f"sub/{decomposed}")
        (self.root / "sub").joinpath(os.fsdecode(b"\xff.png")).touch()
        entries = await self.listed("/sub")
        self.assertEqual(len(entries), 2)
        for entry in entries:
            address = entry["url"].partition(str(self.port))[2]
            self.assertEqual((await self.call("GET", address)).status, 200, address)
        self.assertEqual(len(await self.listed("/sub", attributes=1)), 2)


class DetailsTests(LibraryApiCase):
    async def test_an_image_is_described(self) -> None:
        self.paint("samples/pengüin one.jpg", size=(20, 10))
        for src in ("/samples/pengüin one.jpg", "samples//./pengüin one.jpg", "samples/x/../pengüin one.jpg"):
            data = await self.details(src)
        folder = {"id": 2, "name": "/samples", "parent_id": 1, "path": "/samples", "status": 1}
        self.assertEqual(
            {key: value for key, value in data.items() if key not in EXTRA_KEYS},
            {
                "description": "",
                "download": False,
                "filename": "pengüin one.jpg",
                "folder": folder,
                "folder_id": 2,
                "height": 10,
                "id": 1,
                "src": "samples/pengüin one.jpg",
                "status": 1,
                "supported": True,
                "title": "",
                "url": f"http://127.0.0.1:{self.port}/image?src=samples/peng%C3%BCin+one.jpg",
                "width": 20,
            },
        )
        self.assertEqual(data["filesize"], (self.root / "samples/pengüin one.jpg").stat().st_size)
        self.assertRegex(data["modified"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.history(1), [(1, None)])
        self.permit("/samples", 2, 20)
        self.assertTrue((await self.details("samples/pengüin one.jpg", token=await self.person()))["download"])

    async def test_errors_come_in_their_order(self) -> None:
        self.paint("sub/a.png")
        self.paint("a.png").rename(self.root / "text.docx")
        for query, status, text in (
            ({}, 400, "Missing parameter: src"),
            ({"src": ""}, 400, "Value is too short (min 1)"),
            ({"src": "x" * 1025}, 400, "Value is too long (max 1024)"),
            ({"src": "a\x07.png"}, 400, "control characters"),
            ({"src": "/../a.png"}, 403, ""),
            ({"src": "text.docx"}, 415, "docx"),
            ({"src": "none.docx"}, 404, "none.docx"),
            ({"src": "none.png"}, 404, "none.png"),
            ({"src": "sub"}, 404, "sub"),
            ({"src": "/"}, 404, ""),
            ({"src": "sub/a.png/b.png"}, 404, ""),
            ({"src": ".a.png"}, 404, ""),
            ({"src": "x" * 300 + ".png"}, 404, ""),
        ):
            self.refused(await self.call("GET", "/details/", token=await self.admin(), query=query), status, text)
        await self.close("/")
        for src in ("none.docx", "text.docx", "none.png", "sub", "sub/a.png", "deep/none/a.png", ".a.png"):
            self.refused(
                await self.call("GET", "/details/", query={"src": src}), 403, "View permission is required for /"
            )

    async def test_a_file_that_vanishes_and_comes_back_keeps_its_record(self) -> None:
        file = self.paint("a.png", size=(3, 2))
        first = await self.details("a.png")
        self.sql("update images set title = 'kept' where id = %s", first["id"])
        file.unlink()
        await self.eventually_missing("a.png")
        self.assertEqual(self.history(first["id"])[-1], (0, None))
        self.paint("a.png", size=(5, 4))
        again = await self.details("a.png")
        self.assertEqual((again["id"], again["title"]), (first["id"], "kept"))
        self.assertEqual((again["width"], again["height"], again["status"]), (5, 4, 1))
        self.assertEqual([action for action, _ in self.history(first["id"])], [1, 0, 1])

    async def eventually_missing(self, src: str) -> None:
        # What others do to the disk is noticed within a second.
        while (reply := await self.call("GET", "/details/", query={"src": src})).status == 200:
            pass
        self.refused(reply, 404, src)
        await self.eventually(lambda: self.sql("select status from images where src = %s", src) == [(0,)])

    async def test_a_changed_file_is_described_anew_and_its_tag_changes(self) -> None:
        self.paint("a.png", size=(3, 2))
        reply = await self.call("GET", "/details/?src=a.png")
        tag = reply.headers["etag"]
        self.assertEqual((await self.call("GET", "/details/?src=a.png", headers={"If-None-Match": tag})).status, 304)
        self.paint("a.png", size=(5, 4))
        while (again := await self.call("GET", "/details/?src=a.png", headers={"If-None-Match": tag})).status == 304:
            pass
        self.assertEqual((again.status, again.data["width"], again.data["id"]), (200, 5, reply.data["id"]))
        self.assertNotEqual(again.headers["etag"], tag)


class TitleTests(LibraryApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.paint("sub/a.png")
        self.number = (await self.details("sub/a.png"))["id"]
        self.path = f"/admin/images/{self.number}/"
        self.editor = await self.level(Level.EDIT, "/sub", name="editor")

    async def test_a_title_and_a_description_are_kept_without_blanks_around(self) -> None:
        form = {"title": "  King penguin\t", "description": " a\n b "}
        data = self.accepted(await self.call("PUT", self.path, token=self.editor, form=form))
        self.assertEqual((data["title"], data["description"]), ("King penguin", "a\n b"))
        self.assertEqual(self.accepted(await self.call("GET", self.path, token=self.editor)), data)
        ((action, info),) = self.sql("select action, action_info from imagesaudit where user_id is not null")
        self.assertEqual((action, info), (3, "Title: King penguin\nDescription: a b"))
        blank = self.accepted(
            await self.call("PUT", self.path, token=self.editor, form={"title": "", "description": " "})
        )
        self.assertEqual((blank["title"], blank["description"]), ("", ""))

    async def test_saying_the_same_again_writes_nothing(self) -> None:
        form = {"title": "T", "description": "D"}
        first = await self.call("PUT", self.path, token=self.editor, form=form)
        before = self.history(self.number)
        again = await self.call("PUT", self.path, token=self.editor, form=form)
        self.assertEqual((again.status, again.data), (200, first.data))
        self.assertEqual(self.history(self.number), before)

    async def test_errors_come_in_their_order(self) -> None:
        good, stranger = {"title": "", "description": ""}, await self.person()
        await self.close("/sub")
        for path, token, form, status in (
            (self.path, None, {}, 401),
            (self.path, stranger, {}, 400),
            (self.path, stranger, {"title": ""}, 400),
            (self.path, stranger, {"title": "x" * 256, "description": ""}, 400),
            (self.path, stranger, {"title": "", "description": "x" * 10_001}, 400),
            (self.path, stranger, {"title": "\0", "description": ""}, 400),
            ("/admin/images/4711/", stranger, good, 404),
            ("/admin/images/0/", stranger, good, 404),
            (self.path, stranger, good, 403),
        ):
            self.refused(await self.call("PUT", path, token=token, form=form), status)
        for path, token, status in (
            (self.path, None, 401),
            ("/admin/images/4711/", stranger, 404),
            (self.path, stranger, 403),
        ):
            self.refused(await self.call("GET", path, token=token), status)
        self.accepted(
            await self.call("PUT", self.path, token=self.editor, form={"title": "x" * 255, "description": "é" * 10_000})
        )

    async def test_json_says_it_in_its_own_types(self) -> None:
        data = self.accepted(
            await self.call("PUT", self.path, token=self.editor, json={"title": "T", "description": "D", "x": 1})
        )
        self.assertEqual((data["title"], data["description"]), ("T", "D"))
        for document in ({"title": "T"}, {"title": 1, "description": ""}, {"title": None, "description": ""}):
            self.refused(await self.call("PUT", self.path, token=self.editor, json=document), 400)

    async def test_a_patch_changes_what_it_names(self) -> None:
        await self.call("PUT", self.path, token=self.editor, form={"title": "T", "description": "D"})
        data = self.accepted(await self.call("PATCH", self.path, token=self.editor, json={"description": "E"}))
        self.assertEqual((data["title"], data["description"]), ("T", "E"))
        data = self.accepted(await self.call("PATCH", self.path, token=self.editor, form={"title": "U"}))
        self.assertEqual((data["title"], data["description"]), ("U", "E"))

    async def test_who_has_seen_an_older_state_is_shown_the_present_one(self) -> None:
        tag = (await self.call("GET", self.path, token=self.editor)).headers["etag"]
        form = {"title": "mine", "description": ""}
        self.accepted(await self.call("PUT", self.path, token=self.editor, form=form, headers={"If-Match": tag}))
        for method in ("PUT", "PATCH"):
            reply = await self.call(
                method,
                self.path,
                token=self.editor,
                form={"title": "yours", "description": ""},
                headers={"If-Match": tag},
            )
            self.assertEqual((reply.status, reply.json["status"], reply.data["title"]), (412, 412, "mine"))
            self.assertTrue(reply.message.startswith("Precondition Failed"), reply.message)
        fresh = (await self.call("GET", self.path, token=self.editor)).headers["etag"]
        self.assertEqual(reply.headers["etag"], fresh)
        for condition, status in ((f"W/{fresh}", 412), (f'"x", {fresh}', 200), ("*", 200)):
            reply = await self.call("PUT", self.path, token=self.editor, form=form, headers={"If-Match": condition})
            self.assertEqual(reply.status, status, condition)

    async def test_deleted_images_can_still_be_read_and_described(self) -> None:
        self.accepted(await self.call("DELETE", f"/admin/filesystem/images/{self.number}/", token=await self.admin()))
        data = self.accepted(await self.call("GET", self.path, token=self.editor))
        self.assertEqual((data["status"], data["src"]), (0, "sub/a.png"))
        self.accepted(await self.call("PUT", self.path, token=self.editor, form={"title": "T", "description": ""}))

    async def test_the_history_names_people_to_administrators_only(self) -> None:
        for title in "abc":
            await self.call("PATCH", self.path, token=self.editor, form={"title": title})
        path = f"{self.path}history/"
        entries = self.accepted(await self.call("GET", path, token=self.editor))
        self.assertEqual([one["action"] for one in entries], [1, 3, 3, 3])
        self.assertEqual(set(entries[0]), {"id", "image_id", "user_id", "action", "action_info", "action_time"})
        self.assertEqual((entries[0]["user_id"], entries[1]["action_info"]), (None, "Title: a"))
        reply = await self.call("GET", path, token=await self.admin(), query={"start": 1, "limit": 2})
        self.assertEqual([one["username"] for one in self.accepted(reply)], ["editor", "editor"])
        self.assertEqual(reply.headers["x-total-count"], "4")
        self.assertIn('rel="next"', reply.headers["link"])
        self.assertIn('rel="prev"', reply.headers["link"])
        self.refused(
            await self.call("GET", path, token=await self.person()), 403, "Edit permission is required for /sub"
        )
        self.refused(await self.call("GET", "/admin/images/4711/history/", token=self.editor), 404)
