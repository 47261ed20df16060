"""What is done to files and folders on the page of a folder, and how it is undone."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from selenium.webdriver.common.action_chains import ActionChains

from tests.browser.browse_case import ODD_NAMES, BrowseCase
from tests.browser.case import Keys

_DROP = """
    const [from, to] = args;
    const transfer = new DataTransfer();
    const fire = (target, name) => target.dispatchEvent(
        new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: transfer}));
    fire(from, 'dragstart');
    fire(to, 'dragover');
    fire(to, 'drop');
    fire(from, 'dragend');
"""


class DeedCase(BrowseCase):
    def undo(self) -> None:
        """Take back what was done last, when it can be."""
        self.find(".toasts .toast.good")
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()


class FolderTests(DeedCase):
    def test_folders_are_made_renamed_and_deleted_with_keys(self) -> None:
        self.make("desk", "a.jpg")
        self.show("/desk")
        self.find("#entries a")
        self.press("n")
        self.fill("Name", "50% & #1")
        self.press(Keys.ENTER)
        self.wait(lambda: "50% & #1" in self.names())
        self.wait(lambda: self.driver.switch_to.active_element.text == "50% & #1")
        self.press(Keys.F2)
        self.fill("Name", "a/b").send_keys(Keys.ENTER)
        self.wait_text("slashes", "dialog")
        self.fill("Name", "other").send_keys(Keys.ENTER)
        self.wait_disk("desk", "a.jpg", "other")
        self.wait(lambda: not self.all("dialog"))
        self.wait(lambda: self.driver.switch_to.active_element.text == "other")
        self.press(Keys.DELETE)
        self.wait_text("Delete other?", "dialog")
        self.wait_text("everything in it", "dialog")
        self.find("dialog .danger").click()
        self.wait_disk("desk", "a.jpg")
        self.wait_text("other deleted", ".toasts")
        self.undo()
        self.wait_disk("desk", "a.jpg", "other")

    def test_what_takes_minutes_goes_on_in_a_card_whatever_page_one_is_on(self) -> None:
        self.make("box/slow", "a.jpg")
        self.show("/box/slow")
        number = self.api("POST", "admin/tasks/purge_system_stats/", {"date_to": "2001-02-03"})["id"]
        self.wait(lambda: self.api("GET", f"admin/tasks/{number}/")["state"] == "done")
        self.daemon.sql("update tasks set status = 1, finished = null, progress = 50 where id = %s", number)
        self.script(  # what the server answers when it takes long
            """
            const really = window.fetch;
            window.fetch = async (address, given) => {
                if (given?.method !== 'PUT') return really(address, given);
                const data = {id: args[0], funcname: 'move_folder', name: 'Move', state: 'active', progress: 50};
                const body = JSON.stringify({status: 202, message: 'OK task accepted', data});
                return new Response(body, {status: 202, headers: {'Content-Type': 'application/json'}});
            };
            """,
            number,
        )
        self.find("#more").click()
        self.button("Rename folder").click()
        self.fill("Name", "done").send_keys(Keys.ENTER)
        self.wait_text("Folder slow", ".toast.task")
        self.open("/about/")
        self.wait_text("Folder slow", ".toast.task")
        self.daemon.sql("update tasks set status = 2, finished = now() where id = %s", number)
        self.wait_text("Done", ".toast.task")

    def test_the_folder_itself_is_renamed_from_its_menu(self) -> None:
        self.make("box/old name", "a.jpg")
        self.show("/box/old name")
        self.find("#more").click()
        self.button("Rename folder").click()
        self.fill("Name", "new & name").send_keys(Keys.ENTER)
        self.wait(lambda: self.heading == "new & name")
        self.assertEqual(self.path.partition("&view")[0], "/list/?path=/box/new+%26+name")
        self.wait_names("a.jpg")

    def test_a_folder_at_the_top_is_deleted_when_its_name_was_typed(self) -> None:
        self.make("topmost", "a.jpg")
        self.show("/topmost")
        self.find("#more").click()
        self.button("Delete folder").click()
        self.find("dialog .danger").click()
        self.wait_text("not the same", "dialog")
        self.allow("/image?src=/b")
        self.fill("Type", "topmost").send_keys(Keys.ENTER)
        self.wait(lambda: self.heading == "Images")
        self.assertFalse((self.daemon.images / "topmost").exists())


class FileTests(DeedCase):
    def setUp(self) -> None:
        super().setUp()
        for folder in ("work", "work/target"):
            for one in (self.daemon.images / folder).glob("*.*"):
                one.unlink()
        self.make("work/target")
        self.make("work", "a.jpg", "b.jpg", "c.jpg")
        self.show("/work", view="grid")

    def choose_folder(self, name: str) -> None:
        """In the dialog: go into a folder, and take it."""
        self.wait(
            lambda: next((one for one in self.all("dialog .chooser-entry") if one.text == name), None), name
        ).click()
        self.wait_text(f"/work/{name}", "dialog .chooser-chosen")
        self.button("Choose this folder").click()

    def test_images_are_moved_by_choosing_a_folder_and_control_z_brings_them_back(self) -> None:
        self.click("a.jpg")
        self.click("b.jpg", Keys.SHIFT)
        self.button("Move").click()
        self.wait_text("/work", "dialog .chooser-chosen")
        self.shot("browse-move")
        self.axe()
        self.choose_folder("target")
        self.wait_disk("work/target", "a.jpg", "b.jpg")
        self.wait_names("target", "c.jpg")
        self.wait_text("moved", ".toasts")
        self.undo()
        self.wait_disk("work/target")
        self.wait_names("target", "a.jpg", "b.jpg", "c.jpg")

    def test_images_are_moved_by_dragging_them_onto_a_folder(self) -> None:
        image = self.entry("c.jpg").find_element("css selector", ".entry-thumb")
        self.script(_DROP, image, self.entry("target").find_element("css selector", ".entry-thumb"))
        self.wait_disk("work/target", "c.jpg")
        self.wait_names("target", "a.jpg", "b.jpg")
        self.wait_text("Moved to /work/target", ".toasts")

    def test_images_are_copied(self) -> None:
        self.click("b.jpg")
        self.press("c")
        self.choose_folder("target")
        self.wait_disk("work/target", "b.jpg")
        self.wait_text("Copied", ".toasts")
        self.assertIn("b.jpg", self.names())

    def test_images_are_deleted_at_once_and_an_undo_brings_them_back(self) -> None:
        self.click("a.jpg")
        self.click("c.jpg", Keys.CONTROL)
        self.press(Keys.DELETE)
        self.wait_names("target", "b.jpg")
        self.wait_disk("work", "b.jpg", "target")
        self.button("Undo").click()
        self.wait_names("target", "a.jpg", "b.jpg", "c.jpg")

    def test_an_image_gets_another_name_and_the_old_one_back(self) -> None:
        self.click("a.jpg")
        self.press(Keys.F2)
        self.fill("Name", "z").send_keys(Keys.ENTER)
        self.wait_text("three characters", "dialog")
        self.fill("Name", "b.jpg").send_keys(Keys.ENTER)
        self.allow("status of 409")
        self.wait_text("already exists", "dialog")
        self.fill("Name", "zz 50%.jpg").send_keys(Keys.ENTER)
        self.wait_names("target", "b.jpg", "c.jpg", "zz 50%.jpg")
        self.undo()
        self.wait_names("target", "a.jpg", "b.jpg", "c.jpg")

    def test_names_of_all_kinds_are_moved_and_deleted(self) -> None:
        self.make("work", *ODD_NAMES)
        self.show("/work")
        for name in ODD_NAMES:
            self.click(name, Keys.CONTROL)
        self.button("Move").click()
        self.wait_text("/work", "dialog .chooser-chosen")
        self.choose_folder("target")
        self.wait_disk("work/target", *ODD_NAMES)
        self.find("#entries a[title=target]").click()
        self.wait(lambda: set(self.names()) == set(ODD_NAMES))
        for name in ODD_NAMES:
            self.click(name, Keys.CONTROL)
        self.press(Keys.DELETE)
        self.wait_disk("work/target")
        self.wait_text("nothing in this folder", "#note")

    def test_images_are_prepared_and_a_folder_is_looked_at_anew(self) -> None:
        self.click("a.jpg")
        self.click("b.jpg", Keys.CONTROL)
        self.button("Prepare images").click()
        self.wait_done("precache")
        self.find("#more").click()
        self.button("Reread the files").click()
        self.wait_done("uncache_folder_images")

    def wait_done(self, function: str) -> None:
        def done() -> bool:
            found = self.api("GET", f"admin/tasks/?funcname={function}")
            return bool(found) and all(one["state"] == "done" for one in found)

        self.wait(done, f"{function} to be done")

    def test_what_is_chosen_goes_into_the_basket_and_to_the_publisher(self) -> None:
        self.click("a.jpg")
        self.click("b.jpg", Keys.CONTROL)
        self.button("Add to basket").click()
        self.wait(lambda: self.find("[data-count=basket]").text == "2")
        self.press("p")
        self.wait(lambda: self.path.startswith("/publish/?src=/work/a.jpg&more=/work/b.jpg"))

    def test_what_is_chosen_comes_as_a_zip(self) -> None:
        place = Path(self.mktemp()).resolve()
        place.mkdir()
        self.downloads(place)
        self.addCleanup(self.downloads, None)
        self.click("a.jpg")
        self.click("b.jpg", Keys.CONTROL)
        self.button("Zip").click()
        (file,) = self.wait(lambda: list(place.glob("*.zip")), "the zip")
        with zipfile.ZipFile(file) as archive:
            self.assertEqual(sorted(name.rpartition("/")[2] for name in archive.namelist()), ["a.jpg", "b.jpg"])

    def downloads(self, place: Path | None) -> None:
        """What the browser downloads goes there."""
        given = {"behavior": "default"} if place is None else {"behavior": "allow", "downloadPath": str(place)}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", given)

    def test_a_picture_is_shown_beside_what_the_mouse_rests_on(self) -> None:
        self.find("[data-view=list]").click()
        self.find("#entries[data-view=list]")
        self.act(
            lambda: (
                ActionChains(self.driver)
                .move_to_element(self.entry("b.jpg").find_element("css selector", ".entry-name"))
                .perform()
            )
        )
        self.wait(lambda: self.script("return document.querySelector('.entry-hover img')?.naturalWidth > 0"))
        self.act(lambda: ActionChains(self.driver).move_to_element(self.find("h1")).perform())
        self.wait(lambda: not self.all(".entry-hover"))

    def test_a_folder_that_is_dropped_comes_with_all_that_is_in_it(self) -> None:
        self.make("dropped", "z.jpg")
        self.show("/dropped")
        trip = Path(self.mktemp()).resolve() / "trip"
        (trip / "day one").mkdir(parents=True)
        for name in ("x.jpg", "day one/y.jpg"):
            shutil.copy(self.daemon.images / "tiny.png", trip / name.replace("jpg", "png"))
        for kind in ("dragEnter", "dragOver", "drop"):
            self.driver.execute_cdp_cmd(
                "Input.dispatchDragEvent",
                {
                    "type": kind,
                    "x": 400,
                    "y": 400,
                    "data": {"items": [], "files": [str(trip)], "dragOperationsMask": 1},
                },
            )
        self.wait(lambda: "trip" in self.names(), "the folder")
        self.wait_disk("dropped/trip", "day one", "x.png")
        self.wait_disk("dropped/trip/day one", "y.png")

    def test_files_that_are_dropped_are_uploaded_here(self) -> None:
        self.script(
            """
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 30;
            canvas.getContext('2d').fillRect(0, 0, 30, 30);
            const blob = await new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
            const transfer = new DataTransfer();
            transfer.items.add(new File([blob], 'dropped.png', {type: 'image/png'}));
            for (const name of ['dragenter', 'dragover', 'drop']) {
                window.dispatchEvent(new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: transfer}));
            }
            """
        )
        self.wait(lambda: "dropped.png" in self.names())
        self.assertIn("dropped.png", self.disk("work"))
