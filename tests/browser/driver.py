"""The one browser of a run: Debian's Chromium, without a window, that speaks to nobody but the daemon under test."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--lang=en-GB",
    # Whatever else it would ask for by itself has no address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

LIMIT = 60.0
"""Seconds for a page to load or a script to end."""


class Element(WebElement):
    """An element of a page. Where the page was drawn anew between the look and the deed, it is looked for again, as a
    person would do whose hand is slower than the page.

    :ivar look: gives the element that there is now.
    """

    look: Callable[[], object] | None = None

    def _execute(self, command: str, params: dict[str, Any] | None = None) -> Any:
        try:
            return super()._execute(command, params)
        except StaleElementReferenceException:
            now = self.look() if self.look is not None else None
            if not isinstance(now, WebElement):
                raise
            self._id = now.id
            return super()._execute(command, params)


@functools.cache
def browser() -> webdriver.Chrome:
    """The browser, started at the first call and ended with the run. When there is none, that is a failure."""
    home = Path(tempfile.mkdtemp(prefix="qt-browser-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    if os.geteuid() == 0 or not _has_sandbox():
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    environ = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    service = Service(executable_path=_program("chromedriver"), env={**environ, "SE_OFFLINE": "true"})
    driver = webdriver.Chrome(options=options, service=service)
    atexit.register(driver.quit)
    driver._web_element_cls = Element
    driver.set_page_load_timeout(LIMIT)
    driver.set_script_timeout(LIMIT)
    return driver


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise AssertionError(f"{name} is not installed; scripts/setup dev does it")
    return path


def _has_sandbox() -> bool:
    """Whether this process may have what Chromium builds its sandbox of; with some of root's rights it never may."""
    status = Path("/proc/self/status").read_text()
    ambient = next(line for line in status.splitlines() if line.startswith("CapAmb:"))
    try:
        unshare = Path("/proc/sys/kernel/unprivileged_userns_clone").read_text().strip() == "1"
    except FileNotFoundError:
        unshare = True
    return unshare and int(ambient.split()[1], 16) == 0
