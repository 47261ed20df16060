"""Where an image, or a template, is used."""

from __future__ import annotations

from typing import Any

from tests.integration.api import ApiCase


class UsageTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.paint("a/x.jpg")
        self.image_id = (await self.call("GET", "/details/", token=self.token, query={"src": "a/x.jpg"})).data["id"]

    async def portfolio(self, human_id: str, *, internal_access: int) -> int:
        form = {"human_id": human_id, "name": human_id.title(), "description": "",
                "internal_access": internal_access, "public_access": 0}  # fmt: skip
        number = (await self.call("POST", "/portfolios/", token=self.token, form=form)).data["id"]
        await self.call("POST", f"/portfolios/{number}/images/", token=self.token, form={"image_id": self.image_id})
        return int(number)

    async def usage(self, token: str | None = None) -> dict[str, Any]:
        reply = await self.call("GET", f"/admin/images/{self.image_id}/usage/", token=token or self.token)
        self.assertEqual(reply.status, 200)
        return dict(reply.data)

    async def test_an_image_that_is_nowhere(self) -> None:
        self.assertEqual(
            await self.usage(), {"image_id": self.image_id, "portfolios": [], "portfolios_hidden": 0, "templates": []}
        )

    async def test_portfolios_by_name_as_far_as_they_may_be_seen(self) -> None:
        spring = await self.portfolio("spring", internal_access=10)
        autumn = await self.portfolio("autumn", internal_access=0)
        found = await self.usage()
        self.assertEqual([one["id"] for one in found["portfolios"]], [autumn, spring])
        self.assertEqual(found["portfolios_hidden"], 0)
        person = await self.person()
        found = await self.usage(person)
        self.assertEqual(found["portfolios"], [{"id": spring, "human_id": "spring", "name": "Spring"}])

    async def test_only_who_may_delete_the_image_learns_of_portfolios_of_others(self) -> None:
        await self.portfolio("autumn", internal_access=0)
        person = await self.person()
        self.assertEqual((await self.usage(person))["portfolios_hidden"], 0)
        self.sql("update folderpermissions set access = 50")
        await self.refresh()
        found = await self.usage(person)
        self.assertEqual((found["portfolios"], found["portfolios_hidden"]), ([], 1))

    async def test_templates_that_lay_it_over_other_images(self) -> None:
        for name, overlay in (("Marked", "/a/x.jpg"), ("Stamped", "a/x.jpg"), ("Other", "/a/y.jpg")):
            form = {"name": name, "description": "", "template": f'{{"overlay_src": {{"value": "{overlay}"}}}}'}
            self.assertEqual((await self.call("POST", "/admin/templates/", token=self.token, form=form)).status, 200)
        self.assertEqual([one["name"] for one in (await self.usage())["templates"]], ["Marked", "Stamped"])


class TemplateUsageTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.paint("x.jpg")
        ((self.template,),) = self.sql("select id from imagetemplates where name = 'SmallJpeg'")

    async def usage(self, token: str | None = None, template: int = 0) -> dict[str, Any]:
        path = f"/admin/templates/{template or self.template}/usage/"
        reply = await self.call("GET", path, token=token or self.token)
        self.assertEqual(reply.status, 200, reply.body)
        return dict(reply.data)

    async def portfolio(self, human_id: str, *, internal_access: int = 0, **image: Any) -> int:
        form = {"human_id": human_id, "name": human_id.title(), "description": "",
                "internal_access": internal_access, "public_access": 0}  # fmt: skip
        number = (await self.call("POST", "/portfolios/", token=self.token, form=form)).data["id"]
        await self.call("POST", f"/portfolios/{number}/images/", token=self.token, form={"image_src": "x.jpg", **image})
        return int(number)

    async def test_one_that_nobody_uses(self) -> None:
        found = await self.usage()
        self.assertEqual(
            found,
            {"template_id": self.template, "default": False, "requests": 0, "views": 0, "total_bytes": 0,
             "portfolios": [], "portfolios_hidden": 0},
        )  # fmt: skip
        ((default,),) = self.sql("select id from imagetemplates where name = 'Default'")
        self.assertTrue((await self.usage(template=default))["default"])

    async def test_requests_that_name_it_are_counted(self) -> None:
        image = await self.call("GET", "/image", query={"src": "x.jpg", "tmp": "smallJPEG"})
        await self.call("GET", "/image", query={"src": "x.jpg"})
        await self.domain.statistics.flush()
        found = await self.usage()
        self.assertEqual((found["requests"], found["views"], found["total_bytes"]), (1, 1, len(image.body)))
        self.sql("update statsbreakdown set from_time = from_time - interval '31 days'")
        self.assertEqual((await self.usage())["requests"], 0)

    async def test_portfolios_go_by_it_for_an_image_or_a_zip(self) -> None:
        named = '{"template": {"value": "smalljpeg"}}'
        spring = await self.portfolio("spring", internal_access=10, image_parameters=named)
        autumn = await self.portfolio("autumn")
        await self.portfolio("winter", image_parameters='{"width": {"value": 50}}')
        export = {"description": "", "originals": 0, "image_parameters": named, "expiry_time": "2099-01-01"}
        reply = await self.call("POST", f"/portfolios/{autumn}/exports/", token=self.token, form=export)
        self.assertEqual(reply.status, 202, reply.body)
        found = await self.usage()
        self.assertEqual([one["id"] for one in found["portfolios"]], [autumn, spring])
        found = await self.usage(await self.person())
        self.assertEqual(([one["id"] for one in found["portfolios"]], found["portfolios_hidden"]), ([spring], 0))
        ((number,),) = self.sql("select id from users order by id desc limit 1")
        self.sql("update folios set owner_id = %s where id = %s", number, autumn)
        self.assertEqual((await self.usage())["portfolios_hidden"], 0)  # a super-user sees all
