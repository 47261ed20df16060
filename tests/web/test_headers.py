from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.headers import caching, content, content_disposition, cross_origin, preflight
from tests.web.support import NOW, FakeSettings


class CachingTests(SynchronousTestCase):
    def test_a_lifetime_is_told_in_both_ways_with_the_tag_quoted(self) -> None:
        self.assertEqual(
            caching(3600, etag="abc", now=NOW),
            [
                ("Cache-Control", "public, max-age=3600"),
                ("Expires", "Fri, 15 Jan 2027 09:00:00 GMT"),
                ("ETag", '"abc"'),
            ],
        )

    def test_zero_says_nothing_but_the_tag(self) -> None:
        self.assertEqual(caching(0, etag="abc", now=NOW), [("ETag", '"abc"')])

    def test_minus_one_expires_at_once_and_has_no_tag(self) -> None:
        self.assertEqual(
            caching(-1, etag="abc", now=NOW),
            [("Cache-Control", "public, no-cache"), ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")],
        )


class ContentTests(SynchronousTestCase):
    def test_a_picture_has_just_its_type(self) -> None:
        self.assertEqual(content("image/jpeg"), [("Content-Type", "image/jpeg")])

    def test_a_document_that_can_carry_scripts_gets_no_rights(self) -> None:
        fields = dict(content("image/svg+xml"))
        self.assertEqual(fields["Content-Type"], "image/svg+xml; charset=utf-8")
        self.assertIn("sandbox", fields["Content-Security-Policy"])
        self.assertIn("default-src 'none'", fields["Content-Security-Policy"])


class DispositionTests(SynchronousTestCase):
    def _value(self, filename: str, *, attachment: bool = True) -> str:
        name, value = content_disposition(filename, attachment=attachment)
        self.assertEqual(name, "Content-Disposition")
        return value

    def test_a_plain_name_is_just_quoted(self) -> None:
        self.assertEqual(self._value("dorset.jpg"), 'attachment; filename="dorset.jpg"')
        self.assertEqual(self._value("a b.jpg", attachment=False), 'inline; filename="a b.jpg"')

    def test_other_letters_come_in_utf8_beside_a_plain_name(self) -> None:
        self.assertEqual(
            self._value("swëdish ø.jpg"),
            "attachment; filename=\"swedish _.jpg\"; filename*=UTF-8''sw%C3%ABdish%20%C3%B8.jpg",
        )

    def test_a_decomposed_name_is_composed(self) -> None:
        self.assertIn("filename*=UTF-8''%C3%BC.jpg", self._value("u\u0308.jpg"))

    def test_quotes_and_backslashes_are_escaped(self) -> None:
        self.assertEqual(
            self._value('a"b\\c.jpg'),
            'attachment; filename="a\\"b\\\\c.jpg"; filename*=UTF-8\'\'a%22b%5Cc.jpg',
        )

    def test_a_percent_sign_is_not_taken_for_an_escape(self) -> None:
        self.assertIn("filename*=UTF-8''50%2525.jpg", self._value("50%25.jpg"))

    def test_line_breaks_and_invisible_characters_are_removed(self) -> None:
        self.assertEqual(
            self._value("a\r\nSet-Cookie: x=1\0\u202egpj.exe"), 'attachment; filename="aSet-Cookie: x=1gpj.exe"'
        )

    def test_nothing_left_is_still_a_name(self) -> None:
        self.assertEqual(self._value("\r\n"), 'attachment; filename="image"')

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(max_size=40))
    def test_every_name_gives_one_safe_line_that_says_the_name(self, filename: str) -> None:
        value = self._value(filename)
        found = re.fullmatch(
            r'attachment; filename="((?:[^"\\]|\\["\\])*)"(?:; filename\*=UTF-8\'\'([A-Za-z0-9!#$&+.^_`|~%-]*))?', value
        )
        assert found is not None, value
        self.assertTrue(value.isascii() and value.isprintable(), value)
        said = unquote(found[2]) if found[2] is not None else found[1]
        kept = "".join(
            character
            for character in unicodedata.normalize("NFC", filename)
            if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "/"
        )
        self.assertEqual(said, kept.strip() or "image")


class CrossOriginTests(SynchronousTestCase):
    def test_by_default_every_page_may_read_images(self) -> None:
        self.assertEqual(
            dict(cross_origin(None, FakeSettings())),
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
                "Access-Control-Allow-Headers": "Origin, Authorization",
                "Access-Control-Expose-Headers": "Content-Length, X-From-Cache",
            },
        )

    def test_only_listed_origins_are_echoed_and_caches_told(self) -> None:
        settings = FakeSettings(cors_allow_origin=("https://a.example", "https://b.example"))
        fields = dict(cross_origin("https://b.example", settings))
        self.assertEqual(fields["Access-Control-Allow-Origin"], "https://b.example")
        self.assertEqual(fields["Vary"], "Origin")
        for origin in ("https://c.example", "https://b.example.evil", "null", None):
            self.assertEqual(cross_origin(origin, settings), [("Vary", "Origin")], origin)

    def test_without_allowed_origins_nothing_is_said(self) -> None:
        settings = FakeSettings(cors_allow_origin=())
        self.assertEqual(cross_origin("https://a.example", settings), [])
        self.assertEqual(preflight("GET", settings), [])
