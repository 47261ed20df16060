from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.web.console.assets import Assets, shipped
from tests.web.support import Door


class StaticTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()
        shipped().pack()
        self.own = f"/static/{shipped().version}/js/core/dom.js"

    def test_our_own_files_may_be_kept_for_good(self) -> None:
        answer = self.door.ask(self.own)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Cache-Control"], "public, max-age=31536000, immutable")
        self.assertEqual(answer.headers["Content-Type"], "text/javascript; charset=utf-8")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    def test_of_another_version_they_may_not(self) -> None:
        answer = self.door.ask("/static/v-0000/js/core/dom.js")
        self.assertEqual((answer.status, answer.headers["Cache-Control"]), (200, "no-cache"))

    def test_they_come_packed_to_those_who_take_that(self) -> None:
        plain = self.door.ask(self.own)
        for accepted in ("gzip", "br, gzip;q=0.5", "*"):
            packed = self.door.ask(self.own, Accept_Encoding=accepted)
            self.assertEqual(packed.headers["Content-Encoding"], "gzip", accepted)
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertNotEqual(packed.headers["ETag"], plain.headers["ETag"])
            self.assertEqual(packed.headers["Vary"], "Accept-Encoding")
        for accepted in ("br", "gzip;q=0", "identity"):
            self.assertNotIn("Content-Encoding", self.door.ask(self.own, Accept_Encoding=accepted).headers)

    def test_who_has_a_file_gets_no_other(self) -> None:
        first = self.door.ask(self.own, Accept_Encoding="gzip")
        again = self.door.ask(self.own, Accept_Encoding="gzip", If_None_Match=first.headers["ETag"])
        self.assertEqual((again.status, again.body), (304, b""))

    def test_what_is_no_file_of_the_browsers_side_is_not_there(self) -> None:
        for name in ("pages/frame.html", "README.md", "../setup.cfg", "js/core/", ""):
            status = self.door.ask(f"/static/{shipped().version}/{name}").status
            self.assertEqual(status, 404, name)
        for target in ("/static/README.md", "/static/js/core/dom.js", "/static/..%2fpages/frame.html"):
            self.assertEqual(self.door.ask(target).status, 404, target)


class ImportedTests(SynchronousTestCase):
    """What browsers are told to fetch ahead."""

    def test_all_that_scripts_import_is_found_once_without_them(self) -> None:
        folder = Path(self.mktemp())
        for name, text in {
            "js/pages/a.js": "// a page\nimport {x} from '../core/x.js';\nimport '../core/y.js';\n",
            "js/core/x.js": "export {y} from './y.js';\nconst late = () => import('./late.js');\n",
            "js/core/y.js": "import {x} from './x.js'; // in a circle\nimport './gone.js';\n",
            "js/core/late.js": "",
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        assets = Assets(folder)
        self.assertEqual(assets.imported(["js/pages/a.js"]), ["js/core/x.js", "js/core/y.js"])
        self.assertEqual(assets.imported(["js/pages/a.js", "js/core/y.js"]), ["js/core/x.js"])

    def test_of_the_shipped_page_of_a_folder(self) -> None:
        found = shipped().imported(["js/pages/browse.js"])
        self.assertIn("js/core/virtual.js", found)
        self.assertEqual(len(found), len(set(found)))
        self.assertTrue(all(shipped().has(name) for name in found))


class FixedTests(SynchronousTestCase):
    """What other sites' pages refer to."""

    FILE = "js/canvas_view.min.js"

    def test_they_are_for_everybody_and_asked_for_again_within_the_hour(self) -> None:
        for door in (Door(), Door(cors_allow_origin=("https://one.example",))):
            headers = door.ask(f"/static/{self.FILE}", Origin="https://other.example").headers
            self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "cross-origin")
            self.assertEqual(headers["Cache-Control"], "public, max-age=3600")
            self.assertIn("ETag", headers)

    def test_the_old_places_have_them_too(self) -> None:
        door = Door()
        wanted = door.ask(f"/static/{self.FILE}").body
        for place in ("/admin/static/", "/reports/static/"):
            self.assertEqual(door.ask(f"{place}{self.FILE}").body, wanted)


class VersionTests(SynchronousTestCase):
    def test_the_version_follows_our_own_files_and_nothing_else(self) -> None:
        folder = Path(tempfile.mkdtemp())
        for name in ("js/a.js", "static/js/b.js", "pages/c.html"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("one")
        first = Assets(folder).version
        for name, same in (("static/js/b.js", True), ("pages/c.html", True), ("js/a.js", False)):
            (folder / name).write_text("two")
            self.assertEqual(Assets(folder).version == first, same, name)
