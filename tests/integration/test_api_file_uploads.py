"""Uploads by PUT, as a client meets them."""

from __future__ import annotations

import base64
import hashlib
from types import MappingProxyType
from urllib.parse import quote

from tests.integration.api import ApiCase, Reply
from tests.integration.library_case import picture


def digest(data: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


class PutTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.root / "a").mkdir()
        self.token = await self.admin()

    async def put(self, path: str, data: bytes, *, token: str | None = "", **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call(
            "PUT",
            f"/admin/filesystem/files/{quote(path)}",
            token=self.token if token == "" else token,
            headers={"Content-Type": "image/jpeg", **sent},
            body=data,
        )

    def staged(self) -> list[str]:
        return [str(one) for one in (self.root / ".uploads").rglob("*") if one.is_file()]

    async def test_a_file_comes_to_its_path_and_is_answered_as_an_image(self) -> None:
        for width, path in enumerate(("a/x.jpg", "y.jpg", "a/Küche 1.jpg"), start=40):
            reply = await self.put(path, picture(width, 30), **digest(picture(width, 30)))
            self.assertEqual((reply.status, reply.message), (200, "OK"), reply.body)
            self.assertEqual((reply.data["src"], reply.data["width"]), (path, width))
            self.assertEqual((self.root / path).read_bytes(), picture(width, 30))
            details = await self.call("GET", "/details/", token=self.token, query={"src": path})
            self.assertEqual(details.data, reply.data)
        self.assertEqual(self.staged(), [])

    async def test_equal_content_is_warned_of_as_far_as_one_may_view_it(self) -> None:
        (self.root / "shut").mkdir()
        first, _ = await self.put("a/x.jpg", picture()), await self.put("shut/x.jpg", picture())
        self.assertNotIn("duplicates", first.data)
        group = self.group("Uploaders")
        self.permit("/a", group, 40)
        self.permit("/shut", 1, 0)
        self.permit("/shut", 2, 0)
        await self.refresh()
        reply = await self.put("a/y.jpg", picture(), token=await self.person(groups=[group]))
        self.assertEqual(reply.data["duplicates"], [{"id": first.data["id"], "src": "a/x.jpg"}])

    async def test_what_is_there_is_replaced_unless_nothing_may_be(self) -> None:
        first = await self.put("a/x.jpg", picture(9, 9), **{"If-None-Match": "*"})
        self.assertEqual(first.status, 200)
        again = await self.put("a/x.jpg", picture(7, 7), **{"If-None-Match": "*"})
        self.assertEqual(again.status, 412)
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), picture(9, 9))
        replaced = await self.put("a/x.jpg", picture(7, 7))
        self.assertEqual((replaced.data["id"], replaced.data["width"]), (first.data["id"], 7))
        self.assertEqual(self.sql("select action from imagesaudit order by id"), [(1,), (2,)])
        self.assertEqual(self.staged(), [])

    async def test_if_match_names_the_version_that_is_replaced(self) -> None:
        self.assertEqual((await self.put("a/x.jpg", picture(9, 9), **{"If-Match": "*"})).status, 412)
        await self.put("a/x.jpg", picture(9, 9))
        seen = (await self.call("GET", "/details/", token=self.token, query={"src": "a/x.jpg"})).headers["etag"]
        replaced = await self.put("a/x.jpg", picture(7, 7), **{"If-Match": seen})
        self.assertEqual((replaced.status, replaced.data["width"]), (200, 7))
        late = await self.put("a/x.jpg", picture(5, 5), **{"If-Match": seen})
        self.assertEqual(late.status, 412)
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), picture(7, 7))
        self.assertEqual(self.staged(), [])

    async def test_what_is_wrong_is_refused_and_nothing_stays(self) -> None:
        cases = {
            "none/x.jpg": (picture(), {}, 404),
            "a/../x.jpg": (picture(), {}, 400),
            "a/.x.jpg": (picture(), {}, 400),
            "a/x": (picture(), {}, 400),
            "a/x.html": (picture(), {}, 415),
            "a/x.png": (picture(), {}, 415),
            "a/x.jpg": (b"", {}, 415),
            "a/y.jpg": (b"<script>", {}, 415),
            "a/z.jpg": (picture(), digest(b"another"), 400),
            "a/v.jpg": (picture(), {"Content-Digest": "nonsense"}, 400),
        }
        for path, (data, headers, status) in cases.items():
            self.assertEqual((await self.put(path, data, **headers)).status, status, path)
        (self.root / "a/f.jpg").mkdir()
        self.assertEqual((await self.put("a/f.jpg", picture())).status, 409)
        self.assertEqual([one.name for one in (self.root / "a").iterdir()], ["f.jpg"])
        self.assertEqual(self.staged(), [])

    async def test_it_needs_the_upload_level(self) -> None:
        await self.put("a/x.jpg", picture())
        group = self.group("editors")
        token = await self.person(groups=[group])
        for folder, level, status in (("/", 0, 403), ("/", 30, 403), ("/", 40, 200)):
            self.sql("update folderpermissions set access = 0")
            self.permit(folder, group, level)
            await self.refresh()
            reply = await self.put("a/x.jpg", picture(5, 5), token=token)
            self.assertEqual(reply.status, status, reply.body)
            missing = await self.put("none/x.jpg", picture(5, 5), token=token)
            self.assertEqual(missing.status, 404 if level == 40 else 403)
        self.assertEqual((await self.put("a/x.jpg", picture(), token=None)).status, 401)

    async def test_by_cookie_it_needs_the_csrf_token(self) -> None:
        cookie, csrf = await self.session_of(1)
        for headers, status in (({}, 400), ({"X-CSRF-Token": csrf}, 200)):
            reply = await self.call(
                "PUT", "/admin/filesystem/files/a/x.jpg", cookie=cookie, headers=headers, body=picture()
            )
            self.assertEqual(reply.status, status)
        self.assertEqual(self.staged(), [])


class LimitTests(ApiCase):
    settings = MappingProxyType({"max_content_length": 1000})

    async def test_what_is_too_long_is_not_taken_in(self) -> None:
        reply = await self.call("PUT", "/admin/filesystem/files/x.jpg", token=await self.admin(), body=b"x" * 1001)
        self.assertEqual(reply.status, 413)
