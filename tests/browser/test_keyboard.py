"""From signing in to closing a folder with nothing but keys, the focus in sight all the way."""

from __future__ import annotations

import io

from PIL import Image

from tests.browser.case import BrowserCase, Keys, people

MOST_TABS = 120


class WalkTests(BrowserCase):
    def test_from_signing_in_to_permissions(self) -> None:
        self.api("POST", "admin/filesystem/folders/", {"path": "/walk"})
        self._sign_in()
        self._upload()
        self._publish()
        self._make_a_portfolio()
        self._close_the_folder()

    def _sign_in(self) -> None:
        self.open("/login/?next=/upload/%3Fpath%3D/walk")
        self.press("admin", Keys.TAB, people(self.daemon).admin_password, Keys.ENTER)
        self.wait(lambda: self.path == "/upload/?path=/walk", "the page of uploads")

    def _upload(self) -> None:
        picture = self.daemon.folder / "walk.jpg"
        data = io.BytesIO()
        Image.new("RGB", (600, 400), "teal").save(data, "JPEG")
        picture.write_bytes(data.getvalue())
        self.tab_to("#pick-files")
        self.find("#files").send_keys(str(picture))  # the dialog for files is the system's
        self.wait(lambda: self.find("#go").is_enabled(), "a button that can be pressed")
        self.tab_to("#go")
        self.press(Keys.ENTER)
        self.find(".upload-result")

    def _publish(self) -> None:
        self.tab_to(".upload-result a[href*='publish/']")
        self.press(Keys.ENTER)
        self.find(".pub-code")
        self.tab_to("#p-width")
        self.press("300")
        self.wait(lambda: "width=300" in self.find(".pub-code").text, "the width in the code")
        self.tab_to(".pub-output .button.primary")

    def _make_a_portfolio(self) -> None:
        self.by_menu("portfolios/")
        self.find("#new-portfolio")
        self.press("n")
        self.find("dialog #folio-name")
        self.press("Walk", Keys.ENTER)
        self.wait(lambda: self.path.endswith("/edit/"), "the workshop of the portfolio")
        self.find("#add-images")
        self.tab_to("#add-images")
        self.press(Keys.ENTER)
        self.find("#choose-path")
        self.tab_to("#choose-path")
        self.press("/walk/walk.jpg", Keys.ENTER)
        self.find(".folio-tile")

    def _close_the_folder(self) -> None:
        self.by_menu("admin/permissions/")
        self.find("button.cell")
        self.tab_to("#goto [name=path]")
        self.press(Keys.CONTROL, "a", Keys.NULL, "/walk", Keys.ENTER)
        cell = "button.cell[data-path='/walk'][data-group='1']"
        self.wait(lambda: self.is_at(cell), "the cell of the folder")
        self.press(Keys.ENTER)
        self.find("select.in-place")
        self.press(Keys.HOME, Keys.ARROW_DOWN)
        self.press(Keys.ENTER)
        self.tab_to("#pending .primary")
        self.press(Keys.ENTER)
        self.find("dialog .danger")  # one is told how many images that closes
        self.tab_to("dialog .danger")
        self.press(Keys.ENTER)
        self.wait_text("Undo", "#toasts")

    # Keys

    def is_at(self, css: str) -> bool:
        """Whether the focus is at such an element."""
        return bool(self.script("return document.activeElement.matches(args[0])", css))

    def tab_to(self, css: str) -> None:
        """Press Tab until the focus is at such an element; wherever it is it can be seen."""
        for _ in range(MOST_TABS):
            if self.is_at(css):
                return
            self.press(Keys.TAB)
            self.assertEqual(self.script(UNSEEN), "", "the focus can't be seen")
        self.fail(f"the focus never comes to {css}")

    def by_menu(self, path: str) -> None:
        """Go to a page by the menu at the top."""
        link = f"#menus li a[href$='/{path}']"
        self.tab_to(f"details.menu:has(a[href$='/{path}']) > summary")
        for _ in range(MOST_TABS):
            if self.is_at(link):
                break
            self.press(Keys.ARROW_DOWN)
        self.press(Keys.ENTER)
        self.wait(lambda: self.path.startswith(f"/{path}"), path)


UNSEEN = """
    const one = document.activeElement;
    const {boxShadow, outlineColor, outlineStyle} = getComputedStyle(one);
    const outlined = outlineStyle !== 'none' && outlineColor !== 'rgba(0, 0, 0, 0)';
    const seen = one.matches('body, main') || boxShadow !== 'none' || outlined;
    return seen ? '' : one.outerHTML.slice(0, 200);
"""
