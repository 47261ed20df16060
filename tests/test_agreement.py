"""What servers of a site have to agree about: :mod:`qisd.agreement`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.agreement import COMPARED, SECRET_KEY, differences, digests, faults_of, titles_of, wrong_clocks
from qisd.settings import default_settings
from qisd.settings.model import MODEL
from qisd.store.server_status import ServerStatus

KEY = b"k" * 32


def digest(name: str, *, key: bytes = KEY, **settings: Any) -> str:
    return digests(attrs.evolve(default_settings(), **settings), key=key)[name]


def server(name: str, *, ahead: float = 0.0, **told: str) -> ServerStatus:
    return ServerStatus(
        server_id=f"{name}-0123456789", name=name, version="1", digests=told, clock_ahead=ahead,
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


class DigestTests(SynchronousTestCase):
    def test_they_are_equal_for_equal_values_and_no_others(self) -> None:
        self.assertEqual(digest("MEMCACHED_PREFIX", http_threads=3), digest("MEMCACHED_PREFIX"))
        self.assertNotEqual(digest("MEMCACHED_PREFIX", memcached_prefix="a:"), digest("MEMCACHED_PREFIX"))
        self.assertNotEqual(digest(SECRET_KEY, key=b"o" * 32), digest(SECRET_KEY))

    def test_equal_values_of_two_settings_do_not_show_as_such(self) -> None:
        found = digests(default_settings(), key=KEY)
        self.assertEqual(len(set(found.values())), len(found))

    def test_the_order_of_the_servers_of_memcached_is_of_no_account(self) -> None:
        one, other = ("a:1", "b:1"), ("b:1", "a:1")
        self.assertEqual(
            digest("MEMCACHED_SERVERS", memcached_servers=one), digest("MEMCACHED_SERVERS", memcached_servers=other)
        )

    def test_no_secret_but_the_key_is_told_of(self) -> None:
        self.assertEqual([name for name in COMPARED if MODEL[name].secret], [])
        self.assertNotIn(SECRET_KEY, COMPARED)


class DifferenceTests(SynchronousTestCase):
    def test_servers_that_agree_have_none(self) -> None:
        self.assertEqual(differences([server("a", X="1"), server("b", X="1")]), [])
        self.assertEqual(differences([]), [])

    def test_it_names_the_setting_and_who_agrees_with_whom(self) -> None:
        found = differences([server("a", X="1", Y="1"), server("b", X="2", Y="1"), server("c", X="2", Y="1")])
        self.assertEqual([str(one) for one in found], ["X: b, c / a"])

    def test_what_a_server_of_another_version_does_not_tell_is_no_difference(self) -> None:
        self.assertEqual(differences([server("a", X="1", NEW="1"), server("b", X="1")]), [])

    def test_clocks_may_be_some_seconds_apart(self) -> None:
        found = wrong_clocks([server("a", ahead=4.9), server("b", ahead=-5.1), server("c")])
        self.assertEqual([one.name for one in found], ["b"])

    def test_people_are_told_of_both(self) -> None:
        self.assertEqual(
            faults_of([server("a", X="1"), server("b", X="2", ahead=-61.2)]),
            ["X: a / b", "the clock of b is -61 s off"],
        )

    def test_servers_of_one_name_are_told_apart(self) -> None:
        one, other = server("a"), attrs.evolve(server("a"), server_id="99aa88bb77")
        self.assertEqual(titles_of([one, other, server("b")]), {
            one.server_id: "a (a-0123)", other.server_id: "a (99aa88)", "b-0123456789": "b",
        })  # fmt: skip
