"""The imaging guide."""

from __future__ import annotations

import json
import re
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from qisd.imaging.request import URL_NAMES
from qisd.imaging.spec import ImageOptions
from tests.browser.case import BrowserCase

OTHERS = {"src", "tmp", "attach", "stats", "xref"}


class GuideTests(BrowserCase):
    def guide(self, anchor: str = "", **how: str) -> None:
        self.open(f"/help/{'?embed=1' if how.get('embed') else ''}{anchor}", as_user="admin")
        self.find("#guide-contents a")

    def test_every_parameter_is_explained_at_its_anchor(self) -> None:
        self.guide()
        anchors = {one.get_attribute("id").removeprefix("option_") for one in self.all("[id^=option_]")}
        known = {URL_NAMES.get(field, field) for field in ImageOptions.__annotations__} | OTHERS
        self.assertEqual(known - anchors, set())
        self.assertEqual(anchors - known, {"expiry"})

    def test_a_parameter_can_be_tried(self) -> None:
        self.guide("#option_width")
        card = self.wait(lambda: self.find("#option_width .try-card"), "the picture")
        self.wait(lambda: self._width(card) == 320, "the picture in its width")
        self.fill_try("width", "150")
        self.wait(lambda: self._width(card) == 150, "the picture in another width")
        address = card.find_element("css selector", ".try-address code").text
        self.assertEqual(parse_qs(urlsplit(address).query), {"src": ["/samples/penguin.jpg"], "width": ["150"]})

    def fill_try(self, name: str, text: str) -> None:
        box = self.find(f"#try-{name}")
        box.clear()
        box.send_keys(text)

    def _width(self, card: object) -> int:
        return int(self.script("return args[0].querySelector('img').naturalWidth;", card))

    def test_search_leaves_what_has_all_words(self) -> None:
        self.guide()
        self.find("#guide-search").send_keys("black point")
        self.wait(lambda: not self.find("#option_width").is_displayed(), "others to go")
        self.assertTrue(self.find("#option_bpc").is_displayed())
        self.assertIn("part", self.find("#guide-found").text)

    def test_it_tells_how_this_server_is_set(self) -> None:
        self.guide("#server")
        text = self.find("#server").text
        for part in ("15000 pixels", "SmallJpeg", "AVIF", "coatedfogra39", "any size"):
            self.assertIn(part, text)

    def test_it_is_kept_by_the_browser_of_one_user_only(self) -> None:
        self.guide()
        caching = self.script("return (await fetch(location.pathname)).headers.get('Cache-Control');")
        self.assertEqual(caching, "private, max-age=3600")

    def test_strangers_sign_in_first(self) -> None:
        answer = self.daemon.get("/help/")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/login/?next=/help/"))

    def test_within_another_page_it_has_no_menus(self) -> None:
        self.guide(embed="1")
        self.assertEqual(self.all("header.top"), [])
        self.assertTrue(self.find("[data-close]").is_displayed())

    def test_examples_are_addresses_that_work(self) -> None:
        self.guide()
        examples = [one.get_attribute("textContent") or "" for one in self.all(".sample code")]
        self.assertGreater(len(examples), 20)
        # Each must be one; that all parameters do what they should is tried elsewhere.
        for example in examples:
            self.assertRegex(example, r"^http://127\.0\.0\.1:\d+/(image|original)\?src=/samples/")
            path = re.sub(r"^http://[^/]+", "", example)
            self.assertEqual(self.daemon.get(path, method="HEAD").status, 200, example)

    def test_nothing_keeps_people_out(self) -> None:
        self.guide()
        for width in (1440, 320):
            for theme in ("light", "dark"):
                self.width(width)
                self.theme(theme)
                self.shot(f"help-{theme}-{width}")
                self.axe()
                self.assert_fits()


class WithoutSamplesTests(BrowserCase):
    settings: ClassVar = {"PUBLIC_MAX_IMAGE_WIDTH": "800"}

    def setUp(self) -> None:
        super().setUp()
        (self.daemon.images / "samples/penguin.jpg").unlink(missing_ok=True)

    def test_without_the_sample_there_is_nothing_to_try(self) -> None:
        self.open("/help/", as_user="admin")
        self.find("#guide-contents a")
        self.assertEqual(self.all(".try-card"), [])
        data = json.loads(self.find("#page-data").get_attribute("textContent") or "{}")
        self.assertIsNone(data["sample"])

    def test_limits_for_strangers_are_told_in_words(self) -> None:
        self.open("/help/", as_user="admin")
        self.assertIn("up to 800 pixels in width", self.find("#server").text)
