"""Uploads over the API, as its description says it point by point."""

from __future__ import annotations

import io
import stat
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from PIL import Image

from qisd.access.levels import Level
from tests.integration import multipart
from tests.integration.api import Reply
from tests.integration.api_state import StateCase


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 6), colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


PNG, JPEG = picture(), picture("JPEG")


class UploadCase(StateCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.root / "samples").mkdir()
        self.boss = await self.admin()

    async def upload(self, *files: tuple[str, bytes], token: str | None = "", **fields: object) -> Reply:
        """As user 1, if nothing else is said."""
        fields = {"path": "/samples", **fields}
        body = multipart.form(files, **{name: value for name, value in fields.items() if value is not None})
        return await self.call(
            "POST",
            "/upload/",
            token=self.boss if token == "" else token,
            body=body,
            headers={"Content-Type": multipart.CONTENT_TYPE},
        )

    def accepted(self, reply: Reply) -> Any:
        self.assertEqual((reply.status, reply.message, reply.json["status"]), (200, "OK", 200), reply.body)
        return reply.data

    def refused(self, reply: Reply, status: int, text: str = "") -> None:
        """Before any file was tried."""
        self.assertEqual((reply.status, reply.json["status"]), (status, status), reply.body)
        self.assertIn(reply.data, (None, {}))
        self.assertIn(text, reply.message)

    def failed(self, reply: Reply, name: str, status: int, text: str = "") -> None:
        """The file of this name, and with it the upload."""
        self.assertEqual((reply.status, reply.json["status"]), (status, status), reply.body)
        error = reply.data[name]["error"]
        self.assertEqual((error["status"], error["data"], error["message"]), (status, None, reply.message))
        self.assertIn(text, reply.message)

    def names(self, folder: str = "samples") -> list[str]:
        return sorted(one.name for one in (self.root / folder).iterdir())

    def actions(self, number: int) -> list[tuple[int, int]]:
        return self.sql("select action, user_id from imagesaudit where image_id = %s order by id", number)


class PlaceTests(UploadCase):
    async def test_a_file_gets_its_place_and_its_record(self) -> None:
        data = self.accepted(await self.upload(("penguin.png", PNG)))
        self.assertEqual(list(data), ["penguin.png"])
        image = data["penguin.png"]
        self.assertEqual((image["src"], image["filename"]), ("samples/penguin.png", "penguin.png"))
        self.assertEqual((image["width"], image["height"], image["status"]), (8, 6, 1))
        self.assertEqual((image["folder"]["path"], image["filesize"], image["download"]), ("/samples", len(PNG), True))
        file = self.root / "samples/penguin.png"
        self.assertEqual((file.read_bytes(), stat.S_IMODE(file.stat().st_mode)), (PNG, 0o644))
        self.assertEqual(self.actions(image["id"]), [(1, 1)])
        await self.nothing_is_left()

    async def test_equal_content_elsewhere_is_warned_of_and_told_again_with_the_result(self) -> None:
        data = self.accepted(await self.upload(("a.png", PNG), ("b.png", PNG), ("c.jpg", JPEG)))
        self.assertNotIn("duplicates", data["a.png"])
        self.assertEqual(data["b.png"]["duplicates"], [{"id": data["a.png"]["id"], "src": "samples/a.png"}])
        self.assertNotIn("duplicates", data["c.jpg"])
        self.assertEqual(self.accepted(await self.call("GET", "/upload/", token=self.boss)), data)

    async def test_it_is_visible_at_once(self) -> None:
        for colour, overwrite in (("red", "no"), ("blue", "yes")):
            self.accepted(await self.upload(("a.png", picture(colour=colour)), overwrite=overwrite))
            reply = await self.call("GET", "/image?src=samples/a.png&format=png")
            pixel = Image.open(io.BytesIO(reply.body)).convert("RGB").getpixel((0, 0))
            self.assertEqual(pixel, (255, 0, 0) if colour == "red" else (0, 0, 255))
            self.assertEqual(len((await self.call("GET", "/list/?path=samples")).data), 1)
            self.assertEqual((await self.call("GET", "/details/?src=samples/a.png")).status, 200)

    async def test_the_root_and_every_spelling_of_a_folder_are_places(self) -> None:
        for number, (path, folder) in enumerate(
            {
                "/": "",
                "": "",
                "samples": "samples/",
                "/samples/": "samples/",
                "//samples": "samples/",
                "samples/x/../..": "",
            }.items()
        ):
            name = f"pic{number}.png"
            self.assertEqual(self.accepted(await self.upload((name, PNG), path=path))[name]["src"], folder + name)

    async def test_the_folders_that_are_set_for_uploads_are_made_when_they_are_wanted(self) -> None:
        before = datetime.now(UTC)
        image = self.accepted(await self.upload(("a.png", PNG), path_index=0))["a.png"]
        after = datetime.now(UTC)
        self.assertIn(image["src"], {f"{when:%Y-%m-%d}/a.png" for when in (before, after)})
        folder = (self.root / image["src"]).parent
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o755)
        image = self.accepted(await self.upload(("b.png", PNG), path_index=" 1 ", path=None))["b.png"]
        self.assertEqual(image["src"], "samples/b.png")
        # A blank one is none.
        image = self.accepted(await self.upload(("c.png", PNG), path="/", path_index=""))["c.png"]
        self.assertEqual(image["src"], "c.png")
        image = self.accepted(await self.upload(("d.png", PNG), path="/", path_index=-1))["d.png"]
        self.assertEqual(image["src"], "d.png")

    async def test_errors_before_any_file_come_in_their_order(self) -> None:
        file = ("a.png", PNG)
        self.refused(await self.upload(file, token=None), 401, "You must be logged in")
        for files, fields, status, text in (
            ((), {"path": None}, 400, "Missing parameter: path"),
            ((file,), {"path": None}, 400, "Missing parameter: path"),
            ((file,), {"path": None, "path_index": ""}, 400, "Missing parameter: path"),
            ((), {}, 400, "Missing parameter: files"),
            ((("", b""),), {}, 400, "Missing parameter: files"),
            ((file,), {"path_index": 2}, 400, "2 is out of range"),
            ((file,), {"path_index": "x"}, 400, "must be a whole number"),
            ((file,), {"path_index": 2**63}, 400, "out of range"),
            ((file,), {"path": "x" * 1025}, 400, "Value is too long (max 1024)"),
            ((file,), {"path": "a\x07b"}, 400, "control characters"),
            ((file,), {"path": "/../x"}, 403, ""),
            ((file,), {"path": "../images"}, 403, ""),
            ((file,), {"path": "/none"}, 404, "'/none'"),
            ((file,), {"path": "/.trash"}, 404, ""),
        ):
            self.refused(await self.upload(*files, **fields), status, text)
        self.refused(await self.call("POST", "/upload/", token=self.boss, form={"path": "/"}), 400, "files")
        self.assertTrue((await self.upload(file, path_index=2)).message.startswith("Invalid parameter (2 is out"))
        stranger = await self.person()
        self.permit("/", 1, 0)
        self.permit("/", 2, 0)
        await self.refresh()
        for path in ("/none", "/samples", "/samples/none"):
            self.refused(await self.upload(file, token=stranger, path=path), 403, "View permission is required for /")
        self.assertEqual(self.names(), [])
        await self.nothing_is_left()


class NameTests(UploadCase):
    async def test_names_are_cleaned_and_told_as_they_were_sent(self) -> None:
        for sent, made in (
            ("../../etc/x.png", "x.png"),
            ("C:\\folder\\y.png", "Cfoldery.png"),
            ("a*b?.png", "ab.png"),
            ("sub/dir/ z .png. ", "z .png"),
            ("e\u0301.png", "\u00e9.png"),
            (".hidden.png", "hidden.png"),
            ("_._draft.png", "draft.png"),
            ("_draft.png", "_draft.png"),
            ("\u202egnp.png", "gnp.png"),
            ("\U0001f427 one.png", "one.png"),
            ("&@{}[],;$=!#()%+~.-.png", "&@{}[],;$=!#()%+~.-.png"),
        ):
            data = self.accepted(await self.upload((sent, PNG)))
            self.assertEqual([(key, one["filename"]) for key, one in data.items()], [(sent, made)])
            (self.root / "samples" / made).unlink()
        self.assertEqual(self.names(), [])

    async def test_names_of_which_nothing_good_is_left_are_bad(self) -> None:
        for sent in (
            "???.png",
            "...",
            "a.b",
            "noextension",
            "a.p ng",
            "\u00e9" * 130 + ".png",
            "x" * 252 + ".png",
            ".png",
        ):
            self.failed(await self.upload((sent, PNG)), sent, 400)
        self.assertEqual(self.names(), [])
        await self.nothing_is_left()

    async def test_two_of_one_name_are_both_kept_and_told_apart(self) -> None:
        reply = await self.upload(("a.png", PNG), ("x/a.png", PNG), ("a.png", PNG), ("a?.png", PNG), overwrite="yes")
        data = self.accepted(reply)
        self.assertEqual(list(data), ["a.png", "x/a.png", "a.png (2)", "a?.png"])
        self.assertEqual([one["filename"] for one in data.values()], ["a.png", "a-001.png", "a-002.png", "a-003.png"])
        self.assertEqual(self.names(), ["a-001.png", "a-002.png", "a-003.png", "a.png"])

    async def test_what_happens_to_a_taken_name_is_for_the_sender_to_say(self) -> None:
        first = self.accepted(await self.upload(("a.png", PNG)))["a.png"]
        self.sql("update images set title = 'kept' where id = %s", first["id"])
        for no in ("no", "false", "0", "", "RENAME", "x", None):
            self.failed(await self.upload(("a.png", JPEG), overwrite=no), "a.png", 415)
            self.failed(
                await self.upload(("a.png", picture(size=(9, 9))), overwrite=no), "a.png", 409, "already exists"
            )
        self.assertEqual((self.root / "samples/a.png").read_bytes(), PNG)
        renamed = self.accepted(await self.upload(("a.png", PNG), overwrite="rename"))["a.png"]
        self.assertEqual((renamed["filename"], self.actions(renamed["id"])), ("a-001.png", [(1, 1)]))
        for size, yes in enumerate(("yes", "true", "1", "T", "Y"), 10):
            image = self.accepted(await self.upload(("a.png", picture(size=(size, 5))), overwrite=yes))["a.png"]
            self.assertEqual((image["id"], image["width"], image["title"]), (first["id"], size, "kept"))
        self.assertEqual(self.actions(first["id"]), [(1, 1), *[(2, 1)] * 5])
        self.assertEqual(self.names(), ["a-001.png", "a.png"])

    async def test_suffixes_come_before_the_whole_extension(self) -> None:
        for name, second in (("big.jpg", "big-001.jpg"), ("A.JPG", "A-001.JPG"), ("a.b.jpeg", "a.b-001.jpeg")):
            for made in (name, second):
                image = self.accepted(await self.upload((name, JPEG), overwrite="rename"))[name]
                self.assertEqual(image["filename"], made)
        long = "x" * 251 + ".jpg"
        self.accepted(await self.upload((long, JPEG), overwrite="rename"))
        image = self.accepted(await self.upload((long, JPEG), overwrite="rename"))[long]
        self.assertEqual(image["filename"], "x" * 247 + "-001.jpg")

    async def test_a_folder_is_never_replaced(self) -> None:
        (self.root / "samples/a.png").mkdir()
        self.failed(await self.upload(("a.png", PNG), overwrite="yes"), "a.png", 409)
        image = self.accepted(await self.upload(("a.png", PNG), overwrite="rename"))["a.png"]
        self.assertEqual(image["filename"], "a-001.png")


class ContentTests(UploadCase):
    async def test_the_content_must_be_what_the_name_says(self) -> None:
        for name, content in (
            ("notes.txt", b"text"),
            ("a.php", PNG),
            ("a.html", b"<html>"),
            ("empty.png", b""),
            ("text.png", b"no picture at all"),
            ("jpeg.png", JPEG),
            ("png.jpg", PNG),
            ("script.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
            ("html.gif", b"<script>alert(1)</script>"),
        ):
            self.failed(
                await self.upload((name, content), overwrite="yes"), name, 415, "Invalid or unsupported image file"
            )
        self.assertEqual(self.names(), [])
        await self.nothing_is_left()

    async def test_what_is_known_is_taken_though_it_can_not_be_shown(self) -> None:
        for name, content in (
            ("a.pdf", b"%PDF-1.4\n%%EOF\n"),
            ("b.EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
            ("c.cr2", b"II*\0\x10\0\0\0CR\x02\0"),
            ("d.x3f", b"FOVb\0"),
            ("e.dcm", bytes(128) + b"DICM"),
        ):
            image = self.accepted(await self.upload((name, content)))[name]
            self.assertEqual((image["supported"], image["width"], image["status"]), (False, 0, 1))
            details = await self.call("GET", "/details/", query={"src": f"samples/{name}"})
            self.assertEqual(details.status, 415)
            self.failed(await self.upload((name, PNG), overwrite="yes"), name, 415)
        listed = (await self.call("GET", "/list/?path=/samples")).data
        self.assertEqual([(one["supported"], one["url"]) for one in listed], [(False, "")] * 5)
        self.assertEqual((await self.call("GET", "/image?src=samples/a.pdf", below="")).status, 415)

    async def test_extensions_count_in_any_case(self) -> None:
        for name, content in (("a.PNG", PNG), ("b.JpEg", JPEG), ("c.jpg", JPEG), ("d.GIF", picture("GIF"))):
            self.assertEqual(self.accepted(await self.upload((name, content)))[name]["filename"], name)

    async def test_one_that_fails_keeps_none_of_the_others(self) -> None:
        reply = await self.upload(
            ("penguin.png", PNG), ("notes.txt", b"x"), ("b.png", PNG), ("???.png", PNG), overwrite="rename"
        )
        self.assertEqual((reply.status, reply.json["status"]), (415, 415))
        self.assertEqual(list(reply.data), ["penguin.png", "notes.txt", "b.png", "???.png"])
        self.assertEqual(reply.data["penguin.png"]["src"], "samples/penguin.png")
        self.assertEqual(reply.message, reply.data["notes.txt"]["error"]["message"])
        self.assertEqual(reply.data["???.png"]["error"]["status"], 400)
        self.assertEqual(self.names(), ["b.png", "penguin.png"])
        last = await self.call("GET", "/upload/", token=self.boss)
        self.assertEqual(self.accepted(last), reply.data)
        self.assertIsNone(self.accepted(await self.call("GET", "/upload/", token=await self.person())))

    async def test_old_browsers_get_it_as_text(self) -> None:
        reply = await self.upload(("notes.txt", b"x"), api_json_as_text="true")
        self.assertEqual((reply.status, reply.json["status"]), (200, 415))
        self.assertTrue(reply.headers["content-type"].startswith("text/plain"), reply.headers)


class RightTests(UploadCase):
    async def test_the_upload_level_is_needed_for_every_file(self) -> None:
        for level, status in ((Level.EDIT, 403), (Level.UPLOAD, 200)):
            group = self.group(f"level {level}")
            self.permit("/", group, level)
            token = await self.person(groups=[group])
            for fields in ({"path": "/samples"}, {"path_index": 0, "path": None}):
                reply = await self.upload(("a.png", PNG), token=token, **fields)
                self.assertEqual(reply.status, status, reply.body)
                if status == 403:
                    self.assertIn("Upload permission is required for /", reply.message)
        self.failed(await self.upload(("a.txt", PNG), token=await self.person()), "a.txt", 415)

    async def test_a_page_of_ours_uploads_with_its_token(self) -> None:
        cookie, csrf = await self.session_of(1)
        headers = {"Content-Type": multipart.CONTENT_TYPE}
        for fields, status in (({}, 400), ({"_csrf_token": "x"}, 400), ({"_csrf_token": csrf}, 200)):
            body = multipart.form([("a.png", PNG)], path="samples", overwrite="rename", **fields)
            reply = await self.call("POST", "/upload/", cookie=cookie, body=body, headers=headers)
            self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(self.names(), ["a.png"])
        await self.nothing_is_left()


class SizeTests(UploadCase):
    settings = MappingProxyType({"max_content_length": 100_000})

    async def test_more_than_is_allowed_is_refused(self) -> None:
        self.accepted(await self.upload(("a.png", PNG + b"\0" * 90_000)))
        reply = await self.upload(("b.png", PNG + b"\0" * 110_000), api_json_as_text="true")
        self.refused(reply, 413, "exceeds the capacity limit")
        self.assertTrue(reply.message.startswith("Request Entity Too Large"), reply.message)
        self.assertIsNone(reply.data)
        self.refused(await self.upload(("b.png", PNG), ("c.png", b"\0" * 110_000)), 413)
        self.assertEqual(self.names(), ["a.png"])
        await self.nothing_is_left()


class RoomTests(UploadCase):
    settings = MappingProxyType({"min_free_space_mb": 2**40})

    async def test_a_full_disk_is_told_and_images_go_on(self) -> None:
        self.paint("samples/old.png")
        reply = await self.upload(("a.png", PNG))
        self.refused(reply, 507)
        self.assertEqual((await self.call("GET", "/image?src=samples/old.png")).status, 200)
        self.assertEqual(self.names(), ["old.png"])
        await self.nothing_is_left()


class AsciiTests(UploadCase):
    settings = MappingProxyType({"allow_unicode_filenames": False, "images_file_mode": 0o640, "images_dir_mode": 0o750})

    async def test_names_are_brought_down_to_ascii_where_the_operator_wants_it(self) -> None:
        for sent, made in (
            ("cath\u00ebdral.png", "cathedral.png"),
            ("\u00df\u6843x.png", "x.png"),
            ("\ufb01x.png", "fix.png"),
        ):
            image = self.accepted(await self.upload((sent, PNG), path_index=0))[sent]
            self.assertEqual(image["filename"], made)
        self.failed(await self.upload(("\u6843.png", PNG)), "\u6843.png", 400)
        place = self.root / image["src"]
        self.assertEqual(stat.S_IMODE(place.stat().st_mode), 0o640)
        self.assertEqual(stat.S_IMODE(place.parent.stat().st_mode), 0o750)
