"""Multipart bodies, fed to the reader in whatever pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, QisError, TooLarge
from qisd.web.bad_body import BadBody
from qisd.web.bodies import Body
from qisd.web.multipart import FIELD_BYTES_MAX, PART_HEAD_BYTES_MAX, PARTS_MAX, MultipartReader, boundary_of
from qisd.web.staging import Staging
from tests.web.posting import BOUNDARY, MemorySink, field, file, multipart, part, splits
from tests.web.support import ImmediateFiles

# What looks like the end of a part, and is not.
TRAPS = (b"\r\n--" + BOUNDARY.encode()[:-1] + b"8\r\n" + b"\r\r\n\n-\r\n--\r\n--" + BOUNDARY[:3].encode()) * 3

FORM = multipart(
    field("path", "/samples/König".encode()),
    file("files", "a.png", TRAPS),
    file("files", "", b""),
    file("files", "dir/b%22.png", b""),
    field("path", b"twice"),
    field("", b""),
)

DELIMITER = b"\r\n--" + BOUNDARY.encode()
CONTENTS = (
    st.lists(st.sampled_from([b"\r", b"\n", b"--", b"\r\n--", DELIMITER[2:], b"x", DELIMITER[:-1]]), max_size=8)
    .map(b"".join)
    .filter(lambda data: DELIMITER not in b"\r\n" + data + b"\r\n--")
)


class ReaderCase(SynchronousTestCase):
    def read(self, pieces: Iterable[bytes], *, fields_limit: int = 4_000_000, files: bool = True) -> Body:
        self.sink = MemorySink()
        fakes: Any = ImmediateFiles()
        nothing: Any = lambda *_: None  # noqa: E731
        staging = Staging(self.sink, files=fakes, hold=nothing, release=nothing, failed=nothing) if files else None
        reader = MultipartReader(BOUNDARY.encode(), fields_limit=fields_limit, staging=staging)
        try:
            for piece in pieces:
                reader.feed(piece)
            results: list[Body | Failure] = []
            Deferred.fromCoroutine(reader.finish()).addBoth(results.append)
            (result,) = results
            if isinstance(result, Failure):
                result.raiseException()
        except QisError:
            reader.discard()
            raise
        assert isinstance(result, Body)
        return result

    def refused(self, data: bytes, error: type[QisError] = BadBody, **options: Any) -> None:
        self.assertRaises(error, self.read, [data], **options)
        self.assertEqual(self.sink.left, [], data[:80])

    def check(self, body: Body) -> None:
        """``body`` is :data:`FORM`."""
        self.assertEqual(body.kind, "multipart")
        self.assertEqual(body.pairs, (("path", "/samples/König"), ("path", "twice"), ("", "")))
        self.assertEqual(
            [(one.field, one.filename, one.size, one.content_type) for one in body.files],
            [("files", "a.png", len(TRAPS), "image/png"), ("files", 'dir/b".png', 0, "image/png")],
        )
        self.assertEqual([(one.data, one.finished) for one in self.sink.files], [(TRAPS, True), (b"", True)])


class SplitTests(ReaderCase):
    def test_a_body_may_come_at_once(self) -> None:
        self.check(self.read([FORM]))

    def test_or_byte_by_byte(self) -> None:
        self.check(self.read(bytes([byte]) for byte in FORM))

    def test_or_in_two_pieces_wherever_they_meet(self) -> None:
        for place in range(len(FORM)):
            self.check(self.read(splits(FORM, [place])))

    @settings(deadline=None, max_examples=300, derandomize=True)
    @given(st.lists(st.integers(0, len(FORM)), max_size=12))
    def test_or_in_any_pieces(self, places: list[int]) -> None:
        self.check(self.read(splits(FORM, places)))

    @settings(deadline=None, max_examples=300, derandomize=True)
    @given(st.lists(CONTENTS, max_size=4), st.lists(st.integers(0, 1000), max_size=12))
    def test_any_content_comes_through(self, contents: list[bytes], places: list[int]) -> None:
        data = multipart(*(file("f", "a", content) for content in contents))
        body = self.read(splits(data, [place % (len(data) + 1) for place in places]))
        self.assertEqual([one.data for one in self.sink.files], contents)
        self.assertEqual([one.size for one in body.files], [len(content) for content in contents])

    def test_a_body_cut_anywhere_is_refused_and_leaves_nothing(self) -> None:
        # The line end after the last boundary may be missing.
        for end in range(len(FORM) - 2):
            self.refused(FORM[:end])
        self.check(self.read([FORM[:-2]]))

    @settings(deadline=None, max_examples=300, derandomize=True)
    @given(st.integers(0, len(FORM) - 1), st.binary(max_size=4), st.integers(0, 4))
    def test_a_damaged_body_is_read_or_refused(self, place: int, instead: bytes, cut: int) -> None:
        try:
            self.read([FORM[:place] + instead + FORM[place + cut :]])
        except BadParameter:
            self.assertEqual(self.sink.left, [])


class FormTests(ReaderCase):
    def test_an_empty_form_is_a_form(self) -> None:
        self.assertEqual(self.read([multipart()]).pairs, ())

    def test_what_stands_after_the_end_is_no_matter(self) -> None:
        self.assertEqual(
            self.read([multipart(field("a", b"1")) + b"epilogue\r\n--" + BOUNDARY.encode()]).pairs, (("a", "1"),)
        )

    def test_files_are_dropped_where_nobody_wants_them(self) -> None:
        body = self.read([FORM], files=False)
        self.assertEqual((len(body.pairs), body.files), (3, ()))

    def test_a_field_may_say_its_type(self) -> None:
        data = multipart(part('form-data; name="a"', "é".encode(), "text/plain; charset=utf-8"))
        self.assertEqual(self.read([data]).pairs, (("a", "é"),))

    def test_headers_have_no_case(self) -> None:
        data = multipart(field("a", b"1")).replace(b"Content-Disposition: ", b"content-disposition:")
        self.assertEqual(self.read([data]).pairs, (("a", "1"),))

    def test_a_field_that_is_no_utf8_is_refused_by_name(self) -> None:
        error = self.assertRaises(BadParameter, self.read, [multipart(field("title", b"\xff"))])
        self.assertEqual(error.parameter, "title")

    def test_malformed_parts_are_refused(self) -> None:
        for bad in (
            part("form-data", b"1"),
            part('attachment; name="a"', b"1"),
            part('form-data; name="a', b"1"),
            field("a", b"1").replace(b"Content-Disposition", b"Content Disposition"),
            field("a", b"1").replace(b"Content-Disposition: form", b"Content-Disposition form"),
            field("a", b"1").replace(b"Content-Disposition", b"Content-Type"),
            field("a", b"1").replace(b"\r\n\r\n", b"\r\nContent-Disposition: form-data\r\n\r\n"),
            field("a", b"1").replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            field("a", b"1").replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
            field("a", b"1").replace(b"\r\n", b"\n"),
        ):
            self.refused(multipart(file("files", "a.png", b"data"), bad))

    def test_what_stands_before_the_first_boundary_is_refused(self) -> None:
        self.refused(b"preamble\r\n" + FORM)
        self.refused(b'{"a": 1}')

    def test_another_boundary_is_refused(self) -> None:
        self.refused(FORM.replace(BOUNDARY.encode(), b"----y"))


class LimitTests(ReaderCase):
    def test_a_thousand_parts_are_taken_and_no_more(self) -> None:
        self.assertEqual(len(self.read([multipart(*[field("a", b"1")] * PARTS_MAX)]).pairs), PARTS_MAX)
        self.refused(multipart(*[field("a", b"1")] * (PARTS_MAX + 1)))
        self.refused(multipart(*[file("a", "b", b"1")] * (PARTS_MAX + 1)))
        self.assertEqual(len(self.sink.files), PARTS_MAX)

    def test_ten_thousand_empty_parts_are_refused(self) -> None:
        self.refused(multipart(*[part('form-data; name="a"; filename=""', b"")] * 10_000))

    def test_a_field_holds_a_megabyte(self) -> None:
        self.read([multipart(field("a", b"x" * FIELD_BYTES_MAX))])
        self.refused(multipart(file("f", "a", b""), field("a", b"x" * (FIELD_BYTES_MAX + 1))), TooLarge)

    def test_all_fields_hold_what_the_rules_say_names_included(self) -> None:
        self.read([multipart(field("a", b"x" * 499), field("b", b"x" * 499))], fields_limit=1000)
        self.refused(multipart(field("a", b"x" * 499), field("b", b"x" * 500)), TooLarge, fields_limit=1000)
        self.refused(multipart(field("a" * 1001, b"")), TooLarge, fields_limit=1000)

    def test_files_do_not_count_for_that(self) -> None:
        self.read([multipart(file("f", "a", b"x" * 100_000))], fields_limit=1000)

    def test_the_head_of_a_part_is_limited(self) -> None:
        most = PART_HEAD_BYTES_MAX - 2000
        self.read([multipart(part(f'form-data; name="a"; filename="{"x" * most}"', b""))])
        self.refused(multipart(part(f'form-data; name="a"; filename="{"x" * PART_HEAD_BYTES_MAX}"', b"")))
        self.refused(multipart(part('form-data; name="a"', b"", "x" * PART_HEAD_BYTES_MAX)))
        many = b"".join(b"X-%d: y\r\n" % number for number in range(30))
        self.refused(multipart(field("a", b"").replace(b"Content-Disp", many + b"Content-Disp")))
        endless = f"--{BOUNDARY}\r\nContent-Disposition: ".encode() + b"x" * 1_000_000
        self.refused(endless)
        self.refused(f"--{BOUNDARY}\r\n".encode() + b"x" * 1_000_000)


class BoundaryTests(SynchronousTestCase):
    def test_a_boundary_is_found(self) -> None:
        for given_, meant in (
            ("boundary=abc", b"abc"),
            ('boundary="a b:c"', b"a b:c"),
            ("charset=utf-8; Boundary=----WebKitFormBoundaryx7; x=y", b"----WebKitFormBoundaryx7"),
            ("boundary=" + "x" * 70, b"x" * 70),
            ("boundary=a", b"a"),
        ):
            self.assertEqual(boundary_of(f"multipart/form-data; {given_}"), meant)

    def test_missing_and_malformed_ones_are_refused(self) -> None:
        for given_ in (
            "", "boundary", "boundary=", 'boundary=""', "boundary=" + "x" * 71, 'boundary="a "', "boundary=a@b",
            "boundary=a\xe9", 'boundary="a', "boundary*=utf-8''a",
        ):  # fmt: skip
            self.assertRaises(BadBody, boundary_of, f"multipart/form-data; {given_}")
