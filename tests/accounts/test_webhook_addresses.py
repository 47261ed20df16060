"""Where webhooks may lead."""

from __future__ import annotations

import ipaddress

from twisted.trial.unittest import SynchronousTestCase

from qisd.accounts.webhook_addresses import check_url, may_be_reached
from qisd.errors import BadParameter

PRIVATE = """
127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1
255.255.255.255 240.0.0.1 192.0.2.1 198.18.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12::1 fec0::1 ff02::1 2001:db8::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:c0a8:101::
2001:0:4136:e378:8000:63bf:f5ff:fffe
""".split()  # noqa: SIM905
PUBLIC = "1.1.1.1 93.184.215.14 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101".split()  # noqa: SIM905


class AddressTests(SynchronousTestCase):
    def test_only_public_addresses_are_reached(self) -> None:
        for text in PRIVATE:
            self.assertFalse(may_be_reached(ipaddress.ip_address(text)), text)
        for text in PUBLIC:
            self.assertTrue(may_be_reached(ipaddress.ip_address(text)), text)

    def test_networks_can_be_allowed(self) -> None:
        allowed = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]
        for text in ("10.1.2.3", "::1", "::ffff:10.0.0.1"):
            self.assertTrue(may_be_reached(ipaddress.ip_address(text), allowed=allowed), text)
        self.assertFalse(may_be_reached(ipaddress.ip_address("127.0.0.1"), allowed=allowed))


class UrlTests(SynchronousTestCase):
    def test_good_ones(self) -> None:
        for url in ("https://a.example/x?y=1", "http://a.example:8080", "https://1.1.1.1/", "https://[2606:4700::1]/"):
            self.assertEqual(check_url(url, allowed=()), url)

    def test_bad_ones(self) -> None:
        for url in (
            "", "a.example", "ftp://a.example/", "https://", "https:///x", "https://u@a.example/", "https://u:p@a.example/",
            "https://a.example/#x", "https://a.example:0/", "https://a.example:x/", "https://a.example:70000/",
            "https://a .example/", "https://ä.example/", "https://a.example/\n", "https://127.0.0.1/", "https://[::1]/",
            "https://[fe80::1%25eth0]/", "https://[x/", "https://a.example/" + "x" * 1024, "file:///etc/passwd",
        ):  # fmt: skip
            with self.assertRaises(BadParameter, msg=url):
                check_url(url, allowed=())
