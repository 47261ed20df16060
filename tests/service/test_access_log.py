"""The lines of the access log."""

import json
import os
import time

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.access_log import combined_line, json_line, qis_line
from qisd.web.access import AccessEntry

ENTRY = AccessEntry(
    client="192.0.2.7",
    forwarded_for=None,
    time=1553687348.0,
    request_line="GET /image?src=/a.jpg HTTP/1.1",
    status=200,
    body_bytes=1234,
    app_us=800,
    total_us=950,
    from_cache=True,
    agent="curl/8",
    referer=None,
    request_id="0123abcd",
    protocol="https",
)


class Lines(SynchronousTestCase):
    def setUp(self) -> None:
        zone = os.environ.get("TZ")
        os.environ["TZ"] = "UTC"
        time.tzset()
        self.addCleanup(time.tzset)
        self.addCleanup(os.environ.pop, "TZ") if zone is None else self.addCleanup(os.environ.__setitem__, "TZ", zone)

    def test_the_format_qis_has_its_fields_in_order(self) -> None:
        self.assertEqual(
            qis_line(ENTRY),
            '192.0.2.7 - [27/Mar/2019:11:49:08 +0000] "GET /image?src=/a.jpg HTTP/1.1" 200 1234 800 950 True'
            ' "curl/8" "-" 0123abcd https\n',
        )

    def test_what_is_no_image_came_from_no_cache(self) -> None:
        self.assertIn(" 950 - ", qis_line(attrs.evolve(ENTRY, from_cache=None)))
        self.assertIn(" 950 False ", qis_line(attrs.evolve(ENTRY, from_cache=False)))

    def test_forwarded_addresses_are_one_field(self) -> None:
        line = qis_line(attrs.evolve(ENTRY, forwarded_for="10.0.0.1, 10.0.0.2"))
        self.assertTrue(line.startswith("192.0.2.7 10.0.0.1,10.0.0.2 ["))

    def test_forwarded_blanks_are_an_empty_field(self) -> None:
        self.assertTrue(qis_line(attrs.evolve(ENTRY, forwarded_for="  ")).startswith("192.0.2.7 - ["))

    def test_the_format_combined_is_that_of_other_servers(self) -> None:
        self.assertEqual(
            combined_line(ENTRY),
            '192.0.2.7 - - [27/Mar/2019:11:49:08 +0000] "GET /image?src=/a.jpg HTTP/1.1" 200 1234 "-" "curl/8"\n',
        )

    def test_the_format_json_has_every_field(self) -> None:
        fields = json.loads(json_line(ENTRY))
        self.assertEqual(fields["ts"], "2019-03-27T11:49:08.000Z")
        self.assertEqual((fields["status"], fields["from_cache"], fields["referer"]), (200, True, None))
