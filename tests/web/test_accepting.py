"""What clients would rather have."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.accepting import modern_formats, prefers_json

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI_14 = "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


class PrefersJsonTests(SynchronousTestCase):
    def test_json_for_those_who_would_rather_have_it(self) -> None:
        for accept in (
            "application/json",
            "application/json, */*",
            "application/json, text/html;q=0.5",
            "text/html;q=0.1,Application/JSON;q=0.2",
            "application/json, text/plain, */*",
        ):
            self.assertTrue(prefers_json(accept), accept)

    def test_a_page_for_all_others(self) -> None:
        for accept in (
            None,
            "",
            "*/*",
            "image/avif,image/webp,*/*;q=0.8",
            "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
            "text/html, application/json",
            "application/json;q=0",
            "application/json;q=0.5, */*",
            "application/json;q=nonsense",
            "json",
        ):
            self.assertFalse(prefers_json(accept), accept)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(alphabet="application/json;q=01.5,*texhml e-+") | st.text())
    def test_no_header_makes_it_fail(self, accept: str) -> None:
        self.assertIn(prefers_json(accept), (True, False))


class ModernFormatTests(SynchronousTestCase):
    def test_browsers_of_today_get_the_smallest(self) -> None:
        for accept in (CHROME, FIREFOX, SAFARI, "image/avif,image/webp", "IMAGE/WEBP, Image/AVIF ; q=1.0"):
            self.assertEqual(modern_formats(accept), ("avif", "webp"), accept)

    def test_only_what_is_named_is_known(self) -> None:
        self.assertEqual(modern_formats(SAFARI_14), ("webp",))
        for accept in (
            "",
            "*/*",
            "image/*",
            "image/*,*/*;q=0.5",
            "image/png,image/jpeg",
            "text/html,*/*",
            "image/webpx",
        ):
            self.assertEqual(modern_formats(accept), (), accept)

    def test_what_is_liked_more_comes_first(self) -> None:
        self.assertEqual(modern_formats("image/avif;q=0.5,image/webp;q=0.9"), ("webp", "avif"))

    def test_what_is_liked_less_than_jpeg_or_not_at_all_is_left_out(self) -> None:
        self.assertEqual(modern_formats("image/avif;q=0,image/webp"), ("webp",))
        self.assertEqual(modern_formats("image/webp;q=0.5,image/jpeg"), ())
        self.assertEqual(modern_formats("image/avif,image/webp;q=0.5,image/*;q=0.8"), ("avif",))
        self.assertEqual(modern_formats("image/webp;q=nonsense"), ())

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(alphabet="image/webpvf;q=01.5,* ") | st.text())
    def test_no_header_makes_it_fail(self, accept: str) -> None:
        self.assertLessEqual(set(modern_formats(accept)), {"avif", "webp"})
