"""Where an image is used."""

from __future__ import annotations

from typing import Any

from tests.integration.api import ApiCase


class UsageTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.paint("a/x.jpg")
        self.id = (await self.call("GET", "/details/", token=self.token, query={"src": "a/x.jpg"})).data["id"]

    async def portfolio(self, human_id: str, *, internal_access: int) -> int:
        form = {"human_id": human_id, "name": human_id.title(), "description": "",
                "internal_access": internal_access, "public_access": 0}  # fmt: skip
        number = (await self.call("POST", "/portfolios/", token=self.token, form=form)).data["id"]
        await self.call("POST", f"/portfolios/{number}/images/", token=self.token, form={"image_id": self.id})
        return int(number)

    async def usage(self, token: str | None = None) -> dict[str, Any]:
        reply = await self.call("GET", f"/admin/images/{self.id}/usage/", token=token or self.token)
        self.assertEqual(reply.status, 200)
        return dict(reply.data)

    async def test_an_image_that_is_nowhere(self) -> None:
        self.assertEqual(
            await self.usage(), {"image_id": self.id, "portfolios": [], "portfolios_hidden": 0, "templates": []}
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
