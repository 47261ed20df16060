"""Why an image is what it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from qisd.access.levels import Level
from tests.integration.api import ApiCase


class ExplainTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.paint("a/x.png", size=(400, 300))
        await self.call("GET", "/details/", query={"src": "a/x.png"})

    async def explain(self, *, token: str | None = None, more: dict[str, Any] | None = None, **query: Any) -> Any:
        asked = {"query": urlencode({"src": "a/x.png", **query}), **(more or {})}
        reply = await self.call("GET", "/admin/explain/", token=token or self.token, query=asked)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.data

    async def test_it_is_for_those_who_may_edit(self) -> None:
        group = self.group("some")
        person = await self.person(groups=[group])
        for level, status in ((Level.DOWNLOAD, 403), (Level.EDIT, 200)):
            self.permit("/a", group, level)
            await self.refresh()
            reply = await self.call("GET", "/admin/explain/", token=person, query={"query": "src=a/x.png"})
            self.assertEqual(reply.status, status, level)

    async def test_it_is_refused_as_the_image_would_be(self) -> None:
        for query, status in (
            ("src=a/none.png", 404),
            ("src=a/x.png&width=-1", 400),
            ("width=5", 400),
            ("src=..", 403),
        ):
            reply = await self.call("GET", "/admin/explain/", token=self.token, query={"query": query})
            self.assertEqual(reply.status, status, query)

    async def test_a_whole_address_will_do(self) -> None:
        address = "https://images.example.com/image?src=a%2Fx.png&width=40"
        reply = await self.call("GET", "/admin/explain/", token=self.token, query={"query": address})
        self.assertEqual((reply.data["src"], reply.data["width"], reply.data["height"]), ("a/x.png", 40, 30))

    async def test_what_it_says_is_what_is_sent(self) -> None:
        told = await self.explain(width=40, format="jpg")
        image = await self.call("GET", "/image", query={"src": "a/x.png", "width": 40, "format": "jpg"})
        self.assertEqual(image.headers["etag"], f'"{told["key"]}"')
        self.assertEqual((image.headers["content-type"], told["format"]), (told["content_type"], "jpg"))
        measured = await self.explain(width=40, format="jpg", more={"measure": 1})
        self.assertEqual(measured["bytes"], len(image.body))

    async def test_the_right_is_everybodys_or_else_that_of_a_group(self) -> None:
        access = (await self.explain())["access"]
        self.assertEqual((access["group"], access["folder"], access["public"]), ("Public", "/", True))
        staff = self.group("staff")
        person = await self.person(groups=[staff])
        self.permit("/a", 1, Level.NONE)
        self.permit("/a", 2, Level.NONE)
        self.permit("/a", staff, Level.DELETE)
        await self.refresh()
        access = (await self.explain(token=person))["access"]
        self.assertEqual(
            access,
            {"level": 50, "folder": "/a", "group": "staff", "bypass": [], "public": False, "public_right": None},
        )
        access = (await self.explain())["access"]
        self.assertEqual((access["group"], access["level"], access["bypass"]), (None, 70, ["admin_all", "admin_files"]))

    async def test_each_option_says_who_has_given_it_and_whether_it_matters(self) -> None:
        self.sql("update imagetemplates set template = %s where name = 'SmallJpeg'",
                 '{"width": {"value": 50}, "format": {"value": "jpg"}, "fill": {"value": "red"}}')  # fmt: skip
        await self.store.reload()
        told = await self.explain(tmp="smalljpeg", width=60, left=0.5)
        self.assertEqual(told["template"], {"asked": "smalljpeg", "name": "SmallJpeg"})
        options = {one["name"]: (one["value"], one["origin"], one["effective"]) for one in told["parameters"]}
        self.assertEqual(
            options,
            {
                "format": ("jpg", "template", True),
                "width": ("60", "request", True),
                "left": ("0.5", "request", True),
                "fill": ("red", "template", False),
            },
        )
        told = await self.explain(width=60)
        self.assertEqual(told["template"], {"asked": None, "name": "Default"})
        self.assertIn({"name": "quality", "value": "80", "origin": "default", "effective": True}, told["parameters"])

    async def test_sizes_on_the_way(self) -> None:
        geometry = (await self.explain(width=100, height=100, left=0.25, angle=90))["geometry"]
        self.assertEqual(geometry["source"], {"width": 400, "height": 300})
        self.assertEqual(geometry["rotated"], {"width": 300, "height": 400})
        self.assertEqual(geometry["crop"], {"left": 75, "top": 0, "width": 225, "height": 400})
        self.assertEqual((geometry["output"], geometry["tile"]), ({"width": 100, "height": 100}, None))

    async def test_where_it_is_cut_and_whose_word_that_is(self) -> None:
        ((number,),) = self.sql("select id from images where src = 'a/x.png'")
        square = {"width": 50, "height": 50, "focus": "auto"}
        self.assertEqual((await self.explain(**square))["focal"], {"x": 0.5, "y": 0.5, "source": "centre"})
        self.sql("update images set guess_x = 10000, guess_y = 50000, guessed = 1")
        form = {"x": 0.9, "y": 0.5}
        await self.call("PUT", f"/admin/images/{number}/focal/", token=self.token, form=form)
        self.assertEqual((await self.explain(**square))["focal"], {"x": 0.9, "y": 0.5, "source": "person"})
        self.assertEqual((await self.explain(**square | {"focus": "0.2,0.1"}))["focal"]["source"], "request")
        self.assertIsNone((await self.explain(width=50))["focal"])

    async def test_where_it_would_come_from(self) -> None:
        before = (await self.explain(width=40))["cache"]
        self.assertEqual((before["tier"], before["already"], before["made_of"]), ("source", False, "source"))
        await self.call("GET", "/image", query={"src": "a/x.png", "width": 40})
        told = await self.explain(width=40)
        self.assertEqual((told["cache"]["tier"], told["cache"]["already"]), ("memory", True))
        self.assertGreater(told["made_ms"], 0)
        self.sql("update imagetemplates set template = '{}' where name = 'Default'")
        await self.store.reload()
        self.assertEqual((await self.explain())["cache"]["tier"], "file")

    async def test_measured_are_the_stages_of_making_it_even_if_it_is_there(self) -> None:
        self.assertEqual((await self.explain(width=40))["steps"], [])
        for _ in range(2):
            told = await self.explain(width=40, more={"measure": 1})
            names = [step["name"] for step in told["steps"]]
            self.assertLess(names.index("decode"), names.index("resize_and_pad"))
            self.assertLess(names.index("resize_and_pad"), names.index("encode"))
            self.assertAlmostEqual(told["total_ms"], sum(step["ms"] for step in told["steps"]), places=1)

    async def test_other_formats_are_weighed_and_what_can_not_be_made_is_said(self) -> None:
        told = await self.explain(width=40, more={"formats": '["webp", "jpg", "exe"]'})
        webp, jpg, exe = told["formats"]
        image = await self.call("GET", "/image", query={"src": "a/x.png", "width": 40, "format": "webp"})
        self.assertEqual((webp["format"], webp["bytes"], webp["error"]), ("webp", len(image.body), ""))
        self.assertGreater(jpg["ms"], 0)
        self.assertEqual((exe["bytes"], "not a valid choice" in exe["error"]), (0, True))
        again = (await self.explain(width=40, more={"formats": '["webp"]'}))["formats"]
        self.assertEqual(again[0]["ms"], 0)

    async def test_nothing_of_it_is_counted(self) -> None:
        await self.explain(width=40, more={"measure": 1, "formats": '["webp"]'})
        await self.domain.statistics.flush()
        self.assertEqual(self.sql("select count(*) from imagestats"), [(0,)])


class ServerTimingTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.paint("x.png", size=(400, 300))

    async def timing(self, token: str | None = None, **query: Any) -> list[str]:
        reply = await self.call("GET", "/image", token=token, query={"src": "x.png", **query})
        return [entry.partition(";")[0] for entry in reply.headers["server-timing"].split(", ")]

    async def test_strangers_learn_the_whole_and_where_it_was(self) -> None:
        self.assertEqual(await self.timing(width=40), ["total", "cache"])

    async def test_who_may_edit_learns_of_the_stages_as_well(self) -> None:
        names = await self.timing(await self.admin(), width=41)
        self.assertEqual(names[:4], ["total", "cache", "prepare", "fetch"])
        self.assertTrue({"wait", "decode", "encode"} < set(names))
        names = await self.timing(await self.admin(), width=41)
        self.assertEqual(names, ["total", "cache", "prepare", "fetch"])
