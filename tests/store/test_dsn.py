from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import SettingsError
from qisd.store.dsn import hosts_of, parameters_of


class ParametersTests(SynchronousTestCase):
    """From the URL to libpq's parameters."""

    def test_every_spelling_of_the_scheme_means_the_same(self) -> None:
        expected = parameters_of("postgresql://u:p@h:5433/d", query_timeout=10)
        self.assertEqual(
            {key: expected[key] for key in ("user", "password", "host", "port", "dbname")},
            {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d"},
        )
        for scheme in ("postgres", "postgresql+psycopg2", "postgres+psycopg2", "PostgreSQL"):
            with self.subTest(scheme=scheme):
                self.assertEqual(parameters_of(f"{scheme}://u:p@h:5433/d", query_timeout=10), expected)

    def test_what_the_url_leaves_open_gets_time_limits(self) -> None:
        parameters = parameters_of("postgresql:///qis-mgmt", query_timeout=2.5)
        self.assertEqual(parameters["keepalives_idle"], "10")
        self.assertEqual(parameters["keepalives_interval"], "5")
        self.assertEqual(parameters["keepalives_count"], "3")
        self.assertEqual(parameters["connect_timeout"], "5")
        self.assertIn("-c statement_timeout=2500", parameters["options"])
        self.assertIn("-c TimeZone=UTC", parameters["options"])

    def test_what_the_url_says_wins(self) -> None:
        parameters = parameters_of(
            "postgresql:///d?connect_timeout=9&options=-cstatement_timeout%3D7&sslmode=verify-full&keepalives_idle=1",
            query_timeout=2,
        )
        self.assertEqual(parameters["connect_timeout"], "9")
        self.assertEqual(parameters["keepalives_idle"], "1")
        self.assertEqual(parameters["sslmode"], "verify-full")
        self.assertTrue(parameters["options"].endswith("-cstatement_timeout=7"), parameters["options"])

    def test_a_url_that_can_not_be_used_is_refused_without_telling_the_password(self) -> None:
        for bad in (
            "",
            "geheim",
            "mysql://u:geheim@h/d",
            "postgresql:/u:geheim@h",
            "postgresql://u:geheim@h:port/d?sslmode",
            "postgresql://u:geheim@h/d?nosuch=1",
            "postgresql://u:geheim@h/d?connect_timeout=soon",
            "postgresql://u:geheim@a,b,c:1,2/d?port=1,2",
            "postgresql://u:%00geheim@h/d",
        ):
            with self.subTest(bad=bad), self.assertRaises(SettingsError) as raised:
                parameters_of(bad, query_timeout=1)
            self.assertTrue(str(raised.exception).startswith("MGMT_DATABASE_CONNECTION: "))
            self.assertNotIn("geheim", str(raised.exception))
            self.assertIsNone(raised.exception.__cause__)

    @given(st.text())
    @settings(deadline=None, max_examples=100, derandomize=True)
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            parameters = parameters_of("postgresql://" + text, query_timeout=1)
        except SettingsError:
            return
        self.assertIn("options", parameters)


class HostsTests(SynchronousTestCase):
    """Several hosts become one set of parameters each."""

    def places(self, url: str) -> list[tuple[str | None, str | None]]:
        found = hosts_of(parameters_of(url, query_timeout=1))
        return [(one.get("host"), one.get("port")) for one in found]

    def test_each_host_has_its_own_port(self) -> None:
        url = "postgresql://h1:5432,h2:5433/d?target_session_attrs=read-write"
        self.assertEqual(self.places(url), [("h1", "5432"), ("h2", "5433")])
        found = hosts_of(parameters_of(url, query_timeout=1))
        self.assertEqual([one["target_session_attrs"] for one in found], ["read-write"] * 2)

    def test_of_several_hosts_the_one_that_can_be_written_to_is_meant(self) -> None:
        self.assertEqual(parameters_of("postgresql://a,b/d", query_timeout=1)["target_session_attrs"], "read-write")
        self.assertNotIn("target_session_attrs", parameters_of("postgresql://a/d", query_timeout=1))
        given = parameters_of("postgresql://a,b/d?target_session_attrs=any", query_timeout=1)
        self.assertEqual(given["target_session_attrs"], "any")

    def test_one_port_serves_for_all(self) -> None:
        self.assertEqual(self.places("postgresql:///d?host=a,b&port=6000"), [("a", "6000"), ("b", "6000")])

    def test_without_a_host_there_is_one_place(self) -> None:
        self.assertEqual(self.places("postgresql:///d"), [(None, None)])
        self.assertEqual(self.places("postgresql:///d?host=/run/postgresql"), [("/run/postgresql", None)])
