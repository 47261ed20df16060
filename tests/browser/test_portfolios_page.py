"""Portfolios in the browser: from the basket to the public page."""

from __future__ import annotations

import json

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import Select

from tests.browser.case import BrowserCase, Keys


class PortfolioCase(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        for one in self.api("GET", "portfolios/"):
            self.api("DELETE", f"portfolios/{one['id']}/")

    def make(self, human_id: str = "spring", *srcs: str, public: int = 10) -> int:
        """A portfolio of the administrator's."""
        form = {"name": human_id.capitalize(), "description": "", "internal_access": 20, "public_access": public}
        number = self.api("POST", "portfolios/", {**form, "human_id": human_id})["id"]
        for index, src in enumerate(srcs or self.images()):
            self.api("POST", f"portfolios/{number}/images/", {"image_src": src, "index": index})
        return int(number)

    def images(self) -> list[str]:
        """Three images of the library."""
        found = [one["filename"] for one in self.api("GET", "list/?path=/&limit=100") if one["supported"]]
        return [f"/{name}" for name in found[:3]]

    def order(self, number: int) -> list[str]:
        return [f"/{one['image']['src']}" for one in self.api("GET", f"portfolios/{number}/images/")]

    def tiles(self) -> list[str]:
        return [one.text for one in self.all(".folio-tile-text a")]


class ListTests(PortfolioCase):
    def test_one_is_made_with_an_address_that_is_checked_as_one_types(self) -> None:
        self.make("spring")
        self.open("/portfolios/", as_user="admin")
        self.button("New portfolio").click()
        self.fill("Name", "Summer <2026>")
        address = self.field("Address")
        address.send_keys("spring")
        self.wait_text("Another portfolio has this address", "#folio-address-note")
        address.send_keys("/")
        self.wait_text("must not have any of", "#folio-address-note")
        address.send_keys(Keys.BACKSPACE + "-2")
        self.wait_text("It is free", "#folio-address-note")
        self.axe()
        self.shot("portfolio-new")
        self.button("Create").click()
        self.wait(lambda: self.path == "/portfolios/spring-2/edit/", "the workshop")
        self.wait(lambda: self.heading == "Summer <2026>")

    def test_the_list_tells_what_there_is_and_finds_it(self) -> None:
        self.make("spring", public=20)
        self.make("summer", public=0)
        self.open("/portfolios/", as_user="admin")
        self.wait(lambda: len(self.all(".folio-row")) == 2)
        self.wait_text("3 images", ".folio-row")
        self.wait_text("everybody may download", ".folio-row")
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (320, 800, 1440):
                self.width(width)
                self.assert_fits()
                self.shot(f"portfolios-{theme}-{width}")
            self.axe()
        self.find("#folio-search").send_keys("summ")
        self.wait(lambda: len(self.all(".folio-row")) == 1)
        self.assertIn("q=summ", self.path)
        self.find("#folio-search").send_keys("x")
        self.wait_text("No portfolios found", "#folio-list")

    def test_one_is_deleted_after_a_question(self) -> None:
        self.make("spring")
        self.open("/portfolios/", as_user="admin")
        self.button("Delete Spring").click()
        self.wait_text("3 images", "dialog")
        self.axe()
        self.find("dialog .danger").click()
        self.wait_text("There are no portfolios yet", "#folio-list")
        self.assertEqual(self.api("GET", "portfolios/"), [])

    def test_the_basket_fills_a_new_one(self) -> None:
        self.open("/portfolios/", as_user="admin")
        srcs = self.images()
        self.script(
            """
            const frame = document.querySelector('script[src*="core/frame"]').src;
            const {basket} = await import(frame.replace('frame.js', 'basket.js'));
            basket.add(args[0].map(src => ({src})));
            """,
            srcs,
        )
        self.find("#basket").click()
        self.wait(lambda: len(self.all(".basket-item")) == 3)
        self.axe()
        self.shot("basket")
        self.button("Put them in").click()
        self.fill("Name", "From the basket")
        self.button("Create").click()
        self.wait(lambda: "/edit/" in self.driver.current_url, "the page of the new one")
        self.wait_text("Only you can open the link", "#folio-audience")
        Select(self.field("Everybody may")).select_by_visible_text("view")
        self.wait_text("Once saved: Everybody who has the link can open it", "#folio-audience")
        self.button("Save").click()
        self.wait(lambda: self.find("#folio-audience").text == "Everybody who has the link can open it.")
        (made,) = self.api("GET", "portfolios/")
        self.assertEqual(self.order(made["id"]), srcs)
        self.wait(lambda: not self.find('[data-count="basket"]').is_displayed(), "the basket to be empty")


class WorkshopTests(PortfolioCase):
    def setUp(self) -> None:
        super().setUp()
        self.number = self.make()
        self.first, self.second, self.third = self.images()
        self.open("/portfolios/spring/edit/", as_user="admin")
        self.wait(lambda: len(self.all(".folio-tile")) == 3)

    def until_order(self, *srcs: str) -> None:
        self.wait(lambda: self.order(self.number) == list(srcs), f"the order {srcs}, not {self.order(self.number)}")

    def test_it_looks_well_everywhere(self) -> None:
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (320, 800, 1440):
                self.width(width)
                self.assert_fits()
                self.shot(f"portfolio-edit-{theme}-{width}")
            self.axe()

    def test_the_owner_is_told_what_the_public_does_not_see_of_it(self) -> None:
        self.assertFalse(self.find("#folio-closed").is_displayed())
        public = {"path": "/", "group_id": 1}
        self.addCleanup(
            self.api, "POST", "admin/permissions/changes/", {"changes": json.dumps([{**public, "access": 10}])}
        )
        self.api("POST", "admin/permissions/changes/", {"changes": json.dumps([{**public, "access": 0}])})
        self.open("/portfolios/spring/edit/", as_user="admin")
        self.wait_text("3 of the images are shown only to people who sign in", "#folio-closed")
        self.axe()
        Select(self.field("Everybody may")).select_by_visible_text("not view")
        self.wait(lambda: not self.find("#folio-closed").is_displayed())

    def test_keys_put_images_in_order_and_it_can_be_undone(self) -> None:
        self.all(".folio-handle")[0].send_keys(Keys.ALT, Keys.ARROW_RIGHT)
        self.until_order(self.second, self.first, self.third)
        self.button("Undo").click()
        self.until_order(self.first, self.second, self.third)
        self.all(".folio-handle")[0].send_keys(Keys.ALT, Keys.END)
        self.until_order(self.second, self.third, self.first)

    def test_an_image_is_moved_to_a_place_by_its_menu(self) -> None:
        self.all('.folio-tile [aria-haspopup="menu"]')[2].click()
        self.button("Move to…").click()
        field = self.find("#prompt-text")
        field.clear()
        field.send_keys("1", Keys.ENTER)
        self.until_order(self.third, self.first, self.second)

    def test_an_image_is_dragged_to_its_place(self) -> None:
        self.only_in_chromium("drag")
        tiles = self.all(".folio-tile")
        ActionChains(self.driver).drag_and_drop_by_offset(
            tiles[0], tiles[2].rect["x"] - tiles[0].rect["x"] + 60, 0
        ).perform()
        self.until_order(self.second, self.third, self.first)

    def test_an_image_is_removed_and_put_back(self) -> None:
        self.all('.folio-tile [aria-haspopup="menu"]')[1].click()
        self.button("Remove").click()
        self.until_order(self.first, self.third)
        self.button("Undo").click()
        self.until_order(self.first, self.second, self.third)

    def test_an_image_that_was_deleted_is_said_to_be(self) -> None:
        number = self.api("GET", f"portfolios/{self.number}/images/")[1]["image_id"]
        self.api("DELETE", f"admin/filesystem/images/{number}/")
        (deleted,) = (one for one in self.api("GET", "admin/trash/") if one["path"] == self.second)
        self.addCleanup(self.api, "POST", f"admin/trash/{deleted['id']}/restore/")
        self.open("/portfolios/spring/edit/")
        self.wait_text("Deleted", ".folio-gone")

    def test_an_image_gets_a_name_for_zips(self) -> None:
        self.all('.folio-tile [aria-haspopup="menu"]')[0].click()
        self.button("Settings…").click()
        self.fill("Name in zips", "cover.jpg")
        self.axe()
        self.find("dialog .primary").click()
        self.wait(lambda: self.tiles()[0] == "cover.jpg")
        self.assertEqual(self.api("GET", f"portfolios/{self.number}/images/")[0]["filename"], "cover.jpg")

    def test_images_are_added_by_search_and_path(self) -> None:
        self.api("DELETE", f"portfolios/{self.number}/images/{self.id_of(self.third)}/")
        self.driver.refresh()
        self.button("Add images").click()
        self.find(".choose-results li")
        self.axe()
        self.shot("portfolio-choose")
        self.find("#choose-path").send_keys(self.third)
        self.button("Add").click()
        self.until_order(self.first, self.second, self.third)

    def test_a_file_that_can_not_be_shown_has_a_sign_among_those_to_choose_from(self) -> None:
        self.allow("status of 415")
        self.api("GET", "details/?src=/text.png")
        self.addCleanup(self.daemon.sql, "update images set status = 0 where src = 'text.png'")
        self.button("Add images").click()
        self.wait(lambda: self.script("return !!document.querySelector('.choose-results img[src$=\"broken.svg\"]')"))
        self.shot("portfolio-choose-broken")

    def id_of(self, src: str) -> int:
        return int(
            next(
                one["image_id"]
                for one in self.api("GET", f"portfolios/{self.number}/images/")
                if f"/{one['image']['src']}" == src
            )
        )

    def test_what_is_said_about_it_is_saved(self) -> None:
        self.fill("Name", "Autumn")
        self.button("Save").click()
        self.wait(lambda: self.heading == "Autumn")
        self.wait_text("Name changed", "#history")

    def test_who_comes_second_decides(self) -> None:
        self.allow("status of 412")
        form = {"name": "Theirs", "description": "", "internal_access": 20, "public_access": 10}
        self.api("PUT", f"portfolios/{self.number}/", form)
        self.fill("Name", "Mine")
        self.button("Save").click()
        self.wait_text("Theirs", "dialog")
        self.button("Save mine").click()
        self.wait(lambda: self.api("GET", f"portfolios/{self.number}/")["name"] == "Mine")


class PublishingTests(PortfolioCase):
    def test_a_zip_is_made_and_withdrawn(self) -> None:
        number = self.make()
        self.open("/portfolios/spring/publish/", as_user="admin")
        self.wait_text("Nothing has been published yet", "#zips")
        self.fill("Description", "For the web")
        self.button("Make the zip").click()
        self.find('.folio-zip[data-state="ready"] a')
        self.assertEqual(self.find(".folio-zip a").text, "For the web")
        self.axe()
        for width in (320, 1440):
            self.width(width)
            self.assert_fits()
            self.shot(f"portfolio-publish-{width}")
        self.api("POST", f"portfolios/{number}/images/", {"image_src": self.another()})
        self.driver.refresh()
        self.wait_text("The portfolio has changed since", "#zips")
        self.button("Delete For the web").click()
        self.find("dialog .danger").click()
        self.wait_text("Nothing has been published yet", "#zips")

    def another(self) -> str:
        found = [one["filename"] for one in self.api("GET", "list/?path=/&limit=100") if one["supported"]]
        return f"/{found[3]}"


class PublicTests(PortfolioCase):
    def test_strangers_see_page_gallery_and_slideshow(self) -> None:
        self.make()
        self.open("/portfolios/spring/")
        self.wait(lambda: len(self.all(".folio-pictures img")) == 3)
        self.assertFalse(self.all(".menus .counter"))
        for theme in ("light", "dark"):
            self.theme(theme)
            for width in (320, 800, 1440):
                self.width(width)
                self.assert_fits()
                self.shot(f"portfolio-view-{theme}-{width}")
            self.axe()
        self.button("Gallery").click()
        self.wait(lambda: len(self.all("#stage .thumbnails img")) == 3, "three thumbnails")
        self.shot("portfolio-gallery")
        self.button("Slideshow").click()
        self.wait(lambda: len(self.all("#stage img")) >= 1, "a picture")
        self.shot("portfolio-slideshow")
