"""Names of new files and folders: :mod:`qisd.repository.names`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.repository import names


def clean(name: str, *, unicode_names: bool = True) -> str:
    return names.clean_name(name, unicode_names=unicode_names)


class CleaningTests(SynchronousTestCase):
    def test_names_become_harmless(self) -> None:
        for given_name, expected in {
            "../../../etc/passwd": "etc_passwd",
            "../../etc/x.jpg": "etc_x.jpg",
            "cathëdral*\techo>'hi'.jpg": "cathëdralechohi.jpg",
            ".hidden?": "hidden",
            "a*b?.jpg": "ab.jpg",
            "_draft.jpg": "_draft.jpg",
            "__init__.jpg": "__init__.jpg",
            "._resource.jpg": "resource.jpg",
            " .hidden.jpg": "hidden.jpg",
            ". . x.jpg": "x.jpg",
            "x.jpg. . _": "x.jpg",
            "bell\a": "bell",
            "gnp.\u202egpj.png": "gnp.gpj.png",
            "penguin🐧.png": "penguin.png",
            "C:\\photos\\x.jpg": "Cphotosx.jpg",
            "e\u0301.jpg": "é.jpg",
            "नमस्ते.jpg": "नमस्ते.jpg",
            "a  b & @{}[],;$=!#()%+~-.jpg": "a  b & @{}[],;$=!#()%+~-.jpg",
        }.items():
            self.assertEqual(clean(given_name), expected, given_name)

    def test_ascii_only_takes_accents_off(self) -> None:
        self.assertEqual(clean("cathëdral桜ﬁ.jpg", unicode_names=False), "cathedralfi.jpg")

    def test_names_of_which_nothing_is_left_are_refused(self) -> None:
        for name in ("", "...", "*?", "_", " . ", "\0", "🐧"):
            with self.assertRaises(BadParameter):
                clean(name)

    def test_names_are_measured_in_bytes(self) -> None:
        self.assertEqual(clean("ü" * 127), "ü" * 127)
        with self.assertRaises(BadParameter):
            clean("ü" * 128)

    @given(st.text(max_size=60), st.booleans())
    def test_whatever_comes_the_name_is_visible_and_one_component(self, name: str, unicode_names: bool) -> None:
        try:
            cleaned = clean(name, unicode_names=unicode_names)
        except BadParameter:
            return
        self.assertFalse(cleaned.startswith((".", " ")) or cleaned.endswith((".", " ", "_")))
        self.assertFalse(set(cleaned) & set("/\\\0\n\r\t*?\"'<>|:"))
        self.assertEqual(clean(cleaned, unicode_names=unicode_names), cleaned)

    def test_files_need_a_proper_extension(self) -> None:
        self.assertEqual(names.clean_file_name("a.jpg", unicode_names=True), "a.jpg")
        for name in ("a.jp", "picture", "picture.j g", "pict.ure x"):
            with self.assertRaises(BadParameter, msg=name):
                names.clean_file_name(name, unicode_names=True)


class FolderPathTests(SynchronousTestCase):
    def clean(self, path: str, *existing: str) -> str:
        return names.clean_folder_path(path, unicode_names=True, exists=lambda one: one in existing)

    def test_slashes_vanish_and_each_new_name_is_cleaned(self) -> None:
        self.assertEqual(self.clean("/bell\a/etc/* | more/"), "bell/etc/more")
        self.assertEqual(self.clean("//a///b//"), "a/b")

    def test_folders_that_are_there_keep_their_names(self) -> None:
        self.assertEqual(self.clean("/it's/it's", "it's"), "it's/its")

    def test_paths_that_lead_elsewhere_are_refused(self) -> None:
        for path in ("../a", "/a/../b", "a..b", ".hidden", "/a/.hidden", "/./a", "", "/", "///", "a/*", "x/" * 600):
            with self.assertRaises(BadParameter, msg=path):
                self.clean(path)


class AlternativeTests(SynchronousTestCase):
    def first(self, name: str) -> list[str]:
        found = names.alternatives(name)
        return [next(found) for _ in range(3)]

    def test_a_number_goes_before_the_very_extension(self) -> None:
        self.assertEqual(self.first("big.jpg"), ["big.jpg", "big-001.jpg", "big-002.jpg"])
        self.assertEqual(self.first("A.JPG")[1], "A-001.JPG")
        self.assertEqual(self.first("clipping.jpg")[1], "clipping-001.jpg")
        self.assertEqual(self.first("folder")[1], "folder-001")

    def test_there_are_a_thousand_and_none_is_too_long(self) -> None:
        found = list(names.alternatives("ü" * 125 + "x.jpg"))
        self.assertEqual(len(set(found)), 1000)
        self.assertLessEqual(max(len(name.encode()) for name in found), 255)
        self.assertTrue(found[-1].endswith("ü-999.jpg"))
