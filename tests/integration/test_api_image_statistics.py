"""The numbers of one image."""

from __future__ import annotations

from tests.integration.api import ApiCase


class StatisticsTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.paint("a/x.jpg")
        self.id = (await self.call("GET", "/details/", token=self.token, query={"src": "a/x.jpg"})).data["id"]

    def count(self, age: str, requests: int, longest: float) -> None:
        self.sql(
            "insert into imagestats (image_id, requests, views, cached_views, downloads, total_bytes, request_seconds,"
            " max_request_seconds, from_time, to_time) values (%s, %s, 2, 1, 1, 1000, 0.5, %s, now() - %s::interval,"
            " now() - %s::interval + interval '5 minutes')",
            self.id, requests, longest, age, age,
        )  # fmt: skip

    async def test_the_seven_numbers_of_a_day_and_of_thirty(self) -> None:
        for age, requests, longest in (("1 hour", 5, 0.25), ("3 days", 7, 2.0), ("31 days", 100, 9.0)):
            self.count(age, requests, longest)
        reply = await self.call("GET", f"/admin/images/{self.id}/statistics/", token=self.token)
        self.assertEqual(reply.status, 200)
        data = dict(reply.data)
        del data["days"]
        self.assertEqual(data, {
            "image_id": self.id,
            "last_day": {"requests": 5, "views": 2, "cached_views": 1, "downloads": 1, "total_bytes": 1000,
                         "request_seconds": 0.5, "max_request_seconds": 0.25},
            "last_30_days": {"requests": 12, "views": 4, "cached_views": 2, "downloads": 2, "total_bytes": 2000,
                             "request_seconds": 1.0, "max_request_seconds": 2.0},
        })  # fmt: skip

    async def test_each_of_the_last_thirty_days_has_its_sums(self) -> None:
        for age, requests in (("0 hours", 5), ("0 hours", 1), ("2 days", 7), ("31 days", 100)):
            self.count(age, requests, 0.1)
        days = (await self.call("GET", f"/admin/images/{self.id}/statistics/", token=self.token)).data["days"]
        self.assertEqual(len(days), 30)
        self.assertEqual([one["day"] for one in days], sorted(one["day"] for one in days))
        self.assertEqual((days[-1]["requests"], days[-1]["served"], days[-1]["total_bytes"]), (6, 6, 2000))
        self.assertEqual(sum(one["requests"] for one in days), 13)
        self.assertEqual(days[-3]["requests"], 7)

    async def test_an_image_that_nobody_asked_for_has_none(self) -> None:
        reply = await self.call("GET", f"/admin/images/{self.id}/statistics/", token=self.token)
        self.assertEqual({*reply.data["last_30_days"].values()}, {0})

    async def test_it_needs_the_view_level(self) -> None:
        person = await self.person()
        path = f"/admin/images/{self.id}/statistics/"
        self.assertEqual((await self.call("GET", path)).status, 401)
        self.assertEqual((await self.call("GET", path, token=person)).status, 200)
        self.sql("update folderpermissions set access = 0")
        await self.refresh()
        self.assertEqual((await self.call("GET", path, token=person)).status, 403)
        self.assertEqual((await self.call("GET", "/admin/images/999/statistics/", token=self.token)).status, 404)
