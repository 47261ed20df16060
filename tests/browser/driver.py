"""The one browser of a run, without a window, that speaks to nobody but the daemon under test: Debian's Chromium, or
Firefox when ``QISD_BROWSER=firefox`` says so (with ``firefox-esr`` and ``geckodriver`` in the path).
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import SkipTest
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.bidi.storage import BytesValue, PartialCookie
from selenium.webdriver.firefox.service import Service as FirefoxService
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

_PREFERENCES: dict[str, str | int | bool] = {
    "ui.prefersReducedMotion": 1,
    "intl.accept_languages": "en-GB, en",
    "app.update.auto": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    # Whatever it would ask for by itself has no way out.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}

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


class Chromium(webdriver.Chrome):
    """Debian's Chromium."""

    def __init__(self, home: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = _program("chromium")
        for flag in (*_FLAGS, f"--user-data-dir={home / 'profile'}"):
            options.add_argument(flag)
        if os.geteuid() == 0 or not _has_sandbox():
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        super().__init__(options, ChromeService(_program("chromedriver"), env=_environ(home)))

    def forget(self, root: str) -> None:
        """All that it remembers, of the site at ``root`` at least; and show nothing."""
        self.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": root, "storageTypes": "all"})
        self.get("about:blank")
        self.get_log("browser")

    def remember(self, root: str, name: str, value: str) -> None:
        """A cookie of the site at ``root``, which scripts can't see."""
        self.execute_cdp_cmd("Network.setCookie", {"name": name, "value": value, "url": root, "httpOnly": True})

    def prefer(self, theme: str) -> None:
        """Be as one whose user likes it light or dark, and nothing that moves."""
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def resize(self, width: int, height: int) -> None:
        """Have room for a page of this size, CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def complaints(self) -> list[str]:
        """What it has complained about since the last look."""
        return [one["message"] for one in self.get_log("browser") if one["level"] in ("SEVERE", "WARNING")]


class Firefox(webdriver.Firefox):
    """Firefox, which does by its own ways what Chromium does; what it has no way for skips the test that wants it. It
    complains about errors of scripts only, not about answers with an error.
    """

    def __init__(self, home: Path) -> None:
        options = webdriver.FirefoxOptions()
        options.binary_location = _program("firefox-esr")
        options.add_argument("-headless")
        options.add_argument("-remote-allow-system-access")  # to change preferences
        options.enable_bidi = True
        for name, value in _PREFERENCES.items():
            options.set_preference(name, value)
        log = str(home / "geckodriver.log")
        super().__init__(options, FirefoxService(_program("geckodriver"), log_output=log, env=_environ(home)))
        self._complaints: list[str] = []
        self.script.add_javascript_error_handler(lambda entry: self._complaints.append(entry.text))
        self.script.add_console_message_handler(self._told)

    def _told(self, entry: Any) -> None:
        if entry.level in ("error", "warn"):
            self._complaints.append(entry.text)

    def forget(self, root: str) -> None:
        """See :meth:`Chromium.forget`."""
        self.get("about:blank")
        self.storage.delete_cookies()
        with self.context("chrome"):
            self.execute_async_script(
                "const done = arguments[0]; const {CLEAR_DOM_QUOTA} = Ci.nsIClearDataService;"
                "Services.clearData.deleteData(CLEAR_DOM_QUOTA, {onDataDeleted: () => done()})"
            )
        self._complaints.clear()

    def remember(self, root: str, name: str, value: str) -> None:
        """See :meth:`Chromium.remember`."""
        host = urlsplit(root).hostname or ""
        text = BytesValue(BytesValue.TYPE_STRING, value)
        self.storage.set_cookie(PartialCookie(name, text, host, path="/", http_only=True))

    def prefer(self, theme: str) -> None:
        """See :meth:`Chromium.prefer`."""
        with self.context("chrome"):
            name = "layout.css.prefers-color-scheme.content-override"
            self.execute_script("Services.prefs.setIntPref(arguments[0], arguments[1])", name, int(theme == "light"))

    def resize(self, width: int, height: int) -> None:
        """See :meth:`Chromium.resize`."""
        viewport = {"width": width, "height": height}
        self.browsing_context.set_viewport(context=self.current_window_handle, viewport=viewport)

    def complaints(self) -> list[str]:
        """See :meth:`Chromium.complaints`."""
        told, self._complaints[:] = list(self._complaints), []
        return told

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any]) -> dict[str, Any]:
        raise SkipTest(f"Firefox has no {cmd}")


Browser = Chromium | Firefox


@functools.cache
def browser() -> Browser:
    """The browser, started at the first call and ended with the run. When there is none, that is a failure."""
    home = Path(tempfile.mkdtemp(prefix="qt-browser-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    driver = _KINDS[os.environ.get("QISD_BROWSER", "chromium")](home)
    atexit.register(driver.quit)
    driver._web_element_cls = Element
    driver.set_page_load_timeout(LIMIT)
    driver.set_script_timeout(LIMIT)
    return driver


_KINDS: dict[str, type[Browser]] = {"chromium": Chromium, "firefox": Firefox}


def _environ(home: Path) -> dict[str, str]:
    places = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    return {**os.environ, **places, "SE_OFFLINE": "true"}


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
