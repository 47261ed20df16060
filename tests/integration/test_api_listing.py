"""Lists of folders that are sorted, filtered and told more of, and what is in a folder as a whole."""

from __future__ import annotations

import os
from typing import Any

from tests.integration.api import ApiCase


class ListingCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        for number, name in enumerate(("f/a10.jpg", "f/a2.png", "f/Über.jpg", "f/sub/deep/x.jpg", "f/empty.jpg")):
            self.paint(name, size=(10 + number, 10))
        (self.root / "f/empty.jpg").write_bytes(b"x" * 5000)
        (self.root / "f/notes.txt").write_text("notes")
        for number, name in enumerate(("a2.png", "Über.jpg", "a10.jpg", "sub", "empty.jpg", "notes.txt")):
            os.utime(self.root / "f" / name, (1_700_000_000 + number,) * 2)

    async def listed(self, **query: Any) -> Any:
        reply = await self.call("GET", "/list/", token=self.token, query={"path": "/f", **query})
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    async def names(self, **query: Any) -> list[str]:
        return [one["filename"] for one in (await self.listed(**query)).data]


class OrderTests(ListingCase):
    async def test_files_come_in_the_order_that_is_asked_for(self) -> None:
        plain = ["a10.jpg", "a2.png", "empty.jpg", "notes.txt", "Über.jpg"]
        self.assertEqual(await self.names(), plain)
        self.assertEqual(await self.names(sort="name"), ["a2.png", "a10.jpg", "empty.jpg", "notes.txt", "Über.jpg"])
        by_date = ["a2.png", "Über.jpg", "a10.jpg", "empty.jpg", "notes.txt"]
        self.assertEqual(await self.names(sort="date"), by_date)
        self.assertEqual(await self.names(sort="date", descending=1), by_date[::-1])
        self.assertEqual((await self.names(sort="size", descending=1))[0], "empty.jpg")
        self.assertEqual((await self.names(sort="type", folders=1))[:2], ["sub", "a10.jpg"])
        reply = await self.call("GET", "/list/", query={"path": "/f", "sort": "colour"})
        self.assertEqual(reply.status, 400)

    async def test_names_and_types_are_filtered_and_counted(self) -> None:
        reply = await self.listed(filter="UB", folders=1)
        self.assertEqual(
            ([one["filename"] for one in reply.data], reply.headers["x-total-count"]), (["sub", "Über.jpg"], "2")
        )
        self.assertEqual(await self.names(types="png,txt"), ["a2.png", "notes.txt"])
        self.assertEqual(await self.names(folders=1, files="no"), ["sub"])

    async def test_sorted_lists_are_paged_by_numbers(self) -> None:
        reply = await self.listed(sort="date", limit=2)
        address = reply.headers["link"].partition(">")[0].lstrip("<")
        self.assertIn("start=2", address)
        reply = await self.call("GET", address, token=self.token)
        self.assertEqual([one["filename"] for one in reply.data], ["a10.jpg", "empty.jpg"])
        self.assertNotIn("link", (await self.listed(sort="date", start=3, limit=2)).headers)

    async def test_what_sorts_a_list_is_not_passed_on_to_the_addresses(self) -> None:
        [entry] = (await self.listed(sort="name", types="png", descending=0, filter="", facts=0, width=7)).data
        self.assertTrue(entry["url"].endswith("/image?src=f/a2.png&width=7"), entry)


class FactTests(ListingCase):
    async def test_files_have_sizes_and_dates_and_what_is_known_of_them_already(self) -> None:
        known = await self.call("GET", "/details/", token=self.token, query={"src": "/f/a10.jpg"})
        entries = {one["filename"]: one for one in (await self.listed(facts=1)).data}
        notes = entries["notes.txt"]
        self.assertEqual((notes["src"], notes["size"], notes["supported"], notes["url"]), ("f/notes.txt", 5, False, ""))
        self.assertEqual(notes["modified"], "2023-11-14T22:13:25Z")
        a10 = entries["a10.jpg"]
        self.assertEqual((a10["id"], a10["width"], a10["height"], a10["title"]), (known.data["id"], 10, 10, ""))
        self.assertNotIn("id", entries["a2.png"])
        self.assertEqual(self.sql("select count(*) from images"), [(1,)])

    async def test_what_is_known_of_another_file_than_the_present_one_is_not_told(self) -> None:
        await self.call("GET", "/details/", token=self.token, query={"src": "/f/a10.jpg"})
        self.paint("f/a10.jpg", size=(99, 10))
        entries = {one["filename"]: one for one in (await self.listed(facts=1)).data}
        self.assertNotIn("width", entries["a10.jpg"])

    async def test_folders_tell_how_much_is_in_them_and_who_may_look(self) -> None:
        await self.domain.library.registrar.folder("f/sub")
        self.permit("/f/sub", 1, 0)
        await self.refresh()
        [sub] = (await self.listed(facts=1, folders=1, files="no")).data
        self.assertEqual((sub["filename"], sub["path"], sub["is_folder"]), ("sub", "/f/sub", True))
        self.assertEqual((sub["items"], sub["folders"], sub["level"], sub["public"]), (1, True, 70, 0))


class SummaryTests(ListingCase):
    async def summary(self, path: str, token: str = "") -> Any:
        return (await self.call("GET", "/list/summary/", token=token or self.token, query={"path": path})).data

    async def test_it_tells_what_is_in_a_folder_and_what_may_be_done_there(self) -> None:
        found = await self.summary("f/")
        size = sum(one.stat().st_size for one in (self.root / "f").iterdir() if one.is_file())
        types = {"jpg": 3, "png": 1, "txt": 1}
        expected = {"path": "/f", "folders": 1, "files": 5, "size": size, "types": types}
        self.assertEqual({key: found[key] for key in expected}, expected)
        self.assertEqual((found["level"], found["parent_level"], found["public"]), (70, 70, 10))
        self.assertEqual((await self.summary("/"))["parent_level"], 0)

    async def test_folders_that_one_may_not_view_are_not_counted(self) -> None:
        await self.domain.library.registrar.folder("f/sub")
        for group in (1, 2):
            self.permit("/f/sub", group, 0)
        found = await self.summary("/f", token=await self.person())
        self.assertEqual((found["folders"], found["files"], found["level"]), (0, 5, found["level"]))


class NeighbourTests(ListingCase):
    async def test_the_images_beside_one_are_those_of_the_order_that_people_see(self) -> None:
        visitor = self.domain.permissions.user(1)
        assert visitor is not None
        around = await self.domain.library.listing.around(visitor, "/f/a10.jpg")
        expected = (2, 4, "f/a2.png", "f/empty.jpg")
        self.assertEqual((around.position, around.total, around.previous, around.following), expected)
        first = await self.domain.library.listing.around(visitor, "f/a2.png")
        self.assertEqual((first.previous, first.following), (None, "f/a10.jpg"))
        none = await self.domain.library.listing.around(visitor, "f/notes.txt")
        self.assertEqual((none.position, none.previous, none.following), (0, None, None))
