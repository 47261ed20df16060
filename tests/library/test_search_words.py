"""Operators among the words of a search: :mod:`qisd.library.search_words`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.library.search_words import understood
from qisd.store.image_search import ImageQuery


def changed(words: str, **given: Any) -> dict[str, Any]:
    """What the words say, as far as it is not what a query says by itself."""
    before = attrs.asdict(ImageQuery(**given), recurse=False)
    after = attrs.asdict(understood(ImageQuery(words=words, **given)), recurse=False)
    return {name: value for name, value in after.items() if value != before[name]}


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


class OperatorTests(SynchronousTestCase):
    def test_operators_are_taken_out_of_the_words(self) -> None:
        cases: list[tuple[str, dict[str, Any]]] = [
            ("red lamp", {"words": "red lamp"}),
            ("red type:png lamp", {"words": "red lamp", "extensions": ["png"]}),
            ("type:JPG", {"extensions": ["jpg", "jpeg"]}),
            ("type:jpeg,.gif", {"extensions": ["jpg", "jpeg", "gif"]}),
            ("in:/press/2024", {"folder": "press/2024"}),
            ('in:"/my folder" x', {"words": "x", "folder": "my folder"}),
            ("tag:sea tag:sky", {"tags": ("sea", "sky")}),
            ("w>2000", {"min_width": 2001}),
            ("w>=2000 h<500", {"min_width": 2000, "max_height": 499}),
            ("width:300", {"min_width": 300, "max_width": 300}),
            ("size>2mb", {"min_size": 2_000_001}),
            ("size<=1.5k", {"max_size": 1500}),
            ("after:2024", {"dated_from": day(2024, 1, 1)}),
            ("after:2024-05 before:2025-01-31", {"dated_from": day(2024, 5, 1), "dated_until": day(2025, 1, 31)}),
            ("After:2024", {"dated_from": day(2024, 1, 1)}),
        ]
        for words, expected in cases:
            self.assertEqual(changed(words), expected, words)

    def test_quotes_minus_and_what_is_no_operator_stay_words(self) -> None:
        for words in (
            '"type:png lamp"',
            "-red",
            "-type:png",
            "w>x",
            "w>",
            "w>2mb",
            "after:yesterday",
            "after:2024-13",
            "after:2023-02-29",
            "before:0000",
            "type>png",
            "http://a.example/b",
            'in:""',
            '"open',
        ):
            self.assertEqual(changed(words), {"words": words}, words)

    def test_they_narrow_down_what_is_asked_for_besides(self) -> None:
        self.assertEqual(changed("w>100", min_width=500), {})
        self.assertEqual(changed("w>900 w<1000", min_width=500), {"min_width": 901, "max_width": 999})
        self.assertEqual(changed("h<10", max_height=5), {})
        self.assertEqual(changed("after:2020", dated_from=day(2024, 1, 1)), {})
        self.assertEqual(changed("before:2030", dated_until=day(2024, 1, 1)), {})
        self.assertEqual(changed("in:/a", folder="a/b"), {})
        self.assertEqual(changed("in:/a/b in:/", folder="a"), {"folder": "a/b"})
        self.assertEqual(changed("type:jpg,png", extensions=("jpg", "gif")), {"extensions": ["jpg"]})
        self.assertEqual(changed("type:,", extensions=("jpg",)), {})

    def test_what_excludes_each_other_leaves_nothing(self) -> None:
        for words, given in (
            ("in:/b", {"folder": "a"}),
            ("in:/ab", {"folder": "a"}),
            ("in:/a in:/b", {}),
            ("in:/a/b", {"folder": "a", "recursive": False}),
            ("type:png", {"extensions": ("jpg",)}),
            ("type:png type:jpg type:png", {}),
        ):
            self.assertTrue(changed(words, **given).get("nothing"), words)
        self.assertFalse(changed("in:/a/b in:/a type:png,jpg type:png").get("nothing"))

    def test_any_text_is_understood_somehow(self) -> None:
        for words in ("", " ", '"', '""', "w>" + "9" * 30, "after:9999-12-31", "in:\0", "type:,", "size>999999999gb"):
            understood(ImageQuery(words=words))
