"""How many workers there are, and of what kind."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.staffing import Station, recommended, stations
from qisd.settings import ListenAddress, default_settings

_FAR = "postgresql://qis@db.example.com/qis"


def names(*, processors: int = 8, **changes: Any) -> list[str]:
    return [str(one) for one in stations(attrs.evolve(default_settings(), **changes), processors=processors)]


class StationTests(SynchronousTestCase):
    def test_by_default_there_are_two_for_each_protocol_and_one_for_tasks(self) -> None:
        self.assertEqual(names(), ["http:1", "http:2", "https:1", "https:2", "tasks:1"])

    def test_where_nothing_is_listened_to_nobody_is_needed(self) -> None:
        self.assertEqual(names(https_listen=(), http_processes=1), ["http:1", "tasks:1"])
        self.assertEqual(names(http_processes=0, https_processes=1, tasks_enabled=False), ["https:1"])

    def test_auto_is_for_the_preferred_scheme_and_two_for_the_other(self) -> None:
        auto: dict[str, Any] = {"http_processes": None, "https_processes": None, "mgmt_database_connection": _FAR}
        addresses = (ListenAddress("127.0.0.1", 1),)
        for scheme, http, https in (("http", 8, 2), ("https", 2, 8)):
            found = names(preferred_url_scheme=scheme, http_listen=addresses, https_listen=addresses, **auto)
            self.assertEqual(sum(name.startswith("http:") for name in found), http)
            self.assertEqual(sum(name.startswith("https:") for name in found), https)

    def test_behind_a_proxy_that_ends_tls_auto_is_for_http(self) -> None:
        found = names(preferred_url_scheme="https", https_listen=(), http_processes=None, mgmt_database_connection=_FAR)
        self.assertEqual(sum(name.startswith("http:") for name in found), 8)

    def test_the_database_needs_a_processor_where_it_is(self) -> None:
        for url, expected in (
            ("", 7), (_FAR, 8), ("postgresql://u:p@localhost:5432/qis", 7), ("postgresql://127.0.0.1/qis", 7),
            ("postgresql:///qis", 7), ("postgresql://u@/qis", 7), ("postgresql://localhost.example.com/qis", 8),
        ):  # fmt: skip
            settings = attrs.evolve(default_settings(), mgmt_database_connection=url)
            self.assertEqual(recommended(settings, processors=8), expected, url)

    def test_there_are_never_fewer_than_two(self) -> None:
        for processors in (1, 2, 3):
            self.assertEqual(recommended(default_settings(), processors=processors), 2)

    def test_a_station_is_told_by_a_text(self) -> None:
        for station in (Station("http", 1), Station("tasks", 1)):
            self.assertEqual(Station.of(str(station)), station)
        self.assertEqual([Station("https", 2).title, Station("tasks", 1).title], ["https worker 2", "task worker"])
