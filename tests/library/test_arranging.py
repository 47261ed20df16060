"""The order of entries, and which are shown: :mod:`qisd.library.arranging`."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from qisd.library.arranging import Arrangement, Beside, beside, natural
from qisd.repository.files import FileVersion
from qisd.repository.tree import Listed


def entries(*names: str) -> list[Listed]:
    """Entries of these names; those with a slash at their end are folders."""
    return [Listed(name.rstrip("/"), name.endswith("/")) for name in names]


def names(found: list[Listed]) -> list[str]:
    return [one.name for one in found]


class NaturalTests(SynchronousTestCase):
    def test_numbers_count_as_such_wherever_they_are(self) -> None:
        given = ["a10.jpg", "a2.jpg", "a1.jpg", "a02b.jpg", "2.jpg", "10.jpg", "b.jpg", "a.jpg", "a-3.jpg"]
        expected = ["2.jpg", "10.jpg", "a-3.jpg", "a.jpg", "a1.jpg", "a2.jpg", "a02b.jpg", "a10.jpg", "b.jpg"]
        self.assertEqual(sorted(given, key=natural), expected)

    def test_neither_case_nor_accents_count(self) -> None:
        self.assertEqual(
            sorted(["Zoo", "über", "apfel", "Birne", "ähre"], key=natural), ["ähre", "apfel", "Birne", "über", "Zoo"]
        )
        self.assertEqual(natural("Ä"), natural("a"))

    def test_long_numbers_and_those_of_other_scripts_are_numbers(self) -> None:
        self.assertLess(natural("9" * 200), natural("1" + "0" * 200))
        self.assertLess(natural("٢.jpg"), natural("١٠.jpg"))
        self.assertEqual(natural("a007"), natural("a7"))


class ArrangementTests(SynchronousTestCase):
    facts: ClassVar = {
        "b": FileVersion(size=4096, mtime_ns=30, inode=1),
        "a": FileVersion(size=4096, mtime_ns=40, inode=2),
        "2.png": FileVersion(size=300, mtime_ns=10, inode=3),
        "10.jpg": FileVersion(size=200, mtime_ns=20, inode=4),
        "x.jpg": FileVersion(size=100, mtime_ns=20, inode=5),
    }
    given = entries("10.jpg", "2.png", "a/", "b/", "x.jpg")

    def ordered(self, **wish: Any) -> list[str]:
        return names(Arrangement(**wish).ordered(self.given, self.facts))

    def test_folders_come_first_however_files_are_sorted(self) -> None:
        self.assertEqual(self.ordered(), ["a", "b", "2.png", "10.jpg", "x.jpg"])
        self.assertEqual(self.ordered(descending=True), ["b", "a", "x.jpg", "10.jpg", "2.png"])
        self.assertEqual(self.ordered(sort="size"), ["a", "b", "x.jpg", "10.jpg", "2.png"])
        self.assertEqual(self.ordered(sort="size", descending=True), ["a", "b", "2.png", "10.jpg", "x.jpg"])
        self.assertEqual(self.ordered(sort="date"), ["b", "a", "2.png", "10.jpg", "x.jpg"])
        self.assertEqual(self.ordered(sort="type"), ["a", "b", "10.jpg", "x.jpg", "2.png"])

    def test_what_has_vanished_meanwhile_counts_as_nothing(self) -> None:
        found = Arrangement(sort="size").ordered(entries("gone.jpg", "x.jpg"), self.facts)
        self.assertEqual(names(found), ["gone.jpg", "x.jpg"])

    def test_names_are_looked_for_without_case_and_accents(self) -> None:
        given = entries("Über.jpg", "uberall/", "IMG_10.jpg", "other.png")
        for text, expected in (
            ("UBER", ["Über.jpg", "uberall"]),
            ("g_1", ["IMG_10.jpg"]),
            ("ü", ["Über.jpg", "uberall"]),
        ):
            self.assertEqual(names(Arrangement(text=text).chosen(given)), expected)
        self.assertEqual(names(Arrangement(text="%").chosen(given)), [])

    def test_with_types_there_are_only_files_of_these(self) -> None:
        found = Arrangement(types=frozenset({"png", "gif"})).chosen(entries("a.png", "png/", "b.JPG", "c.GIF", "png"))
        self.assertEqual(names(found), ["a.png", "c.GIF"])

    def test_sizes_and_dates_are_looked_up_only_where_they_count(self) -> None:
        wanted = {sort: Arrangement(sort=sort).needs_facts for sort in ("name", "type", "date", "size")}  # type: ignore[arg-type]
        self.assertEqual(wanted, {"name": False, "type": False, "date": True, "size": True})


class BesideTests(SynchronousTestCase):
    def test_the_names_beside_one_are_those_of_the_list_that_people_see(self) -> None:
        given = ["b.jpg", "a10.jpg", "A2.jpg", "a2.jpg", "a02.jpg", "ä2.jpg", "a1.jpg"]
        ordered = names(
            Arrangement().ordered(sorted(entries(*given), key=lambda one: (one.name.lower(), one.name)), {})
        )
        for at, name in enumerate(ordered):
            expected = Beside(
                position=at + 1,
                previous=ordered[at - 1] if at else None,
                following=ordered[at + 1] if at + 1 < len(ordered) else None,
            )
            self.assertEqual(beside(given, name), expected, name)

    def test_what_is_not_there_stands_nowhere(self) -> None:
        self.assertIsNone(beside(["a", "c"], "b"))
        self.assertIsNone(beside([], "b"))
