"""Pages as other sites write them, in a real browser."""

from __future__ import annotations

from typing import Any, ClassVar

from selenium.webdriver.common.action_chains import ActionChains

from tests.browser.case import BrowserCase
from tests.browser.embedding import ImageHost, PageHost
from tests.integration.library import photo

_FOLDERS = {
    "viewers": {"one.jpg": (1000, 750), "three & half.jpg": (750, 1000), "two.jpg": (1000, 700)},
    "viewers-large": {"large.jpg": (3600, 2700)},
    "viewers-private": {"secret.jpg": (800, 600)},
}
_MOVING = {"features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]}
STILL = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}


class ViewerCase(BrowserCase):
    """A test that embeds viewers in pages of another site.

    :cvar prefix: the path below which the image server is reached.
    """

    prefix: ClassVar[str] = ""
    _filled: ClassVar[set[int]] = set()

    def setUp(self) -> None:
        super().setUp()
        self.media(_MOVING)
        self.allow("Failed to load resource")  # the pictures that are missing, private or refused on purpose
        if self.daemon.pid not in self._filled:
            self._fill()
            self._filled.add(self.daemon.pid)
        self.images = ImageHost(self.daemon, prefix=self.prefix)
        self.addCleanup(self.images.stop)
        self.site = PageHost()
        self.addCleanup(self.site.stop)

    def _fill(self) -> None:
        for folder, files in _FOLDERS.items():
            place = self.daemon.images / folder
            place.mkdir()
            place.chmod(0o755)
            for name, size in files.items():
                photo(*size).save(place / name, quality=80)
        (self.daemon.images / "viewers" / "notes.txt").write_text("no picture")
        self.wait(self._made_private, "a private folder")

    def _made_private(self) -> bool:
        """Folders get their records in the background when they are asked for first."""
        self.daemon.ask("/api/v1/list/", path="/viewers-private")
        self.daemon.sql(
            "insert into folderpermissions (folder_id, group_id, access)"
            " select id, 1, 0 from folders where path = '/viewers-private' on conflict do nothing"
        )
        return self.daemon.ask("/image", src="viewers-private/secret.jpg").status == 403

    # The page

    def media(self, features: dict[str, Any]) -> None:
        """What the visitor likes, as style sheets ask for it."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)

    def embed(self, body: str, *scripts: str, head: str = "") -> None:
        """Open a page with the styles of all viewers and these scripts, as old pages have them."""
        base = self.images.url
        styles = "".join(
            f'<link rel="stylesheet" href="{base}/static/styles/{name}.css">'
            for name in ("canvas_view", "gallery_view", "simple_view")
        )
        loaded = "".join(f'<script src="{base}/static/js/{name}"></script>' for name in scripts)
        top = f'<title>A page</title><link rel="icon" href="data:,">{styles}{loaded}{head}'
        page = f'<!DOCTYPE html><html lang="en"><head>{top}</head><body>{body}</body></html>'
        self.driver.get(self.site.put("/page.html", page))

    def js(self, script: str, *arguments: object) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def wait_js(self, expression: str) -> Any:
        """The value of an expression in the page, as soon as it is true."""
        return self.wait(lambda: self.js(f"return {expression}"), expression)

    def wait_that(self, expression: str) -> None:
        """Wait until an expression in the page is true, whatever its value."""
        self.wait_js(f"Boolean({expression})")

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def point(self, css: str, x: float = 0.5, y: float = 0.5) -> ActionChains:
        """Actions that begin with the mouse at a place of an element, in fractions of its size."""
        element = self.find(css)
        box = element.rect
        across, down = round((x - 0.5) * box["width"]), round((y - 0.5) * box["height"])
        return ActionChains(self.driver, duration=0).move_to_element_with_offset(element, across, down)
