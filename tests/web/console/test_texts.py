from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.web.console.assets import FOLDER
from qisd.web.console.texts import Catalogues


class TextTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        for name, texts in {
            "en/common": {"hello": "Hello {name}", "images": {"one": "{n} image", "other": "{n} images"}},
            "en/list": {"title": "Folder", "only": "English"},
            "de/common": {"hello": "Hallo {name}"},
            "de/list": {"title": "Ordner"},
        }.items():
            path = folder / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(texts))
        self.catalogues = Catalogues(folder)

    def test_values_stand_in_their_places(self) -> None:
        t = self.catalogues.of("en", "list")
        self.assertEqual(t("hello", name="{n}"), "Hello {n}")
        self.assertEqual([t("images", n=n) for n in (0, 1, 2)], ["0 images", "1 image", "2 images"])

    def test_what_a_language_lacks_is_in_english(self) -> None:
        t = self.catalogues.of("de", "list")
        self.assertEqual((t("title"), t("only"), t("hello", name="Ann")), ("Ordner", "English", "Hallo Ann"))
        self.assertEqual(self.catalogues.of("de", "nothing")("hello", name="x"), "Hallo x")

    def test_a_text_that_is_not_there_is_a_fault(self) -> None:
        self.assertRaises(KeyError, self.catalogues.of("en", "list"), "nonsense")


class ShippedTests(SynchronousTestCase):
    """The texts that come with the program."""

    def test_pages_ask_for_no_text_that_is_not_there(self) -> None:
        known = {
            key for path in (FOLDER / "texts" / "en").glob("*.json") for key in json.loads(path.read_text("utf-8"))
        }
        for path in [*(FOLDER / "pages").rglob("*.html"), *(FOLDER / "js").rglob("*.js")]:
            asked = set(re.findall(r"""(?<![\w.])t\(\s*["']([a-z0-9_]+)["']\s*[,)]""", path.read_text("utf-8")))
            self.assertEqual(asked - known, set(), path.name)
