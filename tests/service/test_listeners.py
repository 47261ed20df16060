"""Binding addresses."""

import os
import socket
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from qisd.errors import StartupError
from qisd.service.listeners import Listener, bind_all, inherited
from qisd.settings import ListenAddress


class Binding(SynchronousTestCase):
    def bound(self, *addresses: ListenAddress) -> list[Listener]:
        listeners = bind_all(addresses, setting="HTTP_LISTEN")
        for listener in listeners:
            self.addCleanup(listener.bound.close)
        return listeners

    def test_any_free_port_may_be_asked_for(self) -> None:
        (listener,) = self.bound(ListenAddress("127.0.0.1", 0))
        self.assertGreater(listener.bound_port, 0)
        self.assertEqual(str(listener), f"127.0.0.1:{listener.bound_port}")

    def test_connections_are_queued_as_soon_as_it_is_bound(self) -> None:
        (listener,) = self.bound(ListenAddress("127.0.0.1", 0))
        with socket.create_connection(("127.0.0.1", listener.bound_port), 5):
            pass

    def test_a_busy_port_is_named(self) -> None:
        (busy,) = self.bound(ListenAddress("127.0.0.1", 0))
        address = ListenAddress("127.0.0.1", busy.bound_port)
        with self.assertRaises(StartupError) as caught:
            bind_all([address], setting="HTTP_LISTEN")
        self.assertEqual(str(caught.exception), f"HTTP_LISTEN: can't listen on {address}: the port is in use already")
        self.assertEqual(caught.exception.exit_code, 2)

    def test_when_one_fails_none_stays_bound(self) -> None:
        (busy,) = self.bound(ListenAddress("127.0.0.1", 0))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = ListenAddress("127.0.0.1", probe.getsockname()[1])
        with self.assertRaises(StartupError):
            bind_all([free, ListenAddress("127.0.0.1", busy.bound_port)], setting="HTTP_LISTEN")
        self.bound(free)

    def test_an_address_of_another_machine_is_named(self) -> None:
        with self.assertRaisesRegex(StartupError, r"192\.0\.2\.1:0: this machine has no such address"):
            bind_all([ListenAddress("192.0.2.1", 0)], setting="HTTP_LISTEN")

    def test_a_name_that_is_not_known_is_named(self) -> None:
        with self.assertRaisesRegex(StartupError, r"no-such-host\.invalid:0: "):
            bind_all([ListenAddress("no-such-host.invalid", 0)], setting="HTTP_LISTEN")

    def test_all_ipv6_addresses_include_those_of_ipv4(self) -> None:
        (listener,) = self.bound(ListenAddress("::", 0))
        with socket.create_connection(("127.0.0.1", listener.bound_port), 5):
            pass

    def test_without_ipv6_all_addresses_are_those_of_ipv4(self) -> None:
        make = socket.socket

        def without_ipv6(family: int, *rest: int) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            return make(family, *rest)

        with mock.patch("qisd.service.listeners.socket.socket", without_ipv6):
            (listener,) = self.bound(ListenAddress("::", 0))
        self.assertEqual(listener.bound.family, socket.AF_INET)

    def test_a_busy_port_is_waited_for_while_that_is_worth_while(self) -> None:
        (busy,) = self.bound(ListenAddress("127.0.0.1", 0))
        address = ListenAddress("127.0.0.1", busy.bound_port)
        looks = []

        def patient() -> bool:
            looks.append(1)
            if len(looks) == 2:
                busy.bound.close()
            return True

        (listener,) = bind_all([address], setting="HTTP_LISTEN", patient=patient)
        self.addCleanup(listener.bound.close)
        self.assertEqual(listener.bound_port, address.port)
        with self.assertRaises(StartupError):
            bind_all([address], setting="HTTP_LISTEN", patient=lambda: len(looks) > 99)


class TakingOver(SynchronousTestCase):
    def given(self, host: str = "127.0.0.1") -> socket.socket:
        """A socket that somebody else has bound."""
        (listener,) = bind_all([ListenAddress(host, 0)], setting="HTTP_LISTEN")
        self.addCleanup(listener.bound.close)
        return listener.bound

    def test_a_socket_that_is_there_is_used_with_those_who_wait_at_it(self) -> None:
        for host in ("127.0.0.1", "::"):
            there = self.given(host)
            address = ListenAddress(host, there.getsockname()[1])
            with socket.create_connection(("127.0.0.1", address.port), 5):
                given = [there]
                (listener,) = bind_all([address], setting="HTTP_LISTEN", given=given)
                self.assertIs(listener.bound, there)
                self.assertTrue(listener.taken_over)
                self.assertEqual(given, [])
                listener.bound.accept()[0].close()

    def test_one_at_another_address_is_left_alone(self) -> None:
        there = self.given()
        given = [there]
        (listener,) = bind_all([ListenAddress("127.0.0.1", 0)], setting="HTTP_LISTEN", given=given)
        self.addCleanup(listener.bound.close)
        self.assertIsNot(listener.bound, there)
        self.assertFalse(listener.taken_over)
        self.assertEqual(given, [there])


class Counting(Factory):
    """Counts its connections, and tells when there are enough of all that count together."""

    noisy = False

    def __init__(self, enough: Deferred[None], all_of_them: list[str], name: str) -> None:
        self._enough, self._all, self._name = enough, all_of_them, name

    def buildProtocol(self, addr: object) -> Protocol:
        self._all.append(self._name)
        if len(self._all) == 32:
            self._enough.callback(None)
        return Protocol()


class Sharing(TestCase):
    async def test_of_many_who_come_at_once_each_process_gets_its_share(self) -> None:
        (bound,) = bind_all([ListenAddress("127.0.0.1", 0)], setting="HTTP_LISTEN")
        where = ("127.0.0.1", bound.bound_port)
        clients = []
        for _ in range(32):
            clients.append(socket.create_connection(where, 5))
        enough: Deferred[None] = Deferred()
        enough.addTimeout(10, reactor)
        taken: list[str] = []
        shares = [inherited(bound.address, own) for own in (os.dup(bound.bound.fileno()), bound.bound.detach())]
        for name, share in zip("ab", shares, strict=True):
            share.accept(reactor, Counting(enough, taken, name))
        await enough
        for share in shares:
            await share.close()
        for client in clients:
            client.close()
        self.assertGreaterEqual(min(taken.count("a"), taken.count("b")), 12)
