"""The page of an image: looking at it and at what is known of it."""

from __future__ import annotations

import shutil

from selenium.webdriver.common.by import By

from tests.browser.case import Keys
from tests.browser.image_case import ImageCase


class LookingTests(ImageCase):
    def test_the_picture_turns_into_the_viewer(self) -> None:
        self.show()
        self.find(".image-stage.zoomable")
        self.assertEqual(self.find(".image-zoom canvas").get_attribute("role"), "img")

    def test_arrow_keys_go_to_the_neighbours_and_stop_at_the_ends(self) -> None:
        self.show()
        self.assertEqual(self.find(".image-position").text, "2 of 3")
        self.press(Keys.ARROW_RIGHT)
        self.wait(lambda: self.path == f"/details/?src={self.folder}/c.jpg")
        self.find("[role=tablist]")
        self.press(Keys.ARROW_RIGHT)
        self.press(Keys.ARROW_LEFT)
        self.wait(lambda: self.path == f"/details/?src={self.src}")

    def test_neighbours_pictures_are_fetched_ahead(self) -> None:
        self.show()

        def fetched() -> bool:
            names = self.script("return performance.getEntriesByType('resource').map(one => one.name)")
            return all(any(f"src={self.folder}/{name}.jpg" in one for one in names) for name in "ac")

        self.wait(fetched)

    def test_nobody_is_kept_out_and_nothing_sticks_out(self) -> None:
        self.describe()
        for theme in ("light", "dark"):
            self.theme(theme)
            self.show()
            self.find(".image-stage.zoomable")
            for width in (1440, 800, 320):
                self.width(width)
                self.wait(
                    lambda: self.find(".image-zoom canvas").size["width"] <= self.find(".image-stage").size["width"]
                )
                self.assert_fits()
                self.shot(f"image-{theme}-{width}")
                self.axe()

    def describe(self) -> None:
        """Give the image a title, tags, and some days of being looked at."""
        number = self.image()["id"]
        texts = {"title": "Red lamp", "description": "Studio, spring.\nSecond of three."}
        self.api("PUT", f"admin/images/{number}/", texts)
        self.api(
            "PUT", f"admin/images/{number}/metadata/", {"tags": '["lamp", "red"]', "owner": "Ann", "licence": "x" * 200}
        )
        self.daemon.sql(
            "insert into imagestats (image_id, requests, views, cached_views, downloads, total_bytes, request_seconds,"
            " max_request_seconds, from_time, to_time) select %s, 40 + day * day, 40 + day * day, 30, 1, 700000, 1, 1,"
            " now() - day * interval '1 day' - interval '10 minutes', now() - day * interval '1 day'"
            " from generate_series(0, 20) as day",
            number,
        )

    def test_metadata_can_be_filtered(self) -> None:
        self.api("PUT", f"admin/images/{self.image()['id']}/metadata/", {"owner": "Ann", "licence": "x" * 200})
        self.show()
        self.find("#metadata-words").send_keys("owner")
        shown = [row.text for row in self.all("#metadata tbody tr") if row.is_displayed()]
        self.assertEqual([row.split()[0] for row in shown], ["Owner"])
        self.assertEqual(self.find("#metadata [aria-live]").text, "1 tag")

    def test_long_values_are_cut_until_somebody_wants_them(self) -> None:
        self.api("PUT", f"admin/images/{self.image()['id']}/metadata/", {"licence": "x" * 200})
        self.show()
        value = self.find(".metadata-value[data-whole]")
        self.assertIn("x" * 140 + "…", value.text)
        value.find_element(By.TAG_NAME, "button").click()
        self.assertIn("x" * 200, value.text)

    def test_templates_are_asked_for_when_their_tab_is_looked_at(self) -> None:
        name = f"small {self.folder[1:]}"
        document = '{"width": {"value": 64}, "format": {"value": "png"}}'
        self.api("POST", "admin/templates/", {"name": name, "description": "tiny", "template": document})
        self.show()
        self.assertEqual(self.all(".template-preview"), [])
        self.button("Templates").click()
        self.wait_text(name, "#template-previews")
        picture = self.find(f'.template-preview img[alt="{name}"]')
        self.wait(lambda: picture.get_property("naturalWidth") == 64)
        self.axe()

    def test_tabs_go_by_arrow_keys_and_are_remembered_in_the_address(self) -> None:
        self.show()
        self.button("Metadata").send_keys(Keys.ARROW_LEFT)
        self.assertTrue(self.path.endswith("#uses"))
        self.assertEqual(self.driver.switch_to.active_element.text, "Where used")
        self.driver.refresh()
        self.wait(lambda: self.find("#uses").is_displayed())
        self.assertFalse(self.find("#metadata").is_displayed())

    def test_odd_names_are_shown_as_they_are(self) -> None:
        for name in ("a&b#c%d+e.jpg", "\"quotes\" 'both'.jpg", "<script>alert(1)<∕script>.jpg", "ärger.jpg"):
            shutil.copy2(self.daemon.images / self.src[1:], self.daemon.images / self.folder[1:] / name)
            self.show(name)
            self.assertEqual(self.heading, name)
            self.wait(lambda: self.find("#picture").get_property("naturalWidth") > 0)
            self.find(".image-stage.zoomable")


class PermissionTests(ImageCase):
    def test_closed_folders_show_nothing(self) -> None:
        self.person("mallory")
        self.permit(0)
        self.api("POST", "admin/permissions/", {"group_id": 1, "folder_id": self.image()["folder_id"], "access": 0})
        self.allow("403")
        self.open(f"/details/?src={self.src}", as_user="mallory")
        self.assertNotIn("b.jpg", self.find("main").text)
