from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import ALL_FLAGS, Flag
from qisd.access.visitor import ANONYMOUS, SYSTEM
from qisd.accounts import checks
from qisd.errors import BadParameter, Forbidden, NotAuthenticated, OutOfDate


class CheckTests(SynchronousTestCase):
    def refused(self, check: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        return self.assertRaises(BadParameter, check, *arguments, **named).message

    def test_texts_have_a_length_in_characters(self) -> None:
        self.assertEqual(checks.text("a", "ä🐧", least=2, most=2), "ä🐧")
        self.assertEqual(self.refused(checks.text, "a", "", least=1), "a: Value is too short (min 1)")
        self.assertEqual(self.refused(checks.text, "a", "xxx", most=2), "a: Value is too long (max 2)")

    def test_texts_that_no_database_keeps_are_refused(self) -> None:
        for text in ("\0", "a\0b", "\ud800", "\udfff", "a\udc80"):
            self.assertIn("not allowed", self.refused(checks.text, "a", text))
        for text in ("\n", "\x01", "\u202e", "\ufffe"):
            self.assertEqual(checks.text("a", text), text)

    def test_levels_are_the_eight(self) -> None:
        for level in range(0, 80, 10):
            self.assertEqual(checks.level("access", level), level)
        for level in (-10, 1, 15, 80):
            self.assertIn("not one of: 0, 10, 20, 30", self.refused(checks.level, "access", level))

    def test_a_minus_sorts_downwards(self) -> None:
        self.assertEqual(checks.sorting("", ("name", "id"), default="name"), ("name", False))
        self.assertEqual(checks.sorting("-id", ("name", "id"), default="name"), ("id", True))
        self.assertEqual(checks.sorting("-", ("name", "id"), default="name"), ("name", True))
        for bad in ("Name", "--id", "name desc", "id, name"):
            self.assertIn("not one of: name, id", self.refused(checks.sorting, bad, ("name", "id"), default="name"))

    def test_parts_of_lists_are_bounded(self) -> None:
        checks.part(0, None)
        checks.part(999_999_999, 0)
        for start, limit in ((-1, None), (1_000_000_000, None), (0, -1), (0, 2**63)):
            self.assertIn("out of range", self.refused(checks.part, start, limit))

    def test_the_most_powerful_missing_permission_is_named(self) -> None:
        checks.require_flags(ALL_FLAGS, ALL_FLAGS)
        checks.require_flags([], [])
        held = frozenset({Flag.ADMIN_USERS})
        for wanted, label in (
            ({"admin_all", "reports"}, "Super-user"),
            ({"admin_users", "reports"}, "Reporting"),
            ({Flag.ADMIN_FILES}, "File administration"),
        ):
            error = self.assertRaises(Forbidden, checks.require_flags, held, wanted)
            self.assertEqual(error.message, f"{label} permission is required")

    def test_strangers_are_asked_to_log_in_before_anything_else(self) -> None:
        self.assertRaises(NotAuthenticated, checks.require_flag, ANONYMOUS, Flag.REPORTS)
        checks.require_flag(SYSTEM, Flag.ADMIN_ALL)

    def test_a_version_that_nobody_expects_is_not_compared(self) -> None:
        checks.version("user 1", present=3, expected=None)
        checks.version("user 1", present=3, expected=3)
        error = self.assertRaises(OutOfDate, checks.version, "user 1", present=3, expected=2)
        self.assertIn("version 3", error.message)

    def test_a_new_password_is_neither_short_nor_long_nor_known(self) -> None:
        checks.new_password("x" * 8, username="maria")
        checks.new_password("x" * 120, username="maria")
        self.assertIn("too short (min 8)", self.refused(checks.new_password, "x" * 7, username="maria"))
        self.assertIn("too long (max 120)", self.refused(checks.new_password, "x" * 121, username="maria"))
        self.assertIn("user name", self.refused(checks.new_password, "MARIA-VEGA", username="maria-vega"))
        self.assertIn("publicly known", self.refused(checks.new_password, "QisAdmin", username="maria"))
