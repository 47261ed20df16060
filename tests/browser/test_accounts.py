"""The pages of users and groups."""

from __future__ import annotations

from typing import Any

from tests.browser.case import PASSWORD, BrowserCase

NORMAL_USERS = 2


class AccountsCase(BrowserCase):
    def user(self, username: str, **values: object) -> int:
        """A new user of this name; one that there is is made as new."""
        form = {"first_name": "", "last_name": "", "email": "", "auth_type": 1, "allow_api": 0, "password": PASSWORD}
        known = self.known(username)
        if known is None:
            return int(self.api("POST", "admin/users/", {**form, "username": username, **values})["id"])
        self.api("PATCH", f"admin/users/{known['id']}/", {"status": 1, "must_change": 0, "first_name": "", **values})
        return int(known["id"])

    def known(self, username: str) -> Any:
        listed = self.api("GET", f"admin/users/?status=any&details=1&q={username}")
        return next((one for one in listed if one["username"] == username), None)

    def group(self, name: str, *members: int) -> int:
        """A new group with these members."""
        for known in self.api("GET", "admin/groups/"):
            if known["name"] == name:
                self.api("DELETE", f"admin/groups/{known['id']}/")
        flags = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")
        form = {"name": name, "description": "", "group_type": 2, **{f"access_{flag}": 0 for flag in flags}}
        number = int(self.api("POST", "admin/groups/", form)["id"])
        if members:
            self.api("POST", f"admin/groups/{number}/members/change/", {"add": str([*members])})
        return number

    def more(self, name: str, deed: str) -> None:
        self.button(f"More for {name}").click()
        self.button(deed).click()

    def undo(self) -> None:
        self.find("#toasts .toast button.button:not(.quiet)").click()


class UserListTests(AccountsCase):
    def names(self) -> list[str]:
        return [one.text for one in self.all(".users tbody td:first-child a")]

    def test_it_shows_who_there_is_and_finds_them(self) -> None:
        self.user("anna", first_name="Anna", last_name="Ander", email="anna@example.com")
        self.user("bert")
        self.open("/admin/users/", as_user="admin")
        self.wait(lambda: {"admin", "anna", "bert"} <= set(self.names()), "the users")
        self.shot("users")
        self.axe()
        self.fill("Filter", "ANDER")
        self.wait(lambda: self.names() == ["anna"], "only Anna")
        self.assertIn("q=ANDER", self.path)
        self.fill("Filter", "nobody-at-all")
        self.wait_text("No users found.")

    def test_who_is_deleted_can_come_back(self) -> None:
        number = self.user("carl")
        self.open("/admin/users/?q=carl", as_user="admin")
        self.more("carl", "Delete")
        self.wait(lambda: self.names() == [], "Carl to go")
        self.assertEqual(self.known("carl")["status"], 0)
        self.undo()
        self.wait(lambda: self.names() == ["carl"], "Carl to be back")
        self.api("DELETE", f"admin/users/{number}/")
        self.open("/admin/users/?q=carl&status=0")
        self.more("carl", "Restore")
        self.wait(lambda: self.known("carl")["status"] == 1, "Carl to be restored")

    def test_disabling_is_not_deleting(self) -> None:
        self.user("dora")
        self.open("/admin/users/?q=dora&status=any", as_user="admin")
        self.more("dora", "Disable")
        self.wait_text("disabled", ".users")
        self.assertIsNone(self.known("dora")["deleted"])
        self.more("dora", "Enable")
        self.wait(lambda: self.known("dora")["status"] == 1, "Dora to be enabled")

    def test_a_one_time_password_is_shown_once(self) -> None:
        self.user("emil")
        self.open("/admin/users/?q=emil", as_user="admin")
        self.more("emil", "One-time password…")
        self.button("Make one-time password").click()
        secret = self.find("dialog .secret").text
        self.assertGreaterEqual(len(secret), 16)
        self.axe()
        self.button("Done").click()
        self.wait_text("must change password", ".users")
        self.assertNotIn(secret, self.driver.page_source)
        self.assertTrue(self.known("emil")["must_change"])

    def test_the_built_in_administrator_is_offered_no_end(self) -> None:
        self.open("/admin/users/?q=admin", as_user="admin")
        self.button("More for admin").click()
        self.find("[role=menu]")
        deeds = [one.text for one in self.all("[role=menuitem]")]
        self.assertNotIn("Delete", deeds)
        self.assertNotIn("Disable", deeds)

    def test_it_fits_small_windows_and_dark_ones(self) -> None:
        self.user("anna", first_name="Anna", last_name="Ander", email="anna@example.com")
        self.open("/admin/users/", as_user="admin")
        for width in (320, 800):
            self.width(width)
            self.find(".users tbody tr")
            self.assert_fits()
            self.shot(f"users-{width}")
        self.theme("dark")
        self.shot("users-dark")
        self.axe()


class UserFormTests(AccountsCase):
    def test_what_is_missing_is_said_beside_the_field_which_gets_the_focus(self) -> None:
        self.open("/admin/users/0/", as_user="admin")
        self.button("Create user").click()
        self.wait_text("This must be given.")
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("name"), "username")
        self.axe()
        self.fill("User name", "ADMIN")
        self.button("Create user").click()
        self.allow("status of 409")
        self.wait_text("already exists", ".field")
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("name"), "username")

    def test_a_new_user_gets_a_one_time_password(self) -> None:
        name = "fritz"
        known = self.known(name)
        if known is not None:
            self.skipTest("the daemon has had this test already")
        self.open("/admin/users/0/", as_user="admin")
        self.fill("User name", name)
        self.fill("First name", "Fritz")
        self.shot("user-new")
        self.button("Create user").click()
        self.find("dialog .secret")
        self.button("Done").click()
        self.wait(lambda: self.known(name) and f"/{self.known(name)['id']}/" in self.path, "the page of the user")
        self.assertTrue(self.known(name)["must_change"])

    def test_passwords_must_be_long_enough_and_the_same(self) -> None:
        number = self.user("gerd")
        self.open(f"/admin/users/{number}/", as_user="admin")
        self.wait(lambda: self.field("User name").get_attribute("value") == "gerd", "the form")
        self.field("Password").send_keys("short")
        self.button("Apply").click()
        self.wait_text("At least 8 characters.")
        self.fill("Password", "long enough for it")
        self.button("Apply").click()
        self.wait_text("The two passwords differ.")

    def test_a_user_is_changed_and_put_into_groups(self) -> None:
        number = self.user("hans")
        self.group("Press")
        self.open(f"/admin/users/{number}/", as_user="admin")
        self.wait(lambda: self.field("User name").get_attribute("value") == "hans", "the form")
        self.fill("E-mail", "hans@example.com")
        self.button("Apply").click()
        self.wait(lambda: self.known("hans")["email"] == "hans@example.com", "the change")
        self.find("#toasts .toast [aria-label=Close]").click()
        self.field("Add to a group").send_keys("Press")
        self.button("Add").click()
        self.wait(lambda: "Press" in [one["name"] for one in self.known("hans")["member_of"]], "the membership")
        self.shot("user")
        self.axe()
        self.button("Take out of Press").click()
        self.wait(lambda: len(self.known("hans")["member_of"]) == 1, "the end of it")
        self.width(320)
        self.assert_fits()
        self.shot("user-320")

    def test_a_deleted_user_can_get_another_name(self) -> None:
        number = self.user("ida")
        self.api("DELETE", f"admin/users/{number}/")
        self.open(f"/admin/users/{number}/", as_user="admin")
        self.wait(lambda: self.field("User name").get_attribute("value") == "ida", "the form")
        self.fill("User name", "ida.gone")
        self.button("Apply").click()
        self.wait(lambda: self.known("ida.gone"), "the other name")
        self.api("PATCH", f"admin/users/{number}/", {"username": "ida"})

    def test_who_may_not_is_told_so(self) -> None:
        self.person("plain")
        self.allow("status of 403", "status of 404")
        for path in ("/admin/users/", "/admin/users/1/", "/admin/groups/", "/admin/groups/2/", "/admin/"):
            self.open(path, as_user="plain")
            self.assertEqual(self.heading, "You may not see this")
        self.open("/admin/users/4711/", as_user="admin")
        self.assertEqual(self.heading, "There is nothing here")


class GroupTests(AccountsCase):
    def inside(self) -> set[str]:
        return {one.text for one in self.all("[aria-labelledby=side-in] li label")}

    def test_the_list_says_what_groups_may(self) -> None:
        self.group("Press")
        self.open("/admin/groups/", as_user="admin")
        self.wait_text("Administrators", ".groups")
        self.wait_text("everybody", ".groups")
        self.shot("groups")
        self.axe()
        self.more("Press", "Delete…")
        self.button("Delete group").click()
        self.wait(lambda: "Press" not in self.find(".groups").text, "the group to go")

    def test_many_members_come_and_go_at_once_and_it_can_be_undone(self) -> None:
        for name in ("anna", "bert", "carl"):
            self.user(name)
        group = self.group("Press")
        self.open(f"/admin/groups/{group}/", as_user="admin")
        boxes = self.wait(lambda: self.all("[aria-labelledby=side-out] li input"), "the others")
        labels = {one.text: one for one in self.all("[aria-labelledby=side-out] li label")}
        self.assertGreaterEqual(len(boxes), 3)
        for name in ("anna", "bert"):
            next(one for text, one in labels.items() if text.startswith(name)).click()
        self.button("Put 2 in").click()
        self.wait(lambda: len(self.inside()) == 2, "two members")
        self.shot("group")
        self.axe()
        self.undo()
        self.wait(lambda: self.inside() == set(), "nobody")
        self.assertEqual(self.api("GET", f"admin/groups/{group}/")["users"], [])

    def test_members_are_found_by_a_search(self) -> None:
        self.user("anna")
        self.user("bert")
        self.open(f"/admin/groups/{self.group('Press')}/", as_user="admin")
        side = "[aria-labelledby=side-out]"
        self.find(f"{side} input[type=search]").send_keys("ANNA")
        self.wait(lambda: [one.text.split()[0] for one in self.all(f"{side} li label")] == ["anna"], "only Anna")

    def test_nobody_is_taken_out_of_normal_users(self) -> None:
        self.open(f"/admin/groups/{NORMAL_USERS}/", as_user="admin")
        self.wait_text("Every account belongs to this group")
        self.assertEqual(self.field("Name").get_attribute("readonly"), "true")

    def test_a_new_group_with_what_it_may(self) -> None:
        for known in self.api("GET", "admin/groups/"):
            if known["name"] == "Reporters":
                self.api("DELETE", f"admin/groups/{known['id']}/")
        self.open("/admin/groups/0/", as_user="admin")
        self.fill("Name", "Reporters")
        self.find("[data-flag=reports]").click()
        self.axe()
        self.button("Create group").click()
        self.wait(lambda: self.path.endswith("/#members"), "the page of the group")
        made = next(one for one in self.api("GET", "admin/groups/") if one["name"] == "Reporters")
        self.assertTrue(made["permissions"]["reports"])
        self.assertFalse(made["permissions"]["admin_all"])

    def test_who_does_not_administer_permissions_can_change_no_system_permissions(self) -> None:
        self.person("people", "admin_users")
        self.open(f"/admin/groups/{self.group('Press')}/", as_user="people")
        self.wait_text("Only who administers permissions can change these.")
        self.assertFalse(self.find("[data-flag=reports]").is_enabled())


class IndexTests(BrowserCase):
    def test_it_leads_to_what_one_may(self) -> None:
        self.person("people", "admin_users")
        self.open("/admin/", as_user="people")
        listed = [one.text for one in self.all(".admin-index h2")]
        self.assertIn("Users", listed)
        self.assertNotIn("Maintenance", listed)
        self.shot("administration")
        self.axe()
