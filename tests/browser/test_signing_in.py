"""Into a session and out of it, and one's own account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tests.browser.case import PASSWORD, BrowserCase, Keys, people


class SignInTests(BrowserCase):
    def enter(self, username: str, password: str) -> None:
        self.fill("User name", username)
        self.fill("Password", password).send_keys(Keys.ENTER)

    def test_a_page_that_needs_it_comes_after_signing_in_with_all_of_its_address(self) -> None:
        self.person("ann")
        self.open("/about/?x=a%26b&y=/c")
        self.wait(lambda: self.path.startswith("/login/?next=/about/"))
        self.enter("ANN", PASSWORD)
        self.wait(lambda: self.path == "/about/?x=a%26b&y=/c")

    def test_a_wrong_password_keeps_the_name_and_the_focus_is_where_one_goes_on(self) -> None:
        self.open("/login/?next=/about/")
        self.enter("nobody-here", "a wrong one")
        self.wait_text("Incorrect username or password", "[role=alert]")
        self.assertEqual(self.field("User name").get_attribute("value"), "nobody-here")
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("id"), "password")
        self.axe()

    def test_the_first_page_has_no_broken_pictures_where_the_samples_are_gone(self) -> None:
        samples = self.daemon.images / "samples"
        away = samples.with_name("away")
        self.open("/")
        self.assertEqual(len(self.all("main img")), 2)
        samples.rename(away)
        self.addCleanup(away.rename, samples)
        self.open("/")
        self.find("main h1")
        self.assertEqual(self.all("main img"), [])

    def test_a_password_can_be_looked_at(self) -> None:
        self.open("/login/")
        self.fill("Password", "secret words")
        self.button("Show").click()
        self.assertEqual(self.field("Password").get_attribute("type"), "text")

    def test_all_works_without_scripts(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setScriptExecutionDisabled", {"value": False})
        self.open("/login/?next=/account/")
        self.enter("admin", people(self.daemon).admin_password)
        self.wait(lambda: self.path == "/account/")
        self.fill("Last name", "Person")
        self.button("Apply").click()
        self.wait_text("Your account is saved.")
        self.assertIn("Administrator Person", self.find(".menu.user summary").get_attribute("textContent"))
        self.fill("Last name", "")
        self.button("Apply").click()
        self.wait(lambda: "Person" not in (self.find(".menu.user summary").get_attribute("textContent") or ""))
        self.open("/logout/")
        self.find("main form button").click()
        self.wait(lambda: self.path == "/login/")
        self.open("/account/")
        self.wait(lambda: self.path == "/login/?next=/account/")

    def test_signing_out_is_a_form_of_the_user_menu(self) -> None:
        self.open("/about/", as_user="admin")
        self.button("Administrator").click()
        self.button("Sign out").click()
        self.wait(lambda: self.path == "/login/")


class EndedSessionTests(BrowserCase):
    def call(self) -> None:
        self.driver.execute_script(
            "const path = JSON.parse(document.getElementById('page-about').textContent).static;"
            "import(`${path}js/core/api.js`).then(({api}) => api.put('admin/users/' + arguments[0] + '/', {"
            "  username: 'tim', first_name: 'Timothy', last_name: '', email: '', auth_type: 1, allow_api: true"
            "})).then(user => { document.title = user.first_name; }, error => { document.title = String(error); });",
            self.person("tim"),
        )

    def test_a_dialog_over_the_page_asks_for_the_password_and_the_call_is_repeated(self) -> None:
        self.allow("status of 401")
        self.person("tim")
        self.open("/overview/", as_user="tim")
        self.daemon.sql("update sessions set revoked = now() where user_id = %s", self.person("tim"))
        gone = "return (await fetch('/account/', {redirect: 'manual'})).type === 'opaqueredirect'"
        self.wait(lambda: self.script(gone) is True)
        self.call()
        self.wait_text("Your session has ended", "dialog")
        self.axe()
        self.shot("session-ended")
        self.fill("Password", "not this one").send_keys(Keys.ENTER)
        self.wait_text("Incorrect username or password", "dialog")
        self.fill("Password", PASSWORD).send_keys(Keys.ENTER)
        self.wait(lambda: self.driver.title == "Timothy", "the call to be repeated")
        self.assertFalse(self.all("dialog"))
        self.assertEqual(self.path, "/overview/")


class AccountTests(BrowserCase):
    def test_a_fault_is_told_beside_its_field(self) -> None:
        self.person("eva")
        self.open("/account/", as_user="eva")
        self.fill("Password", "another long one")
        self.fill("Confirm Password", "another long two")
        self.button("Apply").click()
        self.wait_text("The two passwords differ.", "#password_again-error")
        self.fill("Password", "another long one")
        self.fill("Confirm Password", "another long one")
        self.allow("status of 403")
        self.fill("Current Password", "wrong")
        self.button("Apply").click()
        self.wait_text("The current password is incorrect")
        self.axe()

    def test_a_key_is_shown_once(self) -> None:
        self.person("kim")
        self.open("/account/tokens/", as_user="kim")
        self.fill("Name", "nightly")
        self.button("Make key").click()
        key = self.find("#secret").text
        self.assertGreater(len(key), 30)
        self.axe()
        self.open("/account/tokens/")
        self.assertNotIn(key, self.driver.page_source)
        self.assertEqual(self.find("tbody td").text, "nightly")

    def test_other_sessions_can_be_ended(self) -> None:
        self.person("ben")
        self.open("/login/?next=/account/sessions/")
        self.fill("User name", "ben")
        self.fill("Password", PASSWORD).send_keys(Keys.ENTER)
        self.wait(lambda: self.path == "/account/sessions/")
        self.assertGreater(len(self.all("tbody tr")), 0)
        people(self.daemon).call("GET", "version/", username="ben")
        self.open("/account/sessions/")
        self.assertEqual(len(self.all("tbody tr")), 2)
        self.button("Sign out everywhere else").click()
        self.wait_text("The session has ended.")
        self.assertEqual(len(self.all("tbody tr")), 1)

    def test_who_must_choose_a_password_comes_no_farther(self) -> None:
        number = self.person("new")
        self.open("/overview/", as_user="new")
        self.daemon.sql("update users set password_state = 2 where id = %s", number)
        self.wait(lambda: self.script("return (await fetch('/overview/')).url").endswith("/account/"))
        self.open("/overview/")
        self.assertEqual(self.path, "/account/")
        self.wait_text("Choose one of your own to go on.")
        self.assertFalse(self.all(".searchbox"))
        self.axe()
        self.fill("Password", "entirely my own words")
        self.fill("Confirm Password", "entirely my own words")
        self.fill("Current Password", PASSWORD)
        self.button("Apply").click()
        self.wait_text("Your password is changed.")
        self.open("/overview/")
        self.assertEqual(self.path, "/overview/")


class FirstVisitTests(BrowserCase):
    settings: ClassVar[Mapping[str, str]] = {"LOGIN_RATE": "30"}

    def test_the_way_of_the_operators_guide(self) -> None:
        self.open("/")
        self.button("Sign In").click()
        self.wait_text("initial-admin-password")
        self.shot("first-visit")
        self.fill("User name", "admin")
        self.fill("Password", people(self.daemon).admin_password).send_keys(Keys.ENTER)
        self.allow("/image?")  # some of the library's images are damaged
        self.wait(lambda: self.path == "/list/")
        self.button("Administrator").click()
        self.button("Edit Account").click()
        self.wait(lambda: self.path == "/account/")
        self.open("/overview/")
        self.wait_text("Choose a password of your own", ".banner")
        self.find(".banner a").click()
        self.fill("Password", "my very own password")
        self.fill("Confirm Password", "my very own password")
        self.fill("Current Password", people(self.daemon).admin_password)
        self.button("Apply").click()
        self.wait_text("Your password is changed.")
        self.open("/overview/")
        self.assertFalse(self.all(".banner"))
