"""One change of metadata for many images."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.support.ui import Select

from tests.browser.image_case import ImageCase
from tests.browser.modules import call

IMAGE = {
    "title": "Red lamp",
    "description": "",
    "tags": ["lamp"],
    "iptc": {"title": "From the file", "description": ""},
}


class ChangesTests(ImageCase):
    """What becomes of texts; nothing is asked for."""

    def after(self, **wish: Any) -> Any:
        found = call(
            self,
            "image/bulk_changes.js",
            "return m.changes(given[0], given[1]).map(one => one.after);",
            [IMAGE],
            {"field": "title", "text": "", "find": "", "with": "", "capitals": False, **wish},
        )
        return found[0] if found else None

    def test_each_way_of_changing(self) -> None:
        for wish, after in (
            ({"way": "set", "text": " New "}, "New"),
            ({"way": "set", "text": "Red lamp"}, None),
            ({"way": "set", "text": " "}, None),
            ({"way": "clear"}, ""),
            ({"way": "append", "text": "shop"}, "Red lamp shop"),
            ({"way": "append", "text": ", shop"}, "Red lamp, shop"),
            ({"way": "append", "text": "shop", "field": "description"}, "shop"),
            ({"way": "replace", "find": "RED", "with": "Blue"}, "Blue lamp"),
            ({"way": "replace", "find": "RED", "with": "Blue", "capitals": True}, None),
            ({"way": "replace", "find": ".", "with": "x"}, None),
            ({"way": "replace", "find": "lamp", "with": "$&"}, "Red $&"),
            ({"way": "replace", "find": "", "with": "x"}, None),
            ({"way": "iptc"}, "From the file"),
            ({"way": "iptc", "field": "description"}, None),
            ({"way": "add", "text": "red, lamp,, red", "field": "tags"}, ["lamp", "red"]),
            ({"way": "remove", "text": "lamp", "field": "tags"}, []),
            ({"way": "remove", "text": "none", "field": "tags"}, None),
        ):
            self.assertEqual(self.after(**wish), after, wish)


class DialogTests(ImageCase):
    def edit(self, *names: str) -> None:
        """Open the dialog for these images of the folder."""
        self.show()
        items = [{"src": f"{self.folder}/{name}"} for name in names]
        code = """
            const about = JSON.parse(document.getElementById('page-about').textContent);
            const {openBulkEdit} = await import(about.static + 'js/image/bulk_edit.js');
            window.edited = openBulkEdit(args[0]);
        """
        self.script(code, items)
        self.wait_text("Nothing changes with this.", "dialog")

    def titles(self, *names: str) -> list[str]:
        return [self.image(name)["title"] for name in names]

    def test_what_changes_is_shown_done_and_taken_back(self) -> None:
        for name in ("a.jpg", "b.jpg"):
            self.api("PATCH", f"admin/images/{self.image(name)['id']}/", {"title": f"Lamp {name[0]}"})
        self.edit("a.jpg", "b.jpg", "c.jpg")
        Select(self.find("#bulk-way")).select_by_value("replace")
        self.find("#bulk-find").send_keys("lamp")
        self.find("#bulk-with").send_keys("Candle")
        self.wait_text("2 images change", "dialog")
        self.assertIn("Candle b", self.find(".bulk-preview").text)
        self.axe()
        self.shot("bulk-edit")
        self.width(320)
        self.assert_fits()
        self.axe()
        self.width(1280)
        self.button("Apply").click()
        self.wait_text("2 images changed.", "#toasts")
        self.assertEqual(self.titles("a.jpg", "b.jpg", "c.jpg"), ["Candle a", "Candle b", ""])
        self.button("Undo").click()
        self.wait_text("Taken back.", "#toasts")
        self.assertEqual(self.titles("a.jpg", "b.jpg", "c.jpg"), ["Lamp a", "Lamp b", ""])

    def test_tags_are_added_to_those_that_are_there(self) -> None:
        number = self.image("a.jpg")["id"]
        self.api("PATCH", f"admin/images/{number}/metadata/", {"tags": '["lamp"]', "owner": "Ann"})
        self.edit("a.jpg", "b.jpg")
        Select(self.find("#bulk-field")).select_by_value("tags")
        self.find("#bulk-text").send_keys("red, lamp")
        self.wait_text("2 images change", "dialog")
        self.button("Apply").click()
        self.wait_text("2 images changed.", "#toasts")
        found = self.api("GET", f"admin/images/{number}/metadata/")
        self.assertEqual((found["tags"], found["owner"]), (["lamp", "red"], "Ann"))

    def test_what_is_too_long_is_not_sent(self) -> None:
        self.edit("a.jpg")
        self.find("#bulk-text").send_keys("x" * 256)
        self.wait_text("longer than 255 characters", "dialog")
        self.button("Apply").click()
        self.assertTrue(self.find("dialog").is_displayed())
        self.assertEqual(self.titles("a.jpg"), [""])
