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
EXTRA_KEYS = {"filesize", "modified", "focal"}
FOLDER_KEYS = {"id", "name", "path", "parent_id", "status"}
TASK_KEYS = {
    *("id", "name", "funcname", "params", "priority", "status", "result", "keep_for", "keep_until", "log_level"),
    *("error_log_level", "lock_id", "user_id", "user", "created", "started", "finished", "progress", "progress_text"),
    *("state", "attempts", "cancelling", "error"),
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
        await self.domain.library.registrar.folder(folder.strip("/"))
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

    async def test_what_is_too_long_is_not_passed_on_to_each_address(self) -> None:
        self.paint("a.png")
        for name, length, status in (("x", 3998, 200), ("x", 3999, 400), ("ä" * 200, 4000, 400)):
            reply = await self.call("GET", "/list/", query={"path": "/", name: "y" * length})
            self.assertEqual(reply.status, status, reply.message)
        self.assertIn("too long to be passed on", reply.message)

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


class FileTests(LibraryApiCase):
    """Renaming, moving and deleting files."""

    async def setUp(self) -> None:
        await super().setUp()
        self.paint("sub/a.png")
        self.paint("other/b.png")
        self.number = (await self.details("sub/a.png"))["id"]
        self.path = f"/admin/filesystem/images/{self.number}/"
        self.boss = await self.admin()

    async def move(self, path: str, number: int | None = None, token: str | None = None) -> Reply:
        address = self.path if number is None else f"/admin/filesystem/images/{number}/"
        return await self.call("PUT", address, token=token or self.boss, form={"path": path})

    async def shown(self, src: str) -> int:
        """The status of an image request."""
        return (await self.call("GET", "/image", query={"src": src})).status

    async def test_a_file_gets_another_name_and_another_folder(self) -> None:
        self.sql("update images set title = 'kept' where id = %s", self.number)
        self.assertEqual(await self.shown("sub/a.png"), 200)
        data = self.accepted(await self.move("/sub/c.png"))
        self.assertEqual(
            (data["id"], data["src"], data["filename"], data["title"]), (self.number, "sub/c.png", "c.png", "kept")
        )
        self.assertEqual([await self.shown(src) for src in ("sub/a.png", "sub/c.png")], [404, 200])
        data = self.accepted(await self.move(" other//c.png/ "))
        self.assertEqual((data["src"], data["folder"]["path"]), ("other/c.png", "/other"))
        self.assertEqual(data["folder_id"], self.folder_id("/other"))
        texts = self.sql(
            "select action, user_id, action_info from imagesaudit where image_id = %s order by id", self.number
        )
        self.assertEqual(texts[1:], [(4, 1, "Renamed from a.png to c.png"), (4, 1, "Moved from /sub to /other")])
        data = self.accepted(await self.move("top.png"))
        self.assertEqual((data["src"], data["folder"]["path"], data["folder_id"]), ("top.png", "/", 1))
        self.assertEqual([await self.shown(src) for src in ("sub/c.png", "other/c.png", "top.png")], [404, 404, 200])
        self.assertEqual((await self.details("top.png"))["id"], self.number)

    async def test_names_are_cleaned_and_folders_are_not(self) -> None:
        (self.root / "odd *folder").mkdir()
        for given, made in (
            ("/sub/cath\u00ebdral*\t echo>'hi'.png", "sub/cath\u00ebdral echohi.png"),
            ("/sub/a*b?.png", "sub/ab.png"),
            ("/sub/ x .png. ", "sub/x .png"),
            ("/sub/e\u0301t\u00e9.png", "sub/\u00e9t\u00e9.png"),
            ("/sub/line\nbreak.png", "sub/linebreak.png"),
            ("/odd *folder/_draft.png", "odd *folder/_draft.png"),
            ("/sub/a.PNG", "sub/a.PNG"),
        ):
            self.assertEqual(self.accepted(await self.move(given))["src"], made)
            self.assertTrue((self.root / made).exists())

    async def test_the_same_path_is_no_change(self) -> None:
        before = self.history(self.number)
        self.assertEqual(self.accepted(await self.move("/sub/a.png"))["src"], "sub/a.png")
        self.assertEqual(self.history(self.number), before)

    async def test_errors_come_in_their_order(self) -> None:
        self.paint("sub/taken.png")
        (self.root / "sub/folder.png").mkdir()
        for path in RULE_A:
            padded = path if len(path) >= 5 else f"{path}/...."
            self.refused(await self.move(padded), 400, "dot")
        for path, status, text in (
            ("", 400, "too short (min 5)"),
            ("  a.b  ", 400, "too short (min 5)"),
            ("x" * 1025, 400, "too long (max 1024)"),
            ("/sub/" + "x" * 252 + ".png", 400, "too long (max 255)"),
            ("/sub/" + "\u00e9" * 126 + ".png", 400, "too long (max 255)"),
            ("/sub/noextension", 400, "extension"),
            ("/sub/a.p ng", 400, "extension"),
            ("/sub/???.", 400, ""),
            ("/sub/.png", 400, ""),
            ("/sub/b.p", 400, "too short"),
            ("/none/b.png", 404, "'/none'"),
            ("/other/b.png/c.png", 404, ""),
            ("/sub/taken.png", 409, "already exists"),
            ("/sub/folder.png", 409, "already exists"),
            ("/sub/b.jpg", 415, ""),
            ("/sub/b.html", 415, "html"),
            ("/sub/b.png.php", 415, "php"),
        ):
            self.refused(await self.move(path), status, text)
        self.refused(await self.call("PUT", self.path, token=self.boss), 400, "Missing parameter: path")
        for number in (0, 4711, 2**31, 2**63):
            self.refused(await self.move("/none/x.png", number), 404)
        stranger = await self.person()
        self.refused(await self.call("PUT", self.path, form={}), 401)
        self.refused(await self.move("", token=stranger), 400)
        self.refused(await self.move("/none/x.png", 4711, token=stranger), 404, "4711")
        self.refused(await self.move("/none/x.png", token=stranger), 404, "/none")
        self.refused(await self.move("/sub/taken.png", token=stranger), 409)
        self.refused(await self.move("/sub/b.png", token=stranger), 403, "Upload permission is required for /sub")
        mover = await self.level(Level.UPLOAD)
        self.refused(await self.move("/other/c.png", token=mover), 403, "Delete permission is required for /sub")
        (self.root / "sub/a.png").unlink()
        self.refused(await self.move("/sub/b.png"), 404, "sub/a.png")
        self.assertEqual(await self.shown("sub/taken.png"), 200)

    async def test_a_closed_folder_tells_nothing(self) -> None:
        stranger = await self.person()
        await self.close("/other")
        for path in ("/other/b.png", "/other/none/b.png", "/other/free.png"):
            self.refused(await self.move(path, token=stranger), 403, "View permission is required for /other")

    async def test_the_record_of_a_deleted_file_at_the_target_is_kept(self) -> None:
        old = (await self.details("other/b.png"))["id"]
        self.accepted(await self.call("DELETE", f"/admin/filesystem/images/{old}/", token=self.boss))
        self.accepted(await self.move("/other/b.png"))
        self.assertEqual((await self.details("other/b.png"))["id"], self.number)
        kept = self.accepted(await self.call("GET", f"/admin/images/{old}/", token=self.boss))
        self.assertEqual((kept["status"], kept["id"]), (0, old))
        self.assertNotEqual(kept["src"], "other/b.png")
        self.assertEqual(self.history(old), [(1, None), (0, 1)])

    async def test_a_deleted_file_is_gone_at_once_and_its_record_stays(self) -> None:
        self.assertEqual(await self.shown("sub/a.png"), 200)
        data = self.accepted(await self.call("DELETE", self.path, token=self.boss))
        self.assertEqual((data["id"], data["src"], data["status"]), (self.number, "sub/a.png", 0))
        self.assertEqual(await self.shown("sub/a.png"), 404)
        self.refused(await self.call("GET", "/details/?src=sub/a.png"), 404)
        self.assertFalse((self.root / "sub/a.png").exists())
        self.assertEqual(self.history(self.number)[-1], (0, 1))
        self.refused(await self.call("DELETE", self.path, token=self.boss), 404)
        self.refused(await self.call("DELETE", "/admin/filesystem/images/4711/", token=await self.person()), 404)
        self.refused(await self.call("DELETE", self.path), 401)

    async def test_a_file_that_is_gone_already_is_no_error(self) -> None:
        (self.root / "sub/a.png").unlink()
        data = self.accepted(await self.call("DELETE", self.path, token=self.boss))
        self.assertEqual(data["status"], 0)
        self.assertEqual(self.sql("select count(*) from trash"), [(0,)])

    async def test_who_has_seen_an_older_state_neither_moves_nor_deletes(self) -> None:
        tag = (await self.call("GET", f"/admin/images/{self.number}/", token=self.boss)).headers["etag"]
        self.accepted(await self.move("/sub/c.png"))
        reply = await self.call(
            "PUT", self.path, token=self.boss, form={"path": "/sub/d.png"}, headers={"If-Match": tag}
        )
        self.assertEqual((reply.status, reply.data["src"]), (412, "sub/c.png"))
        reply = await self.call("DELETE", self.path, token=self.boss, headers={"If-Match": tag})
        self.assertEqual((reply.status, reply.data["src"]), (412, "sub/c.png"))
        self.assertTrue((self.root / "sub/c.png").exists())


class FolderCase(LibraryApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.paint("samples/2026/a.png")
        self.paint("samples/b.png")
        self.boss = await self.admin()
        self.image = (await self.details("samples/2026/a.png"))["id"]
        self.samples, self.year = self.folder_id("/samples"), self.folder_id("/samples/2026")

    async def look(self, where: int | str, token: str | None = None, **query: Any) -> Reply:
        if isinstance(where, int):
            address = f"/admin/filesystem/folders/{where}/"
        else:
            address, query = "/admin/filesystem/folders/", {"path": where, **query}
        return await self.call("GET", address, token=token or self.boss, query=query)

    async def make(self, path: str, token: str | None = None) -> Reply:
        return await self.call("POST", "/admin/filesystem/folders/", token=token or self.boss, form={"path": path})

    async def move(self, number: int, path: str, token: str | None = None, **headers: str) -> Reply:
        address = f"/admin/filesystem/folders/{number}/"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("PUT", address, token=token or self.boss, form={"path": path}, headers=sent)

    async def delete(self, number: int, token: str | None = None, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("DELETE", f"/admin/filesystem/folders/{number}/", token=token or self.boss, headers=sent)


class FolderTests(FolderCase):
    async def test_a_folder_is_shown_with_those_around_it(self) -> None:
        root = {"id": 1, "name": "", "parent_id": None, "path": "/", "status": 1}
        year = {
            "id": self.year,
            "name": "/samples/2026",
            "parent_id": self.samples,
            "path": "/samples/2026",
            "status": 1,
        }
        right = {
            "children": [year],
            "id": self.samples,
            "name": "/samples",
            "parent": root,
            "parent_id": 1,
            "path": "/samples",
            "status": 1,
        }
        for where in ("/samples", " samples/ ", "/samples/x/..", self.samples):
            self.assertEqual(self.accepted(await self.look(where)), right)
        self.assertEqual(self.accepted(await self.look("/")), {**root, "parent": None, "children": [self.plain(right)]})

    def plain(self, tree: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in tree.items() if key in FOLDER_KEYS}

    async def test_the_status_says_which_children(self) -> None:
        self.accepted(await self.make("/samples/0old"))
        self.accepted(await self.delete(self.folder_id("/samples/0old")))
        for where in ("/samples", self.samples):
            for status, paths in (
                ("1", ["/samples/2026"]),
                ("0", ["/samples/0old"]),
                ("-1", ["/samples/0old", "/samples/2026"]),
                ("any", ["/samples/0old", "/samples/2026"]),
            ):
                children = self.accepted(await self.look(where, status=status))["children"]
                self.assertEqual([one["path"] for one in children], paths)
            for status in ("2", "x", "", "ANY"):
                self.refused(await self.look(where, status=status), 400, "Value is not one of: ")

    async def test_by_path_the_disk_is_looked_at_and_by_id_it_is_not(self) -> None:
        (self.root / "new").mkdir()
        made = self.accepted(await self.look("/new"))
        self.assertEqual((made["path"], made["status"]), ("/new", 1))
        (self.root / "new").rmdir()
        self.assertEqual(self.accepted(await self.look(made["id"]))["status"], 1)
        self.assertEqual(self.accepted(await self.look("/new"))["status"], 0)
        self.assertEqual(self.accepted(await self.look(made["id"]))["status"], 0)
        (self.root / "new").mkdir()
        again = self.accepted(await self.look("/new"))
        self.assertEqual((again["id"], again["status"]), (made["id"], 1))

    async def test_what_can_not_be_looked_at_is_refused_in_order(self) -> None:
        for where, status in (
            ("", 400),
            (" ", 400),
            ("x" * 1025, 400),
            ("a\x00b", 400),
            ("/../x", 403),
            ("/none", 404),
            ("/samples/b.png", 404),
            ("/.trash", 404),
            ("/samples/.hidden", 404),
            (0, 404),
            (4711, 404),
            (2**63, 404),
        ):
            self.refused(await self.look(where), status)
        self.refused(await self.call("GET", "/admin/filesystem/folders/?path=/none"), 401)
        stranger = await self.person()
        await self.close("/samples")
        for place in ("/samples", "/samples/none", "/samples/2026"):
            self.refused(await self.look(place, token=stranger), 403, "View permission is required for /samples")

    async def test_an_id_tells_nobody_the_name_of_a_closed_folder(self) -> None:
        self.paint("samples/a.png")
        image = (await self.call("GET", "/details/", token=self.boss, query={"src": "/samples/a.png"})).data["id"]
        self.paint("samples/b.png")
        gone = (await self.call("GET", "/details/", token=self.boss, query={"src": "/samples/b.png"})).data["id"]
        await self.call("DELETE", f"/admin/filesystem/images/{gone}/", token=self.boss)
        ((entry,),) = self.sql("select id from trash")
        stranger = await self.person(Flag.FOLIOS)
        form = {"human_id": "a", "name": "", "description": "", "internal_access": 0, "public_access": 0}
        portfolio = (await self.call("POST", "/portfolios/", token=stranger, json=form)).data["id"]
        await self.close("/samples")
        for method, path, more in (
            ("GET", f"/admin/filesystem/folders/{self.year}/", {}),
            ("PUT", f"/admin/filesystem/folders/{self.year}/", {"json": {"path": "/x"}}),
            ("DELETE", f"/admin/filesystem/folders/{self.year}/", {}),
            ("GET", f"/admin/images/{image}/", {}),
            ("GET", f"/admin/images/{image}/metadata/", {}),
            ("GET", f"/admin/images/{image}/history/", {}),
            ("PUT", f"/admin/images/{image}/", {"json": {"title": "", "description": ""}}),
            ("PUT", f"/admin/filesystem/images/{image}/", {"json": {"path": "/x/a.png"}}),
            ("DELETE", f"/admin/filesystem/images/{image}/", {}),
            ("DELETE", f"/admin/trash/{entry}/", {}),
            ("POST", f"/admin/trash/{entry}/restore/", {"json": {}}),
            ("POST", f"/portfolios/{portfolio}/images/", {"json": {"image_id": image}}),
        ):
            with self.subTest(f"{method} {path}"):
                reply = await self.call(method, path, token=stranger, **more)
                self.assertEqual(reply.status, 403, reply.body)
                self.assertNotIn("samples", reply.message)

    async def test_a_folder_is_made_with_those_above_it(self) -> None:
        data = self.accepted(await self.make(" //samples//new/deep/er/ "))
        self.assertEqual(set(data), FOLDER_KEYS)
        self.assertEqual((data["path"], data["name"], data["status"]), ("/samples/new/deep/er",) * 2 + (1,))
        self.assertTrue((self.root / "samples/new/deep/er").is_dir())
        self.assertEqual(self.accepted(await self.look(data["id"]))["parent"]["path"], "/samples/new/deep")

    async def test_names_are_cleaned_where_they_are_new(self) -> None:
        (self.root / "odd *").mkdir()
        for given, made in (
            ("/bell\x07/etc/* | more/", "/bell/etc/more"),
            ("/odd */a?b", "/odd */ab"),
            ("/ trailing. /x", "/trailing/x"),
            ("/e\u0301", "/\u00e9"),
            ("/_keep", "/_keep"),
            ("/\U0001f427 penguin", "/penguin"),
        ):
            self.assertEqual(self.accepted(await self.make(given))["path"], made)

    async def test_what_can_not_be_made_is_refused_in_order(self) -> None:
        for path in (*RULE_A, "...", "/a/..", "/.", ".."):
            self.refused(await self.make(path), 400)
        for path, status in (
            ("", 400),
            ("/", 400),
            ("///", 400),
            ("/??", 400),
            ("/a/\u202e/b", 400),
            ("x" * 1025, 400),
            ("/" + "x" * 256, 400),
            ("/samples", 409),
            ("/samples/", 409),
            ("/samples/b.png", 409),
            ("/samples/b.png/x", 409),
        ):
            self.refused(await self.make(path), status)
        stranger = await self.person()
        self.refused(await self.call("POST", "/admin/filesystem/folders/", form={}), 401)
        self.refused(await self.make("/..", token=stranger), 400)
        self.refused(await self.make("/samples", token=stranger), 409)
        self.refused(
            await self.make("/samples/x/y", token=stranger), 403, "Create-Folder permission is required for /samples"
        )
        await self.close("/samples")
        for path in ("/samples/2026", "/samples/b.png", "/samples/new"):
            self.refused(await self.make(path, token=stranger), 403, "View permission is required for /samples")
        self.assertEqual(sorted(one.name for one in self.root.iterdir() if one.name[0] != "."), ["samples"])

    async def test_a_folder_moves_with_all_that_is_in_it(self) -> None:
        self.permit("/samples", 1, 20)
        await self.refresh()
        data = self.accepted(await self.move(self.samples, "/archive/old samples"))
        self.assertEqual((data["id"], data["path"], data["status"]), (self.samples, "/archive/old samples", 1))
        self.assertEqual(set(data), FOLDER_KEYS)
        image = await self.details("archive/old samples/2026/a.png")
        self.assertEqual((image["id"], image["folder_id"]), (self.image, self.year))
        self.assertEqual(image["folder"]["path"], "/archive/old samples/2026")
        self.assertTrue(image["download"], "permissions go along")
        self.assertEqual(self.history(self.image)[-1], (4, 1))
        self.refused(await self.call("GET", "/details/?src=samples/2026/a.png"), 404)
        self.refused(await self.call("GET", "/list/?path=/samples"), 404)
        self.assertEqual(self.sql("select status from tasks where funcname = 'move_folder'"), [])
        same = self.accepted(await self.move(self.samples, "/archive/old samples/"))
        self.assertEqual(same, data)

    async def test_what_can_not_be_moved_is_refused_in_order(self) -> None:
        self.accepted(await self.make("/taken"))
        for number, path, status in (
            (4711, "..", 400),
            (4711, "/x", 404),
            (0, "/x", 404),
            (2**63, "/x", 404),
            (1, "/x", 400),
            (self.samples, "", 400),
            (self.samples, "/", 400),
            (self.samples, "/?", 400),
            (self.samples, "/samples/2026/deeper", 400),
            (self.samples, "/samples/x", 400),
            (self.samples, "/taken", 409),
            (self.year, "/samples/b.png", 409),
            (self.year, "/samples/b.png/x", 409),
            *((self.samples, path, 400) for path in RULE_A),
        ):
            self.refused(await self.move(number, path), status)
        (self.root / "gone").mkdir()
        gone = self.accepted(await self.look("/gone"))["id"]
        (self.root / "gone").rmdir()
        self.refused(await self.move(gone, "/x"), 404, "/gone")
        address = f"/admin/filesystem/folders/{self.samples}/"
        self.refused(await self.call("PUT", address, form={}), 401)
        self.refused(await self.call("PUT", address, token=self.boss, form={}), 400, "Missing parameter: path")
        maker = await self.level(Level.CREATE_FOLDER)
        self.accepted(await self.move(self.year, "/samples/2027", token=maker))
        self.refused(
            await self.move(self.year, "/2027", token=maker), 403, "Delete-Folder permission is required for /samples"
        )
        stranger = await self.person()
        self.refused(await self.move(self.year, "/samples/2028", token=stranger), 403, "Create-Folder permission")
        self.assertTrue((self.root / "samples/2027/a.png").exists())

    async def test_a_deleted_folder_is_gone_with_all_that_was_in_it(self) -> None:
        (self.root / "samples/2026/.hidden").touch()
        (self.root / "samples/2026/unknown.xyz").touch()
        data = self.accepted(await self.delete(self.samples))
        self.assertEqual((data["id"], data["path"], data["status"]), (self.samples, "/samples", 0))
        self.assertFalse((self.root / "samples").exists())
        self.assertEqual(self.history(self.image)[-1], (0, 1))
        self.assertEqual(self.accepted(await self.look(self.year))["status"], 0)
        self.refused(await self.call("GET", "/details/?src=samples/2026/a.png"), 404)
        self.refused(await self.delete(self.samples), 404)
        self.refused(await self.delete(1), 400)
        self.refused(await self.delete(4711), 404)
        self.refused(await self.call("DELETE", f"/admin/filesystem/folders/{self.samples}/"), 401)

    async def test_who_has_seen_an_older_state_neither_moves_nor_deletes(self) -> None:
        tag = (await self.look(self.samples)).headers["etag"]
        self.accepted(await self.move(self.samples, "/mine", If_Match=tag))
        for reply in (
            await self.move(self.samples, "/yours", If_Match=tag),
            await self.delete(self.samples, If_Match=tag),
        ):
            self.assertEqual((reply.status, reply.data["path"]), (412, "/mine"))
        self.assertTrue((self.root / "mine").is_dir())


class FolderTaskTests(FolderCase):
    """Nobody does the tasks here."""

    settings = MappingProxyType({"tasks_enabled": False})

    async def test_who_does_not_wait_is_given_the_task_and_who_asks_again_the_same(self) -> None:
        for ask, name, params in (
            (self.moving, "move_folder", {"folder_id": self.samples, "path": "/archive"}),
            (self.deleting, "delete_folder", {"folder_id": self.samples}),
        ):
            reply = await ask()
            self.assertEqual((reply.status, reply.message, reply.json["status"]), (202, "OK task accepted", 202))
            self.assertEqual(set(reply.data), TASK_KEYS)
            self.assertEqual((reply.data["funcname"], reply.data["params"]), (name, params))
            self.assertEqual((reply.data["status"], reply.data["priority"], reply.data["keep_for"]), (0, 10, 10))
            self.assertEqual((reply.data["user_id"], reply.data["result"]), (1, None))
            self.assertEqual(reply.data["user"]["username"], "admin")
            again = await ask()
            self.assertEqual((again.status, again.data["id"]), (202, reply.data["id"]))
            task = self.accepted(await self.call("GET", f"/admin/tasks/{reply.data['id']}/", token=self.boss))
            self.assertEqual((task["user"]["username"], task["status"]), ("admin", 0))

    async def moving(self) -> Reply:
        return await self.move(self.samples, "/archive", Prefer="respond-async, wait=0")

    async def deleting(self) -> Reply:
        return await self.delete(self.samples, Prefer="wait=0")

    async def test_who_may_not_makes_no_task(self) -> None:
        stranger = await self.person()
        self.refused(await self.move(self.samples, "/archive", token=stranger, Prefer="wait=0"), 403)
        self.refused(await self.delete(self.samples, token=stranger, Prefer="wait=0"), 403)
        self.refused(await self.move(self.samples, "/samples/2026/x", Prefer="wait=0"), 400)
        self.assertEqual(self.sql("select * from tasks"), [])


class TrashTests(LibraryApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()
        self.paint("sub/deep/a.png", size=(9, 9))
        self.number = (await self.details("sub/deep/a.png"))["id"]
        self.sql("update images set title = 'kept' where id = %s", self.number)

    async def delete_file(self) -> int:
        self.accepted(await self.call("DELETE", f"/admin/filesystem/images/{self.number}/", token=self.boss))
        return int((await self.entries())[0]["id"])

    async def entries(self, token: str | None = None) -> list[Any]:
        return list(self.accepted(await self.call("GET", "/admin/trash/", token=token or self.boss)))

    async def restore(self, number: int, **form: Any) -> Reply:
        return await self.call("POST", f"/admin/trash/{number}/restore/", token=self.boss, form=form)

    async def test_a_deleted_file_comes_back_as_it_was(self) -> None:
        self.assertEqual(await self.entries(), [])
        number = await self.delete_file()
        [entry] = await self.entries()
        self.assertEqual((entry["kind"], entry["path"], entry["user_id"]), ("file", "/sub/deep/a.png", 1))
        self.assertEqual(set(entry), {"id", "kind", "path", "user_id", "deleted", "expires"})
        self.assertEqual(self.accepted(await self.restore(number)), {"path": "/sub/deep/a.png"})
        data = await self.details("sub/deep/a.png")
        self.assertEqual((data["id"], data["title"], data["status"]), (self.number, "kept", 1))
        self.assertEqual([action for action, _ in self.history(self.number)][:2], [1, 0])
        self.assertEqual(await self.entries(), [])
        self.refused(await self.restore(number), 404)

    async def test_a_deleted_folder_comes_back_with_all_that_was_in_it(self) -> None:
        self.permit("/sub", 1, 20)
        await self.refresh()
        sub = self.folder_id("/sub")
        self.accepted(await self.call("DELETE", f"/admin/filesystem/folders/{sub}/", token=self.boss))
        [entry] = await self.entries()
        self.assertEqual((entry["kind"], entry["path"]), ("folder", "/sub"))
        self.assertEqual(self.accepted(await self.restore(entry["id"])), {"path": "/sub"})
        data = await self.details("sub/deep/a.png")
        self.assertEqual((data["id"], data["title"], data["download"]), (self.number, "kept", True))
        self.assertEqual(self.folder_id("/sub"), sub)

    async def test_what_is_in_the_way_stays_and_what_comes_back_gets_another_name_on_request(self) -> None:
        number = await self.delete_file()
        self.paint("sub/deep/a.png", size=(5, 5))
        self.refused(await self.restore(number), 409, "already exists")
        self.refused(await self.restore(number, on_clash="overwrite"), 400, "Value is not one of: fail, rename")
        self.assertEqual(self.accepted(await self.restore(number, on_clash="rename")), {"path": "/sub/deep/a-001.png"})
        self.assertEqual((await self.details("sub/deep/a.png"))["width"], 5)
        self.assertEqual((await self.details("sub/deep/a-001.png"))["width"], 9)

    async def test_one_sees_what_one_could_have_deleted(self) -> None:
        number = await self.delete_file()
        for level, seen in ((Level.UPLOAD, 0), (Level.DELETE, 1)):
            self.assertEqual(len(await self.entries(await self.level(level, "/sub"))), seen)
        stranger = await self.person()
        self.refused(await self.call("DELETE", f"/admin/trash/{number}/", token=stranger), 403, "Delete permission")
        self.refused(await self.call("POST", f"/admin/trash/{number}/restore/", token=stranger), 403)
        self.refused(await self.call("POST", "/admin/trash/4711/restore/", token=stranger), 404)

    async def test_what_is_removed_is_gone_for_good(self) -> None:
        number = await self.delete_file()
        self.assertIsNone(self.accepted(await self.call("DELETE", f"/admin/trash/{number}/", token=self.boss)))
        self.refused(await self.call("DELETE", f"/admin/trash/{number}/", token=self.boss), 404)
        self.assertEqual([place for place in (self.root / ".trash").rglob("*") if place.is_file()], [])

    async def test_emptying_it_is_a_task(self) -> None:
        await self.delete_file()
        reply = await self.call("DELETE", "/admin/trash/", token=self.boss)
        self.assertEqual(
            (reply.status, reply.message, reply.data["funcname"]), (202, "OK task accepted", "empty_trash")
        )
        self.assertEqual(reply.data["user"]["id"], reply.data["user_id"])
        await self.eventually(lambda: self.sql("select count(*) from trash") == [(0,)])
        self.assertEqual(await self.entries(), [])


class TaskTests(LibraryApiCase):
    """Nobody does the tasks here."""

    settings = MappingProxyType({"tasks_enabled": False})

    async def start(self, name: str, token: str | None = None, **form: Any) -> Reply:
        return await self.call("POST", f"/admin/tasks/{name}/", token=token or await self.admin(), form=form)

    async def test_a_started_task_is_answered_whole(self) -> None:
        self.paint("samples/a.png")
        await self.details("samples/a.png")
        reply = await self.start("purge_deleted_folder_data", path=" /samples/ ")
        data = self.accepted(reply)
        self.assertEqual(set(data), TASK_KEYS)
        user = data.pop("user")
        self.assertEqual((user["username"], data["user_id"], data["name"]), ("admin", 1, "Purge deleted data"))
        self.assertEqual(
            (data["params"], data["status"], data["keep_for"]), ({"folder_id": self.folder_id("/samples")}, 0, 0)
        )
        self.assertEqual((data["priority"], data["log_level"], data["error_log_level"]), (20, "info", "error"))
        for empty in ("result", "keep_until", "lock_id", "started", "finished", "progress"):
            self.assertIsNone(data[empty], empty)

    async def test_the_date_has_two_names(self) -> None:
        for name in ("purge_system_stats", "purge_image_stats"):
            for field, value in (("date_to", "2020-01-01"), ("before_time", "2020-01-02T12:00:00")):
                data = self.accepted(await self.start(name, **{field: value}))
                self.assertEqual(data["params"], {"before_time": f"{value[:10]}T00:00:00Z"})
                self.assertEqual(data["keep_for"], 3600)

    async def test_errors_come_in_their_order(self) -> None:
        self.refused(await self.call("POST", "/admin/tasks/nonsense/"), 401)
        for name in ("nonsense", "move_folder", "purge_image_stats"):
            self.refused(await self.start(name, await self.person()), 403, "Super-user permission is required")
        for name in ("nonsense", "move_folder", "delete_folder", "export_portfolio", "run"):
            self.refused(await self.start(name, path="/"), 404)
        for name, form in (
            ("purge_image_stats", {}),
            ("purge_image_stats", {"date_to": ""}),
            ("purge_image_stats", {"date_to": "yesterday"}),
            ("purge_image_stats", {"date_to": "2020-13-01"}),
            ("purge_deleted_folder_data", {}),
            ("purge_deleted_folder_data", {"path": "/none"}),
            ("purge_deleted_folder_data", {"path": "x" * 1025}),
        ):
            self.refused(await self.start(name, **form), 400)

    async def test_the_same_again_is_a_conflict_while_it_is_kept(self) -> None:
        for name, form in (
            ("purge_image_stats", {"date_to": "2020-01-01"}),
            ("purge_deleted_folder_data", {"path": ""}),
        ):
            data = self.accepted(await self.start(name, **form))
            self.refused(await self.start(name, **form), 409, "already exists")
            self.sql(
                "update tasks set status = 2, keep_until = now() + interval '1 hour' * sign(keep_for) where id = %s",
                data["id"],
            )
            again = await self.start(name, **form)
            self.assertEqual(again.status, 409 if data["keep_for"] else 200, again.body)

    async def test_one_sees_one_s_own_tasks(self) -> None:
        token = await self.person(name="maria")
        ((me,),) = self.sql("select id from users where username = 'maria'")
        mine = (await self.domain.background.queue.add("empty_trash", {}, user_id=me)).id
        nobody_s = (await self.domain.background.queue.add("expire_trash", {}, user_id=None)).id
        self.assertEqual(
            [one["id"] for one in self.accepted(await self.call("GET", "/admin/tasks/", token=token))], [mine]
        )
        everything = self.accepted(await self.call("GET", "/admin/tasks/", token=await self.admin()))
        owners = {one["id"]: one["user"] and one["user"]["username"] for one in everything}
        self.assertEqual(owners, {mine: "maria", nobody_s: None})
        self.assertEqual(self.accepted(await self.call("GET", f"/admin/tasks/{mine}/", token=token))["id"], mine)
        self.refused(await self.call("GET", f"/admin/tasks/{nobody_s}/", token=token), 403, "Super-user")
        self.refused(await self.call("DELETE", f"/admin/tasks/{nobody_s}/", token=token), 403)
        self.refused(await self.call("GET", "/admin/tasks/4711/", token=token), 404)
        query = {"funcname": "expire_trash", "status": "pending"}
        found = self.accepted(await self.call("GET", "/admin/tasks/", token=await self.admin(), query=query))
        self.assertEqual([one["id"] for one in found], [nobody_s])

    async def test_a_task_that_waits_can_be_cancelled(self) -> None:
        token = await self.admin()
        number = self.accepted(await self.start("purge_deleted_folder_data", path="/"))["id"]
        data = self.accepted(await self.call("DELETE", f"/admin/tasks/{number}/", token=token))
        self.assertEqual((data["status"], data["result"]["exception"]["type"]), (2, "cancelled"))
        self.assertEqual(set(data["result"]["exception"]), {"type", "message"})
        self.accepted(await self.start("purge_deleted_folder_data", path="/"))


class PurgeTests(LibraryApiCase):
    async def test_deleted_records_are_purged_and_others_are_not(self) -> None:
        self.paint("sub/a.png")
        self.paint("sub/b.png")
        first, second = (await self.details("sub/a.png"))["id"], (await self.details("sub/b.png"))["id"]
        boss = await self.admin()
        (self.root / "sub/a.png").unlink()
        self.accepted(await self.call("DELETE", f"/admin/filesystem/images/{first}/", token=boss))
        task = self.accepted(
            await self.call("POST", "/admin/tasks/purge_deleted_folder_data/", token=boss, form={"path": "sub"})
        )
        await self.eventually(lambda: self.sql("select id from images") == [(second,)])
        self.refused(await self.call("GET", f"/admin/images/{first}/", token=boss), 404)
        done = await self.call("GET", f"/admin/tasks/{task['id']}/", token=boss)
        if done.status == 200:
            self.assertEqual(done.data["status"], 2)


class SearchTests(LibraryApiCase):
    async def test_only_what_one_may_see_is_found(self) -> None:
        for src in ("open/king penguin.png", "closed/king penguin.png"):
            self.paint(src)
            await self.details(src)
        await self.close("/closed")
        member = await self.level(Level.VIEW, "/closed")
        for token, found in ((None, ["open"]), (await self.person(), ["open"]), (member, ["closed", "open"])):
            reply = await self.call("GET", "/search/images/", token=token, query={"q": "penguin"})
            self.assertEqual(sorted(one["src"].partition("/")[0] for one in self.accepted(reply)), found)
        reply = await self.call("GET", "/search/images/", query={"q": "penguin", "folder": "/closed"})
        self.refused(reply, 403, "View permission is required for /closed")
