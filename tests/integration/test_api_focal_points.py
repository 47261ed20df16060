"""The focal point of an image: who sets it, what it does to images, and what it outlives."""

from __future__ import annotations

import io
import os
from typing import Any

from PIL import Image

from qisd.access.levels import Level
from tests.integration.api import ApiCase

CENTRE = {"x": 0.5, "y": 0.5, "set": False, "source": "centre", "proposal": None, "object_position": "50% 50%"}
SQUARE = {"width": 100, "height": 100, "focus": "auto", "format": "png"}


class FocalCase(ApiCase):
    """A blue picture with a red edge at its left."""

    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.draw("a/x.png")
        details = await self.call("GET", "/details/", token=self.token, query={"src": "a/x.png"})
        self.number = details.data["id"]
        self.address = f"/admin/images/{self.number}/focal/"

    def draw(self, path: str, *, red: int = 20) -> None:
        picture = Image.new("RGB", (400, 100), "blue")
        picture.paste((255, 0, 0), (0, 0, red, 100))
        (self.root / path).parent.mkdir(exist_ok=True)
        picture.save(self.root / path)

    async def choose(self, x: float, y: float = 0.5, **more: Any) -> Any:
        return await self.call("PUT", self.address, token=self.token, form={"x": x, "y": y}, **more)

    async def shows_red(self, src: str = "a/x.png") -> bool:
        reply = await self.call("GET", "/image", query={"src": src, **SQUARE})
        self.assertEqual(reply.status, 200)
        with Image.open(io.BytesIO(reply.body)) as image:
            return image.convert("RGB").getpixel((5, 50)) == (255, 0, 0)


class SettingTests(FocalCase):
    async def test_it_is_the_centre_until_somebody_sets_it(self) -> None:
        self.assertEqual((await self.call("GET", self.address, token=self.token)).data, CENTRE)
        reply = await self.choose(0.62, 0.4)
        chosen = {"x": 0.62, "y": 0.4, "set": True, "source": "person", "proposal": None, "object_position": "62% 40%"}
        self.assertEqual((reply.status, reply.data), (200, chosen))
        self.assertEqual((await self.call("GET", self.address, token=self.token)).data, chosen)
        self.assertEqual((await self.call("DELETE", self.address, token=self.token)).data, CENTRE)

    async def test_five_decimals_count(self) -> None:
        self.assertEqual((await self.choose(0.123456789, 1)).data["object_position"], "12.346% 100%")
        self.assertEqual((await self.call("GET", self.address, token=self.token)).data["x"], 0.12346)

    async def test_places_outside_are_refused(self) -> None:
        for form in ({"x": 1.01, "y": 0}, {"x": -0.1, "y": 0}, {"x": "nan", "y": 0}, {"x": 0.5}):
            reply = await self.call("PUT", self.address, token=self.token, form=form)
            self.assertEqual(reply.status, 400, form)

    async def test_one_of_both_can_be_changed_alone(self) -> None:
        await self.choose(0.2, 0.3)
        reply = await self.call("PATCH", self.address, token=self.token, form={"x": 0.8})
        self.assertEqual((reply.data["x"], reply.data["y"]), (0.8, 0.3))

    async def test_who_was_second_is_told_what_the_first_has_set(self) -> None:
        seen = (await self.call("GET", self.address, token=self.token)).headers["etag"]
        self.assertEqual((await self.choose(0.1, headers={"If-Match": seen})).status, 200)
        late = await self.choose(0.9, headers={"If-Match": seen})
        self.assertEqual((late.status, late.data["x"]), (412, 0.1))

    async def test_a_new_title_is_no_change_of_it(self) -> None:
        seen = (await self.call("GET", self.address, token=self.token)).headers["etag"]
        form = {"title": "Sea", "description": ""}
        await self.call("PUT", f"/admin/images/{self.number}/", token=self.token, form=form)
        self.assertEqual((await self.choose(0.1, headers={"If-Match": seen})).status, 200)

    async def test_the_history_tells_of_it_once(self) -> None:
        for _ in range(2):
            await self.choose(0.25, 0.5)
        await self.call("DELETE", self.address, token=self.token)
        events = (await self.call("GET", f"/admin/images/{self.number}/history/", token=self.token)).data
        told = [event["action_info"] for event in events if event["action"] == 3]
        self.assertEqual(told, ["Focal point: 25% 50%", "Focal point: as guessed"])

    async def test_details_tell_it_and_lists_do_not(self) -> None:
        await self.choose(0.25)
        details = await self.call("GET", "/details/", query={"src": "a/x.png"})
        self.assertEqual(details.data["focal"]["object_position"], "25% 50%")
        self.assertNotIn("focal", (await self.call("GET", f"/admin/images/{self.number}/", token=self.token)).data)

    async def test_it_takes_the_edit_level(self) -> None:
        group = self.group("readers")
        person = await self.person(groups=[group])
        self.permit("/a", group, Level.DOWNLOAD)
        await self.refresh()
        for method, status in (("GET", 200), ("PUT", 403), ("DELETE", 403)):
            reply = await self.call(
                method, self.address, token=person, form={"x": 0, "y": 0} if method == "PUT" else None
            )
            self.assertEqual(reply.status, status, method)


class EffectTests(FocalCase):
    async def test_images_go_by_it_at_once_and_by_the_guess_again_without_it(self) -> None:
        self.assertFalse(await self.shows_red())
        for _ in range(2):  # once more, now that the answer is remembered
            await self.choose(0)
            for _ in range(3):
                self.assertTrue(await self.shows_red())
            await self.call("DELETE", self.address, token=self.token)
            for _ in range(3):
                self.assertFalse(await self.shows_red())

    async def test_it_stays_with_a_file_that_is_moved(self) -> None:
        await self.choose(0)
        reply = await self.call(
            "PUT", f"/admin/filesystem/images/{self.number}/", token=self.token, form={"path": "/a/moved.png"}
        )
        self.assertEqual(reply.status, 200, reply.body)
        await self.eventually(lambda: list(self.store.focal_points.chosen()) == ["a/moved.png"])
        self.assertTrue(await self.shows_red("a/moved.png"))

    async def test_it_stays_with_a_folder_that_is_moved(self) -> None:
        await self.choose(0)
        folder = (await self.call("GET", "/admin/filesystem/folders/", token=self.token, query={"path": "/a"})).data[
            "id"
        ]
        await self.call("PUT", f"/admin/filesystem/folders/{folder}/", token=self.token, form={"path": "/b"})
        await self.eventually(lambda: list(self.store.focal_points.chosen()) == ["b/x.png"])
        self.assertTrue(await self.shows_red("b/x.png"))

    async def test_it_stays_when_the_file_is_replaced(self) -> None:
        await self.choose(0)
        self.draw("a/new.png", red=30)
        os.replace(self.root / "a/new.png", self.root / "a/x.png")
        await self.call("POST", f"/admin/images/{self.number}/reset/", token=self.token)
        self.assertTrue(await self.shows_red())
        self.assertTrue((await self.call("GET", self.address, token=self.token)).data["set"])

    async def test_another_file_at_its_old_place_has_none(self) -> None:
        await self.choose(0)
        await self.call(
            "PUT", f"/admin/filesystem/images/{self.number}/", token=self.token, form={"path": "/a/moved.png"}
        )
        self.draw("a/x.png")
        await self.call("GET", "/details/", query={"src": "a/x.png"})
        await self.eventually(lambda: "a/x.png" not in self.store.focal_points.chosen())
        self.assertFalse(await self.shows_red())


class ProposalTests(FocalCase):
    async def read(self) -> None:
        await self.domain.library.reading.run()

    async def test_new_files_get_one_that_holds_until_somebody_sets_another(self) -> None:
        await self.read()
        found = (await self.call("GET", self.address, token=self.token)).data
        self.assertEqual((found["set"], found["source"]), (False, "proposal"))
        self.assertLess(found["x"], 0.15)
        self.assertEqual({"x": found["x"], "y": found["y"]}, found["proposal"])
        chosen = (await self.choose(0.9)).data
        self.assertEqual((chosen["x"], chosen["proposal"]), (0.9, found["proposal"]))
        await self.read()
        self.assertEqual((await self.call("GET", self.address, token=self.token)).data["x"], 0.9)

    async def test_images_go_by_it(self) -> None:
        await self.read()
        self.assertTrue(await self.shows_red())

    async def test_a_replaced_file_gets_another(self) -> None:
        await self.read()
        picture = Image.new("RGB", (400, 100), "blue")
        picture.paste((255, 0, 0), (380, 0, 400, 100))
        picture.save(self.root / "a/x.png")
        await self.call("POST", f"/admin/images/{self.number}/reset/", token=self.token)
        self.assertIsNone((await self.call("GET", self.address, token=self.token)).data["proposal"])
        await self.read()
        self.assertGreater((await self.call("GET", self.address, token=self.token)).data["x"], 0.85)

    async def test_images_that_were_read_before_there_were_any_get_theirs(self) -> None:
        await self.read()
        self.sql("update images set guessed = 0, guess_x = null, guess_y = null")
        await self.read()
        self.assertEqual(self.sql("select guessed, guess_x is not null from images"), [(1, True)])

    async def test_a_picture_of_nothing_stays_at_its_centre_and_is_not_looked_at_again(self) -> None:
        self.paint("a/plain.png")
        details = await self.call("GET", "/details/", query={"src": "a/plain.png"})
        await self.read()
        reply = await self.call("GET", f"/admin/images/{details.data['id']}/focal/", token=self.token)
        self.assertEqual(reply.data, CENTRE)
        self.assertEqual(await self.domain.library.reading.run(), 0)
