"""The page of folder permissions, and that which traces them."""

from __future__ import annotations

import json
import shutil
from typing import Any

from selenium.webdriver.remote.webelement import WebElement

from tests.browser.case import BrowserCase, Keys

PUBLIC, NORMAL_USERS, ADMINISTRATORS = 1, 2, 3
VIEW, EDIT, DELETE = 10, 30, 50


class PermissionsCase(BrowserCase):
    """A library with /press, /press/inner and /open; everybody may view, but where a test says otherwise."""

    def setUp(self) -> None:
        super().setUp()
        pictures = self.daemon.images
        for name in ("press/a.png", "press/inner/b.png", "open/c.png"):
            file = pictures / name
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(pictures / "tiny.png", file)
            self.daemon.ask(src=name)
        self.wait(lambda: self.known_images() == 2, "the images to be known")
        for path in ("/press", "/press/inner", "/open"):
            self.change(*({"path": path, "group_id": group, "access": None} for group in (PUBLIC, NORMAL_USERS)))
        self.change({"path": "/", "group_id": PUBLIC, "access": VIEW})

    def known_images(self) -> int:
        """In /press, as the server knows of them."""
        return int(self.api("GET", "admin/tasks/precache/ahead/?path=/press")["count"])

    def change(self, *changes: dict[str, Any]) -> None:
        self.api("POST", "admin/permissions/changes/", {"changes": json.dumps([*changes])})

    def own(self, path: str) -> dict[str, int]:
        """What is set for a folder."""
        found: dict[str, int] = self.api("GET", f"admin/permissions/matrix/?path={path}")["folder"]["own"]
        return found

    def cell(self, path: str, group: int) -> WebElement:
        return self.find(f'button.cell[data-path="{path}"][data-group="{group}"]')

    def choose(self, path: str, group: int, level: int | None) -> None:
        """Choose a level in a cell."""
        self.cell(path, group).click()
        self.find(f'.in-place option[value="{"" if level is None else level}"]').click()

    def expand(self, path: str) -> None:
        self.find(f'[data-expand="{path}"]').click()
        self.wait(lambda: self.find(f'tr[data-row="{path}"]').get_attribute("aria-expanded") == "true", "it to open")


class MatrixTests(PermissionsCase):
    def test_it_shows_what_is_set_and_what_is_inherited(self) -> None:
        self.change({"path": "/press", "group_id": NORMAL_USERS, "access": EDIT})
        self.open("/admin/permissions/", as_user="admin")
        self.assertEqual(self.cell("/press", NORMAL_USERS).text, "edit")
        self.assertIn("own", self.cell("/press", NORMAL_USERS).get_attribute("class"))
        self.expand("/press")
        inner = self.cell("/press/inner", NORMAL_USERS)
        self.assertIn("inherited", inner.get_attribute("class"))
        self.assertIn("inherited from /press", inner.get_attribute("aria-label"))
        self.assertEqual(self.cell("/press", ADMINISTRATORS).text, "all")
        self.shot("permissions")
        self.axe()
        self.theme("dark")
        self.shot("permissions-dark")
        self.axe()

    def test_the_old_address_leads_to_the_cell(self) -> None:
        self.open(f"/admin/permissions/?path=/press/inner&group={NORMAL_USERS}", as_user="admin")
        cell = self.cell("/press/inner", NORMAL_USERS)
        self.wait(lambda: self.driver.switch_to.active_element == cell, "the focus")
        self.wait_text("/press/inner", "#inspector")
        self.assertNotIn("false", self.find("#inspector").text)

    def test_the_cell_with_the_focus_has_a_ring_from_the_start_and_the_head_never_covers_it(self) -> None:
        self.width(800, height=300)
        self.open(f"/admin/permissions/?path=/press&group={NORMAL_USERS}", as_user="admin")
        self.cell("/press", NORMAL_USERS)
        self.wait(self.ring_is_seen, "a ring around the whole cell")
        for key in (Keys.END, *[Keys.ARROW_DOWN] * 4, *[Keys.ARROW_UP] * 6, Keys.HOME):
            self.press(key)
            self.wait(self.ring_is_seen, f"a ring around the whole cell after {key!r}")

    def ring_is_seen(self) -> bool:
        return bool(
            self.script(
                """
                const cell = document.activeElement;
                if (!cell.matches('button.cell')) return false;
                const {left, right, top, bottom} = cell.getBoundingClientRect();
                const corners = [left + 4, right - 4].flatMap(x => [[x, top + 2], [x, bottom - 2]]);
                return getComputedStyle(cell).boxShadow.includes('inset')
                    && corners.every(([x, y]) => document.elementFromPoint(x, y) === cell);
                """
            )
        )

    def test_changes_wait_until_they_are_applied_together_and_can_be_undone(self) -> None:
        self.open("/admin/permissions/", as_user="admin")
        self.choose("/press", NORMAL_USERS, DELETE)
        self.choose("/open", NORMAL_USERS, EDIT)
        self.wait_text("2 changes are not yet applied.", "#pending")
        self.assertEqual(self.own("/press"), {})
        self.expand("/press")
        self.assertEqual(self.cell("/press/inner", NORMAL_USERS).text, "delete images")
        self.shot("permissions-pending")
        self.axe()
        self.button("Apply 2 changes").click()
        self.wait(lambda: self.own("/press") == {str(NORMAL_USERS): DELETE}, "the change")
        self.assertEqual(self.own("/open"), {str(NORMAL_USERS): EDIT})
        self.find("#toasts .toast button.button:not(.quiet)").click()
        self.wait(lambda: self.own("/press") == {} and self.own("/open") == {}, "what was before")

    def test_discarding_changes_nothing(self) -> None:
        self.open("/admin/permissions/", as_user="admin")
        self.choose("/press", NORMAL_USERS, DELETE)
        self.button("Discard").click()
        self.wait(lambda: not self.find("#pending").is_displayed(), "the bar to go")
        self.assertNotIn("changed", self.cell("/press", NORMAL_USERS).get_attribute("class"))

    def test_one_is_told_how_many_images_become_public_or_private_before(self) -> None:
        self.open("/admin/permissions/", as_user="admin")
        self.choose("/press", PUBLIC, 0)
        self.wait_text("It takes 2 images from the public.", "#pending")
        self.button("Apply 1 change").click()
        self.wait_text("It takes 2 images from the public.", "dialog")
        self.shot("permissions-sure")
        self.axe()
        self.find("dialog .danger").click()
        self.wait(lambda: self.own("/press") == {str(PUBLIC): 0}, "the change")
        self.choose("/press", PUBLIC, None)
        self.wait_text("It makes 2 images public.", "#pending")

    def test_it_works_by_the_keyboard_alone(self) -> None:
        self.open(f"/admin/permissions/?path=/&group={PUBLIC}", as_user="admin")
        first = self.cell("/", PUBLIC)
        self.wait(lambda: self.driver.switch_to.active_element == first, "the focus")
        self.press(Keys.ARROW_DOWN)
        self.press(Keys.ARROW_RIGHT)
        place = self.driver.switch_to.active_element
        self.assertNotEqual(place.get_attribute("data-path"), "/")
        self.assertNotEqual(place.get_attribute("data-group"), str(PUBLIC))
        self.press(Keys.HOME)
        self.press(Keys.ARROW_UP)
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("data-path"), "/")
        self.driver.get(f"{self.root}/admin/permissions/?path=/press&group={NORMAL_USERS}")
        cell = self.cell("/press", NORMAL_USERS)
        self.wait(lambda: self.driver.switch_to.active_element == cell, "the focus")
        self.press("+")
        self.find('button.cell[data-path="/press/inner"]')

    def test_a_folder_as_a_user_sees_it(self) -> None:
        self.person("vera")
        self.change({"path": "/press", "group_id": NORMAL_USERS, "access": EDIT})
        self.open("/admin/permissions/", as_user="admin")
        self.find("#viewer input").send_keys("vera", Keys.TAB)
        self.wait_text("vera may", "thead")
        self.wait(lambda: self.find('tr[data-row="/press"] td.viewer').text == "edit", "what Vera may")
        self.shot("permissions-viewer")

    def test_who_can_see_a_folder(self) -> None:
        self.change(
            {"path": "/press", "group_id": PUBLIC, "access": 0},
            {"path": "/press", "group_id": NORMAL_USERS, "access": 0},
        )
        self.open(f"/admin/permissions/?path=/press&group={PUBLIC}", as_user="admin")
        self.wait_text("/press", "#inspector")
        self.button("Who can see this folder?").click()
        self.wait_text("Who can see /press?", "dialog")
        self.wait_text("Administrators", "dialog")
        self.shot("permissions-who")
        self.axe()

    def test_it_fits_small_windows(self) -> None:
        self.open("/admin/permissions/", as_user="admin")
        self.cell("/press", PUBLIC)
        for width in (320, 800):
            self.width(width)
            self.assert_fits()
            self.shot(f"permissions-{width}")

    def test_only_for_who_administers_permissions(self) -> None:
        self.person("people", "admin_users")
        self.allow("status of 403")
        for path in ("/admin/permissions/", "/admin/trace_permissions/"):
            self.open(path, as_user="people")
            self.assertEqual(self.heading, "You may not see this")


class TraceTests(PermissionsCase):
    def test_it_says_how_it_comes_about(self) -> None:
        vera = self.person("vera")
        self.change({"path": "/press", "group_id": NORMAL_USERS, "access": EDIT})
        self.open(f"/admin/trace_permissions/?path=/press/inner&user={vera}", as_user="admin")
        self.wait_text("edit", "#result")
        self.wait_text("Normal users", "table")
        self.assertIn("path=/press&group=2", self.find("tr.deciding a").get_attribute("href"))
        self.shot("trace")
        self.axe()

    def test_it_is_asked_by_a_users_name(self) -> None:
        self.person("vera")
        self.open("/admin/trace_permissions/?path=/press", as_user="admin")
        self.fill("User", "vera").send_keys(Keys.TAB)
        self.wait(lambda: self.find("[name=user]").get_attribute("value") != "0", "the user to be found")
        self.button("Trace").click()
        self.wait_text("vera in /press:", "#result")

    def test_a_user_who_is_not_there(self) -> None:
        self.allow("status of 404", "status of 400")
        self.open("/admin/trace_permissions/?path=/press&user=4711", as_user="admin")
        self.wait_text("There is no such user.")
        self.open("/admin/trace_permissions/?path=/press&user=x")
        self.assertEqual(self.heading, "That request can’t be understood")
