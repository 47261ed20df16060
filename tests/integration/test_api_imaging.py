"""What the API tells about images that are not made yet."""

from __future__ import annotations

from typing import Any

import attrs

from qisd.access.levels import Level
from qisd.service.image_rules import image_rules
from qisd.settings import default_settings
from tests.integration.api import ApiCase


class FactsTests(ApiCase):
    async def test_formats_say_what_they_can_hold(self) -> None:
        reply = await self.call("GET", "/imaging/")
        formats = {one["name"]: one for one in reply.data["formats"]}
        self.assertEqual(formats["jpg"]["extensions"], ["jpg", "jpeg", "jpe", "jfif", "jif"])
        told = {name: (one["write"], one["alpha"], one["icc"], one["cmyk"]) for name, one in formats.items()}
        self.assertEqual(told["jpg"], (True, False, True, True))
        self.assertEqual(told["gif"], (True, True, False, False))
        self.assertEqual(told["psd"][0], False)
        self.assertEqual((formats["png"]["quality"], formats["webp"]["quality"]), (79, 80))

    async def test_profiles_come_with_their_colour_space(self) -> None:
        profiles = {one["name"]: one["space"] for one in (await self.call("GET", "/imaging/")).data["profiles"]}
        self.assertEqual((profiles["srgb"], profiles["coatedfogra39"]), ("RGB", "CMYK"))

    async def test_templates_are_named_to_those_who_have_logged_in(self) -> None:
        self.assertNotIn("templates", (await self.call("GET", "/imaging/")).data)
        facts = (await self.call("GET", "/imaging/", token=await self.person())).data
        self.assertEqual(facts["templates"], ["Default", "Precache", "SmallJpeg"])
        self.assertEqual(facts["default_template"], "Default")


class CheckTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.person()
        self.paint("a/x.png", size=(400, 300))

    async def check(self, **query: Any) -> Any:
        reply = await self.call("GET", "/imaging/check/", token=self.token, query={"src": "a/x.png", **query})
        self.assertEqual(reply.status, 200, reply.body)
        return reply.data

    async def test_sizes_are_told_without_making_anything(self) -> None:
        told = await self.check(width=200, height=200, left=0.25, format="jpg")
        self.assertEqual((told["width"], told["height"], told["format"]), (200, 200, "jpg"))
        self.assertEqual(told["crop"], {"left": 100, "top": 0, "width": 300, "height": 300})
        self.assertEqual(told["picture"], {"left": 0, "top": 0, "width": 200, "height": 200})
        self.assertEqual((told["source"]["width"], told["source"]["format"]), (400, "png"))
        self.assertNotIn("bytes", told)

    async def test_measured_are_the_bytes_that_are_sent(self) -> None:
        query = {"src": "a/x.png", "width": 100, "format": "jpg", "angle": 30}
        first = await self.check(**query, measure=1)
        self.assertEqual(first["from_cache"], False)
        image = await self.call("GET", "/image", below="", query=query)
        self.assertEqual(first["bytes"], len(image.body))
        self.assertEqual((await self.check(**query, measure=1))["from_cache"], True)

    async def test_a_file_that_stays_as_it_is_has_its_own_bytes(self) -> None:
        self.sql("update imagetemplates set template = '{}' where name = 'Default'")
        await self.store.reload()
        told = await self.check(measure=1)
        self.assertEqual((told["changed"], told["bytes"]), (False, (self.root / "a/x.png").stat().st_size))

    async def test_it_is_refused_where_the_image_would_be(self) -> None:
        for query, status in (
            ({"width": -1}, 400),
            ({"src": "a/gone.png"}, 404),
            ({"tmp": "gone"}, 400),
            ({"src": ""}, 400),
        ):
            query = {"src": "a/x.png", **query}
            answers = [
                await self.call("GET", path, below=below, token=self.token, query=query)
                for path, below in (("/imaging/check/", "/api/v1"), ("/image", ""))
            ]
            self.assertEqual([one.status for one in answers], [status, status], query)

    async def test_whether_strangers_get_it_is_told_with_the_reason(self) -> None:
        self.assertEqual((await self.check())["public"], True)
        await self.call("GET", "/details/", token=self.token, query={"src": "a/x.png"})
        self.permit("/a", 1, Level.NONE)
        self.permit("/a", 2, Level.VIEW)
        await self.refresh()
        told = await self.check()
        self.assertEqual(told["public"], False)
        self.assertIn("permission", told["public_reason"])

    async def test_the_size_that_strangers_may_have_is_part_of_it(self) -> None:
        rules = image_rules(attrs.evolve(default_settings(), public_max_image_width=100))
        self.domain.images.configure(rules)
        self.assertEqual((await self.check(width=100))["public"], True)
        told = await self.check(width=101)
        self.assertEqual((told["public"], told["width"]), (False, 101))
        self.assertIn("public image limit", told["public_reason"])

    async def test_warnings_say_what_to_think_about(self) -> None:
        warnings = (await self.check(width=500, format="tif"))["warnings"]
        self.assertEqual(
            [(one["parameter"], one["code"], one["values"]) for one in warnings],
            [("width", "larger_than_original", {"size": 400}), ("format", "not_for_browsers", {"format": "TIFF"})],
        )
