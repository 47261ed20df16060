"""Pictures of every page of the console, in both themes and three widths, for people to look at:
``python -m tests.browser.shoot [--folder FOLDER] [NAME …]``; the names are those of :data:`furnished.PAGES`. With
``--guide`` those of ``docs/console.md`` are made anew.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.case import people
from tests.browser.driver import browser
from tests.browser.furnished import PAGES, SETTINGS, STORY, Furnished, Sight
from tests.integration.live import Daemon
from tests.integration.postgres import REPOSITORY

THEMES = ("light", "dark")
WIDTHS = {320: 640, 800: 900, 1440: 900}
"""Width of the window to its height, CSS pixels."""

TALLEST = 2600
"""Pixels of a page that are seen at once: a picture of thousands shows nothing."""

_WINTER = quote("/campaigns/winter")
GUIDE = {
    Sight("folder", f"/list/?path={_WINTER}&view=grid", "#entries .entry"): """
        for (const box of [...document.querySelectorAll('#entries .entry-check input')].slice(1, 3)) box.click();
    """,
    Sight("image", f"/details/?src={quote(STORY)}", ".image-zoom canvas"): "",
    Sight("publisher", f"/publish/?src={quote('/campaigns/coast/coast road.jpg')}&width=1000&height=400&focus=auto"
          "&format=webp", "img.pub-picture"): "",
    Sight("upload", f"/upload/?path={_WINTER}", ".upload-result"): """
        document.querySelector('#results').scrollIntoView();
    """,
    Sight("permissions", "/admin/permissions/", "button.cell"): """
        document.querySelector('button.cell[data-path="/press"]').focus();
    """,
    Sight("dashboard", "/dashboard/", ".boards .chart-stage svg"): "",
}  # fmt: skip
"""The pictures of the guide, and what scripts do before each is taken."""

GUIDE_SIZE = (1280, 800)

_SETTLED = """
    return document.readyState === 'complete' && !document.querySelector('main [aria-busy="true"]')
        && [...document.images].every(one => one.complete || one.loading === 'lazy')
        && document.getAnimations().every(one => one.playState !== 'running');
"""


class Camera:
    """The browser, pointed at the pages of one daemon."""

    def __init__(self, furnished: Furnished) -> None:
        self._furnished = furnished
        self._root = f"http://127.0.0.1:{furnished.daemon.port}"
        self._driver = browser()

    def visit(self, sight: Sight, theme: str, width: int) -> None:
        """Show a page, and wait until all of it is there."""
        self._enter(sight, theme, (width, WIDTHS[width]))
        self._complete(sight)

    def guide(self, sight: Sight, script: str, place: Path) -> None:
        """One of the guide's pictures, as WebP; notes to the first user are left out."""
        self._enter(sight, "light", GUIDE_SIZE, notes=False)
        if sight.name == "upload":
            files = "\n".join(str(one) for one in sorted((REPOSITORY / "qisd/share/samples").glob("*e*.jpg")))
            self._wait(lambda: self._driver.find_elements(By.ID, "pick-files"))
            self._driver.find_element(By.ID, "files").send_keys(files)
            self._wait(lambda: self._driver.find_element(By.ID, "go").is_enabled())
            self._driver.find_element(By.ID, "go").click()
        self._complete(sight)
        self._driver.execute_script(script)
        self._complete(sight)
        with Image.open(io.BytesIO(self._driver.get_screenshot_as_png())) as taken:
            taken.convert("RGB").save(place, "WEBP", quality=80, method=6)

    def _enter(self, sight: Sight, theme: str, size: tuple[int, int], *, notes: bool = True) -> None:
        self._driver.forget(self._root)
        self._driver.prefer(theme)
        self._driver.resize(*size)
        if sight.user is not None:
            self._driver.remember(self._root, "session", people(self._furnished.daemon).session(sight.user))
        if not notes:
            self._driver.remember(self._root, "qis_dismissed", "1-own_password.1-tour")
        self._driver.get(self._root + self._furnished.address(sight))

    def _complete(self, sight: Sight) -> None:
        try:
            self._wait(
                lambda: any(one.is_displayed() for one in self._driver.find_elements(By.CSS_SELECTOR, sight.css))
            )
            self._wait(lambda: self._driver.execute_script(_SETTLED))
        except TimeoutException:
            sys.stderr.write(f"{sight.name}: not complete in time\n")

    def take(self, place: Path) -> None:
        """The whole page as a PNG."""
        height = int(self._driver.execute_script("return document.documentElement.scrollHeight"))
        width = int(self._driver.execute_script("return innerWidth"))
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST), "scale": 1}
        taken = self._do("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        place.write_bytes(base64.b64decode(taken["data"]))

    def _wait(self, look: object) -> None:
        WebDriverWait(self._driver, 15, poll_frequency=0.05).until(lambda _: look())  # type: ignore[operator]

    def _do(self, command: str, **parameters: object) -> dict[str, str]:
        return dict(self._driver.execute_cdp_cmd(command, parameters) or {})


def shoot(folder: Path, wanted: list[str]) -> Iterator[Path]:
    """Take the pictures; gives their places."""
    folder.mkdir(parents=True, exist_ok=True)
    daemon = Daemon(INTERNAL_BROWSING_SSL="false", **SETTINGS)
    try:
        camera = Camera(Furnished(daemon))
        for sight in PAGES:
            if not wanted or sight.name in wanted:
                for theme in THEMES:
                    for width in WIDTHS:
                        camera.visit(sight, theme, width)
                        place = folder / f"{sight.name}-{theme}-{width}.png"
                        camera.take(place)
                        yield place
    finally:
        daemon.stop()


def renew(folder: Path) -> Iterator[Path]:
    """Take the guide's pictures; gives their places."""
    daemon = Daemon(INTERNAL_BROWSING_SSL="false", **SETTINGS)
    try:
        camera = Camera(Furnished(daemon))
        for sight, script in GUIDE.items():
            place = folder / f"{sight.name}.webp"
            camera.guide(sight, script, place)
            yield place
    finally:
        daemon.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of every page of the console.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a page; without one all of them")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build/shots")
    parser.add_argument("--guide", action="store_true", help="renew the pictures of docs/console.md instead")
    given = parser.parse_args()
    unknown = set(given.names) - {sight.name for sight in PAGES}
    if unknown:
        parser.error(
            f"no such page: {', '.join(sorted(unknown))}; there are {', '.join(sight.name for sight in PAGES)}"
        )
    for place in renew(REPOSITORY / "docs/console") if given.guide else shoot(given.folder, given.names):
        sys.stdout.write(f"{place}\n")


if __name__ == "__main__":
    main()
