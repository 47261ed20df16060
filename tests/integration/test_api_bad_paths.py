"""Every path trick, put into every parameter that takes a path."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from tests.integration import multipart
from tests.integration.api import Reply
from tests.integration.bad_input import BadCase
from tests.integration.test_api_uploads import PNG

OUT = (
    "..",
    "../..",
    "../images/open.png",
    "../images-old/secret.png",
    "a/../../x.png",
    "/../x.png",
    "a/../../../etc/passwd",
)
CONTROL = (
    "\0",
    "open.png\0.jpg",
    "line\nbreak.png",
    "a\rb.png",
    "tab\t.png",
    "esc\x1b.png",
    "del\x7f.png",
    "c1\x85.png",
)
HIDDEN = (
    ".hidden.png",
    ".folder/open.png",
    "a/.hidden.png",
    ".uploads/x.png",
    ".trash/x.png",
    ".folio_exports/1/x.png",
)
NOWHERE = (
    "%2e%2e/%2e%2e/etc/passwd", "%00.png", "..\\..\\etc\\passwd", "C:\\windows\\win.ini", "/etc/passwd", "//etc/passwd",
    "/proc/self/environ", "file:///etc/passwd", "exit/secret.png", "link-out.png", "link-nowhere.png", "link-loop.png",
    "link-hidden.png", "pipe.png", "x" * 256 + ".png", "x/" * 500 + "x.png", "桜" * 300 + ".png", "open.png/a.png",
    "open.png ", "OPEN.PNG", "op\u200ben.png", "\u202egnp.nepo", "....//....//etc/passwd.png", "~/x.png", "$HOME/x.png",
)  # fmt: skip
ROOT = ("/", "//", "///", "/./", "./", "a/..")


class PathCase(BadCase):
    """With a library that has traps in it, and things beside it that are nobody's business."""

    async def setUp(self) -> None:
        await super().setUp()
        self.paint("open.png")
        self.paint("a/b.png")
        self.paint(".hidden.png")
        self.paint(".folder/open.png")
        outside = self.folder / "images-old"
        outside.mkdir()
        self.paint("secret.png").rename(outside / "secret.png")
        for name, target in (
            ("link-out.png", outside / "secret.png"),
            ("link-nowhere.png", "nowhere.png"),
            ("link-loop.png", "link-loop.png"),
            ("link-hidden.png", ".hidden.png"),
            ("exit", outside),
        ):
            (self.root / name).symlink_to(target)
        os.mkfifo(self.root / "pipe.png")
        self.image = (await self.domain.library.registrar.image("a/b.png")).id
        self.inner = (await self.domain.library.registrar.folder("a")).id

    def outside(self) -> dict[str, bytes]:
        """What is beside the library."""
        return {
            str(place): place.read_bytes()
            for place in self.folder.rglob("*")
            if place.is_file() and not place.is_relative_to(self.root)
        }

    def odd_names(self) -> list[str]:
        """Of what is in the library: hidden, or with control characters in them."""
        own = {".qis-library", ".uploads", ".trash", ".qisd", ".hidden.png", ".folder"}
        return [
            str(place)
            for place in self.root.rglob("*")
            if not own & set(place.relative_to(self.root).parts)
            if place.name.startswith(".") or any(unicodedata.category(one) == "Cc" for one in place.name)
        ]


class LookingTests(PathCase):
    """Where something is looked for that is there."""

    async def check(self, ask: Callable[[str], Awaitable[Reply]], *, nowhere: int = 404, hidden: int = 404) -> None:
        before, kept = self.outside(), self.state()["images"]
        for paths, status in ((OUT, 403), (CONTROL, 400), (HIDDEN, hidden), (NOWHERE, nowhere)):
            for path in paths:
                reply = await ask(path)
                self.assertEqual(reply.status, status, f"{path[:50]!r} {reply.body[:300]!r}")
        self.assertEqual(self.state()["images"], kept)
        for path in ROOT:
            # That is the library itself, or out of it, or no file.
            self.assertIn((await ask(path)).status, (200, 202, 400, 403, 404, 409), path)
        self.assertEqual(self.outside(), before)

    async def test_lists(self) -> None:
        for attributes in (0, 1):
            address = f"/list/?attributes={attributes}"
            await self.check(lambda path, address=address: self.ask("GET", f"{address}&path={quote(path)}"))

    async def test_details(self) -> None:
        await self.check(lambda path: self.ask("GET", "/details/", query={"src": path}))

    async def test_folders(self) -> None:
        await self.check(lambda path: self.ask("GET", "/admin/filesystem/folders/", query={"path": path}))

    async def test_images_for_portfolios(self) -> None:
        form = {"name": "x", "description": "", "internal_access": 0, "public_access": 0}
        number = (await self.ask("POST", "/portfolios/", form=form)).data["id"]

        async def add(path: str) -> Reply:
            # Four characters are too few.
            return await self.ask(
                "POST", f"/portfolios/{number}/images/", form={"image_src": path if path[4:] else f"{path}/../{path}"}
            )

        await self.check(add)
        self.assertEqual(self.sql("select count(*) from folioimages"), [(0,)])

    async def test_folders_for_uploads(self) -> None:
        async def upload(path: str) -> Reply:
            body = multipart.form([("x.txt", b"no picture")], path=path)
            headers = {"Content-Type": multipart.CONTENT_TYPE}
            return await self.ask("POST", "/upload/", body=body, headers=headers)

        before = self.state()
        for paths, status in ((OUT, 403), (CONTROL, 400), (HIDDEN, 404), (NOWHERE, 404)):
            for path in paths:
                self.assertEqual((await upload(path)).status, status, repr(path))
        await self.assert_same(before)

    async def test_folders_to_search_in(self) -> None:
        await self.check(
            lambda path: self.ask("GET", "/search/images/", query={"folder": path}), hidden=200, nowhere=200
        )

    async def test_folders_for_bulk_moves(self) -> None:
        form = {"images": f"[{self.image}]"}
        await self.check(lambda path: self.ask("POST", "/admin/bulk/move/", form={**form, "folder": path}))

    async def test_folders_to_purge(self) -> None:
        await self.check(
            lambda path: self.ask("POST", "/admin/tasks/purge_deleted_folder_data/", form={"path": path}),
            nowhere=400,
            hidden=400,
        )

    async def test_the_trace_of_permissions(self) -> None:
        for paths, allowed in (
            (OUT, (403,)),
            (CONTROL, (400,)),
            (HIDDEN, (200, 404)),
            (NOWHERE, (200, 404)),
            (ROOT, (200,)),
        ):
            for path in paths:
                reply = await self.ask("GET", "/admin/permissions/trace/", query={"path": path})
                self.assertIn(reply.status, allowed, f"{path!r} {reply.body!r}")

    async def test_paths_in_other_bytes_than_utf8(self) -> None:
        for raw in ("%ff%fe.png", "latin-%e9.png", "%ed%a0%80.png", "%f4%90%80%80.png", "%c0%ae%c0%ae/x.png", "%c0%80"):
            for address in (f"/list/?path={raw}", f"/details/?src={raw}", f"/admin/filesystem/folders/?path={raw}"):
                self.assertIn((await self.ask("GET", address)).status, (400, 404), address)


class MakingTests(PathCase):
    """Where something is to be that is not there yet: it is refused, or has a decent place in the library."""

    PATHS = (*OUT, *CONTROL, *HIDDEN, *NOWHERE, *ROOT)

    async def check(self, ask: Callable[[str], Awaitable[Reply]]) -> None:
        before = self.outside()
        for path in self.PATHS:
            reply = await ask(path)
            self.assertIn(reply.status, (200, 400, 403, 404, 409, 415), f"{path[:50]!r} {reply.body[:300]!r}")
            if path in OUT or path in HIDDEN:
                self.assertIn(reply.status, (400, 403, 404), f"{path!r} {reply.body!r}")
        self.assertEqual(self.outside(), before)
        self.assertEqual(self.odd_names(), [])
        self.assertEqual(self.sql("select count(*) from disk_operations"), [(0,)])

    async def test_new_folders(self) -> None:
        await self.check(lambda path: self.ask("POST", "/admin/filesystem/folders/", form={"path": path}))

    async def test_folders_that_move(self) -> None:
        async def move(path: str) -> Reply:
            return await self.ask("PUT", f"/admin/filesystem/folders/{self.inner}/", form={"path": path})

        await self.check(move)
        ((path,),) = self.sql("select path from folders where id = %s", self.inner)
        self.assertTrue((self.root / path.lstrip("/") / "b.png").is_file())
        self.assertEqual(self.sql("select folder_id, status from images where id = %s", self.image), [(self.inner, 1)])

    async def test_files_that_move(self) -> None:
        async def move(path: str) -> Reply:
            return await self.ask("PUT", f"/admin/filesystem/images/{self.image}/", form={"path": path})

        await self.check(move)
        ((src,),) = self.sql("select src from images where id = %s", self.image)
        self.assertTrue((self.root / src).is_file())

    async def test_files_that_are_put(self) -> None:
        async def put(path: str) -> Reply:
            address = "/admin/filesystem/files/" + quote(path, safe="/")
            return await self.ask("PUT", address, body=PNG, headers={"Content-Type": "image/png"})

        await self.check(put)

    async def test_names_of_uploaded_files(self) -> None:
        before = self.outside()
        for name in (
            *self.PATHS,
            "x" * 251 + ".png",
            "\u00e9" * 300 + ".png",
            "a.png...",
            "a.png ",
            "-rf.png",
            "nul.png",
        ):
            if "\n" in name or "\r" in name or "\0" in name:
                continue  # can't be in a header, see the tests of multipart bodies
            body = multipart.form([(name, PNG)], path="/a", overwrite="rename")
            reply = await self.ask("POST", "/upload/", body=body, headers={"Content-Type": multipart.CONTENT_TYPE})
            self.assertIn(reply.status, (200, 400, 415), f"{name!r} {reply.body!r}")
            if reply.status == 200:
                [image] = reply.data.values()
                self.assertEqual(image["folder"]["path"], "/a")
                self.assertTrue((self.root / image["src"]).is_file())
        self.assertEqual(self.outside(), before)
        self.assertEqual(self.odd_names(), [])
        await self.nothing_is_left()

    async def test_folders_of_keys(self) -> None:
        cookie, csrf = await self.session_of(1)

        async def make(path: str) -> Reply:
            document = {"label": "x", "scopes": ["read"], "folder": path, "_csrf_token": csrf}
            return await self.ask("POST", "/account/tokens/", cookie=cookie, json=document)

        for paths, allowed in ((OUT, (400, 403)), (CONTROL, (400,)), (NOWHERE, (200, 404)), (HIDDEN, (200, 400, 404))):
            for path in paths:
                reply = await make(path)
                self.assertIn(reply.status, allowed, f"{path!r} {reply.body!r}")
