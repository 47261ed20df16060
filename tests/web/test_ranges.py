from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.ranges import ByteRange, RangeNotSatisfiableError, parse_range


class RangeTests(SynchronousTestCase):
    def test_single_ranges(self) -> None:
        for header, expected in {
            "bytes=0-0": (0, 0),
            "bytes=2-5": (2, 5),
            "bytes=2-": (2, 9),
            "bytes=-3": (7, 9),
            "bytes=-99": (0, 9),
            "bytes=5-99": (5, 9),
            "BYTES=1-2": (1, 2),
            "bytes= 1-2 ": (1, 2),
            "bytes=1-99999999999999999999999999": (1, 9),
            "bytes=0000000000000000000000001-2": (1, 2),
        }.items():
            self.assertEqual(parse_range(header, 10), [ByteRange(*expected)], header)

    def test_several_ranges_keep_their_order_and_lose_those_beyond_the_end(self) -> None:
        self.assertEqual(parse_range("bytes=6-7, 0-1,, 50-60", 10), [ByteRange(6, 7), ByteRange(0, 1)])

    def test_headers_that_are_no_ranges_are_ignored(self) -> None:
        for header in (
            "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=3-2", "bytes=1-2-3", "items=0-1",
            "bytes=1 - 2", "bytes=+1-2", "bytes=١-٢", "bytes=0-1,x",
        ):  # fmt: skip
            self.assertIsNone(parse_range(header, 10), header)

    def test_ranges_beyond_the_end_can_not_be_satisfied(self) -> None:
        for header, size in (("bytes=10-", 10), ("bytes=10-20,30-40", 10), ("bytes=-0", 10), ("bytes=0-", 0)):
            with self.assertRaises(RangeNotSatisfiableError) as caught:
                parse_range(header, size)
            self.assertEqual(caught.exception.size, size)

    def test_too_many_or_overlapping_ranges_get_everything(self) -> None:
        ten = ",".join(f"{first}-{first}" for first in range(10))
        self.assertEqual(len(parse_range(f"bytes={ten}", 100) or []), 10)
        self.assertIsNone(parse_range(f"bytes={ten},50-51", 100))
        self.assertIsNone(parse_range("bytes=0-5,3-7", 100))
        self.assertIsNone(parse_range("bytes=0-,0-", 100))

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(
        st.text() | st.text(alphabet="bytes=0123456789-, ").map(lambda text: "bytes=" + text),
        st.integers(0, 1000),
    )
    def test_whatever_is_asked_for_only_bytes_that_are_there_are_given_and_none_twice(
        self, header: str, size: int
    ) -> None:
        try:
            ranges = parse_range(header, size)
        except RangeNotSatisfiableError:
            return
        given_bytes = [at for each in ranges or [] for at in range(each.first, each.last + 1)]
        self.assertTrue(all(0 <= at < size for at in given_bytes))
        self.assertEqual(len(set(given_bytes)), len(given_bytes))
        self.assertTrue(all(each.length > 0 for each in ranges or []))

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.binary(min_size=1, max_size=50), st.integers(0, 60), st.integers(0, 60))
    def test_a_range_is_the_slice_it_names(self, data: bytes, first: int, length: int) -> None:
        last = first + length
        try:
            (found,) = parse_range(f"bytes={first}-{last}", len(data)) or []
        except RangeNotSatisfiableError:
            self.assertGreaterEqual(first, len(data))
            return
        self.assertEqual(data[found.first : found.last + 1], data[first : last + 1])
        self.assertEqual(found.content_range(len(data)), f"bytes {found.first}-{found.last}/{len(data)}")
