"""What strangers see of an image whose rights have run out: nothing, in whatever way they ask."""

from __future__ import annotations

from typing import Any

from tests.integration.api import ApiCase


class RightsTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()
        for name in ("a/free.png", "a/over.png"):
            self.paint(name)
            reply = await self.call("GET", "/details/", token=self.boss, query={"src": name})
        self.number = reply.data["id"]
        fields = {"human_id": "p", "name": "", "description": "", "internal_access": 20, "public_access": 20}
        self.portfolio = (await self.call("POST", "/portfolios/", token=self.boss, form=fields)).data["id"]
        await self.call(
            "POST", f"/portfolios/{self.portfolio}/images/", token=self.boss, form={"image_id": self.number}
        )

    async def end(self, moment: str | None) -> None:
        """From when on strangers may not see it any more."""
        address = f"/admin/images/{self.number}/metadata/"
        reply = await self.call("PATCH", address, token=self.boss, json={"valid_until": moment})
        self.assertEqual(reply.status, 200, reply.body)
        await self.refresh()

    async def seen(self, token: str | None = None) -> dict[str, Any]:
        """What one gets who asks for it, by the way of asking."""

        async def names(address: str, **query: str) -> list[str]:
            return [one["filename"] for one in (await self.call("GET", address, query=query, token=token)).data]

        image = {"src": "a/over.png"}
        portfolio = await self.call("GET", f"/portfolios/{self.portfolio}/", token=token)
        page = await self.call("GET", "/portfolios/p/", below="", token=token)
        return {
            "image": (await self.call("GET", "/image", query=image, below="", token=token)).status,
            "details": (await self.call("GET", "/details/", query=image, token=token)).status,
            "list": await names("/list/", path="a"),
            "list of records": await names("/list/", path="a", attributes="1"),
            "list with folders": await names("/list/", path="a", folders="1"),
            "search": await names("/search/images/", q="over"),
            "portfolio": (len(portfolio.data["images"]), portfolio.data["images_hidden"]),
            "images": len((await self.call("GET", f"/portfolios/{self.portfolio}/images/", token=token)).data),
            "page": b"over.png" in page.body,
        }

    async def test_they_hold_for_strangers_only_and_in_every_way(self) -> None:
        both = ["free.png", "over.png"]
        whole = {
            "image": 200,
            "details": 200,
            "list": both,
            "list of records": both,
            "list with folders": both,
            "search": ["over.png"],
            "portfolio": (1, 0),
            "images": 1,
            "page": True,
        }
        self.assertEqual(await self.seen(), whole)
        await self.end("2020-01-01T00:00:00Z")
        self.assertEqual(await self.seen(self.boss), whole)
        free = ["free.png"]
        nothing = {
            "image": 403,
            "details": 403,
            "list": free,
            "list of records": free,
            "list with folders": free,
            "search": [],
            "portfolio": (0, 1),
            "images": 0,
            "page": False,
        }
        self.assertEqual(await self.seen(), nothing)
        await self.end(None)
        self.assertEqual(await self.seen(), whole)
