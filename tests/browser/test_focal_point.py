"""The focal point of an image: set by a click, by keys, by fields; previews and crops."""

from __future__ import annotations

from typing import Any

from selenium.webdriver import ActionChains

from tests.browser.case import Keys
from tests.browser.image_case import ImageCase
from tests.browser.modules import call


class FocalTests(ImageCase):
    def focal(self) -> Any:
        return self.api("GET", f"admin/images/{self.image()['id']}/focal/")

    def choose(self) -> None:
        self.show()
        self.find("#focal-set").click()
        self.wait(lambda: self.find(".focal-stage img").get_property("naturalWidth") > 0)

    def test_a_click_sets_it_and_undo_takes_it_back(self) -> None:
        self.choose()
        stage = self.find(".focal-stage")
        size = stage.size
        ActionChains(self.driver).move_to_element_with_offset(
            stage, round(size["width"] * 0.25), round(-size["height"] * 0.25)
        ).click().perform()
        self.shot("focal")
        self.axe()
        self.button("Save").click()
        self.wait_text("from the left", "#fact-focal")
        found = self.focal()
        self.assertTrue(found["set"])
        self.assertLess(abs(found["x"] - 0.75), 0.02)
        self.assertLess(abs(found["y"] - 0.25), 0.02)
        self.button("Undo").click()
        self.wait(lambda: not self.focal()["set"])

    def test_keys_and_fields_set_it_too(self) -> None:
        self.choose()
        for axis, text in (("x", "40"), ("y", "60")):
            field = self.find(f"#focal-{axis}")
            field.clear()
            field.send_keys(text)
        stage = self.find(".focal-stage")
        stage.send_keys(Keys.ARROW_RIGHT)
        stage.send_keys(Keys.SHIFT, Keys.ARROW_UP)
        self.assertEqual(self.find("#focal-x").get_property("value"), "41")
        self.assertEqual(self.find("#focal-y").get_property("value"), "50")
        self.button("Save").click()
        self.wait_text("41 % from the left, 50 % from the top", "#fact-focal")
        self.find("#focal-set").click()
        self.button("Reset").click()
        self.wait(lambda: not self.focal()["set"])

    def test_previews_cut_where_the_server_cuts(self) -> None:
        whole = {"naturalWidth": 400, "naturalHeight": 300}
        for ratio, point, position in (
            (1, {"x": 0.5, "y": 0.5}, "50.00% 50.00%"),
            (1, {"x": 0, "y": 1}, "0.00% 50.00%"),
            (1, {"x": 0.5, "y": 0}, "50.00% 50.00%"),
            (3, {"x": 0.9, "y": 0.9}, "50.00% 100.00%"),
            (1, {"x": 0.45, "y": 0}, "30.00% 50.00%"),
        ):
            found = call(
                self, "image/focal.js", "return m.position(given[0], given[1], given[2]);", whole, ratio, point
            )
            self.assertEqual(found, position)

    def test_crops_are_the_servers(self) -> None:
        self.show()
        self.find("#focal-crops").click()
        banner = self.find(".focal-banner img")
        self.wait(lambda: banner.get_property("naturalWidth") > 0)
        self.assertLess(abs(banner.get_property("naturalWidth") / banner.get_property("naturalHeight") - 3), 0.05)
        self.axe()
        self.shot("focal-crops")
