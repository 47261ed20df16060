"""The page of search, in the browser."""

from __future__ import annotations

from tests.browser.browse_case import BrowseCase
from tests.browser.case import Keys


class SearchTests(BrowseCase):
    def setUp(self) -> None:
        super().setUp()
        self.make("found", "red lamp.jpg", "red chair.jpg", "blue lamp.jpg")
        self.make("found/large", "red wall.jpg", size=(900, 600))
        for name in ("red lamp", "red chair", "blue lamp", "large/red wall"):
            self.api("GET", "details/?src=/found/" + name.replace(" ", "%20") + ".jpg")

    def look_for(self, words: str) -> None:
        field = self.find("#form [name=q]")
        field.clear()
        field.send_keys(words, Keys.ENTER)

    def wait_set(self, *names: str) -> None:
        self.wait(lambda: set(self.names()) == set(names), f"{names}, not {self.names()}")

    def test_words_and_operators_find_images_and_each_names_its_folder(self) -> None:
        self.open("/search/?q=red", as_user="admin")
        self.wait_set("red lamp.jpg", "red chair.jpg", "red wall.jpg")
        self.wait_text("3 images found", "#found")
        self.wait_text("/found/large", "#entries")
        self.look_for("red w>500")
        self.wait_set("red wall.jpg")
        self.assertIn("q=red+w%3E500", self.path)
        self.look_for("lamp -blue")
        self.wait_set("red lamp.jpg")
        self.look_for("in:/found/large")
        self.wait_set("red wall.jpg")
        self.driver.back()
        self.wait_set("red lamp.jpg")
        self.look_for("nothing like that")
        self.wait_text("Nothing was found", "#note")

    def test_fields_narrow_it_down(self) -> None:
        self.open("/search/?q=red&path=/found/large&view=list", as_user="admin")
        self.wait_set("red wall.jpg")
        self.open("/search/?q=red&to=2001-01-01", as_user="admin")
        self.wait_text("Nothing was found", "#note")
        self.allow("status of 400")
        self.open("/search/?from=yesterday", as_user="admin")
        self.wait_text("must be a date", "#problem")

    def test_nothing_is_from_after_the_last_day_there_is(self) -> None:
        self.open("/search/?q=red&to=9999-12-31", as_user="admin")
        self.wait_set("red lamp.jpg", "red chair.jpg", "red wall.jpg")
        self.look_for("lamp")  # which is asked by the script
        self.wait_set("red lamp.jpg", "blue lamp.jpg")

    def test_without_words_the_newest_are_shown_from_the_box_in_the_header(self) -> None:
        self.open("/search/", as_user="admin")
        self.wait(lambda: len(self.names()) >= 4)
        self.wait_text("The newest images", "#found")
        self.axe()
        for width in (320, 1440):
            self.width(width)
            self.assert_fits()
            self.shot(f"search-{width}")
        self.width(1280)
        self.find("body").send_keys("/")
        self.press("chair", Keys.ENTER)
        self.wait_set("red chair.jpg")

    def test_results_are_chosen_and_deleted_as_in_folders(self) -> None:
        self.make("found/away", "gone soon.jpg")
        self.api("GET", "details/?src=/found/away/gone%20soon.jpg")
        self.open("/search/?q=soon", as_user="admin")
        self.click("gone soon.jpg")
        self.press(Keys.DELETE)
        self.wait_disk("found/away")
        self.wait_text("Nothing was found", "#note")
        self.button("Undo").click()
        self.wait_set("gone soon.jpg")
