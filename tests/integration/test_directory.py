"""Logging in by a real LDAP server, and by servers that aren't any."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import ldap3
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from qisd.access.directory import Directory, DirectorySettings, DirectoryUser
from qisd.errors import DirectoryFailure
from tests.integration.postgres import require_services
from tests.integration.slapd import BASE, READER_DN, READER_PASSWORD, DirectoryServer

PASSWORD = "wide-awake-penguin"
KINDS = ("OpenLDAPPosix", "OpenLDAPOrganizational", "Apple", "ActiveDirectory")


class DirectoryCase(TestCase):
    """A test that logs in; what it logs never holds a password."""

    timeout = 300

    def setUp(self) -> None:
        require_services()
        self.events: list[LogEvent] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    async def log_in(
        self, settings: DirectorySettings, username: str = "anna", password: str = PASSWORD
    ) -> DirectoryUser | None:
        try:
            return await Directory(settings, run=deferToThread).authenticate(username, password)
        finally:
            for event in self.events:
                self.assertNotIn(PASSWORD, f"{formatEvent(event)} {event}")
                self.assertNotIn(READER_PASSWORD, f"{formatEvent(event)} {event}")

    async def fail_to_log_in(self, settings: DirectorySettings, username: str = "anna") -> str:
        """The detail of the failure."""
        with self.assertRaises(DirectoryFailure) as raised:
            await self.log_in(settings, username)
        self.assertEqual(raised.exception.status, 500)
        for password in (PASSWORD, READER_PASSWORD):
            self.assertNotIn(password, raised.exception.detail)
        return raised.exception.detail

    def warnings(self) -> list[str]:
        return [formatEvent(event) for event in self.events if event["log_level"].name == "warn"]


class SlapdCase(DirectoryCase):
    """A test with a server of its own."""

    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        super().setUp()
        self.server = self.start(**self.options)

    def start(self, **options: Any) -> DirectoryServer:
        server = DirectoryServer(**options)
        self.addCleanup(server.remove)
        server.start()
        return server


class PasswordTests(SlapdCase):
    """Names and passwords."""

    async def test_in_each_kind_of_directory_only_the_right_password_of_a_known_name_logs_in(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                dn = self.server.add_user("Anna", PASSWORD, kind=kind, cn="anna MEYER")
                settings = self.server.settings(kind)
                self.assertEqual(
                    await self.log_in(settings, "anna"),
                    DirectoryUser(username="Anna", first_name="Anna", last_name="Meyer", dn=dn),
                )
                self.assertIsNone(await self.log_in(settings, "anna", "wrong"))
                self.assertIsNone(await self.log_in(settings, "anna", PASSWORD.upper()))
                self.assertIsNone(await self.log_in(settings, "hanna"))
        self.assertEqual(self.warnings(), [])

    async def test_somebody_of_another_kind_is_unknown(self) -> None:
        self.server.add_user("anna", PASSWORD, kind="OpenLDAPOrganizational")
        base = self.server.base("OpenLDAPOrganizational")
        self.assertIsNone(await self.log_in(self.server.settings("OpenLDAPPosix", query_base=base)))
        self.assertIsNotNone(await self.log_in(self.server.settings("OpenLDAPOrganizational", query_base=base)))

    async def test_no_password_logs_nobody_in_though_the_server_would(self) -> None:
        dn = self.server.add_user("anna", PASSWORD)
        connection = ldap3.Connection(ldap3.Server(self.server.url, get_info=ldap3.NONE), dn, "x")
        connection.open()
        connection.authentication = ldap3.ANONYMOUS
        connection.user = None
        self.assertTrue(connection.bind())
        connection.unbind()
        for password in ("", "\u00ad", "\u200b", "\0", " "):
            with self.subTest(password=password):
                self.assertIsNone(await self.log_in(self.server.settings(), "anna", password))

    async def test_characters_with_a_meaning_in_filters_have_none_in_names(self) -> None:
        self.server.add_user("anna", PASSWORD)
        names = [
            "*",
            "a*",
            "*)(uid=*",
            "anna)(uid=*",
            "anna)(|(uid=*",
            "\\",
            "\\61nna",
            "an\\6ea",
            "(anna",
            "anna)",
            "\0",
        ]
        for name in [*names, "anna\0", "anna)(objectClass=*)", "&", "|(uid=anna)", "!", "=", "~=", ">="]:
            with self.subTest(name=name):
                self.assertIsNone(await self.log_in(self.server.settings(), name))
        self.assertEqual(self.warnings(), [])

    async def test_somebody_whose_name_is_made_of_such_characters_can_log_in(self) -> None:
        for name in ("*)(uid=*", "\\2a", "o'hara (x)", 'a,b+c=d;e<f>g#h"i'):
            with self.subTest(name=name):
                self.server.add_user(name, PASSWORD, cn=f"{name} x")
                user = await self.log_in(self.server.settings(), name)
                assert user is not None
                self.assertEqual(user.username, name)

    async def test_names_and_passwords_may_have_letters_beyond_ascii(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                dn = self.server.add_user("Jörg.Øre", "Schlüssel-日本", kind=kind, cn="JÖRG øre")
                user = await self.log_in(self.server.settings(kind), "jörg.øre", "Schlüssel-日本")
                expected = DirectoryUser(username="Jörg.Øre", first_name="Jörg", last_name="Øre", dn=dn)
                self.assertEqual(user, expected)
                self.assertIsNone(await self.log_in(self.server.settings(kind), "jörg.øre", "Schlussel-日本"))

    async def test_the_parts_of_a_name_are_used_when_the_whole_has_not_two_words(self) -> None:
        self.server.add_user("anna", PASSWORD, cn="Dr. Anna Meyer", givenName="ANNA", sn="meyer")
        self.server.add_user("ben", PASSWORD, kind="ActiveDirectory", cn="Ben", sn=None)
        anna = await self.log_in(self.server.settings(), "anna")
        ben = await self.log_in(self.server.settings("ActiveDirectory"), "ben")
        assert anna is not None
        assert ben is not None
        self.assertEqual((anna.first_name, anna.last_name), ("Anna", "Meyer"))
        self.assertEqual((ben.first_name, ben.last_name), ("Unknown", "Unknown"))

    async def test_a_name_that_two_have_is_nobodys_and_the_administrator_is_told(self) -> None:
        for password in (PASSWORD, "another-penguin", "a-third-penguin"):
            self.server.add_user("anna", password)
            told = self.warnings()
        self.assertEqual(told, [])
        self.assertIsNone(await self.log_in(self.server.settings()))
        self.assertEqual(self.warnings(), ["the directory refuses 'anna': several entries have this uid"])

    async def test_somebody_who_is_locked_there_or_has_no_password_is_refused(self) -> None:
        locked, without = self.server.add_user("anna", PASSWORD), self.server.add_user("ben", PASSWORD)
        self.assertIsNotNone(await self.log_in(self.server.settings(), "anna"))
        self.assertIsNotNone(await self.log_in(self.server.settings(), "ben"))
        self.server.disable(locked)
        self.server.replace(without, userPassword=[])
        self.assertIsNone(await self.log_in(self.server.settings(), "anna"))
        self.assertIsNone(await self.log_in(self.server.settings(), "ben"))


class ServiceAccountTests(SlapdCase):
    """The account to search with."""

    async def test_active_directory_shows_people_only_to_it(self) -> None:
        self.server.add_user("anna", PASSWORD, kind="ActiveDirectory")
        base = self.server.base("ActiveDirectory")
        self.assertIsNotNone(await self.log_in(self.server.settings("ActiveDirectory")))
        await self.fail_to_log_in(self.server.settings("OpenLDAPPosix", query_base=base))

    async def test_it_may_be_used_with_the_other_kinds_as_well(self) -> None:
        self.server.add_user("anna", PASSWORD)
        settings = self.server.settings(bind_user_dn=READER_DN, bind_password=READER_PASSWORD)
        self.assertIsNotNone(await self.log_in(settings))
        await self.fail_to_log_in(self.server.settings(bind_user_dn=READER_DN, bind_password="wrong"))

    async def test_when_it_is_disabled_that_is_a_failure_and_not_a_wrong_password(self) -> None:
        self.server.add_user("anna", PASSWORD, kind="ActiveDirectory")
        self.server.disable(READER_DN)
        detail = await self.fail_to_log_in(self.server.settings("ActiveDirectory"))
        self.assertEqual(detail, "bind before the search failed: invalidCredentials (49)")


class GroupTests(SlapdCase):
    """Groups of the directory."""

    def add_group(self, name: str, classes: list[str], kind: str = "OpenLDAPPosix", **attributes: object) -> None:
        values = {key.replace("_", "-"): value for key, value in attributes.items()}
        self.server.add(f"cn={name},{self.server.base(kind)}", classes, values)

    async def groups(self, kind: str = "OpenLDAPPosix", **more: object) -> frozenset[str]:
        user = await self.log_in(self.server.settings(kind, **({"group_sync": True} | more)))
        assert user is not None
        return user.groups

    async def test_those_of_all_usual_classes_are_found(self) -> None:
        dn = self.server.add_user("Anna", PASSWORD, gidNumber="77")
        self.add_group("Büro", ["posixGroup"], gidNumber="5", memberUid=["ben", "Anna"])
        self.add_group("primary", ["posixGroup"], gidNumber="77")
        self.add_group("names", ["groupOfNames"], member=[dn])
        self.add_group("unique", ["groupOfUniqueNames"], uniqueMember=[dn])
        self.add_group("of others", ["posixGroup"], gidNumber="6", memberUid=["ben"])
        self.add_group("of another", ["groupOfNames"], member=[READER_DN])
        self.assertEqual(await self.groups(), {"Büro", "primary", "names", "unique"})
        self.assertEqual(await self.groups(group_sync=False), frozenset())

    async def test_apple_may_name_people_by_their_unique_id(self) -> None:
        self.server.add_user("anna", PASSWORD, kind="Apple", apple_generateduid="AB-12")
        classes = ["posixGroup", "apple-group"]
        self.add_group("editors", classes, "Apple", gidNumber="5", apple_group_memberguid="AB-12")
        self.add_group("others", classes, "Apple", gidNumber="6", apple_group_memberguid="AB-13")
        self.assertEqual(await self.groups("Apple"), {"editors"})

    async def test_active_directory_has_members_and_a_primary_group(self) -> None:
        domain = bytes.fromhex("0105000000000005150000000102030405060708090a0b0c")
        anna, users, others = (domain + number.to_bytes(4, "little") for number in (1105, 513, 514))
        dn = self.server.add_user("anna", PASSWORD, kind="ActiveDirectory", objectSid=anna, primaryGroupID="513")
        self.add_group("Domain Users", ["group"], "ActiveDirectory", objectSid=users)
        self.add_group("Domain Guests", ["group"], "ActiveDirectory", objectSid=others)
        self.add_group("Editors", ["group"], "ActiveDirectory", member=[dn])
        self.assertEqual(await self.groups("ActiveDirectory"), {"Domain Users", "Editors"})


class TransportTests(SlapdCase):
    """Who is spoken to, and how safely."""

    def setUp(self) -> None:
        super().setUp()
        self.server.add_user("anna", PASSWORD)

    async def test_ldaps_start_tls_and_plain_text_all_work(self) -> None:
        host, tls_host = (url.partition("//")[2] for url in (self.server.url, self.server.tls_url))
        for settings in (
            self.server.settings(server=self.server.tls_url),
            self.server.settings(server=self.server.tls_url, start_tls=False),
            self.server.settings(server=tls_host, secure=True),
            self.server.settings(server=self.server.url, start_tls=True),
            self.server.settings(server=host.replace("127.0.0.1", "localhost"), start_tls=True),
            self.server.settings(server=host, start_tls=False),
        ):
            with self.subTest(settings=settings):
                self.assertIsNotNone(await self.log_in(settings))

    async def test_a_server_whose_certificate_another_authority_signed_is_not_spoken_to(self) -> None:
        another = self.start()
        for server in (self.server.url, self.server.tls_url):
            for ca_file in (another.ca_file, None):
                with self.subTest(server=server, ca_file=ca_file):
                    detail = await self.fail_to_log_in(self.server.settings(server=server, ca_file=ca_file))
                    self.assertIn("certificate verify failed", detail)

    async def test_a_certificate_for_another_host_is_not_taken(self) -> None:
        elsewhere = self.start(hosts=("elsewhere.example.com", "127.0.0.2"))
        elsewhere.add_user("anna", PASSWORD)
        for server in (elsewhere.url, elsewhere.tls_url):
            with self.subTest(server=server):
                detail = await self.fail_to_log_in(elsewhere.settings(server=server))
                self.assertIn("IP address mismatch", detail)

    async def test_a_file_that_holds_no_authority_is_a_failure(self) -> None:
        await self.fail_to_log_in(self.server.settings(ca_file=self.server.home / "slapd.conf"))
        await self.fail_to_log_in(self.server.settings(ca_file=self.server.home / "missing.pem"))

    async def test_a_server_that_wants_tls_is_asked_for_it(self) -> None:
        strict = self.start(requires_tls=True)
        strict.add_user("anna", PASSWORD)
        self.assertIsNotNone(await self.log_in(strict.settings(start_tls=True)))
        self.assertIn("(13)", await self.fail_to_log_in(strict.settings(start_tls=False)))

    async def test_a_server_without_tls_is_spoken_to_only_when_nobody_asks_for_it(self) -> None:
        plain = self.start(hosts=())
        plain.add_user("anna", PASSWORD)
        self.assertIsNotNone(await self.log_in(plain.settings(start_tls=False)))
        await self.fail_to_log_in(plain.settings(start_tls=True))

    async def test_a_server_that_is_down_is_a_failure_until_it_is_back(self) -> None:
        settings = self.server.settings()
        self.server.stop()
        await self.fail_to_log_in(settings)
        await self.fail_to_log_in(self.server.settings(server=self.server.tls_url))
        self.server.start()
        self.assertIsNotNone(await self.log_in(self.server.settings()))

    async def test_a_base_that_is_not_there_is_a_failure(self) -> None:
        self.assertIn("noSuchObject", await self.fail_to_log_in(self.server.settings(query_base=f"ou=none,{BASE}")))

    async def test_references_to_other_servers_are_not_followed(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            url = f"ldap://127.0.0.1:{other.getsockname()[1]}/{BASE}"
            base = self.server.base("OpenLDAPPosix")
            self.server.add(f"ou=elsewhere,{base}", ["referral", "extensibleObject"], {"ref": url})
            self.assertIsNotNone(await self.log_in(self.server.settings()))
            await self.fail_to_log_in(self.server.settings(query_base=f"ou=elsewhere,{base}"))
            other.setblocking(False)
            with self.assertRaises(BlockingIOError):
                other.accept()


class StrangeServerTests(DirectoryCase):
    """Servers that are none, or not as they should be."""

    def settings(self, port: int, **more: Any) -> DirectorySettings:
        values = {"server": f"ldap://127.0.0.1:{port}", "query_base": BASE, "start_tls": False} | more
        return DirectorySettings(server_type="OpenLDAPPosix", **values)

    def serve(self, answer: Callable[[bytes], bytes]) -> tuple[int, list[bytes]]:
        """A server that answers what it receives; its port, and what it has received."""
        received: list[bytes] = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                while data := connection.recv(65536):
                    received.append(data)
                    connection.sendall(answer(data))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 30)
        return listening.getsockname()[1], received

    async def test_one_that_never_answers_is_a_failure(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            for more in ({}, {"start_tls": True}, {"secure": True}):
                with self.subTest(**more):
                    await self.fail_to_log_in(self.settings(port, timeout=0.1, **more))

    async def test_one_that_accepts_nothing_is_a_failure(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            await self.fail_to_log_in(self.settings(closed.getsockname()[1]))

    async def test_one_that_speaks_something_else_is_a_failure(self) -> None:
        for answer in (
            b"SSH-2.0-x\r\n",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"0\0",
            b"\x30\x03\x02\x01\x01",
            b"\xff" * 99,
        ):
            with self.subTest(answer=answer):
                port, _ = self.serve(lambda data, answer=answer: answer)  # type: ignore[misc]
                await self.fail_to_log_in(self.settings(port, timeout=0.3))

    async def test_one_that_refuses_tls_hears_no_password(self) -> None:
        def refuse(data: bytes) -> bytes:
            identity = data[2 : 4 + data[3]]
            return bytes([0x30, len(identity) + 9]) + identity + b"\x78\x07\x0a\x01\x02\x04\x00\x04\x00"

        port, received = self.serve(refuse)
        more = {"bind_user_dn": READER_DN, "bind_password": READER_PASSWORD, "start_tls": True}
        detail = await self.fail_to_log_in(self.settings(port, **more))
        self.assertIn("startTLS failed - protocolError", detail)
        self.assertIn(b"1.3.6.1.4.1.1466.20037", received[0])
        self.assertNotIn(READER_PASSWORD.encode(), b"".join(received))

    async def test_a_host_that_is_not_there_is_a_failure(self) -> None:
        await self.fail_to_log_in(self.settings(389, server="nowhere.invalid"))
