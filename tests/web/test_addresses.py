"""What is at an address."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter

from qisd.web.addresses import Addresses


class _Word(BaseConverter):
    regex = "[a-z]+"


class AddressesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addresses: Addresses[str] = Addresses({"word": _Word})
        self.addresses.add("/things/", ["GET"], "all things")
        self.addresses.add("/things/<int:number>/", ["GET", "PUT"], "a thing")
        self.addresses.add("/things/<word:name>/", ["POST"], "a deed")

    def fails(self, method: bytes, place: str, error: type[HTTPException]) -> HTTPException:
        with self.assertRaises(error) as caught:
            self.addresses.find(method, place)
        return caught.exception

    def test_things_are_found_with_and_without_a_slash_at_the_end(self) -> None:
        for place in ("/things/", "/things"):
            self.assertEqual(self.addresses.find(b"GET", place), ("all things", {}))
        for place in ("/things/7/", "/things/7"):
            self.assertEqual(self.addresses.find(b"PUT", place), ("a thing", {"number": 7}))
        self.assertEqual(self.addresses.find(b"POST", "/things/sort"), ("a deed", {"name": "sort"}))

    def test_head_comes_with_get(self) -> None:
        self.assertEqual(self.addresses.find(b"HEAD", "/things/")[0], "all things")

    def test_a_number_has_ascii_digits_only(self) -> None:
        for number in ("-1", "+1", "1.0", "\u0661", "1_0"):
            self.fails(b"GET", f"/things/{number}/", NotFound)

    def test_other_places_are_not_taken_for_one(self) -> None:
        for place in ("/", "", "//things/", "/things/7/8/", "/Things/", "/things/7\n/"):
            self.fails(b"GET", place, NotFound)

    def test_with_another_method_one_learns_which_there_are(self) -> None:
        error = self.fails(b"PUT", "/things/", MethodNotAllowed)
        self.assertEqual(set(error.valid_methods or ()), {"GET", "HEAD"})  # type: ignore[attr-defined]
        self.fails(b"\xff", "/things/", MethodNotAllowed)
