"""The page of an image: editing in place, and what is done with the file."""

from __future__ import annotations

from tests.browser.case import Keys, people
from tests.browser.image_case import ImageCase
from tests.browser.modules import call


class EditingTests(ImageCase):
    def edit(self, name: str, text: str) -> None:
        self.button(f"Edit the {name}").click()
        field = self.find(f"#edit-{name}")
        field.clear()
        field.send_keys(text)

    def test_a_title_is_changed_in_place_and_can_be_taken_back(self) -> None:
        self.show()
        self.edit("title", "Red lamp\n")
        self.wait_text("Red lamp", "#fact-title")
        self.assertEqual(self.heading, "Red lamp")
        self.assertEqual(self.image()["title"], "Red lamp")
        self.button("Undo").click()
        self.wait_text("No title yet", "#fact-title")
        self.wait(lambda: self.image()["title"] == "")

    def test_escape_leaves_it_as_it_was_with_the_focus_where_it_was(self) -> None:
        self.show()
        self.edit("title", "never")
        self.press(Keys.ESCAPE)
        self.assertIn("No title yet", self.find("#fact-title").text)
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("aria-label"), "Edit the title")
        self.assertEqual(self.image()["title"], "")

    def test_who_was_second_sees_both_versions_and_chooses(self) -> None:
        self.show()
        self.edit("title", "Mine")
        number = self.image()["id"]
        self.api("PUT", f"admin/images/{number}/", {"title": "Theirs", "description": "also"})
        self.press(Keys.ENTER)
        self.wait_text("Somebody else has changed this meanwhile", "dialog")
        self.assertIn("Theirs", self.find("dialog").text)
        self.allow("412")
        self.axe()
        self.button("Keep mine").click()
        self.wait_text("Mine", "#fact-title")
        self.wait_text("also", "#fact-description")
        self.assertEqual(self.image()["title"], "Mine")

    def test_what_was_typed_is_saved_when_the_connection_is_back(self) -> None:
        self.allow("ERR_INTERNET_DISCONNECTED")
        self.show()
        self.edit("title", "Typed on a train")
        self.offline(True)
        self.addCleanup(self.offline, False)
        self.press(Keys.ENTER)
        self.wait_text("You are offline", ".banner.trouble")
        self.assertEqual(self.find("#edit-title").get_attribute("value"), "Typed on a train")
        self.offline(False)
        self.wait_text("Typed on a train", "#fact-title")
        self.assertEqual(self.image()["title"], "Typed on a train")

    def test_what_was_typed_is_saved_when_the_session_had_ended_meanwhile(self) -> None:
        self.allow("status of 401")
        self.show()
        self.edit("title", "Typed for long")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.press(Keys.ENTER)
        self.wait_text("Your session has ended", "dialog")
        self.fill("Password", people(self.daemon).admin_password).send_keys(Keys.ENTER)
        self.wait_text("Typed for long", "#fact-title")
        self.assertEqual(self.image()["title"], "Typed for long")

    def test_who_may_only_look_is_offered_nothing_to_change(self) -> None:
        self.person("eve")
        self.permit(10)
        self.show(as_user="eve")
        self.assertEqual(self.all(".fact-edit"), [])
        self.find("#more").click()
        self.assertEqual(
            self.button("Rename\nNeeds the right to upload in this folder").get_attribute("aria-disabled"), "true"
        )

    def test_without_script_it_is_a_page_with_forms(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setScriptExecutionDisabled", {"value": False})
        self.open(f"/details/?src={self.src}", as_user="admin")
        self.find("#fact-title .fact-edit").click()
        self.fill("Title", "Plain")
        self.button("Save").click()
        self.wait(lambda: self.path.startswith("/details/"))
        self.assertEqual(self.heading, "Plain")
        self.find("#more summary").click()
        self.button("Delete").click()
        self.find("main form .danger").click()
        self.wait(lambda: self.path.startswith("/list/"))
        self.assertFalse((self.daemon.images / self.src[1:]).exists())

    def test_embedded_it_tells_the_page_around(self) -> None:
        self.open(f"/edit/?src={self.src}&embed=1", as_user="admin")
        self.fill("Title", "From within")
        self.button("Save").click()
        self.wait_text("Saved.", "[role=status]")
        self.assertEqual(self.all("header.top"), [])
        self.axe()


class DeedTests(ImageCase):
    def exists(self, name: str) -> bool:
        return (self.daemon.images / self.folder[1:] / name).exists()

    def test_renamed_by_a_key_and_back_by_the_toast(self) -> None:
        self.show()
        self.press(Keys.F2)
        field = self.find("#prompt-text")
        field.clear()
        field.send_keys("x", Keys.ENTER)
        self.wait_text("at least three characters", "dialog")
        field.clear()
        field.send_keys("lamp & #1 +50%.jpg", Keys.ENTER)
        self.wait(lambda: self.find("h1").text == "lamp & #1 +50%.jpg")
        self.assertTrue(self.exists("lamp & #1 +50%.jpg"))
        self.button("Undo").click()
        self.wait(lambda: self.find("h1").text == "b.jpg")
        self.assertTrue(self.exists("b.jpg"))

    def test_a_name_that_is_taken_is_told(self) -> None:
        self.show()
        self.more("Rename")
        field = self.find("#prompt-text")
        field.clear()
        field.send_keys("a.jpg", Keys.ENTER)
        self.wait(lambda: self.find("#toasts .toast.bad"))
        self.allow("409")
        self.assertTrue(self.exists("b.jpg"))

    def test_deleted_it_goes_to_the_next_and_comes_back_by_undo(self) -> None:
        self.show()
        self.press(Keys.DELETE)
        self.wait(lambda: self.path == f"/details/?src={self.folder}/c.jpg")
        self.toast("b.jpg is in the trash.")
        self.assertFalse(self.exists("b.jpg"))
        self.button("Undo").click()
        self.wait(lambda: self.path == f"/details/?src={self.src}")
        self.assertTrue(self.exists("b.jpg"))

    def test_a_deleted_image_says_so_and_shows_what_was_known(self) -> None:
        number = self.image()["id"]
        self.api("PUT", f"admin/images/{number}/", {"title": "Red lamp", "description": ""})
        self.api("DELETE", f"admin/filesystem/images/{number}/")
        self.allow("404")
        self.show()
        self.assertEqual(self.heading, "Red lamp")
        self.assertIn("This image has been deleted.", self.find(".image-stage").text)
        self.axe()
        self.shot("image-deleted")
        self.button("History").click()
        self.assertIn("Deleted", self.find("#history").text)

    def test_a_file_is_replaced_under_its_name(self) -> None:
        self.show()
        self.script(
            "HTMLInputElement.prototype.click = function () { this.id = 'chosen'; document.body.append(this); }"
        )
        self.more("Replace the file")
        self.find("#chosen").send_keys(str(self.daemon.images / "portrait.jpg"))
        self.wait_text("takes its place", "dialog")
        self.button("Replace").click()
        self.wait_text("1200 × 1600", ".image-facts")
        self.toast("The file has been replaced.")
        self.button("History").click()
        self.assertIn("Replaced", self.find("#history").text)

    def test_into_the_basket(self) -> None:
        self.show()
        self.find("#basket-add").click()
        self.toast("Added to the basket.")
        self.wait(lambda: self.find("#basket .count").text == "1")
        kept = self.script("return Object.entries(localStorage).find(([name]) => name.endsWith(':basket'))[1]")
        self.assertIn(f'"src":"{self.src[1:]}"', kept)

    def test_the_download_menu_has_the_file_and_other_formats(self) -> None:
        self.show()
        self.find("#download").click()
        links = {one.text: one.get_attribute("href") for one in self.all(".popup-menu a")}
        self.assertEqual(list(links), ["Original file", "As JPG", "As PNG", "As WEBP", "As AVIF"])
        self.assertTrue(links["As PNG"].endswith(f"/image?src={self.src}&format=png&attach=1"))

    def test_markup_of_a_picture_has_no_html_of_the_title(self) -> None:
        image = {"src": self.src, "width": 1600, "height": 1200, "title": 'A "red" <lamp>'}
        text = call(self, "image/links.js", "return m.pictureMarkup(given[0]);", image)
        self.assertIn('alt="A &quot;red&quot; &lt;lamp&gt;"', text)
        self.assertIn('type="image/avif"', text)
        self.assertIn('width="1200" height="900"', text)
