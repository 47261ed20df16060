"""What one can find out before an upload, and how resumable ones reach the folders set for uploads."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from urllib.parse import quote

from tests.integration.api import ApiCase
from tests.integration.library_case import picture
from tests.integration.test_api_resumable import BYTES, WHOLE, TusCase, metadata

DIRS = (("Daily", "incoming/%Y"), ("Samples", "samples"))


class PlaceTests(ApiCase):
    settings = MappingProxyType({"image_upload_dirs": DIRS})

    async def setUp(self) -> None:
        await super().setUp()
        for src in ("samples/a.png", "closed/b.png"):
            self.paint(src)
            await self.domain.library.registrar.image(src)
        self.sql("update folderpermissions set access = 10")
        self.staff = self.group("Staff")
        self.permit("/samples", self.staff, 40)
        for group in (1, 2):
            self.permit("/closed", group, 0)
        self.token = await self.person(groups=[self.staff])

    async def test_folders_set_for_uploads_are_told_with_what_one_may_in_them(self) -> None:
        data = (await self.call("GET", "/upload/places/", token=self.token)).data
        daily, samples = data["folders"]
        self.assertEqual(
            (daily["path_index"], daily["label"], daily["exists"], daily["access"]), (0, "Daily", False, 10)
        )
        self.assertRegex(daily["path"], r"^/incoming/20[0-9]{2}$")
        self.assertEqual(
            samples, {"path_index": 1, "label": "Samples", "path": "/samples", "exists": True, "access": 40}
        )
        self.assertIsNone(data["folder"])
        self.assertFalse((self.root / "incoming").exists())

    async def test_folders_that_one_may_not_see_are_left_out(self) -> None:
        for group in (1, 2, self.staff):
            self.permit("/samples", group, 0)
        await self.refresh()
        folders = (await self.call("GET", "/upload/places/", token=self.token)).data["folders"]
        self.assertEqual([one["label"] for one in folders], ["Daily"])

    async def test_any_folder_can_be_asked_for(self) -> None:
        for path, expected in (
            ("/samples/", (True, 40)),
            ("/samples/new", (False, 40)),
            ("/nothing", (False, 10)),
            ("/", (True, 10)),
        ):
            folder = (await self.call("GET", "/upload/places/", token=self.token, query={"path": path})).data["folder"]
            self.assertEqual((folder["exists"], folder["access"], folder["path_index"]), (*expected, -1), path)
        for path, status in (("/closed", 403), ("/../x", 403), ("/a/.hidden", 404)):
            reply = await self.call("GET", "/upload/places/", token=self.token, query={"path": path})
            self.assertIn(reply.status, (status, 400), path)

    async def test_a_folder_that_is_not_there_has_the_path_that_it_would_get(self) -> None:
        query = {"path": "/samples/Day 2 – odd & ends/a*b/"}
        folder = (await self.call("GET", "/upload/places/", token=self.token, query=query)).data["folder"]
        self.assertEqual(folder["path"], "/samples/Day 2  odd & ends/ab")
        reply = await self.call("GET", "/upload/places/", token=self.token, query={"path": "/samples/***"})
        self.assertEqual(reply.status, 400)

    async def test_what_is_accepted_is_told(self) -> None:
        data = (await self.call("GET", "/upload/places/", token=self.token)).data
        self.assertLess(set(data["previewed"]), set(data["extensions"]))
        self.assertIn("jpg", data["previewed"])
        self.assertNotIn("exe", data["extensions"])
        self.assertEqual(data["max_bytes"], self.domain.settings.max_content_length)


class SameContentTests(ApiCase):
    async def test_images_with_the_same_content_are_found_by_digest(self) -> None:
        token = await self.admin()
        data = picture(30, 20)
        for name in ("a.jpg", "b.jpg"):
            reply = await self.call("PUT", f"/admin/filesystem/files/{name}", token=token, body=data)
            self.assertEqual(reply.status, 200, reply.body)
        digest, other = hashlib.sha256(data).hexdigest(), "0" * 64
        found = (await self.call("GET", f"/upload/same/?sha256={digest.upper()},{other}", token=token)).data
        self.assertEqual(
            {name: [one["src"] for one in same] for name, same in found.items()}, {digest: ["b.jpg", "a.jpg"]}
        )

    async def test_what_one_may_not_see_is_not_told(self) -> None:
        data = picture(30, 20)
        (self.root / "closed").mkdir()
        await self.call("PUT", "/admin/filesystem/files/closed/a.jpg", token=await self.admin(), body=data)
        for group in (1, 2):
            self.permit("/closed", group, 0)
        token = await self.person()
        digest = hashlib.sha256(data).hexdigest()
        self.assertEqual((await self.call("GET", f"/upload/same/?sha256={digest}", token=token)).data, {})

    async def test_what_is_no_list_of_digests_is_refused(self) -> None:
        token = await self.admin()
        many = ",".join(f"{number:064x}" for number in range(51))
        for text in ("", "x" * 64, "ab" * 31, f"{'0' * 64},{'0' * 63}", many):
            reply = await self.call("GET", f"/upload/same/?sha256={text}", token=token)
            self.assertEqual(reply.status, 400, text[:80])


class ResumableTests(TusCase):
    settings = MappingProxyType({"image_upload_dirs": DIRS})

    async def test_a_folder_set_for_uploads_is_made_on_demand(self) -> None:
        given = metadata(filename="x.jpg", path_index="0")
        reply = await self.create(body=WHOLE, **BYTES, **{"Upload-Metadata": given})
        self.assertEqual(reply.status, 201, reply.body)
        (made,) = (self.root / "incoming").rglob("x.jpg")
        self.assertEqual(made.read_bytes(), WHOLE)

    async def test_an_index_that_is_none_is_refused(self) -> None:
        for index in ("2", "-1", "x"):
            reply = await self.create(**{"Upload-Metadata": metadata(filename="x.jpg", path_index=index)})
            self.assertEqual(reply.status, 400, index)
        self.assertFalse((self.root / "incoming").exists())

    async def test_it_is_told_where_a_file_is_that_has_come_at_once(self) -> None:
        await self.create(body=WHOLE, **BYTES)
        again = metadata(filename="x.jpg", path="/a", overwrite="rename")
        reply = await self.create(body=WHOLE, **BYTES, **{"Upload-Metadata": again})
        self.assertTrue(reply.headers["content-location"].endswith(f"/api/v1/details/?src={quote('a/x-001.jpg')}"))
        self.assertIn("Content-Location", reply.headers["access-control-expose-headers"])
        half = await self.create(**{"Upload-Metadata": metadata(filename="y.jpg", path="/a")})
        self.assertNotIn("content-location", half.headers)
