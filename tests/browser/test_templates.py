"""The pages of the templates."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from selenium.webdriver.support.ui import Select

from tests.browser.case import BrowserCase, Keys


class TemplatesCase(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        for template in self.api("GET", "admin/templates/"):
            if template["name"] not in ("Default", "SmallJpeg", "Precache"):
                self.api("DELETE", f"admin/templates/{template['id']}/")

    def make(self, name: str, **values: object) -> int:
        document = {field: {"value": value} for field, value in values.items()}
        form = {"name": name, "description": "made for a test", "template": json.dumps(document)}
        return int(self.api("POST", "admin/templates/", form)["id"])

    def template(self, name: str) -> Any:
        return next((one for one in self.api("GET", "admin/templates/") if one["name"] == name), None)

    def more(self, name: str, deed: str) -> None:
        self.button(f"More about {name}").click()
        self.button(deed).click()


class ListTests(TemplatesCase):
    def listed(self) -> list[str]:
        self.find(".tpl-list")
        return [" ".join(one.text.split()) for one in self.all(".tpl-list tbody th")]

    def test_the_default_one_is_marked(self) -> None:
        self.open("/admin/templates/", as_user="admin")
        self.assertEqual(self.listed(), ["Default default", "Precache", "SmallJpeg"])

    def test_another_becomes_the_default_and_back(self) -> None:
        self.open("/admin/templates/", as_user="admin")
        self.more("SmallJpeg", "Make it the default")
        self.find("dialog .danger").click()
        self.wait(lambda: "SmallJpeg default" in self.listed(), "the new default")
        self.find("#toasts .toast button").click()
        self.wait(lambda: "Default default" in self.listed(), "the old default")

    def test_a_deleted_one_can_be_taken_back(self) -> None:
        self.make("Short lived", width=10)
        self.open("/admin/templates/", as_user="admin")
        self.more("Short lived", "Delete")
        self.find("dialog .danger").click()
        self.wait(lambda: "Short lived" not in self.listed(), "it to go")
        self.assertIsNone(self.template("Short lived"))
        self.find("#toasts .toast button").click()
        self.wait(lambda: "Short lived" in self.listed(), "it to come back")
        self.assertEqual(self.template("Short lived")["template"], {"width": {"value": 10}})

    def test_templates_come_from_a_file_and_what_is_wrong_is_told(self) -> None:
        self.open("/admin/templates/", as_user="admin")
        self.find(".tpl-list")
        wanted = [
            {"name": "Brought", "description": "", "template": {"height": {"value": 20}}},
            {"name": "Broken", "description": "", "template": {"height": {"value": -1}}},
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(wanted, file)
        self.addCleanup(os.unlink, file.name)
        self.allow("400")
        self.find('input[type="file"]').send_keys(str(Path(file.name)))
        self.wait_text("Broken", "dialog")
        self.find("dialog .primary").click()
        self.wait(lambda: "Brought" in self.listed(), "the good one")

    def test_administrators_of_other_things_only_look(self) -> None:
        self.person("librarian", "admin_files")
        self.open("/admin/templates/", as_user="librarian")
        self.listed()
        self.assertEqual([one.text for one in self.all("#templates .primary")], [])
        self.button("More about SmallJpeg").click()
        barred = {one.text.split("\n")[0] for one in self.all("[role=menuitem][aria-disabled=true]")}
        self.assertEqual(barred, {"Duplicate", "Make it the default", "Delete"})

    def test_nobody_else_sees_them(self) -> None:
        self.person("reader")
        self.allow("403")
        self.open("/admin/templates/", as_user="reader")
        self.assertEqual(self.all("#templates"), [])

    def test_nothing_keeps_people_out(self) -> None:
        self.open("/admin/templates/", as_user="admin")
        self.listed()
        for width in (1440, 320):
            for theme in ("light", "dark"):
                self.width(width)
                self.theme(theme)
                self.shot(f"templates-{theme}-{width}")
                self.axe()
                self.assert_fits()


class FormTests(TemplatesCase):
    def form(self, template_id: int = 0, more: str = "", user: str = "admin") -> None:
        self.open(f"/admin/templates/{template_id}/{more}", as_user=user)
        self.find("#template .pub")

    def test_a_new_one_is_made_with_a_preview(self) -> None:
        self.form()
        self.fill("Name", "Teaser")
        self.fill("Description", "For the front page")
        self.fill("Width", "320")
        self.find('[data-group="delivery"] summary').click()
        self.fill("Kept by browsers", "60")
        Select(self.field("Format")).select_by_visible_text("WebP (webp)")
        self.wait(lambda: "width=320" in (self.find(".pub-picture").get_attribute("src") or ""), "the preview")
        self.button("Save").click()
        self.wait(lambda: self.path.startswith("/admin/templates/") and "/0/" not in self.path, "its own address")
        document = self.template("Teaser")["template"]
        told = {field: document[field]["value"] for field in ("width", "format", "expiry_secs", "record_stats")}
        self.assertEqual(told, {"width": 320, "format": "webp", "expiry_secs": 60, "record_stats": True})

    def test_a_change_can_be_taken_back(self) -> None:
        number = self.make("Changing", width=100)
        self.form(number)
        self.fill("Width", "150")
        self.button("Save").click()
        self.wait_text("is saved", "#toasts")
        self.assertEqual(self.template("Changing")["template"]["width"], {"value": 150})
        self.find("#toasts .toast button").click()
        self.wait(lambda: self.template("Changing")["template"]["width"] == {"value": 100}, "the old width")

    def test_a_name_that_is_taken_is_told_beside_the_name(self) -> None:
        self.form()
        self.fill("Name", "smalljpeg")
        self.allow("409")
        self.button("Save").click()
        self.wait_text("already exists", "#tpl-wrong")
        self.find("#tpl-name[aria-invalid]")

    def test_who_comes_second_is_told(self) -> None:
        number = self.make("Two at once", width=100)
        self.form(number)
        form = {"name": "Two at once", "description": "", "template": json.dumps({"width": {"value": 90}})}
        self.api("PUT", f"admin/templates/{number}/", form)
        self.fill("Width", "80")
        self.allow("412")
        self.button("Save").click()
        self.wait(lambda: self.find("#tpl-wrong").text, "a reason")
        self.assertEqual(self.template("Two at once")["template"]["width"], {"value": 90})

    def test_a_duplicate_begins_with_the_same_values(self) -> None:
        number = self.make("Original", width=77, flip="h")
        self.form(0, f"?from={number}")
        self.assertEqual(self.field("Name").get_attribute("value"), "Copy of Original")
        self.assertEqual(self.field("Width").get_attribute("value"), "77")

    def test_the_difference_to_the_default_one_is_shown(self) -> None:
        self.form(self.make("Different", width=77, quality=80, strip=True, colorspace="rgb"))
        self.wait_text("Width", ".pub-side table")
        self.assertEqual(
            [one.text for one in self.all(".pub-side tbody th")], ["Width", "Kept by browsers, in seconds"]
        )

    def test_what_has_no_control_stays(self) -> None:
        number = self.make("Tiled", width=80, tile=[2, 4])
        self.form(number)
        self.fill("Width", "60")
        self.button("Save").click()
        self.wait_text("is saved", "#toasts")
        self.assertEqual(self.template("Tiled")["template"]["tile"], {"value": [2, 4]})

    def test_keys_undo(self) -> None:
        self.form()
        self.fill("Width", "40")
        box = self.find('[data-name="autosizefit"] input')
        box.send_keys(Keys.SPACE)
        self.assertTrue(box.is_selected())
        self.button("Undo").send_keys(Keys.ENTER)
        self.assertFalse(box.is_selected())

    def test_those_who_may_not_change_it_see_it(self) -> None:
        self.person("librarian", "admin_files")
        self.form(self.make("Looked at", width=55), user="librarian")
        self.assertFalse(self.field("Width").is_enabled())
        self.assertEqual([one.text for one in self.all("#template .primary")], [])

    def test_one_that_is_not_there(self) -> None:
        self.allow("404")
        self.open("/admin/templates/4711/", as_user="admin")
        self.assertEqual(self.all("#template"), [])

    def test_nothing_keeps_people_out(self) -> None:
        self.form(self.make("Looks", width=400, flip="h"))
        self.wait(lambda: self.find(".pub-picture").get_attribute("src"), "the preview")
        for width in (1440, 320):
            for theme in ("light", "dark"):
                self.width(width)
                self.theme(theme)
                self.shot(f"template-{theme}-{width}")
                self.axe()
                self.assert_fits()
