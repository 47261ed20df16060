"""The page of the trash, in the browser."""

from __future__ import annotations

from tests.browser.browse_case import BrowseCase


class TrashTests(BrowseCase):
    def setUp(self) -> None:
        super().setUp()
        self.make("bin", "a & b.jpg", "c.jpg", "d.jpg")
        for entry in self.api("GET", "admin/trash/"):
            self.api("DELETE", f"admin/trash/{entry['id']}/")
        for name in ("a%20%26%20b.jpg", "c.jpg", "d.jpg"):
            number = self.api("GET", f"details/?src=/bin/{name}")["id"]
            self.api("DELETE", f"admin/filesystem/images/{number}/")
        self.open("/trash/", as_user="admin")

    def listed(self) -> list[str]:
        return [one.text for one in self.all("#rows .trash-name")]

    def row(self, name: str) -> str:
        """The selector of a row."""
        return f"#rows tr[data-path='/bin/{name}']"

    def test_what_was_deleted_is_restored_and_the_way_to_it_is_shown(self) -> None:
        self.assertEqual(self.listed(), ["d.jpg", "c.jpg", "a & b.jpg"])
        self.axe()
        self.find(f"{self.row('a & b.jpg')} [data-deed=restore]").click()
        self.wait(lambda: self.listed() == ["d.jpg", "c.jpg"])
        self.wait_text("2 entries", "#total")
        self.wait_disk("bin", "a & b.jpg")
        self.button("Show").click()
        self.wait(lambda: self.driver.switch_to.active_element.text == "a & b.jpg")

    def test_several_are_removed_for_good_when_that_is_confirmed(self) -> None:
        self.find("#all").click()
        self.wait_text("3 selected", "#count")
        self.find(f"{self.row('c.jpg')} input[type=checkbox]").click()
        self.find("#deeds [data-deed=remove]").click()
        self.wait_text("Remove 2 entries for good?", "dialog")
        self.find("dialog .danger").click()
        self.wait(lambda: self.listed() == ["c.jpg"])
        self.assertEqual([one["path"] for one in self.api("GET", "admin/trash/")], ["/bin/c.jpg"])

    def test_it_is_emptied_when_its_name_was_typed(self) -> None:
        self.button("Empty the trash").click()
        self.fill("Type", "Trash")
        self.find("dialog .danger").click()
        self.wait_text("nothing in the trash")
        self.assertEqual(self.api("GET", "admin/trash/"), [])

    def test_it_is_right_at_every_width(self) -> None:
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (320, 800, 1440):
                self.width(width)
                self.assert_fits()
                self.shot(f"trash-{theme}-{width}")

    def test_what_was_deleted_in_one_folder_is_shown_alone(self) -> None:
        self.open("/trash/?path=/other")
        self.wait_text("nothing in the trash")
        self.open("/trash/?path=/bin/")
        self.assertEqual(len(self.listed()), 3)
