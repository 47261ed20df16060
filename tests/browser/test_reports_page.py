"""The dashboard and the reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.browser.case import BrowserCase, Keys


class ReportsCase(BrowserCase):
    """A server that was asked for images in the last ten days, half as much before."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon.sql("delete from systemstats")
        self.daemon.sql("delete from statsbreakdown")
        self.daemon.sql("delete from imagestats")
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.daemon.sql(
            "insert into systemstats (from_time, to_time, requests, views, cached_views, downloads, total_bytes,"
            " request_seconds, max_request_seconds, cpu_pc, samples, server_errors, latency)"
            " select at - interval '1 hour', at, case when number < 168 then 200 else 100 end + number %% 24 * 10,"
            " 180, 90, 5, 4000000, 12, 1.5, 40, 10, 1, array_fill(0, array[12]) || array[150, 20, 5 + number %% 7, 2]"
            " from generate_series(0, 239) as number, lateral (select %s - number * interval '1 hour' as at) as one",
            hour,
        )
        for kind, name in (("template", "Teaser"), ("format", "webp")):
            self.daemon.sql(
                "insert into statsbreakdown (kind, name, from_time, to_time, requests, views, total_bytes)"
                " values (%s, %s, %s, %s, 40, 30, 2000000)",
                kind,
                name,
                hour - timedelta(hours=2),
                hour - timedelta(hours=1),
            )

    def top(self, src: str, views: int) -> int:
        """An image that was served so often yesterday; gives its id."""
        self.daemon.ask(src=src, width=20)
        number = self.wait(lambda: self.api("GET", f"details/?src={src}")["id"], "the image to be known")
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.daemon.sql(
            "insert into imagestats (image_id, from_time, to_time, requests, views, total_bytes)"
            " values (%s, %s, %s, %s, %s, %s)",
            number,
            hour - timedelta(hours=5),
            hour - timedelta(hours=4),
            views,
            views,
            views * 1000,
        )
        return int(number)

    def chart_width(self) -> int:
        return int(self.find("#chart svg").get_attribute("width") or 0)

    def legend(self) -> list[str]:
        return [one.text for one in self.all("#chart .chart-legend li")]


class ChartTests(ReportsCase):
    def test_a_chart_with_the_period_before_and_others_of_its_kind(self) -> None:
        self.open("/reports/systemstats/", as_user="admin")
        self.wait(lambda: self.legend() == ["Requests"], "the chart")
        self.assertGreater(len(self.find("#chart path.line").get_attribute("d")), 500)
        self.find("#compare").click()
        self.wait(lambda: self.legend() == ["Requests", "Requests, before"], "the period before")
        self.find("#report .also input").click()
        self.wait(lambda: self.legend()[:2] == ["Requests", "Images served"], "both")
        self.assertIn("compare=1", self.path)
        self.wait_text("Teaser", ".breakdowns")
        self.shot("chart")
        self.axe()
        self.theme("dark")
        self.shot("chart-dark")
        self.axe()

    def test_the_address_leads_to_the_same_chart(self) -> None:
        self.open(
            "/reports/systemstats/?data_type=4&from=2020-01-01T00:00:00Z&to=2020-01-08T00:00:00Z", as_user="admin"
        )
        self.wait(lambda: self.legend() == ["From cache, %"], "the chart")
        self.assertEqual(self.find("#from").get_attribute("value")[:7], "2020-01")
        self.assertEqual(
            [one.get_attribute("aria-pressed") for one in self.all("#controls .choice button")].count("true"), 0
        )

    def test_ranges_are_buttons(self) -> None:
        self.open("/reports/systemstats/", as_user="admin")
        self.button("day").click()
        self.wait(lambda: "range=day" in self.path, "the range")
        self.wait(lambda: self.find("#chart").get_attribute("aria-busy") is None, "the chart")
        self.assertEqual(self.button("day").get_attribute("aria-pressed"), "true")

    def test_the_numbers_are_a_table_too_and_go_by_the_keyboard(self) -> None:
        self.open("/reports/systemstats/?range=day", as_user="admin")
        self.wait(lambda: self.legend() == ["Requests"], "the chart")
        self.script("document.querySelector('.chart-stage').focus()")
        self.press(Keys.ARROW_LEFT)
        self.wait_text("Requests: ", ".chart-tip")
        self.button("As a table").click()
        self.wait(lambda: len(self.all(".chart-table tbody tr")) >= 20, "the rows")
        self.axe()

    def test_numbers_that_cannot_be_had_are_no_quiet_line(self) -> None:
        self.open("/reports/systemstats/", as_user="admin")
        self.wait(lambda: self.legend() == ["Requests"], "the chart")
        self.script("window.fetch = () => Promise.reject(new Error('cut off'));")
        self.button("Refresh").click()
        self.wait_text("The numbers are not available right now.", "#chart")

    def test_a_chart_of_an_image(self) -> None:
        number = self.top("tiny.png", 70)
        self.open(f"/reports/imagestats/?id={number}&data_type=2&range=day", as_user="admin")
        self.assertEqual(self.heading, "/tiny.png")
        self.wait(lambda: self.legend() == ["Images served"], "the chart")

    def test_what_makes_no_sense_is_refused(self) -> None:
        self.allow("status of 400", "status of 404")
        for path in (
            "/reports/systemstats/?data_type=9",
            "/reports/imagestats/?data_type=100",
            "/reports/top10/?data_type=8",
            "/reports/systemstats/?from=x",
            "/reports/systemstats/?from=2020-02-01&to=2020-01-01",
        ):
            self.open(path, as_user="admin")
            self.assertEqual(self.heading, "That request can’t be understood", path)
        self.open("/reports/imagestats/?id=4711000")
        self.assertEqual(self.heading, "There is nothing here")

    def test_it_fits_small_windows(self) -> None:
        self.open("/reports/systemstats/", as_user="admin")
        self.wait(lambda: self.legend(), "the chart")
        for width in (320, 800):
            self.width(width)
            self.wait(lambda most=width: self.chart_width() < most, "the chart to fit")
            self.assert_fits()
            self.shot(f"chart-{width}")


class TopTests(ReportsCase):
    def rows(self) -> list[str]:
        return [one.text for one in self.all(".top-images .top-image > a:first-of-type")]

    def test_images_are_ranked(self) -> None:
        self.top("tiny.png", 70)
        self.top("samples/penguin.jpg", 90)
        self.open("/reports/top10/", as_user="admin")
        self.wait(lambda: self.rows() == ["/samples/penguin.jpg", "/tiny.png"], "the images")
        self.shot("top")
        self.axe()
        self.width(320)
        self.assert_fits()
        self.shot("top-320")

    def test_days_and_number_are_taken_from_the_address_within_bounds(self) -> None:
        self.open("/reports/top10/?days=99&number=1&data_type=5", as_user="admin")
        self.wait(lambda: "days=30" in self.path and "number=10" in self.path, "the bounds")
        self.assertEqual(self.find("#data_type").get_attribute("value"), "5")

    def test_without_any_it_says_so(self) -> None:
        self.open("/reports/top10/", as_user="admin")
        self.wait_text("No images were requested in this period.")


class DashboardTests(ReportsCase):
    def test_the_chart_shows_what_there_is_so_far_of_the_hour_that_is_not_over(self) -> None:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.daemon.sql(
            "insert into systemstats (from_time, to_time, requests, views)"
            " select at, at + interval '1 hour', 7, 7 from generate_series(%s, %s, interval '1 hour') as at"
            " on conflict do nothing",
            hour,
            hour + timedelta(hours=1),
        )
        self.open("/dashboard/", as_user="admin")
        self.assertTrue(self.find("#served path.running").get_attribute("d"))

    def test_all_is_on_one_screen(self) -> None:
        self.top("tiny.png", 70)
        self.open("/dashboard/", as_user="admin")
        self.wait_text("All is well.", "#health")
        self.wait_text("%", ".disks")
        self.wait_text("/tiny.png", "#top")
        self.wait(lambda: len(self.all("#served path.line")) == 3, "the chart")
        self.wait(lambda: len(self.all("#response path.line")) == 2, "the other chart")
        self.wait(lambda: len(self.all(".tile")) == 5, "the numbers")
        self.wait_text("running", "#tasks-now")
        self.shot("dashboard")
        self.axe()
        self.theme("dark")
        self.shot("dashboard-dark")
        self.axe()
        for width in (320, 800):
            self.width(width)
            self.assert_fits()
            self.shot(f"dashboard-{width}")

    def test_administrators_without_reports_see_tasks_and_health_only(self) -> None:
        self.person("people", "admin_users")
        self.open("/dashboard/", as_user="people")
        self.wait_text("All is well.", "#health")
        self.assertEqual(self.all("#served"), [])
        self.allow("status of 403")
        for path in ("/reports/", "/reports/top10/", "/reports/systemstats/", "/reports/imagestats/"):
            self.open(path)
            self.assertEqual(self.heading, "You may not see this")

    def test_not_for_everybody(self) -> None:
        self.person("plain")
        self.allow("status of 403")
        self.open("/dashboard/", as_user="plain")
        self.assertEqual(self.heading, "You may not see this")

    def test_the_list_of_reports(self) -> None:
        self.person("reporter", "reports")
        self.open("/reports/", as_user="reporter")
        self.assertEqual(len(self.all(".card h2")), 4)
        self.axe()
