from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.web.console.page import ID_MAX, whole


class WholeTests(SynchronousTestCase):
    def test_a_number_up_to_the_largest_is_one(self) -> None:
        for text, number in (("0", 0), (" 7 ", 7), ("007", 7), (str(ID_MAX), ID_MAX)):
            self.assertEqual(whole(text, "id"), number)

    def test_nothing_else_is_however_long(self) -> None:
        for text in (
            "",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "\u0663",
            "\u00b2",
            "1_0",
            "1\0",
            str(ID_MAX + 1),
            "0" * 30 + "9" * 9000,
        ):
            with self.assertRaises(BadParameter) as caught:
                whole(text, "id")
            self.assertEqual(caught.exception.parameter, "id")

    def test_a_page_can_say_how_large_it_may_be(self) -> None:
        self.assertEqual(whole("30", "days", 30), 30)
        self.assertRaises(BadParameter, whole, "31", "days", 30)
