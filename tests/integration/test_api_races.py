"""Several people do things at once."""

from __future__ import annotations

from collections.abc import Awaitable

from tests.integration import multipart
from tests.integration.api import Reply
from tests.integration.bad_input import BadCase
from tests.integration.test_api_uploads import PNG


class RaceTests(BadCase):
    async def setUp(self) -> None:
        await super().setUp()
        for folder in ("a", "b"):
            for number in range(3):
                self.paint(f"{folder}/{number}.png")
                await self.domain.library.registrar.image(f"{folder}/{number}.png")
        (self.a,), (self.b,) = self.sql("select id from folders where path in ('/a', '/b') order by path")

    async def move(self, number: int, path: str, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("PUT", f"/admin/filesystem/folders/{number}/", form={"path": path}, headers=sent)

    def check(self) -> None:
        """Each file is where its record says, and none is lost."""
        rows = self.sql("select src, f.path, i.status from images i join folders f on f.id = folder_id order by src")
        self.assertEqual(len(rows), 6)
        for src, folder, status in rows:
            self.assertEqual((f"/{src}".rpartition("/")[0], status), (folder, 1))
            self.assertTrue((self.root / src).is_file(), src)
        self.assertEqual(self.sql("select count(*) from disk_operations"), [(0,)])

    async def test_two_who_rename_a_folder_at_once_leave_it_whole(self) -> None:
        for number in range(10):
            replies = await self.together(self.move(self.a, f"/x{number}"), self.move(self.a, f"/y{number}"))
            for reply in replies:
                self.assertIn(reply.status, (200, 404, 409), reply.body)
            self.assertIn(200, [reply.status for reply in replies])
            ((path,),) = self.sql("select path from folders where id = %s", self.a)
            self.assertIn(path, (f"/x{number}", f"/y{number}"))
            self.check()

    async def test_of_two_who_say_which_state_they_mean_one_is_told_that_it_is_over(self) -> None:
        for number in range(10):
            tag = (await self.ask("GET", f"/admin/filesystem/folders/{self.a}/")).headers["etag"]
            replies = await self.together(
                self.move(self.a, f"/x{number}", If_Match=tag), self.move(self.a, f"/y{number}", If_Match=tag)
            )
            self.assertEqual(sorted(reply.status for reply in replies)[0], 200)
            self.assertIn(sorted(reply.status for reply in replies)[1], (404, 412))
            self.check()

    async def test_two_folders_do_not_move_into_each_other(self) -> None:
        for number in range(5):
            # Names that are new: who comes second may find the other one gone, and make a folder of its name.
            one, other = f"/one{number}", f"/other{number}"
            for folder, path in ((self.a, one), (self.b, other)):
                self.assertEqual((await self.move(folder, path)).status, 200)
            self.check()
            replies = await self.together(self.move(self.a, f"{other}/a"), self.move(self.b, f"{one}/b"))
            statuses = [reply.status for reply in replies]
            self.assertIn(200, statuses)
            self.assertTrue(set(statuses) <= {200, 400, 404, 409}, statuses)
            self.check()
        self.assertEqual((await self.move(self.a, "/a")).status, 200)
        self.assertEqual((await self.move(self.a, "/a/deeper/still")).status, 400)
        self.check()

    async def test_of_many_who_make_one_thing_one_does(self) -> None:
        group = {"name": "one", "description": "", "group_type": 2}
        user = {
            "first_name": "",
            "last_name": "",
            "email": "",
            "username": "one",
            "password": "long-enough",
            "auth_type": 1,
        }
        for path, form in (
            ("/admin/filesystem/folders/", {"path": "/new"}),
            ("/admin/groups/", group),
            ("/admin/users/", user),
            ("/admin/permissions/", {"group_id": 3, "folder_id": self.a, "access": 20}),
        ):
            replies = await self.together(*(self.ask("POST", path, form=form) for _ in range(8)))
            self.assertEqual(sorted(reply.status for reply in replies), [200] + [409] * 7, path)

    async def test_of_many_uploads_of_one_name_each_is_whole(self) -> None:
        def upload(overwrite: str) -> Awaitable[Reply]:
            body = multipart.form([("n.png", PNG)], path="/a", overwrite=overwrite)
            return self.ask("POST", "/upload/", body=body, headers={"Content-Type": multipart.CONTENT_TYPE})

        replies = await self.together(*(upload("no") for _ in range(8)))
        self.assertEqual(sorted(reply.status for reply in replies), [200] + [409] * 7)
        replies = await self.together(*(upload("rename") for _ in range(8)))
        self.assertEqual([reply.status for reply in replies], [200] * 8)
        names = sorted(reply.data["n.png"]["filename"] for reply in replies)
        self.assertEqual(names, [f"n-{number:03}.png" for number in range(1, 9)])
        replies = await self.together(*(upload("yes") for _ in range(8)))
        self.assertEqual([reply.status for reply in replies], [200] * 8)
        self.assertEqual(self.sql("select count(*) from images where src like 'a/n%%' and status = 1"), [(9,)])
        await self.nothing_is_left()

    async def test_permissions_change_many_times_while_images_are_served(self) -> None:
        changes = 200
        statuses: list[int] = []

        async def change() -> None:
            for number in range(changes):
                form = {"group_id": 1, "folder_id": 1, "access": 10 if number % 2 else 0}
                reply = await self.ask("PUT", "/admin/permissions/1/", form=form)
                self.assertEqual(reply.status, 200, reply.body)
                # It holds at once for the one who made it.
                reply = await self.call("GET", "/image?src=a/0.png&width=10")
                self.assertEqual(reply.status, 200 if number % 2 else 403)

        async def look() -> None:
            for _ in range(changes):
                statuses.append((await self.call("GET", "/image?src=a/1.png&width=10")).status)

        await self.together(change(), look())
        self.assertLessEqual(set(statuses), {200, 403})
        self.assertEqual((await self.call("GET", "/image?src=a/1.png&width=10")).status, 200)
        self.assertEqual(self.sql("select access from folderpermissions where id = 1"), [(10,)])
