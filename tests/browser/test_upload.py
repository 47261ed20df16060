"""Uploads in the browser: chosen, asked about, broken off, gone on with."""

from __future__ import annotations

import io
import random
import re
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.case import BrowserCase, Keys, people

NOISE = random.Random(7)
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1}


def picture() -> bytes:
    """A small one, of another content each time: what is there already is asked about."""
    data = io.BytesIO()
    Image.frombytes("RGB", (60, 40), NOISE.randbytes(60 * 40 * 3)).save(data, "JPEG")
    return data.getvalue()


def large_picture() -> bytes:
    """Of some 6 MB, another one each time."""
    data = io.BytesIO()
    Image.frombytes("RGB", (1500, 1400), NOISE.randbytes(1500 * 1400 * 3)).save(data, "PNG")
    return data.getvalue()


class UploadCase(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        place = tempfile.TemporaryDirectory(prefix="qt-files-")
        self.addCleanup(place.cleanup)
        self.files = Path(place.name)
        self.folder = self.mkfolder()
        self.open(f"/upload/?path={self.folder}", as_user="admin")
        self.find("#pick-files")

    def mkfolder(self) -> str:
        path = f"/up-{NOISE.randrange(10**9)}"
        self.api("POST", "admin/filesystem/folders/", {"path": path})
        return path

    def file(self, name: str, data: bytes) -> str:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def choose(self, *paths: str) -> None:
        self.find("#files").send_keys("\n".join(paths))

    def go(self) -> None:
        button = self.find("#go")
        self.wait(button.is_enabled, "the button to be ready")
        button.click()

    def uploaded(self) -> list[str]:
        """What is on disk."""
        place = self.daemon.images / self.folder.strip("/")
        return sorted(str(one.relative_to(place)) for one in place.rglob("*") if one.is_file())

    def until_uploaded(self, *names: str) -> None:
        self.wait(lambda: self.uploaded() == sorted(names), f"{names} on disk, not {self.uploaded()}")

    def row(self, state: str) -> WebElement:
        return self.find(f'.upload-row[data-state="{state}"]')

    def deed(self, name: str) -> None:
        self.find(f'.upload-row [data-deed="{name}"]').click()

    def slow(self, rate: int | None) -> None:
        """Let what is sent go at so many bytes a second; None: as it likes."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": -1 if rate is None else rate}
        )
        self.addCleanup(
            self.driver.execute_cdp_cmd, "Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": -1}
        )


class ChoosingTests(UploadCase):
    def test_choices_add_up_and_the_same_counts_once(self) -> None:
        first, second = self.file("one.jpg", picture()), self.file("two.jpg", picture())
        self.choose(first)
        self.wait_text("1 file", "#chosen")
        self.choose(second, first)
        self.wait_text("Upload 2 files", "#go")
        self.go()
        self.until_uploaded("one.jpg", "two.jpg")
        self.wait(lambda: len(self.all(".upload-result")) == 2)
        self.assertIn("/list/?path=", self.find(".upload-result-folder").get_attribute("href") or "")
        self.axe()
        self.shot("upload-results")

    def test_what_can_not_be_taken_is_said_before_it_is_sent(self) -> None:
        self.choose(self.file("good.jpg", picture()), self.file("tool.exe", b"x"), self.file("empty.jpg", b""))
        self.wait_text("2 can’t be uploaded, first tool.exe: Files of the type “exe” are not accepted", "#chosen")
        self.assertEqual(self.find("#go").text, "Upload 1 file")
        self.go()
        self.until_uploaded("good.jpg")
        self.wait_text("Files of the type “exe” are not accepted", "#queue-list")
        self.wait_text("The file is empty", "#queue-list")
        self.wait_text("Not uploaded", "#queue-title")
        self.assertEqual(self.all("[data-deed=retry]"), [])
        self.axe()

    def test_all_that_failed_can_be_tried_again_at_once(self) -> None:
        self.choose(self.file("one.jpg", picture()), self.file("two.jpg", picture()))
        place = self.daemon.images / self.folder.strip("/")
        away = place.with_name("away")
        place.rename(away)
        self.allow("404")
        self.go()
        again = self.button("Try all again")
        away.rename(place)
        again.click()
        self.until_uploaded("one.jpg", "two.jpg")

    def test_another_folder_is_looked_at_first(self) -> None:
        self.choose(self.file("one.jpg", picture()))
        path = self.find("#path")
        path.clear()
        path.send_keys("/nowhere", Keys.TAB)
        self.wait_text("There is no such folder", "#path-note")
        self.assertFalse(self.find("#go").is_enabled())

    def test_folders_keep_their_tree(self) -> None:
        self.only_in_chromium("choose folders")
        for name in ("tree/a/one.jpg", "tree/b/one.jpg", "tree/two.jpg"):
            self.file(name, picture())
        self.find("input[webkitdirectory]").send_keys(str(self.files / "tree"))
        self.wait_text("Folders keep their structure", "#chosen")
        self.go()
        self.until_uploaded("tree/a/one.jpg", "tree/b/one.jpg", "tree/two.jpg")

    def test_folders_whose_names_can_not_be_kept_get_others(self) -> None:
        self.only_in_chromium("choose folders")
        self.file("tree/Day 2 – odd & ends*/one.jpg", picture())
        self.find("input[webkitdirectory]").send_keys(str(self.files / "tree"))
        self.wait_text("Folders keep their structure", "#chosen")
        self.go()
        self.until_uploaded("tree/Day 2  odd & ends/one.jpg")

    def test_it_looks_well_in_both_themes_and_on_small_screens(self) -> None:
        self.choose(self.file("one.jpg", picture()))
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (320, 800, 1440):
                self.width(width)
                self.assert_fits()
                self.shot(f"upload-{theme}-{width}")
            self.axe()

    def test_dropped_and_pasted_files_are_chosen_too(self) -> None:
        self.only_in_chromium("paste files")
        for event, part in (("drop", "dataTransfer"), ("paste", "clipboardData")):
            self.script(
                """
                const [kind, part, bytes] = args;
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], kind === 'paste' ? 'image.png' : 'dropped.jpg',
                    {type: kind === 'paste' ? 'image/png' : 'image/jpeg', lastModified: 1e12}));
                const event = kind === 'drop'
                    ? new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true})
                    : new ClipboardEvent(kind, {clipboardData: transfer, bubbles: true, cancelable: true});
                document.querySelector('#drop').dispatchEvent(event);
                """,
                event,
                part,
                [1, 2, 3],
            )
        self.wait_text("2 files", "#chosen")


class QuestionTests(UploadCase):
    def setUp(self) -> None:
        super().setUp()
        self.old, self.new = picture(), picture()
        self.choose(self.file("a/same.jpg", self.old), self.file("a/other.jpg", picture()))
        self.go()
        self.until_uploaded("other.jpg", "same.jpg")
        self.wait(lambda: len(self.all(".upload-result")) == 2)

    def read(self, name: str) -> bytes:
        return (self.daemon.images / self.folder.strip("/") / name).read_bytes()

    def ask(self, *names: str) -> None:
        """Upload files of other contents whose names are taken."""
        self.choose(*[self.file(f"b/{name}", self.new if name == "same.jpg" else picture()) for name in names])
        self.go()
        self.find(".upload-question")

    def test_both_are_shown_and_one_can_skip_keep_both_or_replace(self) -> None:
        self.ask("same.jpg")
        self.wait(lambda: len(self.all(".upload-pair img")) == 2, "both pictures")
        self.axe()
        self.shot("upload-question")
        self.button("Skip").click()
        self.wait(lambda: not self.all(".upload-row"))
        self.assertEqual(self.read("same.jpg"), self.old)
        self.ask("same.jpg")
        self.button("Keep both").click()
        self.until_uploaded("other.jpg", "same-001.jpg", "same.jpg")
        self.assertEqual(self.read("same-001.jpg"), self.new)
        self.new = picture()
        self.ask("same.jpg")
        self.button("Replace").click()
        self.wait(lambda: self.read("same.jpg") == self.new, "the file to be replaced")

    def test_one_answer_can_be_for_all(self) -> None:
        self.ask("same.jpg", "other.jpg")
        self.find('.upload-question [name="all"]').click()
        self.button("Keep both").click()
        self.until_uploaded("other-001.jpg", "other.jpg", "same-001.jpg", "same.jpg")

    def test_equal_content_is_asked_about_wherever_it_is(self) -> None:
        self.choose(self.file("c/elsewhere.jpg", self.old))
        self.go()
        self.wait_text(f"{self.folder}/same.jpg", ".upload-question")
        self.button("Upload anyway").click()
        self.until_uploaded("elsewhere.jpg", "other.jpg", "same.jpg")

    def test_a_question_that_was_left_can_be_asked_again(self) -> None:
        self.ask("same.jpg")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.all(".upload-question"))
        self.row("asking")
        self.deed("decide")
        self.find(".upload-question")

    def test_a_question_that_was_left_does_not_come_up_on_the_next_page_by_itself(self) -> None:
        self.ask("same.jpg")
        self.open("/account/")
        self.find(".upload-card-ask:not([hidden])")
        self.assertEqual(self.all(".upload-question"), [])
        self.find(".upload-card-ask").click()
        self.find(".upload-question")


class ResumingTests(UploadCase):
    def setUp(self) -> None:
        super().setUp()
        self.data = large_picture()
        self.earlier = 0
        self.earlier = len(self.requests())

    def begin(self) -> None:
        """Begin to send something large over a slow line."""
        self.slow(1_500_000)
        self.choose(self.file("large.png", self.data))
        self.go()
        self.wait(lambda: self.part() > 0, "some of it to be sent")

    def requests(self) -> list[str]:
        """The methods of the requests about resumable uploads since the beginning of the test."""
        text = "".join(one.read_text() for one in sorted(self.daemon.logs.glob("*access*")))
        lines = re.findall(r'"([A-Z]+) /api/v1/upload/resumable/', text)
        return lines[self.earlier :]

    def part(self) -> float:
        return float(self.find(".upload-row progress").get_property("value"))

    def finish(self) -> None:
        self.slow(None)
        self.until_uploaded("large.png")
        self.assertEqual((self.daemon.images / self.folder.strip("/") / "large.png").read_bytes(), self.data)

    def test_it_can_be_paused_and_gone_on_with(self) -> None:
        self.begin()
        self.deed("pause")
        self.row("paused")
        self.assertEqual(self.uploaded(), [])
        self.slow(None)
        self.deed("resume")
        self.finish()

    def test_it_goes_on_after_the_page_is_loaded_again(self) -> None:
        self.begin()
        self.deed("pause")
        self.row("paused")
        self.driver.refresh()
        self.row("paused")
        self.deed("resume")
        self.finish()
        # Begun once, broken off, looked at, gone on with.
        self.wait(lambda: self.requests() == ["POST", "PATCH", "HEAD", "PATCH"], f"the requests, not {self.requests()}")

    def test_it_goes_on_while_one_looks_at_other_pages(self) -> None:
        self.begin()
        self.driver.execute_script("document.querySelector('.menus a[href$=\"/account/\"]').click()")
        self.wait(lambda: self.path == "/account/", "another page")
        self.wait_text("Uploading", ".upload-card")
        self.axe()
        self.shot("upload-card")
        self.finish()
        self.wait_text("One file has been uploaded", "#toasts")

    def test_a_broken_line_is_waited_for(self) -> None:
        self.allow("ERR_BLOCKED_BY_CLIENT")
        self.begin()
        self.deed("pause")
        self.block("*/upload/resumable/*")
        self.deed("resume")
        self.wait_text("The connection is broken", "#queue-list")
        self.row("waiting")
        self.block()
        self.finish()

    def block(self, *addresses: str) -> None:
        """Let requests for these addresses find nobody."""
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": addresses})
        if addresses:
            self.addCleanup(self.driver.execute_cdp_cmd, "Network.setBlockedURLs", {"urls": []})

    def test_who_has_been_signed_out_signs_in_over_the_page(self) -> None:
        self.allow("status of 401")
        self.begin()
        self.deed("pause")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.slow(None)
        self.deed("resume")
        self.find("#again-password").send_keys(people(self.daemon).admin_password + Keys.ENTER)
        self.finish()

    def test_another_tab_shows_it_and_has_a_say(self) -> None:
        self.begin()
        first = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        second = self.driver.current_window_handle
        try:
            self.open("/upload/")
            self.row("sending")
            self.deed("pause")
            self.row("paused")
            self.driver.switch_to.window(first)
            self.row("paused")
            self.deed("resume")
            self.finish()
            self.driver.switch_to.window(second)
            self.wait(lambda: len(self.all(".upload-result")) == 1, "the result in the other tab")
        finally:
            self.driver.switch_to.window(second)
            self.driver.close()
            self.driver.switch_to.window(first)

    def test_it_can_be_removed(self) -> None:
        self.begin()
        self.deed("remove")
        self.wait(lambda: not self.all(".upload-row"))
        self.assertEqual(self.uploaded(), [])


class OtherPageTests(UploadCase):
    def test_pages_that_take_drops_are_told_what_became_of_them(self) -> None:
        self.open("/portfolios/")
        told = self.script(
            """
            const frame = document.querySelector('script[src*="core/frame"]').src;
            const {uploadFiles} = await import(frame.replace('core/frame.js', 'upload/queue.js'));
            const file = (name, bytes) => new File([new Uint8Array(bytes)], name, {type: 'image/jpeg'});
            const files = [file('one.jpg', args[1]), file('bad.jpg', [1, 2, 3]), file('tool.exe', [1])];
            const {done, failed, skipped} = await uploadFiles(files, {path: args[0]});
            return [done.map(item => item.src), failed.map(item => item.name), skipped.length];
            """,
            self.folder,
            list(picture()),
        )
        self.allow("status of 415")
        self.assertEqual(told, [[f"{self.folder.strip('/')}/one.jpg"], ["bad.jpg", "tool.exe"], 0])
        self.wait_text("2 files could not be uploaded", "#toasts")
        self.open("/uploadcomplete/")
        self.wait_text("one.jpg", "#results")
        self.assertFalse(self.find("#nothing").is_displayed())


class LeavingTests(UploadCase):
    def test_closing_the_page_warns_while_something_is_sent(self) -> None:
        asked = "return !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        self.assertFalse(self.script(asked))
        self.slow(1_500_000)
        self.choose(self.file("large.png", large_picture()))
        self.go()
        self.wait(lambda: self.all('.upload-row[data-state="sending"]'))
        self.assertTrue(self.script(asked))
        self.slow(None)
        self.until_uploaded("large.png")
        self.wait(lambda: self.all(".upload-result"))
        self.assertFalse(self.script(asked))


class WithoutScriptTests(UploadCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setScriptExecutionDisabled", {"value": False})
        self.driver.refresh()

    def test_the_plain_form_does_it_too(self) -> None:
        self.driver.find_element(By.CSS_SELECTOR, "#files").send_keys(
            "\n".join([self.file("plain.jpg", picture()), self.file("tool.exe", b"x")])
        )
        self.driver.find_element(By.CSS_SELECTOR, "#go").click()
        self.until_uploaded("plain.jpg")
        self.wait(lambda: self.path == "/uploadcomplete/")
        self.shot("upload-complete")
        self.assertIn("One file has been uploaded", self.find("main").text)
        self.assertIn("tool.exe", self.find(".notice.bad").text)
