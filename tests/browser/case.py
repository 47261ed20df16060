"""Tests that look at the console as people do: a real daemon, a real browser.

A module of tests shares one daemon. Each test begins with a browser that remembers nothing, 1280 pixels wide and light;
it fails when the browser has complained about anything, such as a script's error or something that the policy of our
pages forbids.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from unittest import SkipTest
from urllib.parse import urlencode

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from twisted.trial.unittest import SynchronousTestCase

from qisd.store.first_run import PASSWORD_FILE
from tests.browser.driver import Browser, Chromium, Element, browser
from tests.integration.live import Daemon, shared
from tests.integration.postgres import REPOSITORY, UNPRIVILEGED

T = TypeVar("T")

PASSWORD = "a password of some length"
_PATIENCE = 30.0
_HEIGHT = 900
_SHOTS = os.environ.get("QISD_SHOTS")
_NOTHING: Mapping[str, Any] = {}

__all__ = ["PASSWORD", "BrowserCase", "Keys"]


class BrowserCase(SynchronousTestCase):
    """A test in the browser.

    :cvar settings: settings of the daemon; tests of a module with equal ones share it.
    """

    settings: ClassVar[Mapping[str, str]] = {}
    daemon: Daemon
    driver: Browser

    def setUp(self) -> None:
        self.daemon = shared(type(self).__module__, INTERNAL_BROWSING_SSL="false", **self.settings)
        _add_samples(self.daemon)
        self.root = f"http://127.0.0.1:{self.daemon.port}"
        self.driver = browser()
        self._logged = len(self.daemon.log())
        self._allowed: list[str] = []
        self.driver.forget(self.root)
        self.theme("light")
        self.width(1280)
        self.addCleanup(self._check)

    # Going somewhere

    def open(self, path: str, as_user: str | None = None) -> None:
        """Show the page at ``path``, as a user who has signed in; without one as whoever came last, or nobody."""
        if as_user is not None:
            self.sign_in(as_user)
        self.driver.get(f"{self.root}{path}")

    def sign_in(self, username: str) -> None:
        """Give the browser a session of this user: ``admin``, or one that :meth:`person` has made."""
        self.driver.remember(self.root, "session", self._people.session(username))

    def person(self, username: str, *flags: str) -> int:
        """Make a user with these system permissions, unless there is one of this name; gives the id."""
        return self._people.make(username, flags)

    def api(self, method: str, path: str, form: Mapping[str, Any] = _NOTHING, *, as_user: str = "admin") -> Any:
        """The data of a call of the API, which must go well."""
        return self._people.call(method, path, form, username=as_user)

    @property
    def _people(self) -> People:
        return people(self.daemon)

    # Looking

    def find(self, css: str) -> WebElement:
        """The first element, waited for."""
        return self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, css), css)

    def all(self, css: str) -> list[WebElement]:
        """All elements that there are now."""
        elements = self.driver.find_elements(By.CSS_SELECTOR, css)
        for number, element in enumerate(elements):
            assert isinstance(element, Element)
            element.look = functools.partial(self._nth, css, number)
        return elements

    def _nth(self, css: str, number: int) -> WebElement | None:
        elements = self.driver.find_elements(By.CSS_SELECTOR, css)
        return elements[number] if number < len(elements) else None

    def button(self, text: str) -> WebElement:
        """The button or link with this text, waited for until it can be seen."""

        def look() -> WebElement | None:
            for element in self.all("button, a, summary, [role=button], [role=menuitem], [role=tab]"):
                if element.is_displayed() and text in (element.text.strip(), element.get_attribute("aria-label")):
                    return element
            return None

        return self.wait(look, f"a button {text!r}")

    def field(self, label: str) -> WebElement:
        """The field with this label."""

        def look() -> WebElement | None:
            for element in self.all("label"):
                if element.text.strip().startswith(label):
                    target = element.get_attribute("for")
                    css = f"[id='{target}']" if target else "input, select, textarea"
                    place = self.driver if target else element
                    return place.find_element(By.CSS_SELECTOR, css)
            return None

        return self.wait(look, f"a field {label!r}")

    def fill(self, label: str, text: str) -> WebElement:
        """Put ``text`` into the field with this label, instead of what is there."""
        field = self.field(label)
        field.clear()
        field.send_keys(text)
        return field

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self.wait(lambda: self.driver.switch_to.active_element, "an element with the focus").send_keys(*keys)

    def wait(self, look: Callable[[], T | None], what: str = "") -> T:
        """The first true answer of ``look``, asked again and again."""

        def once(_: object) -> Any:
            return look()

        ignored = (NoSuchElementException, StaleElementReferenceException)
        waiter = WebDriverWait(self.driver, _PATIENCE, poll_frequency=0.05, ignored_exceptions=ignored)
        found = waiter.until(once, f"waited in vain: {what or look}")
        if isinstance(found, Element):
            found.look = look
        return found

    def act(self, deed: Callable[[], object]) -> None:
        """Do what needs an element to stay, such as something with the mouse, until it did."""
        self.wait(lambda: (deed(), True))

    def only_in_chromium(self, deed: str) -> None:
        """Skip the test where the driver of the browser can't play a ``deed`` that people can do all the same."""
        if not isinstance(self.driver, Chromium):
            raise SkipTest(f"the driver of this browser can't {deed}")

    def wait_text(self, text: str, css: str = "body") -> None:
        """Wait until ``text`` can be read."""
        self.wait(lambda: text in self.driver.find_element(By.CSS_SELECTOR, css).text, f"{text!r} in {css}")

    @property
    def path(self) -> str:
        """Path and query of the address."""
        return self.driver.current_url.removeprefix(self.root)

    @property
    def heading(self) -> str:
        return self.find("h1").text

    def script(self, code: str, *arguments: object) -> Any:
        """What a script gives; ``await`` may stand in it."""
        body = f"(async (...args) => {{ {code} }})(...[...arguments].slice(0, -1))"
        end = ".then(done, error => done(String(error)))"
        return self.driver.execute_async_script(f"const done = [...arguments].at(-1); {body}{end}", *arguments)

    def offline(self, off: bool) -> None:
        """Take the browser's network away, or give it back."""
        conditions = {"offline": off, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    # How it looks

    def theme(self, name: str) -> None:
        """As a browser whose user likes it light or dark, and nothing that moves."""
        self.driver.prefer(name)

    def width(self, pixels: int, height: int = _HEIGHT) -> None:
        """In a window of this size."""
        self.driver.resize(pixels, height)

    def shot(self, name: str) -> None:
        """A picture of the window, for people to look at, in the folder that ``QISD_SHOTS`` names."""
        if _SHOTS:
            Path(_SHOTS).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(_SHOTS, f"{name}.png")))

    def assert_fits(self) -> None:
        """Nothing sticks out at the side."""
        self.assertEqual(
            self.script(
                """
                const wide = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= wide) return [];
                return [...document.querySelectorAll('body *')]
                    .filter(one => one.getBoundingClientRect().right > wide + 1)
                    .slice(0, 8).map(one => `${one.tagName} .${one.className} #${one.id}`);
                """
            ),
            [],
        )

    # Whether it is right

    def axe(self, *, without: Sequence[str] = ()) -> None:
        """Nothing on the page keeps people out, as far as a program can tell.

        :param without: rules that don't hold here.
        """
        self.script("scrollTo(0, 0)")  # what has just gone under the header is no fault
        self.wait(lambda: self.script("return document.getAnimations().every(one => one.playState !== 'running')"))
        self.driver.execute_script(_axe())
        rules = {"target-size": {"enabled": True}, **{name: {"enabled": False} for name in without}}
        found = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run(document, {rules: arguments[0], resultTypes: ['violations']})"
            ".then(result => done(result.violations), error => done(String(error)))",
            rules,
        )
        self.assertIsInstance(found, list, found)
        told = [
            f"{one['id']}: {one['help']}\n"
            + "\n".join(f"    {node['html'][:200]}\n    {node['failureSummary']}" for node in one["nodes"][:5])
            for one in found
        ]
        self.assertEqual(told, [], "\n".join(told))

    def allow(self, *texts: str) -> None:
        """Complaints of the browser with one of these texts in them are meant: ``status of 403``, say."""
        self._allowed += texts

    def console_errors(self) -> list[str]:
        """What the browser has complained about since the last look."""
        return [one for one in self.driver.complaints() if not any(text in one for text in self._allowed)]

    def _check(self) -> None:
        errors = self.console_errors()
        self.driver.get("about:blank")
        self.assertEqual(errors, [])
        self.assertTrue(self.daemon.alive, "the daemon died")
        self.assertNotIn("Traceback", self.daemon.log()[self._logged :])


class People:
    """The users of one daemon, with a session for each that is asked for."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._passwords = {"admin": (daemon.folder / "state" / PASSWORD_FILE).read_text().strip()}
        self._sessions: dict[str, tuple[str, str]] = {}
        self._ids: dict[str, int] = {}

    @property
    def admin_password(self) -> str:
        return self._passwords["admin"]

    def session(self, username: str) -> str:
        """The cookie of a session that holds."""
        return self._held(username)[0]

    def make(self, username: str, flags: Sequence[str]) -> int:
        """See :meth:`BrowserCase.person`."""
        if username not in self._ids:
            names = {"first_name": username.capitalize(), "last_name": "Example", "email": ""}
            form = {"username": username, "password": PASSWORD, "auth_type": 1, "allow_api": True, **names}
            self._ids[username] = self.call("POST", "admin/users/", form)["id"]
            self._passwords[username] = PASSWORD
            if flags:
                given = {f"access_{name}": name in flags for name in _FLAGS}
                group = self.call(
                    "POST", "admin/groups/", {"name": f"of {username}", "description": "", "group_type": 2, **given}
                )
                self.call("POST", f"admin/groups/{group['id']}/members/", {"user_id": self._ids[username]})
        return self._ids[username]

    def call(self, method: str, path: str, form: Mapping[str, Any] = _NOTHING, *, username: str = "admin") -> Any:
        """See :meth:`BrowserCase.api`."""
        cookie, token = self._held(username)
        status, _, body = self._ask(method, f"/api/v1/{path}", form, cookie, {"X-CSRF-Token": token})
        assert status < 300, (method, path, status, body[:500])
        return json.loads(body)["data"]

    def _held(self, username: str) -> tuple[str, str]:
        held = self._sessions.get(username)
        if held is None or not self._token(held[0]):
            form = {"username": username, "password": self._passwords[username]}
            status, headers, body = self._ask("POST", "/login/", form)
            assert status == 302, (username, status, body[:500])
            found = re.search(r"session=([\w-]+)", headers["Set-Cookie"])
            assert found is not None
            held = self._sessions[username] = found[1], self._token(found[1])
        return held

    def _token(self, cookie: str) -> str:
        """What proves that a write comes from a page of this session; empty when it is over."""
        _, _, body = self._ask("GET", "/api/v1/session/", cookie=cookie)
        return json.loads(body)["data"]["csrf_token"] or ""

    def _ask(
        self,
        method: str,
        target: str,
        form: Mapping[str, Any] = _NOTHING,
        cookie: str = "",
        headers: Mapping[str, str] = _NOTHING,
    ) -> tuple[int, Mapping[str, str], bytes]:
        sent = {"Cookie": f"session={cookie}"} if cookie else {}
        body = None
        if method in ("POST", "PUT", "PATCH"):
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self._daemon.port, timeout=30)
        try:
            connection.request(method, target, body, {**sent, **headers})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


_FLAGS = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")


@functools.cache
def people(daemon: Daemon) -> People:
    """The users of ``daemon``."""
    return People(daemon)


@functools.cache
def _add_samples(daemon: Daemon) -> None:
    """The sample images, which pages of ours show, are in the library as after any first start."""
    shutil.copytree(REPOSITORY / "qisd" / "share" / "samples", daemon.images / "samples", dirs_exist_ok=True)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", UNPRIVILEGED, str(daemon.images / "samples")], check=True)


@functools.cache
def _axe() -> str:
    """The source of axe-core."""
    return files("selenium_axe_python").joinpath("axe-core/axe.min.js").read_text("utf-8")
