"""The feeds of the statistics' charts, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from qisd.access.levels import Flag
from tests.integration.api import ApiCase, Reply


class FeedTests(ApiCase):
    async def ask(self, name: str, *flags: Flag, **query: str | int) -> Reply:
        token = await self.person(*flags)
        return await self.call("GET", f"/datafeed/{name}", query=query, token=token, below="/reports")

    def count(self, begin: datetime, requests: int) -> None:
        self.sql(
            "insert into systemstats (from_time, to_time, requests) values (%s, %s, %s)",
            begin,
            begin + timedelta(hours=1),
            requests,
        )

    async def test_a_feed_has_a_point_for_each_period_at_its_end_and_zeros_between(self) -> None:
        begin = datetime(2026, 3, 9, 10, tzinfo=UTC)
        self.count(begin, 5)
        self.count(begin + timedelta(hours=2), 7)
        span = {"from": "2026-03-09T10:00:00", "to": "2026-03-09T13:00:00"}

        reply = await self.ask("system", Flag.REPORTS, data_type=1, **span)

        ends = [int((begin + timedelta(hours=hour)).timestamp() * 1000) for hour in (1, 2, 3)]
        self.assertEqual(
            reply.json, {"data": [[ends[0], 5], [ends[1], 0], [ends[2], 7]], "first": ends[0], "last": ends[2]}
        )

    async def test_percentiles_are_of_the_answers_of_each_period_and_none_are_made_up(self) -> None:
        begin = datetime(2026, 3, 9, 10, tzinfo=UTC)
        for hour in (0, 2):
            self.count(begin + timedelta(hours=hour), 5)
        self.sql("update systemstats set latency = array[0, 3] where from_time = %s", begin)
        span = {"from": "2026-03-09T10:00:00", "to": "2026-03-09T13:00:00"}

        reply = await self.ask("system", Flag.REPORTS, data_type=104, **span)

        ((at, seconds),) = reply.json["data"]
        self.assertEqual(at, (begin + timedelta(hours=1)).timestamp() * 1000)
        self.assertTrue(0.0001 < seconds <= 0.00015, seconds)

    async def test_an_image_nobody_has_asked_for_has_zeros(self) -> None:
        span = {"from": "2026-03-09", "to": "2026-03-10"}

        reply = await self.ask("image", Flag.REPORTS, data_type=2, id=99, **span)

        self.assertEqual(reply.status, 200)
        self.assertEqual({value for _, value in reply.json["data"]} - {0}, set())

    async def test_the_period_that_is_not_over_is_left_out_unless_it_is_asked_for(self) -> None:
        now = datetime.now(UTC)
        self.count(now.replace(minute=0, second=0, microsecond=0), 7)
        span = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
        for given, expected in (({}, 0), ({"running": 1}, 7)):
            reply = await self.ask("system", Flag.REPORTS, data_type=1, **span, **given)
            self.assertEqual(sum(value for _, value in reply.json["data"]), expected)

    async def test_reports_are_for_those_with_that_permission(self) -> None:
        reply = await self.ask("system", data_type=1, **{"from": "2026-03-09", "to": "2026-03-10"})

        self.assertEqual(reply.status, 403)

    async def test_a_parameter_that_is_missing_is_an_error(self) -> None:
        reply = await self.ask("system", Flag.REPORTS, data_type=1, to="2026-03-10")

        self.assertEqual(reply.status, 400)

    async def test_the_summary_has_all_that_was_counted_also_by_template_and_format(self) -> None:
        begin = datetime(2026, 3, 9, 10, tzinfo=UTC)
        self.count(begin, 5)
        self.count(begin + timedelta(hours=1), 7)
        self.count(begin + timedelta(days=1), 100)
        self.sql("update systemstats set client_errors = 2, views = 4, latency = array[0, 3]")
        for kind, name, requests in (("template", "default", 4), ("format", "jpg", 3), ("format", "png", 1)):
            self.sql(
                "insert into statsbreakdown (kind, name, from_time, to_time, requests, views, total_bytes)"
                " values (%s, %s, %s, %s, %s, 1, 10)",
                kind,
                name,
                begin,
                begin + timedelta(hours=1),
                requests,
            )
        reply = await self.ask("summary", Flag.REPORTS, **{"from": "2026-03-09", "to": "2026-03-10"})
        data = reply.json["data"]
        self.assertEqual((data["requests"], data["views"], data["client_errors"], data["throttled"]), (12, 8, 4, 0))
        self.assertEqual(data["templates"], [{"name": "default", "requests": 4, "views": 1, "total_bytes": 10}])
        self.assertEqual([(one["name"], one["requests"]) for one in data["formats"]], [("jpg", 3), ("png", 1)])
        self.assertTrue(0 < data["p50"] <= data["p95"] <= data["p99"])
        today = await self.ask("summary", Flag.REPORTS)
        self.assertEqual((today.status, today.json["data"]["templates"]), (200, []))


class SecureFeedTests(ApiCase):
    settings = MappingProxyType({"internal_browsing_ssl": True, "public_host_name": "images.example.com"})

    async def test_browsers_are_sent_to_https_and_programs_refused(self) -> None:
        address = "/datafeed/system?data_type=1"
        reply = await self.call("GET", address, below="/reports")
        self.assertEqual(reply.status, 302)
        self.assertRegex(
            reply.headers["location"], r"^https://images\.example\.com(:\d+)?/reports/datafeed/system\?data_type=1$"
        )
        reply = await self.call("GET", address, token=await self.person(Flag.REPORTS), below="/reports")
        self.assertEqual(reply.status, 401)
