"""Whom a request really comes from."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.proxies import Origin, number_of, origin_of

OURS = (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"), ip_network("::1/128"))


def origin(**given: Any) -> Origin:
    fields: dict[str, Any] = {
        "peer": "10.1.0.1",
        "secure": False,
        "host": "inside:8080",
        "forwarded_for": None,
        "forwarded_proto": None,
        "forwarded_host": None,
        "proxies": 1,
        "trusted": OURS,
    }
    return origin_of(**(fields | given))


LIES = {"forwarded_for": "198.51.100.7", "forwarded_proto": "https", "forwarded_host": "bank.example.com"}


class NumberTests(SynchronousTestCase):
    def test_only_a_proxy_of_ours_may_give_a_number(self) -> None:
        self.assertEqual(number_of("a-1", peer="10.1.0.1", proxies=1, trusted=OURS), "a-1")
        self.assertIsNone(number_of("a-1", peer="10.1.0.1", proxies=0, trusted=OURS))
        self.assertIsNone(number_of("a-1", peer="203.0.113.9", proxies=1, trusted=OURS))

    def test_what_would_not_fit_a_log_is_no_number(self) -> None:
        for given_ in (None, "", "a b", 'a"b', "a\n", "\xe9", "x" * 65):
            self.assertIsNone(number_of(given_, peer="10.1.0.1", proxies=1, trusted=OURS), given_)


class BeliefTests(SynchronousTestCase):
    def test_without_proxies_nobody_is_believed(self) -> None:
        self.assertEqual(origin(proxies=0, **LIES), Origin(address="10.1.0.1", secure=False, host="inside:8080"))

    def test_only_the_proxies_addresses_are_believed(self) -> None:
        for peer in ("203.0.113.9", "10.2.0.1", "2001:db8::1", "", "unix", "10.1.0.1.evil"):
            self.assertEqual(origin(peer=peer, **LIES), Origin(address=peer, secure=False, host="inside:8080"))

    def test_what_the_proxy_says_counts(self) -> None:
        for peer in ("10.1.0.1", "127.0.0.1", "::1", "::ffff:10.1.0.1", "::1%lo"):
            self.assertEqual(
                origin(peer=peer, **LIES), Origin(address="198.51.100.7", secure=True, host="bank.example.com")
            )

    def test_of_several_entries_the_outermost_of_our_proxies_has_made_one(self) -> None:
        chain = "192.0.2.66, 198.51.100.7, 10.1.0.9"
        self.assertEqual(origin(forwarded_for=chain, proxies=1).address, "10.1.0.9")
        self.assertEqual(origin(forwarded_for=chain, proxies=2).address, "198.51.100.7")
        self.assertEqual(origin(forwarded_for=chain, proxies=3).address, "192.0.2.66")
        self.assertEqual(origin(forwarded_for="198.51.100.7", proxies=3).address, "198.51.100.7")

    def test_empty_entries_are_none(self) -> None:
        self.assertEqual(origin(forwarded_for=" , 198.51.100.7 ,, ").address, "198.51.100.7")
        self.assertEqual(origin(forwarded_for=" ,", forwarded_proto="", forwarded_host=" "), origin())

    def test_what_is_no_host_is_none(self) -> None:
        for text in (
            "bank.example.com/path",
            "a b",
            "me@bank.example.com",
            "bank.example.com:port",
            '"><script>',
            "\xff",
        ):
            self.assertEqual(origin(forwarded_host=text).host, "inside:8080")
        for text in ("bank.example.com:444", "[2001:db8::1]:444"):
            self.assertEqual(origin(forwarded_host=text).host, text)

    def test_what_is_no_address_is_none(self) -> None:
        for text in ("unknown", "_hidden", "198.51.100.7:80", "[2001:db8::1]", "198.51.100", "a" * 500):
            self.assertEqual(origin(forwarded_for=text).address, "10.1.0.1")
        self.assertEqual(origin(forwarded_for="2001:db8::1").address, "2001:db8::1")

    def test_a_proxy_may_say_that_it_was_plain_http(self) -> None:
        for proto, secure in (("http", False), ("HTTPS", True), ("wss", False), ("https, http", False)):
            self.assertEqual(origin(secure=True, forwarded_proto=proto).secure, secure)
        self.assertTrue(origin(secure=True).secure)

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=30), st.integers(0, 4))
    def test_any_headers_give_an_origin(self, address: str, proto: str, host: str, proxies: int) -> None:
        found = origin(forwarded_for=address, forwarded_proto=proto, forwarded_host=host, proxies=proxies)
        self.assertIsInstance(found.port, int)
        self.assertIn(found.scheme, ("http", "https"))


class PortTests(SynchronousTestCase):
    def test_the_port_is_the_one_that_the_client_has_named(self) -> None:
        for host, secure, port in (
            ("images.example.com:8443", True, 8443),
            ("images.example.com", True, 443),
            ("images.example.com", False, 80),
            ("[2001:db8::1]:81", False, 81),
            ("[2001:db8::1]", False, 80),
            ("x:", False, 80),
            ("x:٨", False, 80),
            ("x:" + "9" * 5000, False, 80),
            (None, False, 80),
        ):
            self.assertEqual(Origin(address="", secure=secure, host=host).port, port)
