"""Names of fields and files, as browsers, curl and old libraries write them."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.bad_body import BadBody
from qisd.web.disposition import Disposition, parse_disposition


class DispositionTests(SynchronousTestCase):
    def filename(self, parameter: str) -> str | None:
        return parse_disposition(f'form-data; name="f"; {parameter}'.encode()).filename

    def test_a_field_has_a_name(self) -> None:
        for header in (b'form-data; name="a b"', b'Form-Data;NAME="a b"', b' form-data ;  name = "a b" ; '):
            self.assertEqual(parse_disposition(header), Disposition(name="a b", filename=None))
        self.assertEqual(parse_disposition(b"form-data; name=a").name, "a")
        self.assertEqual(parse_disposition(b'form-data; name=""').name, "")

    def test_a_file_has_the_name_that_was_sent(self) -> None:
        for sent, meant in (
            ('filename="a.png"', "a.png"),
            ("filename=a.png", "a.png"),
            ('filename=""', ""),
            ('filename="dir/sub/a.png"', "dir/sub/a.png"),
            ('filename="König — 写真.png"', "König — 写真.png"),
            ('filename="a;b=c, d.png"', "a;b=c, d.png"),
            ('filename="../../etc/passwd"', "../../etc/passwd"),
            ('filename="C:\\photos\\a.png"', "C:\\photos\\a.png"),
        ):
            self.assertEqual(self.filename(sent), meant)

    def test_what_browsers_escape_is_restored_and_nothing_else(self) -> None:
        self.assertEqual(self.filename('filename="a%22b%0D%0ac%41%2F.png"'), 'a"b\r\nc%41%2F.png')

    def test_what_curl_escapes_is_restored(self) -> None:
        self.assertEqual(self.filename(r'filename="a\"b\\c.png"'), 'a"b\\c.png')

    def test_the_extended_form_counts_where_there_is_no_other(self) -> None:
        self.assertEqual(self.filename("filename*=UTF-8''K%C3%B6nig%22%2522.png"), 'König"%22.png')
        self.assertEqual(self.filename("filename=\"a.png\"; filename*=utf-8''b.png"), "a.png")
        for malformed in ("latin-1''a", "UTF-8'a", "UTF-8''%ff", "UTF-8''a\"b"):
            self.assertRaises(BadBody, self.filename, f"filename*={malformed}")

    def test_malformed_headers_are_refused(self) -> None:
        for header in (
            b"", b"form-data", b"form-data;", b'attachment; name="a"', b'form-datax; name="a"',
            b'form-data; filename="a"',
            b'form-data; name="a', b'form-data; name="a"; name="b"', b'form-data; name="a"; name="a"',
            b'form-data name="a"', b'form-data; name="a" filename="b"', b'form-data; name="a"x', b'form-data; ="a"',
            b'form-data; name="a"; filename="b"c"', b'form-data; name="\xff"', b'form-data; name="a"; filename="\xff"',
            b'form-data; name="a"; filename="b\\"', b"form-data; name=a; filename=b; filename=c",
            b'form-data; name="a\0"', b'form-data; name="a"; filename="b\0.png"',
            b"form-data; name=a; filename*=UTF-8''b%00.png",
        ):  # fmt: skip
            self.assertRaises(BadBody, parse_disposition, header)

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
    def test_any_name_that_a_browser_sends_comes_out_again(self, name: str) -> None:
        # A backslash or an escape in a name can't be told from one that the browser has put there.
        sent = name = name.replace("\\", "/").replace("%", "")
        for char, escape in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
            sent = sent.replace(char, escape)
        self.assertEqual(self.filename(f'filename="{sent}"'), name)

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(st.text(alphabet="form-data; name=\"\\=a*'%22", max_size=40))
    def test_any_header_is_read_or_refused(self, header: str) -> None:
        with contextlib.suppress(BadBody):
            parse_disposition(header.encode())
