"""Choosing folders and images: in dialogs, in frames, and for pages of other sites."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable
from typing import ClassVar

from tests.browser.browse_case import BrowseCase

_PORT = 48_731
_SITE = f"http://localhost:{_PORT}"

_PICK = """
    const at = JSON.parse(document.getElementById('page-about').textContent).static;
    const {pickFile} = await import(`${at}js/core/picker.js`);
    pickFile(args[0]).then(found => { window.found = found; });
"""

_FRAME = """
    window.chosen = [];
    window.onFolderSelected = path => window.chosen.push(['folder', path]);
    window.onFileSelected = path => window.chosen.push(['file', path]);
    const frame = document.createElement('iframe');
    frame.id = 'frame';
    frame.src = args[0];
    frame.width = 900; frame.height = 700;
    document.querySelector('main').prepend(frame);
"""


class PickerCase(BrowseCase):
    settings: ClassVar[dict[str, str]] = {"PICKER_ORIGINS": _SITE}

    def setUp(self) -> None:
        super().setUp()
        self.make("pick/inner", "a & b.jpg", "c.jpg")

    def take(self, name: str) -> None:
        """Click on an entry of the chooser."""
        self.wait(lambda: next((one for one in self.all(".chooser-entry") if one.text == name), None), name).click()


class DialogTests(PickerCase):
    def test_an_image_is_chosen_and_so_are_several(self) -> None:
        self.open("/about/", as_user="admin")
        self.script(_PICK, {"path": "/pick"})
        self.take("inner")
        self.take("c.jpg")
        self.wait(lambda: self.script("return window.found") == "/pick/inner/c.jpg")
        self.script(_PICK, {"path": "/pick/inner", "multiple": True})
        self.take("c.jpg")
        self.take("a & b.jpg")
        self.axe()
        self.button("Choose").click()
        self.wait(lambda: self.script("return window.found") == ["/pick/inner/c.jpg", "/pick/inner/a & b.jpg"])


class FrameTests(PickerCase):
    def in_frame(self, address: str) -> None:
        self.open("/about/", as_user="admin")
        self.script(_FRAME, address)
        self.driver.switch_to.frame(self.find("#frame"))

    def chosen(self) -> object:
        self.driver.switch_to.default_content()
        return self.wait(lambda: self.script("return window.chosen.length && window.chosen"))

    def test_the_page_around_is_told_of_the_folder(self) -> None:
        self.in_frame("/folder_list/?path=/pick&embed=1&msg=Where%20to%3F")
        self.assertEqual(self.heading, "Where to?")
        self.take("inner")
        self.wait(lambda: self.find("#chosen").text == "/pick/inner")
        self.find("#choose").click()
        self.assertEqual(self.chosen(), [["folder", "/pick/inner"]])

    def test_the_page_around_is_told_of_the_file(self) -> None:
        self.in_frame("/folder_list/?path=/pick/inner&embed=1&show_files=1")
        self.take("a & b.jpg")
        self.assertEqual(self.chosen(), [["file", "/pick/inner/a & b.jpg"]])


class OtherSiteTests(PickerCase):
    def site(self) -> None:
        """Another site, with a page that has the script."""
        page = (
            f"<title>site</title><script src='{self.root}/static/js/picker.js'></script><button>Pick</button><script>"
            "document.querySelector('button').onclick = () => qis_pick({mode: 'files', path: '/pick/inner'})"
            ".then(found => { window.found = found; });</script>"
        )
        server = http.server.HTTPServer(("127.0.0.1", _PORT), functools.partial(_Handler, page))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def test_a_page_of_a_site_that_is_named_gets_what_was_chosen(self) -> None:
        self.site()
        self.sign_in("admin")
        self.driver.get(_SITE)
        first = self.driver.current_window_handle
        self.find("button").click()
        self.wait(lambda: len(self.driver.window_handles) == 2)
        self.driver.switch_to.window(next(one for one in self.driver.window_handles if one != first))
        self.take("c.jpg")
        self.find("#choose").click()
        self.driver.switch_to.window(first)
        self.wait(lambda: len(self.driver.window_handles) == 1)
        expected = {"src": "/pick/inner/c.jpg", "width": 60, "height": 40}
        [found] = self.wait(lambda: self.script("return window.found"))
        self.assertEqual({key: found[key] for key in expected}, expected)
        self.assertEqual(found["url"], f"{self.root}/image?src=/pick/inner/c.jpg")

    def test_others_get_nothing_and_strangers_are_asked_to_sign_in(self) -> None:
        self.allow("status of 403")
        self.open("/folder_list/pick/?origin=https://evil.example&mode=file", as_user="admin")
        self.assertEqual(self.heading, "You may not see this")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.open(f"/folder_list/pick/?origin={_SITE}&mode=file&embed=1")
        self.wait_text("Sign in to choose")


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, page: str, *args: object) -> None:
        self.page = page
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 204)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page.encode() if self.path == "/" else b"")

    log_message: Callable[..., None] = lambda *args: None  # type: ignore[assignment]
