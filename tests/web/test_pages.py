from __future__ import annotations

import io
import re

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.web.support import Door


class PageTests(SynchronousTestCase):
    def test_the_welcome_page_names_the_product_and_shows_the_two_sample_requests(self) -> None:
        answer = Door().ask("/")
        page = answer.body.decode()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("<h1>qisd</h1>", page)
        self.assertIn(">Sign In</a>", page)
        for url in (
            "/image?src=/samples/penguin.jpg&amp;width=400",
            "/image?src=/samples/penguin.jpg&amp;width=400&amp;left=0.2&amp;top=0.3&amp;right=0.8&amp;bottom=0.8",
        ):
            self.assertIn(f'<img src="{url}" alt="', page)
            self.assertIn(f'<a href="{url}">', page)

    def test_links_respect_the_path_prefix(self) -> None:
        door = Door(application_root="/qis/")
        page = door.ask("/qis/").body.decode()
        self.assertEqual(set(re.findall(r'(?:href|src|action)="(/[^/"]*/)', page)), {"/qis/"})
        self.assertIn(b"Disallow: /qis/admin/", door.ask("/qis/robots.txt").body)

    def test_robots_stay_out_of_what_is_for_people(self) -> None:
        answer = Door().ask("/robots.txt")
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        closed = ["admin", "details", "list", "login", "publish", "reports", "upload"]
        lines = "".join(f"Disallow: /{name}/\n" for name in closed)
        self.assertEqual(answer.body.decode(), f"User-agent: *\n{lines}")

    def test_the_icon_is_a_picture(self) -> None:
        answer = Door().ask("/favicon.ico")
        self.assertEqual(answer.headers["Content-Type"], "image/vnd.microsoft.icon")
        with Image.open(io.BytesIO(answer.body)) as icon:
            self.assertEqual((icon.format, icon.size), ("ICO", (32, 32)))
            icon.load()
            self.assertGreater(len(icon.convert("RGBA").getcolors() or []), 3)

    def test_pages_have_the_length_that_head_tells(self) -> None:
        for path in ("/", "/robots.txt", "/favicon.ico", "/health", "/ready"):
            head = Door().ask(path, method="HEAD")
            self.assertEqual(head.headers["Content-Length"], str(len(Door().ask(path).body)), path)
