from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.portfolios.entry_names import EntryNames
from qisd.portfolios.file_names import checked


class EntryNameTests(SynchronousTestCase):
    def taken(self, *wanted: str) -> list[str]:
        names = EntryNames()
        return [names.take(name) for name in wanted]

    def test_equal_names_are_numbered_before_the_extension(self) -> None:
        self.assertEqual(
            self.taken("big.jpg", "big.jpg", "a.b.png", "a.b.png", "big.jpg", "none", "none"),
            ["big.jpg", "big-001.jpg", "a.b.png", "a.b-001.png", "big-002.jpg", "none", "none-001"],
        )

    def test_a_number_that_is_a_name_already_is_left_out(self) -> None:
        self.assertEqual(self.taken("a-001.jpg", "a.jpg", "a.jpg"), ["a-001.jpg", "a.jpg", "a-002.jpg"])

    def test_names_that_differ_in_case_or_composition_only_are_equal(self) -> None:
        self.assertEqual(self.taken("A.JPG", "a.jpg"), ["A.JPG", "a-001.jpg"])
        self.assertEqual(self.taken("\u00e9.jpg", "e\u0301.jpg"), ["\u00e9.jpg", "e\u0301-001.jpg"])

    def test_no_name_leads_anywhere_or_hides(self) -> None:
        self.assertEqual(
            self.taken("..\\..\\x.jpg", "a/b.jpg", "c:d.jpg", ".hidden.jpg", "\x07.jpg", "..."),
            ["_.._x.jpg", "a_b.jpg", "c_d.jpg", "hidden.jpg", "jpg", "image"],
        )

    def test_more_of_one_name_than_three_digits_count_get_four(self) -> None:
        names = EntryNames()
        made = [names.take("a.jpg") for _ in range(1100)]
        self.assertEqual(len(set(made)), 1100)
        self.assertEqual(made[-1], "a-1099.jpg")

    def test_numbered_names_fit_into_a_file_system(self) -> None:
        long = "ä" * 125 + ".jpg"
        first, second = self.taken(long, long)
        self.assertEqual(first, long)
        self.assertLessEqual(len(second.encode()), 255)
        self.assertTrue(second.endswith("ä-001.jpg"), second)

    @given(st.lists(st.text(max_size=12), max_size=12))
    def test_all_names_of_a_zip_differ_on_every_file_system(self, wanted: list[str]) -> None:
        made = self.taken(*wanted)
        self.assertEqual(len({unicodedata.normalize("NFC", name.casefold()) for name in made}), len(made))
        for name in made:
            self.assertNotRegex(name, r"[/\\:\0]|\A\Z|\A\.")


class FileNameTests(SynchronousTestCase):
    def test_an_empty_or_a_clean_name_is_taken_as_it_is(self) -> None:
        for name in ("", "photo.jpg", "A b-(1)+{2}.tif", "_draft.png", "no extension", "a" * 255):
            self.assertEqual(checked(name), name)

    def test_others_are_refused_with_a_proposal(self) -> None:
        for name, proposal in (
            ("cathëdral*.jpg", "cathedral.jpg"),
            ("../x.jpg", "x.jpg"),
            ("a\tb.jpg", "ab.jpg"),
            ("x.jpg.", "x.jpg"),
            (" x.jpg", "x.jpg"),
        ):
            with self.assertRaises(BadParameter) as raised:
                checked(name)
            self.assertEqual(raised.exception.message, f"filename: filename not allowed, try: {proposal}")

    def test_too_long_or_hopeless_names_are_refused(self) -> None:
        for name in ("a" * 256, "日本", "???", "\ud800\0"):
            with self.assertRaises(BadParameter) as raised:
                checked(name)
            self.assertEqual(raised.exception.parameter, "filename")
