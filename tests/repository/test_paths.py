"""From ``src`` to a path in the library: :mod:`qisd.repository.paths`."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, Forbidden, QisError
from qisd.repository.paths import is_hidden, normalise, spellings


class NormaliseTests(SynchronousTestCase):
    def test_many_spellings_name_one_file(self) -> None:
        for src in (
            "a/b.jpg",
            "/a/b.jpg",
            "/a//b.jpg",
            "a/./b.jpg",
            "a/b.jpg/",
            "x/../a/b.jpg",
            "//a/b.jpg",
            "a/c/.././b.jpg",
        ):
            self.assertEqual(normalise(src), "a/b.jpg", src)

    def test_the_root_is_the_empty_path(self) -> None:
        for src in ("/", "//", ".", "a/.."):
            self.assertEqual(normalise(src), "", src)

    def test_what_leads_out_of_the_root_is_forbidden(self) -> None:
        for src in (
            "..",
            "../a.jpg",
            "a/../../b",
            "~root/../../../etc/passwd",
            "../../etc/passwd",
            "swëdish/../../dørset",
        ):
            with self.assertRaises(Forbidden):
                normalise(src)

    def test_control_characters_are_refused(self) -> None:
        for src in ("a\0.jpg", "a\nb", "a\r\nX: y", "a\x7f", "\x85"):
            with self.assertRaises(BadParameter) as raised:
                normalise(src)
            self.assertEqual(raised.exception.parameter, "src")

    def test_a_backslash_and_a_tilde_have_no_meaning(self) -> None:
        self.assertEqual(normalise("\\a\\b.jpg"), "\\a\\b.jpg")
        self.assertEqual(normalise("~root/a"), "~root/a")

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.text(alphabet=st.one_of(st.sampled_from("/.a\\~ "), st.characters()), max_size=40))
    def test_any_text_gives_a_path_inside_or_a_clean_refusal(self, src: str) -> None:
        try:
            path = normalise(src)
        except QisError:
            return
        self.assertFalse({"", ".", ".."} & set(path.split("/")) and path)
        self.assertEqual(normalise(path), path)


class HiddenTests(SynchronousTestCase):
    def test_a_component_that_begins_with_a_dot_hides_the_file(self) -> None:
        for path in (".a", "a/.b", ".git/config", "a/.b/c.jpg"):
            self.assertTrue(is_hidden(path), path)
        for path in ("a", "a.b/c.d", "a/b.jpg", "a..jpg"):
            self.assertFalse(is_hidden(path), path)


class SpellingTests(SynchronousTestCase):
    def test_the_exact_bytes_come_first_then_composed_then_decomposed(self) -> None:
        composed, decomposed = "é.jpg", unicodedata.normalize("NFD", "é.jpg")
        self.assertEqual(list(spellings(composed)), [composed.encode(), decomposed.encode()])
        self.assertEqual(list(spellings(decomposed)), [decomposed.encode(), composed.encode()])
        self.assertEqual(list(spellings("a.jpg")), [b"a.jpg"])

    def test_text_that_no_file_system_holds_has_no_spelling(self) -> None:
        self.assertEqual(list(spellings("\ud800.jpg")), [])
