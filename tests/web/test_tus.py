"""The headers of resumable uploads."""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.repository.growing import Checksum
from qisd.web import tus


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class HeaderTests(SynchronousTestCase):
    def test_metadata_is_pairs_of_a_key_and_a_value_in_base64(self) -> None:
        header = f"filename {encoded('Küche, 1.jpg')},path {encoded('/a')}, empty"
        self.assertEqual(tus.metadata(header), {"filename": "Küche, 1.jpg", "path": "/a", "empty": ""})
        self.assertEqual(tus.metadata(None), {})

    def test_metadata_that_can_not_be_read_is_refused(self) -> None:
        for header in ("a ???", "a YQ==,a YQ==", ",", "a YQ==,", "ä YQ==", "a /w==", "a " + "A" * 9000):
            with self.assertRaises(BadParameter):
                tus.metadata(header)

    def test_a_checksum_is_a_kind_and_a_digest(self) -> None:
        self.assertEqual(tus.checksum(f"sha1 {encoded('x')}"), Checksum("sha1", b"x"))
        self.assertIsNone(tus.checksum(None))
        for header in ("", "sha1", "md5 YQ==", "sha1 ???", "sha256 ä"):
            if header != "sha1":
                with self.assertRaises(BadParameter):
                    tus.checksum(header)

    def test_numbers_are_digits(self) -> None:
        self.assertEqual(tus.number("Upload-Length", "0"), 0)
        for header in (None, "", "-1", "+1", "1.0", "1_0", "9" * 19, "٣"):
            with self.assertRaises(BadParameter):
                tus.number("Upload-Length", header)
