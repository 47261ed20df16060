"""What tests of the pages that show images in numbers have in common."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.case import BrowserCase

ODD_NAMES = (
    "a & b.jpg",
    "50% #1 +x.jpg",
    "\"quoted\" 'name'.jpg",
    "<script>alert(1)<script>.jpg",
    "Übergrößenträger.jpg",
    "\u202egpj.\u202csham.jpg",
    "ü" * 125 + ".jpg",
)
"""Whatever a file system takes: the last one has 254 bytes."""


class BrowseCase(BrowserCase):
    """A test with pictures in folders."""

    def make(self, folder: str, *names: str, size: tuple[int, int] = (60, 40)) -> Path:
        """A folder of the library with pictures of these names in it."""
        place = self.daemon.images / folder
        place.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names):
            Image.new("RGB", size, (40 * number % 256, 120, 200)).save(place / name, "JPEG")
        self._hand_over(place)
        return place

    def _hand_over(self, place: Path) -> None:
        """Let the daemon change it."""
        owner = self.daemon.images.stat()
        while place != self.daemon.images:
            for one in (place, *place.iterdir()):
                os.chown(one, owner.st_uid, owner.st_gid)
            place = place.parent

    def show(self, folder: str, *, view: str = "list", as_user: str | None = "admin", more: str = "") -> None:
        """The page of a folder."""
        self.open(f"/list/?path={quote(folder)}&view={view}{more}", as_user=as_user)
        self.wait(lambda: self.all("#entries .entry-name") or self.find("#note").is_displayed())

    def names(self) -> list[str]:
        """Of the entries that are in the page."""
        return self._titles("#entries .entry-name")

    def _titles(self, css: str) -> list[str]:
        return list(self.script("return [...document.querySelectorAll(args[0])].map(one => one.title)", css))

    def wait_names(self, *names: str) -> None:
        self.wait(lambda: self.names() == list(names), f"{names}, not {self.names()}")

    def entry(self, name: str) -> WebElement:
        """The cell of an entry."""

        def look() -> WebElement | None:
            for one in self.all("#entries .entry-name"):
                if one.get_attribute("title") == name:
                    return one.find_element("xpath", "ancestor::*[@role='listitem']")
            return None

        return self.wait(look, f"an entry {name!r}")

    def chosen(self) -> list[str]:
        return self._titles("#entries .entry.chosen .entry-name")

    def click(self, name: str, *held: str) -> None:
        """Click on the picture of an entry, with keys held down."""
        self.act(lambda: self._click(self.entry(name).find_element("css selector", ".entry-thumb"), held))

    def _click(self, picture: WebElement, held: tuple[str, ...]) -> None:
        self.script("args[0].scrollIntoView({block: 'center'})", picture)
        actions = ActionChains(self.driver)
        for key in held:
            actions.key_down(key)
        actions.click(picture)
        for key in held:
            actions.key_up(key)
        actions.perform()

    def disk(self, folder: str) -> list[str]:
        """What is in a folder of the library."""
        return sorted(one.name for one in (self.daemon.images / folder).iterdir() if not one.name.startswith("."))

    def wait_disk(self, folder: str, *names: str) -> None:
        self.wait(lambda: self.disk(folder) == sorted(names), f"{names} on disk, not {self.disk(folder)}")
