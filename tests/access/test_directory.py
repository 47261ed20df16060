from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.access import directory_login
from qisd.access.directory import Directory, DirectorySettings, DirectoryUser
from qisd.access.directory_schema import KINDS, Entry
from qisd.access.directory_server import Outcome, Transport
from qisd.errors import DirectoryFailure
from qisd.settings import default_settings

T = TypeVar("T")

DN = "uid=anna,dc=example,dc=com"
ANNA = Entry(dn=DN, attributes={"uid": [b"Anna"], "cn": [b"anna meyer"]})
RIGHT = Outcome(0, "success (0)")
WRONG = Outcome(49, "invalidCredentials (49)")


def settings(kind: str = "OpenLDAPPosix", **more: object) -> DirectorySettings:
    values: dict[str, object] = {
        "server_type": kind,
        "server": "ldap.example.com",
        "query_base": "dc=example,dc=com",
        "start_tls": False,
    }
    return DirectorySettings(**(values | more))  # type: ignore[arg-type]


class FakeServer:
    """What a server answers, and what it was asked."""

    def __init__(self) -> None:
        self.people = [ANNA]
        self.groups: list[Entry] = []
        self.outcomes: dict[str, Outcome] = {"": RIGHT, DN: RIGHT, "cn=reader": RIGHT}
        self.who: str | None = f"dn:{DN}"
        self.binds: list[tuple[str, str]] = []
        self.open = 0
        self.connections = 0

    @contextmanager
    def connected(self, transport: Transport) -> Iterator[FakeServer]:
        self.open += 1
        self.connections += 1
        try:
            yield self
        finally:
            self.open -= 1

    def bind(self, dn: str, password: str) -> Outcome:
        self.binds.append((dn, password))
        return self.outcomes[dn]

    def bind_anonymously(self) -> Outcome:
        return self.bind("", "")

    def search(self, base: str, condition: str, attributes: list[str], *, limit: int) -> list[Entry]:
        return self.groups if "ember" in condition else self.people[:limit]

    def who_am_i(self) -> str | None:
        return self.who


class DirectoryTests(SynchronousTestCase):
    """Logging in at a server that answers as it is told to."""

    def setUp(self) -> None:
        self.server = FakeServer()
        self.patch(directory_login, "connected", self.server.connected)
        self.asked = 0

    def run_now(self, work: Callable[[], T]) -> Awaitable[T]:
        self.asked += 1

        async def run() -> T:
            return work()

        return run()

    def log_in(
        self, username: str = "anna", password: str = "secret", *, values: DirectorySettings | None = None
    ) -> DirectoryUser | None:
        house = Directory(values or settings(), run=self.run_now)
        result = self.successResultOf(Deferred.fromCoroutine(house.authenticate(username, password)))
        self.assertEqual(self.server.open, 0)
        return result

    def fail_to_log_in(self, values: DirectorySettings | None = None) -> DirectoryFailure:
        house = Directory(values or settings(), run=self.run_now)
        failure = self.failureResultOf(Deferred.fromCoroutine(house.authenticate("anna", "secret")), DirectoryFailure)
        self.assertEqual(self.server.open, 0)
        error = failure.value
        assert isinstance(error, DirectoryFailure)
        self.assertEqual(error.status, 500)
        self.assertEqual(error.message, "An error occurred while asking the directory.")
        self.assertNotIn("secret", error.detail)
        return error

    def test_the_right_password_tells_who_it_is(self) -> None:
        self.assertEqual(self.log_in(), DirectoryUser(username="Anna", first_name="Anna", last_name="Meyer", dn=DN))
        self.assertEqual(self.server.binds, [("", ""), (DN, "secret")])
        self.assertEqual(self.server.connections, 2)

    def test_nobody_is_asked_about_an_empty_password_or_an_impossible_name(self) -> None:
        for username, password in (
            ("anna", ""),
            ("", "secret"),
            ("  ", "secret"),
            ("an\0na", "secret"),
            ("a" * 121, "secret"),
            ("an\udc80na", "secret"),
            ("anna", "\udc80"),
        ):
            with self.subTest(username=username, password=password):
                self.assertIsNone(self.log_in(username, password))
        self.assertEqual(self.asked, 0)

    def test_a_name_of_120_characters_is_asked_about(self) -> None:
        self.log_in("ä" * 120)
        self.assertEqual(self.asked, 1)

    def test_an_unknown_name_is_refused_without_trying_a_password(self) -> None:
        self.server.people = []
        self.assertIsNone(self.log_in())
        self.assertEqual(self.server.binds, [("", "")])

    def test_more_than_one_entry_is_refused_without_trying_a_password(self) -> None:
        self.server.people = [ANNA, ANNA]
        self.assertIsNone(self.log_in())
        self.assertEqual(self.server.binds, [("", "")])

    def test_an_entry_without_a_name_is_no_person(self) -> None:
        self.server.people = [Entry(dn="", attributes=ANNA.attributes)]
        self.assertIsNone(self.log_in())
        self.assertEqual(self.server.binds, [("", "")])

    def test_an_entry_whose_user_name_can_be_none_is_refused(self) -> None:
        for name in ([], [b"a" * 121], [b"an\0na"]):
            with self.subTest(name=name):
                self.server.people = [Entry(dn=DN, attributes={"uid": name})]
                self.assertIsNone(self.log_in())

    def test_answers_about_the_person_refuse_and_others_are_failures(self) -> None:
        for code in (19, 32, 48, 49, 50, 53):
            with self.subTest(code=code):
                self.server.outcomes[DN] = Outcome(code, "no")
                self.assertIsNone(self.log_in())
        for code in (1, 2, 8, 10, 13, 51, 52, 80):
            with self.subTest(code=code):
                self.server.outcomes[DN] = Outcome(code, f"no ({code})")
                self.assertIn(f"({code})", self.fail_to_log_in().detail)

    def test_who_the_server_takes_us_for_must_be_the_person(self) -> None:
        for who in ("", "dn:", "dn:uid=other,dc=example,dc=com", "u:anna", DN):
            with self.subTest(who=who):
                self.server.who = who
                self.assertIsNone(self.log_in())

    def test_the_person_may_be_named_in_another_spelling(self) -> None:
        self.server.who = "DN: UID=Anna, dc=example,dc=com"
        self.assertIsNotNone(self.log_in())

    def test_a_server_that_does_not_know_the_question_is_believed(self) -> None:
        self.server.who = None
        self.assertIsNotNone(self.log_in())

    def test_active_directory_is_not_asked_for_it(self) -> None:
        self.server.who = "u:EXAMPLE\\anna"
        self.server.people = [Entry(dn=DN, attributes={"samaccountname": [b"anna"]})]
        values = settings("ActiveDirectory", bind_user_dn="cn=reader", bind_password="reads")
        self.assertIsNotNone(self.log_in(values=values))

    def test_the_search_is_done_by_the_service_account_if_there_is_one(self) -> None:
        for kind in ("ActiveDirectory", "openldapposix"):
            self.server.binds.clear()
            self.log_in(values=settings(kind, bind_user_dn="cn=reader", bind_password="reads"))
            self.assertEqual(self.server.binds[0], ("cn=reader", "reads"))

    def test_a_service_account_that_is_refused_is_a_failure(self) -> None:
        self.server.outcomes["cn=reader"] = WRONG
        error = self.fail_to_log_in(settings(bind_user_dn="cn=reader", bind_password="reads"))
        self.assertNotIn("reads", error.detail)

    def test_a_service_account_is_never_asked_without_its_password(self) -> None:
        for values in (
            settings("ActiveDirectory"),
            settings("ActiveDirectory", bind_user_dn="cn=reader"),
            settings("Apple", bind_user_dn="cn=reader"),
        ):
            self.fail_to_log_in(values)
        self.assertEqual(self.server.binds, [])

    def test_settings_that_make_no_sense_are_a_failure(self) -> None:
        for values in (
            settings(""),
            settings("Novell"),
            settings(server="http://x"),
            settings(start_tls=True, ca_file=Path("/nonexistent")),
        ):
            with self.subTest(values=values):
                self.fail_to_log_in(values)

    def test_whatever_goes_wrong_is_a_failure(self) -> None:
        def stumble(*_: object, **__: object) -> list[Entry]:
            raise KeyError("an answer that is none")

        self.patch(self.server, "search", stumble)
        self.assertIn("an answer that is none", self.fail_to_log_in().detail)

    def test_groups_are_looked_up_only_when_they_are_synchronised(self) -> None:
        names = [[b"Editors"], [b"Staff", b"Personal"], []]
        self.server.groups = [Entry(dn="cn=x", attributes={"cn": cn}) for cn in names]
        without, user = self.log_in(), self.log_in(values=settings(group_sync=True))
        assert without is not None
        assert user is not None
        self.assertEqual(without.groups, frozenset())
        self.assertEqual(user.groups, {"Editors", "Staff", "Personal"})

    def test_the_settings_do_not_show_the_password(self) -> None:
        self.assertNotIn("reads", repr(settings(bind_password="reads")))


class SettingsTests(SynchronousTestCase):
    """From the settings of the daemon."""

    def test_without_integration_there_are_none(self) -> None:
        self.assertIsNone(DirectorySettings.of(default_settings()))

    def test_all_of_them_are_taken_over(self) -> None:
        values = {
            "server_type": "Apple",
            "server": "ldap.example.com:1389",
            "query_base": "dc=example,dc=com",
            "bind_user_dn": "cn=reader",
            "bind_password": "reads",
            "secure": True,
            "start_tls": False,
            "ca_file": Path("/etc/ssl/ca.pem"),
            "timeout": 17,
            "group_sync": True,
        }
        given = attrs.evolve(
            default_settings(), ldap_integration=True, **{f"ldap_{name}": value for name, value in values.items()}
        )
        self.assertEqual(DirectorySettings.of(given), DirectorySettings(**values))  # type: ignore[arg-type]

    def test_every_kind_that_may_be_set_is_known(self) -> None:
        for name in ("OpenLDAPPosix", "OpenLDAPOrganizational", "Apple", "ActiveDirectory"):
            self.assertIn(name.lower(), KINDS)
