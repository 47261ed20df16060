"""The frame around every page: menus, theme, keys, narrow windows, errors."""

from __future__ import annotations

import socket

from tests.browser.case import BrowserCase, Keys

_OUTLINE = """
    const style = getComputedStyle(document.activeElement);
    return document.activeElement === document.body ? 'solid' : style.outlineStyle;
"""

_SEEN = """
    const one = document.activeElement;
    if (one === document.body || !document.hasFocus()) return '';  // it is in the bars of the browser
    const {left, right, top, bottom} = one.getBoundingClientRect();
    const middle = (low, high, most) => (Math.max(low, 0) + Math.min(high, most)) / 2;
    const there = document.elementFromPoint(middle(left, right, innerWidth), middle(top, bottom, innerHeight));
    const mine = [one, ...one.labels ?? []].some(part => part.contains(there) || there?.contains(part));
    return mine ? '' : `${one.outerHTML.slice(0, 150)} under ${there?.outerHTML.slice(0, 150)}`;
"""
"""Empty when the element with the focus can be seen."""


class HeaderTests(BrowserCase):
    def test_strangers_see_the_name_of_the_product_and_the_way_in(self) -> None:
        self.open("/")
        self.assertEqual(self.heading, "qisd")
        self.button("Sign In").click()
        self.wait(lambda: self.path == "/login/")

    def test_the_menus_lead_to_what_one_may_see(self) -> None:
        self.open("/about/", as_user="admin")
        self.button("Administration").click()
        for text in ("Templates", "Users", "Groups", "Folder permissions", "Data maintenance"):
            self.assertTrue(self.button(text).is_displayed())
        self.person("reader")
        self.open("/about/", as_user="reader")
        texts = [one.text for one in self.all(".menus summary")]
        self.assertEqual(texts, ["Images", "Help", "Reader Example"])

    def test_administrators_see_the_servers_of_the_site(self) -> None:
        self.open("/about/", as_user="admin")
        self.wait(lambda: self.reloaded("Servers of this site"))
        self.assertIn(socket.gethostname(), self.main())
        self.person("reader")
        self.open("/about/", as_user="reader")
        self.assertNotIn("Servers of this site", self.main())

    def main(self) -> str:
        return str(self.script("return document.querySelector('main').textContent"))

    def reloaded(self, text: str) -> bool:
        """Whether the page has ``text``, asked for anew: a server says of itself soon after its start."""
        self.driver.refresh()
        return text in self.main()

    def test_the_user_menu_leads_to_the_account(self) -> None:
        self.open("/about/", as_user="admin")
        self.button("Administrator").click()
        self.button("Edit Account").click()
        self.wait(lambda: self.path == "/account/")

    def test_a_menu_works_by_the_keyboard(self) -> None:
        self.open("/about/", as_user="admin")
        self.script("document.querySelector('.menu summary').focus()")
        self.press(Keys.ARROW_DOWN)
        self.press(Keys.ARROW_DOWN)
        self.assertEqual(self.driver.switch_to.active_element.text, "Upload")
        self.press(Keys.ESCAPE)
        self.assertEqual(self.driver.switch_to.active_element.text, "Images")
        self.assertFalse(self.all(".menu[open]"))

    def test_a_menu_closes_when_another_opens_or_one_clicks_elsewhere(self) -> None:
        self.open("/about/", as_user="admin")
        self.button("Help").click()
        self.button("Images").click()
        self.wait(lambda: len(self.all(".menu[open]")) == 1)
        self.find("thead th:last-child").click()
        self.wait(lambda: not self.all(".menu[open]"))

    def test_the_first_stop_of_the_keyboard_skips_the_header(self) -> None:
        self.open("/about/", as_user="admin")
        self.press(Keys.TAB)
        self.wait(lambda: self.driver.switch_to.active_element.text == "Skip to content")
        self.press(Keys.ENTER)
        self.wait(lambda: self.driver.switch_to.active_element.get_attribute("id") == "main")

    def test_a_slash_goes_to_the_search_field_and_a_question_mark_lists_the_keys(self) -> None:
        self.open("/about/", as_user="admin")
        self.find("body").send_keys("/")
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("name"), "q")
        self.press("?")
        self.assertFalse(self.all("dialog"))
        self.find("h1").click()
        self.find("body").send_keys("?")
        self.wait_text("Show this list", "dialog")
        self.axe()
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.all("dialog"))


class ThemeTests(BrowserCase):
    def background(self) -> str:
        return str(self.script("return getComputedStyle(document.body).backgroundColor"))

    def test_the_theme_is_that_of_the_system_until_one_is_chosen_which_stays(self) -> None:
        self.open("/about/", as_user="admin")
        light = self.background()
        self.theme("dark")
        self.wait(lambda: self.background() != light)
        self.button("Administrator").click()
        self.button("Light").click()
        self.wait(lambda: self.background() == light)
        self.open("/overview/")
        self.assertEqual(self.find("html").get_attribute("data-theme"), "light")
        self.assertEqual(self.background(), light)

    def test_a_chosen_theme_is_in_the_page_as_it_comes_so_that_nothing_flashes(self) -> None:
        self.open("/login/")
        self.driver.add_cookie({"name": "qis_theme", "value": "dark"})
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setScriptExecutionDisabled", {"value": False})
        self.open("/login/")
        self.assertEqual(self.find("html").get_attribute("data-theme"), "dark")


class NarrowTests(BrowserCase):
    def test_the_menus_are_in_a_drawer(self) -> None:
        self.width(320)
        self.open("/about/", as_user="admin")
        self.assert_fits()
        self.assertFalse(self.find("#menus").is_displayed())
        self.button("Menu").click()
        self.assertTrue(self.find("#menus").is_displayed())
        self.shot("frame-320-drawer")
        self.axe()
        self.assert_fits()
        self.find("body").send_keys(Keys.ESCAPE)
        self.assertFalse(self.find("#menus").is_displayed())

    def test_tables_become_cards(self) -> None:
        self.width(320)
        self.open("/about/", as_user="admin")
        self.assertEqual(self.find("td").value_of_css_property("display"), "flex")


class ErrorTests(BrowserCase):
    def test_what_is_not_there_is_told_in_the_frame_with_a_way_out(self) -> None:
        self.allow("status of 404")
        self.open("/nothing/of/the/kind/", as_user="admin")
        self.assertEqual(self.heading, "There is nothing here")
        self.assertEqual(self.script("return performance.getEntriesByType('navigation')[0].responseStatus"), 404)
        self.assertTrue(self.button("Images"))
        self.axe()

    def test_strangers_are_offered_to_sign_in(self) -> None:
        self.allow("status of 404")
        self.open("/nothing/?a=1")
        self.find("main .row a").click()
        self.wait(lambda: self.path == "/login/?next=/nothing/%3Fa%3D1")
        self.assertTrue(self.field("Password"))


class LookTests(BrowserCase):
    """Every page of the frame, in one theme wide and in the other narrow."""

    PAGES = ("/", "/about/", "/overview/", "/account/", "/account/sessions/", "/account/tokens/", "/logout/")

    def test_all_pages_fit_and_keep_nobody_out(self) -> None:
        self.sign_in("admin")
        for theme, width in (("light", 1440), ("dark", 320)):
            self.theme(theme)
            self.width(width)
            for path in self.PAGES:
                self.open(path)
                self.find("h1")
                self.shot(f"{path.strip('/').replace('/', '-') or 'home'}-{theme}-{width}")
                self.assert_fits()
                self.axe()

    def test_with_forced_colours_all_that_has_the_focus_is_outlined(self) -> None:
        features = [{"name": "forced-colors", "value": "active"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for path in ("/list/?path=/samples", "/details/?src=/samples/coffee.jpg", "/admin/permissions/"):
            self.open(path, as_user="admin")
            self.find("h1")
            self.assertTrue(self.script("return matchMedia('(forced-colors: active)').matches"))
            for _ in range(12):
                self.press(Keys.TAB)
                self.assertEqual(self.script(_OUTLINE), "solid", path)
            self.axe(without=("color-contrast",))  # whose colours aren't ours

    def test_enlarged_four_times_nothing_that_has_the_focus_is_hidden(self) -> None:
        self.width(1280 // 4, height=900 // 4)
        for path in ("/login/", "/list/?path=/samples", "/details/?src=/samples/coffee.jpg", "/search/?q=coffee"):
            self.open(path, as_user=None if path == "/login/" else "admin")
            self.find("h1")
            self.assert_fits()
            visited = 0
            for _ in range(15):
                self.press(Keys.TAB)
                self.wait(lambda: self.script(_SEEN) == "", f"the focus at {path} to be seen")
                visited += self.script("return document.hasFocus() && document.activeElement !== document.body")
            self.assertGreater(visited, 3)

    def test_the_sign_in_page_fits_and_keeps_nobody_out(self) -> None:
        for theme, width in (("light", 320), ("dark", 1440)):
            self.theme(theme)
            self.width(width)
            self.open("/login/?next=/about/")
            self.wait(lambda: self.find("[data-show]").is_displayed())
            self.shot(f"login-{theme}-{width}")
            self.assert_fits()
            self.axe()
