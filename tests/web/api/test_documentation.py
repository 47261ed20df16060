"""What the API says about itself, over HTTP."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from qisd import __version__
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.routes import ApiRoutes
from qisd.web.door import open_rooms
from qisd.web.root import Rooms
from tests.web.support import Answer, Door


class Things:
    @endpoint("GET", "/things/", summary="Things", tag="Things")
    async def things(self, call: Call) -> None:
        """Nothing."""


class DocumentationCase(SynchronousTestCase):
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def setUp(self) -> None:
        self.door = Door(**self.settings)
        routes = ApiRoutes(None, [Things()])  # type: ignore[arg-type]  # no call gets that far
        open_rooms(self.door.site, Rooms(api=routes))

    def ask(self, target: str, **more: Any) -> Answer:
        return self.door.ask(target, **more)


class DocumentTests(DocumentationCase):
    def test_it_is_a_document_and_no_envelope(self) -> None:
        answer = self.ask("/api/openapi.json")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
        document = json.loads(answer.body)
        self.assertEqual(document["openapi"], "3.1.0")
        self.assertEqual(document["info"]["version"], __version__)
        self.assertEqual(document["servers"], [{"url": "/api/v1"}])
        self.assertIn("/things/", document["paths"])
        self.assertIn("/batch/", document["paths"])

    def test_it_is_the_same_with_and_without_version(self) -> None:
        self.assertEqual(self.ask("/api/openapi.json").body, self.ask("/api/v1/openapi.json").body)

    def test_pages_of_other_sites_may_read_it(self) -> None:
        self.assertEqual(self.ask("/api/openapi.json").headers["Access-Control-Allow-Origin"], "*")

    def test_who_has_it_is_told_so(self) -> None:
        tag = self.ask("/api/openapi.json").headers["ETag"]
        again = self.ask("/api/openapi.json", If_None_Match=tag)
        self.assertEqual((again.status, again.body, again.headers["ETag"]), (304, b"", tag))
        self.assertEqual(self.ask("/api/openapi.json", If_None_Match='"other"').status, 200)

    def test_it_can_only_be_read(self) -> None:
        self.assertEqual(self.ask("/api/openapi.json", method="HEAD").status, 200)
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.ask("/api/openapi.json", method=method).status, 405)
        self.assertEqual(self.ask("/api/openapi.json", method="OPTIONS").headers["Allow"], "OPTIONS, HEAD, GET")


class PageTests(DocumentationCase):
    def test_all_that_the_page_needs_comes_from_this_server(self) -> None:
        page = self.ask("/api/help/")
        self.assertEqual((page.status, page.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        text = page.body.decode()
        addresses = re.findall(r'(?:src|href|data-[a-z]+)="([^"]*)"', text)
        self.assertGreaterEqual(len(addresses), 7)
        self.assertTrue(all(address.startswith("/") and not address.startswith("//") for address in addresses))
        for address in addresses:
            if "/api/help/" in address:
                self.assertEqual(self.ask(address).status, 200, address)

    def test_its_policy_lets_nothing_else_in_and_runs_no_scripts_but_ours(self) -> None:
        policy = self.ask("/api/help/").headers["Content-Security-Policy"]
        rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
        self.assertEqual(rules["default-src"], "'none'")
        self.assertEqual(rules["script-src"], "'self'")
        self.assertEqual(rules["connect-src"], "'self'")
        self.assertNotIn("http", policy)
        self.assertNotRegex(self.ask("/api/help/").body.decode(), r"<script[^>]*>[^<]|\son[a-z]+=")

    def test_files_that_are_named_by_their_content_are_kept_for_good(self) -> None:
        address = re.search(r'src="(/api/help/help\.js\?[0-9a-f]+)"', self.ask("/api/help/").body.decode())
        assert address is not None
        script = self.ask(address[1])
        self.assertEqual(script.headers["Cache-Control"], "public, max-age=31536000, immutable")
        self.assertEqual(script.headers["Content-Type"], "text/javascript; charset=utf-8")
        for other in ("/api/help/help.js", "/api/help/help.js?0"):
            self.assertEqual(self.ask(other).headers["Cache-Control"], "no-cache")
        self.assertEqual(self.ask("/api/help/help.js", If_None_Match=script.headers["ETag"]).status, 304)

    def test_the_document_and_the_files_come_packed_to_those_who_take_that(self) -> None:
        for address in ("/api/openapi.json", "/api/help/swagger-ui-bundle.js"):
            plain = self.ask(address)
            packed = self.ask(address, Accept_Encoding="gzip")
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertLess(len(packed.body), len(plain.body))

    def test_the_licence_of_the_viewer_is_there(self) -> None:
        self.assertIn(b"Apache License", self.ask("/api/help/LICENSE").body)
        self.assertIn(b"SmartBear", self.ask("/api/help/NOTICE").body)

    def test_nothing_else_is_handed_out(self) -> None:
        for name in ("nothing.js", "..%2f..%2f__init__.py", "%2e%2e/", ".", "..%5chelp.js"):
            self.assertEqual(self.ask(f"/api/help/{name}").status, 404, name)


class BelowARootTests(DocumentationCase):
    settings = {"application_root": "/pictures"}  # noqa: RUF012 - never changed

    def test_addresses_are_below_it(self) -> None:
        self.assertEqual(
            json.loads(self.ask("/pictures/api/openapi.json").body)["servers"], [{"url": "/pictures/api/v1"}]
        )
        for address in re.findall(r'(?:src|href|data-[a-z]+)="([^"]*)"', self.ask("/pictures/api/help/").body.decode()):
            self.assertTrue(address.startswith("/pictures/"))


class HiddenVersionTests(DocumentationCase):
    settings = {"hide_version": True}  # noqa: RUF012 - never changed

    def test_the_version_of_the_program_is_left_out(self) -> None:
        self.assertEqual(json.loads(self.ask("/api/openapi.json").body)["info"]["version"], "v1")
