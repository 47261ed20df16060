"""Comparing two pictures; why one looks as it does."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.browser.case import BrowserCase, Keys

PENGUIN = "/image?src=/samples/penguin.jpg&width=300"


class CompareTests(BrowserCase):
    def compare(self, a: str, b: str) -> None:
        self.open(f"/compare/?{urlencode({'a': a, 'b': b})}", as_user="admin")

    def choose(self, mode: str) -> None:
        self.script("document.querySelector(`input[name=mode][value=${args[0]}]`).click()", mode)

    def test_both_are_shown_with_sizes_bytes_and_formats(self) -> None:
        self.compare(f"{PENGUIN}&format=png", f"{PENGUIN}&format=jpg&quality=40")
        facts = self.find(".compare-facts").text
        for text in ("PNG", "JPEG", "300 × ", "% smaller than A"):
            self.assertIn(text, facts)
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (1440, 320):
                self.width(width)
                self.assert_fits()
                self.shot(f"compare-{theme}-{width}")
                self.axe()

    def test_zoom_and_place_are_the_same_in_both(self) -> None:
        self.compare(PENGUIN, f"{PENGUIN}&quality=30")
        stage = self.find(".compare-stage")
        stage.send_keys("+++", Keys.ARROW_LEFT)
        transforms = [one.get_attribute("style") for one in self.all(".compare-pane img")]
        self.assertEqual(transforms[0], transforms[1])
        self.assertIn("scale(1.95", transforms[0])
        self.assertEqual(self.find(".compare-zoom").text, "195 %")
        stage.send_keys("0")
        self.assertEqual(self.find(".compare-zoom").text, "100 %")

    def test_a_slider_divides_them(self) -> None:
        self.compare(PENGUIN, f"{PENGUIN}&quality=30")
        self.find(".compare-stage")
        self.choose("slider")
        self.find(".compare-divide").send_keys(Keys.HOME)
        self.assertIn("inset(0px 0px 0px 0%)", self.find(".compare-b").get_attribute("style"))
        self.axe()

    def test_one_after_the_other_by_hand_where_nothing_is_to_move(self) -> None:
        self.compare(PENGUIN, f"{PENGUIN}&quality=30")
        self.find(".compare-stage")
        self.choose("flicker")
        self.assertEqual(self.find("#compare-shown").text, "Shown: A")
        self.button("Show the other").click()
        self.assertEqual(self.find("#compare-shown").text, "Shown: B")
        self.button("Go on")
        self.axe()

    def test_the_difference_is_told_in_figures(self) -> None:
        self.compare(f"{PENGUIN}&format=png", f"{PENGUIN}&format=png&page=1")
        self.find(".compare-stage")
        self.choose("difference")
        self.wait_text("Both show exactly the same.", ".compare-figures")
        self.compare(f"{PENGUIN}&format=png", f"{PENGUIN}&format=png&flip=h")
        self.find(".compare-stage")
        self.choose("difference")
        self.wait_text("of the pixels differ", ".compare-figures")
        self.axe()
        self.shot("compare-difference")

    def test_pictures_of_other_servers_are_not_asked_for(self) -> None:
        self.compare(PENGUIN, "https://elsewhere.example/x.jpg")
        self.wait_text("Only images of this server can be compared.", "#compare")

    def test_what_can_not_be_shown_says_why(self) -> None:
        self.allow("404")
        self.compare(PENGUIN, "/image?src=/samples/none.jpg")
        self.wait_text("was not found", "#compare")

    def test_swapping_is_remembered_in_the_address(self) -> None:
        self.compare(PENGUIN, "/samples/coffee.jpg")
        self.find(".compare-stage")
        self.button("Swap").click()
        self.wait(lambda: self.path.startswith("/compare/?a=%2Fsamples%2Fcoffee.jpg"))
        self.driver.back()
        self.wait(lambda: self.find("#b").get_property("value") == "/samples/coffee.jpg")


class ExplainTests(BrowserCase):
    def explain(self, query: str) -> None:
        self.open(f"/details/explain/?{query}", as_user="admin")
        self.find(".explain-grid")

    def test_who_gets_it_what_holds_and_where_it_comes_from(self) -> None:
        self.explain("src=/samples/penguin.jpg&width=200&format=png")
        self.assertIn("Everyone, signed in or not: Public may", self.find("#explain-access").text)
        parameters = self.find("#explain-parameters").text
        for text in ("width", "200", "the address"):
            self.assertIn(text, parameters)
        self.assertRegex(self.find("#explain-cache").text, "would be made now|memory")
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (1440, 320):
                self.width(width)
                self.assert_fits()
                self.shot(f"explain-{theme}-{width}")
                self.axe()

    def test_steps_and_bytes_are_measured_when_asked(self) -> None:
        self.explain("src=/samples/penguin.jpg&width=210")
        self.find("#measure").click()
        self.wait_text("Together", "#explain-steps")
        self.find("#formats").click()
        self.wait_text("AVIF", "#explain-formats")
        self.assertIn("WEBP", self.find("#explain-formats").text)
        self.axe()
        self.shot("explain-measured")

    def test_another_address_is_explained_in_its_place(self) -> None:
        self.explain("src=/samples/penguin.jpg&width=220")
        field = self.find("#query")
        field.clear()
        field.send_keys("/image?src=/samples/penguin.jpg&width=230", Keys.ENTER)
        self.wait_text("230", "#explain-parameters")
        self.assertTrue(self.path.endswith("?src=/samples/penguin.jpg&width=230"))

    def test_a_fault_in_the_address_is_told(self) -> None:
        self.allow("400")
        self.open("/details/explain/?src=/samples/penguin.jpg&width=much", as_user="admin")
        self.wait_text("width", "#explained .error")
