"""Changing values in a settings file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.settings.editing import replace_file, with_values
from tests.cli.runner import CommandCase

TEXT = """\
# Settings of this site.

HTTP_THREADS = 12   # as Ann wished
CORS_ALLOW_ORIGIN = [
    "https://a.example",  # ours
    "https://b.example",
]
# How many workers.
# HTTP_PROCESSES = 2

# The end of the settings.

[IMAGE_FORMATS]
xyz = false
"""


class TextTests(SynchronousTestCase):
    def test_a_value_changes_in_its_place_and_every_comment_stays(self) -> None:
        self.assertEqual(
            with_values(TEXT, {"HTTP_THREADS": 15}), TEXT.replace("= 12   # as Ann wished", "= 15  # as Ann wished")
        )

    def test_a_setting_that_is_not_there_comes_behind_its_example(self) -> None:
        self.assertEqual(
            with_values(TEXT, {"HTTP_PROCESSES": 6}),
            TEXT.replace("# HTTP_PROCESSES = 2\n", "# HTTP_PROCESSES = 2\nHTTP_PROCESSES = 6\n"),
        )

    def test_without_an_example_it_comes_before_the_first_table(self) -> None:
        self.assertEqual(
            with_values(TEXT, {"MEMORY_CACHE_MB": 64}),
            TEXT.replace("# The end of the settings.\n", "# The end of the settings.\nMEMORY_CACHE_MB = 64\n"),
        )

    def test_a_value_over_several_lines_is_replaced_as_a_whole(self) -> None:
        edited = with_values(TEXT, {"CORS_ALLOW_ORIGIN": ["*"]})
        self.assertEqual(tomllib.loads(edited)["CORS_ALLOW_ORIGIN"], ["*"])
        self.assertNotIn("b.example", edited)
        self.assertIn("# How many workers.\n", edited)

    def test_an_empty_file_gets_lines_of_its_own(self) -> None:
        self.assertEqual(with_values("", {"A": 1, "B": "x # y"}), 'A = 1\nB = "x # y"\n')
        self.assertEqual(with_values("A = 1", {"B": 2}), "A = 1\nB = 2\n")

    def test_line_breaks_stay_as_they_are(self) -> None:
        self.assertEqual(with_values("A = 1\r\nB = 2\r\n", {"A": 3}), "A = 3\r\nB = 2\r\n")

    def test_a_hash_in_a_value_is_no_comment(self) -> None:
        self.assertEqual(with_values('A = "#1"\n', {"A": 3}), "A = 3\n")

    @given(st.dictionaries(st.sampled_from(["HTTP_THREADS", "HTTP_PROCESSES", "MEMORY_CACHE_MB"]), st.integers(0, 99)))
    def test_whatever_is_changed_nothing_else_does(self, values: dict[str, int]) -> None:
        self.assertEqual(tomllib.loads(with_values(TEXT, values)), {**tomllib.loads(TEXT), **values})


class FileTests(CommandCase):
    def test_the_mode_stays_and_a_link_is_followed(self) -> None:
        self.settings("A = 1\n")
        link = self.directory / "link.toml"
        link.symlink_to(self.path)
        replace_file(link, "A = 2\n")
        self.assertTrue(link.is_symlink())
        self.assertEqual((self.path.read_text(), self.path.stat().st_mode & 0o777), ("A = 2\n", 0o640))
        self.assertEqual(sorted(Path(self.directory).glob(".*")), [])
